//! From an attempt to what becomes of its row and of the run. Pure.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use crate::ledger::{Cause, Contact, Settlement};
use crate::pacing::PoolFailure;

/// What one attempt came to.
pub type Attempt = Result<Contact, AttemptError>;

/// An attempt that brought no contact id, by what may have happened on the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptError {
    /// The request never left: surely not created.
    NotSent(Cause),
    /// The provider of the credentials did not answer: never sent, and it may answer later.
    NoCredentialsYet(Cause),
    /// 429: surely not created, and no fault of the row.
    Throttled(Cause),
    /// Connect refuses this row as it is: surely not created by this attempt.
    Refused(Cause),
    /// 404: the instance, or an id in the row, does not exist.
    NotFound(Cause),
    /// 409: another operation stands in the way for now.
    Conflict(Cause),
    /// 409: the token was used before with other parameters, so a contact very likely exists.
    TokenReused(Cause),
    /// Sent, and not answered, or answered without saying: a contact may exist.
    MaybeSent(Cause),
    /// 403, or no credentials: every other row would meet the same.
    Denied(Cause),
    /// 402: a hard quota; waiting a second does not help.
    QuotaExceeded(Cause),
    /// 402 for a task that follows another: the same, or that twelve tasks follow it already. Then the row
    /// alone is at fault, and would stop every run at the same place.
    ChainOrQuota(Cause),
}

impl AttemptError {
    /// The same trouble with another cause.
    #[must_use]
    pub fn map_cause(self, change: impl FnOnce(Cause) -> Cause) -> Self {
        match self {
            AttemptError::NotSent(cause) => AttemptError::NotSent(change(cause)),
            AttemptError::NoCredentialsYet(cause) => AttemptError::NoCredentialsYet(change(cause)),
            AttemptError::Throttled(cause) => AttemptError::Throttled(change(cause)),
            AttemptError::Refused(cause) => AttemptError::Refused(change(cause)),
            AttemptError::NotFound(cause) => AttemptError::NotFound(change(cause)),
            AttemptError::Conflict(cause) => AttemptError::Conflict(change(cause)),
            AttemptError::TokenReused(cause) => AttemptError::TokenReused(change(cause)),
            AttemptError::MaybeSent(cause) => AttemptError::MaybeSent(change(cause)),
            AttemptError::Denied(cause) => AttemptError::Denied(change(cause)),
            AttemptError::QuotaExceeded(cause) => AttemptError::QuotaExceeded(change(cause)),
            AttemptError::ChainOrQuota(cause) => AttemptError::ChainOrQuota(change(cause)),
        }
    }

    /// The cause.
    pub fn cause(&self) -> &Cause {
        match self {
            AttemptError::NotSent(cause)
            | AttemptError::NoCredentialsYet(cause)
            | AttemptError::Throttled(cause)
            | AttemptError::Refused(cause)
            | AttemptError::NotFound(cause)
            | AttemptError::Conflict(cause)
            | AttemptError::TokenReused(cause)
            | AttemptError::MaybeSent(cause)
            | AttemptError::Denied(cause)
            | AttemptError::QuotaExceeded(cause)
            | AttemptError::ChainOrQuota(cause) => cause,
        }
    }
}

/// How often a row is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Attempts a row and run, at least 1. Throttled attempts, and those that found the endpoint out
    /// of reach, do not count: they say nothing about the row.
    pub max_attempts: u32,
    /// What becomes of a row whose attempt went unanswered.
    pub on_unknown: OnUnknown,
}

/// What becomes of a row whose attempt went unanswered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// It is sent again with the same token, while that is young enough.
    #[default]
    Resend,
    /// It is unknown, and not sent again: for services that do not honour tokens of completed tasks.
    Hold,
}

/// Why a run must stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Credentials or permission.
    Denied(Cause),
    /// A hard quota.
    QuotaExceeded(Cause),
}

/// What is known of the instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instance {
    /// Nothing: a 404 may be its fault.
    Unproven,
    /// It was there in an earlier run, though perhaps in another Region.
    ProvenBefore,
    /// An answer of this run has shown that it exists.
    Proven,
}

/// What is known when an attempt is made, besides its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptContext {
    /// How many counted attempts the row had before, in this run.
    pub tries: u32,
    /// What is known of the instance.
    pub instance: Instance,
    /// Other rows go unanswered too, so silence says nothing about this one.
    pub outage: bool,
}

/// What follows from an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// For the ledger.
    pub settlement: Settlement,
    /// How many counted attempts the row has had in this run now.
    pub tries: u32,
    /// How long this row waits before its next attempt; none if this run makes no further one.
    pub next: Option<Duration>,
    /// What it means for the whole pool; none is an answer.
    pub pool: Option<PoolFailure>,
    /// Whether the run must stop.
    pub stop: Option<Stop>,
    /// Whether the answer proves that the instance exists.
    pub instance_proven: bool,
    /// Whether the answer was a 404 that may blame the instance.
    pub suspicion: bool,
    /// Whether the answer was a 402 that may blame the row.
    pub chain_or_quota: bool,
}

/// What becomes of a row after an attempt.
pub fn decide(attempt: Attempt, known: AttemptContext, policy: Policy) -> Decision {
    let tries = known.tries.saturating_add(1);
    let last = tries >= policy.max_attempts;
    let counted = |settlement| Decision {
        settlement,
        tries,
        next: None,
        pool: None,
        stop: None,
        instance_proven: false,
        suspicion: false,
        chain_or_quota: false,
    };
    let proof = |settlement| Decision { instance_proven: true, ..counted(settlement) };
    let uncounted =
        |settlement| Decision { tries: known.tries, next: Some(Duration::ZERO), ..counted(settlement) };
    let setback = |setback| Decision { pool: Some(setback), ..uncounted(Settlement::Retry(None)) };
    let stop = |stop| Decision { stop: Some(stop), ..uncounted(Settlement::Retry(None)) };
    match attempt {
        Ok(contact) => proof(Settlement::Created(contact)),
        Err(AttemptError::Refused(cause)) => counted(Settlement::Refused(cause)),
        Err(AttemptError::NotFound(cause)) => match known.instance {
            Instance::Proven => counted(Settlement::Refused(cause)),
            // Most likely the row's, but the next run may see it otherwise.
            Instance::ProvenBefore => counted(Settlement::Exhausted(cause)),
            Instance::Unproven => {
                Decision { suspicion: true, next: Some(row_delay(1)), ..uncounted(Settlement::Retry(None)) }
            }
        },
        Err(AttemptError::Conflict(cause)) => {
            let settlement = if last { Settlement::Exhausted(cause) } else { Settlement::Retry(Some(cause)) };
            Decision { next: (!last).then(|| row_delay(tries)), ..proof(settlement) }
        }
        Err(AttemptError::TokenReused(cause)) => proof(Settlement::InDoubt { cause, may_resend: false }),
        Err(AttemptError::MaybeSent(cause)) => {
            let may_resend = policy.on_unknown == OnUnknown::Resend;
            let unanswered = Decision {
                pool: Some(PoolFailure::Unanswered),
                ..counted(Settlement::InDoubt { cause, may_resend })
            };
            match policy.on_unknown {
                OnUnknown::Hold => unanswered,
                // The row waits, so that others, which may be answered, have their turn.
                OnUnknown::Resend if known.outage => {
                    Decision { tries: known.tries, next: Some(row_delay(1)), ..unanswered }
                }
                // After its last attempt it waits in doubt, and the next run sends it again.
                OnUnknown::Resend => Decision { next: (!last).then(|| row_delay(tries)), ..unanswered },
            }
        }
        Err(AttemptError::NotSent(_)) => setback(PoolFailure::OutOfReach),
        Err(AttemptError::NoCredentialsYet(_)) => setback(PoolFailure::NoCredentialsYet),
        Err(AttemptError::Throttled(_)) => setback(PoolFailure::Throttled),
        Err(AttemptError::Denied(cause)) => stop(Stop::Denied(cause)),
        Err(AttemptError::QuotaExceeded(cause)) => stop(Stop::QuotaExceeded(cause)),
        // Surely not created; the next run takes it up.
        Err(AttemptError::ChainOrQuota(cause)) => {
            Decision { chain_or_quota: true, ..proof(Settlement::Exhausted(cause)) }
        }
    }
}

/// What becomes of a row whose answer the run no longer waits for. It uses no attempt up.
pub fn abandon(cause: Cause, known: AttemptContext, policy: Policy) -> Decision {
    decide(Err(AttemptError::MaybeSent(cause)), AttemptContext { outage: true, ..known }, policy)
}

/// 1 s, 2 s, 4 s … at most 30 s after the first, second, third counted attempt.
fn row_delay(tries: u32) -> Duration {
    Duration::from_secs(1_u64 << tries.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { max_attempts: 3, on_unknown: OnUnknown::Resend };

    fn cause() -> Cause {
        Cause { code: "X".into(), message: "x".into() }
    }

    fn known(tries: u32) -> AttemptContext {
        AttemptContext { tries, instance: Instance::Proven, outage: false }
    }

    fn in_doubt(may_resend: bool) -> Settlement {
        Settlement::InDoubt { cause: cause(), may_resend }
    }

    #[test]
    fn throttling_is_no_error_of_the_row_and_uses_no_attempt_up() {
        let decision = decide(Err(AttemptError::Throttled(cause())), known(2), POLICY);
        assert_eq!(decision.settlement, Settlement::Retry(None));
        assert_eq!((decision.tries, decision.pool), (2, Some(PoolFailure::Throttled)));
    }

    #[test]
    fn denial_stops_the_run_and_marks_no_row() {
        let decision = decide(Err(AttemptError::Denied(cause())), known(0), POLICY);
        assert_eq!(decision.settlement, Settlement::Retry(None));
        assert_eq!(decision.stop, Some(Stop::Denied(cause())));
    }

    #[test]
    fn no_answer_is_tried_again_and_never_called_a_failure() {
        let unanswered = |tries| decide(Err(AttemptError::MaybeSent(cause())), known(tries), POLICY);
        assert_eq!(unanswered(0).settlement, in_doubt(true));
        assert_eq!(unanswered(1).next, Some(Duration::from_secs(2)));
        // The last one leaves the row to the next run, which has a token to send it with.
        assert_eq!((unanswered(2).settlement, unanswered(2).next), (in_doubt(true), None));
    }

    #[test]
    fn a_row_that_is_held_is_unknown_after_one_attempt_without_an_answer() {
        let hold = Policy { on_unknown: OnUnknown::Hold, ..POLICY };
        for known in [known(0), AttemptContext { outage: true, ..known(0) }] {
            let decision = decide(Err(AttemptError::MaybeSent(cause())), known, hold);
            assert_eq!((decision.settlement, decision.next), (in_doubt(false), None));
            assert_eq!(abandon(cause(), known, hold).settlement, in_doubt(false));
        }
    }

    #[test]
    fn while_nobody_is_answered_silence_uses_no_attempt_up() {
        let outage = AttemptContext { outage: true, ..known(2) };
        let decision = decide(Err(AttemptError::MaybeSent(cause())), outage, POLICY);
        assert_eq!((decision.settlement, decision.tries), (in_doubt(true), 2));
        assert_eq!(decision.pool, Some(PoolFailure::Unanswered));
    }

    #[test]
    fn an_answer_that_is_not_awaited_leaves_the_row_in_doubt_and_waiting() {
        assert_eq!(abandon(cause(), known(2), POLICY).settlement, in_doubt(true));
    }

    #[test]
    fn conflicts_are_tried_again_and_then_fail() {
        let conflict = |tries| decide(Err(AttemptError::Conflict(cause())), known(tries), POLICY);
        assert_eq!(conflict(1).settlement, Settlement::Retry(Some(cause())));
        assert_eq!(conflict(2).settlement, Settlement::Exhausted(cause()));
    }

    #[test]
    fn not_found_blames_the_row_only_when_the_instance_is_proven() {
        let not_found = |instance| {
            decide(Err(AttemptError::NotFound(cause())), AttemptContext { instance, ..known(0) }, POLICY)
        };
        assert_eq!(not_found(Instance::Proven).settlement, Settlement::Refused(cause()));
        assert_eq!(not_found(Instance::ProvenBefore).settlement, Settlement::Exhausted(cause()));
        assert_eq!(not_found(Instance::Unproven).settlement, Settlement::Retry(None));
        assert!(not_found(Instance::Unproven).suspicion);
    }

    #[test]
    fn a_refusal_proves_nothing_about_the_instance() {
        assert!(!decide(Err(AttemptError::Refused(cause())), known(0), POLICY).instance_proven);
        let contact = Contact { id: "c".into(), arn: None };
        assert!(decide(Ok(contact), known(0), POLICY).instance_proven);
    }
}
