//! The lock file `<ledger>.lock`: one run per ledger, and a record of the run's last commit.
//!
//! The operating system holds the lock, so it ends with its holder. The file stays. The record shows that commits are
//! missing: after a crash they are in the write-ahead log alone, and the ledger does not show that a log was deleted.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::LedgerError;
use super::file::modified_ns;
use crate::paths::{is_at, with_suffix};
use crate::permissions::private;

/// Why opening a ledger takes time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Another run holds the ledger, and this one waits for it.
    Queued {
        /// The holder's line in the lock file.
        holder: String,
        /// How long this run waits at most.
        lock_wait: Duration,
    },
    /// The last run did not close the ledger, so that every page of it is checked.
    Examined {
        /// Size of the ledger, bytes.
        bytes: u64,
    },
}

/// A commit of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Commit {
    pub(super) run: i64,
    /// Number among the run's commits, from 1.
    pub(super) number: i64,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}, commit {}", self.run, self.number)
    }
}

impl Commit {
    fn parse(line: &str) -> Option<Self> {
        let (run, number) = numbers(line, "run ", ", commit ")?;
        Some(Commit { run, number })
    }
}

/// Size and modification time of the ledger's file when its last run closed it. A file that still has both is not
/// checked for damage by a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClosedFile {
    bytes: i64,
    modified_ns: i64,
}

impl ClosedFile {
    /// The file at `path` as it is now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        let bytes = i64::try_from(metadata.len()).map_err(io::Error::other)?;
        Ok(ClosedFile { bytes, modified_ns: modified_ns(&metadata)? })
    }

    fn parse(line: &str) -> Option<Self> {
        let (bytes, modified_ns) = numbers(line, "closed with ", " bytes, modified ")?;
        Some(ClosedFile { bytes, modified_ns })
    }
}

fn numbers(line: &str, before: &str, between: &str) -> Option<(i64, i64)> {
    let (one, other) = line.strip_prefix(before)?.split_once(between)?;
    Some((one.parse().ok()?, other.parse().ok()?))
}

/// Content of the lock file, one line each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LockRecord {
    /// Current or last holder of the lock.
    pub(super) holder: String,
    pub(super) commit: Option<Commit>,
    /// `None` while a run holds the ledger, or after a run that died.
    pub(super) closed: Option<ClosedFile>,
}

impl LockRecord {
    pub(super) fn read(file: &mut File) -> Self {
        let mut text = String::new();
        // An unreadable record is as good as none: the lock itself does not depend on it.
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
        let holder = text.lines().next().filter(|holder| !holder.is_empty()).unwrap_or("unknown process");
        LockRecord {
            holder: holder.to_owned(),
            commit: text.lines().find_map(Commit::parse),
            closed: text.lines().find_map(ClosedFile::parse),
        }
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let commit = self.commit.map(|commit| format!("{commit}\n")).unwrap_or_default();
        let closed = self.closed.map(|ClosedFile { bytes, modified_ns }| {
            format!("closed with {bytes} bytes, modified {modified_ns}\n")
        });
        let text = format!("{}\n{commit}{}", self.holder, closed.unwrap_or_default());
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        // It is written with every commit, and seldom gets shorter.
        if file.metadata()?.len() != text.len() as u64 {
            file.set_len(text.len() as u64)?;
        }
        Ok(())
    }
}

/// Writes the lock record of the run that holds the lock. A failure is ignored: the record then names an earlier commit
/// than the ledger has, which is allowed.
#[derive(Debug)]
pub(super) struct LockRecorder {
    file: File,
    record: LockRecord,
}

impl LockRecorder {
    /// Records a commit that is on disk.
    pub(super) fn commit(&mut self, commit: Commit) {
        self.record.commit = Some(commit);
        let _ = self.record.write(&mut self.file);
    }

    /// Records that the ledger was closed as its file is now.
    pub(super) fn close(mut self, ledger: &Path) {
        self.record.closed = ClosedFile::of(ledger).ok();
        let _ = self.record.write(&mut self.file);
    }
}

/// The lock on a ledger. It is on a file of its own, since closing any handle of the SQLite file drops SQLite's locks.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    found: LockRecord,
    own: LockRecord,
}

impl Lock {
    /// Takes the lock. If another run holds it, calls `notify` once and waits up to `lock_wait`.
    pub(super) fn take(
        ledger: &Path,
        lock_wait: Duration,
        notify: &mut dyn FnMut(Opening),
    ) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |source| LedgerError::io(&path, source);
        let opened = private().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(io)?;
        let mut locked = try_within(&file, PROBE);
        if matches!(locked, Err(TryLockError::WouldBlock)) && !lock_wait.is_zero() {
            notify(Opening::Queued { holder: LockRecord::read(&mut file).holder, lock_wait });
            locked = try_within(&file, lock_wait);
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = LockRecord::read(&mut file).holder;
                return Err(LedgerError::Locked { path: ledger.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        if !is_at(&file, &path) {
            // The file was removed while this run waited, and another run may hold a new one.
            drop(file);
            return Lock::take(ledger, lock_wait, notify);
        }
        let found = LockRecord::read(&mut file);
        let holder = format!("process {}, since {:.0}", std::process::id(), jiff::Timestamp::now());
        let own = LockRecord { holder, commit: found.commit, closed: None };
        own.write(&mut file).map_err(io)?;
        Ok(Lock { file, found, own })
    }

    /// The record that the last holder left.
    pub(super) fn found(&self) -> &LockRecord {
        &self.found
    }

    /// A second handle on the file, for the thread that commits.
    pub(super) fn recorder(&self) -> io::Result<LockRecorder> {
        Ok(LockRecorder { file: self.file.try_clone()?, record: self.own.clone() })
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
    let Ok(lock) = File::open(lock_path(file)) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The last commit in the lock record of the ledger `file`.
pub(super) fn recorded_commit(file: &Path) -> Option<Commit> {
    let mut lock = File::open(lock_path(file)).ok()?;
    LockRecord::read(&mut lock).commit
}

/// Lock file of the ledger `file`.
pub(super) fn lock_path(file: &Path) -> PathBuf {
    with_suffix(file, ".lock")
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

    #[test]
    fn a_lock_record_is_read_as_it_was_written() {
        let mut file = tempfile::tempfile().unwrap();
        let closed = ClosedFile { bytes: 4096, modified_ns: 1_795_262_400_000_000_000 };
        let commit = Commit { run: 3, number: 4711 };
        for record in [
            LockRecord { holder: "process 7".into(), commit: Some(commit), closed: Some(closed) },
            LockRecord { holder: "process 8, since today".into(), commit: Some(commit), closed: None },
            LockRecord { holder: "p".into(), commit: None, closed: None },
        ] {
            record.write(&mut file).unwrap();
            assert_eq!(LockRecord::read(&mut file), record);
        }
    }

    #[test]
    fn other_lines_of_a_lock_file_are_ignored() {
        for line in ["", "run 3", "run x, commit 1", "process 1, since yesterday", "closed with 1 bytes"] {
            assert_eq!(Commit::parse(line), None, "{line}");
            assert_eq!(ClosedFile::parse(line), None, "{line}");
        }
    }
}
