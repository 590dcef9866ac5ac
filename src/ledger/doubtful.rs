//! The rows that may have been created, for people to look at.

use super::listing::{LISTED, listed};
use super::migrate::sqlite;
use super::{LedgerError, LedgerReader, ListedRow};

/// Rows that may have been created.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Doubtful {
    /// The first of them: unknown ones before those that wait for another attempt.
    pub rows: Vec<ListedRow>,
    /// How many there are.
    pub total: u64,
}

/// What an attempt has left without an answer.
const IN_DOUBT: [&str; 2] = [
    "rows INDEXED BY rows_in_doubt WHERE may_exist = 1 AND state = 'unknown'",
    "rows INDEXED BY rows_in_doubt WHERE may_exist = 1 AND state = 'pending'",
];

/// The same of a run that is no more.
const LEFT_IN_FLIGHT: &str = "rows WHERE record IS NOT NULL AND state = 'in_flight'";

impl LedgerReader {
    /// Up to `limit` rows that may have been created. What is in flight is in doubt only if no run is under way.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn doubtful(&self, limit: usize, is_under_way: bool) -> Result<Doubtful, LedgerError> {
        let read = || {
            let some = "SELECT EXISTS (SELECT 1 FROM tallies WHERE state = 'in_flight' AND rows > 0)";
            let in_flight = !is_under_way && self.connection.query_row(some, [], |row| row.get(0))?;
            let mut doubtful = Doubtful::default();
            for rows in IN_DOUBT.into_iter().chain(in_flight.then_some(LEFT_IN_FLIGHT)) {
                let count = format!("SELECT count(*) FROM {rows}");
                doubtful.total += self.connection.query_row(&count, [], |row| row.get::<_, u64>(0))?;
                let sql = format!(
                    "SELECT {LISTED} FROM (SELECT * FROM {rows} ORDER BY id LIMIT ?1) AS rows
                     JOIN sources ON sources.id = source_id ORDER BY rows.id"
                );
                let mut statement = self.connection.prepare(&sql)?;
                let found = statement.query_map([limit - doubtful.rows.len()], listed)?;
                for row in found {
                    doubtful.rows.push(row?);
                }
            }
            Ok(doubtful)
        };
        read().map_err(|source| sqlite(&self.path, source))
    }
}
