//! Paths and the files that they lead to.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The canonical path of a file, so that two paths to one file are equal. Of a missing file the folder is canonical.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = folder_of(path).canonicalize();
        match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            (Ok(_) | Err(_), _) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        }
    })
}

/// The folder of a file; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path` with `suffix` added to the file's name: `tickets` and `.ledger.db` make `tickets.ledger.db`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The path without `.gz` or `.zst`: `tickets.csv.gz` becomes `tickets.csv`.
pub(crate) fn uncompressed(path: &Path) -> PathBuf {
    match path.extension() {
        Some(extension) if extension == "gz" || extension == "zst" => path.with_extension(""),
        Some(_) | None => path.to_owned(),
    }
}

/// Device and inode of a file.
#[cfg(unix)]
pub(crate) type FileId = (u64, u64);
/// Equal for all files: on systems other than Unix an open file cannot be replaced.
#[cfg(not(unix))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileId;

/// The identity of a file, which a rename keeps.
#[cfg(unix)]
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// The identity of a file.
#[cfg(not(unix))]
pub(crate) fn file_id(_: &Metadata) -> FileId {
    FileId
}

/// Whether `path` leads to the open `file`, which another process may have replaced or removed.
///
/// # Errors
/// The system does not tell: that is no removal.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match path.metadata() {
        Ok(there) => Ok(file_id(&there) == file_id(&file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
