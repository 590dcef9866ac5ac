//! Rows of the input that were created before and have not changed: nothing is to be done for them, and a resumed
//! run may meet millions.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, Row, params};

use super::{RowId, Session};
use crate::digest::Digest;
use crate::ledger::columns::state_column;
use crate::ledger::{LedgerError, RowState};
use crate::token::ClientToken;

/// A row of the input, as far as it takes to recognise it.
#[derive(Clone, Copy, Debug)]
pub struct RowFingerprint {
    /// The token of the first row that has its key.
    pub token: ClientToken,
    /// A digest of the cells.
    pub content: Digest,
    /// The line on which the row starts.
    pub line: u64,
}

/// What the ledger has at a place.
struct Entry {
    row: RowId,
    token: Digest,
    content: Digest,
    source: i64,
    line: u64,
    is_created: bool,
}

const ENTRY: &str = "SELECT id, token, content, source_id, line, state FROM rows";

impl Session {
    /// Which of these rows of an input, in file order, are created already, with the same content and at the same
    /// place. They count as met.
    ///
    /// Rows lie in the ledger in the order in which they were first read, so the next row of the input is most
    /// often the next one of the ledger, and is found without a search. Where it is not, it is searched for, and
    /// the ledger is read on from there.
    pub(in crate::ledger) fn recognise(
        &mut self,
        source: i64,
        sightings: &[RowFingerprint],
    ) -> Result<Vec<bool>, LedgerError> {
        let mut known = vec![false; sightings.len()];
        if self.rows_before == RowId(0) {
            return Ok(known);
        }
        let found = self.find_in_order(sightings).map_err(|source| self.failed(source))?;
        // The first row of a key is the row, even where a later one looks more like what is in the ledger.
        let mut left = HashSet::new();
        for (index, (entry, sighting)) in found.into_iter().zip(sightings).enumerate() {
            let Some(entry) = entry else { continue };
            self.last_met = entry.row;
            let is_unchanged = entry.is_created
                && entry.content == sighting.content
                && (entry.source, entry.line) == (source, sighting.line);
            if is_unchanged && !left.contains(&entry.row) && !self.seen.insert(entry.row) {
                known[index] = true;
                self.met.created += 1;
            } else {
                left.insert(entry.row);
            }
        }
        Ok(known)
    }

    fn find_in_order(&self, sightings: &[RowFingerprint]) -> rusqlite::Result<Vec<Option<Entry>>> {
        let mut in_order =
            self.connection.prepare_cached(&format!("{ENTRY} WHERE id > ?1 AND id <= ?2 ORDER BY id"))?;
        let mut by_token = self.connection.prepare_cached(&format!("{ENTRY} WHERE token = ?1"))?;
        let mut found = Vec::with_capacity(sightings.len());
        let mut after = self.last_met;
        while found.len() < sightings.len() {
            let mut entries = in_order.query(params![after.0, self.rows_before.0])?;
            let mut next = entries.next()?.map(entry).transpose()?;
            while let Some(sighting) = sightings.get(found.len()) {
                if let Some(here) = next.take_if(|next| next.token == sighting.token.0) {
                    after = here.row;
                    found.push(Some(here));
                    next = entries.next()?.map(entry).transpose()?;
                    continue;
                }
                let token = sighting.token.0;
                let elsewhere = by_token.query_row([token.0], entry).optional()?;
                let moved = elsewhere.as_ref().map(|entry| entry.row);
                found.push(elsewhere);
                if let Some(row) = moved {
                    after = row;
                    break;
                }
            }
        }
        Ok(found)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        row: RowId(row.get(0)?),
        token: Digest(row.get(1)?),
        content: Digest(row.get(2)?),
        source: row.get(3)?,
        line: row.get(4)?,
        is_created: state_column(row, 5)? == RowState::Created,
    })
}
