//! The one thread that owns the connection.
//!
//! It commits in groups: whatever was handed over while the last COMMIT was on its way to the disk
//! goes into the next transaction, so a slow disk costs latency and not throughput. Nobody is
//! answered before COMMIT, but for the intake: nothing is sent before its last word is committed, and with
//! it all that it said before. After a failure everybody is told the same, and nothing more is written.

use std::fmt;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::LedgerError;
use super::store::Session;

/// A piece of work and whom to tell about it.
trait Work: Send {
    /// Whether it is answered at once, and its COMMIT may wait.
    fn may_wait(&self) -> bool;
    /// Does the work inside the open transaction.
    fn run(&mut self, session: &mut Session) -> Result<(), LedgerError>;
    /// Tells the caller what came of it, after COMMIT or after the failure that stood in its way.
    fn answer(self: Box<Self>, committed: Result<(), LedgerError>);
}

/// Work of one call.
struct Call<T, F> {
    may_wait: bool,
    work: Option<F>,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut Session) -> Result<T, LedgerError> + Send,
{
    fn may_wait(&self) -> bool {
        self.may_wait
    }

    fn run(&mut self, session: &mut Session) -> Result<(), LedgerError> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(session)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), LedgerError>) {
        let Call { value, caller, .. } = *self;
        // A caller that went away does not need the answer; what is committed stands.
        let _ = caller.send(committed.and_then(|()| value.ok_or(LedgerError::Stopped)));
    }
}

/// Most pieces of work in one transaction: a bound on how long the first of them waits.
const GROUP: usize = 256;

/// Most pieces of work whose COMMIT waits. The intake hands over some five hundred rows at a time, and the tokens
/// of rows are scattered over their whole index: the fewer transactions, the fewer pages are written again and again.
const WAITING: usize = 256;

/// A handle on the writer's thread.
pub(super) struct Writer {
    /// Gone once the writer is to stop.
    sender: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(session: Session) -> Result<Self, LedgerError> {
        let (sender, receiver) = mpsc::channel();
        let path = session.path().to_owned();
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || serve(session, &receiver))
            .map_err(|source| LedgerError::Io { path, source: std::sync::Arc::new(source) })?;
        Ok(Writer { sender: Some(sender), thread: Some(thread) })
    }

    /// Hands work over; the receiver hears after COMMIT, or at once if that may wait.
    fn hand_over<T: Send + 'static>(
        &self,
        may_wait: bool,
        work: impl FnOnce(&mut Session) -> Result<T, LedgerError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (caller, receiver) = oneshot::channel();
        // If the writer is gone, the call is dropped with its sender, and the receiver hears that.
        if let Some(sender) = &self.sender {
            let _ = sender.send(Box::new(Call { may_wait, work: Some(work), value: None, caller }));
        }
        receiver
    }

    /// For the intake: answered at once, and committed with what comes later.
    pub(super) fn call_ahead<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.hand_over(true, work).blocking_recv().map_err(|_| LedgerError::Stopped)?
    }

    /// For callers outside of the async runtime.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.hand_over(false, work).blocking_recv().map_err(|_| LedgerError::Stopped)?
    }

    /// For callers inside the async runtime.
    pub(super) async fn call_async<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let answer = self.hand_over(false, work);
        // Tokio's paused clock stands still while a blocking task runs, so a commit takes no time in the engine's tests.
        #[cfg(test)]
        let answer = async { tokio::task::spawn_blocking(|| answer.blocking_recv()).await.unwrap() };
        answer.await.map_err(|_| LedgerError::Stopped)?
    }

    /// Ends the thread when its work is done.
    pub(super) fn stop(&mut self) -> Result<(), LedgerError> {
        self.sender = None;
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| LedgerError::Stopped)?,
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The connection must be closed before the lock goes; `close` has told of a failure.
        let _ = self.stop();
    }
}

fn serve(mut session: Session, receiver: &mpsc::Receiver<Box<dyn Work>>) -> Result<(), LedgerError> {
    let mut waiting = 0;
    while let Ok(first) = receiver.recv() {
        let mut works = vec![first];
        while works.len() < GROUP {
            let Ok(work) = receiver.try_recv() else { break };
            works.push(work);
        }
        let outcome = transaction(&mut session, &mut works, &mut waiting);
        for work in works {
            work.answer(outcome.clone());
        }
        if let Err(failure) = outcome {
            // Whoever comes later hears of the same failure; nothing is written any more.
            drop(session);
            while let Ok(work) = receiver.recv() {
                work.answer(Err(failure.clone()));
            }
            return Err(failure);
        }
    }
    if waiting > 0 {
        session.commit()?;
    }
    session.close()
}

/// All of the work, or none of it. `waiting` pieces of earlier work are in the open transaction already.
fn transaction(
    session: &mut Session,
    works: &mut [Box<dyn Work>],
    waiting: &mut usize,
) -> Result<(), LedgerError> {
    if *waiting == 0 {
        session.begin_transaction()?;
    }
    for work in works.iter_mut() {
        work.run(session)?;
    }
    *waiting += works.len();
    if works.iter().all(|work| work.may_wait()) && *waiting < WAITING {
        return Ok(());
    }
    *waiting = 0;
    session.commit()
}

#[cfg(test)]
mod tests {
    use crate::ledger::testing::{ledger, new_run, run_with};
    use crate::ledger::{LedgerError, LedgerReader, RowState};

    #[test]
    fn after_a_failed_commit_every_later_call_fails_alike_and_nothing_of_it_is_in_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), &[("1", "a")]);
        ledger.fail_at_commit(2);
        ledger.note_exit(1).unwrap();
        for _ in 0..2 {
            let failed = ledger.end_run("complete", 0);
            assert!(matches!(failed, Err(LedgerError::Sqlite { .. })), "{failed:?}");
        }
        assert!(ledger.close().is_err());
        let reader = LedgerReader::open(&folder.path().join("x.db")).unwrap();
        assert_eq!(reader.latest_runs(1).unwrap()[0].ending, None);
        assert_eq!(reader.state_counts().unwrap().of(RowState::Pending), 1);
    }
}
