//! Rows that went unanswered: whether it is they, or nobody answers.

use std::collections::HashSet;

use crate::ledger::RowId;

#[derive(Default)]
pub(super) struct OutageDetector {
    /// The rows that went unanswered since the last answer to any.
    since: HashSet<RowId>,
    /// The rows that went unanswered while others were answered: their silence is their own, and no sign of an outage.
    odd: HashSet<RowId>,
}

impl OutageDetector {
    /// Some row was answered.
    pub(super) fn is_broken(&mut self) {
        self.odd.extend(self.since.drain());
    }

    /// A row was not.
    pub(super) fn goes_on(&mut self, row: RowId) {
        if !self.is_odd(row) {
            self.since.insert(row);
        }
    }

    /// A row is done with, however that came about.
    pub(super) fn forget(&mut self, row: RowId) {
        self.odd.remove(&row);
    }

    /// Two rows without an answer in between: it is not the row.
    pub(super) fn is_outage(&self) -> bool {
        self.since.len() >= 2
    }

    /// Whether the row's silence is its own.
    pub(super) fn is_odd(&self, row: RowId) -> bool {
        self.odd.contains(&row)
    }
}
