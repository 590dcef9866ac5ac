//! The record in a lock file: its holder, the last commit, and the ledger's file as it was closed.
//!
//! It shows that commits are missing: after a crash they are in the write-ahead log alone, and the ledger does not show that
//! a log was deleted. It shows as well that the ledger is another copy than the one that had the commit.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use super::file::modified_ns;
use super::lock_holder::{Holder, Nonce};

/// First line of a lock file. A file without it is not written to.
pub(super) const FIRST_LINE: &str = "lock file of a connect-import ledger";

/// The holder of a record that names none.
const UNKNOWN_HOLDER: &str = "unknown process";

/// What commits to a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Author {
    /// A run, by its number.
    Run(i64),
    /// A verification, by its number. It settles unknown rows.
    Verification(i64),
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Author::Run(id) => write!(f, "run {id}"),
            Author::Verification(id) => write!(f, "verification {id}"),
        }
    }
}

impl Author {
    /// Its table, and its number there.
    pub(super) fn row(self) -> (&'static str, i64) {
        match self {
            Author::Run(id) => ("runs", id),
            Author::Verification(id) => ("verifications", id),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("run", id) => Some(Author::Run(id.parse().ok()?)),
            ("verification", id) => Some(Author::Verification(id.parse().ok()?)),
            _ => None,
        }
    }
}

/// A commit of a run or verification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Commit {
    pub(super) author: Author,
    pub(super) nonce: Nonce,
    /// Number among the author's commits, from 1.
    pub(super) number: i64,
    /// For people: the author's process, its start, and its command.
    pub(super) origin: String,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "commit {} of {} ({})", self.number, self.author, self.origin)
    }
}

impl Commit {
    fn line(&self) -> String {
        let Commit { author, nonce, number, origin } = self;
        // A command may have line ends.
        let origin = origin.replace(char::is_control, " ");
        format!("{author} (nonce {nonce}), commit {number}: {origin}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let (author, rest) = line.split_once(" (nonce ")?;
        let (nonce, rest) = rest.split_once("), commit ")?;
        let (number, origin) = rest.split_once(": ")?;
        Some(Commit {
            author: Author::parse(author)?,
            nonce: nonce.parse().ok()?,
            number: number.parse().ok()?,
            origin: origin.to_owned(),
        })
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
    /// Current or last holder of the lock. `None` if the file names none.
    pub(super) holder: Option<Holder>,
    /// Number that the holder changes while it commits nothing, which shows that it lives.
    pub(super) beat: u64,
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
        let mut lines = text.lines().skip(1);
        let holder = lines.next().zip(lines.next()).and_then(|(name, line)| Holder::parse(name, line));
        let beat = lines.next().and_then(|line| line.strip_prefix("beat ")?.parse().ok());
        Ok(LockRecord {
            holder,
            beat: beat.unwrap_or_default(),
            commit: text.lines().find_map(Commit::parse),
            closed: text.lines().find_map(ClosedFile::parse),
        })
    }

    /// The holder in the record, for a message.
    pub(super) fn read_holder(file: &mut File) -> String {
        LockRecord::read(file).map_or_else(|_| UNKNOWN_HOLDER.to_owned(), |record| record.holder_name())
    }

    /// The holder, for people.
    pub(super) fn holder_name(&self) -> String {
        self.holder.as_ref().map_or_else(|| UNKNOWN_HOLDER.to_owned(), |holder| holder.name.clone())
    }

    pub(super) fn write(&self, file: &mut File) -> io::Result<()> {
        let holder = self.holder.as_ref().map(Holder::lines).unwrap_or_default();
        let commit = self.commit.as_ref().map(Commit::line).unwrap_or_default();
        let closed = self.closed.map(|ClosedFile { bytes, modified_ns }| {
            format!("closed with {bytes} bytes, modified {modified_ns}\n")
        });
        let closed = closed.unwrap_or_default();
        let text = format!("{FIRST_LINE}\n{holder}beat {}\n{commit}{closed}", self.beat);
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
        let commit = Commit {
            author: Author::Run(3),
            nonce: Nonce(-42),
            number: 4711,
            origin: "process 7, since today: connect-import run --job 'a: b.toml'".into(),
        };
        let verified = Commit { author: Author::Verification(1), ..commit.clone() };
        for record in [
            LockRecord { holder: Some(Holder::new()), beat: 7, commit: Some(commit), closed: Some(closed) },
            LockRecord { holder: Some(Holder::new()), beat: 0, commit: Some(verified), closed: None },
            LockRecord { holder: Some(Holder::new()), beat: 12, commit: None, closed: None },
        ] {
            record.write(&mut file).unwrap();
            assert_eq!(LockRecord::read(&mut file).unwrap(), record);
        }
    }

    #[test]
    fn a_command_with_line_ends_is_written_on_one_line() {
        let mut file = tempfile::tempfile().unwrap();
        let commit = Commit {
            author: Author::Run(1),
            nonce: Nonce(1),
            number: 2,
            origin: "run 'a\nrun 9 (nonce 1), commit 9: x\nclosed with 1 bytes, modified 1'".into(),
        };
        LockRecord { holder: Some(Holder::new()), beat: 1, commit: Some(commit), closed: None }
            .write(&mut file)
            .unwrap();
        let read = LockRecord::read(&mut file).unwrap();
        assert_eq!((read.commit.unwrap().author, read.closed), (Author::Run(1), None));
    }

    #[test]
    fn other_lines_of_a_lock_file_are_ignored() {
        for line in [
            "",
            "run 3",
            "run x (nonce 1), commit 1: p",
            "run 1 (nonce x), commit 1: p",
            "walk 1 (nonce 1), commit 1: p",
            "run 1 (nonce 1), commit 1",
            "run 1, commit 1: p",
            "process 1, since yesterday",
            "closed with 1 bytes",
        ] {
            assert_eq!(Commit::parse(line), None, "{line}");
            assert_eq!(ClosedFile::parse(line), None, "{line}");
        }
    }
}
