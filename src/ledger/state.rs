//! States of a row and the one function that changes them. Pure; used live and in recovery. The schema's CHECKs and the
//! guarded updates enforce the same rules a second time.

#![warn(clippy::wildcard_enum_match_arm)]

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// State of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Waiting to be sent.
    Pending,
    /// The intent to send is committed, and the attempt is not settled.
    InFlight,
    /// The contact exists.
    Created,
    /// Refused as it is by the mapping, a limit of the service, or Connect. No contact was created.
    Rejected,
    /// Every attempt failed. No contact was created.
    Failed,
    /// An attempt is unanswered, so a contact may exist, and the row is not sent again.
    Unknown,
    /// Rejected with a code that the job accepts: nothing is to be done. No contact was created.
    Accepted,
    /// Removed from its input, or passed over, before it was created. Not a row of the input any more.
    Withdrawn,
}

impl RowState {
    /// Every state, in the order in which reports list them.
    pub const ALL: [RowState; 8] = [
        RowState::Pending,
        RowState::InFlight,
        RowState::Created,
        RowState::Rejected,
        RowState::Failed,
        RowState::Unknown,
        RowState::Accepted,
        RowState::Withdrawn,
    ];

    /// Published name in the ledger, in JSON and in rejects files.
    pub fn name(self) -> &'static str {
        match self {
            RowState::Pending => "pending",
            RowState::InFlight => "in_flight",
            RowState::Created => "created",
            RowState::Rejected => "rejected",
            RowState::Failed => "failed",
            RowState::Unknown => "unknown",
            RowState::Accepted => "accepted",
            RowState::Withdrawn => "withdrawn",
        }
    }

    /// Whether rows in this state are counted by error code.
    pub fn has_cause(self) -> bool {
        match self {
            RowState::Rejected | RowState::Accepted | RowState::Failed | RowState::Unknown => true,
            RowState::Pending | RowState::InFlight | RowState::Created | RowState::Withdrawn => false,
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        RowState::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for RowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// State and flags of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct RowStatus {
    /// State.
    pub state: RowState,
    /// Whether the row is in doubt: an earlier attempt is unanswered and may have created a contact. Only of a pending,
    /// in-flight or unknown row.
    pub may_exist: bool,
}

/// Event that changes the state of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum RowEvent {
    /// An attempt begins.
    Begun,
    /// Connect answered with a contact.
    Created,
    /// The attempt created no contact; another may follow.
    Retry,
    /// The attempt may have created a contact; another with the same token may follow.
    RetryInDoubt,
    /// The attempt created no contact, and was the last.
    Exhausted,
    /// The attempt may have created a contact, and was the last.
    LeftInDoubt,
    /// Connect refused the row as it is.
    Refused,
    /// A later run found an attempt of a dead run, and its token may still be sent.
    Recovered,
    /// The token of an unanswered attempt is too old to be sent again.
    Expired,
    /// A later run takes up a failed row.
    Retaken,
    /// A later run takes up a rejected row whose content or mapping has changed.
    Amended,
    /// The mapping or a limit of the service refuses the row.
    Unmappable,
    /// The operator has an unknown row, or a rejected row as it is, sent again.
    Retried,
    /// `verify` found the contact.
    Found,
    /// The job accepts the code that the row is rejected with.
    Accepted,
    /// The job does not accept that code any more.
    AcceptanceEnded,
    /// Its input was read to the end without the row.
    Withdrawn,
    /// An input has the row again.
    Returned,
}

/// The event cannot happen in this state: a bug, and fatal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a row that is {} cannot be {event:?}", from.state)]
pub struct Illegal {
    /// State and flags before the event.
    pub from: RowStatus,
    /// The event.
    pub event: RowEvent,
}

/// State and flags of a row after `event`.
///
/// A row in doubt never becomes rejected or failed, which say that no contact was created: it becomes unknown instead.
/// No event leaves `created`. Only evidence or the operator's request leaves `unknown`.
///
/// # Errors
/// [`Illegal`] if the event cannot happen in this state.
pub fn transition(from: RowStatus, event: RowEvent) -> Result<RowStatus, Illegal> {
    use RowState::{Accepted, Created, Failed, InFlight, Pending, Rejected, Unknown, Withdrawn};
    let settled = |state| RowStatus { state, may_exist: false };
    let in_doubt = |state| RowStatus { state, may_exist: true };
    let not_created = |state| {
        if from.may_exist { in_doubt(Unknown) } else { settled(state) }
    };
    Ok(match (from.state, event) {
        (Pending, RowEvent::Begun) => RowStatus { state: InFlight, ..from },
        (InFlight, RowEvent::Created) => settled(Created),
        (InFlight, RowEvent::Retry) => RowStatus { state: Pending, ..from },
        (InFlight, RowEvent::RetryInDoubt | RowEvent::Recovered) => in_doubt(Pending),
        (InFlight, RowEvent::Exhausted) => not_created(Failed),
        (InFlight, RowEvent::Refused) => not_created(Rejected),
        (InFlight, RowEvent::LeftInDoubt | RowEvent::Expired) => in_doubt(Unknown),
        (Pending, RowEvent::LeftInDoubt | RowEvent::Expired) if from.may_exist => in_doubt(Unknown),
        (Pending | Failed | Rejected | Accepted | Withdrawn, RowEvent::Unmappable) => not_created(Rejected),
        (Failed, RowEvent::Retaken)
        | (Rejected | Accepted, RowEvent::Amended)
        | (Rejected, RowEvent::Retried)
        | (Withdrawn, RowEvent::Returned) => settled(Pending),
        (Rejected, RowEvent::Accepted) => settled(Accepted),
        (Accepted, RowEvent::AcceptanceEnded) => settled(Rejected),
        (Pending | Failed | Rejected | Accepted, RowEvent::Withdrawn) if !from.may_exist => {
            settled(Withdrawn)
        }
        (Unknown, RowEvent::Retried) => in_doubt(Pending),
        (Unknown, RowEvent::Found) => settled(Created),
        (
            Pending | InFlight | Created | Rejected | Failed | Unknown | Accepted | Withdrawn,
            RowEvent::Begun
            | RowEvent::Created
            | RowEvent::Retry
            | RowEvent::RetryInDoubt
            | RowEvent::Exhausted
            | RowEvent::LeftInDoubt
            | RowEvent::Refused
            | RowEvent::Recovered
            | RowEvent::Expired
            | RowEvent::Retaken
            | RowEvent::Amended
            | RowEvent::Unmappable
            | RowEvent::Retried
            | RowEvent::Found
            | RowEvent::Accepted
            | RowEvent::AcceptanceEnded
            | RowEvent::Withdrawn
            | RowEvent::Returned,
        ) => return Err(Illegal { from, event }),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [RowEvent; 18] = [
        RowEvent::Begun,
        RowEvent::Created,
        RowEvent::Retry,
        RowEvent::RetryInDoubt,
        RowEvent::Exhausted,
        RowEvent::LeftInDoubt,
        RowEvent::Refused,
        RowEvent::Recovered,
        RowEvent::Expired,
        RowEvent::Retaken,
        RowEvent::Amended,
        RowEvent::Unmappable,
        RowEvent::Retried,
        RowEvent::Found,
        RowEvent::Accepted,
        RowEvent::AcceptanceEnded,
        RowEvent::Withdrawn,
        RowEvent::Returned,
    ];

    const NEW: RowStatus = RowStatus { state: RowState::Pending, may_exist: false };

    #[test]
    fn nothing_leaves_created_and_only_evidence_or_the_operator_leaves_unknown() {
        for event in EVENTS {
            let created = RowStatus { state: RowState::Created, may_exist: false };
            assert!(transition(created, event).is_err(), "{event:?}");
            let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
            let left = transition(unknown, event).is_ok();
            assert_eq!(left, matches!(event, RowEvent::Retried | RowEvent::Found), "{event:?}");
        }
    }

    #[test]
    fn only_an_answer_or_a_found_contact_makes_a_row_created() {
        for state in RowState::ALL {
            for event in EVENTS {
                let from = RowStatus { state, may_exist: state == RowState::Unknown };
                let created = transition(from, event).is_ok_and(|next| next.state == RowState::Created);
                let expected = (state, event) == (RowState::InFlight, RowEvent::Created)
                    || (state, event) == (RowState::Unknown, RowEvent::Found);
                assert_eq!(created, expected, "{state} {event:?}");
            }
        }
    }

    proptest! {
        /// Against a reference that knows only whether an attempt was unanswered and none has answered since.
        #[test]
        fn a_row_stays_in_doubt_until_its_contact_is_known(events in proptest::collection::vec(proptest::sample::select(&EVENTS[..]), 0..40)) {
            let mut status = NEW;
            let mut doubt = false;
            for event in events {
                let Ok(next) = transition(status, event) else { continue };
                doubt |= matches!(event, RowEvent::RetryInDoubt | RowEvent::LeftInDoubt | RowEvent::Recovered | RowEvent::Expired);
                if matches!(event, RowEvent::Created | RowEvent::Found) {
                    doubt = false;
                }
                prop_assert_eq!(next.may_exist, doubt);
                prop_assert!(!doubt || matches!(next.state, RowState::Pending | RowState::InFlight | RowState::Unknown));
                prop_assert!(next.state != RowState::Unknown || doubt);
                status = next;
            }
        }
    }
}
