//! How often each key comes up, and which keys only look like another. Used by `run`, `check` and `export`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::error::LedgerError;
use crate::digest::Digest;

/// Keys held in memory: 66 MB with the slots. A million rows need no disk.
const HELD: usize = (1 << INDEX_BITS) - 1;

/// Bits of a slot that hold the number of an entry.
const INDEX_BITS: u32 = 21;

const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// Keys of one form that are held under it. Those that follow are held under a form of their own, so that a file of keys
/// that all look alike is read in linear time.
const VARIANTS: usize = 16;

/// Hashes of a key, 128 bits together: keys are equal if both are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct KeyHash {
    /// Hash of the form that look-alikes share, or one half of the key's digest.
    pub form: u64,
    /// Hash of the key as it stands.
    pub exact: u64,
}

impl From<Digest> for KeyHash {
    fn from(digest: Digest) -> Self {
        let [form, exact] = halves(digest);
        KeyHash { form, exact }
    }
}

/// The two halves of a digest. Both are evenly distributed.
pub fn halves(Digest(bytes): Digest) -> [u64; 2] {
    let number = u128::from_be_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    [(number >> 64) as u64, number as u64]
}

impl KeyHash {
    /// The hash of a key whose form has too many variants: the form is as good as the key's own.
    fn apart(self) -> Self {
        KeyHash { form: self.form.rotate_left(32) ^ self.exact, ..self }
    }
}

/// One of the times that a key came up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// Its number among those of the key, from 1.
    pub number: u32,
    /// The place that was given with the first of them.
    pub first: u64,
    /// If the key is new: place of an earlier key of its form.
    pub look_alike: Option<u64>,
}

/// Set in the places of rows that are created. Two of them are not reported as look-alikes: nothing can be done.
pub const IS_CREATED: u64 = 1 << 63;

/// Counts the occurrences of keys. A million keys take 32 MB. Memory stays below 150 MB: above two million keys, older
/// ones go to a temporary SQLite database, which is deleted when this is dropped or the process ends. Looking a key up
/// there takes a few microseconds.
#[derive(Debug, Default)]
pub struct Occurrences {
    entries: Vec<Entry>,
    /// Hash table with linear probing: the number of an entry, from 1, below some bits of its form; 0 is free. Its length
    /// is a power of two, and at most half of it is used.
    slots: Vec<u32>,
    /// Number of occurrences of the keys with more than one.
    repeated: HashMap<KeyHash, u32>,
    stored: Option<Connection>,
    /// Fewer keys held in memory, for tests.
    #[cfg(test)]
    most: Option<usize>,
}

/// A key and the place of its first occurrence.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: KeyHash,
    place: u64,
}

/// Keys of one form that are known already.
#[derive(Default)]
struct Known {
    /// Number and place of the key itself.
    same: Option<(u32, u64)>,
    /// Place of another key of the form.
    look_alike: Option<u64>,
    variants: usize,
}

impl Known {
    /// Takes note of a key of the form.
    fn add(&mut self, other: u64, place: u64) {
        self.variants += 1;
        if other & place & IS_CREATED == 0 {
            self.look_alike.get_or_insert(other);
        }
    }
}

impl Occurrences {
    /// Counts one more occurrence of `key`. `place` is any number that the caller finds the first one by.
    ///
    /// # Errors
    /// [`LedgerError::Temporary`]: the temporary database cannot be written or read.
    pub fn count(&mut self, key: impl Into<KeyHash>, place: u64) -> Result<Occurrence, LedgerError> {
        self.count_key(key.into(), place).map_err(|source| LedgerError::Temporary(Arc::new(source)))
    }

    fn count_key(&mut self, mut key: KeyHash, place: u64) -> rusqlite::Result<Occurrence> {
        let mut known = self.known(key, place)?;
        if known.same.is_none() && known.variants >= VARIANTS {
            key = key.apart();
            known.same = self.known(key, place)?.same;
        }
        if let Some((number, first)) = known.same {
            let number = number.saturating_add(1);
            self.repeat(key, number)?;
            return Ok(Occurrence { number, first, look_alike: None });
        }
        if self.entries.len() == self.most() {
            self.store()?;
        }
        self.insert(Entry { key, place });
        Ok(Occurrence { number: 1, first: place, look_alike: known.look_alike })
    }

    /// Place of a key that looks like `key`, unless `key` itself came up.
    ///
    /// # Errors
    /// [`LedgerError::Temporary`]: the temporary database cannot be read.
    pub fn look_alike(&self, key: KeyHash, place: u64) -> Result<Option<u64>, LedgerError> {
        let look_up = || {
            let known = self.known(key, place)?;
            let is_known = known.same.is_some()
                || (known.variants >= VARIANTS && self.known(key.apart(), place)?.same.is_some());
            Ok(known.look_alike.filter(|_| !is_known))
        };
        look_up().map_err(|source| LedgerError::Temporary(Arc::new(source)))
    }

    fn known(&self, key: KeyHash, place: u64) -> rusqlite::Result<Known> {
        let mut known = Known::default();
        for entry in self.of_form(key.form) {
            if entry.key.exact == key.exact {
                let number = self.repeated.get(&key).copied().unwrap_or(1);
                return Ok(Known { same: Some((number, entry.place)), ..known });
            }
            known.add(entry.place, place);
        }
        if let Some(stored) = &self.stored {
            let of_form = "SELECT exact, number, place FROM keys WHERE form = ?1";
            let mut of_form = stored.prepare_cached(of_form)?;
            let mut rows = of_form.query([key.form.cast_signed()])?;
            while let Some(row) = rows.next()? {
                let first = i64::cast_unsigned(row.get(2)?);
                if row.get::<_, i64>(0)?.cast_unsigned() == key.exact {
                    return Ok(Known { same: Some((row.get(1)?, first)), ..known });
                }
                known.add(first, place);
            }
        }
        Ok(known)
    }

    /// The entries of a form, in memory.
    fn of_form(&self, form: u64) -> impl Iterator<Item = &Entry> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = Occurrences::home(form, self.slots.len());
        std::iter::from_fn(move || {
            loop {
                let slot = *self.slots.get(at)?;
                if slot == 0 {
                    return None;
                }
                at = (at + 1) & mask;
                if slot >> INDEX_BITS == Occurrences::tag(form)
                    && let Some(entry) = self.entries.get((slot & INDEX_MASK) as usize - 1)
                    && entry.key.form == form
                {
                    return Some(entry);
                }
            }
        })
    }

    fn insert(&mut self, entry: Entry) {
        if self.entries.capacity() == 0 {
            // The system provides a page when it is first written, so few keys take little memory.
            self.entries.reserve_exact(self.most());
        }
        self.entries.push(entry);
        if self.slots.len() < 2 * self.entries.len() {
            let length = (2 * self.slots.len()).max(1 << 10);
            self.slots.clear();
            self.slots.resize(length, 0);
            for number in 1..=self.entries.len() {
                self.take_slot(number);
            }
        } else {
            self.take_slot(self.entries.len());
        }
    }

    /// Takes a free slot for the entry of this number, from 1.
    fn take_slot(&mut self, number: usize) {
        let form = self.entries[number - 1].key.form;
        let mask = self.slots.len() - 1;
        let mut at = Occurrences::home(form, self.slots.len());
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most HELD entries")]
        let number = number as u32;
        self.slots[at] = Occurrences::tag(form) << INDEX_BITS | number;
    }

    /// The slot at which the search for a form begins. The tag has other bits of it.
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits")]
    fn home(form: u64, length: usize) -> usize {
        form as usize & length.wrapping_sub(1)
    }

    /// The bits of a form in its slot, so that seldom another entry is read.
    fn tag(form: u64) -> u32 {
        (form >> (32 + INDEX_BITS)) as u32
    }

    fn most(&self) -> usize {
        #[cfg(test)]
        if let Some(most) = self.most {
            return most;
        }
        HELD
    }

    /// Records the number of occurrences of a known key.
    fn repeat(&mut self, key: KeyHash, number: u32) -> rusqlite::Result<()> {
        if self.of_form(key.form).any(|entry| entry.key == key) {
            self.repeated.insert(key, number);
        } else if let Some(stored) = &self.stored {
            let update = "UPDATE keys SET number = ?3 WHERE form = ?1 AND exact = ?2";
            let [form, exact] = [key.form, key.exact].map(u64::cast_signed);
            stored.prepare_cached(update)?.execute(params![form, exact, number])?;
        }
        Ok(())
    }

    /// Moves the keys in memory to the temporary database.
    fn store(&mut self) -> rusqlite::Result<()> {
        let stored = match self.stored.take() {
            Some(stored) => stored,
            None => temporary_database()?,
        };
        let stored = self.stored.insert(stored);
        // In the order of the table each of its pages is written once.
        self.entries.sort_unstable_by_key(|entry| [entry.key.form, entry.key.exact].map(u64::cast_signed));
        let mut insert =
            stored.prepare_cached("INSERT INTO keys (form, exact, number, place) VALUES (?1, ?2, ?3, ?4)")?;
        for Entry { key, place } in self.entries.drain(..) {
            let number = self.repeated.get(&key).copied().unwrap_or(1);
            let [form, exact, place] = [key.form, key.exact, place].map(u64::cast_signed);
            insert.execute(params![form, exact, number, place])?;
        }
        self.slots.fill(0);
        self.repeated.clear();
        Ok(())
    }
}

fn temporary_database() -> rusqlite::Result<Connection> {
    let database = Connection::open("")?;
    // One transaction without a journal, since nobody reads it after a crash; 64 MiB of pages.
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
         CREATE TABLE keys (form INTEGER, exact INTEGER, number INTEGER NOT NULL, place INTEGER NOT NULL,
                            PRIMARY KEY (form, exact)) STRICT, WITHOUT ROWID;
         BEGIN",
    )?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(most: usize) -> Occurrences {
        Occurrences { most: Some(most), ..Occurrences::default() }
    }

    fn key(form: u64, exact: u64) -> KeyHash {
        KeyHash { form, exact }
    }

    #[test]
    fn occurrences_are_counted_and_the_first_place_is_kept_in_memory_and_on_disk() {
        for most in [1, 2, 100] {
            let mut occurrences = held(most);
            let mut expected: HashMap<u8, Occurrence> = HashMap::new();
            for (place, digest) in [7, 8, 7, 9, 8, 7, 10, 9, 7, 7].into_iter().enumerate() {
                let place = u64::MAX - place as u64;
                let new = Occurrence { number: 0, first: place, look_alike: None };
                let known = expected.entry(digest).or_insert(new);
                known.number += 1;
                assert_eq!(occurrences.count(Digest([digest; 16]), place).unwrap(), *known, "{most}");
                assert!(occurrences.entries.len() <= most);
            }
        }
    }

    /// Forms that share their slot and their tag are told apart, also while the table grows.
    #[test]
    fn every_key_is_found_again_whatever_it_collides_with() {
        for most in [700, 1 << 20] {
            let mut occurrences = held(most);
            let keys =
                (0..3000_u64).map(|number| key(((number % 7) << 45) | ((number / 7) << 40) | 5, number));
            let keys: Vec<KeyHash> = keys.collect();
            for (place, key) in keys.iter().enumerate() {
                assert_eq!(occurrences.count(*key, place as u64).unwrap().number, 1);
            }
            for (place, key) in keys.iter().enumerate() {
                let again = occurrences.count(*key, 0).unwrap();
                assert_eq!((again.number, again.first), (2, place as u64));
            }
        }
    }

    #[test]
    fn a_new_key_of_a_known_form_looks_like_its_first_key() {
        for most in [1, 100] {
            let mut occurrences = held(most);
            let look_alikes: Vec<Option<u64>> = [(1, 1), (2, 1), (1, 2), (1, 2), (1, 1), (1, 3)]
                .into_iter()
                .zip(10..)
                .map(|((form, exact), place)| occurrences.count(key(form, exact), place).unwrap().look_alike)
                .collect();
            let of_first = |look_alike: Option<u64>| look_alike.is_some();
            assert_eq!(
                look_alikes.iter().copied().map(of_first).collect::<Vec<_>>(),
                [false, false, true, false, false, true]
            );
            let of_other = |exact| occurrences.look_alike(key(1, exact), 0).unwrap();
            assert!(of_other(9).is_some());
            assert_eq!((of_other(1), of_other(2)), (None, None), "it came up itself");
        }
    }

    #[test]
    fn two_created_rows_are_not_reported() {
        let mut occurrences = held(100);
        occurrences.count(key(1, 1), IS_CREATED | 1).unwrap();
        assert_eq!(occurrences.count(key(1, 2), IS_CREATED | 2).unwrap().look_alike, None);
        assert_eq!(occurrences.count(key(1, 3), 3).unwrap().look_alike, Some(IS_CREATED | 1));
        assert_eq!(occurrences.count(key(1, 4), IS_CREATED | 4).unwrap().look_alike, Some(3));
    }

    #[test]
    fn keys_of_one_form_are_counted_however_many_they_are() {
        for most in [50, 1 << 20] {
            let mut occurrences = held(most);
            for round in 1..=2 {
                for exact in 0..500 {
                    let found = occurrences.count(key(3, exact), exact).unwrap();
                    assert_eq!((found.number, found.first), (round, exact));
                    assert_eq!(found.look_alike.is_some(), round == 1 && exact > 0);
                }
            }
            assert_eq!(occurrences.look_alike(key(3, 499), 0).unwrap(), None);
            assert!(occurrences.look_alike(key(3, 500), 0).unwrap().is_some());
        }
    }
}
