//! Where in the ledger a token may be.
//!
//! The index of tokens is one of segments, each of 1,048,576 rows in the order in which they were entered (migration
//! 8). The last segment grows, and is always searched. Of a full one there is a filter, which most often says that a
//! search is in vain.

use rusqlite::{Connection, OptionalExtension as _};

use super::filter::Filter;
use crate::digest::Digest;

/// Rows of a segment. The schema knows the number as well.
pub(super) const ROWS: i64 = 1 << 20;

/// The segments of a ledger that are full, from the first.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<Option<Filter>>);

impl Segments {
    /// Takes note of the filters that are stored, where `last` is the last row.
    pub(super) fn read(&mut self, connection: &Connection, last: i64) -> rusqlite::Result<()> {
        for segment in self.unread(last) {
            self.0.push(stored(connection, segment)?);
        }
        Ok(())
    }

    /// The same, and makes and stores what is missing.
    pub(super) fn complete(&mut self, connection: &Connection, last: i64) -> rusqlite::Result<()> {
        for segment in self.unread(last) {
            let filter = match stored(connection, segment)? {
                Some(filter) => filter,
                None => made(connection, segment)?,
            };
            self.0.push(Some(filter));
        }
        Ok(())
    }

    fn unread(&self, last: i64) -> std::ops::Range<i64> {
        self.0.len() as i64..full(last)
    }

    /// Has `look` look for a token in the segments that may have it, the latest first, until it finds it. `last` is
    /// the last row.
    pub(super) fn find<T>(
        &self,
        token: Digest,
        last: i64,
        mut look: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        let may_have = |segment: &i64| {
            let filter = usize::try_from(*segment).ok().and_then(|segment| self.0.get(segment)?.as_ref());
            filter.is_none_or(|filter| filter.may_have(token))
        };
        let mut found = (0..=full(last)).rev().filter(may_have).map(|segment| look(segment).transpose());
        found.find_map(|found| found).transpose()
    }
}

/// How many segments are full where `last` is the last row, which is also the number of the one that is not.
fn full(last: i64) -> i64 {
    last / ROWS
}

/// Removes the filters of segments that are not full, where `last` is the last row: rows were taken away by hand, and
/// others will come into their places. After 0 it is all of them: somebody may have moved rows or changed tokens.
pub(super) fn forget_after(connection: &Connection, last: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM segments WHERE id >= ?1", [full(last)]).map(drop)
}

fn stored(connection: &Connection, segment: i64) -> rusqlite::Result<Option<Filter>> {
    let filter = "SELECT filter, digest FROM segments WHERE id = ?1";
    let stored = connection.query_row(filter, [segment], |row| Ok((row.get(0)?, Digest(row.get(1)?))));
    Ok(stored.optional()?.and_then(|(bytes, digest)| Filter::stored(bytes, digest)))
}

/// Makes the filter of a full segment from its rows, 0.2 s, and stores it.
fn made(connection: &Connection, segment: i64) -> rusqlite::Result<Filter> {
    let mut filter = Filter::new();
    let mut tokens =
        connection.prepare("SELECT token FROM rows INDEXED BY rows_by_token WHERE id >> 20 = ?1")?;
    let mut tokens = tokens.query([segment])?;
    while let Some(row) = tokens.next()? {
        filter.add(Digest(row.get(0)?));
    }
    let store = "INSERT OR REPLACE INTO segments (id, filter, digest) VALUES (?1, ?2, ?3)";
    connection.execute(store, (segment, filter.bytes(), filter.digest().0))?;
    Ok(filter)
}
