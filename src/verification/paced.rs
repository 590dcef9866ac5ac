//! Calls of one read-only operation at its quota, repeated until they are answered.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::Ending;
use crate::ledger::Cause;
use crate::pacing::{Pacer, PoolFailure, Rate, Reaction};
use crate::submission::AttemptError;

/// Most unanswered attempts of one call, so that it does not hold up the others.
const MAX_UNANSWERED: u32 = 4;

/// Result of a call.
pub(super) enum CallResult<T> {
    /// The service answered.
    Answered(T),
    /// The service refuses this call, or does not answer it after several attempts.
    Refused(Cause),
}

/// Rate limit of one operation.
#[derive(Debug)]
pub(super) struct PacedOperation {
    pacer: Pacer,
    has_sent: AtomicBool,
}

impl PacedOperation {
    /// `rate` in requests per second.
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        PacedOperation { pacer: Pacer::new(Rate::Fixed(rate), rate, burst), has_sent: AtomicBool::new(false) }
    }

    /// Whether a request may have left.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent.load(Ordering::Relaxed)
    }

    /// Calls the operation until it is answered or refused.
    ///
    /// # Errors
    /// The ending of the verification, if every other call would fail too.
    pub(super) async fn call<T, F>(&self, attempt: impl Fn() -> F) -> Result<CallResult<T>, Ending>
    where
        F: Future<Output = Result<T, AttemptError>>,
    {
        let mut unanswered = 0;
        let mut is_clock_corrected = false;
        loop {
            let permit = self.pacer.permit().await;
            self.pacer.sent();
            let outcome = attempt().await;
            let is_unsent = matches!(
                outcome,
                Err(AttemptError::NotSent(_)
                    | AttemptError::CredentialsUnavailable(_)
                    | AttemptError::NoCredentials(_)
                    | AttemptError::Untrusted(_))
            );
            self.has_sent.fetch_or(!is_unsent, Ordering::Relaxed);
            let error = match outcome {
                Ok(answer) => {
                    self.pacer.answered();
                    return Ok(CallResult::Answered(answer));
                }
                Err(error) => error,
            };
            let mut asked = None;
            let failure = match &error {
                AttemptError::Throttled(pool) => {
                    asked = pool.retry_after;
                    PoolFailure::Throttled
                }
                AttemptError::NotSent(_) => PoolFailure::Unreachable,
                AttemptError::CredentialsUnavailable(_) => PoolFailure::CredentialsUnavailable,
                AttemptError::MaybeSent(pool) => {
                    asked = pool.retry_after;
                    PoolFailure::Unanswered
                }
                AttemptError::Conflict(_) => PoolFailure::Unanswered,
                AttemptError::Clock(refusal) if refusal.is_corrected && !is_clock_corrected => {
                    is_clock_corrected = true;
                    continue;
                }
                AttemptError::Clock(refusal) => return Err(Ending::Clock(refusal.clone())),
                AttemptError::Untrusted(cause) => {
                    return Err(Ending::Untrusted { cause: cause.clone(), has_sent: false });
                }
                AttemptError::Denied(cause) => return Err(Ending::Denied(cause.clone())),
                AttemptError::NoCredentials(cause) => return Err(Ending::NoCredentials(cause.clone())),
                AttemptError::Refused(cause)
                | AttemptError::NotFound(cause)
                | AttemptError::TokenReused(cause)
                | AttemptError::QuotaExceeded(cause)
                | AttemptError::ChainOrQuota(cause) => {
                    self.pacer.answered();
                    return Ok(CallResult::Refused(cause.clone()));
                }
            };
            if failure == PoolFailure::Unanswered {
                unanswered += 1;
                if unanswered >= MAX_UNANSWERED {
                    return Ok(CallResult::Refused(error.cause().clone()));
                }
            }
            if self.pacer.report_failure(failure, asked, permit, fastrand::f64()) == Reaction::GiveUp {
                return Err(Ending::after(failure, error.cause().clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_has_been_sent_once_one_was_answered_or_may_have_left() {
        let cause = || Cause { code: "Code".into(), message: "message".into() };
        let operation = PacedOperation::new(1000.0, 10);
        let _ = operation.call(|| async { Err::<(), _>(AttemptError::Untrusted(cause())) }).await;
        assert!(!operation.has_sent());
        let _ = operation.call(|| async { Err::<(), _>(AttemptError::Refused(cause())) }).await;
        assert!(operation.has_sent());
        let _ = operation.call(|| async { Err::<(), _>(AttemptError::Untrusted(cause())) }).await;
        assert!(operation.has_sent(), "it was forgotten");
    }
}
