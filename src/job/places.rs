//! Where a job's ledger and its rejects lie.

use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::reading::is_pattern;
use super::{JobError, wrong};
use crate::cli::{JobArgs, LedgersArgs, RunArgs};
use crate::draft::draft_of;
use crate::paths::{resolved, uncompressed, with_suffix};
use crate::source::Input;

/// The ledger of a job, for commands that only read it.
///
/// # Errors
/// The job file is at fault, or nothing says where the ledger is.
pub fn ledger_of(args: &JobArgs) -> Result<PathBuf, JobError> {
    ledger_path(args, &JobFile::for_args(args)?)
}

/// The ledgers of a job, for commands that only read them and may be given several.
///
/// # Errors
/// The job file is at fault, nothing says where a ledger is, or one is named twice.
pub fn ledgers_of(args: &LedgersArgs) -> Result<Vec<PathBuf>, JobError> {
    let ledgers = match (&args.ledger[..], ledger_of(&job_args(args))) {
        ([], Ok(ledger)) => vec![ledger],
        ([], Err(JobError::NoInput)) => return Err(JobError::NoLedger),
        (_, Err(error)) => return Err(error),
        (named, Ok(_)) => named.to_vec(),
    };
    let mut seen = std::collections::HashSet::new();
    match ledgers.iter().find(|ledger| !seen.insert(resolved(ledger))) {
        Some(twice) => Err(wrong("--ledger", format!("names {} twice", twice.display()))),
        None => Ok(ledgers),
    }
}

/// The same job with the first of its ledgers.
pub(super) fn job_args(args: &LedgersArgs) -> JobArgs {
    let LedgersArgs { files, job, ledger, sandbox } = args;
    JobArgs { files: files.clone(), job: job.clone(), ledger: ledger.first().cloned(), sandbox: *sandbox }
}

/// Beside the job file, or without one beside the first CSV.
pub(super) fn ledger_path(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    if let Some(path) = &args.ledger {
        return Ok(path.clone());
    }
    if let (Some(path), false) = (&file.run.ledger, args.sandbox) {
        return Ok(file.beside(path));
    }
    let anchor = match (&file.path, args.files.first()) {
        (Some(job), _) => job.clone(),
        (None, Some(csv)) if csv == Path::new("-") || is_pattern(csv) => return Err(JobError::LedgerUnnamed),
        (None, Some(csv)) => uncompressed(csv),
        (None, None) => return Err(JobError::NoInput),
    };
    let suffix = if args.sandbox { ".sandbox.ledger.db" } else { ".ledger.db" };
    Ok(with_suffix(&anchor.with_extension(""), suffix))
}

/// Where rows that were not created are written: beside the ledger, if nothing else is said.
///
/// # Errors
/// It is where the ledger, what belongs to it, or the job file lies.
pub(super) fn rejects_path(
    args: &RunArgs,
    file: &JobFile,
    ledger: &Path,
    inputs: &[Input],
) -> Result<PathBuf, JobError> {
    let from_file = file.run.rejects.as_ref().filter(|_| !args.job.sandbox);
    let rejects = args.rejects.clone().or_else(|| from_file.map(|path| file.beside(path)));
    let rejects = rejects.unwrap_or_else(|| with_suffix(ledger, ".rejects.csv"));
    keep_apart("--rejects", &rejects, ledger, file.path.as_deref())?;
    Ok(unless_an_input(rejects, inputs))
}

/// What is written never goes where the ledger, what belongs to it, or the job file lies, nor does its draft.
pub(super) fn keep_apart(
    option: &'static str,
    target: &Path,
    ledger: &Path,
    job: Option<&Path>,
) -> Result<(), JobError> {
    let of_ledger = ["", ".lock", "-wal", "-shm"].map(|suffix| with_suffix(&resolved(ledger), suffix));
    let drafts = [draft_of(&resolved(ledger)), with_suffix(&draft_of(&resolved(ledger)), "-journal")];
    let taken: Vec<PathBuf> = of_ledger.into_iter().chain(drafts).chain(job.map(resolved)).collect();
    let own = [resolved(target), draft_of(&resolved(target))];
    if own.iter().any(|path| taken.contains(path)) {
        Err(wrong(option, "names the ledger or the job file; name a file of its own"))
    } else {
        Ok(())
    }
}

/// A rejects file that is being read is never written over: the next one has a number.
fn unless_an_input(rejects: PathBuf, inputs: &[Input]) -> PathBuf {
    let taken = |path: &Path| {
        let identity = Input::File(path.to_owned()).identity();
        inputs.iter().any(|input| input.identity() == identity)
    };
    if !taken(&rejects) {
        return rejects;
    }
    let stem = rejects.with_extension("");
    (2..)
        .map(|number: u32| with_suffix(&stem, &format!("-{number}.csv")))
        .find(|path| !taken(path))
        .unwrap_or(rejects)
}
