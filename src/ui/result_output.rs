//! Output of a command's result: standard output, or a file that appears whole or not at all.
//!
//! A closed pipe is no error, since a reader such as `head` may stop early.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_file::AtomicFile;
use crate::printable::{RowWriter, ShownPath as _, printable_page};

/// Writes a result to standard output. A closed pipe is no error.
///
/// # Errors
/// Any other error of standard output.
pub fn to_stdout(text: &str) -> io::Result<()> {
    write_stdout(text).map(drop)
}

/// Writes to standard output; returns false if it is a closed pipe.
///
/// # Errors
/// Any other error of standard output.
pub fn write_stdout(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    is_open(out.write_all(printable_page(text).as_bytes()).and_then(|()| out.flush()))
}

/// Clears the terminal, and writes to it as [`write_stdout`] does.
///
/// # Errors
/// Those of [`write_stdout`].
pub fn write_cleared(text: &str) -> io::Result<bool> {
    const CLEAR_SCREEN: &str = "\x1b[H\x1b[2J\x1b[3J";
    Ok(is_open(io::stdout().write_all(CLEAR_SCREEN.as_bytes()))? && write_stdout(text)?)
}

/// Standard output for rows that programs read.
pub(super) fn stdout_of_rows() -> RowWriter<Stdout> {
    let out = io::stdout();
    let is_terminal = out.is_terminal();
    RowWriter::new(out, is_terminal)
}

/// The result of a write, with a closed pipe as success.
pub(super) fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    is_open(written).map(drop)
}

fn is_open(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// The output of a result. Dropped before [`ResultOutput::publish`], it leaves a file that it would replace unchanged.
#[derive(Debug)]
pub struct ResultOutput(Option<(AtomicFile, PathBuf)>);

/// A result cannot be written.
#[derive(Debug, Error)]
pub enum ResultError {
    /// Standard output failed.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
    /// The file cannot be created, written or renamed.
    #[error("cannot write {}: {source}; an existing file is unchanged. Fix that, or name another file with --to", path.shown())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl ResultOutput {
    /// Creates the output: a file that only its owner can read, or standard output.
    ///
    /// # Errors
    /// [`ResultError::File`] if the folder is missing or not writable.
    pub fn create(to: Option<&Path>) -> Result<Self, ResultError> {
        let create = |path: &Path| match AtomicFile::create(path) {
            Ok(file) => Ok((file, path.to_owned())),
            Err(source) => Err(ResultError::File { path: path.to_owned(), source }),
        };
        Ok(ResultOutput(to.map(create).transpose()?))
    }

    /// A buffered writer of the output, which another thread may use. It must be flushed before [`ResultOutput::publish`].
    ///
    /// # Errors
    /// [`ResultError::File`] if the process has too many open files.
    pub fn writer(&self) -> Result<Box<dyn Write + Send>, ResultError> {
        const BUFFER: usize = 1 << 16;
        match &self.0 {
            None => Ok(Box::new(BufWriter::with_capacity(BUFFER, stdout_of_rows()))),
            Some((file, path)) => match file.file().try_clone() {
                Ok(file) => Ok(Box::new(BufWriter::with_capacity(BUFFER, file))),
                Err(source) => Err(ResultError::File { path: path.clone(), source }),
            },
        }
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// [`ResultError::File`]
    pub fn publish(self) -> Result<(), ResultError> {
        match self.0 {
            None => Ok(()),
            Some((file, path)) => file.publish().map_err(|source| ResultError::File { path, source }),
        }
    }

    /// Turns an error of the writer into that of the output. A closed pipe is no error: its reader has read enough.
    ///
    /// # Errors
    /// Both variants of [`ResultError`].
    pub fn abandon(self, source: io::Error) -> Result<(), ResultError> {
        ignore_closed_pipe(Err(source)).map_err(|source| match self.0 {
            None => ResultError::Stdout(source),
            Some((_, path)) => ResultError::File { path, source },
        })
    }
}
