//! Which of the rows of one token a row of an input is, as a run numbers them.

use std::collections::BTreeMap;

use super::migrate::sqlite;
use super::repeats;
use super::store::Bits;
use super::{LedgerError, LedgerReader, RowId};
use crate::token::ClientToken;

/// Counts identical rows of an input. A bit for each row of the ledger and a table on the disk for those that repeat,
/// so that memory stays flat.
#[derive(Debug, Default)]
pub struct Occurrences {
    /// The first rows that were met, by ledger.
    met: BTreeMap<usize, Bits>,
}

impl Occurrences {
    /// The number of a row among those whose first is `first` of the `ledger`th ledger, with the token `token`.
    ///
    /// # Errors
    /// There is no room on the disk.
    pub fn number(
        &mut self,
        (ledger, reader): (usize, &LedgerReader),
        first: RowId,
        token: ClientToken,
    ) -> Result<u32, LedgerError> {
        if !self.met.entry(ledger).or_default().insert(first) {
            return Ok(1);
        }
        let count = || {
            repeats::begin(&reader.connection)?;
            repeats::next(&reader.connection, token)
        };
        count().map_err(|source| sqlite(&reader.path, source))
    }
}
