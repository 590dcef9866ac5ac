//! The command `report`, resolved from its arguments and the job file.

use std::path::{Path, PathBuf};

use super::JobError;
use super::file::JobFile;
use super::outline::Outline;
use super::places::{is_there, job_args, ledger_path, ledgers_of, named_identity};
use super::protected::ProtectedFiles;
use crate::cli::{LedgersArgs, ReportArgs};
use crate::ledger::NamedIdentity;
use crate::output_file::OutputKind;
use crate::paths::{resolved, with_suffix};

/// A resolved `report` command.
#[derive(Clone, Debug)]
pub struct ReportJob {
    /// Paths of the ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
    /// The identity that the ledgers must have, as far as a valid job file names it.
    pub named: NamedIdentity,
    /// The output file, or `None` for standard output.
    pub to: Option<PathBuf>,
    /// The contents of the job file that the page shows.
    pub outline: Option<Outline>,
    /// Why the job file cannot be read.
    pub problem: Option<String>,
}

impl ReportJob {
    /// Resolves the arguments of `report` and the job file. An invalid job file is reported in
    /// [`problem`](ReportJob::problem), as long as a ledger is found without it.
    ///
    /// # Errors
    /// No ledger is named; the output file may not be written.
    pub fn resolve(args: &ReportArgs) -> Result<Self, JobError> {
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
                let ledgers = ledgers_without_job(&args.ledgers, &file)?;
                (file, ledgers.ok_or(error)?, Some(problem))
            }
            (Err(error), None) => return Err(error.into()),
        };
        let outline = job.job.as_deref().map(|path| match problem {
            Some(_) => Outline::unreadable(path),
            None => Outline::of(&file),
        });
        let named = match (&args.to, ledgers.first()) {
            (Some(to), _) => Some(to.clone()).filter(|to| to != Path::new("-")),
            (None, first) => first.map(|ledger| with_suffix(&resolved(ledger), ".report.html")),
        };
        let protected = ProtectedFiles::of_job(&job, &file, &ledgers);
        let to = named.map(|to| protected.output(OutputKind::Report, &to, args.force)).transpose()?;
        // An invalid job file names no identity.
        let named =
            if problem.is_none() { named_identity(&args.ledgers, &file)? } else { NamedIdentity::default() };
        Ok(ReportJob { ledgers, named, to, outline, problem })
    }
}

/// The ledgers of a job whose file is invalid: those named by `--ledger`, or the existing one at the default path. `None`
/// if there is neither, since the job file may have named another.
fn ledgers_without_job(args: &LedgersArgs, file: &JobFile) -> Result<Option<Vec<PathBuf>>, JobError> {
    if !args.ledger.is_empty() {
        return ledgers_of(args, file).map(Some);
    }
    let ledger = ledger_path(&job_args(args), file)?;
    Ok(is_there(&ledger)?.then(|| vec![ledger]))
}
