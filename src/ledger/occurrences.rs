//! Which of the rows of one token a row of an input is, as a run numbers them.

use std::collections::BTreeMap;

use super::migrate::sqlite;
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
            reader.connection.execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS repeats
                 (token BLOB PRIMARY KEY, occurrences INTEGER NOT NULL) STRICT",
            )?;
            reader
                .connection
                .prepare_cached(
                    "INSERT INTO temp.repeats (token, occurrences) VALUES (?1, 2)
                     ON CONFLICT DO UPDATE SET occurrences = occurrences + 1 RETURNING occurrences",
                )?
                .query_row([token.0.0], |row| row.get(0))
        };
        count().map_err(|source| sqlite(&reader.path, source))
    }
}
