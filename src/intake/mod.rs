//! The input, row by row: read, keyed and mapped, and then entered into the ledger.

mod enter;
mod prepared;
mod read_ahead;
#[cfg(test)]
pub(crate) mod testing;

use thiserror::Error;

use crate::ledger::LedgerError;
use crate::mapping::MappingError;
use crate::shutdown::Signal;
use crate::source::SourceError;

pub use enter::Intake;
pub use prepared::{Prepared, Rules, now, prepare};
pub use read_ahead::{Visitor, read_all};

/// The input cannot be taken in.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// A file is at fault.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mapping does not fit a file.
    #[error("{file}: {error}")]
    Mapping {
        /// The CSV.
        file: String,
        /// What is wrong.
        error: MappingError,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no thread to read with.
    #[error("cannot start a thread: {0}; the system has no room for one: run again later")]
    Thread(std::io::Error),
    /// A signal asked the process to stop before everything was read.
    #[error("interrupted while the input was read; nothing was sent; run the same command again")]
    Interrupted(Signal),
}
