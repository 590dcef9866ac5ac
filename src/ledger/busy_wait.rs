//! Waiting for another program that keeps a ledger busy, such as `sqlite3` in a transaction or a tool that makes backups.
//!
//! The wait has a bound, is told once with the name of the program, and ends within the grace period of a signal. What is
//! to be committed stays in the writer's queue meanwhile, and no request leaves, since its intent cannot be committed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::error::LedgerError;
use super::holders::holder_of;
use super::opening::Opening;
use crate::paths::resolved;
use crate::shutdown::Shutdown;

/// How long a command waits for another program. Transactions of backup tools and of people's queries take seconds; the
/// requests in flight are answered within a minute by default, and then nothing is gained by waiting.
const MAX_BUSY: Duration = Duration::from_secs(60);

/// How long readers that tell nobody wait.
const MAX_BRIEF: Duration = Duration::from_secs(2);

/// A wait that is told. Shorter ones need no action.
const TOLD_AFTER: Duration = Duration::from_secs(3);

/// Pause between two attempts, if SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(20);

/// Size of a write-ahead log that is told if a reader is the cause, bytes. SQLite moves the log's pages into the ledger
/// after every 4 MB; the largest transactions of a run, those of the intake, have about 128 MB.
const MAX_LOG: u64 = 256 << 20;

/// What a command tells about its ledger while it goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LedgerNotice {
    /// Opening it takes longer than usual.
    Opening(Opening),
    /// Another program keeps it busy.
    Busy {
        /// The ledger.
        ledger: PathBuf,
        /// The processes, such as `process 4711 (sqlite3)`.
        holder: String,
        /// Longest wait.
        bound: Duration,
    },
    /// Its write-ahead log grows, since another program reads the ledger in one long transaction.
    LogGrown {
        /// The log.
        log: PathBuf,
        /// Its size, bytes.
        bytes: u64,
        /// The processes, such as `process 4711 (sqlite3)`.
        reader: String,
    },
}

/// How long a command waits for other programs, and whom it tells.
#[derive(Clone)]
pub struct BusyWait {
    bound: Duration,
    told_after: Duration,
    /// The signal that shortens the wait, with the grace period after it.
    stop: Option<(Shutdown, Duration)>,
    /// When the signal was noticed first.
    stopped: Arc<OnceLock<Instant>>,
    notify: Arc<dyn Fn(LedgerNotice) + Send + Sync>,
    /// Size of a log that is told, bytes.
    pub(super) log_limit: u64,
}

impl Default for BusyWait {
    /// Waits for two seconds, and tells nobody.
    fn default() -> Self {
        BusyWait { bound: MAX_BRIEF, ..BusyWait::telling(|_| {}) }
    }
}

impl fmt::Debug for BusyWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusyWait").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl BusyWait {
    /// Waits for up to a minute, and calls `notify` if that takes longer than three seconds.
    pub fn telling(notify: impl Fn(LedgerNotice) + Send + Sync + 'static) -> Self {
        BusyWait {
            bound: MAX_BUSY,
            told_after: TOLD_AFTER,
            stop: None,
            stopped: Arc::default(),
            notify: Arc::new(notify),
            log_limit: MAX_LOG,
        }
    }

    /// Waits no longer than `grace` after a signal.
    #[must_use]
    pub fn until(self, shutdown: Shutdown, grace: Duration) -> Self {
        BusyWait { stop: Some((shutdown, grace)), ..self }
    }

    /// The same with another bound, and told at once.
    #[cfg(test)]
    pub(crate) fn of_test(self, bound: Duration, log_limit: u64) -> Self {
        BusyWait { bound, told_after: Duration::ZERO, log_limit, ..self }
    }

    /// Tells the caller of the ledger.
    pub(super) fn notify(&self, notice: LedgerNotice) {
        (self.notify)(notice);
    }

    /// Repeats `work` on the ledger at `path` until no other program keeps it busy, and once if the ledger was misread.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] if it is misread twice; [`LedgerError::Busy`] after the bound, or the grace period after a signal; another error of `work`.
    pub(super) fn until_free<T>(
        &self,
        path: &Path,
        mut work: impl FnMut() -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let started = Instant::now();
        let (mut holder, mut is_misread) = (None, false);
        self.note_signal();
        loop {
            match work() {
                Err(LedgerError::Busy { .. }) => {}
                Err(LedgerError::Misread { problem, .. }) if is_misread => {
                    return Err(LedgerError::damaged(path, problem));
                }
                Err(LedgerError::Misread { .. }) => {
                    is_misread = true;
                    continue;
                }
                outcome => return outcome,
            }
            self.note_signal();
            let waited = started.elapsed();
            if holder.is_none() && waited >= self.told_after {
                let found = holder_of(&resolved(path));
                let (ledger, bound) = (path.to_owned(), self.bound);
                self.notify(LedgerNotice::Busy { ledger, holder: found.clone(), bound });
                holder = Some(found);
            }
            let signal = self.stop.as_ref().and_then(|(shutdown, _)| shutdown.signal());
            if waited >= self.bound || self.is_grace_over() {
                // Another one than at first may hold it now.
                let holder = holder_of(&resolved(path));
                return Err(LedgerError::Busy { path: path.to_owned(), holder, waited, signal });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn note_signal(&self) {
        if self.stop.as_ref().is_some_and(|(shutdown, _)| shutdown.signal().is_some()) {
            self.stopped.get_or_init(Instant::now);
        }
    }

    fn is_grace_over(&self) -> bool {
        let grace = self.stop.as_ref().map_or(Duration::MAX, |(_, grace)| *grace);
        self.stopped.get().is_some_and(|stopped| stopped.elapsed() >= grace)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rusqlite::Connection;

    use super::super::testing::{ledger, new_run, run_with, waiting_ledger};
    use super::super::{LedgerReader, RowState};
    use super::*;
    use crate::request::{ContactRequest, Operation};
    use crate::shutdown::Signal;

    const BRIEF: Duration = Duration::from_millis(100);

    /// A connection of another program to the ledger `x.db`.
    fn other_program(folder: &tempfile::TempDir, sql: &str) -> Connection {
        let connection = Connection::open(folder.path().join("x.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    /// A wait for a tenth of a second, and what it tells.
    fn recorded(log_limit: u64) -> (BusyWait, Arc<Mutex<Vec<LedgerNotice>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let notices = told.clone();
        let wait = BusyWait::telling(move |notice| notices.lock().unwrap().push(notice));
        (wait.of_test(BRIEF, log_limit), told)
    }

    #[test]
    fn a_ledger_that_stays_busy_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        ledger(folder.path()).close().unwrap();
        for sql in ["BEGIN IMMEDIATE", "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT"] {
            let other = other_program(&folder, sql);
            let (wait, told) = recorded(MAX_LOG);
            let refused = waiting_ledger(folder.path(), &wait);
            assert!(matches!(refused, Err(LedgerError::Busy { .. })), "{sql}: {refused:?}");
            assert!(matches!(&told.lock().unwrap()[..], [LedgerNotice::Busy { .. }]), "{sql}");
            drop(other);
            waiting_ledger(folder.path(), &wait).unwrap().close().unwrap();
        }
    }

    #[test]
    fn a_ledger_that_stays_busy_fails_every_caller_and_a_row_whose_intent_was_not_committed_is_pending() {
        let folder = tempfile::tempdir().unwrap();
        let (wait, told) = recorded(MAX_LOG);
        let ledger = waiting_ledger(folder.path(), &wait).unwrap();
        run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut claims = runtime.block_on(ledger.claim(2)).unwrap();
        let other = other_program(&folder, "BEGIN IMMEDIATE");
        for _ in 0..2 {
            let request = ContactRequest::empty(Operation::CreateContact);
            let begun = runtime.block_on(ledger.begin(claims.pop().unwrap(), request));
            let Err(LedgerError::Busy { waited, .. }) = begun else { panic!("it has begun") };
            assert!(waited >= BRIEF);
        }
        assert_eq!(told.lock().unwrap().len(), 1);
        assert!(matches!(ledger.close(), Err(LedgerError::Busy { .. })));
        drop(other);
        let reader = LedgerReader::open(&folder.path().join("x.db")).unwrap();
        assert_eq!(reader.state_counts().unwrap().of(RowState::Pending), 2);
    }

    #[test]
    fn a_log_that_grows_under_a_reader_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (wait, told) = recorded(64 << 10);
        let ledger = waiting_ledger(folder.path(), &wait).unwrap();
        run_with(&ledger, new_run(), &[("1", "a")]);
        let reader = other_program(&folder, "BEGIN");
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        reader.query_row("SELECT count(*) FROM rows", [], count).unwrap();
        for exit in 0..40 {
            ledger.note_exit(exit).unwrap();
        }
        let told = told.lock().unwrap().clone();
        assert!(matches!(&told[..], [LedgerNotice::LogGrown { bytes: 65536.., .. }, ..]), "{told:?}");
    }

    fn busy() -> Result<(), LedgerError> {
        let (path, holder) = (PathBuf::from("x.db"), String::new());
        Err(LedgerError::Busy { path, holder, waited: Duration::ZERO, signal: None })
    }

    #[test]
    fn a_wait_is_told_once_and_ends_at_its_bound() {
        let (wait, told) = recorded(MAX_LOG);
        let ended = wait.until_free(Path::new("x.db"), busy);
        assert!(matches!(ended, Err(LedgerError::Busy { signal: None, .. })), "{ended:?}");
        assert!(matches!(&told.lock().unwrap()[..], [LedgerNotice::Busy { .. }]));
    }

    #[test]
    fn a_wait_ends_when_the_ledger_is_free_and_other_errors_end_it_at_once() {
        let wait = BusyWait::default().of_test(Duration::MAX, 1);
        let mut attempts = 0;
        let done = wait.until_free(Path::new("x.db"), || {
            attempts += 1;
            if attempts < 3 { busy() } else { Ok(()) }
        });
        assert!(done.is_ok() && attempts == 3);
        let failed = wait.until_free(Path::new("x.db"), || Err::<(), _>(LedgerError::Stopped));
        assert!(matches!(failed, Err(LedgerError::Stopped)));
    }

    #[test]
    fn a_ledger_that_was_misread_is_read_again_and_is_damaged_the_second_time() {
        let misread = || {
            let (path, problem) = (PathBuf::from("x.db"), "malformed".to_owned());
            Err(LedgerError::Misread { path, problem })
        };
        let mut attempts = 0;
        let read = BusyWait::default().until_free(Path::new("x.db"), || {
            attempts += 1;
            if attempts == 1 { misread() } else { Ok(()) }
        });
        assert!(read.is_ok() && attempts == 2);
        let damaged = BusyWait::default().until_free(Path::new("x.db"), misread);
        assert!(matches!(damaged, Err(LedgerError::Damaged { .. })), "{damaged:?}");
    }

    #[test]
    fn a_signal_ends_a_wait_after_the_grace_period() {
        let (sender, shutdown) = Shutdown::manual();
        let wait = BusyWait::telling(|_| {}).until(shutdown, Duration::from_millis(50));
        let wait = wait.of_test(Duration::MAX, 1);
        let ended = wait.until_free(Path::new("x.db"), || {
            let _ = sender.send(Some(Signal::Terminate));
            busy()
        });
        let Err(LedgerError::Busy { signal, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!(signal, Some(Signal::Terminate));
    }
}
