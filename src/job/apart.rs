//! What is written keeps away from what is read, and from the ledger.

use std::path::{Path, PathBuf};

use super::{JobError, reading, wrong};
use crate::draft::draft_of;
use crate::paths::{resolved, with_suffix};
use crate::source::Input;

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
pub(super) fn unless_an_input(rejects: PathBuf, inputs: &[Input]) -> PathBuf {
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

/// What is written is never written over a ledger, a CSV or the job file, nor where a later run would take it for a CSV.
pub(super) fn keep_what_is_read(
    option: &'static str,
    to: &Path,
    ledgers: &[PathBuf],
    jobs: &[PathBuf],
    inputs: impl IntoIterator<Item = PathBuf>,
) -> Result<(), JobError> {
    if to.is_dir() {
        return Err(wrong(option, format!("names a folder, {}; name a file in it", to.display())));
    }
    if to.exists() && !to.is_file() {
        let problem = format!("names {}, which is no ordinary file; name another", to.display());
        return Err(wrong(option, problem));
    }
    for ledger in ledgers {
        keep_apart(option, to, ledger, None)?;
        for job in jobs {
            keep_apart(option, to, ledger, Some(job))?;
        }
    }
    for input in inputs {
        if resolved(&input) == to || reading::is_of_pattern(&input, to) {
            let problem =
                format!("names {}, which is a CSV of the job; name a file of its own", to.display());
            return Err(wrong(option, problem));
        }
    }
    Ok(())
}
