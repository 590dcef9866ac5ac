//! The one thread that owns the connection, with group commit.
//!
//! Work that arrives during a COMMIT goes into the next transaction, so a slow disk costs latency and not throughput. A
//! caller is answered after COMMIT. The intake alone is answered at once: nothing is sent before its last call is
//! committed, and all earlier calls with it. After a failure every caller gets the same error, and nothing is written.

use std::fmt;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::error::{LedgerError, Stored};
use super::session::Session;

/// Most calls in one transaction: a bound on how long the first of them waits.
const MAX_GROUP: usize = 256;

/// Most calls of the intake in one transaction, of about 500 rows each. Their tokens are random: the fewer transactions,
/// the less often a page of their index is written.
const MAX_UNCOMMITTED: usize = 256;

/// A call of any type that waits for its answer.
trait Work: Send {
    /// Whether the caller is answered at once, and COMMIT may come later.
    fn is_answered_early(&self) -> bool;
    /// Does the work inside of the open transaction.
    fn run(&mut self, session: &mut Session) -> Stored<()>;
    /// Answers the caller.
    fn answer(self: Box<Self>, committed: Result<(), LedgerError>);
}

/// One call: a closure, and later its value.
struct WriterCall<T, F> {
    is_answered_early: bool,
    work: Option<F>,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, F> Work for WriterCall<T, F>
where
    T: Send,
    F: FnOnce(&mut Session) -> Stored<T> + Send,
{
    fn is_answered_early(&self) -> bool {
        self.is_answered_early
    }

    fn run(&mut self, session: &mut Session) -> Stored<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(session)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), LedgerError>) {
        let WriterCall { value, caller, .. } = *self;
        // A caller that was cancelled needs no answer; its work stays committed.
        let _ = caller.send(committed.and_then(|()| value.ok_or(LedgerError::Stopped)));
    }
}

/// Handle of the writer's thread. Dropping it waits for the thread, which closes the connection.
pub(super) struct LedgerWriter {
    /// `None` once the thread is to end.
    sender: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl fmt::Debug for LedgerWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerWriter")
    }
}

impl LedgerWriter {
    pub(super) fn start(session: Session) -> Result<Self, LedgerError> {
        let (sender, receiver) = mpsc::channel();
        let path = session.path().to_owned();
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
            let _ = sender.send(Box::new(WriterCall {
                is_answered_early,
                work: Some(work),
                value: None,
                caller,
            }));
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

fn serve(mut session: Session, receiver: &mpsc::Receiver<Box<dyn Work>>) -> Result<(), LedgerError> {
    let mut uncommitted = 0;
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP {
            let Ok(work) = receiver.try_recv() else { break };
            group.push(work);
        }
        let outcome = transaction(&mut session, &mut group, &mut uncommitted);
        let outcome = outcome.map_err(|error| error.of_ledger(session.path()));
        for work in group {
            work.answer(outcome.clone());
        }
        if let Err(failure) = outcome {
            // Dropping the connection rolls the transaction back.
            drop(session);
            while let Ok(work) = receiver.recv() {
                work.answer(Err(failure.clone()));
            }
            return Err(failure);
        }
    }
    if uncommitted > 0 {
        session.commit().map_err(|error| error.of_ledger(session.path()))?;
    }
    session.close()
}

/// Does all of the work, or none of it. `uncommitted` earlier calls are in the open transaction already.
fn transaction(session: &mut Session, group: &mut [Box<dyn Work>], uncommitted: &mut usize) -> Stored<()> {
    if *uncommitted == 0 {
        session.begin_transaction()?;
    }
    for work in group.iter_mut() {
        work.run(session)?;
    }
    *uncommitted += group.len();
    if group.iter().all(|work| work.is_answered_early()) && *uncommitted < MAX_UNCOMMITTED {
        return Ok(());
    }
    *uncommitted = 0;
    session.commit()
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::super::testing::{ledger, new_run, row, run_with};
    use super::super::{IntakeTotals, LedgerError, LedgerReader, RowState};
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
        ledger.leave_source(ids.0, 1, 0).unwrap();
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
