//! The keys that a ledger knows, for comparing them with those of an input.

use std::collections::HashMap;

use rusqlite::Connection;

use super::counts::{IS_OF_UNFINISHED_SCAN, IS_REMOVED};
use super::error::LedgerError;
use super::handle::Ledger;
use super::reader::LedgerReader;
use super::row::RowId;
use crate::digest::Digest;
use crate::token::ClientToken;

/// The key of a row of a ledger.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey<'a> {
    /// Key, as shown to people.
    pub label: &'a str,
    /// Token, which tells keys apart that have one label.
    pub token: ClientToken,
    /// Path of the input, or `-`.
    pub source: &'a str,
    /// Line on which the row starts.
    pub line: u64,
}

impl LedgerReader {
    /// Calls `visit` with the key of every row that has a contact, may have one, or that a run of other inputs than
    /// `inputs` would send. `inputs` are identities.
    ///
    /// # Errors
    /// The ledger cannot be read; those of `visit`.
    pub fn visit_keys(
        &self,
        inputs: &[String],
        visit: &mut dyn FnMut(KnownKey<'_>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.read(|connection| visit_keys(connection, i64::MAX, inputs, visit))?
    }
}

impl Ledger {
    /// As [`LedgerReader::visit_keys`], for the rows that the ledger had before this run. `state` is what `visit` works
    /// on, and is returned. Blocks; not for the async runtime's threads.
    ///
    /// # Errors
    /// The ledger cannot be read; those of `visit`.
    pub fn visit_earlier_keys<T: Send + 'static>(
        &self,
        inputs: Vec<String>,
        mut state: T,
        visit: fn(&mut T, KnownKey<'_>) -> Result<(), LedgerError>,
    ) -> Result<T, LedgerError> {
        self.call_uncommitted(move |session| {
            let RowId(last) = session.progress.last_row_before;
            let visited = visit_keys(&session.connection, last, &inputs, &mut |key| visit(&mut state, key))?;
            Ok(visited.map(|()| state))
        })?
    }
}

fn visit_keys(
    connection: &Connection,
    last: i64,
    inputs: &[String],
    visit: &mut dyn FnMut(KnownKey<'_>) -> Result<(), LedgerError>,
) -> rusqlite::Result<Result<(), LedgerError>> {
    // Of a new ledger there is nothing to read.
    if last == 0 {
        return Ok(Ok(()));
    }
    let mut sources = connection.prepare("SELECT id, path FROM sources")?;
    let sources = sources.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sources: HashMap<i64, String> = sources.collect::<Result<_, _>>()?;
    // A waiting row of an input that is read now is in it, or is withdrawn.
    let keys = format!(
        "SELECT key, token, source_id, line FROM rows
         WHERE id <= ?1 AND (state = 'created' OR state = 'in_flight' OR may_exist = 1
             OR (state = 'pending' OR state = 'failed')
                AND source_id NOT IN (SELECT id FROM sources WHERE path IN (SELECT value FROM json_each(?2)))
                AND NOT {IS_OF_UNFINISHED_SCAN} AND NOT {IS_REMOVED})"
    );
    let mut keys = connection.prepare(&keys)?;
    let mut rows = keys.query((last, serde_json::Value::from(inputs).to_string()))?;
    while let Some(row) = rows.next()? {
        let key = KnownKey {
            label: row.get_ref(0)?.as_str()?,
            token: ClientToken(Digest(row.get(1)?)),
            source: sources.get(&row.get(2)?).map_or("", String::as_str),
            line: row.get(3)?,
        };
        if let Err(error) = visit(key) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}
