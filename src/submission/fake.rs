//! A submitter for tests. Its script answers each attempt; it records the attempts, and waits on tokio's clock only.

use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::attempt::{Attempt, AttemptError, Submitter};
use super::clock::{ClockOffset, ClockRefusal};
use crate::ledger::{Cause, Contact, InFlight};
use crate::token::ClientToken;

/// An attempt that the submitter was asked to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FakeAttempt {
    /// Counted from 1, over all rows.
    pub(crate) number: usize,
    /// Counted from 1, over the attempts with this token.
    pub(crate) number_of_token: usize,
    /// The client token that was sent.
    pub(crate) token: ClientToken,
    /// The row's line in its file.
    pub(crate) line: u64,
    /// When the attempt began.
    pub(crate) at: Instant,
}

/// The reply to one attempt: an outcome, and the time that it takes.
#[derive(Clone, Debug)]
pub(crate) struct FakeReply {
    latency: Duration,
    outcome: FakeOutcome,
}

#[derive(Clone, Debug)]
enum FakeOutcome {
    Created,
    Error(AttemptError),
    Never,
    Panic,
}

impl FakeReply {
    /// The contact was created. Attempts with one token get one contact id, as from Connect.
    pub(crate) fn created() -> Self {
        Self::at_once(FakeOutcome::Created)
    }

    /// The attempt fails with this error.
    pub(crate) fn error(error: AttemptError) -> Self {
        Self::at_once(FakeOutcome::Error(error))
    }

    /// 429.
    pub(crate) fn throttled() -> Self {
        Self::error(AttemptError::Throttled(cause("TooManyRequestsException").into()))
    }

    /// The read timeout passed: a contact may exist.
    pub(crate) fn unanswered() -> Self {
        Self::error(AttemptError::MaybeSent(cause("NoAnswer").into()))
    }

    /// The connection was not made.
    pub(crate) fn unreachable() -> Self {
        Self::error(AttemptError::NotSent(cause("OutOfReach")))
    }

    /// The server's certificate is not trusted.
    pub(crate) fn untrusted() -> Self {
        Self::error(AttemptError::Untrusted(cause("UntrustedCertificate")))
    }

    /// 400: Connect refuses the row.
    pub(crate) fn refused() -> Self {
        Self::error(AttemptError::Refused(cause("InvalidRequestException")))
    }

    /// 403.
    pub(crate) fn denied() -> Self {
        Self::error(AttemptError::Denied(cause("AccessDeniedException")))
    }

    /// 403: the time of the signature is refused by a service whose clock is 12 minutes ahead, and corrected.
    pub(crate) fn clock_refused() -> Self {
        let refusal = ClockRefusal {
            cause: cause("InvalidSignatureException"),
            offset: Some(ClockOffset(720)),
            is_corrected: true,
        };
        Self::error(AttemptError::Clock(refusal))
    }

    /// The attempt never ends; only cancelling it does.
    pub(crate) fn never() -> Self {
        Self::at_once(FakeOutcome::Never)
    }

    /// The attempt panics.
    pub(crate) fn panic() -> Self {
        Self::at_once(FakeOutcome::Panic)
    }

    /// Asks for this pause; for replies that throttle or do not answer.
    pub(crate) fn asking_for(mut self, pause: Duration) -> Self {
        match &mut self.outcome {
            FakeOutcome::Error(AttemptError::Throttled(pool) | AttemptError::MaybeSent(pool)) => {
                pool.retry_after = Some(pause);
            }
            outcome => unreachable!("{outcome:?} asks for nothing"),
        }
        self
    }

    /// Gives this reply after `latency`.
    pub(crate) fn after(self, latency: Duration) -> Self {
        FakeReply { latency, ..self }
    }

    fn at_once(outcome: FakeOutcome) -> Self {
        FakeReply { latency: Duration::ZERO, outcome }
    }
}

fn cause(code: &str) -> Cause {
    Cause { code: code.to_owned(), message: "a scripted answer".into() }
}

type Script = dyn Fn(&FakeAttempt) -> FakeReply + Send + Sync;

/// A [`Submitter`] that sends nothing and replies as its script says.
pub(crate) struct FakeSubmitter {
    script: Box<Script>,
    record: Mutex<FakeRecord>,
    /// Attempts that began.
    begun: watch::Sender<usize>,
}

#[derive(Default)]
struct FakeRecord {
    attempts: Vec<FakeAttempt>,
    in_flight: usize,
    most_in_flight: usize,
}

impl FakeSubmitter {
    /// Replies to each attempt as `script` says.
    pub(crate) fn new(script: impl Fn(&FakeAttempt) -> FakeReply + Send + Sync + 'static) -> Self {
        let (begun, _) = watch::channel(0);
        FakeSubmitter { script: Box::new(script), record: Mutex::default(), begun }
    }

    /// Replies to the k-th attempt with the k-th of `replies`; every attempt after those creates a contact.
    pub(crate) fn replying(replies: impl IntoIterator<Item = FakeReply>) -> Self {
        let replies: Vec<FakeReply> = replies.into_iter().collect();
        Self::new(move |attempt| replies.get(attempt.number - 1).cloned().unwrap_or_else(FakeReply::created))
    }

    /// All attempts so far, in the order in which they began.
    pub(crate) fn attempts(&self) -> Vec<FakeAttempt> {
        self.record().attempts.clone()
    }

    /// The token of each attempt so far.
    pub(crate) fn tokens(&self) -> Vec<ClientToken> {
        self.record().attempts.iter().map(|attempt| attempt.token).collect()
    }

    /// Attempts that began and did not end yet; one that was cancelled has ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.record().in_flight
    }

    /// The most attempts that were in flight at one time.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.record().most_in_flight
    }

    /// Waits until the attempt of this number has begun.
    pub(crate) async fn attempt_begun(&self, number: usize) {
        self.begun.subscribe().wait_for(|begun| *begun >= number).await.unwrap();
    }

    /// Makes one attempt, as [`Submitter::submit`] does for a row.
    pub(crate) async fn attempt(&self, token: ClientToken, line: u64) -> Attempt {
        let (attempt, _in_flight) = self.begin(token, line);
        let FakeReply { latency, outcome } = (self.script)(&attempt);
        tokio::time::sleep(latency).await;
        match outcome {
            FakeOutcome::Created => Ok(Contact { id: format!("contact-{}", token.text()), arn: None }),
            FakeOutcome::Error(error) => Err(error),
            FakeOutcome::Never => std::future::pending().await,
            FakeOutcome::Panic => panic!("the script says that attempt {} panics", attempt.number),
        }
    }

    fn begin(&self, token: ClientToken, line: u64) -> (FakeAttempt, InFlightGuard<'_>) {
        let mut record = self.record();
        let number = record.attempts.len() + 1;
        let number_of_token = 1 + record.attempts.iter().filter(|earlier| earlier.token == token).count();
        let attempt = FakeAttempt { number, number_of_token, token, line, at: Instant::now() };
        record.attempts.push(attempt);
        record.in_flight += 1;
        record.most_in_flight = record.most_in_flight.max(record.in_flight);
        self.begun.send_replace(number);
        (attempt, InFlightGuard(self))
    }

    fn record(&self) -> MutexGuard<'_, FakeRecord> {
        self.record.lock().unwrap()
    }
}

impl Submitter for FakeSubmitter {
    async fn submit(&self, in_flight: &InFlight) -> Attempt {
        self.attempt(in_flight.token(), in_flight.claim().line).await
    }
}

impl fmt::Debug for FakeSubmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeSubmitter").field("attempts", &self.attempts()).finish_non_exhaustive()
    }
}

/// Ends the attempt when it is dropped, which a cancelled or panicking attempt does too.
struct InFlightGuard<'a>(&'a FakeSubmitter);

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.record().in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::digest::Digest;

    fn token(byte: u8) -> ClientToken {
        ClientToken(Digest([byte; 16]))
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_gets_the_reply_of_its_number_and_the_rest_are_created() {
        let submitter = FakeSubmitter::replying([
            FakeReply::throttled(),
            FakeReply::unanswered().after(Duration::from_secs(60)),
            FakeReply::unreachable(),
            FakeReply::refused(),
            FakeReply::denied(),
        ]);
        let start = Instant::now();
        let mut codes = Vec::new();
        for _ in 0..5 {
            codes.push(submitter.attempt(token(1), 2).await.unwrap_err().cause().code.clone());
        }
        let expected = [
            "TooManyRequestsException",
            "NoAnswer",
            "OutOfReach",
            "InvalidRequestException",
            "AccessDeniedException",
        ];
        assert_eq!(codes, expected);
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        let ids = [submitter.attempt(token(1), 2).await, submitter.attempt(token(1), 2).await];
        assert_eq!(ids[0], ids[1]);
        assert!(ids[0].is_ok());
        assert_eq!(submitter.tokens(), [token(1); 7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_may_answer_by_row_and_the_record_says_how_often_each_was_sent() {
        let submitter = FakeSubmitter::new(|attempt| match attempt.line {
            3 => FakeReply::refused(),
            _ => FakeReply::created(),
        });
        assert!(submitter.attempt(token(2), 2).await.is_ok());
        assert!(submitter.attempt(token(3), 3).await.is_err());
        assert!(submitter.attempt(token(2), 2).await.is_ok());
        let numbers = submitter.attempts().iter().map(|a| (a.number, a.number_of_token)).collect::<Vec<_>>();
        assert_eq!(numbers, [(1, 1), (2, 1), (3, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_and_panicking_attempts_are_no_longer_in_flight() {
        let replies = [FakeReply::never(), FakeReply::never(), FakeReply::panic()];
        let submitter = Arc::new(FakeSubmitter::replying(replies));
        let spawn = |byte| {
            let submitter = submitter.clone();
            tokio::spawn(async move { submitter.attempt(token(byte), 2).await })
        };
        let (first, second) = (spawn(1), spawn(2));
        submitter.attempt_begun(2).await;
        assert_eq!(submitter.in_flight(), 2);
        for task in [first, second] {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert!(spawn(3).await.unwrap_err().is_panic());
        assert_eq!((submitter.in_flight(), submitter.most_in_flight()), (0, 2));
    }
}
