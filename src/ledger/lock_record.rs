//! What the lock file says: who holds the ledger, its last commit, and whether it was closed. A log that somebody
//! tidies away after a crash takes commits with it, and the ledger alone does not know that there were any.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::str::FromStr;

use super::presence::modified_ns;

/// A commit of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Commit {
    /// The run.
    pub(super) run: i64,
    /// Its number among the run's commits, from 1.
    pub(super) number: i64,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}, commit {}", self.run, self.number)
    }
}

impl FromStr for Commit {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (run, number) = numbers(line, "run ", ", commit ").ok_or(())?;
        Ok(Commit { run, number })
    }
}

/// The ledger's file as its last run left it. Whoever finds it so need not look for what a crash may have torn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Closed {
    bytes: i64,
    /// Nanoseconds since 1970.
    modified: i64,
}

impl Closed {
    /// The file at `path` as it is now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        let bytes = i64::try_from(metadata.len()).map_err(io::Error::other)?;
        Ok(Closed { bytes, modified: modified_ns(&metadata)? })
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closed with {} bytes, modified {}", self.bytes, self.modified)
    }
}

impl FromStr for Closed {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (bytes, modified) = numbers(line, "closed with ", " bytes, modified ").ok_or(())?;
        Ok(Closed { bytes, modified })
    }
}

/// The two numbers of a line.
fn numbers(line: &str, before: &str, between: &str) -> Option<(i64, i64)> {
    let (one, other) = line.strip_prefix(before)?.split_once(between)?;
    Some((one.parse().ok()?, other.parse().ok()?))
}

/// The lock file, line by line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Inscription {
    /// Who holds the lock, or held it.
    pub(super) holder: String,
    /// The last commit.
    pub(super) commit: Option<Commit>,
    /// The ledger as it was closed; none while a run holds it, or after one that died.
    pub(super) closed: Option<Closed>,
}

impl Inscription {
    /// What the file says.
    pub(super) fn read(file: &mut File) -> Self {
        let mut text = String::new();
        // Who holds it is a courtesy; that it is held is the point.
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
        let holder = text.lines().next().filter(|holder| !holder.is_empty()).unwrap_or("unknown process");
        Inscription {
            holder: holder.to_owned(),
            commit: text.lines().find_map(|line| line.parse().ok()),
            closed: text.lines().find_map(|line| line.parse().ok()),
        }
    }

    /// Has the file say this.
    pub(super) fn write(&self, file: &mut File) -> io::Result<()> {
        let commit = self.commit.map(|commit| format!("{commit}\n")).unwrap_or_default();
        let closed = self.closed.map(|closed| format!("{closed}\n")).unwrap_or_default();
        let text = format!("{}\n{commit}{closed}", self.holder);
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        // It is written with every commit, and seldom gets shorter.
        if file.metadata()?.len() != text.len() as u64 {
            file.set_len(text.len() as u64)?;
        }
        Ok(())
    }
}

/// A handle on the lock file for what its holder has to tell. If writing fails the file falls behind the ledger,
/// which is as good as if it said nothing.
#[derive(Debug)]
pub(super) struct Seal {
    file: File,
    inscription: Inscription,
}

impl Seal {
    pub(super) fn new(file: File, inscription: Inscription) -> Self {
        Seal { file, inscription }
    }

    /// Writes a commit down that is on the disk.
    pub(super) fn commit(&mut self, commit: Commit) {
        self.inscription.commit = Some(commit);
        let _ = self.inscription.write(&mut self.file);
    }

    /// Writes down that the ledger's file was closed as it is now.
    pub(super) fn close(mut self, ledger: &Path) {
        self.inscription.closed = Closed::of(ledger).ok();
        let _ = self.inscription.write(&mut self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_read_as_it_is_written() {
        let mut file = tempfile::tempfile().unwrap();
        let closed = Closed { bytes: 4096, modified: 1_795_262_400_000_000_000 };
        let commit = Commit { run: 3, number: 4711 };
        for inscription in [
            Inscription { holder: "process 7".into(), commit: Some(commit), closed: Some(closed) },
            Inscription { holder: "process 8, since today".into(), commit: Some(commit), closed: None },
            Inscription { holder: "p".into(), commit: None, closed: None },
        ] {
            inscription.write(&mut file).unwrap();
            assert_eq!(Inscription::read(&mut file), inscription);
        }
    }

    #[test]
    fn lines_of_another_kind_say_nothing() {
        for line in ["", "run 3", "run x, commit 1", "process 1, since yesterday", "closed with 1 bytes"] {
            assert_eq!(line.parse::<Commit>(), Err(()), "{line}");
            assert_eq!(line.parse::<Closed>(), Err(()), "{line}");
        }
    }
}
