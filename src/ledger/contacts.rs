//! Created rows and rows in doubt, for comparing the ledger with Connect.

use rusqlite::{Row, params};

use super::error::LedgerError;
use super::handle::Ledger;
use super::row::{Contact, RequestDigest, RowId, RunId};
use super::schema::{json_column, state_column};
use super::state::{RowEvent, RowState, RowStatus, transition};
use crate::digest::Digest;
use crate::token::ClientToken;

/// A row that was sent.
#[derive(Clone, Debug)]
pub struct SentRow {
    /// Number in the ledger.
    pub row: RowId,
    /// Client token.
    pub token: ClientToken,
    /// Key, as shown to people.
    pub key: String,
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Digest of the name and the attributes that were sent last.
    pub digest: RequestDigest,
}

/// A created row.
#[derive(Clone, Debug)]
pub struct CreatedRow {
    /// The row.
    pub row: SentRow,
    /// Id of its contact.
    pub contact_id: String,
}

/// A row whose contact may exist.
#[derive(Clone, Debug)]
pub struct InDoubtRow {
    /// The row.
    pub row: SentRow,
    /// Time of the first attempt, milliseconds since 1970.
    pub first_sent_ms: i64,
    /// Time of the last attempt.
    pub last_sent_ms: i64,
    /// Id of the header in the ledger.
    pub header: i64,
    /// Columns of the header.
    pub columns: Vec<String>,
    /// Cells that were sent.
    pub cells: csv::StringRecord,
    /// Whether the row is unknown. Otherwise the next run sends it again.
    pub is_unknown: bool,
}

impl Ledger {
    /// Draws `count` created rows at random; [`Ledger::created`] returns them with `is_sampled`.
    ///
    /// # Errors
    /// The ledger cannot be read, or a temporary table cannot be written.
    pub async fn draw_sample(&self, count: u64) -> Result<(), LedgerError> {
        self.call(move |session| {
            session.connection.execute_batch("CREATE TEMP TABLE sample (id INTEGER PRIMARY KEY) STRICT")?;
            session.connection.execute(
                "INSERT INTO temp.sample SELECT id FROM rows WHERE state = 'created' ORDER BY random() LIMIT ?1",
                [count],
            )?;
            Ok(())
        })
        .await
    }

    /// Up to `limit` created rows after `after`: all, or those of the sample.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn created(
        &self,
        after: RowId,
        limit: usize,
        is_sampled: bool,
    ) -> Result<Vec<CreatedRow>, LedgerError> {
        let of_sample = if is_sampled { "AND rows.id IN (SELECT id FROM temp.sample)" } else { "" };
        self.call(move |session| {
            let mut statement = session.connection.prepare_cached(&format!(
                "SELECT {SENT_ROW}, contact_id FROM rows JOIN sources ON sources.id = source_id
                 WHERE rows.id > ?1 AND state = 'created' {of_sample} ORDER BY rows.id LIMIT ?2"
            ))?;
            let rows = statement.query_map(params![after.0, limit], created_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Lists the rows whose contacts may exist, for [`Ledger::in_doubt`]: unknown rows, pending rows in doubt, and rows
    /// that a dead run left in flight.
    ///
    /// # Errors
    /// The ledger cannot be read, or a temporary table cannot be written.
    pub async fn list_in_doubt(&self) -> Result<(), LedgerError> {
        self.call(|session| {
            let list = "CREATE TEMP TABLE in_doubt (id INTEGER PRIMARY KEY) STRICT;
                INSERT INTO temp.in_doubt SELECT id FROM rows INDEXED BY rows_in_doubt WHERE may_exist = 1
                UNION SELECT id FROM rows INDEXED BY rows_not_created
                    WHERE run_id IN (SELECT id FROM runs) AND record IS NOT NULL AND state = 'in_flight'";
            Ok(session.connection.execute_batch(list)?)
        })
        .await
    }

    /// The first row of the list after `after` that is not created by now.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn in_doubt(&self, after: RowId) -> Result<Option<InDoubtRow>, LedgerError> {
        self.call(move |session| {
            let mut statement = session.connection.prepare_cached(&format!(
                "SELECT {SENT_ROW}, first_sent_ms, last_sent_ms, header_id, columns, record, state
                 FROM temp.in_doubt CROSS JOIN rows ON rows.id = in_doubt.id
                 JOIN sources ON sources.id = source_id JOIN headers ON headers.id = header_id
                 WHERE in_doubt.id > ?1 AND state <> 'created' ORDER BY in_doubt.id LIMIT 1"
            ))?;
            let mut rows = statement.query([after.0])?;
            Ok(rows.next()?.map(in_doubt_row).transpose()?)
        })
        .await
    }

    /// Number of created rows that have the contact of another row, and up to `limit` of them.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn shared(&self, limit: usize) -> Result<(u64, Vec<CreatedRow>), LedgerError> {
        const SHARED: &str = "state = 'created' AND contact_id IN
            (SELECT contact_id FROM rows WHERE state = 'created' GROUP BY contact_id HAVING count(*) > 1)";
        self.call(move |session| {
            let count = format!("SELECT count(*) FROM rows WHERE {SHARED}");
            let count = session.connection.query_row(&count, [], |row| row.get(0))?;
            let mut statement = session.connection.prepare(&format!(
                "SELECT {SENT_ROW}, contact_id FROM rows JOIN sources ON sources.id = source_id
                 WHERE {SHARED} ORDER BY rows.id LIMIT ?1"
            ))?;
            let rows = statement.query_map([limit], created_row)?;
            Ok((count, rows.collect::<Result<_, _>>()?))
        })
        .await
    }

    /// Whether a row was created as this contact.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn has_contact(&self, contact_id: String) -> Result<bool, LedgerError> {
        self.call(move |session| {
            let sql = "SELECT EXISTS (SELECT 1 FROM rows WHERE contact_id = ?1)";
            Ok(session.connection.query_row(sql, [contact_id], |row| row.get(0))?)
        })
        .await
    }

    /// Commits that Connect has the contact of an unknown row.
    ///
    /// # Errors
    /// The ledger cannot be written, or the row is not unknown.
    pub async fn settle_found(&self, row: RowId, contact: Contact) -> Result<(), LedgerError> {
        self.call(move |session| {
            let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
            let next = transition(unknown, RowEvent::Found)?;
            let counted = "SELECT run_id, code FROM rows WHERE id = ?1";
            let counted =
                session.connection.query_row(counted, [row.0], |row| Ok((row.get(0)?, row.get(1)?)));
            let (run, code): (i64, Option<String>) = counted?;
            session.write_created(row, unknown.state, &contact, None)?;
            session.counts.transition(RunId(run), (unknown.state, code.as_deref()), (next.state, None));
            Ok(())
        })
        .await
    }
}

/// Columns of [`sent_row`].
const SENT_ROW: &str = "rows.id, token, key, path, line, request_digest";

fn sent_row(row: &Row<'_>) -> rusqlite::Result<SentRow> {
    Ok(SentRow {
        row: RowId(row.get(0)?),
        token: ClientToken(Digest(row.get(1)?)),
        key: row.get(2)?,
        source: row.get(3)?,
        line: row.get(4)?,
        digest: RequestDigest(row.get(5)?),
    })
}

fn created_row(row: &Row<'_>) -> rusqlite::Result<CreatedRow> {
    Ok(CreatedRow { row: sent_row(row)?, contact_id: row.get(6)? })
}

fn in_doubt_row(row: &Row<'_>) -> rusqlite::Result<InDoubtRow> {
    Ok(InDoubtRow {
        row: sent_row(row)?,
        first_sent_ms: row.get(6)?,
        last_sent_ms: row.get(7)?,
        header: row.get(8)?,
        columns: json_column(row, 9)?,
        cells: csv::StringRecord::from(json_column(row, 10)?),
        is_unknown: state_column(row, 11)? == RowState::Unknown,
    })
}
