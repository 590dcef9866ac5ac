//! What the ledger says of the rows that a check meets.

use super::Class;
use crate::digest::Digest;
use crate::ledger::{LedgerError, LedgerReader, RowState, is_amended};
use crate::source::{Input, RowKey};
use crate::token::TokenScheme;

/// A ledger as a check reads it.
#[derive(Debug)]
pub struct Known {
    reader: LedgerReader,
    scheme: TokenScheme,
    /// The mapping's fingerprint.
    mapping: Digest,
    /// What the ledger knows the inputs by.
    sources: Vec<String>,
}

impl Known {
    /// The rows that `reader` reads, as a run of this mapping over these inputs would take them.
    pub fn new(reader: LedgerReader, scheme: TokenScheme, mapping: Digest, inputs: &[Input]) -> Self {
        let files = inputs.iter().filter(|input| **input != Input::Stdin);
        Known { reader, scheme, mapping, sources: files.map(Input::identity).collect() }
    }

    /// What a run would do with the `occurrence`th row of this key; none if the ledger does not know it, or
    /// it waits.
    pub(super) fn meet(
        &self,
        key: &RowKey,
        occurrence: u32,
        content: impl FnOnce() -> Digest,
    ) -> Result<Option<Class>, LedgerError> {
        let Some(row) = self.reader.row(self.scheme.token(key, occurrence))? else { return Ok(None) };
        let is_same = || row.content == content();
        Ok(match row.state {
            RowState::Created => Some(if is_same() { Class::Created } else { Class::CreatedChanged }),
            RowState::Unknown => Some(Class::Unknown),
            RowState::Rejected => {
                let amended = is_amended(row.code.as_deref(), is_same(), row.mapping == self.mapping);
                (!amended).then_some(Class::Refused)
            }
            RowState::Pending | RowState::InFlight | RowState::Failed => None,
        })
    }

    /// Rows of other inputs that a run would send too.
    pub(super) fn waiting_elsewhere(&self) -> Result<u64, LedgerError> {
        self.reader.waiting_elsewhere(&self.sources)
    }
}
