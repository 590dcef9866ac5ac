//! Which file a path leads to.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The file itself, so that a link to it, or another way to its folder, is the same path. A file that is
/// not there yet is known by its folder.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = folder_of(path).canonicalize();
        match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            (Ok(_) | Err(_), _) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        }
    })
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path` with `suffix` added to the file's name: `tickets` and `.ledger.db` make `tickets.ledger.db`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// `tickets.csv.gz` is `tickets.csv`, whether or not it is compressed today.
pub(crate) fn uncompressed(path: &Path) -> PathBuf {
    match path.extension() {
        Some(extension) if extension == "gz" || extension == "zst" => path.with_extension(""),
        Some(_) | None => path.to_owned(),
    }
}

/// The path and every link that it leads through, one after the other; the last is no link.
pub(crate) fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    /// More than any system follows.
    const MOST: usize = 64;
    let follow = |path: &PathBuf| std::fs::read_link(path).ok().map(|target| folder_of(path).join(target));
    std::iter::successors(Some(path.to_owned()), follow).take(MOST)
}

/// Device and number of a file; elsewhere than on Unix an open file cannot be removed.
#[cfg(unix)]
pub(crate) type FileId = (u64, u64);
/// Of every file the same, for the same reason.
#[cfg(not(unix))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileId;

/// What the system knows a file by.
#[cfg(unix)]
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// What the system knows a file by.
#[cfg(not(unix))]
pub(crate) fn file_id(_: &Metadata) -> FileId {
    FileId
}

/// Whether the path still leads to the open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: io::Result<Metadata>| metadata.map(|metadata| file_id(&metadata));
    id(file.metadata()).is_ok_and(|open| id(path.metadata()).is_ok_and(|there| there == open))
}
