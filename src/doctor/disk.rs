//! Checks of the ledger's folder: its file system, what a run does there, and the free space.

use std::fs::OpenOptions;
use std::path::Path;

use super::CheckResult;
use crate::exit_code::ExitCode;
use crate::file_system::{FileSystem, FileSystemKind};
use crate::ledger::{TrialError, TrialResult, TrialStep, try_folder};
use crate::paths::{folder_of, resolved};
use crate::printable::ShownPath as _;
use crate::temporary_folder::expect_temporary_folder;

const FILE_SYSTEM: &str = "file system";
const DISK: &str = "disk";

const MEBIBYTE: u64 = 1 << 20;

/// Names the file system of the ledger's folder with its risk, after a trial of what a run does there.
pub(super) fn file_system(ledger: &Path) -> CheckResult {
    let ledger = resolved(ledger);
    let folder = folder_of(&ledger);
    let found = FileSystem::of(folder);
    let name = found.as_ref().map_or_else(|| "a file system of unknown type".to_owned(), ToString::to_string);
    match try_folder(folder) {
        Err(error) => trial_failed(folder, &name, found.as_ref(), &error),
        Ok(trial) => judged(&name, found.as_ref(), &trial),
    }
}

fn trial_failed(folder: &Path, name: &str, found: Option<&FileSystem>, error: &TrialError) -> CheckResult {
    let found_text = format!("{}, {name}: {error}", folder.shown());
    let is_bucket = found.is_some_and(|found| found.kind() == FileSystemKind::ObjectStore);
    /// More than a trial writes.
    const TRIAL: u64 = MEBIBYTE;
    let is_full = free_bytes(folder).is_some_and(|free| free < TRIAL);
    let remedy = match error.step {
        _ if is_bucket => "name a ledger on a local disk with --ledger; the bucket can hold the CSV",
        TrialStep::Create | TrialStep::Write => {
            "free space, allow writing to the folder, or name a ledger elsewhere with --ledger"
        }
        _ if is_full => "free space, allow writing to the folder, or name a ledger elsewhere with --ledger",
        TrialStep::Lock | TrialStep::SecondLock => {
            "name a ledger on a local disk with --ledger, or mount with locks (NFS: without nolock)"
        }
        TrialStep::Rename | TrialStep::Sync | TrialStep::Remove => {
            "name a ledger on a local disk with --ledger, or correct the mount"
        }
        TrialStep::Log | TrialStep::SharedMemory => {
            "name a ledger on a local disk with --ledger: SQLite needs shared memory maps and byte-range locks"
        }
    };
    CheckResult::fail(FILE_SYSTEM, ExitCode::Storage, found_text, remedy)
}

fn judged(name: &str, found: Option<&FileSystem>, trial: &TrialResult) -> CheckResult {
    const TRIED: &str = "locks, commits, shared memory, rename and fsync work";
    let kind = found.map_or(FileSystemKind::Unknown, FileSystem::kind);
    match trial {
        _ if let Some((risk, remedy)) = found.and_then(FileSystem::risk) => {
            CheckResult::warn(FILE_SYSTEM, format!("{name}: {risk}"), remedy)
        }
        TrialResult::Works { mode: Some(mode) } => {
            let found = format!("{name}: a file created for its owner alone has mode {mode:04o}");
            let remedy = "others can read the rows in the ledger: name one elsewhere with --ledger, or mount with a umask";
            CheckResult::warn(FILE_SYSTEM, found, remedy)
        }
        _ if kind == FileSystemKind::Memory => {
            let found =
                format!("{name}: the ledger is gone after a restart, and the next run sends every row again");
            CheckResult::warn(FILE_SYSTEM, found, "name a ledger on a disk with --ledger")
        }
        TrialResult::Busy => {
            CheckResult::info(FILE_SYSTEM, format!("{name}; another doctor tries the folder at this moment"))
        }
        TrialResult::Works { .. } if kind == FileSystemKind::Unknown => {
            CheckResult::info(FILE_SYSTEM, format!("{name}; {TRIED} on this host"))
        }
        TrialResult::Works { .. } => CheckResult::pass(FILE_SYSTEM, format!("{name}; {TRIED}")),
    }
}

/// Checks that the ledger is writable, and that its folder has room for inputs of `input` bytes; nothing of a folder that is
/// not there.
pub(super) fn disk(ledger: &Path, input: u64) -> Option<CheckResult> {
    if let Err(error) = expect_temporary_folder() {
        return Some(CheckResult::fail(DISK, ExitCode::Usage, error.to_string(), ""));
    }
    let ledger = resolved(ledger);
    let folder = folder_of(&ledger);
    // Opening a file to append does not change it, and would wait for the reader of a pipe.
    if ledger.is_file()
        && let Err(error) = OpenOptions::new().append(true).open(&ledger)
    {
        let found = format!("{} is not writable: {error}", ledger.shown());
        return Some(CheckResult::fail(DISK, ExitCode::Storage, found, "allow writing to it"));
    }
    if !folder.is_dir() {
        return None;
    }
    let Some(free) = free_bytes(folder) else {
        let found = format!("the free space of {} is unknown", folder.shown());
        let remedy = "make sure that three times the size of the CSVs is free";
        return Some(CheckResult::warn(DISK, found, remedy));
    };
    Some(free_space(folder, free, input))
}

/// Compares the free bytes with the need. A ledger of pending rows took 2.3 times its CSV (a million rows of 116 bytes);
/// it shrinks as rows are created. The rejects file may be as large as the CSV.
fn free_space(folder: &Path, free: u64, input: u64) -> CheckResult {
    /// Size of an empty ledger and its log.
    const LEAST: u64 = 64 * MEBIBYTE;
    let needed = input.saturating_mul(3).saturating_add(LEAST);
    let found = format!(
        "{} MiB free in {}; ledger and rejects need at most {} MiB",
        free / MEBIBYTE,
        folder.shown(),
        needed / MEBIBYTE
    );
    let remedy = "free space: a run without any ends in 74, loses nothing, and continues when there is some";
    if free >= needed {
        CheckResult::pass(DISK, found)
    } else if free >= input.saturating_add(LEAST) {
        CheckResult::warn(DISK, found, remedy)
    } else {
        CheckResult::fail(DISK, ExitCode::Storage, found, remedy)
    }
}

/// Bytes that this user may still write to the folder's disk, if the system says.
fn free_bytes(folder: &Path) -> Option<u64> {
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
    use crate::doctor::CheckStatus;

    #[test]
    fn the_free_space_is_compared_with_the_input() {
        let status = |free| free_space(Path::new("f"), free * MEBIBYTE, 1000 * MEBIBYTE).status;
        assert_eq!(status(3064), CheckStatus::Pass);
        assert_eq!(status(3063), CheckStatus::Warn);
        assert_eq!(status(1063), CheckStatus::Fail(ExitCode::Storage));
    }

    #[test]
    fn a_missing_folder_fails_once_and_an_existing_one_stays_empty() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        assert_ne!(file_system(&ledger).status, CheckStatus::Fail(ExitCode::Storage));
        assert!(disk(&ledger, 0).is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("no/x.db");
        assert_eq!(file_system(&missing).status, CheckStatus::Fail(ExitCode::Storage));
        assert_eq!(disk(&missing, 0), None);
    }

    #[test]
    fn every_step_that_fails_is_named_with_a_remedy() {
        for step in [
            TrialStep::Create,
            TrialStep::Lock,
            TrialStep::SecondLock,
            TrialStep::Write,
            TrialStep::Rename,
            TrialStep::Sync,
            TrialStep::Log,
            TrialStep::SharedMemory,
            TrialStep::Remove,
        ] {
            let error = TrialError { step, problem: "Function not implemented".into() };
            let result = trial_failed(Path::new("/f"), "newfs", None, &error);
            assert_eq!(result.status, CheckStatus::Fail(ExitCode::Storage));
            assert!(result.found.starts_with("/f, newfs: ") && result.found.ends_with("not implemented"));
            assert!(result.remedy.contains("--ledger") || result.remedy.contains("mount"), "{result:?}");
        }
    }

    #[test]
    fn permissions_that_the_mount_widens_are_a_warning() {
        let status = |mode| judged("newfs", None, &TrialResult::Works { mode }).status;
        assert_eq!(status(None), CheckStatus::Info);
        assert_eq!(status(Some(0o755)), CheckStatus::Warn);
    }
}
