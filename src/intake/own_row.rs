//! A row of an input on its way to the ledger.

use crate::ledger::{LeftTo, RejectOrigin, RowKind};
use crate::mapping::Rejection;
use crate::source::{Record, Reject, RowKey, RowOrigin};

/// A row that the ledger has or may have.
pub(super) struct OwnRow<'a> {
    /// The row.
    pub(super) record: &'a Record,
    /// Its key.
    pub(super) key: RowKey,
    /// Why the job's condition cannot be applied to it.
    pub(super) unselectable: Option<Rejection>,
    /// Whether an earlier row of the input has its key.
    pub(super) is_repeated: bool,
    /// Whether its key belongs to another shard, and the ledger may have it only because it was mended.
    pub(super) is_of_other_shard: bool,
    /// The row that it is, if it was read from a rejects file.
    pub(super) reject: Option<RejectOrigin>,
}

impl OwnRow<'_> {
    /// Kind of the row for the ledger.
    pub(super) fn kind(&self) -> RowKind {
        match self.reject {
            Some(_) => RowKind::Reject,
            None if self.is_of_other_shard => RowKind::OfOtherShard,
            None => RowKind::Own,
        }
    }
}

/// The row that a row of a rejects file is.
pub(super) fn reject_origin((origin, reject): (RowOrigin, &Reject), left_to: Option<LeftTo>) -> RejectOrigin {
    RejectOrigin { origin, file: reject.file.clone(), line: reject.line, left_to }
}
