//! What `--verbose` adds: a line for each step before the first request, and for each attempt that is made again. Pure.

use super::words::count_of;
use crate::event::{Preparation, RunEvent};
use crate::ledger::RowState;
use crate::printable::printable;

/// The event as a printable line; none if the other lines show it, or the numbers of the progress.
pub(super) fn detail(event: &RunEvent) -> Option<String> {
    let text = match event {
        RunEvent::Prepared(Preparation::LedgerOpened { ledger }) => format!("{ledger} is open and locked"),
        RunEvent::Prepared(Preparation::InputRead { file, rows }) => {
            format!("{file} is read: {}", count_of(*rows, "row"))
        }
        RunEvent::RowSettled {
            source,
            line,
            key,
            state: RowState::Pending,
            done: false,
            cause: Some(cause),
            ..
        } => {
            format!("{source}, line {line} (key {key}) is tried again: {cause}")
        }
        _ => return None,
    };
    Some(printable(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Cause;

    #[test]
    fn steps_and_repeated_attempts_are_details_and_results_of_rows_are_not() {
        let opened = Preparation::LedgerOpened { ledger: "t.ledger.db".into() };
        assert_eq!(detail(&RunEvent::Prepared(opened)).unwrap(), "t.ledger.db is open and locked");
        let read = Preparation::InputRead { file: "t.csv".into(), rows: 1 };
        assert_eq!(detail(&RunEvent::Prepared(read)).unwrap(), "t.csv is read: 1 row");
        let settled = |state, done| RunEvent::RowSettled {
            source: "t.csv".into(),
            line: 7,
            key: "K\u{1b}".into(),
            state,
            done,
            cause: Some(Cause { code: "ThrottlingException".into(), message: "slow down".into() }),
            latency: None,
        };
        let again = detail(&settled(RowState::Pending, false)).unwrap();
        assert_eq!(again, "t.csv, line 7 (key K\\u{1b}) is tried again: ThrottlingException: slow down");
        // Problems have lines of their own.
        assert_eq!(detail(&settled(RowState::Pending, true)), None);
        assert_eq!(detail(&settled(RowState::Failed, true)), None);
    }
}
