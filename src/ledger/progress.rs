//! What the writer remembers of a run and of the scan of its current input.

use std::collections::{BTreeSet, HashMap};

use super::mended_rows::{LeftTo, MendedRows};
use super::occurrences::Occurrences;
use super::row::{RowId, RowSet};
use crate::token::ClientToken;

/// State of the scan of one input between calls.
#[derive(Default)]
pub(super) struct ScanProgress {
    /// Whether a row of a rejects file is taken in.
    pub(super) is_reject: bool,
    /// Rows of the ledger that rows of this rejects file are.
    pub(super) taken: RowSet,
    /// Rows of a rejects file that belong to the inputs which they came from.
    pub(super) of_other_inputs: u64,
    /// Rows of the input that were mended, and that other shards have now.
    pub(super) other_shards: u64,
    /// Rows of the input that were mended, and that the job's condition does not select now.
    pub(super) passed_over: u64,
    /// As `other_shards`, of rows of a rejects file that belong to other inputs.
    pub(super) elsewhere_other_shards: u64,
    /// As `passed_over`, of rows of a rejects file that belong to other inputs.
    pub(super) elsewhere_passed_over: u64,
    /// Inputs whose rows the scan changes: its own input, or those that a rejects file has rows of.
    pub(super) changed_sources: BTreeSet<i64>,
}

impl RunProgress {
    /// Marks a row as read, and returns whether it is read for the first time in this run.
    pub(super) fn see(&mut self, row: RowId) -> bool {
        let is_new = !self.seen.contains(row) && !self.seen_as_rejects.contains(row);
        let seen = if self.scan.is_reject { &mut self.seen_as_rejects } else { &mut self.seen };
        seen.insert(row);
        is_new
    }

    /// Whether an earlier row of the input is this row.
    pub(super) fn is_seen(&self, row: RowId) -> bool {
        self.seen.contains(row) || self.scan.taken.contains(row)
    }
}

impl ScanProgress {
    /// The number of rows of the input that the ledger has no more for this reason.
    pub(super) fn left_to(&mut self, left_to: LeftTo) -> &mut u64 {
        match left_to {
            LeftTo::OtherShard => &mut self.other_shards,
            LeftTo::PassedOver => &mut self.passed_over,
        }
    }

    /// As [`left_to`](Self::left_to), of rows of a rejects file that belong to other inputs.
    pub(super) fn elsewhere(&mut self, left_to: LeftTo) -> &mut u64 {
        match left_to {
            LeftTo::OtherShard => &mut self.elsewhere_other_shards,
            LeftTo::PassedOver => &mut self.elsewhere_passed_over,
        }
    }
}

/// State of the run between calls.
#[derive(Default)]
pub(super) struct RunProgress {
    /// Rows that were mended in a rejects file.
    pub(super) mended: MendedRows,
    /// Places of rows of the inputs that are the first of their token and were mended.
    pub(super) mended_first: HashMap<ClientToken, (i64, u64)>,
    /// Numbers of the last rows that rows of rejects files were given for a key, by the key's first token.
    pub(super) ordinals: HashMap<ClientToken, u32>,
    /// Inputs read to their end in this run.
    pub(super) read: BTreeSet<i64>,
    /// The scan of the current input.
    pub(super) scan: ScanProgress,
    /// Rows of the inputs that were read in this run. Rows that were created before are recognised without a write.
    pub(super) seen: RowSet,
    /// Rows that rows of rejects files are. The inputs may have them too.
    pub(super) seen_as_rejects: RowSet,
    /// Repetitions of tokens in this run.
    pub(super) repeats: Occurrences,
    /// The last row of the ledger when the run started.
    pub(super) last_row_before: RowId,
    /// The row of the ledger that the input last matched.
    pub(super) last_matched: RowId,
    /// Rows of the input that were created before.
    pub(super) created: u64,
    /// Of those, with other content than was sent.
    pub(super) changed: u64,
    /// Rows without a key that equal an earlier one.
    pub(super) identical: u64,
    /// Headers of the rows of this run.
    pub(super) headers: BTreeSet<i64>,
    /// Whether every row in doubt is claimed. They are claimed first.
    pub(super) has_claimed_doubts: bool,
    /// The row that was claimed last, among those in doubt or among the others.
    pub(super) last_claimed: RowId,
    /// Whether the time of the run's first request is recorded.
    pub(super) is_sending: bool,
}
