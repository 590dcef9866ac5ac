//! Rows by where they stand in their inputs. The ledger has no index of that, as only the rows of a rejects file are
//! looked for so.

use rusqlite::{OptionalExtension as _, params};

use super::listing::{LISTED, listed};
use super::migrate::sqlite;
use super::{LedgerError, LedgerReader, ListedRow};

impl LedgerReader {
    /// Makes an index for [`LedgerReader::find_at`], a table on the disk: 1 s for a million rows.
    ///
    /// # Errors
    /// The ledger cannot be read, or there is no room on the disk.
    pub fn index_places(&self) -> Result<(), LedgerError> {
        let index = "CREATE TEMP TABLE IF NOT EXISTS places
                (source_id INTEGER, line INTEGER, row INTEGER, PRIMARY KEY (source_id, line, row)) WITHOUT ROWID;
            INSERT OR IGNORE INTO temp.places SELECT source_id, line, id FROM rows ORDER BY source_id, line, id";
        self.connection.execute_batch(index).map_err(|source| sqlite(&self.path, source))
    }

    /// The row that started on this line of this input and had this key, as people see it, when the index was made. Of
    /// several, which came there one after the other, the one that was seen last.
    ///
    /// # Errors
    /// The ledger cannot be read, or has no index.
    pub fn find_at(&self, source: &str, line: u64, key: &str) -> Result<Option<ListedRow>, LedgerError> {
        let read = || {
            self.connection
                .prepare_cached(&format!(
                    "SELECT {LISTED} FROM sources CROSS JOIN temp.places ON places.source_id = sources.id
                     CROSS JOIN rows ON rows.id = places.row
                     WHERE path = ?1 AND places.line = ?2 AND key = ?3 ORDER BY run_id DESC, rows.id DESC LIMIT 1"
                ))?
                .query_row(params![source, line, key], listed)
                .optional()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }
}
