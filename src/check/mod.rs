//! The command `check`: every fault and warning of the input, and the action of a run on each row. It writes and sends
//! nothing.
//!
//! It reads the input as a run does and looks its rows up in the ledger, if there is one. Memory does not grow with
//! the input: faults go to a sink at once, and [`Occurrences`](crate::ledger::Occurrences) finds repeated keys.

mod findings;
mod ledger_lookup;
mod shown;
#[cfg(test)]
mod tests;
mod visitor;

use std::io;

use thiserror::Error;

use crate::event::Reporter;
use crate::intake::{IntakeError, PreparedInput, read_all};
use crate::ledger::LedgerError;
use crate::shard::Shard;
use crate::shutdown::Shutdown;
pub use findings::{CheckFindings, FoundFault, Group, InputSummary, LongestRequest, RowClass};
pub use ledger_lookup::LedgerLookup;
pub use shown::{RequestBody, ShownInstance, ShownRow, ShownRows};
use visitor::CheckVisitor;

/// Error that ends a check.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The input or the ledger cannot be read, or the mapping does not fit.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The faults cannot be written.
    #[error("cannot write the faults: {0}")]
    Write(#[from] io::Error),
}

impl From<LedgerError> for CheckError {
    fn from(error: LedgerError) -> Self {
        CheckError::Intake(error.into())
    }
}

/// Receives what is told of single rows, in the order of the input.
pub trait RowSink {
    /// Receives a fault.
    ///
    /// # Errors
    /// It cannot be written.
    fn fault(&mut self, fault: &FoundFault<'_>) -> io::Result<()>;

    /// Receives a row to show.
    ///
    /// # Errors
    /// It cannot be written.
    fn show(&mut self, row: &ShownRow<'_>) -> io::Result<()>;
}

/// A check of an input.
pub struct Check<'a> {
    /// Part of the rows that is checked; none is all.
    pub shard: Option<Shard>,
    /// Ledger that a run would continue with, if it exists.
    pub ledger: Option<&'a LedgerLookup>,
    /// Codes of rejections that the job accepts.
    pub accept: &'a [String],
    /// Rows whose requests are shown.
    pub shown: &'a ShownRows,
    /// Receives the progress.
    pub reporter: &'a Reporter,
    /// SIGINT and SIGTERM.
    pub shutdown: &'a Shutdown,
}

impl Check<'_> {
    /// Reads every input to its end. Blocks; must not be called on a thread of the async runtime.
    ///
    /// # Errors
    /// - [`CheckError::Intake`]: an input or the ledger fails, the mapping does not fit, or a signal arrives.
    /// - [`CheckError::Write`]: the sink fails.
    pub fn run(
        &self,
        inputs: Vec<PreparedInput>,
        sink: &mut dyn RowSink,
    ) -> Result<CheckFindings, CheckError> {
        let mut visitor = CheckVisitor::new(self, &inputs, sink);
        read_all(inputs, self.reporter, self.shutdown, &mut visitor)?;
        visitor.finish()
    }
}
