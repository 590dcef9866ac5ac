//! A file that replaces another whole or not at all.
//!
//! It is written beside its target as `NAME.XXXXXX.connect-import-part`, and renamed once its content is on the disk. An
//! error or a signal removes it. `kill -9` and a power failure leave it behind: only its owner can read it, nothing reads
//! it again, and it may be deleted. Of several processes that write one target, the last to finish replaces it whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::paths::{folder_of, resolved, with_suffix};

/// The last part of the name of a file that is not complete.
const PART_SUFFIX: &str = ".connect-import-part";

/// The temporary files of this process, so that they can be removed where no destructor runs.
static PARTS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn parts() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of this process, which is about to end.
pub(crate) fn remove_parts() {
    let parts = std::mem::take(&mut *parts());
    for part in parts {
        // Best effort: a file that stays is harmless.
        let _ = remove_if_exists(&part);
    }
}

/// A temporary file among [`PARTS`] for as long as this exists.
#[derive(Debug)]
struct ListedPart(PathBuf);

impl ListedPart {
    fn new(path: &Path) -> Self {
        parts().insert(path.to_owned());
        ListedPart(path.to_owned())
    }
}

impl Drop for ListedPart {
    fn drop(&mut self) {
        parts().remove(&self.0);
    }
}

/// A file being written, mode 0600. It is removed unless [`AtomicFile::publish`] puts it in its place.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    part: NamedTempFile,
    listed: ListedPart,
    target: PathBuf,
}

impl AtomicFile {
    /// Creates the temporary file beside `target`, or if that is a link beside the file it leads to.
    pub(crate) fn create(target: &Path) -> io::Result<Self> {
        let target = resolved(target);
        let mut prefix = target.file_name().unwrap_or_default().to_owned();
        prefix.push(".");
        let part =
            tempfile::Builder::new().prefix(&prefix).suffix(PART_SUFFIX).tempfile_in(folder_of(&target))?;
        let listed = ListedPart::new(part.path());
        Ok(AtomicFile { part, listed, target })
    }

    /// Path of the file that it becomes, without symbolic links.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The open temporary file.
    pub(crate) fn file(&self) -> &File {
        self.part.as_file()
    }

    /// Puts the file in its place if there is no file yet, once the content is on the disk.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`]: there is one.
    pub(crate) fn publish_new(self) -> io::Result<()> {
        match self.publish_unless_exists()? {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    /// As [`AtomicFile::publish_new`], but returns the unpublished file if there is one in its place.
    pub(crate) fn publish_unless_exists(self) -> io::Result<Option<Self>> {
        let AtomicFile { part, listed, target } = self;
        part.as_file().sync_all()?;
        match part.persist_noclobber(&target) {
            Ok(_) => Ok(None),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Some(AtomicFile { part: failed.file, listed, target }))
            }
            Err(failed) => Err(failed.error),
        }
    }

    /// Replaces the target, once the content is on the disk.
    pub(crate) fn publish(self) -> io::Result<()> {
        self.part.as_file().sync_all()?;
        self.part.persist(&self.target)?;
        Ok(())
    }
}

impl io::Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}

/// The one temporary path of a file that is written under a lock, which allows the next writer to remove what a dead
/// process left.
pub(crate) fn part_of(target: &Path) -> PathBuf {
    with_suffix(target, PART_SUFFIX)
}

/// Removes a file; a missing one is no error.
pub(crate) fn remove_if_exists(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_new_file_never_replaces_an_existing_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.toml");
        std::fs::write(&target, "old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(file.publish_new().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_published_file_replaces_its_target_and_a_dropped_one_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        std::fs::write(&target, "old").unwrap();
        let mut dropped = AtomicFile::create(&target).unwrap();
        dropped.write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        drop(dropped);
        assert_eq!(names(folder.path()), ["x.csv"]);
        let mut published = AtomicFile::create(&target).unwrap();
        published.write_all(b"new").unwrap();
        published.publish().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(names(folder.path()), ["x.csv"]);
    }

    #[test]
    fn a_killed_writer_leaves_a_file_that_names_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        std::mem::forget(AtomicFile::create(&target).unwrap());
        let left = names(folder.path());
        assert!(left.len() == 1 && left[0].starts_with("x.csv."), "{left:?}");
        assert!(left[0].ends_with(".connect-import-part"), "{left:?}");
        // It does not stop the next writer.
        AtomicFile::create(&target).unwrap().publish().unwrap();
        assert!(target.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it_and_a_link_to_it_stays_a_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("x.csv"), folder.path().join("link.csv"));
        std::fs::write(&target, "old").unwrap();
        symlink("x.csv", &link).unwrap();
        AtomicFile::create(&link).unwrap().publish().unwrap();
        assert!(link.is_symlink());
        let metadata = target.symlink_metadata().unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (0, 0o600));
    }

    #[test]
    fn of_many_writers_the_last_to_finish_wins_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        std::thread::scope(|scope| {
            for letter in b'a'..=b'h' {
                let target = &target;
                scope.spawn(move || {
                    for _ in 0..20 {
                        let mut file = AtomicFile::create(target).unwrap();
                        file.write_all(&[letter; 999]).unwrap();
                        file.publish().unwrap();
                    }
                });
            }
        });
        let bytes = std::fs::read(&target).unwrap();
        assert!(bytes.len() == 999 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(names(folder.path()), ["x.csv"]);
    }
}
