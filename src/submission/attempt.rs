//! One attempt: one HTTP request for one row, and its result.

use std::time::Duration;

use super::clock::ClockRefusal;
use crate::ledger::{Cause, Contact, InFlight};

/// Sends requests. An implementation makes exactly one attempt per call; pacing, retries and records are the
/// engine's.
pub trait Submitter: Send + Sync + 'static {
    /// Makes one attempt for a row whose intent is durable.
    ///
    /// If the process dies inside this call, the ledger has the row in flight, and the next run treats it as
    /// unanswered.
    fn submit(&self, in_flight: &InFlight) -> impl Future<Output = Attempt> + Send;
}

/// The result of one attempt.
pub type Attempt = Result<Contact, AttemptError>;

/// An attempt without a contact id, by what may have happened on the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptError {
    /// The connection was not made: not created.
    NotSent(Cause),
    /// The server's certificate is not trusted: not sent, and every other connection would fail in the same way.
    Untrusted(Cause),
    /// The source of the credentials did not answer: not sent. It may answer later.
    CredentialsUnavailable(Cause),
    /// There are no credentials until the user does something: not sent.
    NoCredentials(Cause),
    /// 429, or a code of throttling: not created, and not the row's fault.
    Throttled(PoolCause),
    /// Connect refuses this row as it is: not created by this attempt.
    Refused(Cause),
    /// 404: the instance, or an id in the row, does not exist.
    NotFound(Cause),
    /// 409: another operation on the same resource is in progress.
    Conflict(Cause),
    /// 409: the client token was used before with other parameters, so a contact very likely exists.
    TokenReused(Cause),
    /// Sent and not answered, or answered ambiguously: a contact may exist.
    MaybeSent(PoolCause),
    /// The service refuses the time of the signature: not created.
    Clock(ClockRefusal),
    /// 403, or the request cannot be signed: every other row would fail in the same way.
    Denied(Cause),
    /// 402: a hard quota, which waiting does not lift.
    QuotaExceeded(Cause),
    /// 402 for a task with a previous contact: a hard quota, or twelve tasks follow that contact already. In the
    /// second case only this row fails, and would stop every run at the same place.
    ChainOrQuota(Cause),
}

/// Cause of a failure that concerns the pool, and the pause that the service asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolCause {
    /// Code and message.
    pub cause: Cause,
    /// Time until the next request, as the answer asks for it, whatever its length; `None` if it asks for none.
    pub retry_after: Option<Duration>,
}

impl From<Cause> for PoolCause {
    fn from(cause: Cause) -> Self {
        PoolCause { cause, retry_after: None }
    }
}

impl AttemptError {
    /// Code and message, with the row's values redacted.
    pub fn cause(&self) -> &Cause {
        match self {
            AttemptError::NotSent(cause)
            | AttemptError::Untrusted(cause)
            | AttemptError::CredentialsUnavailable(cause)
            | AttemptError::NoCredentials(cause)
            | AttemptError::Refused(cause)
            | AttemptError::NotFound(cause)
            | AttemptError::Conflict(cause)
            | AttemptError::TokenReused(cause)
            | AttemptError::Denied(cause)
            | AttemptError::QuotaExceeded(cause)
            | AttemptError::ChainOrQuota(cause) => cause,
            AttemptError::Throttled(PoolCause { cause, .. })
            | AttemptError::MaybeSent(PoolCause { cause, .. }) => cause,
            AttemptError::Clock(refusal) => &refusal.cause,
        }
    }

    /// Whether the time of the signature was refused, and the next request is signed with another one.
    pub fn is_clock_corrected(&self) -> bool {
        matches!(self, AttemptError::Clock(ClockRefusal { is_corrected: true, .. }))
    }
}
