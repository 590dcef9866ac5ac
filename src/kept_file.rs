//! Files that people change after this tool wrote them: a changed one is moved aside, and never replaced or removed.
//!
//! The file is renamed before it is compared. An editor that saves in the same moment either saved before the rename, and
//! its version is compared, or saves a new file after it, which nothing here replaces.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file::remove_if_exists;
use crate::file_kind::open_ordinary;
use crate::permissions::private;

/// Takes the file at `path`, which is no symbolic link, from its place. If it is empty or `is_ours` says that this tool wrote
/// its content, it is removed. Otherwise it is kept beside `path`, under a name with the time of `now`, which is returned.
/// A file that cannot be read is kept.
///
/// # Errors
/// The file cannot be renamed; it is then unchanged.
pub(crate) fn clear(
    path: &Path,
    now: jiff::Timestamp,
    is_ours: impl FnOnce(&File) -> io::Result<bool>,
) -> io::Result<Option<PathBuf>> {
    let Some(aside) = move_aside(path, now)? else { return Ok(None) };
    let is_unchanged =
        open_ordinary(&aside).and_then(|file| Ok(file.metadata()?.len() == 0 || is_ours(&file)?));
    if !is_unchanged.unwrap_or(false) {
        return Ok(Some(aside));
    }
    remove_if_exists(&aside)?;
    Ok(None)
}

/// Renames the file at `path` to a name that no file has. `None` if there is no file.
fn move_aside(path: &Path, now: jiff::Timestamp) -> io::Result<Option<PathBuf>> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let mut number = 1;
    let aside = loop {
        let aside = path.with_file_name(aside_name(path, now, number));
        // The empty file reserves the name, so that the rename replaces nothing else.
        match private().write(true).create_new(true).open(&aside) {
            Ok(_) => break aside,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    };
    match std::fs::rename(path, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) => {
            // Best effort: the rename's error is the one to report.
            let _ = remove_if_exists(&aside);
            if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
        }
    }
}

/// `x.2026-11-30T18-05-12Z.csv` of `x.csv`; without colons, which some systems do not allow in names.
fn aside_name(path: &Path, now: jiff::Timestamp, number: u32) -> std::ffi::OsString {
    let time = now.strftime("%Y-%m-%dT%H-%M-%SZ");
    let number = if number > 1 { format!("-{number}") } else { String::new() };
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{time}{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_796_061_912, 0);

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_changed_file_is_kept_under_a_free_name_and_an_unchanged_or_empty_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.rejects.csv");
        assert_eq!(clear(&path, NOW, |_| Ok(false)).unwrap(), None);
        for number in ["", "-2", "-3"] {
            std::fs::write(&path, format!("work {number}")).unwrap();
            let kept = clear(&path, NOW, |_| Ok(false)).unwrap().unwrap();
            let name = format!("t.rejects.2026-11-30T18-05-12Z{number}.csv");
            assert_eq!(kept, folder.path().join(name));
            assert_eq!(std::fs::read_to_string(kept).unwrap(), format!("work {number}"));
        }
        std::fs::write(&path, "ours").unwrap();
        assert_eq!(clear(&path, NOW, |_| Ok(true)).unwrap(), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(clear(&path, NOW, |_| Ok(false)).unwrap(), None);
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn a_file_that_cannot_be_compared_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain");
        std::fs::write(&path, "work").unwrap();
        let kept = clear(&path, NOW, |_| Err(io::Error::other("disk"))).unwrap();
        assert_eq!(kept, Some(folder.path().join("plain.2026-11-30T18-05-12Z")));
    }
}
