//! Shards: disjoint parts of one import, each for one machine. Pure.
//!
//! A row's shard depends on its key alone, so all rows with one key, and identical rows without one, are in one shard,
//! whatever their file and instance. The test vectors below pin the derivation. It must never change within version 1:
//! rows would move to shards whose ledgers do not have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::source::RowKey;

/// Maximum number of shards of an import.
const MAX_SHARDS: u32 = 10_000;

/// The shard of a child of an AWS Batch array job, which the next two variables number.
const ARRAY_JOB: &str = "aws-batch";

/// Set in the children of array jobs only: <https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html>.
const ARRAY_INDEX: &str = "AWS_BATCH_JOB_ARRAY_INDEX";

/// Number of children of the array job, from the same page.
const ARRAY_SIZE: &str = "AWS_BATCH_JOB_ARRAY_SIZE";

/// One shard of an import. Written `INDEX/COUNT`, such as `0/4` for the first of four.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Shard {
    /// Number of shards, 1 to 10,000.
    count: u32,
    /// Number of this shard, from 0.
    index: u32,
}

impl Shard {
    /// Parses `INDEX/COUNT`, or `aws-batch` for the shard of this child of an AWS Batch array job. `variable` is the value of
    /// an environment variable.
    ///
    /// # Errors
    /// Neither is written; the numbers are no shard; or the process is no child of an array job.
    pub fn of_process(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if text != ARRAY_JOB {
            return text.parse();
        }
        let (Some(index), Some(count)) = (variable(ARRAY_INDEX), variable(ARRAY_SIZE)) else {
            return Err(format!(
                "{ARRAY_INDEX} and {ARRAY_SIZE} are not both set, so this is no child of an array job; write INDEX/COUNT, \
                 or leave the shard out to import all rows"
            ));
        };
        let shard = format!("{index}/{count}").parse();
        shard
            .map_err(|problem| format!("{ARRAY_INDEX} is '{index}' and {ARRAY_SIZE} is '{count}': {problem}"))
    }

    /// Number of this shard, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of shards of the import, 1 to 10,000.
    pub fn count(self) -> u32 {
        self.count
    }

    /// All shards of the import, in order.
    pub fn all(self) -> impl Iterator<Item = Shard> {
        (0..self.count).map(move |index| Shard { count: self.count, index })
    }

    /// Whether the rows with this key belong to the shard. In version 1 the shard's index is the first 8 bytes of the
    /// key's digest, as a big-endian number, modulo the number of shards.
    pub fn contains(self, key: &RowKey) -> bool {
        let [first @ .., _, _, _, _, _, _, _, _] = key.digest().0;
        u64::from_be_bytes(first) % u64::from(self.count) == u64::from(self.index)
    }

    /// The shard's part of file names, such as `0-of-4`.
    pub fn file_part(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }

    /// Parses the result of [`Shard::file_part`].
    pub fn from_file_part(part: &str) -> Option<Self> {
        let (index, count) = part.split_once("-of-")?;
        let shard = format!("{index}/{count}").parse::<Shard>().ok()?;
        // Excludes other spellings, such as 00-of-4.
        (shard.file_part() == part).then_some(shard)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let numbers = text.split_once('/').map(|(index, count)| (number(index), number(count)));
        match numbers {
            Some((Some(index), Some(count))) if index < count && count <= MAX_SHARDS => {
                Ok(Shard { count, index })
            }
            Some((Some(_), Some(count))) if count > MAX_SHARDS => {
                Err(format!("at most {MAX_SHARDS} shards are allowed, not {count}"))
            }
            Some((Some(_), Some(count))) if count > 0 => {
                Err(format!("shards are numbered from 0: write 0/{count} to {}/{count}", count - 1))
            }
            Some(_) | None => {
                Err("write INDEX/COUNT, such as 0/4 for the first of four; in an AWS Batch array job \
                                   --shard aws-batch takes both from the job"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
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

    fn shard_of(key: &RowKey, count: u32) -> u32 {
        (0..count).find(|index| Shard { count, index: *index }.contains(key)).unwrap()
    }

    /// Existing ledgers depend on these values: never edit one.
    #[test]
    fn version_1_shards_never_change() {
        for (key, of_4, of_7, of_10_000) in [
            (key(&["HD-10001"]), 0, 0, 1444),
            (key(&["HD-10002"]), 3, 1, 2855),
            (key(&["Zürich", ""]), 0, 3, 6044),
            (RowKey::Content(Digest([7; 16])), 3, 0, 6711),
            (RowKey::Unusable(Digest([255; 16])), 3, 1, 1615),
        ] {
            let found = [4, 7, MAX_SHARDS].map(|count| shard_of(&key, count));
            assert_eq!(found, [of_4, of_7, of_10_000], "{key:?}");
        }
    }

    #[test]
    fn a_shard_is_written_with_a_slash_and_in_file_names_with_of() {
        for text in ["0/1", "0/4", "3/4", "9999/10000"] {
            let shard: Shard = text.parse().unwrap();
            assert_eq!(shard.to_string(), text);
            assert_eq!(Shard::from_file_part(&shard.file_part()), Some(shard));
        }
        for part in ["4-of-4", "00-of-4", "0-of-", "0of4", "sandbox", ""] {
            assert_eq!(Shard::from_file_part(part), None, "{part}");
        }
    }

    #[test]
    fn an_invalid_shard_is_refused_with_the_valid_ones() {
        for (text, message) in [
            ("4/4", "shards are numbered from 0: write 0/4 to 3/4"),
            ("1/1", "shards are numbered from 0: write 0/1 to 0/1"),
            ("0/10001", "at most 10000 shards are allowed, not 10001"),
            ("0/0", "such as 0/4"),
            ("-1/4", "such as 0/4"),
            ("1", "such as 0/4"),
            ("/4", "such as 0/4"),
            ("", "such as 0/4"),
        ] {
            let problem = text.parse::<Shard>().unwrap_err();
            assert!(problem.contains(message), "{text}: {problem}");
        }
    }

    #[test]
    fn a_child_of_an_array_job_has_the_shard_of_its_index() {
        let of = |index: Option<&str>, count: Option<&str>| {
            let variable = |name: &str| match name {
                "AWS_BATCH_JOB_ARRAY_INDEX" => index.map(str::to_owned),
                "AWS_BATCH_JOB_ARRAY_SIZE" => count.map(str::to_owned),
                _ => None,
            };
            Shard::of_process("aws-batch", variable).map(|shard| shard.to_string())
        };
        assert_eq!(of(Some("3"), Some("4")).as_deref(), Ok("3/4"));
        assert_eq!(of(Some("0"), Some("10000")).as_deref(), Ok("0/10000"));
        for (index, count) in [(None, None), (Some("3"), None), (None, Some("4"))] {
            assert!(of(index, count).unwrap_err().contains("are not both set"), "{index:?} {count:?}");
        }
        let problem = of(Some("4"), Some("4")).unwrap_err();
        assert!(problem.contains("ARRAY_INDEX is '4'") && problem.contains("write 0/4 to 3/4"), "{problem}");
        let never = |name: &str| -> Option<String> { panic!("{name}") };
        assert_eq!(Shard::of_process("1/2", never), "1/2".parse());
        assert!(Shard::of_process("batch", never).unwrap_err().contains("--shard aws-batch"));
    }

    proptest! {
        #[test]
        fn every_key_is_in_exactly_one_shard(
            cells in proptest::collection::vec(".*", 1..4),
            count in 1..50_u32,
        ) {
            let key = RowKey::Columns(cells);
            let matching = (0..count).filter(|index| Shard { count, index: *index }.contains(&key)).count();
            prop_assert_eq!(matching, 1);
        }
    }
}
