//! Problems counted by cause, each with its first row, as `check` groups faults. Pure.

use std::collections::HashMap;

use crate::ui::describe_event::Problem;

/// Distinct causes that are counted; messages of the service could make any number of them.
const MAX_CAUSES: usize = 1000;

/// A cause of problems and how often it occurred.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CountedCause {
    /// Kind of the problem: `rejected`, `in doubt`.
    pub(super) kind: &'static str,
    /// Code and message; may be empty.
    pub(super) cause: String,
    /// Occurrences.
    pub(super) count: u64,
    /// File and line of the first row, if rows are concerned.
    pub(super) first: Option<(String, u64)>,
    /// Count when it was last printed.
    printed: u64,
}

impl CountedCause {
    /// `12 rejected: Validation: Name: at most 1024 characters are allowed`.
    pub(super) fn headline(&self) -> String {
        let CountedCause { kind, cause, count, .. } = self;
        let separator = if cause.is_empty() { "" } else { ": " };
        format!("{count} {kind}{separator}{cause}")
    }
}

/// All causes so far.
#[derive(Debug, Default)]
pub(super) struct Causes {
    causes: Vec<CountedCause>,
    index: HashMap<(&'static str, String), usize>,
    /// Problems whose cause came after [`MAX_CAUSES`] others.
    uncounted: u64,
}

impl Causes {
    /// Counts a problem; returns whether one of its causes is new.
    pub(super) fn count(&mut self, problem: &Problem<'_>) -> bool {
        let first = problem.row.map(|row| (row.file, row.line));
        let mut is_new = false;
        for cause in &problem.causes {
            is_new |= self.add(problem.kind, cause, first);
        }
        is_new
    }

    fn add(&mut self, kind: &'static str, cause: &str, first: Option<(&str, u64)>) -> bool {
        let key = (kind, without_numbers(cause));
        if let Some(known) = self.index.get(&key).and_then(|index| self.causes.get_mut(*index)) {
            known.count += 1;
            return false;
        }
        if self.causes.len() >= MAX_CAUSES {
            self.uncounted += 1;
            return false;
        }
        self.index.insert(key, self.causes.len());
        let first = first.map(|(file, line)| (file.to_owned(), line));
        self.causes.push(CountedCause { kind, cause: cause.to_owned(), count: 1, first, printed: 1 });
        true
    }

    /// Causes for the status area, the most frequent first.
    pub(super) fn ranked(&self) -> Vec<&CountedCause> {
        // A pause is printed when it is new, so it is listed only once there are more of them.
        let listed = self.causes.iter().filter(|cause| cause.first.is_some() || cause.count > 1);
        let mut causes: Vec<&CountedCause> = listed.collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        causes
    }

    /// Headlines of the causes whose count has grown since they were last printed, and marks them as printed.
    pub(super) fn take_grown(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for cause in self.causes.iter_mut().filter(|cause| cause.count > cause.printed) {
            cause.printed = cause.count;
            lines.push(cause.headline());
        }
        if self.uncounted > 0 {
            lines.push(format!("{} for other causes", std::mem::take(&mut self.uncounted)));
        }
        lines
    }
}

/// The part of a message that rows with one cause share: words with digits are sizes, ids and positions.
fn without_numbers(cause: &str) -> String {
    let has_digit = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let words = cause.split(' ').map(|word| if has_digit(word) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunEvent;
    use crate::ledger::{Cause, Note, NoteKind, RowState};
    use crate::mapping::{Rejection, RowFault};
    use crate::ui::describe_event::{Description, describe};

    fn count(causes: &mut Causes, event: &RunEvent) -> bool {
        match describe(event) {
            Description::Problem(problem) => causes.count(&problem),
            Description::Notice(_) | Description::Silent => false,
        }
    }

    fn rejected(line: u64, faults: &[(&str, &str)]) -> RunEvent {
        let fault = |(found, rule): &(&str, &str)| RowFault {
            member: "Name".into(),
            found: (*found).into(),
            rule: (*rule).into(),
            ..RowFault::default()
        };
        let rejection = Rejection { code: "Validation", faults: faults.iter().map(fault).collect() };
        let note = Note { line, key: "K".into(), kind: NoteKind::Rejected(rejection) };
        RunEvent::RowNoted { file: "t.csv".into(), note }
    }

    fn settled(line: u64, state: RowState, message: &str) -> RunEvent {
        RunEvent::RowSettled {
            source: "t.csv".into(),
            line,
            key: "K".into(),
            state,
            done: true,
            cause: Some(Cause { code: "InvalidParameterException".into(), message: message.into() }),
            latency: None,
        }
    }

    fn headlines(causes: &Causes) -> Vec<String> {
        causes.ranked().iter().map(|cause| cause.headline()).collect()
    }

    #[test]
    fn rows_share_a_cause_whatever_their_sizes_and_each_fault_of_a_row_counts() {
        let mut causes = Causes::default();
        let long = "at most 1024 characters are allowed";
        assert!(count(&mut causes, &rejected(2, &[("has 1025 characters", long)])));
        assert!(count(&mut causes, &rejected(3, &[("has 1100 characters", long), ("", "is required")])));
        assert!(!count(&mut causes, &rejected(9, &[("has 2000 characters", long)])));
        let expected = [
            "3 rejected: Validation: Name: at most 1024 characters are allowed",
            "1 rejected: Validation: Name: is required",
        ];
        assert_eq!(headlines(&causes), expected);
        assert_eq!(causes.ranked()[0].first, Some(("t.csv".to_owned(), 2)));
    }

    #[test]
    fn messages_of_the_service_share_a_cause_but_for_numbers_and_ids() {
        let mut causes = Causes::default();
        count(&mut causes, &settled(2, RowState::Rejected, "contact 166c4e33-95aa of 12 is no more"));
        count(&mut causes, &settled(3, RowState::Rejected, "contact 88d0e1f2-0000 of 7 is no more"));
        count(&mut causes, &settled(4, RowState::Failed, "contact 88d0e1f2-0000 of 7 is no more"));
        count(&mut causes, &settled(5, RowState::Created, ""));
        let expected = [
            "2 rejected: InvalidParameterException: contact 166c4e33-95aa of 12 is no more",
            "1 failed: InvalidParameterException: contact 88d0e1f2-0000 of 7 is no more",
        ];
        assert_eq!(headlines(&causes), expected);
    }

    #[test]
    fn a_cause_is_printed_again_when_its_count_has_grown() {
        let mut causes = Causes::default();
        count(&mut causes, &settled(2, RowState::Failed, "no"));
        assert!(causes.take_grown().is_empty());
        count(&mut causes, &settled(3, RowState::Failed, "no"));
        count(&mut causes, &settled(4, RowState::Failed, "no"));
        assert_eq!(causes.take_grown(), ["3 failed: InvalidParameterException: no"]);
        assert!(causes.take_grown().is_empty());
    }

    #[test]
    fn memory_does_not_grow_with_the_causes() {
        let mut causes = Causes::default();
        let letters =
            |n: u64| n.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect::<String>();
        for line in 0..2000 {
            count(&mut causes, &settled(line, RowState::Failed, &letters(line)));
        }
        assert_eq!(causes.ranked().len(), MAX_CAUSES);
        assert_eq!(causes.take_grown(), ["1000 for other causes"]);
    }
}
