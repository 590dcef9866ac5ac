//! One run a ledger. The operating system holds the lock, so it dies with its holder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lock_record::{Inscription, Seal};
use super::{LedgerError, Opening};
use crate::paths::{is_at, with_suffix};
use crate::permissions::private;

/// The lock on `<ledger>.lock`. The file stays behind after the run; only the lock on it counts.
///
/// It is a file of its own because closing any handle of the SQLite file would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    found: Inscription,
    own: Inscription,
}

impl Lock {
    /// Takes the lock, waiting up to `patience` for another holder, of whom `tell` is told once.
    pub(super) fn take(
        ledger: &Path,
        patience: Duration,
        tell: &mut dyn FnMut(Opening),
    ) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |source| LedgerError::Io { path: path.clone(), source: Arc::new(source) };
        let opened = private().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(io)?;
        let mut locked = within(&file, GLANCE);
        if matches!(locked, Err(TryLockError::WouldBlock)) && !patience.is_zero() {
            tell(Opening::Queued { holder: Inscription::read(&mut file).holder, patience });
            locked = within(&file, patience);
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = Inscription::read(&mut file).holder;
                return Err(LedgerError::Locked { path: ledger.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        if !is_at(&file, &path) {
            // It was removed while this run waited, and another run may hold the one that is there now.
            drop(file);
            return Lock::take(ledger, patience, tell);
        }
        let found = Inscription::read(&mut file);
        let holder = format!("process {}, since {:.0}", std::process::id(), jiff::Timestamp::now());
        // What it tells of stays, until this run has more to tell.
        let own = Inscription { holder, commit: found.commit, closed: None };
        own.write(&mut file).map_err(io)?;
        Ok(Lock { file, found, own })
    }

    /// What the file said when the lock was taken.
    pub(super) fn found(&self) -> &Inscription {
        &self.found
    }

    /// The place where commits and the closing are written down.
    ///
    /// # Errors
    /// The system gives no further handle on the file.
    pub(super) fn seal(&self) -> std::io::Result<Seal> {
        Ok(Seal::new(self.file.try_clone()?, self.own.clone()))
    }
}

/// `status` holds the lock for an instant to see whether a run does.
const GLANCE: Duration = Duration::from_millis(100);

/// Tries until the time is over.
fn within(file: &File, time: Duration) -> Result<(), TryLockError> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if started.elapsed() < time => {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

/// Whether a run holds the lock at this moment.
pub(super) fn is_taken(ledger: &Path) -> bool {
    let Ok(file) = File::open(lock_path(ledger)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Where the lock on a ledger is.
pub(super) fn lock_path(ledger: &Path) -> PathBuf {
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
        let at_once = |ledger| Lock::take(ledger, Duration::ZERO, &mut |_| panic!("it must not wait"));
        let held = at_once(&ledger).unwrap();
        assert!(is_taken(&ledger));
        let error = at_once(&ledger).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert!(at_once(&ledger).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_was_removed_while_a_run_waited_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        let mut first = Some(Lock::take(&ledger, Duration::ZERO, &mut |_| {}).unwrap());
        let mut second = None;
        let third = Lock::take(&ledger, Duration::from_millis(300), &mut |_| {
            if first.is_some() {
                std::fs::remove_file(lock_path(&ledger)).unwrap();
                second = Some(Lock::take(&ledger, Duration::ZERO, &mut |_| {}).unwrap());
                first = None;
            }
        });
        assert!(second.is_some());
        assert!(matches!(third, Err(LedgerError::Locked { .. })), "{third:?}");
    }

    #[test]
    fn a_second_run_may_wait_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        let mut held = Some(Lock::take(&ledger, Duration::ZERO, &mut |_| {}).unwrap());
        let mut holders = Vec::new();
        let hour = Duration::from_secs(3600);
        let waited = Lock::take(&ledger, hour, &mut |opening| {
            let Opening::Queued { holder, .. } = opening else { panic!("{opening:?}") };
            holders.push(holder);
            held = None;
        });
        assert!(waited.is_ok());
        assert!(holders[0].contains("process "), "{holders:?}");
    }
}
