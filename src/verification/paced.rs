//! Calls of one read-only operation at its quota, repeated until they are answered.

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
}

impl PacedOperation {
    /// `rate` in requests per second.
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        PacedOperation { pacer: Pacer::new(Rate::Fixed(rate), rate, burst) }
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
            let error = match attempt().await {
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
