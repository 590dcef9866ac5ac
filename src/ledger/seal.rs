//! The last commit, written down beside the ledger. A log that somebody tidies away after a crash takes commits
//! with it, and the ledger alone does not know that there were any.

use std::fmt;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::str::FromStr;

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
        let (run, number) =
            line.strip_prefix("run ").and_then(|rest| rest.split_once(", commit ")).ok_or(())?;
        Ok(Commit { run: run.parse().map_err(|_| ())?, number: number.parse().map_err(|_| ())? })
    }
}

/// The lock file, as far as it tells of commits: its second line.
#[derive(Debug)]
pub(super) struct Seal {
    file: File,
    /// The first line: who holds the lock.
    holder: String,
}

impl Seal {
    pub(super) fn new(file: File, holder: String) -> Self {
        Seal { file, holder }
    }

    /// Writes a commit down that is on the disk. If that fails the seal falls behind the ledger, which is as
    /// good as none.
    pub(super) fn set(&mut self, commit: Commit) {
        let text = format!("{}\n{commit}\n", self.holder);
        let written = self.file.rewind().and_then(|()| self.file.write_all(text.as_bytes()));
        let _ = written.and_then(|()| self.file.set_len(text.len() as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read_as_it_is_written() {
        let commit = Commit { run: 3, number: 4711 };
        assert_eq!(commit.to_string().parse(), Ok(commit));
        for line in ["", "run 3", "run x, commit 1", "process 1, since yesterday"] {
            assert_eq!(line.parse::<Commit>(), Err(()), "{line}");
        }
    }
}
