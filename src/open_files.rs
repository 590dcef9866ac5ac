//! The limit on open files (`ulimit -n`), and how many a command needs at least.
//!
//! Counted in /proc while a run sends one row with a log file and a metrics file: 3 standard streams, 9 of the async
//! runtime and the signal handlers, 5 of the ledger, its log, index and lock, 1 input, 1 log file, a temporary file each for
//! metrics and rejects, and the connection with the files of the name resolution and the certificates. A rehearsal adds its
//! listener and the other end of each connection.
//!
//! Files that the process inherited count towards the limit as well, and no command needs them: shells, schedulers and CI
//! runners leave some open in their children.

use std::sync::OnceLock;

use thiserror::Error;

/// Open files that a run needs at least, with one connection.
pub(crate) const LEAST_OF_RUN: u64 = 40;

/// Open files that any other command needs at least.
pub(crate) const LEAST: u64 = 24;

/// Open files that receiving signals needs at least, with the standard streams.
pub(crate) const LEAST_OF_SIGNALS: u64 = 12;

/// Open files that are certainly enough for any command, for the remedy.
const ENOUGH: u64 = 256;

/// Number of the first file after the standard streams.
const FIRST_AFTER_STREAMS: u64 = 3;

/// Files other than the standard streams that were open when the process started.
static INHERITED: OnceLock<u64> = OnceLock::new();

/// The limit on open files is too low for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the limit on open files is {limit}{}, and this command needs at least {least}; raise it, for example by ulimit -n \
     {enough}, or by LimitNOFILE={enough} in a systemd unit",
    told(*.inherited),
    enough = ENOUGH + .inherited
)]
pub(crate) struct TooFewFiles {
    limit: u64,
    inherited: u64,
    least: u64,
}

fn told(inherited: u64) -> String {
    match inherited {
        0 => String::new(),
        1 => ", 1 file is inherited from the process that started this one".to_owned(),
        several => format!(", {several} files are inherited from the process that started this one"),
    }
}

/// Counts the files that the process inherited. To be called before it opens any.
pub fn count_inherited() {
    let _ = INHERITED.set(open_after_streams(limit().unwrap_or(u64::MAX)));
}

/// Open files from the first one after the standard streams to the limit; 0 where the system does not list them. A file
/// beyond the limit, opened before the limit was lowered, leaves the room for others as it is.
#[cfg(target_os = "linux")]
fn open_after_streams(limit: u64) -> u64 {
    let counts = |number: &u64| (FIRST_AFTER_STREAMS..limit).contains(number);
    match std::fs::read_dir("/proc/self/fd") {
        Ok(files) => {
            let numbers = files.flatten().filter_map(|file| file.file_name().to_str()?.parse::<u64>().ok());
            // One of them is the folder that is read.
            let open = u64::try_from(numbers.filter(counts).count()).unwrap_or(u64::MAX);
            open.saturating_sub(1)
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            limit.saturating_sub(FIRST_AFTER_STREAMS)
        }
        Err(_) => 0,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_after_streams(_limit: u64) -> u64 {
    0
}

fn inherited() -> u64 {
    INHERITED.get().copied().unwrap_or(0)
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

/// Files that the process may have open, other than those that it inherited; none if there is no limit.
pub(crate) fn open_files_limit() -> Option<u64> {
    Some(limit()?.saturating_sub(inherited()))
}

/// Expects that the process may have `least` files open, other than those that it inherited.
///
/// # Errors
/// [`TooFewFiles`]
pub(crate) fn expect_open_files(least: u64) -> Result<(), TooFewFiles> {
    match open_files_limit() {
        Some(allowed) if allowed < least => {
            Err(TooFewFiles { limit: limit().unwrap_or(allowed), inherited: inherited(), least })
        }
        Some(_) | None => Ok(()),
    }
}
