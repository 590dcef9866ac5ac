//! How often each digest comes up, for rows that share a key or a content. Used by `run`, `check` and `export`.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::sync::Arc;

use indexmap::IndexMap;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::LedgerError;
use super::row::RowId;
use crate::digest::Digest;

/// Digests held in memory, with which a hash table of 2^21 places is full: 78 MB. A million rows need no disk.
const HELD: usize = 7 << 18;

/// One of the times that a digest came up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// Its number among those of the digest, from 1.
    pub number: u32,
    /// The place that was given with the first of them.
    pub first: u64,
}

/// Counts the occurrences of digests. A million digests take 50 MB. Memory stays below 150 MB: above 1.8 million digests,
/// older ones go to a temporary SQLite database, which is deleted when this is dropped or the process ends. Looking a
/// digest up there takes a few microseconds.
#[derive(Debug)]
pub struct Occurrences {
    /// Place of the first occurrence of each digest.
    first: IndexMap<Digest, u64, BuildHasherDefault<DigestHasher>>,
    /// Number of occurrences of the digests with more than one.
    repeated: HashMap<Digest, u32>,
    most: usize,
    stored: Option<Connection>,
}

/// Takes the last bytes of a digest as its hash: they are evenly distributed.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_ne_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Occurrences {
    fn default() -> Self {
        Occurrences { first: IndexMap::default(), repeated: HashMap::new(), most: HELD, stored: None }
    }
}

impl Occurrences {
    /// Counts one more occurrence of `digest`. `place` is any number that the caller finds the first one by.
    ///
    /// # Errors
    /// [`LedgerError::Temporary`]: the temporary database cannot be written or read.
    pub fn count(&mut self, digest: Digest, place: u64) -> Result<Occurrence, LedgerError> {
        if let Some(first) = self.first.get(&digest) {
            let number = self.repeated.entry(digest).or_insert(1);
            *number = number.saturating_add(1);
            return Ok(Occurrence { number: *number, first: *first });
        }
        let failed = |source| LedgerError::Temporary(Arc::new(source));
        if let Some(stored) = &self.stored
            && let Some(known) = count_stored(stored, digest).map_err(failed)?
        {
            return Ok(known);
        }
        if self.first.len() == self.most {
            self.store().map_err(failed)?;
        }
        if self.first.capacity() == 0 {
            // All at once, so that growing copies nothing. The system provides a page when it is first written, so few
            // digests take little memory.
            self.first.reserve(self.most);
        }
        self.first.insert(digest, place);
        Ok(Occurrence { number: 1, first: place })
    }

    /// Moves the digests in memory to the temporary database.
    fn store(&mut self) -> rusqlite::Result<()> {
        let stored = match self.stored.take() {
            Some(stored) => stored,
            None => temporary_database()?,
        };
        let stored = self.stored.insert(stored);
        let mut digests: Vec<_> = mem::take(&mut self.first).into_iter().collect();
        // In the order of the table each of its pages is written once.
        digests.sort_unstable_by_key(|(digest, _)| *digest);
        let mut insert =
            stored.prepare_cached("INSERT INTO digests (digest, number, place) VALUES (?1, ?2, ?3)")?;
        for (digest, first) in digests {
            let number = self.repeated.get(&digest).copied().unwrap_or(1);
            insert.execute(params![digest.0, number, first.cast_signed()])?;
        }
        self.repeated.clear();
        Ok(())
    }
}

/// Set of rows of a ledger: one bit for each row up to the highest, so that ten million rows take 1.2 MB.
#[derive(Debug, Default)]
pub(super) struct RowSet(Vec<u64>);

impl RowSet {
    /// Adds a row, and returns whether it is new.
    pub(super) fn insert(&mut self, row: RowId) -> bool {
        let (index, bit) = RowSet::place(row);
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        let is_new = self.0[index] & bit == 0;
        self.0[index] |= bit;
        is_new
    }

    pub(super) fn contains(&self, row: RowId) -> bool {
        let (index, bit) = RowSet::place(row);
        self.0.get(index).is_some_and(|bits| bits & bit != 0)
    }

    fn place(row: RowId) -> (usize, u64) {
        let number = usize::try_from(row.0).unwrap_or_default();
        (number / 64, 1 << (number % 64))
    }
}

fn temporary_database() -> rusqlite::Result<Connection> {
    let database = Connection::open("")?;
    // One transaction without a journal, since nobody reads it after a crash; 64 MiB of pages.
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
         CREATE TABLE digests (digest BLOB PRIMARY KEY, number INTEGER NOT NULL, place INTEGER NOT NULL)
         STRICT, WITHOUT ROWID;
         BEGIN",
    )?;
    Ok(database)
}

fn count_stored(stored: &Connection, digest: Digest) -> rusqlite::Result<Option<Occurrence>> {
    let known = "SELECT number, place FROM digests WHERE digest = ?1";
    let known = stored.prepare_cached(known)?.query_row([digest.0], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((number, first)) = known.optional()? else { return Ok(None) };
    let number = u32::saturating_add(number, 1);
    let update = "UPDATE digests SET number = ?2 WHERE digest = ?1";
    stored.prepare_cached(update)?.execute(params![digest.0, number])?;
    Ok(Some(Occurrence { number, first: i64::cast_unsigned(first) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_counted_and_the_first_place_is_kept_in_memory_and_on_disk() {
        for most in [1, 2, 100] {
            let mut occurrences = Occurrences { most, ..Occurrences::default() };
            let mut expected: HashMap<u8, Occurrence> = HashMap::new();
            for (place, digest) in [7, 8, 7, 9, 8, 7, 10, 9, 7, 7].into_iter().enumerate() {
                let place = u64::MAX - place as u64;
                let known = expected.entry(digest).or_insert(Occurrence { number: 0, first: place });
                known.number += 1;
                assert_eq!(occurrences.count(Digest([digest; 16]), place).unwrap(), *known, "{most}");
                assert!(occurrences.first.len() <= most);
            }
        }
    }
}
