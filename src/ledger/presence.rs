//! Whether a ledger is still where it was opened. SQLite goes on writing to files that were removed or moved
//! away, and what it commits there no later run will ever see.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::LedgerError;
use crate::paths::{FileId, file_id};

/// The files of an open ledger, by what the system knows them by.
#[derive(Debug)]
pub(super) struct Presence {
    ledger: PathBuf,
    files: Vec<(PathBuf, FileId)>,
}

impl Presence {
    /// Remembers the files as they are now; those that do not exist are left out.
    pub(super) fn of(ledger: &Path, files: impl IntoIterator<Item = PathBuf>) -> Result<Self, LedgerError> {
        let mut known = Vec::new();
        for path in files {
            match id(&path) {
                Ok(id) => known.push((path, id)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(LedgerError::Io { path, source: Arc::new(source) }),
            }
        }
        Ok(Presence { ledger: ledger.to_owned(), files: known })
    }

    /// Whether every path still leads to the same file.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        for (path, known) in &self.files {
            match id(path) {
                Ok(id) if id == *known => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LedgerError::Io { path: path.clone(), source: Arc::new(error) });
                }
                Ok(_) | Err(_) => {
                    return Err(LedgerError::Gone { path: self.ledger.clone(), file: path.clone() });
                }
            }
        }
        Ok(())
    }
}

fn id(path: &Path) -> io::Result<FileId> {
    path.metadata().map(|metadata| file_id(&metadata))
}

/// When a file was written to last, in nanoseconds since 1970.
///
/// # Errors
/// The system does not tell, or it is not of these centuries.
pub(super) fn modified_ns(metadata: &Metadata) -> io::Result<i64> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    i64::try_from(since.as_nanos()).map_err(io::Error::other)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_moved_or_replaced_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = folder.path().join("y.db");
        let presence = || {
            std::fs::write(&path, "x").unwrap();
            Presence::of(&path, [path.clone(), other.clone()]).unwrap()
        };
        let untouched = presence();
        std::fs::write(&path, "more").unwrap();
        assert!(untouched.check().is_ok());
        let removed = presence();
        std::fs::remove_file(&path).unwrap();
        assert!(removed.check().is_err());
        let moved = presence();
        std::fs::rename(&path, &other).unwrap();
        assert!(moved.check().is_err());
        let replaced = presence();
        std::fs::write(&other, "y").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(replaced.check().is_err());
    }
}
