//! A file that appears whole or not at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::paths::{is_at, with_suffix};
use crate::permissions::{let_everybody_read, private};

/// A file in the making, beside the place where it will be. It is locked while it is made, so that nobody else makes
/// the same at that time; one that a dead process left is written anew, so that none is left behind; one that is
/// given up is removed.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    file: File,
    place: Place,
    target: PathBuf,
}

/// Where a draft lies; none once it was published, or is given up.
type Place = Arc<Mutex<Option<PathBuf>>>;

/// Gives a draft up that another thread writes, and may be long about.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawal(Place);

impl Withdrawal {
    /// Removes the draft, if it is still one. It is not published any more.
    pub(crate) fn withdraw(&self) {
        if let Some(draft) = held(&self.0).take() {
            // Otherwise the next one takes its place.
            let _ = remove(&draft);
        }
    }
}

impl AtomicFile {
    /// Begins a file that its owner alone can read.
    ///
    /// # Errors
    /// The folder cannot be written to; [`io::ErrorKind::ResourceBusy`] if another process makes the same file.
    pub(crate) fn begin(target: &Path) -> io::Result<Self> {
        let draft = draft_of(target);
        let file = loop {
            clear(&draft)?;
            match private().write(true).create_new(true).open(&draft) {
                // Another process began at the same moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                Ok(file) => match file.try_lock() {
                    Ok(()) if is_at(&file, &draft) => break file,
                    // Another process has it in hand, or has removed it: it took it for one of a dead process.
                    Ok(()) | Err(TryLockError::WouldBlock) => {}
                    // There are file systems without locks; what is made there is still whole.
                    Err(TryLockError::Error(_)) => break file,
                },
            }
        };
        Ok(AtomicFile { file, place: Arc::new(Mutex::new(Some(draft))), target: target.to_owned() })
    }

    /// Lets every user read it, whatever the process would have files be.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn let_everybody_read(&self) -> io::Result<()> {
        let_everybody_read(&self.file)
    }

    /// What gives it up from another thread.
    pub(crate) fn withdrawal(&self) -> Withdrawal {
        Withdrawal(self.place.clone())
    }

    /// Removes what a dead process left, where there is nothing to be written in its place.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn discard(target: &Path) -> io::Result<()> {
        match clear(&draft_of(target)) {
            // It is another process's.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(()),
            done => done,
        }
    }

    /// Puts the file in its place, after it is on the disk.
    ///
    /// # Errors
    /// It cannot be written or renamed, or was withdrawn.
    pub(crate) fn publish(self) -> io::Result<()> {
        self.file.sync_all()?;
        let mut place = held(&self.place);
        let draft = place.as_ref().ok_or(io::ErrorKind::Interrupted)?;
        std::fs::rename(draft, &self.target)?;
        // What lies there from now on is another's.
        *place = None;
        Ok(())
    }
}

impl io::Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        self.withdrawal().withdraw();
    }
}

fn held(place: &Place) -> MutexGuard<'_, Option<PathBuf>> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a file is made: beside its place, under a name that nobody else gives a file.
pub(crate) fn draft_of(target: &Path) -> PathBuf {
    with_suffix(target, ".connect-import-part")
}

/// Removes the draft of a dead process, if there is one. Whoever is alive holds its lock.
fn clear(draft: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", draft.display()));
    loop {
        // What is no ordinary file was not made here, and nothing waits for whom it may lead to.
        if draft.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return remove(draft).map_err(named);
        }
        // Some systems lock only what may be written to.
        let file = match OpenOptions::new().write(true).open(draft) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(named)?,
        };
        match file.try_lock() {
            Ok(()) if is_at(&file, draft) => return remove(draft).map_err(named),
            // It was published or removed a moment ago.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another process is writing the same file at this moment",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(named(error)),
        }
    }
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
        let mut given_up = AtomicFile::begin(&target).unwrap();
        given_up.write_all(b"new").unwrap();
        drop(given_up);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        let mut draft = AtomicFile::begin(&target).unwrap();
        draft.write_all(b"new").unwrap();
        draft.publish().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_file_has_one_draft_at_a_time_and_nobody_takes_anothers_away() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut first = AtomicFile::begin(&target).unwrap();
        first.write_all(b"first").unwrap();
        let busy = AtomicFile::begin(&target).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
        AtomicFile::discard(&target).unwrap();
        first.publish().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "first");
        assert_eq!(names(), 1);
    }

    #[test]
    fn a_draft_that_is_withdrawn_is_gone_at_once_and_is_never_published() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        let draft = AtomicFile::begin(&target).unwrap();
        draft.withdrawal().withdraw();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(draft.publish().is_err());
        assert!(!target.exists());
    }

    #[test]
    fn many_at_once_leave_a_whole_file_and_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.csv");
        std::thread::scope(|scope| {
            for letter in b'a'..=b'h' {
                let target = &target;
                scope.spawn(move || {
                    for _ in 0..50 {
                        match AtomicFile::begin(target) {
                            Ok(mut draft) => {
                                draft.write_all(&[letter; 999]).unwrap();
                                draft.publish().unwrap();
                            }
                            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ResourceBusy),
                        }
                    }
                });
            }
        });
        let bytes = std::fs::read(&target).unwrap();
        assert!(bytes.len() == 999 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
