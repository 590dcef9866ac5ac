//! One run a ledger. The operating system holds the lock, so it dies with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LedgerError;
use super::seal::{Commit, Seal};
use crate::paths::with_suffix;

/// The lock on `<ledger>.lock`. The file stays behind after the run; only the lock on it counts.
///
/// It is a file of its own because closing any handle of the SQLite file would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    holder: String,
    /// The last commit that the file told of.
    sealed: Option<Commit>,
}

impl Lock {
    /// Takes the lock, waiting up to `patience` for another holder, of whom `queued` is told once.
    pub(super) fn take(
        ledger: &Path,
        patience: Duration,
        queued: &mut dyn FnMut(&str),
    ) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |source| LedgerError::Io { path: path.clone(), source: Arc::new(source) };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io)?;
        let mut locked = within(&file, GLANCE);
        if matches!(locked, Err(TryLockError::WouldBlock)) && !patience.is_zero() {
            queued(&holder(&mut file));
            locked = within(&file, patience);
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Locked { path: ledger.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        if !is_at(&file, &path) {
            // It was removed while this run waited, and another run may hold the one that is there now.
            drop(file);
            return Lock::take(ledger, patience, queued);
        }
        let sealed = content(&mut file).lines().find_map(|line| line.parse().ok());
        let holder = format!("process {}, since {:.0}", std::process::id(), jiff::Timestamp::now());
        // What it tells of stays, until this run has more to tell.
        let text = sealed.map_or_else(|| format!("{holder}\n"), |commit| format!("{holder}\n{commit}\n"));
        file.rewind().and_then(|()| file.write_all(text.as_bytes())).map_err(io)?;
        file.set_len(text.len() as u64).map_err(io)?;
        Ok(Lock { file, holder, sealed })
    }

    /// The last commit that the file told of when the lock was taken.
    pub(super) fn sealed(&self) -> Option<Commit> {
        self.sealed
    }

    /// The place where commits are written down.
    ///
    /// # Errors
    /// The system gives no further handle on the file.
    pub(super) fn seal(&self) -> std::io::Result<Seal> {
        Ok(Seal::new(self.file.try_clone()?, self.holder.clone()))
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

/// What the holder wrote. Who holds it is a courtesy; that it is held is the point.
fn holder(file: &mut File) -> String {
    match content(file).lines().next() {
        Some(holder) if !holder.is_empty() => holder.to_owned(),
        Some(_) | None => "unknown process".to_owned(),
    }
}

fn content(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    text
}

/// Whether the path still leads to the open file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        file.metadata().map(id).is_ok_and(|open| path.metadata().map(id).is_ok_and(|there| there == open))
    }
    #[cfg(not(unix))]
    {
        // There an open file cannot be removed.
        let _ = (file, path);
        true
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
        let waited = Lock::take(&ledger, hour, &mut |holder| {
            holders.push(holder.to_owned());
            held = None;
        });
        assert!(waited.is_ok());
        assert!(holders[0].contains("process "), "{holders:?}");
    }
}
