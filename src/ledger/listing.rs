//! Rows of a ledger as people and programs see them: page by page, by token, by place, or those in doubt.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::LedgerError;
use super::mended_rows::{mended_row, row_of_origin};
use super::reader::LedgerReader;
use super::row::{Contact, RowId, RunId};
use super::schema::{json_column, state_column};
use super::state::RowState;
use crate::digest::Digest;
use crate::source::RowOrigin;
use crate::token::ClientToken;

/// Most rows of a page.
const PAGE_ROWS: usize = 1024;

/// Bytes of keys and messages in a page, about: a key may have megabytes.
const PAGE_BYTES: usize = 1 << 20;

/// Most rows that are read for a page.
const PAGE_ROWS_READ: i64 = 1 << 16;

/// A row without its cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedRow {
    /// Number in the ledger.
    pub row: RowId,
    /// The last run that read or sent the row.
    pub run: RunId,
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Key, as shown to people.
    pub key: String,
    /// State.
    pub state: RowState,
    /// Whether the row is in doubt: an unanswered attempt may have created its contact.
    pub may_exist: bool,
    /// Contact of a created row.
    pub contact: Option<Contact>,
    /// Number of attempts in all runs.
    pub attempts: u64,
    /// Time of the first attempt, milliseconds since 1970.
    pub first_sent_ms: Option<i64>,
    /// Time of the last attempt.
    pub last_sent_ms: Option<i64>,
    /// Code of the last error; `None` for a created row.
    pub code: Option<String>,
    /// Message of the last error.
    pub message: Option<String>,
}

/// Selects rows by state and run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// Rows in one of these states; empty for all.
    pub states: BTreeSet<RowState>,
    /// Rows that this run or a later one was the last to read or send.
    pub since: Option<RunId>,
}

impl Selection {
    /// Whether every row is selected.
    pub fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    /// Whether this row is selected.
    pub fn has(&self, row: &ListedRow) -> bool {
        (self.states.is_empty() || self.states.contains(&row.state))
            && self.since.is_none_or(|since| row.run >= since)
    }

    fn condition(&self) -> String {
        let mut condition = String::new();
        if !self.states.is_empty() {
            let names: Vec<_> = self.states.iter().map(|state| format!("'{state}'")).collect();
            // Writing to a String cannot fail.
            let _ = write!(condition, " AND state IN ({})", names.join(", "));
        }
        if let Some(since) = self.since {
            let _ = write!(condition, " AND run_id >= {since}");
        }
        condition
    }
}

/// Selected rows among some consecutive rows of the ledger.
#[derive(Clone, Debug)]
pub struct RowPage {
    /// The rows, in the order of the ledger.
    pub rows: Vec<ListedRow>,
    /// The next page starts after this row.
    pub last: RowId,
}

/// Rows in doubt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowsInDoubt {
    /// The first of them: unknown rows before pending ones.
    pub rows: Vec<ListedRow>,
    /// Number of all.
    pub total: u64,
}

/// A row that was not created, with its original cells.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Key, as shown to people.
    pub key: String,
    /// `rejected`, `failed` or `unknown`.
    pub state: RowState,
    /// Code of the last error.
    pub code: String,
    /// Message of the last error, with the values of the row that the service quoted.
    pub message: String,
    /// The row as it was first read.
    pub origin: RowOrigin,
    /// Columns of the header.
    pub columns: Vec<String>,
    /// Original cells.
    pub cells: Vec<String>,
}

/// Rows of the rejects file. SQLite uses the partial index only for one literal state, and would read every row otherwise.
const REJECTS: &str = "SELECT * FROM rows INDEXED BY rows_by_cause WHERE state = 'rejected'
    UNION ALL SELECT * FROM rows INDEXED BY rows_by_cause WHERE state = 'failed'
    UNION ALL SELECT * FROM rows INDEXED BY rows_by_cause WHERE state = 'unknown'";

const UNKNOWN: &str = "rows INDEXED BY rows_in_doubt WHERE may_exist = 1 AND state = 'unknown'";
const PENDING_IN_DOUBT: &str = "rows INDEXED BY rows_in_doubt WHERE may_exist = 1 AND state = 'pending'";
const IN_FLIGHT: &str = "rows WHERE record IS NOT NULL AND state = 'in_flight'";

impl LedgerReader {
    /// The selected ones of the next rows after `after`; `None` after the last row. A page without rows is not the end.
    ///
    /// No transaction is open between two pages, so that a run can shorten its log however slowly they are read.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn page(&self, after: RowId, selection: &Selection) -> Result<Option<RowPage>, LedgerError> {
        // NOT INDEXED keeps the order of the rows, so that no page is sorted out of an index.
        let sql = format!(
            "SELECT {LISTED} FROM rows NOT INDEXED CROSS JOIN sources ON sources.id = source_id
             WHERE rows.id BETWEEN ?1 AND ?2{} ORDER BY rows.id",
            selection.condition()
        );
        self.read(|connection| {
            let ends = "SELECT min(id), (SELECT max(id) FROM rows) FROM rows WHERE id > ?1";
            let ends = connection
                .prepare_cached(ends)?
                .query_row([after.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)): (Option<i64>, Option<i64>) = ends else { return Ok(None) };
            // Not beyond the last row: rows that are inserted after it would be left out.
            let last = last.min(first.saturating_add(PAGE_ROWS_READ));
            let mut statement = connection.prepare_cached(&sql)?;
            let (mut rows, mut bytes) = (Vec::new(), 0);
            for row in statement.query_map([first, last], listed)? {
                let row = row?;
                let id = row.row;
                bytes += row.key.len() + row.message.as_ref().map_or(0, String::len);
                rows.push(row);
                if rows.len() == PAGE_ROWS || bytes > PAGE_BYTES {
                    return Ok(Some(RowPage { rows, last: id }));
                }
            }
            Ok(Some(RowPage { rows, last: RowId(last) }))
        })
    }

    /// The row of `token`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find(&self, token: ClientToken) -> Result<Option<ListedRow>, LedgerError> {
        let sql =
            format!("SELECT {LISTED} FROM rows JOIN sources ON sources.id = source_id WHERE token = ?1");
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([token.0.0], listed).optional())
    }

    /// The row that was first read as `origin`, however often it was mended since.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find_origin(&self, origin: RowOrigin) -> Result<Option<ListedRow>, LedgerError> {
        self.find_numbered(|connection| row_of_origin(connection, origin))
    }

    /// The row that was mended in a rejects file, and was first read as `origin`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find_mended(&self, origin: RowOrigin) -> Result<Option<ListedRow>, LedgerError> {
        self.find_numbered(|connection| mended_row(connection, origin))
    }

    fn find_numbered(
        &self,
        find: impl FnOnce(&Connection) -> rusqlite::Result<Option<RowId>>,
    ) -> Result<Option<ListedRow>, LedgerError> {
        let sql =
            format!("SELECT {LISTED} FROM rows JOIN sources ON sources.id = source_id WHERE rows.id = ?1");
        self.read(|connection| match find(connection)? {
            Some(row) => connection.prepare_cached(&sql)?.query_row([row.0], listed).optional(),
            None => Ok(None),
        })
    }

    /// Up to `limit` rows in doubt. Rows in flight are in doubt only if no run is under way.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rows_in_doubt(&self, limit: usize, is_under_way: bool) -> Result<RowsInDoubt, LedgerError> {
        self.read(|connection| {
            let some = "SELECT EXISTS (SELECT 1 FROM row_counts WHERE state = 'in_flight' AND rows > 0)";
            let has_in_flight = !is_under_way && connection.query_row(some, [], |row| row.get(0))?;
            let mut found = RowsInDoubt::default();
            for rows in [UNKNOWN, PENDING_IN_DOUBT].into_iter().chain(has_in_flight.then_some(IN_FLIGHT)) {
                let count = format!("SELECT count(*) FROM {rows}");
                found.total += connection.query_row(&count, [], |row| row.get::<_, u64>(0))?;
                let mut statement = connection.prepare(&format!(
                    "SELECT {LISTED} FROM (SELECT * FROM {rows} ORDER BY id LIMIT ?1) AS rows
                     JOIN sources ON sources.id = source_id ORDER BY rows.id"
                ))?;
                for row in statement.query_map([limit - found.rows.len()], listed)? {
                    found.rows.push(row?);
                }
            }
            Ok(found)
        })
    }

    /// Calls `each` with every rejected, failed or unknown row, in file order. Rows are not held in memory.
    ///
    /// # Errors
    /// The ledger cannot be read; those of `each`.
    pub fn rejected_rows<E: From<LedgerError>>(
        &self,
        mut each: impl FnMut(RejectedRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT path, line, key, state, code, coalesce(full_message, message, ''), columns, record,
                    coalesce(mended_rows.token, rows.token), coalesce(mended_rows.content, rows.content)
             FROM ({REJECTS}) AS rows JOIN sources ON sources.id = source_id
             JOIN headers ON headers.id = header_id LEFT JOIN mended_rows
             ON mended_rows.id = (SELECT min(id) FROM mended_rows WHERE row_id = rows.id)
             ORDER BY source_id, line, rows.id"
        );
        let failed = |source| E::from(LedgerError::sqlite(&self.path, source));
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let rows = statement.query_map([], |row| {
            Ok(RejectedRow {
                source: row.get(0)?,
                line: row.get(1)?,
                key: row.get(2)?,
                state: state_column(row, 3)?,
                code: row.get(4)?,
                message: row.get(5)?,
                columns: json_column(row, 6)?,
                cells: json_column(row, 7)?,
                origin: RowOrigin { token: Digest(row.get(8)?), content: Digest(row.get(9)?) },
            })
        });
        for row in rows.map_err(failed)? {
            each(row.map_err(failed)?)?;
        }
        Ok(())
    }

    /// Headers of the rejected, failed and unknown rows.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rejected_headers(&self) -> Result<Vec<Vec<String>>, LedgerError> {
        let sql = format!(
            "SELECT columns FROM headers WHERE id IN (SELECT header_id FROM ({REJECTS})) ORDER BY id"
        );
        self.rows(&sql, [], |row| json_column(row, 0))
    }
}

/// Columns of [`listed`], of rows and sources.
const LISTED: &str = "rows.id, run_id, path, rows.line, key, state, contact_id, contact_arn, attempts,
    first_sent_ms, last_sent_ms, code, message, may_exist";

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedRow> {
    let arn = row.get(7)?;
    Ok(ListedRow {
        row: RowId(row.get(0)?),
        run: RunId(row.get(1)?),
        source: row.get(2)?,
        line: row.get(3)?,
        key: row.get(4)?,
        state: state_column(row, 5)?,
        contact: row.get::<_, Option<String>>(6)?.map(|id| Contact { id, arn }),
        attempts: row.get(8)?,
        first_sent_ms: row.get(9)?,
        last_sent_ms: row.get(10)?,
        code: row.get(11)?,
        message: row.get(12)?,
        may_exist: row.get(13)?,
    })
}
