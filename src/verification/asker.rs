//! Questions at a pace, repeated until they are answered.

use crate::engine::Ending;
use crate::ledger::Cause;
use crate::pacing::{Pacer, PoolFailure, Rate, Reaction};
use crate::submission::AttemptError;

/// What came of a question.
pub(super) enum Answer<T> {
    /// The service said it.
    Told(T),
    /// The service refuses this question, and will the next time; or it never answers it.
    Refused(Cause),
}

/// How often one question is asked without an answer, so that it does not keep the others from being asked.
const TRIES: u32 = 4;

/// One operation's pace and patience.
#[derive(Debug)]
pub(super) struct Asker {
    pacer: Pacer,
}

impl Asker {
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        Asker { pacer: Pacer::new(Rate::Fixed(rate), rate, burst) }
    }

    /// Asks until there is an answer. Asking again does no harm: nothing is created.
    ///
    /// # Errors
    /// Why every other question would go unanswered too.
    pub(super) async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<Answer<T>, Ending>
    where
        F: Future<Output = Result<T, AttemptError>>,
    {
        let mut silent = 0;
        loop {
            let permit = self.pacer.permit().await;
            self.pacer.sent();
            let trouble = match question().await {
                Ok(answer) => {
                    self.pacer.answered();
                    return Ok(Answer::Told(answer));
                }
                Err(trouble) => trouble,
            };
            let setback = match &trouble {
                AttemptError::Throttled(_) => PoolFailure::Throttled,
                AttemptError::NotSent(_) => PoolFailure::Unreachable,
                AttemptError::CredentialsUnavailable(_) => PoolFailure::CredentialsUnavailable,
                AttemptError::MaybeSent(_) | AttemptError::Conflict(_) => PoolFailure::Unanswered,
                AttemptError::Denied(cause) => return Err(Ending::Denied(cause.clone())),
                AttemptError::Refused(cause)
                | AttemptError::NotFound(cause)
                | AttemptError::TokenReused(cause)
                | AttemptError::QuotaExceeded(cause)
                | AttemptError::ChainOrQuota(cause) => {
                    self.pacer.answered();
                    return Ok(Answer::Refused(cause.clone()));
                }
            };
            if setback == PoolFailure::Unanswered {
                silent += 1;
                if silent >= TRIES {
                    return Ok(Answer::Refused(trouble.cause().clone()));
                }
            }
            if self.pacer.report_failure(setback, permit, fastrand::f64()) == Reaction::GiveUp {
                return Err(Ending::after(setback, trouble.cause().clone()));
            }
        }
    }
}
