//! What needs attention, each cause once with a count and its first example, as `check` groups faults. Pure.

use std::collections::HashMap;

use super::check::headline;
use crate::event::{FindingKind, RunEvent, VerificationFinding};
use crate::ledger::{self, Note, RowState};
use crate::pacing::PoolFailure;

/// Causes that are told apart; messages of the service could make any number of them.
const KINDS: usize = 1000;

/// Something that befell rows, or the whole run, so many times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cause {
    /// What it did: `rejected`, `in doubt`.
    pub(super) what: &'static str,
    /// Code and message; may be empty.
    pub(super) why: String,
    /// How often.
    pub(super) count: u64,
    /// The file and line of the first row, if it is about rows.
    pub(super) first: Option<(String, u64)>,
    /// The count that people have been told.
    told: u64,
}

impl Cause {
    /// `12 rejected: Validation: Name: at most 1024 characters are allowed`.
    pub(super) fn headline(&self) -> String {
        let Cause { what, why, count, .. } = self;
        let separator = if why.is_empty() { "" } else { ": " };
        format!("{count} {what}{separator}{why}")
    }
}

/// All causes so far.
#[derive(Debug, Default)]
pub(super) struct Causes {
    causes: Vec<Cause>,
    index: HashMap<(&'static str, String), usize>,
    /// How often something befell a row that has no place of its own any more.
    beyond: u64,
}

/// Where a row is.
type Place<'a> = Option<(&'a str, u64)>;

impl Causes {
    /// Counts what an event tells; whether that is new.
    pub(super) fn count(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::RowNoted { file, note } => self.note(file, note),
            RunEvent::RowSettled { source, line, state, done, cause, .. } => {
                let what = match state {
                    RowState::Rejected | RowState::Failed | RowState::Unknown => state.name(),
                    RowState::Pending if *done => "in doubt",
                    RowState::Pending | RowState::InFlight | RowState::Created => return false,
                };
                self.add(what, cause.as_ref().map(said).unwrap_or_default(), Some((source, *line)))
            }
            RunEvent::VerificationFinding(VerificationFinding { source, line, kind, .. }) => {
                let (what, why) = match kind {
                    FindingKind::Missing => ("missing", "Connect does not know the contact".to_owned()),
                    FindingKind::Different(members) => ("different", members.join(" and ")),
                    FindingKind::Found => ("found", "unknown before, and created".to_owned()),
                    FindingKind::Ambiguous { .. } => {
                        ("still unknown", "contacts fit, and it cannot be told whose they are".to_owned())
                    }
                    FindingKind::Shared => ("shared", "the contact is that of another row too".to_owned()),
                    FindingKind::NotFound => ("still unknown", "not found, which is no proof".to_owned()),
                    FindingKind::Refused(cause) => ("not answered", said(cause)),
                };
                self.add(what, why, Some((source, *line)))
            }
            RunEvent::Paused { failure, cause, .. } => match setback_words(*failure) {
                Some(words) => self.add("pauses", format!("{words} ({})", said(cause)), None),
                None => false,
            },
            RunEvent::ReadingInput { .. }
            | RunEvent::SendingStarted { .. }
            | RunEvent::LedgerCreated { .. }
            | RunEvent::LedgerOpening(_)
            | RunEvent::InFlightListed(_)
            | RunEvent::RateReloaded(_)
            | RunEvent::ConcurrencyLimited { .. }
            | RunEvent::OpenFilesLimited { .. }
            | RunEvent::ShardStarted { .. }
            | RunEvent::MetricsFailed { .. }
            | RunEvent::Draining { .. }
            | RunEvent::Progress(_)
            | RunEvent::Verifying { .. } => false,
        }
    }

    fn note(&mut self, file: &str, note: &Note) -> bool {
        let (what, line) = match note {
            Note::Rejected { line, rejection, .. } => {
                let rejected = RowState::Rejected.name();
                let mut is_new = false;
                for fault in &rejection.faults {
                    let why = format!("{}: {}", rejection.code, headline(fault));
                    is_new |= self.add(rejected, why, Some((file, *line)));
                }
                return is_new;
            }
            Note::ChangedSinceCreated { line, .. } => ("changed since created, not sent again", line),
            Note::ChangedInDoubt { line, .. } => {
                ("changed since an unanswered attempt, sent again as before", line)
            }
            Note::Unknown { line, .. } => ("unknown from earlier runs, not sent again", line),
        };
        self.add(what, String::new(), Some((file, *line)))
    }

    fn add(&mut self, what: &'static str, why: String, place: Place<'_>) -> bool {
        let kind = (what, without_numbers(&why));
        if let Some(cause) = self.index.get(&kind).and_then(|index| self.causes.get_mut(*index)) {
            cause.count += 1;
            return false;
        }
        if self.causes.len() >= KINDS {
            self.beyond += 1;
            return false;
        }
        self.index.insert(kind, self.causes.len());
        let first = place.map(|(file, line)| (file.to_owned(), line));
        self.causes.push(Cause { what, why, count: 1, first, told: 1 });
        true
    }

    /// The most frequent first.
    pub(super) fn ranked(&self) -> Vec<&Cause> {
        // What was written once, above the bar, is told again when there is more of it.
        let shown = self.causes.iter().filter(|cause| cause.first.is_some() || cause.count > 1);
        let mut causes: Vec<&Cause> = shown.collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        causes
    }

    /// Those that have grown since this was last asked, or since they were new.
    pub(super) fn grown(&mut self) -> Vec<String> {
        let grown = self.causes.iter_mut().filter(|cause| cause.count > cause.told);
        let mut lines = Vec::new();
        for cause in grown {
            cause.told = cause.count;
            lines.push(cause.headline());
        }
        if self.beyond > 0 {
            lines.push(format!("{} for other causes", std::mem::take(&mut self.beyond)));
        }
        lines
    }
}

/// Why the whole pool pauses, if that needs attention: throttling is told as a number.
pub(super) fn setback_words(failure: PoolFailure) -> Option<&'static str> {
    match failure {
        PoolFailure::Throttled => None,
        PoolFailure::Unreachable => Some("Connect is out of reach"),
        PoolFailure::Unanswered => Some("Connect does not answer"),
        PoolFailure::CredentialsUnavailable => Some("the credentials are out of reach"),
    }
}

fn said(cause: &ledger::Cause) -> String {
    format!("{}: {}", cause.code, cause.message)
}

/// What messages of one cause share: words with digits are sizes, ids and positions, each row's own.
fn without_numbers(why: &str) -> String {
    let has_digit = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let words = why.split(' ').map(|word| if has_digit(word) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Rejection, RowFault};

    fn rejected(line: u64, faults: &[(&str, &str)]) -> RunEvent {
        let fault = |(found, rule): &(&str, &str)| RowFault {
            member: "Name".into(),
            found: (*found).into(),
            rule: (*rule).into(),
            ..RowFault::default()
        };
        let rejection = Rejection { code: "Validation", faults: faults.iter().map(fault).collect() };
        let note = Note::Rejected { line, key: "K".into(), rejection };
        RunEvent::RowNoted { file: "t.csv".into(), note }
    }

    fn settled(line: u64, state: RowState, message: &str) -> RunEvent {
        RunEvent::RowSettled {
            source: "t.csv".into(),
            line,
            key: "K".into(),
            state,
            done: true,
            cause: Some(ledger::Cause { code: "InvalidParameterException".into(), message: message.into() }),
            latency: None,
        }
    }

    fn told(causes: &Causes) -> Vec<String> {
        causes.ranked().iter().map(|cause| cause.headline()).collect()
    }

    #[test]
    fn rows_share_a_cause_whatever_their_sizes_and_each_fault_of_a_row_counts() {
        let mut causes = Causes::default();
        let long = "at most 1024 characters are allowed";
        assert!(causes.count(&rejected(2, &[("has 1025 characters", long)])));
        assert!(causes.count(&rejected(3, &[("has 1100 characters", long), ("", "is required")])));
        assert!(!causes.count(&rejected(9, &[("has 2000 characters", long)])));
        let headlines = [
            "3 rejected: Validation: Name: at most 1024 characters are allowed",
            "1 rejected: Validation: Name: is required",
        ];
        assert_eq!(told(&causes), headlines);
        assert_eq!(causes.ranked()[0].first, Some(("t.csv".to_owned(), 2)));
    }

    #[test]
    fn messages_of_the_service_share_a_cause_but_for_numbers_and_ids() {
        let mut causes = Causes::default();
        causes.count(&settled(2, RowState::Rejected, "contact 166c4e33-95aa of 12 is no more"));
        causes.count(&settled(3, RowState::Rejected, "contact 88d0e1f2-0000 of 7 is no more"));
        causes.count(&settled(4, RowState::Failed, "contact 88d0e1f2-0000 of 7 is no more"));
        causes.count(&settled(5, RowState::Created, ""));
        let headlines = [
            "2 rejected: InvalidParameterException: contact 166c4e33-95aa of 12 is no more",
            "1 failed: InvalidParameterException: contact 88d0e1f2-0000 of 7 is no more",
        ];
        assert_eq!(told(&causes), headlines);
    }

    #[test]
    fn a_cause_is_told_again_when_it_has_grown() {
        let mut causes = Causes::default();
        causes.count(&settled(2, RowState::Failed, "no"));
        assert!(causes.grown().is_empty());
        causes.count(&settled(3, RowState::Failed, "no"));
        causes.count(&settled(4, RowState::Failed, "no"));
        assert_eq!(causes.grown(), ["3 failed: InvalidParameterException: no"]);
        assert!(causes.grown().is_empty());
    }

    #[test]
    fn memory_does_not_grow_with_the_causes() {
        let mut causes = Causes::default();
        let letters =
            |n: u64| n.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect::<String>();
        for line in 0..2000 {
            causes.count(&settled(line, RowState::Failed, &letters(line)));
        }
        assert_eq!(causes.ranked().len(), KINDS);
        assert_eq!(causes.grown(), ["1000 for other causes"]);
    }
}
