//! From an attempt to what becomes of its row and of the run. Pure.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use crate::ledger::{Cause, Contact, RowEvent, Settlement};
use crate::pacing::Setback;

/// What one attempt came to.
pub type Attempt = Result<Contact, Trouble>;

/// An attempt that brought no contact id, by what may have happened on the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The request never left: surely not created.
    NotSent(Cause),
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
}

impl Trouble {
    /// The cause.
    pub fn cause(&self) -> &Cause {
        match self {
            Trouble::NotSent(cause)
            | Trouble::Throttled(cause)
            | Trouble::Refused(cause)
            | Trouble::NotFound(cause)
            | Trouble::Conflict(cause)
            | Trouble::TokenReused(cause)
            | Trouble::MaybeSent(cause)
            | Trouble::Denied(cause)
            | Trouble::QuotaExceeded(cause) => cause,
        }
    }
}

/// How often a row is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Attempts a row and run, at least 1. Throttled attempts, and those that found the endpoint out
    /// of reach, do not count: they say nothing about the row.
    pub max_attempts: u32,
}

/// Why a run must stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Credentials or permission.
    Denied(Cause),
    /// A hard quota.
    QuotaExceeded(Cause),
}

/// What follows from an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// For the ledger.
    pub settlement: Settlement,
    /// How many counted attempts the row has had in this run now.
    pub tries: u32,
    /// How long this row waits before its next attempt, if one follows.
    pub delay: Duration,
    /// What it means for the whole pool.
    pub pool: Option<Setback>,
    /// Whether the run must stop.
    pub stop: Option<Stop>,
    /// Whether the answer proves that the instance exists.
    pub instance_proven: bool,
    /// Whether the answer was a 404 that may blame the instance.
    pub suspicion: bool,
}

/// What becomes of a row after an attempt: `tries` counted attempts came before this one, and
/// `instance_proven` says whether some answer has shown that the instance exists.
pub fn decide(attempt: Attempt, tries: u32, instance_proven: bool, policy: Policy) -> Decision {
    let tries = tries.saturating_add(1);
    let last = tries >= policy.max_attempts;
    let plain = |settlement| Decision {
        settlement,
        tries,
        delay: row_delay(tries),
        pool: None,
        stop: None,
        instance_proven: true,
        suspicion: false,
    };
    let uncounted = |settlement| Decision {
        tries: tries - 1,
        delay: Duration::ZERO,
        instance_proven: false,
        ..plain(settlement)
    };
    let row = |event, cause| plain(Settlement::NotCreated(event, cause));
    match attempt {
        Ok(contact) => plain(Settlement::Created(contact)),
        Err(Trouble::Refused(cause)) => row(RowEvent::Refused, cause),
        Err(Trouble::NotFound(cause)) if instance_proven => row(RowEvent::Refused, cause),
        Err(Trouble::NotFound(_)) => Decision {
            suspicion: true,
            delay: row_delay(1),
            ..uncounted(Settlement::Unmarked)
        },
        Err(Trouble::Conflict(cause)) if last => row(RowEvent::Exhausted, cause),
        Err(Trouble::Conflict(cause)) => row(RowEvent::Retry, cause),
        Err(Trouble::TokenReused(cause)) => row(RowEvent::LeftInDoubt, cause),
        Err(Trouble::MaybeSent(cause)) => {
            let event = if last {
                RowEvent::LeftInDoubt
            } else {
                RowEvent::RetryInDoubt
            };
            // No answer, or a 500, proves nothing about the instance.
            Decision {
                instance_proven: false,
                ..row(event, cause)
            }
        }
        Err(Trouble::NotSent(_)) => Decision {
            pool: Some(Setback::OutOfReach),
            ..uncounted(Settlement::Unmarked)
        },
        Err(Trouble::Throttled(_)) => Decision {
            pool: Some(Setback::Throttled),
            ..uncounted(Settlement::Unmarked)
        },
        Err(Trouble::Denied(cause)) => Decision {
            stop: Some(Stop::Denied(cause)),
            ..uncounted(Settlement::Unmarked)
        },
        Err(Trouble::QuotaExceeded(cause)) => Decision {
            stop: Some(Stop::QuotaExceeded(cause)),
            ..uncounted(Settlement::Unmarked)
        },
    }
}

/// 1 s, 2 s, 4 s … at most 30 s after the first, second, third counted attempt.
fn row_delay(tries: u32) -> Duration {
    Duration::from_secs(1_u64 << tries.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { max_attempts: 3 };

    fn cause() -> Cause {
        Cause {
            code: "X".into(),
            message: "x".into(),
        }
    }

    fn event(decision: &Decision) -> Option<RowEvent> {
        match &decision.settlement {
            Settlement::NotCreated(event, _) => Some(*event),
            Settlement::Created(_) | Settlement::Unmarked => None,
        }
    }

    #[test]
    fn throttling_is_no_error_of_the_row_and_uses_no_attempt_up() {
        let decision = decide(Err(Trouble::Throttled(cause())), 2, true, POLICY);
        assert_eq!(decision.settlement, Settlement::Unmarked);
        assert_eq!((decision.tries, decision.pool), (2, Some(Setback::Throttled)));
    }

    #[test]
    fn denial_stops_the_run_and_marks_no_row() {
        let decision = decide(Err(Trouble::Denied(cause())), 0, true, POLICY);
        assert_eq!(decision.settlement, Settlement::Unmarked);
        assert_eq!(decision.stop, Some(Stop::Denied(cause())));
    }

    #[test]
    fn no_answer_is_tried_again_and_never_called_a_failure() {
        let unanswered = |tries| decide(Err(Trouble::MaybeSent(cause())), tries, true, POLICY);
        assert_eq!(event(&unanswered(0)), Some(RowEvent::RetryInDoubt));
        assert_eq!(event(&unanswered(1)), Some(RowEvent::RetryInDoubt));
        assert_eq!(event(&unanswered(2)), Some(RowEvent::LeftInDoubt));
    }

    #[test]
    fn conflicts_are_tried_again_and_then_fail() {
        let conflict = |tries| decide(Err(Trouble::Conflict(cause())), tries, true, POLICY);
        assert_eq!(event(&conflict(1)), Some(RowEvent::Retry));
        assert_eq!(event(&conflict(2)), Some(RowEvent::Exhausted));
    }

    #[test]
    fn not_found_blames_the_row_only_when_the_instance_is_proven() {
        let not_found = |proven| decide(Err(Trouble::NotFound(cause())), 0, proven, POLICY);
        assert_eq!(event(&not_found(true)), Some(RowEvent::Refused));
        assert_eq!(not_found(false).settlement, Settlement::Unmarked);
        assert!(not_found(false).suspicion);
    }
}
