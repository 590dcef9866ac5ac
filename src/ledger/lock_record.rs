//! The record in a lock file: its holder, the last commit of its run, and the ledger's file as it was closed.
//!
//! It shows that commits are missing: after a crash they are in the write-ahead log alone, and the ledger does not show that
//! a log was deleted. It shows as well that the ledger is another copy than the one that had the commit.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::str::FromStr;

use super::file::modified_ns;

/// First line of a lock file. A file without it is not written to.
pub(super) const FIRST_LINE: &str = "lock file of a connect-import ledger";

/// The holder of a record that names none.
const UNKNOWN_HOLDER: &str = "unknown process";

/// A random number of a run. Runs of the same number in two copies of a ledger differ in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Nonce(pub(super) i64);

impl Nonce {
    /// A new one.
    pub(super) fn random() -> Self {
        Nonce(fastrand::i64(..))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Nonce {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(|number| Nonce(number.cast_signed()))
    }
}

/// A commit of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Commit {
    pub(super) run: i64,
    pub(super) nonce: Nonce,
    /// Number among the run's commits, from 1.
    pub(super) number: i64,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}, commit {}", self.run, self.number)
    }
}

impl Commit {
    fn line(self) -> String {
        let Commit { run, nonce, number } = self;
        format!("run {run} (nonce {nonce}), commit {number}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let (run, rest) = line.strip_prefix("run ")?.split_once(" (nonce ")?;
        let (nonce, number) = rest.split_once("), commit ")?;
        Some(Commit { run: run.parse().ok()?, nonce: nonce.parse().ok()?, number: number.parse().ok()? })
    }
}

/// Size and modification time of the ledger's file when its last run closed it. A file that still has both is not
/// checked for damage by a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClosedFile {
    bytes: i64,
    modified_ns: i64,
}

impl ClosedFile {
    /// The file at `path` as it is now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        let bytes = i64::try_from(metadata.len()).map_err(io::Error::other)?;
        Ok(ClosedFile { bytes, modified_ns: modified_ns(&metadata)? })
    }

    fn parse(line: &str) -> Option<Self> {
        let (bytes, modified_ns) = line.strip_prefix("closed with ")?.split_once(" bytes, modified ")?;
        Some(ClosedFile { bytes: bytes.parse().ok()?, modified_ns: modified_ns.parse().ok()? })
    }
}

/// Content of the lock file: [`FIRST_LINE`], then one line each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LockRecord {
    /// Current or last holder of the lock.
    pub(super) holder: String,
    pub(super) commit: Option<Commit>,
    /// `None` while a run holds the ledger, or after a run that died.
    pub(super) closed: Option<ClosedFile>,
}

impl LockRecord {
    /// Reads the record. What is no line of one is passed over; a failed read is not, since it would hide the commit that the
    /// ledger must have.
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let holder = text.lines().nth(1).filter(|holder| !holder.is_empty()).unwrap_or(UNKNOWN_HOLDER);
        Ok(LockRecord {
            holder: holder.to_owned(),
            commit: text.lines().find_map(Commit::parse),
            closed: text.lines().find_map(ClosedFile::parse),
        })
    }

    /// The holder in the record, for a message.
    pub(super) fn read_holder(file: &mut File) -> String {
        LockRecord::read(file).map_or_else(|_| UNKNOWN_HOLDER.to_owned(), |record| record.holder)
    }

    pub(super) fn write(&self, file: &mut File) -> io::Result<()> {
        let commit = self.commit.map(Commit::line).unwrap_or_default();
        let closed = self.closed.map(|ClosedFile { bytes, modified_ns }| {
            format!("closed with {bytes} bytes, modified {modified_ns}\n")
        });
        let text = format!("{FIRST_LINE}\n{}\n{commit}{}", self.holder, closed.unwrap_or_default());
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        // It is written with every commit, and seldom gets shorter.
        if file.metadata()?.len() != text.len() as u64 {
            file.set_len(text.len() as u64)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_record_is_read_as_it_was_written() {
        let mut file = tempfile::tempfile().unwrap();
        let closed = ClosedFile { bytes: 4096, modified_ns: 1_795_262_400_000_000_000 };
        let commit = Commit { run: 3, nonce: Nonce(-42), number: 4711 };
        for record in [
            LockRecord { holder: "process 7".into(), commit: Some(commit), closed: Some(closed) },
            LockRecord { holder: "process 8, since today".into(), commit: Some(commit), closed: None },
            LockRecord { holder: "p".into(), commit: None, closed: None },
        ] {
            record.write(&mut file).unwrap();
            assert_eq!(LockRecord::read(&mut file).unwrap(), record);
        }
    }

    #[test]
    fn other_lines_of_a_lock_file_are_ignored() {
        for line in [
            "",
            "run 3",
            "run x (nonce 1), commit 1",
            "run 1 (nonce x), commit 1",
            "run 1, commit 1",
            "process 1, since yesterday",
            "closed with 1 bytes",
        ] {
            assert_eq!(Commit::parse(line), None, "{line}");
            assert_eq!(ClosedFile::parse(line), None, "{line}");
        }
    }
}
