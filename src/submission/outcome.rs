//! From the result of an attempt to the row's settlement, its next attempt, and the consequences for the pool and the
//! run. Pure.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use super::attempt::{Attempt, AttemptError, PoolCause};
use super::clock::{ClockOffset, ClockRefusal};
use crate::ledger::{Cause, Settlement};
use crate::pacing::PoolFailure;

/// How often a row is sent in one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Maximum attempts per row in one run, at least 1. Throttled and unsent attempts do not count, nor do
    /// unanswered ones during an outage: they say nothing about the row.
    pub max_attempts: u32,
    /// Treatment of a row after an unanswered attempt.
    pub on_unknown: OnUnknown,
}

/// Treatment of a row after an unanswered attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send the row again with the same client token, within the idempotency window.
    #[default]
    Resend,
    /// Leave the row unknown: for services that do not honour the client tokens of completed tasks.
    Hold,
}

impl OnUnknown {
    /// Spelling in the job file and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OnUnknown::Resend => "resend",
            OnUnknown::Hold => "hold",
        }
    }
}

/// Result of an attempt that would be the same for every other row, so that the run must stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StopReason {
    /// Credentials or permissions are missing.
    Denied(Cause),
    /// There are no credentials.
    NoCredentials(Cause),
    /// The service refuses the time of the signature.
    Clock(ClockRefusal),
    /// A hard quota is used up.
    QuotaExceeded(Cause),
    /// The server's certificate is not trusted.
    Untrusted(Cause),
}

/// Evidence that the instance exists, which decides whether a 404 is the row's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstanceEvidence {
    /// None.
    Unproven,
    /// An earlier run created rows, possibly in another Region.
    ProvenBefore,
    /// A response of this run.
    Proven,
}

/// State of the run when an attempt is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptContext {
    /// Counted attempts of the row in this run before this one.
    pub attempts: u32,
    /// Evidence that the instance exists.
    pub instance: InstanceEvidence,
    /// Whether other rows are unanswered too, so that an unanswered attempt says nothing about this row.
    pub outage: bool,
    /// Whether requests have been signed with the service's time since an answer of this run refused another one.
    pub is_clock_corrected: bool,
}

/// Consequences of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The row's new state, for the ledger.
    pub settlement: Settlement,
    /// Counted attempts of the row in this run, including this one if it counts.
    pub attempts: u32,
    /// Delay before the row's next attempt; `None` if this run makes no further one.
    pub retry_in: Option<Duration>,
    /// Failure that concerns the whole pool; `None` if the service answered.
    pub pool_failure: Option<PoolFailure>,
    /// Pause that the service asks for, whatever its length. Only with a failure that concerns the pool.
    pub retry_after: Option<Duration>,
    /// How far this machine's clock is off, if the next request is signed with the service's time because of this answer.
    pub clock_correction: Option<ClockOffset>,
    /// Why the run must stop, if it must.
    pub stop: Option<StopReason>,
    /// Whether the response proves that the instance exists.
    pub instance_proven: bool,
    /// Whether the response was a 404 that may be the instance's.
    pub doubts_instance: bool,
    /// Whether the response was a 402 that may concern this row alone.
    pub may_be_full_chain: bool,
}

impl Decision {
    /// Whether the request may have been sent.
    pub fn may_have_sent(&self) -> bool {
        let is_unsent =
            matches!(self.pool_failure, Some(PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable));
        !is_unsent && !matches!(self.stop, Some(StopReason::Untrusted(_) | StopReason::NoCredentials(_)))
    }
}

/// Decides what follows from an attempt.
pub fn decide(attempt: Attempt, context: AttemptContext, policy: Policy) -> Decision {
    let attempts = context.attempts.saturating_add(1);
    let is_last = attempts >= policy.max_attempts;
    let counted = |settlement| Decision {
        settlement,
        attempts,
        retry_in: None,
        pool_failure: None,
        retry_after: None,
        clock_correction: None,
        stop: None,
        instance_proven: false,
        doubts_instance: false,
        may_be_full_chain: false,
    };
    let counted_and_proven = |settlement| Decision { instance_proven: true, ..counted(settlement) };
    let uncounted = || Decision {
        attempts: context.attempts,
        retry_in: Some(Duration::ZERO),
        ..counted(Settlement::Retry(None))
    };
    let pool_failure = |failure| Decision { pool_failure: Some(failure), ..uncounted() };
    let stop = |reason| Decision { stop: Some(reason), ..uncounted() };
    match attempt {
        Ok(contact) => counted_and_proven(Settlement::Created(contact)),
        Err(AttemptError::Refused(cause)) => counted(Settlement::Refused(cause)),
        Err(AttemptError::NotFound(cause)) => match context.instance {
            InstanceEvidence::Proven => counted(Settlement::Refused(cause)),
            // An id in the row is the likelier reason; failed and not rejected, so that the next run tries again.
            InstanceEvidence::ProvenBefore => counted(Settlement::Exhausted(cause)),
            InstanceEvidence::Unproven => {
                Decision { doubts_instance: true, retry_in: Some(row_delay(1)), ..uncounted() }
            }
        },
        Err(AttemptError::Conflict(cause)) if is_last => counted_and_proven(Settlement::Exhausted(cause)),
        Err(AttemptError::Conflict(cause)) => Decision {
            retry_in: Some(row_delay(attempts)),
            ..counted_and_proven(Settlement::Retry(Some(cause)))
        },
        Err(AttemptError::TokenReused(cause)) => {
            counted_and_proven(Settlement::InDoubt { cause, may_resend: false })
        }
        Err(AttemptError::MaybeSent(PoolCause { cause, retry_after })) => {
            let may_resend = policy.on_unknown == OnUnknown::Resend;
            let unanswered = Decision {
                pool_failure: Some(PoolFailure::Unanswered),
                retry_after,
                ..counted(Settlement::InDoubt { cause, may_resend })
            };
            match policy.on_unknown {
                OnUnknown::Hold => unanswered,
                // The delay lets other rows be sent, any of which may end the outage.
                OnUnknown::Resend if context.outage => {
                    Decision { attempts: context.attempts, retry_in: Some(row_delay(1)), ..unanswered }
                }
                // After its last attempt the row stays pending and in doubt, and the next run sends it again.
                OnUnknown::Resend => {
                    Decision { retry_in: (!is_last).then(|| row_delay(attempts)), ..unanswered }
                }
            }
        }
        Err(AttemptError::NotSent(_)) => pool_failure(PoolFailure::Unreachable),
        Err(AttemptError::CredentialsUnavailable(_)) => pool_failure(PoolFailure::CredentialsUnavailable),
        Err(AttemptError::Throttled(PoolCause { retry_after, .. })) => {
            Decision { retry_after, ..pool_failure(PoolFailure::Throttled) }
        }
        // At most once: with a wrong date in each answer, every request would be refused.
        Err(AttemptError::Clock(refusal)) if refusal.is_corrected && !context.is_clock_corrected => {
            Decision { clock_correction: refusal.offset, ..uncounted() }
        }
        Err(AttemptError::Clock(refusal)) => stop(StopReason::Clock(refusal)),
        Err(AttemptError::Untrusted(cause)) => stop(StopReason::Untrusted(cause)),
        Err(AttemptError::Denied(cause)) => stop(StopReason::Denied(cause)),
        Err(AttemptError::NoCredentials(cause)) => stop(StopReason::NoCredentials(cause)),
        Err(AttemptError::QuotaExceeded(cause)) => stop(StopReason::QuotaExceeded(cause)),
        // Failed and not rejected: if it was the quota, the next run can create the row.
        Err(AttemptError::ChainOrQuota(cause)) => {
            Decision { may_be_full_chain: true, ..counted_and_proven(Settlement::Exhausted(cause)) }
        }
    }
}

/// Decides what follows when the run stops waiting for an answer. This counts as no attempt.
pub fn decide_interrupted(cause: Cause, context: AttemptContext, policy: Policy) -> Decision {
    decide(Err(AttemptError::MaybeSent(cause.into())), AttemptContext { outage: true, ..context }, policy)
}

/// Delay after the n-th counted attempt: 1 s, 2 s, 4 s and so on, at most 30 s.
fn row_delay(attempts: u32) -> Duration {
    Duration::from_secs(1_u64 << attempts.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Contact;

    const POLICY: Policy = Policy { max_attempts: 3, on_unknown: OnUnknown::Resend };

    fn cause() -> Cause {
        Cause { code: "X".into(), message: "x".into() }
    }

    fn context(attempts: u32) -> AttemptContext {
        AttemptContext {
            attempts,
            instance: InstanceEvidence::Proven,
            outage: false,
            is_clock_corrected: false,
        }
    }

    fn in_doubt(may_resend: bool) -> Settlement {
        Settlement::InDoubt { cause: cause(), may_resend }
    }

    #[test]
    fn throttling_counts_as_no_attempt_and_leaves_the_row_unmarked() {
        let decision = decide(Err(AttemptError::Throttled(cause().into())), context(2), POLICY);
        assert_eq!(decision.settlement, Settlement::Retry(None));
        assert_eq!((decision.attempts, decision.pool_failure), (2, Some(PoolFailure::Throttled)));
    }

    #[test]
    fn denial_stops_the_run_and_leaves_the_row_unmarked() {
        let decision = decide(Err(AttemptError::Denied(cause())), context(0), POLICY);
        assert_eq!(decision.settlement, Settlement::Retry(None));
        assert_eq!(decision.stop, Some(StopReason::Denied(cause())));
    }

    #[test]
    fn a_refused_clock_is_corrected_once_and_then_stops_the_run() {
        let offset = Some(ClockOffset(720));
        let refusal = ClockRefusal { cause: cause(), offset, is_corrected: true };
        let decided = |refusal: &ClockRefusal, is_clock_corrected| {
            let context = AttemptContext { is_clock_corrected, ..context(2) };
            decide(Err(AttemptError::Clock(refusal.clone())), context, POLICY)
        };
        let first = decided(&refusal, false);
        assert_eq!((first.clock_correction, &first.stop), (offset, &None));
        assert_eq!((first.settlement, first.attempts), (Settlement::Retry(None), 2));
        assert_eq!((first.retry_in, first.pool_failure), (Some(Duration::ZERO), None));
        let second = decided(&refusal, true);
        assert_eq!(
            (second.settlement, second.stop),
            (Settlement::Retry(None), Some(StopReason::Clock(refusal.clone())))
        );
        let uncorrected = ClockRefusal { is_corrected: false, ..refusal };
        assert_eq!(decided(&uncorrected, false).stop, Some(StopReason::Clock(uncorrected)));
    }

    #[test]
    fn the_pause_that_the_service_asks_for_goes_with_a_failure_of_the_pool() {
        let retry_after = Some(Duration::from_secs(60));
        let pool = || PoolCause { cause: cause(), retry_after };
        for error in [AttemptError::Throttled(pool()), AttemptError::MaybeSent(pool())] {
            let decision = decide(Err(error), context(0), POLICY);
            assert!(decision.pool_failure.is_some());
            assert_eq!(decision.retry_after, retry_after);
        }
    }

    #[test]
    fn an_unanswered_row_is_sent_again_and_never_fails() {
        let unanswered =
            |attempts| decide(Err(AttemptError::MaybeSent(cause().into())), context(attempts), POLICY);
        assert_eq!(unanswered(0).settlement, in_doubt(true));
        assert_eq!(unanswered(1).retry_in, Some(Duration::from_secs(2)));
        // After the last attempt the next run sends it, with the same client token.
        assert_eq!((unanswered(2).settlement, unanswered(2).retry_in), (in_doubt(true), None));
    }

    #[test]
    fn a_held_row_is_unknown_after_one_unanswered_attempt() {
        let hold = Policy { on_unknown: OnUnknown::Hold, ..POLICY };
        for context in [context(0), AttemptContext { outage: true, ..context(0) }] {
            let decision = decide(Err(AttemptError::MaybeSent(cause().into())), context, hold);
            assert_eq!((decision.settlement, decision.retry_in), (in_doubt(false), None));
            assert_eq!(decide_interrupted(cause(), context, hold).settlement, in_doubt(false));
        }
    }

    #[test]
    fn an_unanswered_attempt_during_an_outage_does_not_count() {
        let outage = AttemptContext { outage: true, ..context(2) };
        let decision = decide(Err(AttemptError::MaybeSent(cause().into())), outage, POLICY);
        assert_eq!((decision.settlement, decision.attempts), (in_doubt(true), 2));
        assert_eq!(decision.pool_failure, Some(PoolFailure::Unanswered));
    }

    #[test]
    fn an_interrupted_attempt_leaves_the_row_pending_and_in_doubt() {
        assert_eq!(decide_interrupted(cause(), context(2), POLICY).settlement, in_doubt(true));
    }

    #[test]
    fn a_conflict_is_tried_again_until_the_attempts_are_used_up() {
        let conflict = |attempts| decide(Err(AttemptError::Conflict(cause())), context(attempts), POLICY);
        assert_eq!(conflict(1).settlement, Settlement::Retry(Some(cause())));
        assert_eq!(conflict(1).retry_in, Some(Duration::from_secs(2)));
        assert_eq!((conflict(2).settlement, conflict(2).retry_in), (Settlement::Exhausted(cause()), None));
    }

    #[test]
    fn a_404_is_the_rows_fault_only_if_the_instance_is_proven() {
        let not_found = |instance| {
            decide(Err(AttemptError::NotFound(cause())), AttemptContext { instance, ..context(0) }, POLICY)
        };
        assert_eq!(not_found(InstanceEvidence::Proven).settlement, Settlement::Refused(cause()));
        assert_eq!(not_found(InstanceEvidence::ProvenBefore).settlement, Settlement::Exhausted(cause()));
        assert_eq!(not_found(InstanceEvidence::Unproven).settlement, Settlement::Retry(None));
        assert!(not_found(InstanceEvidence::Unproven).doubts_instance);
    }

    #[test]
    fn a_reused_token_leaves_the_row_unknown() {
        let decision = decide(Err(AttemptError::TokenReused(cause())), context(0), POLICY);
        assert_eq!((decision.settlement, decision.retry_in), (in_doubt(false), None));
        assert!(decision.instance_proven);
    }

    #[test]
    fn a_full_chain_fails_the_row_and_does_not_stop_the_run() {
        let decision = decide(Err(AttemptError::ChainOrQuota(cause())), context(0), POLICY);
        assert_eq!((decision.settlement, decision.stop), (Settlement::Exhausted(cause()), None));
        assert!(decision.may_be_full_chain);
    }

    #[test]
    fn a_refusal_does_not_prove_the_instance_and_a_contact_does() {
        assert!(!decide(Err(AttemptError::Refused(cause())), context(0), POLICY).instance_proven);
        let contact = Contact { id: "c".into(), arn: None };
        assert!(decide(Ok(contact), context(0), POLICY).instance_proven);
    }
}
