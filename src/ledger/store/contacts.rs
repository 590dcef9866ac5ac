//! The rows that have contacts, and those that may have: for holding Connect against the ledger.

use rusqlite::{Row, params};

use super::{RowId, Session, json_column};
use crate::digest::Digest;
use crate::ledger::{Contact, LedgerError, RowEvent, RowState, Sent, Standing, transition};
use crate::token::ClientToken;

/// A row as far as its contact is concerned.
#[derive(Clone, Debug)]
pub struct SentRow {
    /// The row.
    pub row: RowId,
    /// Its client token.
    pub token: ClientToken,
    /// Its key, as people see it.
    pub key: String,
    /// The input's path, or `-`.
    pub source: String,
    /// The line on which it starts.
    pub line: u64,
    /// What it was sent with last; none where an older version sent it.
    pub sent: Option<Sent>,
}

/// A created row.
#[derive(Clone, Debug)]
pub struct CreatedRow {
    /// The row.
    pub row: SentRow,
    /// Its contact's id.
    pub contact_id: String,
}

/// An unknown row.
#[derive(Clone, Debug)]
pub struct UnknownRow {
    /// The row.
    pub row: SentRow,
    /// When its first attempt was made, in milliseconds since 1970.
    pub first_sent_ms: i64,
    /// When its last attempt was made.
    pub last_sent_ms: i64,
    /// The header that its cells stand under.
    pub header: i64,
    /// The header's columns.
    pub columns: Vec<String>,
    /// The cells it was sent with.
    pub cells: csv::StringRecord,
}

const SENT_ROW: &str = "rows.id, token, key, path, line, sent";

fn sent_row(row: &Row<'_>) -> rusqlite::Result<SentRow> {
    Ok(SentRow {
        row: RowId(row.get(0)?),
        token: ClientToken(Digest(row.get(1)?)),
        key: row.get(2)?,
        source: row.get(3)?,
        line: row.get(4)?,
        sent: row.get::<_, Option<[u8; 16]>>(5)?.map(Sent),
    })
}

impl Session {
    /// How many rows are created, and how many unknown.
    pub(in crate::ledger) fn count_contacts(&self) -> Result<(u64, u64), LedgerError> {
        let counts = super::state_counts(&self.connection).map_err(|source| self.failed(source))?;
        Ok((counts.of(RowState::Created), counts.of(RowState::Unknown)))
    }

    /// Puts `count` created rows by chance aside, for [`Session::created`].
    pub(in crate::ledger) fn draw_sample(&self, count: u64) -> Result<(), LedgerError> {
        let draw = || {
            self.connection.execute_batch("CREATE TEMP TABLE sample (id INTEGER PRIMARY KEY) STRICT")?;
            self.connection.execute(
                "INSERT INTO temp.sample SELECT id FROM rows WHERE state = 'created' ORDER BY random() LIMIT ?1",
                [count],
            )
        };
        draw().map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Up to `limit` created rows after `after`; those of the sample alone, if one was drawn.
    pub(in crate::ledger) fn created(
        &self,
        after: RowId,
        limit: usize,
        sampled: bool,
    ) -> Result<Vec<CreatedRow>, LedgerError> {
        let of_sample = if sampled { "AND rows.id IN (SELECT id FROM temp.sample)" } else { "" };
        let sql = format!(
            "SELECT {SENT_ROW}, contact_id FROM rows JOIN sources ON sources.id = source_id
             WHERE rows.id > ?1 AND state = 'created' {of_sample} ORDER BY rows.id LIMIT ?2"
        );
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![after.0, limit as i64], |row| {
                Ok(CreatedRow { row: sent_row(row)?, contact_id: row.get(6)? })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The first unknown row after `after`.
    pub(in crate::ledger) fn unknown(&self, after: RowId) -> Result<Option<UnknownRow>, LedgerError> {
        let sql = format!(
            "SELECT {SENT_ROW}, first_sent_ms, last_sent_ms, header_id, columns, record
             FROM rows INDEXED BY rows_in_doubt
             JOIN sources ON sources.id = source_id JOIN headers ON headers.id = header_id
             WHERE may_exist = 1 AND state = 'unknown' AND rows.id > ?1 ORDER BY rows.id LIMIT 1"
        );
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([after.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some(UnknownRow {
                row: sent_row(row)?,
                first_sent_ms: row.get(6)?,
                last_sent_ms: row.get(7)?,
                header: row.get(8)?,
                columns: json_column(row, 9)?,
                cells: csv::StringRecord::from(json_column(row, 10)?),
            }))
        };
        read().map_err(|source| self.failed(source))
    }

    /// Whether some row was created as this contact.
    pub(in crate::ledger) fn knows(&self, contact_id: &str) -> Result<bool, LedgerError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM rows WHERE contact_id = ?1)";
        let found = self.connection.query_row(sql, [contact_id], |row| row.get(0));
        found.map_err(|source| self.failed(source))
    }

    /// Records that an unknown row's contact was found.
    pub(in crate::ledger) fn settle_found(&self, row: RowId, contact: &Contact) -> Result<(), LedgerError> {
        let unknown = Standing { state: RowState::Unknown, may_exist: true };
        let next = transition(unknown, RowEvent::Found)?;
        self.write_created(row, unknown.state, next, contact)
    }
}
