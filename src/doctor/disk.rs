//! Whether there is room for the ledger, and leave to write it.

use std::fs::OpenOptions;
use std::path::Path;

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::paths::{folder_of, resolved};

const CHECK: &str = "disk";

const MEBIBYTE: u64 = 1 << 20;

/// The ledger's own size however small the input is, and its log.
const LEAST: u64 = 64 * MEBIBYTE;

/// `input` is the size of the CSVs. A ledger of rows that wait took 2.3 times its CSV, measured with a million
/// rows of 116 bytes; it shrinks as rows are created. The rejects may be as large as the CSV.
pub(super) fn disk(ledger: &Path, input: u64) -> Diagnosis {
    let ledger = resolved(ledger);
    let folder = folder_of(&ledger);
    if let Err(error) = tempfile::tempfile_in(folder) {
        let found = format!("{} cannot be written to: {error}", folder.display());
        let remedy = "name a ledger elsewhere with --ledger, or mend the folder";
        return Diagnosis::fail(CHECK, ExitCode::Storage, found, remedy);
    }
    // Opening it to append changes nothing.
    if ledger.exists()
        && let Err(error) = OpenOptions::new().append(true).open(&ledger)
    {
        let found = format!("{} cannot be written to: {error}", ledger.display());
        return Diagnosis::fail(CHECK, ExitCode::Storage, found, "give yourself leave to write to it");
    }
    let Some(free) = free(folder) else {
        let found = format!("{} can be written to; its room is not known", folder.display());
        return Diagnosis::warn(CHECK, found, "make sure that there is three times the size of the CSVs");
    };
    verdict(folder, free, input)
}

fn verdict(folder: &Path, free: u64, input: u64) -> Diagnosis {
    let needed = input.saturating_mul(3).saturating_add(LEAST);
    let found = format!(
        "{} MiB free in {}; ledger and rejects need {} MiB at most",
        free / MEBIBYTE,
        folder.display(),
        needed / MEBIBYTE
    );
    let remedy = "make room: a run that finds none ends in 74, loses nothing, and goes on when there is some";
    match free {
        free if free >= needed => Diagnosis::pass(CHECK, found),
        free if free >= input.saturating_add(LEAST) => Diagnosis::warn(CHECK, found, remedy),
        _ => Diagnosis::fail(CHECK, ExitCode::Storage, found, remedy),
    }
}

/// Bytes that this user may still write to the folder's disk, if the system says.
fn free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn the_room_is_held_against_the_input() {
        let verdict = |free| verdict(Path::new("f"), free * MEBIBYTE, 1000 * MEBIBYTE).verdict;
        assert_eq!(verdict(3064), Verdict::Pass);
        assert_eq!(verdict(3063), Verdict::Warn);
        assert_eq!(verdict(1063), Verdict::Fail(ExitCode::Storage));
    }

    #[test]
    fn a_folder_that_is_not_there_fails_and_nothing_is_left_in_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(disk(&folder.path().join("x.db"), 0).verdict, Verdict::Fail(ExitCode::Storage));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(disk(&folder.path().join("no/x.db"), 0).verdict, Verdict::Fail(ExitCode::Storage));
    }
}
