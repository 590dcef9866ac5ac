//! Errors of the intake.

use thiserror::Error;

use crate::ledger::LedgerError;
use crate::mapping::{KeyError, MappingError};
use crate::shutdown::Signal;
use crate::source::SourceError;

/// Error that ends the reading of the input. Nothing was sent.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// A file cannot be read, or its header does not fit.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mapping does not fit a file.
    #[error("{file}: {error}")]
    Mapping {
        /// Name of the CSV file, with the line if one row shows the error.
        file: String,
        /// The error.
        error: MappingError,
    },
    /// The key has a template that does not fit a file.
    #[error("{file}: {error}")]
    Key {
        /// Name of the CSV file.
        file: String,
        /// The error.
        error: MappingError,
    },
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system cannot start the thread that reads.
    #[error("cannot start a thread: {0}; run the same command again later")]
    Thread(std::io::Error),
    /// The time of the run is over before everything was read.
    #[error(
        "the time that --max-duration allows was over before the input was read to its end; nothing was sent; rows of an \
         input are sent once it was read to its end: run the same command again, with a longer --max-duration"
    )]
    TimeBudget,
    /// A signal arrived before everything was read.
    #[error("interrupted while the input was read; nothing was sent; run the same command again")]
    Interrupted(Signal),
}

impl IntakeError {
    /// The error of the mapping that the row on `line` of `file` shows.
    pub(crate) fn of_row(file: &str, line: u64, error: MappingError) -> Self {
        IntakeError::Mapping { file: format!("{file}, line {line}"), error }
    }

    /// The error of a key for the header of `file`.
    pub(super) fn of_key(file: &str, error: KeyError) -> Self {
        match error {
            // It names the file itself.
            KeyError::Column(error) => IntakeError::Source(error),
            KeyError::Template(error) => IntakeError::Key { file: file.to_owned(), error },
        }
    }
}
