//! The rows that have contacts, and those that may have: for holding Connect against the ledger.

use rusqlite::{Row, params};

use super::{RowId, RunId, Session, StateCounts};
use crate::digest::Digest;
use crate::ledger::columns::json_column;
use crate::ledger::{Contact, LedgerError, RowEvent, RowState, RowStatus, Sent, transition};
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

/// A row that may have been created.
#[derive(Clone, Debug)]
pub struct DoubtfulRow {
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
    /// Whether it is unknown; otherwise the next run sends it again.
    pub is_unknown: bool,
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

fn created_row(row: &Row<'_>) -> rusqlite::Result<CreatedRow> {
    Ok(CreatedRow { row: sent_row(row)?, contact_id: row.get(6)? })
}

impl Session {
    /// All rows by state.
    pub(in crate::ledger) fn state_counts(&mut self) -> Result<StateCounts, LedgerError> {
        self.count()?;
        super::state_counts(&self.connection).map_err(|source| self.failed(source))
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
            let rows = statement.query_map(params![after.0, limit as i64], created_row)?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Puts the rows aside that may have been created, for [`Session::doubtful`]: unknown ones, those that wait
    /// in doubt, and those that a dead run left in flight.
    pub(in crate::ledger) fn draw_doubtful(&self) -> Result<(), LedgerError> {
        let draw = self.connection.execute_batch(
            "CREATE TEMP TABLE doubtful (id INTEGER PRIMARY KEY) STRICT;
             INSERT INTO temp.doubtful SELECT id FROM rows INDEXED BY rows_in_doubt WHERE may_exist = 1
             UNION SELECT id FROM rows INDEXED BY rows_not_created
                 WHERE run_id IN (SELECT id FROM runs) AND record IS NOT NULL AND state = 'in_flight'",
        );
        draw.map_err(|source| self.failed(source))
    }

    /// The first row after `after` of those that may have been created.
    pub(in crate::ledger) fn doubtful(&self, after: RowId) -> Result<Option<DoubtfulRow>, LedgerError> {
        let sql = format!(
            "SELECT {SENT_ROW}, first_sent_ms, last_sent_ms, header_id, columns, record, state
             FROM temp.doubtful CROSS JOIN rows ON rows.id = doubtful.id
             JOIN sources ON sources.id = source_id JOIN headers ON headers.id = header_id
             WHERE doubtful.id > ?1 AND state <> 'created' ORDER BY doubtful.id LIMIT 1"
        );
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([after.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let state: String = row.get(11)?;
            Ok(Some(DoubtfulRow {
                row: sent_row(row)?,
                first_sent_ms: row.get(6)?,
                last_sent_ms: row.get(7)?,
                header: row.get(8)?,
                columns: json_column(row, 9)?,
                cells: csv::StringRecord::from(json_column(row, 10)?),
                is_unknown: state == RowState::Unknown.name(),
            }))
        };
        read().map_err(|source| self.failed(source))
    }

    /// How many created rows have the contact of another row, and up to `limit` of them.
    pub(in crate::ledger) fn shared(&self, limit: usize) -> Result<(u64, Vec<CreatedRow>), LedgerError> {
        const SHARED: &str = "state = 'created' AND contact_id IN
            (SELECT contact_id FROM rows WHERE state = 'created' GROUP BY contact_id HAVING count(*) > 1)";
        let read = || {
            let count = format!("SELECT count(*) FROM rows WHERE {SHARED}");
            let count = self.connection.query_row(&count, [], |row| row.get(0))?;
            let sql = format!(
                "SELECT {SENT_ROW}, contact_id FROM rows JOIN sources ON sources.id = source_id
                 WHERE {SHARED} ORDER BY rows.id LIMIT ?1"
            );
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([limit as i64], created_row)?;
            Ok((count, rows.collect::<Result<_, _>>()?))
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
    pub(in crate::ledger) fn settle_found(
        &mut self,
        row: RowId,
        contact: &Contact,
    ) -> Result<(), LedgerError> {
        let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
        let next = transition(unknown, RowEvent::Found)?;
        let counted = "SELECT run_id, code FROM rows WHERE id = ?1";
        let counted = self.connection.query_row(counted, [row.0], |row| Ok((row.get(0)?, row.get(1)?)));
        let (run, code): (i64, Option<String>) = counted.map_err(|source| self.failed(source))?;
        self.write_created(row, unknown.state, next, contact, None)?;
        self.tallies.moved(RunId(run), (unknown.state, code.as_deref()), (next.state, None));
        Ok(())
    }
}
