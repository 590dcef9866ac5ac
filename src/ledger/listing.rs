//! The rows of a ledger, for taking them away: page by page, or by token.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rusqlite::{OptionalExtension as _, Row};

use super::columns::state_column;
use super::migrate::sqlite;
use super::{Contact, LedgerError, LedgerReader, RowId, RowState, RunId};
use crate::token::ClientToken;

/// A row as far as people and other programs are concerned; what is in it is not told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedRow {
    /// The row.
    pub row: RowId,
    /// The run that was the last to see it.
    pub run: RunId,
    /// The input's path, or `-`.
    pub source: String,
    /// The line on which it starts.
    pub line: u64,
    /// Its key, as people see it.
    pub key: String,
    /// Its state.
    pub state: RowState,
    /// Whether an unanswered attempt may have created its contact.
    pub may_exist: bool,
    /// Its contact, if it is created.
    pub contact: Option<Contact>,
    /// How often it was sent.
    pub attempts: u64,
    /// When it was first sent, in milliseconds since 1970.
    pub first_sent_ms: Option<i64>,
    /// When it was last sent.
    pub last_sent_ms: Option<i64>,
    /// The code of its last error; none once it is created.
    pub code: Option<String>,
    /// That error, for people.
    pub message: Option<String>,
}

/// Which rows are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// Rows in one of these states; none is any.
    pub states: BTreeSet<RowState>,
    /// Rows that this run or a later one was the last to see.
    pub since: Option<RunId>,
}

impl Selection {
    /// Whether every row is wanted.
    pub fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    /// Whether this row is wanted.
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

/// Rows that were read at a time.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows, in the order in which they lie in the ledger.
    pub rows: Vec<ListedRow>,
    /// The next page begins after this row.
    pub last: RowId,
}

/// Rows of a page at most.
const ROWS: usize = 1024;

/// Bytes of a page, about: a key may have megabytes.
const BYTES: usize = 1 << 20;

/// Rows that are looked at for a page at most.
const LOOKED_AT: i64 = 1 << 16;

/// The columns of [`listed`], of rows and sources.
pub(super) const LISTED: &str =
    "rows.id, run_id, path, rows.line, key, state, contact_id, contact_arn, attempts,
    first_sent_ms, last_sent_ms, code, message, may_exist";

impl LedgerReader {
    /// The selected ones of the next rows after `after`; none when there are no more rows. A page without rows is
    /// not the last one.
    ///
    /// Nothing is held between two pages: a run under way can fold its log back, however slowly they are read.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn page(&self, after: RowId, selection: &Selection) -> Result<Option<Page>, LedgerError> {
        let read = || {
            let ends = "SELECT min(id), (SELECT max(id) FROM rows) FROM rows WHERE id > ?1";
            let ends = self
                .connection
                .prepare_cached(ends)?
                .query_row([after.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)): (Option<i64>, Option<i64>) = ends else { return Ok(None) };
            // Not beyond the last row: what is entered after it is not to be skipped.
            let last = last.min(first.saturating_add(LOOKED_AT));
            // In the order of the rows, so that no page has to be sorted out of an index.
            let rows = format!(
                "SELECT {LISTED} FROM rows NOT INDEXED CROSS JOIN sources ON sources.id = source_id
                 WHERE rows.id BETWEEN ?1 AND ?2{} ORDER BY rows.id",
                selection.condition()
            );
            let mut rows = self.connection.prepare_cached(&rows)?;
            let mut rows = rows.query([first, last])?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let row = listed(row)?;
                let id = row.row;
                bytes += row.key.len() + row.message.as_ref().map_or(0, String::len);
                page.push(row);
                if page.len() == ROWS || bytes > BYTES {
                    return Ok(Some(Page { rows: page, last: id }));
                }
            }
            Ok(Some(Page { rows: page, last: RowId(last) }))
        };
        read().map_err(|source| sqlite(&self.path, source))
    }

    /// The row of `token`, if there is one.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find(&self, token: ClientToken) -> Result<Option<ListedRow>, LedgerError> {
        let read = || {
            let mut row = self.connection.prepare_cached(&format!(
                "SELECT {LISTED} FROM rows JOIN sources ON sources.id = source_id
                 WHERE token = ?1"
            ))?;
            row.query_row([token.0.0], listed).optional()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }
}

/// A row of these columns.
pub(super) fn listed(row: &Row<'_>) -> rusqlite::Result<ListedRow> {
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
