//! A file that appears whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::modes::{let_everybody_read, private};
use crate::paths::with_suffix;

/// A file in the making, beside the place where it will be. One that a dead process left is written
/// over, so that none is left behind; one that is given up is removed.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    draft: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// Begins a file that its owner alone can read.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(crate) fn begin(target: &Path) -> io::Result<Self> {
        let draft = draft_of(target);
        remove(&draft)?;
        let file = private().write(true).create_new(true).open(&draft)?;
        Ok(Draft { file, draft, target: target.to_owned() })
    }

    /// Lets every user read it, whatever the process would have files be.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn let_everybody_read(&self) -> io::Result<()> {
        let_everybody_read(&self.file)
    }

    /// Removes what a dead process left, where there is nothing to be written over it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn discard(target: &Path) -> io::Result<()> {
        remove(&draft_of(target))
    }

    /// Puts the file in its place, after it is on the disk.
    ///
    /// # Errors
    /// It cannot be written or renamed.
    pub(crate) fn publish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.draft, &self.target)
    }
}

impl io::Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it was published there is none; otherwise the next one is written over it.
        let _ = remove(&self.draft);
    }
}

/// Where a file is made: beside its place, under a name that nobody else gives a file.
pub(crate) fn draft_of(target: &Path) -> PathBuf {
    with_suffix(target, ".connect-import-part")
}

/// Removes a file, if there is one.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_draft_is_in_its_place_when_it_is_published_and_leaves_nothing_when_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        std::fs::write(&target, "old").unwrap();
        // What a dead process left.
        std::fs::write(draft_of(&target), "half").unwrap();
        let mut given_up = Draft::begin(&target).unwrap();
        given_up.write_all(b"new").unwrap();
        drop(given_up);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        let mut draft = Draft::begin(&target).unwrap();
        draft.write_all(b"new").unwrap();
        draft.publish().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
