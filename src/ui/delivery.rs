//! Where a long result goes: standard output, or a file that appears whole or not at all.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::unless_gone;
use crate::atomic_file::{AtomicFile, Withdrawal};

/// A result that is being written.
#[derive(Debug)]
pub struct Delivery {
    to: Option<PathBuf>,
    out: Out,
}

#[derive(Debug)]
enum Out {
    Stdout(BufWriter<Stdout>),
    File(BufWriter<AtomicFile>),
}

/// A result cannot be written.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// To standard output.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
    /// To a file.
    #[error("cannot write {}: {source}; nothing there has changed. Mend that, or name another file with --to", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Delivery {
    /// Begins a result, in a file that its owner alone can read, or on standard output.
    ///
    /// # Errors
    /// The file's folder cannot be written to.
    pub fn begin(to: Option<&Path>) -> Result<Self, DeliveryError> {
        const BUFFER: usize = 1 << 16;
        let out = match to {
            None => Out::Stdout(BufWriter::with_capacity(BUFFER, io::stdout())),
            Some(path) => {
                let draft = AtomicFile::begin(path);
                let draft = draft.map_err(|source| DeliveryError::File { path: path.to_owned(), source })?;
                Out::File(BufWriter::with_capacity(BUFFER, draft))
            }
        };
        Ok(Delivery { to: to.map(Path::to_owned), out })
    }

    /// What removes the file from another thread before it is in its place.
    pub(crate) fn withdrawal(&self) -> Option<Withdrawal> {
        match &self.out {
            Out::Stdout(_) => None,
            Out::File(out) => Some(out.get_ref().withdrawal()),
        }
    }

    /// Hands the result over: only now is it in its place.
    ///
    /// # Errors
    /// It cannot be written; a reader that went away is no error.
    pub fn finish(self) -> Result<(), DeliveryError> {
        let failed = failed(self.to);
        match self.out {
            Out::Stdout(mut out) => unless_gone(out.flush()).map_err(failed),
            Out::File(out) => {
                let draft = out.into_inner().map_err(io::IntoInnerError::into_error);
                draft.and_then(AtomicFile::publish).map_err(failed)
            }
        }
    }

    /// Gives the result up because it cannot be written. A reader that went away is no error.
    ///
    /// # Errors
    /// Every other reason.
    pub fn give_up(self, source: io::Error) -> Result<(), DeliveryError> {
        unless_gone(Err(source)).map_err(failed(self.to))
    }
}

fn failed(to: Option<PathBuf>) -> impl FnOnce(io::Error) -> DeliveryError {
    move |source| match to {
        None => DeliveryError::Stdout(source),
        Some(path) => DeliveryError::File { path, source },
    }
}

impl Write for Delivery {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Stdout(out) => out.write(bytes),
            Out::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(out) => out.flush(),
            Out::File(out) => out.flush(),
        }
    }
}
