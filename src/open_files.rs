//! The limit on open files (`ulimit -n`), and how many a command needs at least.
//!
//! Counted in /proc while a run sends one row with a log file and a metrics file: 3 standard streams, 9 of the async
//! runtime and the signal handlers, 5 of the ledger, its log, index and lock, 1 input, 1 log file, a temporary file each for
//! metrics and rejects, and the connection with the files of the name resolution and the certificates. A rehearsal adds its
//! listener and the other end of each connection.

use thiserror::Error;

/// Open files that a run needs at least, with one connection.
pub(crate) const LEAST_OF_RUN: u64 = 40;

/// Open files that any other command needs at least.
pub(crate) const LEAST: u64 = 24;

/// The limit on open files is too low for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the limit on open files is {limit}, and this command needs at least {least}; raise it, for example by ulimit -n 256, \
     or by LimitNOFILE=256 in a systemd unit"
)]
pub(crate) struct TooFewFiles {
    limit: u64,
    least: u64,
}

/// The process's limit on open files; none if there is no limit.
pub(crate) fn open_files_limit() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// Expects that the process may open `least` files.
///
/// # Errors
/// [`TooFewFiles`]
pub(crate) fn expect_open_files(least: u64) -> Result<(), TooFewFiles> {
    match open_files_limit() {
        Some(limit) if limit < least => Err(TooFewFiles { limit, least }),
        Some(_) | None => Ok(()),
    }
}
