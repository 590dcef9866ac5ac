//! The states of a row and the one function that moves it from one to the next. Pure; used live and
//! in recovery, and enforced a second time by the ledger's CHECKs and guarded updates.

#![warn(clippy::wildcard_enum_match_arm)]

use std::fmt;

use thiserror::Error;

/// The state of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum RowState {
    /// Waiting to be sent.
    Pending,
    /// The intent to send is durable; the answer is not known yet.
    InFlight,
    /// The contact exists.
    Created,
    /// It can never succeed as it is: the mapping, a limit or Connect refused it.
    Rejected,
    /// Attempts are used up; surely not created.
    Failed,
    /// Maybe created: sent, and not answered.
    Unknown,
}

impl RowState {
    /// Every state, in the order in which reports list them.
    pub const ALL: [RowState; 6] = [
        RowState::Pending,
        RowState::InFlight,
        RowState::Created,
        RowState::Rejected,
        RowState::Failed,
        RowState::Unknown,
    ];

    /// The state's published name, in the ledger, in JSON and in rejects files.
    pub fn name(self) -> &'static str {
        match self {
            RowState::Pending => "pending",
            RowState::InFlight => "in_flight",
            RowState::Created => "created",
            RowState::Rejected => "rejected",
            RowState::Failed => "failed",
            RowState::Unknown => "unknown",
        }
    }

    /// Whether rows in this state are counted by the code of what befell them.
    pub fn has_cause(self) -> bool {
        match self {
            RowState::Rejected | RowState::Failed | RowState::Unknown => true,
            RowState::Pending | RowState::InFlight | RowState::Created => false,
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

/// Where a row stands: its state, and whether an unanswered attempt may have created its contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct RowStatus {
    /// The state.
    pub state: RowState,
    /// An earlier attempt went unanswered. Never true of rows that are said to be settled.
    pub may_exist: bool,
}

/// What happens to a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum RowEvent {
    /// An attempt begins: the intent becomes durable.
    Begun,
    /// Connect answered with a contact id.
    Created,
    /// The attempt created nothing; another one may follow.
    Retry,
    /// The attempt may have created the contact; another one with the same token may follow.
    RetryInDoubt,
    /// The attempt created nothing, and attempts are used up.
    Exhausted,
    /// The attempt may have created the contact, and no further one may follow.
    LeftInDoubt,
    /// Connect refused the row as it is.
    Refused,
    /// A later run found the attempt of a run that died; its token may still be used.
    Recovered,
    /// A later run found an unanswered attempt whose token is too old to be used again.
    Expired,
    /// A later run takes up a failed row.
    Retaken,
    /// A later run takes up a rejected row whose content or mapping has changed.
    Amended,
    /// The mapping or a limit refuses the row as it is now.
    Unmappable,
    /// A later run was told to send unknown rows again, or rejected ones as they are.
    Retried,
    /// Connect was asked, and has the contact.
    Found,
}

/// The event cannot happen to a row that stands there: a bug, and fatal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a row that is {} cannot be {event:?}", from.state)]
pub struct Illegal {
    /// Where the row stood.
    pub from: RowStatus,
    /// What was to happen.
    pub event: RowEvent,
}

/// Where the row stands after `event`.
///
/// A row in doubt never becomes rejected or failed, which claim that no contact exists: it becomes
/// unknown instead. Nothing leaves `created`, and `unknown` is left by evidence, or when somebody says so.
///
/// # Errors
/// [`Illegal`] if the event cannot happen there.
pub fn transition(from: RowStatus, event: RowEvent) -> Result<RowStatus, Illegal> {
    use RowState::{Created, Failed, InFlight, Pending, Rejected, Unknown};
    let settled = |state| RowStatus { state, may_exist: false };
    let in_doubt = |state| RowStatus { state, may_exist: true };
    let surely_not = |state| {
        if from.may_exist { in_doubt(Unknown) } else { settled(state) }
    };
    Ok(match (from.state, event) {
        (Pending, RowEvent::Begun) => RowStatus { state: InFlight, ..from },
        (InFlight, RowEvent::Created) => settled(Created),
        (InFlight, RowEvent::Retry) => RowStatus { state: Pending, ..from },
        (InFlight, RowEvent::RetryInDoubt | RowEvent::Recovered) => in_doubt(Pending),
        (InFlight, RowEvent::Exhausted) => surely_not(Failed),
        (InFlight, RowEvent::Refused) => surely_not(Rejected),
        (InFlight, RowEvent::LeftInDoubt | RowEvent::Expired) => in_doubt(Unknown),
        (Pending, RowEvent::LeftInDoubt | RowEvent::Expired) if from.may_exist => in_doubt(Unknown),
        (Pending | Failed | Rejected, RowEvent::Unmappable) => surely_not(Rejected),
        (Failed, RowEvent::Retaken) | (Rejected, RowEvent::Amended | RowEvent::Retried) => settled(Pending),
        (Unknown, RowEvent::Retried) => in_doubt(Pending),
        (Unknown, RowEvent::Found) => settled(Created),
        (
            Pending | InFlight | Created | Rejected | Failed | Unknown,
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
            | RowEvent::Found,
        ) => return Err(Illegal { from, event }),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [RowEvent; 14] = [
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
    ];

    const NEW: RowStatus = RowStatus { state: RowState::Pending, may_exist: false };

    #[test]
    fn nothing_leaves_created_and_only_evidence_or_a_word_leaves_unknown() {
        for event in EVENTS {
            let created = RowStatus { state: RowState::Created, may_exist: false };
            assert!(transition(created, event).is_err(), "{event:?}");
            let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
            let left = transition(unknown, event).is_ok();
            assert_eq!(left, matches!(event, RowEvent::Retried | RowEvent::Found), "{event:?}");
        }
    }

    #[test]
    fn only_an_answer_or_a_contact_that_was_found_makes_a_row_created() {
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
        /// A reference that knows only what happened: whether some attempt went unanswered and none
        /// has settled the matter since.
        #[test]
        fn doubt_is_never_forgotten(events in proptest::collection::vec(proptest::sample::select(&EVENTS[..]), 0..40)) {
            let mut standing = NEW;
            let mut doubt = false;
            for event in events {
                let Ok(next) = transition(standing, event) else { continue };
                doubt |= matches!(event, RowEvent::RetryInDoubt | RowEvent::LeftInDoubt | RowEvent::Recovered | RowEvent::Expired);
                if matches!(event, RowEvent::Created | RowEvent::Found) {
                    doubt = false;
                }
                prop_assert_eq!(next.may_exist, doubt);
                prop_assert!(!(doubt && matches!(next.state, RowState::Rejected | RowState::Failed | RowState::Created)));
                prop_assert!(next.state != RowState::Unknown || doubt);
                standing = next;
            }
        }
    }
}
