//! The job of `report`.

use std::path::{Path, PathBuf};

use super::JobError;
use super::apart::Kept;
use super::file::JobFile;
use super::outline::Outline;
use super::places::{job_args, ledger_path, ledgers_of, named_identity};
use crate::cli::{GlobalArgs, LedgersArgs, ReportArgs};
use crate::ledger::NamedIdentity;
use crate::paths::{resolved, with_suffix};

/// A page about an import.
#[derive(Clone, Debug)]
pub struct ReportJob {
    /// The ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
    /// Whose they are to be.
    pub named: NamedIdentity,
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
    pub fn resolve(args: &ReportArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let job = job_args(&args.ledgers);
        let (file, ledgers, problem) = match (JobFile::at(job.job.as_deref()), &job.job) {
            (Ok(file), _) => {
                let ledgers = ledgers_of(&args.ledgers, &file)?;
                (file, ledgers, None)
            }
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
        let kept = Kept::of(&job, global, &file).with_ledgers(&ledgers);
        let to = match (&args.to, ledgers.first()) {
            (Some(to), _) if to == Path::new("-") => None,
            (Some(to), _) => Some(kept.target("--to", to)?),
            (None, first) => first
                .map(|ledger| kept.target("--to", &with_suffix(&resolved(ledger), ".report.html")))
                .transpose()?,
        };
        // What the job names is not held against the ledgers where its file is at fault.
        let named =
            if problem.is_none() { named_identity(&args.ledgers, &file)? } else { NamedIdentity::default() };
        Ok(ReportJob { ledgers, named, to, outline, problem })
    }
}

/// The ledgers of a job whose file is at fault: those that are named, or the one that lies where a job file without a
/// word about it has its own. Where there is none the file may well have named another.
fn without_job(args: &LedgersArgs, file: &JobFile) -> Result<Option<Vec<PathBuf>>, JobError> {
    if !args.ledger.is_empty() {
        return ledgers_of(args, file).map(Some);
    }
    let ledger = ledger_path(&job_args(args), file)?;
    Ok(ledger.exists().then(|| vec![ledger]))
}
