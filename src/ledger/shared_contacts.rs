//! Created rows that have the contact of another row: Connect, or something between, gave one contact id to several
//! rows, so that only one of them has a contact of its own.
//!
//! They are found when a row is created, by an index of short hashes of contact ids: a scan of ten million rows at each
//! run's end would take seconds, and an index of the ids themselves three times the space.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Stored;
use super::row::{RowId, RunId};
use super::writer::Session;
use crate::digest::Digest;

/// Most rows that are listed.
pub const MAX_SHARED_LISTED: usize = 20;

/// A created row whose contact another row has too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedContact {
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Key, as shown to people.
    pub key: String,
    /// Id of the contact.
    pub contact_id: String,
}

/// Created rows whose contacts other rows have too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SharedContacts {
    /// Number of the rows.
    pub total: u64,
    /// The first [`MAX_SHARED_LISTED`] of them, those of one contact together.
    pub rows: Vec<SharedContact>,
}

/// The hash of a contact id in the index: the first 8 bytes of a digest. Rows with the same hash are compared by id.
pub(super) fn contact_hash(contact_id: &str) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = Digest::of([contact_id.as_bytes()]).0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Session {
    /// Records `row` and another row as sharing a contact, if `row` was just created as a contact that another row has.
    pub(super) fn note_shared_contact(&self, row: RowId, contact_id: &str) -> Stored<()> {
        // One other row is enough: the rest were recorded when they were created.
        let other = "SELECT id FROM rows INDEXED BY rows_by_contact
            WHERE contact_hash = ?1 AND contact_id = ?2 AND id <> ?3 LIMIT 1";
        let hash = contact_hash(contact_id);
        let mut other = self.connection.prepare_cached(other)?;
        let other: Option<i64> =
            other.query_row(params![hash, contact_id, row.0], |row| row.get(0)).optional()?;
        let Some(other) = other else { return Ok(()) };
        let run = (self.run != RunId(0)).then_some(self.run.0);
        let insert = "INSERT INTO shared_contacts (row_id, run_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for row in [other, row.0] {
            self.connection.prepare_cached(insert)?.execute(params![row, run])?;
        }
        Ok(())
    }

    /// Takes over what earlier runs found and did not end in exit code 1 for, which tells it: they were killed, or ended
    /// early or in another code. So a run that sends nothing ends in 1 for them, once.
    pub(super) fn take_over_shared_contacts(&self) -> Stored<()> {
        let untold = "UPDATE shared_contacts SET run_id = ?1
            WHERE run_id IN (SELECT id FROM runs WHERE id <> ?1 AND exit_code IS NOT 1)";
        self.connection.execute(untold, [self.run.0])?;
        Ok(())
    }
}

/// Rows that share a contact: all, or those of the contacts that `run` found to be shared.
pub(super) fn shared_contacts(
    connection: &Connection,
    run: Option<RunId>,
) -> rusqlite::Result<SharedContacts> {
    const SHARED: &str = "FROM shared_contacts CROSS JOIN rows ON rows.id = row_id
        WHERE ?1 IS NULL OR contact_id IN
            (SELECT contact_id FROM shared_contacts CROSS JOIN rows ON rows.id = row_id WHERE shared_contacts.run_id = ?1)";
    let run = run.map(|run| run.0);
    let total = connection.query_row(&format!("SELECT count(*) {SHARED}"), [run], |row| row.get(0))?;
    let mut listed = connection.prepare(&format!(
        "SELECT (SELECT path FROM sources WHERE id = source_id), line, key, contact_id {SHARED}
         ORDER BY contact_id, row_id LIMIT {MAX_SHARED_LISTED}"
    ))?;
    let rows = listed.query_map([run], |row| {
        Ok(SharedContact {
            source: row.get(0)?,
            line: row.get(1)?,
            key: row.get(2)?,
            contact_id: row.get(3)?,
        })
    })?;
    Ok(SharedContacts { total, rows: rows.collect::<Result<_, _>>()? })
}
