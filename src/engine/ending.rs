//! How an import ends.

use super::ErrorBudget;
use crate::ledger::Cause;
use crate::pacing::PoolFailure;
use crate::shutdown::Signal;

/// How an import ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// No row waits any more.
    Complete,
    /// Only rows beyond the limit wait.
    LimitReached,
    /// A signal stopped it.
    Interrupted(Signal),
    /// Credentials or permission.
    Denied(Cause),
    /// A hard quota.
    QuotaExceeded(Cause),
    /// Every answer was a 404.
    NotFound(Cause),
    /// Nothing but throttling, for minutes.
    Throttled(Cause),
    /// No connection, for minutes, or never.
    OutOfReach(Cause),
    /// Row after row without an answer, for minutes; or a few to the end, which wait in doubt.
    Unanswered(Cause),
    /// More rows went wrong than the budget allows.
    ErrorBudget(ErrorBudget),
    /// The time is up.
    TimeBudget,
}

impl Ending {
    /// The end of a run, or of a verification, that met this failure until patience was at its end.
    pub fn after(failure: PoolFailure, cause: Cause) -> Self {
        match failure {
            PoolFailure::Throttled => Ending::Throttled(cause),
            PoolFailure::OutOfReach => Ending::OutOfReach(cause),
            PoolFailure::Unanswered => Ending::Unanswered(cause),
            PoolFailure::NoCredentialsYet => Ending::Denied(cause),
        }
    }

    /// The signal that stopped it, if one did.
    pub(super) fn signal(&self) -> Option<Signal> {
        match self {
            Ending::Interrupted(signal) => Some(*signal),
            Ending::Complete
            | Ending::LimitReached
            | Ending::Denied(_)
            | Ending::QuotaExceeded(_)
            | Ending::NotFound(_)
            | Ending::Throttled(_)
            | Ending::OutOfReach(_)
            | Ending::Unanswered(_)
            | Ending::ErrorBudget(_)
            | Ending::TimeBudget => None,
        }
    }
}
