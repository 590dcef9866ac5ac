//! Which file a path leads to.

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
