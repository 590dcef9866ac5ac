//! The one thread that owns the connection, with group commit, and its [`Session`]. Every SQL statement that writes
//! is in the modules that extend [`Session`] or call it: intake, mend, resume, send, runs, contacts and traffic.
//!
//! Work that arrives during a COMMIT goes into the next transaction, so a slow disk costs latency and not throughput. A
//! caller is answered after COMMIT. The intake alone is answered at once: nothing is sent before its last call is
//! committed, and all earlier calls with it. After a failure every caller gets the same error, and nothing is written.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::{Connection, Params};
use tokio::sync::oneshot;

use super::busy_wait::BusyWait;
use super::commit_recorder::CommitRecorder;
use super::counts::CountChanges;
use super::error::{LedgerError, Stored};
use super::file::LedgerFiles;
use super::log_watch::LogWatch;
use super::own_record::OwnRecord;
use super::progress::RunProgress;
use super::row::{RowId, RunId};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::paths::resolved;
use crate::token::TokenScheme;

/// Most calls in one transaction: a bound on how long the first of them waits.
const MAX_GROUP: usize = 256;

/// Most calls of the intake in one transaction, of about 500 rows each. Their tokens are random: the fewer transactions,
/// the less often a page of their index is written.
const MAX_UNCOMMITTED: usize = 256;

/// A call of any type that waits for its answer.
trait Work: Send {
    /// Does the work inside of the open transaction.
    fn run(&mut self, session: &mut Session) -> Stored<()>;
    /// Answers the caller.
    fn answer(self: Box<Self>, committed: Result<(), LedgerError>);
}

/// One call: a closure, and later its value.
struct TypedWork<T, F> {
    work: Option<F>,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, F> Work for TypedWork<T, F>
where
    T: Send,
    F: FnOnce(&mut Session) -> Stored<T> + Send,
{
    fn run(&mut self, session: &mut Session) -> Stored<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(session)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), LedgerError>) {
        let TypedWork { value, caller, .. } = *self;
        // A caller that was cancelled needs no answer; its work stays committed.
        let _ = caller.send(committed.and_then(|()| value.ok_or(LedgerError::Stopped)));
    }
}

/// Work for the thread.
struct WriterCall {
    /// Whether the caller is answered at once, and COMMIT may come later.
    is_answered_early: bool,
    work: Box<dyn Work>,
}

/// Handle of the writer's thread. Dropping it waits for the thread, which closes the connection.
#[derive(Debug)]
pub(super) struct LedgerWriter {
    /// `None` once the thread is to end.
    sender: Option<mpsc::Sender<WriterCall>>,
    thread: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl LedgerWriter {
    pub(super) fn start(session: Session) -> Result<Self, LedgerError> {
        let (sender, receiver) = mpsc::channel();
        let path = session.path.clone();
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || serve(session, &receiver))
            .map_err(|source| LedgerError::io(&path, source))?;
        Ok(LedgerWriter { sender: Some(sender), thread: Some(thread) })
    }

    /// Hands work to the thread. The receiver gets its value after COMMIT, or at once if `is_answered_early`.
    pub(super) fn call<T: Send + 'static>(
        &self,
        is_answered_early: bool,
        work: impl FnOnce(&mut Session) -> Stored<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (caller, receiver) = oneshot::channel();
        // If the thread has ended, the call is dropped with its sender, and the receiver gets an error.
        if let Some(sender) = &self.sender {
            let work = Box::new(TypedWork { work: Some(work), value: None, caller });
            let _ = sender.send(WriterCall { is_answered_early, work });
        }
        receiver
    }

    /// Ends the thread after the calls that it was handed.
    pub(super) fn stop(&mut self) -> Result<(), LedgerError> {
        self.sender = None;
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| LedgerError::Stopped)?,
            None => Ok(()),
        }
    }
}

impl Drop for LedgerWriter {
    fn drop(&mut self) {
        // The connection is closed before the lock is released. `Ledger::close` reports a failure.
        let _ = self.stop();
    }
}

fn serve(mut session: Session, receiver: &mpsc::Receiver<WriterCall>) -> Result<(), LedgerError> {
    let mut uncommitted = 0;
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP {
            let Ok(call) = receiver.try_recv() else { break };
            group.push(call);
        }
        let outcome = transaction(&mut session, &mut group, &mut uncommitted);
        let outcome = outcome.map_err(|error| error.of_ledger(&session.path));
        for call in group {
            call.work.answer(outcome.clone());
        }
        if let Err(failure) = outcome {
            // Dropping the connection rolls the transaction back.
            drop(session);
            while let Ok(call) = receiver.recv() {
                call.work.answer(Err(failure.clone()));
            }
            return Err(failure);
        }
    }
    if uncommitted > 0 {
        session.commit().map_err(|error| error.of_ledger(&session.path))?;
    }
    session.close()
}

/// Does all of the work, or none of it. `uncommitted` earlier calls are in the open transaction already.
fn transaction(session: &mut Session, group: &mut [WriterCall], uncommitted: &mut usize) -> Stored<()> {
    if *uncommitted == 0 {
        session.begin_transaction()?;
    }
    for call in group.iter_mut() {
        call.work.run(session)?;
    }
    *uncommitted += group.len();
    if group.iter().all(|call| call.is_answered_early) && *uncommitted < MAX_UNCOMMITTED {
        return Ok(());
    }
    *uncommitted = 0;
    session.commit()
}

/// The writer's connection and the state of its run.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) scheme: TokenScheme,
    /// The run; 0 before there is one, as in `verify`.
    pub(super) run: RunId,
    /// The idempotency window, milliseconds.
    pub(super) window_ms: i64,
    /// `--retry rejected`
    pub(super) retries_rejected: bool,
    /// `--retry unknown`
    pub(super) retries_unknown: bool,
    /// Codes of rejections that the job accepts.
    pub(super) accepted_codes: Vec<String>,
    pub(super) progress: RunProgress,
    /// Changes of the open transaction to the row counts.
    pub(super) counts: CountChanges,
    files: LedgerFiles,
    pub(super) recorder: CommitRecorder,
    /// SQLite's count of changed rows when the transaction began.
    changes_before: u64,
    /// SQLite's number of commits by other connections when this one was opened.
    data_version: i64,
    /// Waits at the start of a transaction, when another program writes to the ledger.
    busy: BusyWait,
    log_watch: LogWatch,
    crash_plan: CrashPlan,
    #[cfg(test)]
    commit_fault: CommitFault,
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        scheme: TokenScheme,
        (files, record): (LedgerFiles, OwnRecord),
        busy: BusyWait,
        crash_plan: CrashPlan,
    ) -> Result<Self, LedgerError> {
        connection.set_prepared_statement_cache_capacity(64);
        let data_version = data_version(&connection).map_err(|source| LedgerError::sqlite(&path, source))?;
        let log_watch = LogWatch::new(&resolved(&path), busy.log_limit);
        Ok(Session {
            connection,
            path,
            scheme,
            run: RunId(0),
            window_ms: 0,
            retries_rejected: false,
            retries_unknown: false,
            accepted_codes: Vec::new(),
            progress: RunProgress::default(),
            counts: CountChanges::default(),
            files,
            recorder: CommitRecorder::new(record),
            changes_before: 0,
            data_version,
            busy,
            log_watch,
            crash_plan,
            #[cfg(test)]
            commit_fault: CommitFault::default(),
        })
    }

    /// A handle that makes a later COMMIT fail.
    #[cfg(test)]
    pub(super) fn commit_fault(&self) -> CommitFault {
        self.commit_fault.clone()
    }

    pub(super) fn begin_transaction(&mut self) -> Stored<()> {
        self.changes_before = self.connection.total_changes();
        let begin = || {
            let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
            begun.map_err(|source| LedgerError::sqlite(&self.path, source))
        };
        // No later statement waits: the transaction has the one lock that other programs can hold.
        Ok(self.busy.until_free(&self.path, begin)?)
    }

    pub(super) fn commit(&mut self) -> Stored<()> {
        self.counts.write(&self.connection)?;
        let is_change = self.connection.total_changes() != self.changes_before;
        if is_change {
            self.recorder.count(&self.connection)?;
        }
        self.recorder.expect_own(&self.connection)?;
        self.crash_plan.reach(CrashPoint::BeforeCommit);
        #[cfg(test)]
        self.commit_fault.reach()?;
        self.connection.execute_batch("COMMIT")?;
        self.crash_plan.reach(CrashPoint::AfterCommit);
        // Before any caller is answered: a commit to a file that was removed is lost.
        self.files.expect_in_place()?;
        if is_change {
            self.recorder.committed();
        }
        if let Some(notice) = self.log_watch.look(&self.connection) {
            self.busy.notify(notice);
        }
        Ok(())
    }

    /// Closes the connection. If nothing else wrote to the ledger, the next run need not check it.
    pub(super) fn close(self) -> Result<(), LedgerError> {
        let is_ours = data_version(&self.connection).is_ok_and(|version| version == self.data_version);
        self.recorder.expect_own(&self.connection)?;
        let path = self.path;
        self.connection.close().map_err(|(_, source)| LedgerError::sqlite(&path, source))?;
        if is_ours {
            self.recorder.closed(&path);
        }
        Ok(())
    }

    /// Executes a guarded UPDATE of one row. It fails if the row is not in the expected state.
    pub(super) fn update_row(&self, row: RowId, sql: &str, parameters: impl Params) -> Stored<()> {
        match self.connection.prepare_cached(sql)?.execute(parameters)? {
            1 => Ok(()),
            _ => Err(LedgerError::Disturbed { row }.into()),
        }
    }
}

/// A number that changes when another connection commits, and not when this one does.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Makes a COMMIT fail as on a full disk.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(super) struct CommitFault(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(test)]
impl CommitFault {
    /// Has the `nth` COMMIT from now on fail, counted from 1.
    pub(super) fn set(&self, nth: u64) {
        self.0.store(nth, std::sync::atomic::Ordering::SeqCst);
    }

    fn reach(&self) -> rusqlite::Result<()> {
        use rusqlite::ffi;
        use std::sync::atomic::Ordering::SeqCst;
        match self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(1) => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::super::testing::{ledger, new_run, row, run_with};
    use super::super::{IntakeTotals, LedgerError, LedgerReader, RowState, ScanCounts};
    use crate::request::{ContactRequest, Operation};
    use crate::source::{Header, Input};

    fn states(folder: &tempfile::TempDir) -> [u64; 2] {
        let counts = LedgerReader::open(&folder.path().join("x.db")).unwrap().state_counts().unwrap();
        [RowState::Pending, RowState::InFlight].map(|state| counts.of(state))
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn a_caller_is_answered_after_its_commit() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
        assert_eq!(states(&folder), [2, 0]);
        let claims = wait(ledger.claim(2)).unwrap();
        for (sent, claim) in (1..).zip(claims) {
            let request = ContactRequest::empty(Operation::CreateContact);
            wait(ledger.begin(claim, request)).unwrap();
            // Another connection sees it at once.
            assert_eq!(states(&folder), [2 - sent, sent]);
        }
    }

    #[test]
    fn rows_of_the_intake_are_committed_with_the_end_of_their_input() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        ledger.start_run(new_run()).unwrap();
        let header = Header::new(vec!["Id".to_owned(), "Name".to_owned()]);
        let ids = ledger.enter_source(&Input::File("/rows.csv".into()), &header).unwrap();
        ledger.take_in(vec![row(&ledger, ids, 2, "1", "a")]).unwrap();
        assert_eq!(states(&folder), [0, 0]);
        ledger.leave_source(ids.0, ScanCounts { rows: 1, ..ScanCounts::default() }).unwrap();
        assert_eq!(states(&folder), [1, 0]);
        ledger.finish_intake(IntakeTotals::default()).unwrap();
    }

    #[test]
    fn a_failed_commit_fails_every_caller_that_waits_for_it_and_nothing_of_it_is_in_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let rows: Vec<String> = (0..64).map(|id| id.to_string()).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|id| (id.as_str(), "a")).collect();
        run_with(&ledger, new_run(), &rows);
        wait(async {
            let claims = ledger.claim(64).await.unwrap();
            ledger.fail_at_commit(1);
            let request = ContactRequest::empty(Operation::CreateContact);
            let begun = claims.into_iter().map(|claim| ledger.begin(claim, request.clone()));
            for outcome in join_all(begun).await {
                assert!(matches!(outcome, Err(LedgerError::Sqlite { .. })), "{outcome:?}");
            }
        });
        assert_eq!(states(&folder), [64, 0]);
    }

    #[test]
    fn after_a_failed_commit_every_later_call_gets_the_same_error() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), &[("1", "a")]);
        ledger.fail_at_commit(2);
        ledger.note_exit(1).unwrap();
        for _ in 0..2 {
            let failed = ledger.end_run("complete", 0);
            assert!(matches!(failed, Err(LedgerError::Sqlite { .. })), "{failed:?}");
        }
        assert!(matches!(ledger.close(), Err(LedgerError::Sqlite { .. })));
        let reader = LedgerReader::open(&folder.path().join("x.db")).unwrap();
        assert_eq!(reader.latest_runs(1).unwrap()[0].ending, None);
        assert_eq!(states(&folder), [1, 0]);
    }
}
