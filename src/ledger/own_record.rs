//! The lock record while this process holds the lock: written with every commit, and else every second.
//!
//! Two views of one folder, such as two FUSE mounts, may not share locks, so that two runs are each given the lock. The
//! record shows each run the other: a run that is given the lock although the record was not closed waits for a change
//! of it, and a run whose record another one has overwritten commits nothing more.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::LedgerError;
use super::lock_holder::Holder;
use super::lock_record::{ClosedFile, Commit, LockRecord};
use super::opening::Opening;
use super::place::{lock_path, open_lock_file};

/// How often the record of a run that commits nothing changes.
const BEAT: Duration = Duration::from_secs(1);

/// A record that does not change for this time has no living holder. Longer than NFS and FUSE keep what they read.
pub(super) const DEAD_AFTER: Duration = Duration::from_secs(5);

/// How often the record of another holder is read.
const LOOK: Duration = Duration::from_millis(200);

/// The record, for the thread that commits and the one that changes it every second.
#[derive(Clone, Debug)]
pub(super) struct OwnRecord(Arc<Mutex<WrittenRecord>>);

#[derive(Debug)]
struct WrittenRecord {
    ledger: PathBuf,
    file: File,
    holder: Holder,
    record: LockRecord,
    /// Whether it was written since the last beat.
    is_fresh: bool,
}

impl OwnRecord {
    /// Writes the record of a new holder, which replaces `found`.
    pub(super) fn begin(ledger: &Path, mut file: File, found: &LockRecord) -> io::Result<Self> {
        let holder = Holder::new();
        let commit = found.commit.clone();
        let record = LockRecord { holder: Some(holder.clone()), beat: 0, commit, closed: None };
        record.write(&mut file)?;
        let written = WrittenRecord { ledger: ledger.to_owned(), file, holder, record, is_fresh: true };
        Ok(OwnRecord(Arc::new(Mutex::new(written))))
    }

    fn written(&self) -> MutexGuard<'_, WrittenRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn holder(&self) -> Holder {
        self.written().holder.clone()
    }

    /// Expects that no other run has overwritten the record.
    pub(super) fn expect_own(&self) -> Result<(), LedgerError> {
        let written = self.written();
        match written.other_holder() {
            Some(other) => Err(LedgerError::TakenOver {
                path: written.ledger.clone(),
                own: written.holder.name.clone(),
                other: other.name,
            }),
            None => Ok(()),
        }
    }

    /// Records a commit that is on disk. A failure is ignored: the record then names an earlier commit than the ledger
    /// has, which is allowed.
    pub(super) fn commit(&self, commit: Commit) {
        let mut written = self.written();
        written.record.commit = Some(commit);
        let _ = written.write();
    }

    /// Records that the ledger was closed as its file is now.
    pub(super) fn close(&self, ledger: &Path) {
        let mut written = self.written();
        written.record.closed = ClosedFile::of(ledger).ok();
        let _ = written.write();
    }

    fn beat(&self) {
        let mut written = self.written();
        if std::mem::take(&mut written.is_fresh) || written.record.closed.is_some() {
            return;
        }
        // The next commit tells it. The record of the other run stays, so that it is told.
        if written.other_holder().is_none() {
            written.record.beat += 1;
            let _ = written.write();
            written.is_fresh = false;
        }
    }
}

impl WrittenRecord {
    fn write(&mut self) -> io::Result<()> {
        self.is_fresh = true;
        self.record.write(&mut self.file)
    }

    /// The holder in the file, if it is another. The file is opened again: what another view wrote is not seen otherwise.
    fn other_holder(&self) -> Option<Holder> {
        // A file that is gone is noticed elsewhere, and a file that cannot be read proves nothing.
        let found = LockRecord::read(&mut open_lock_file(&self.ledger).ok()?).ok()?.holder?;
        (found.nonce != self.holder.nonce).then_some(found)
    }
}

/// The thread that changes the record every second, until it is dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(super) fn start(record: OwnRecord) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("lock".into()).spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                record.beat();
            }
        })?;
        Ok(Heartbeat { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Expects that the holder in `found`, the record of a lock that this run was given, does not live: a record that
/// is not closed does not change for `dead_after`. Waits up to `lock_wait` for a living one, and calls `notify` once. Returns
/// the record as it is then.
pub(super) fn expect_ended(
    ledger: &Path,
    mut found: LockRecord,
    (dead_after, lock_wait): (Duration, Duration),
    notify: &mut dyn FnMut(Opening),
) -> Result<LockRecord, LedgerError> {
    let started = Instant::now();
    let mut changed: Option<Instant> = None;
    loop {
        let has_ended = found.holder.as_ref().is_none_or(Holder::has_ended);
        if found.closed.is_some() || has_ended || changed.unwrap_or(started).elapsed() >= dead_after {
            return Ok(found);
        }
        std::thread::sleep(LOOK.min(dead_after));
        let now = open_lock_file(ledger).and_then(|mut file| LockRecord::read(&mut file));
        let now = now.map_err(|source| LedgerError::io(&lock_path(ledger), source))?;
        if now == found {
            continue;
        }
        let is_first = changed.replace(Instant::now()).is_none();
        found = now;
        if found.closed.is_none() && started.elapsed() >= lock_wait {
            return Err(LedgerError::LockedElsewhere {
                path: ledger.to_owned(),
                holder: found.holder_name(),
            });
        }
        if is_first {
            notify(Opening::Queued { holder: found.holder_name(), lock_wait });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of a holder on another machine in the lock file of `ledger`.
    fn elsewhere(ledger: &Path) -> (File, LockRecord) {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(lock_path(ledger)).unwrap();
        let holder = Holder::parse("process 7 on web-2, since noon", "nonce 00000000000000ff");
        let record = LockRecord { holder, beat: 1, commit: None, closed: None };
        record.write(&mut file).unwrap();
        (file, record)
    }

    const SHORT: Duration = Duration::from_millis(400);

    #[test]
    fn a_run_that_is_given_the_lock_waits_for_a_sign_of_the_holder_in_a_record_that_was_not_closed() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        let (mut file, mut record) = elsewhere(&ledger);
        let begun = Instant::now();
        let found =
            expect_ended(&ledger, record.clone(), (SHORT, Duration::ZERO), &mut |_| panic!()).unwrap();
        assert!(begun.elapsed() >= SHORT, "it took it at once");
        assert_eq!(found, record);
        // A holder that lives.
        let old = record.clone();
        record.beat += 1;
        record.write(&mut file).unwrap();
        let refused = expect_ended(&ledger, old, (SHORT, Duration::ZERO), &mut |_| panic!()).unwrap_err();
        assert!(matches!(&refused, LedgerError::LockedElsewhere { holder, .. } if holder.contains("web-2")));
    }

    #[test]
    fn with_lock_wait_a_living_holder_that_is_not_locked_out_is_waited_for_until_it_closes_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        std::fs::write(&ledger, "ledger").unwrap();
        let (mut file, mut record) = elsewhere(&ledger);
        let old = LockRecord { beat: 0, ..record.clone() };
        let hour = Duration::from_secs(3600);
        let found = expect_ended(&ledger, old, (hour, hour), &mut |_| {
            record.closed = ClosedFile::of(&ledger).ok();
            record.write(&mut file).unwrap();
        });
        assert_eq!(found.unwrap(), record);
    }

    #[test]
    fn a_record_that_another_run_overwrote_is_left_to_it_and_ends_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        let (file, record) = elsewhere(&ledger);
        let own = OwnRecord::begin(&ledger, file, &record).unwrap();
        for _ in 0..2 {
            own.beat();
            own.expect_own().unwrap();
        }
        let read = || LockRecord::read(&mut open_lock_file(&ledger).unwrap()).unwrap();
        assert_eq!(read().beat, 1, "the first beat after a commit changes nothing");
        let (_file, other) = elsewhere(&ledger);
        own.beat();
        own.beat();
        assert_eq!(read(), other);
        let refused = own.expect_own().unwrap_err().to_string();
        assert!(refused.contains("process 7 on web-2") && refused.contains(&own.holder().name), "{refused}");
    }
}
