//! Which part of the rows is this process's, where several machines share one import: pure, the same on every
//! machine, for ever.
//!
//! A row's shard depends on its key alone, so all rows of one key, and equal rows without one, are in one shard,
//! whatever file they stand in and whatever instance they go to. The derivation is pinned by the test vectors below and
//! must never change within version 1: with another, rows would move to ledgers that do not know them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::source::RowKey;

/// The most shards that an import may have.
const MOST: u32 = 10_000;

/// One of the parts that an import is divided into, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Shard {
    /// How many parts there are, from 1 to 10,000.
    of: u32,
    /// Which one it is, from 0 to one less than there are.
    index: u32,
}

impl Shard {
    /// Which one it is, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are, at least 1.
    pub fn of(self) -> u32 {
        self.of
    }

    /// All the parts of the same import, in their order.
    pub fn division(self) -> impl Iterator<Item = Shard> {
        (0..self.of).map(move |index| Shard { of: self.of, index })
    }

    /// Whether the rows of this key belong to it. In version 1 that is the remainder of the first 8 bytes of the key's
    /// digest, as a big-endian number, divided by the number of shards.
    pub fn has(self, key: &RowKey) -> bool {
        let [first @ .., _, _, _, _, _, _, _, _] = key.digest().0;
        u64::from_be_bytes(first) % u64::from(self.of) == u64::from(self.index)
    }

    /// The part of a file's name that tells the shards' ledgers apart: `0-of-4`.
    pub fn part(self) -> String {
        format!("{}-of-{}", self.index, self.of)
    }

    /// Reads what [`Shard::part`] made.
    pub fn from_part(part: &str) -> Option<Self> {
        let (index, of) = part.split_once("-of-")?;
        let shard = format!("{index}/{of}").parse::<Shard>().ok()?;
        // No other spelling, such as 00-of-4, is one that was made.
        (shard.part() == part).then_some(shard)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let numbers = text.split_once('/').map(|(index, of)| (number(index), number(of)));
        match numbers {
            Some((Some(index), Some(of))) if index < of && of <= MOST => Ok(Shard { of, index }),
            Some((Some(_), Some(of))) if of > MOST => {
                Err(format!("there are at most {MOST} shards, and not {of}"))
            }
            Some((Some(_), Some(of))) if of > 0 => {
                Err(format!("shards count from 0: of {of} there are 0/{of} to {}/{of}", of - 1))
            }
            Some(_) | None => {
                Err("write which shard and of how many, such as 0/4 for the first of four".to_owned())
            }
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;

    fn key(cells: &[&str]) -> RowKey {
        RowKey::Columns(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    fn shard_of(key: &RowKey, of: u32) -> u32 {
        (0..of).find(|index| Shard { of, index: *index }.has(key)).unwrap()
    }

    /// These are promises to ledgers and machines of years to come: never edit an expected value.
    #[test]
    fn version_1_shards_never_change() {
        for (key, of_4, of_7, of_10_000) in [
            (key(&["HD-10001"]), 0, 0, 1444),
            (key(&["HD-10002"]), 3, 1, 2855),
            (key(&["Zürich", ""]), 0, 3, 6044),
            (RowKey::Content(Digest([7; 16])), 3, 0, 6711),
            (RowKey::Unusable(Digest([255; 16])), 3, 1, 1615),
        ] {
            let found = [4, 7, MOST].map(|of| shard_of(&key, of));
            assert_eq!(found, [of_4, of_7, of_10_000], "{key:?}");
        }
    }

    #[test]
    fn a_shard_is_written_with_a_slash_and_in_names_with_of() {
        for text in ["0/1", "0/4", "3/4", "9999/10000"] {
            let shard: Shard = text.parse().unwrap();
            assert_eq!(shard.to_string(), text);
            assert_eq!(Shard::from_part(&shard.part()), Some(shard));
        }
        for part in ["4-of-4", "00-of-4", "0-of-", "0of4", "sandbox", ""] {
            assert_eq!(Shard::from_part(part), None, "{part}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused_with_what_would_be_one() {
        for (text, words) in [
            ("4/4", "shards count from 0: of 4 there are 0/4 to 3/4"),
            ("1/1", "shards count from 0: of 1 there are 0/1 to 0/1"),
            ("0/10001", "there are at most 10000 shards, and not 10001"),
            ("0/0", "such as 0/4"),
            ("-1/4", "such as 0/4"),
            ("1", "such as 0/4"),
            ("/4", "such as 0/4"),
            ("", "such as 0/4"),
        ] {
            let problem = text.parse::<Shard>().unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn every_key_is_in_exactly_one_shard(cells in proptest::collection::vec(".*", 1..4), of in 1..50_u32) {
            let key = RowKey::Columns(cells);
            let having = (0..of).filter(|index| Shard { of, index: *index }.has(&key)).count();
            prop_assert_eq!(having, 1);
        }
    }
}
