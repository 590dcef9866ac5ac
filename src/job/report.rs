//! The job of `report`.

use std::path::{Path, PathBuf};

use super::apart::keep_what_is_read;
use super::file::JobFile;
use super::outline::Outline;
use super::places::{job_args, ledger_path, ledgers_of};
use super::{JobError, reading};
use crate::cli::{LedgersArgs, ReportArgs};
use crate::paths::{resolved, with_suffix};

/// A page about an import.
#[derive(Clone, Debug)]
pub struct ReportJob {
    /// The ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
    /// The file to write; none is standard output.
    pub to: Option<PathBuf>,
    /// What the job file says, if one is named.
    pub outline: Option<Outline>,
    /// Why it says nothing, for whoever gives the command.
    pub problem: Option<String>,
}

impl ReportJob {
    /// Puts a report together. A job file that is at fault is no reason to make none, as long as it is clear which
    /// ledger is meant.
    ///
    /// # Errors
    /// Nothing says where a ledger is; the file to write is one that is read.
    pub fn resolve(args: &ReportArgs) -> Result<Self, JobError> {
        let job = job_args(&args.ledgers);
        let (file, ledgers, problem) = match (JobFile::for_args(&job), &job.job) {
            (Ok(file), _) => (file, ledgers_of(&args.ledgers)?, None),
            (Err(error), Some(path)) => {
                let mut file = JobFile::default();
                file.path = Some(path.clone());
                let problem = error.to_string();
                let ledgers = without_job(&args.ledgers, &file)?;
                (file, ledgers.ok_or(error)?, Some(problem))
            }
            (Err(error), None) => return Err(error.into()),
        };
        let outline = job.job.as_deref().map(|path| match problem {
            Some(_) => Outline::unreadable(path),
            None => Outline::of(&file),
        });
        let to = match (&args.to, ledgers.first()) {
            (Some(to), _) if to == Path::new("-") => None,
            (Some(to), _) => Some(resolved(to)),
            (None, first) => first.map(|ledger| with_suffix(&resolved(ledger), ".report.html")),
        };
        if let Some(to) = &to {
            let skeleton = file.request.as_ref().map(|request| PathBuf::from(&request.file));
            let jobs: Vec<PathBuf> = file.path.clone().into_iter().chain(skeleton).collect();
            keep_what_is_read("--to", to, &ledgers, &jobs, reading::named(&job, &file))?;
        }
        Ok(ReportJob { ledgers, to, outline, problem })
    }
}

/// The ledgers of a job whose file is at fault: those that are named, or the one that lies where a job file without a
/// word about it has its own. Where there is none the file may well have named another.
fn without_job(args: &LedgersArgs, file: &JobFile) -> Result<Option<Vec<PathBuf>>, JobError> {
    if !args.ledger.is_empty() {
        let named = LedgersArgs { job: None, ..args.clone() };
        return ledgers_of(&named).map(Some);
    }
    let ledger = ledger_path(&job_args(args), file)?;
    Ok(ledger.exists().then(|| vec![ledger]))
}
