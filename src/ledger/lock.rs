//! The lock file `<ledger>.lock`: one run per ledger, and the [`LockRecord`] of the run's last commit.
//!
//! The operating system holds the lock, so it ends with its holder. The file stays.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::LedgerError;
use super::lock_record::{Commit, LockRecord};
use super::opening::Opening;
use super::own_record::{DEAD_AFTER, Heartbeat, OwnRecord, expect_ended};
use super::place::{expect_lock_file, lock_error, lock_path, open_lock_file};
use crate::file_kind::without_following;
use crate::paths::is_at;
use crate::permissions::private;

/// The lock on a ledger. It is on a file of its own, since closing any handle of the SQLite file drops SQLite's locks.
#[derive(Debug)]
pub(super) struct Lock {
    found: LockRecord,
    // Ends before the file is closed, which releases the lock.
    _heartbeat: Heartbeat,
    own: OwnRecord,
}

impl Lock {
    /// Takes the lock. If another run holds it, calls `notify` once and waits up to `lock_wait`. A holder that the lock
    /// does not show is one too.
    pub(super) fn take(
        ledger: &Path,
        lock_wait: Duration,
        notify: &mut dyn FnMut(Opening),
    ) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |source| LedgerError::io(&path, source);
        let mut options = private();
        options.read(true).write(true).create(true).truncate(false);
        let opened = without_following(&mut options).open(&path);
        let mut file = opened.map_err(|source| lock_error(ledger, source))?;
        expect_lock_file(ledger, &mut file)?;
        let mut locked = try_within(&file, PROBE);
        if matches!(locked, Err(TryLockError::WouldBlock)) && !lock_wait.is_zero() {
            notify(Opening::Queued { holder: LockRecord::read_holder(&mut file), lock_wait });
            locked = try_within(&file, lock_wait);
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = LockRecord::read_holder(&mut file);
                return Err(LedgerError::Locked { path: ledger.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        if !is_at(&file, &path).map_err(io)? {
            // The file was removed while this run waited, and another run may hold a new one.
            drop(file);
            return Lock::take(ledger, lock_wait, notify);
        }
        // Another program may have written to it during the wait.
        expect_lock_file(ledger, &mut file)?;
        let found = LockRecord::read(&mut file).map_err(io)?;
        let found = expect_ended(ledger, found, (DEAD_AFTER, lock_wait), notify)?;
        let own = OwnRecord::begin(ledger, file, &found).map_err(io)?;
        let heartbeat = Heartbeat::start(own.clone()).map_err(io)?;
        Ok(Lock { found, _heartbeat: heartbeat, own })
    }

    /// The record that the last holder left.
    pub(super) fn found(&self) -> &LockRecord {
        &self.found
    }

    /// The record, for the thread that commits.
    pub(super) fn record(&self) -> OwnRecord {
        self.own.clone()
    }
}

/// `status` holds the lock for an instant to see whether a run does.
const PROBE: Duration = Duration::from_millis(100);

fn try_within(file: &File, time: Duration) -> Result<(), TryLockError> {
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

/// Whether a run holds the lock of the ledger `file`.
pub(super) fn is_taken(file: &Path) -> bool {
    let Ok(lock) = open_lock_file(file) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The last commit in the lock record of the ledger `file`; none if another user's lock file may not be read.
pub(super) fn recorded_commit(file: &Path) -> Result<Option<Commit>, LedgerError> {
    let read = open_lock_file(file).and_then(|mut lock| LockRecord::read(&mut lock));
    match read.map_err(|error| (error.kind(), error)) {
        Ok(record) => Ok(record.commit),
        Err((io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied, _)) => Ok(None),
        Err((_, source)) => Err(LedgerError::io(&lock_path(file), source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_with_the_name_of_the_holder() {
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
    fn a_lock_on_a_file_that_was_removed_during_the_wait_does_not_count() {
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
    fn a_second_run_can_wait_for_the_first() {
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
