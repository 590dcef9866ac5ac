//! Rows of a ledger as `check` looks them up: by token, and by what they were before they were mended.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};

use super::counts::{IS_OF_UNFINISHED_SCAN, IS_REMOVED};
use super::error::LedgerError;
use super::mended_rows::{LeftTo, mended_row, row_of_origin};
use super::reader::LedgerReader;
use super::row::RowId;
use super::schema::state_column;
use super::state::RowState;
use crate::digest::Digest;
use crate::source::RowOrigin;
use crate::token::ClientToken;

/// A row of the ledger as far as it decides what a run does with it.
#[derive(Clone, Debug)]
pub struct KnownRow {
    /// Number in the ledger.
    pub row: RowId,
    /// Token.
    pub token: ClientToken,
    /// Line on which it starts in its input.
    pub line: u64,
    /// Whether it was mended in a rejects file.
    pub is_mended: bool,
    /// Why the ledger has it no more since it was mended.
    pub left_to: Option<LeftTo>,
    /// State at the start of the next run.
    pub state: RowState,
    /// Time of the first attempt that may have created the contact, milliseconds since 1970. `None` if the row is not
    /// in doubt.
    pub doubt_ms: Option<i64>,
    /// Input that the row came from.
    pub source: String,
    /// Whether that input was not read to its end, or the row was removed from it: a run then leaves the row out.
    pub stranded: bool,
    /// Digest of the cells.
    pub content: Digest,
    /// Code of the last error.
    pub code: Option<String>,
    /// Digest of the mapping of the last run that read the row.
    pub mapping: Digest,
}

impl LedgerReader {
    /// The row of `token`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn row(&self, token: ClientToken) -> Result<Option<KnownRow>, LedgerError> {
        self.read(|connection| known_row(connection, "rows.token = ?1", &token.0.0))
    }

    /// The row that was first read as `origin`, however often it was mended since.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn row_of_origin(&self, origin: RowOrigin) -> Result<Option<KnownRow>, LedgerError> {
        self.read(|connection| match row_of_origin(connection, origin)? {
            Some(row) => known_row(connection, "rows.id = ?1", &row.0),
            None => Ok(None),
        })
    }

    /// The row that was mended in a rejects file, and was first read as `origin`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn mended_row(&self, origin: RowOrigin) -> Result<Option<KnownRow>, LedgerError> {
        self.read(|connection| match mended_row(connection, origin)? {
            Some(row) => known_row(connection, "rows.id = ?1", &row.0),
            None => Ok(None),
        })
    }

    /// Whether a row was mended in a rejects file.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn has_mended_rows(&self) -> Result<bool, LedgerError> {
        self.read(|connection| {
            connection.query_row("SELECT EXISTS (SELECT 1 FROM mended_rows)", [], |row| row.get(0))
        })
    }
}

fn known_row(
    connection: &Connection,
    condition: &str,
    value: &dyn ToSql,
) -> rusqlite::Result<Option<KnownRow>> {
    // The next run first makes rows unknown again that the operator's request left pending.
    let sql = format!(
        "SELECT CASE operator_retry WHEN 1 THEN 'unknown' ELSE state END, rows.content, code, mapping,
                CASE WHEN may_exist OR state = 'in_flight' THEN doubt_ms END, path,
                {IS_OF_UNFINISHED_SCAN} OR state IN ('pending', 'failed') AND {IS_REMOVED},
                rows.id, rows.token, line, row_id IS NOT NULL, left_to
         FROM rows JOIN runs ON runs.id = run_id JOIN sources ON sources.id = source_id
         LEFT JOIN mended_rows
         ON mended_rows.id = (SELECT min(id) FROM mended_rows WHERE row_id = rows.id) WHERE {condition}"
    );
    let known = |row: &Row<'_>| {
        Ok(KnownRow {
            state: state_column(row, 0)?,
            content: Digest(row.get(1)?),
            code: row.get(2)?,
            mapping: Digest(row.get(3)?),
            doubt_ms: row.get(4)?,
            source: row.get(5)?,
            stranded: row.get(6)?,
            row: RowId(row.get(7)?),
            token: ClientToken(Digest(row.get(8)?)),
            line: row.get(9)?,
            is_mended: row.get(10)?,
            left_to: row.get(11)?,
        })
    };
    connection.prepare_cached(&sql)?.query_row([value], known).optional()
}
