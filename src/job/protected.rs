//! The files of a job that no output replaces, not even with `--force`: its ledgers, job file and inputs.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::places::{ledger_path, rejects_named};
use super::{JobError, input, option_error};
use crate::cli::{JobArgs, RunArgs};
use crate::file_kind::open_ordinary;
use crate::ledger::{SQLITE_START, companion_suffixes};
use crate::output_file::{OutputKind, expect_regular};
use crate::paths::{resolved, with_suffix};
use crate::printable::ShownPath as _;
use crate::source::Input;

/// Files of a job that no output replaces.
#[derive(Debug, Default)]
pub(super) struct ProtectedFiles {
    ledgers: Vec<PathBuf>,
    job_files: Vec<PathBuf>,
    /// Paths and patterns of CSV files.
    pub(super) inputs: Vec<PathBuf>,
}

impl ProtectedFiles {
    /// The files of a job that reads or writes `ledgers`. The job file need not be valid.
    pub(super) fn of_job(args: &JobArgs, file: &JobFile, ledgers: &[PathBuf]) -> Self {
        let skeleton = file.request.as_ref().map(|request| PathBuf::from(&request.file));
        ProtectedFiles {
            ledgers: ledgers.iter().cloned().chain(ledger_path(args, file)).collect(),
            job_files: [args.job.clone(), skeleton].into_iter().flatten().collect(),
            inputs: input::named(args, file),
        }
    }

    /// The file that an output option leads to, if the output may be written there.
    ///
    /// # Errors
    /// It is a protected file, or [`OutputKind::expect_replaceable`] refuses it.
    pub(super) fn output(&self, kind: OutputKind, named: &Path, force: bool) -> Result<PathBuf, JobError> {
        self.expect_unprotected(kind.option(), named)?;
        kind.expect_replaceable(named, force)?;
        Ok(resolved(named))
    }

    /// Checks that an option leads to no file of the job.
    ///
    /// # Errors
    /// [`JobError::Option`]
    pub(super) fn expect_unprotected(&self, option: &'static str, named: &Path) -> Result<(), JobError> {
        let target = resolved(named);
        let is_input = |path: &PathBuf| resolved(path) == target || input::is_of_pattern(path, &target);
        let what = if self.is_ledger(&target) {
            "a ledger or a file of one"
        } else if self.job_files.iter().any(|file| resolved(file) == target) {
            "the job file or the skeleton that it names"
        } else if self.inputs.iter().any(is_input) {
            "an input of the job"
        } else {
            return Ok(());
        };
        Err(never_replaced(option, named, what))
    }

    /// Whether a path is a ledger, by its name or its content, or a file that belongs to one.
    fn is_ledger(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_companion = companion_suffixes().into_iter().find_map(|suffix| name.strip_suffix(suffix));
        let ledger = of_companion.map_or_else(|| path.to_owned(), |name| path.with_file_name(name));
        let has_sqlite_header = || {
            let mut start = [0; SQLITE_START.len()];
            let read = open_ordinary(&ledger).and_then(|mut file| file.read_exact(&mut start));
            read.is_ok() && start == *SQLITE_START
        };
        ledger.to_string_lossy().ends_with(".ledger.db")
            || self.ledgers.iter().any(|own| resolved(own) == ledger)
            || has_sqlite_header()
    }
}

fn never_replaced(option: &'static str, path: &Path, what: &str) -> JobError {
    let path = path.shown();
    option_error(option, format!("names {path}, which is {what} and is never replaced; name another file"))
}

/// Checks that an option leads to no file of another option; each of these has its name in messages.
///
/// # Errors
/// [`JobError::Option`]
pub(super) fn expect_apart<'a>(
    option: &'static str,
    named: &Path,
    others: impl IntoIterator<Item = (&'a str, &'a Path)>,
) -> Result<(), JobError> {
    let target = resolved(named);
    match others.into_iter().find(|(_, other)| resolved(other) == target) {
        Some((what, _)) => {
            let problem = format!("names {}, which is {what} as well; name another file", named.shown());
            Err(option_error(option, problem))
        }
        None => Ok(()),
    }
}

/// Checks that an output is none of the inputs that a ledger names.
///
/// # Errors
/// [`JobError::Option`]
pub fn expect_not_imported(option: &'static str, target: &Path, sources: &[String]) -> Result<(), JobError> {
    match sources.iter().any(|source| resolved(Path::new(source)) == target) {
        true => Err(never_replaced(option, target, "an input of the ledger")),
        false => Ok(()),
    }
}

/// The path of a run's rejects file. A rejects file that the run reads is not replaced: the new one gets a number.
pub(super) fn rejects_path(
    args: &RunArgs,
    file: &JobFile,
    ledger: &Path,
    inputs: &[Input],
) -> Result<PathBuf, JobError> {
    let rejects = rejects_named(args, file, ledger);
    let protected = ProtectedFiles {
        ledgers: vec![ledger.to_owned()],
        job_files: file.path.clone().into_iter().collect(),
        inputs: Vec::new(),
    };
    expect_regular(OutputKind::Rejects.option(), &rejects)?;
    protected.expect_unprotected(OutputKind::Rejects.option(), &rejects)?;
    let is_input = |path: &Path| {
        let identity = Input::File(path.to_owned()).identity();
        inputs.iter().any(|input| input.identity() == identity)
    };
    if !is_input(&rejects) {
        return Ok(rejects);
    }
    let stem = rejects.with_extension("");
    let mut numbered = (2..).map(|number: u32| with_suffix(&stem, &format!("-{number}.csv")));
    Ok(numbered.find(|path| !is_input(path)).unwrap_or(rejects))
}
