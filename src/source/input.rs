//! An input that the command line names, and its bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{STANDARD_INPUT, SourceError};
use super::foreign::remote;
use crate::file_kind::endless_kind;
use crate::paths::resolved;
use crate::printable::ShownPath as _;

/// A file or standard input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A file, by its path as given.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The input of a command line argument: a path, or `-` for standard input.
    pub fn from_argument(argument: &Path) -> Self {
        if argument == Path::new("-") { Input::Stdin } else { Input::File(argument.to_owned()) }
    }

    /// The path of a file; none for standard input.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Input::File(path) => Some(path.clone()),
            Input::Stdin => None,
        }
    }

    /// The name of the input in the ledger: the absolute path, so that a run from another working directory finds
    /// the same rows, or `-`.
    pub fn identity(&self) -> String {
        match self {
            Input::File(path) => resolved(path).to_string_lossy().into_owned(),
            Input::Stdin => "-".into(),
        }
    }

    /// Opens the bytes of the input, and returns the size of a regular file, bytes.
    pub(super) fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>), SourceError> {
        let Input::File(path) = self else { return Ok((Box::new(io::stdin()), None)) };
        if let Some(remedy) = remote(path) {
            return Err(SourceError::Remote { path: path.clone(), remedy });
        }
        let failed = |source| SourceError::Open { path: path.clone(), source };
        // A socket cannot be opened, and a device may have no end. A pipe is waited for, and so is a terminal.
        if let Some(what) = endless_kind(path).filter(|what| *what != "a pipe") {
            return Err(SourceError::Special { path: path.clone(), what });
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(SourceError::Directory(path.clone()));
        }
        Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(f, "{}", path.shown()),
            Input::Stdin => f.write_str(STANDARD_INPUT),
        }
    }
}

/// Counts the bytes that are read. It stands before the decompression, so that they compare with the file's size.
pub(super) struct ProgressReader<R> {
    pub(super) inner: R,
    pub(super) bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for ProgressReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.inner.read(buffer) {
                // A signal interrupted the call, and not every reader above repeats it.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
