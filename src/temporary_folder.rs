//! The folder for temporary files. SQLite writes some there: keys above two million, and large sorts.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::printable::ShownPath as _;

/// The variables that name it, as SQLite reads them.
const VARIABLES: [&str; 2] = ["SQLITE_TMPDIR", "TMPDIR"];

/// A variable names a folder for temporary files that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the variable {variable} names {} as the folder for temporary files, which {problem}; create it, or name another \
     folder",
    folder.shown()
)]
pub struct UnusableTemporaryFolder {
    variable: &'static str,
    folder: PathBuf,
    problem: &'static str,
}

/// Expects that the folder for temporary files, if a variable names one, can be used. SQLite would take another one without
/// a word, such as /var/tmp, or fail when it needs the first file.
///
/// # Errors
/// [`UnusableTemporaryFolder`]
pub(crate) fn expect_temporary_folder() -> Result<(), UnusableTemporaryFolder> {
    for variable in VARIABLES {
        let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) else { continue };
        let folder = PathBuf::from(folder);
        if let Some(problem) = problem_of(&folder) {
            return Err(UnusableTemporaryFolder { variable, folder, problem });
        }
    }
    Ok(())
}

fn problem_of(folder: &Path) -> Option<&'static str> {
    match folder.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("does not exist"),
        Err(_) => Some("cannot be reached"),
        Ok(metadata) if !metadata.is_dir() => Some("is not a folder"),
        Ok(_) => (!is_writable(folder)).then_some("is not writable"),
    }
}

fn is_writable(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }
    #[cfg(not(unix))]
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_and_writable() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(problem_of(folder.path()), None);
        assert_eq!(problem_of(&folder.path().join("none")), Some("does not exist"));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(problem_of(&file), Some("is not a folder"));
        assert_eq!(problem_of(&file.join("below")), Some("cannot be reached"));
        #[cfg(target_os = "linux")]
        assert_eq!(problem_of(Path::new("/proc/self")), Some("is not writable"));
    }
}
