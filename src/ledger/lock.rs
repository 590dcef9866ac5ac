//! One run a ledger. The operating system holds the lock, so it dies with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::LedgerError;
use crate::paths::with_suffix;

/// The lock on `<ledger>.lock`. The file stays behind after the run; only the lock on it counts.
///
/// It is a file of its own because closing any handle of the SQLite file would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |source| LedgerError::Io { path: path.clone(), source: Arc::new(source) };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a courtesy; that it is held is the point.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "unknown process".to_owned() } else { holder };
                return Err(LedgerError::Locked {
                    path: ledger.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        let started = jiff::Timestamp::now();
        writeln!(file, "process {}, since {started:.0}", std::process::id()).map_err(io)?;
        Ok(Lock { _file: file })
    }
}

/// Tries for a tenth of a second: `status` holds the lock for an instant to see whether a run does.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            outcome => return outcome,
        }
    }
    file.try_lock()
}

/// Whether a run holds the lock at this moment.
pub(super) fn is_taken(ledger: &Path) -> bool {
    let Ok(file) = File::open(lock_path(ledger)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn lock_path(ledger: &Path) -> PathBuf {
    with_suffix(ledger, ".lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_holds_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        assert!(!is_taken(&ledger));
        let held = Lock::take(&ledger).unwrap();
        assert!(is_taken(&ledger));
        let error = Lock::take(&ledger).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert!(Lock::take(&ledger).is_ok());
    }
}
