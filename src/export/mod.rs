//! What the ledger knows, taken away: its rows as they lie there, or beside the rows of a CSV.

mod join;
mod rejected;
mod table;

use std::io;

use thiserror::Error;

use crate::ledger::{LedgerError, LedgerSet, RowId, RowState, Selection};
use crate::shutdown::{Shutdown, Signal};
use crate::source::SourceError;
pub use join::Join;
#[cfg(test)]
pub(crate) use join::JoinedRow;
use table::{COLUMNS, Table};
pub(crate) use table::{ExportedRow, io_error};

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// A header and a line for each row, cells quoted where they must be.
    #[default]
    Csv,
    /// An object for each row, one a line.
    Jsonl,
}

/// The state that rows are to be in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateFilter {
    /// Any.
    All,
    /// This one.
    Only(RowState),
}

impl clap::ValueEnum for StateFilter {
    fn value_variants<'a>() -> &'a [Self] {
        const ANY_AND_EACH: [StateFilter; 7] = [
            StateFilter::Only(RowState::Pending),
            StateFilter::Only(RowState::InFlight),
            StateFilter::Only(RowState::Created),
            StateFilter::Only(RowState::Rejected),
            StateFilter::Only(RowState::Failed),
            StateFilter::Only(RowState::Unknown),
            StateFilter::All,
        ];
        &ANY_AND_EACH
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            StateFilter::All => "all",
            StateFilter::Only(state) => state.name(),
        }))
    }
}

/// An export had to be given up. What was to be written over is as it was.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The CSV cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The CSV has a column of a name that the export would give to another.
    #[error(
        "{file} has a column '{column}' of its own, and --join adds one of that name; rename it there, or use --format \
         jsonl, where the two stand apart"
    )]
    Column {
        /// The CSV.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// The output cannot be written.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    /// A signal asked the process to stop.
    #[error("interrupted; the export is not complete")]
    Interrupted(Signal),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        ExportError::Write(io_error(error))
    }
}

impl From<serde_json::Error> for ExportError {
    fn from(error: serde_json::Error) -> Self {
        ExportError::Write(error.into())
    }
}

/// Stops an export that nobody waits for any more.
fn go_on(shutdown: &Shutdown) -> Result<(), ExportError> {
    shutdown.signal().map_or(Ok(()), |signal| Err(ExportError::Interrupted(signal)))
}

/// Writes the selected rows of the ledgers, one ledger after the other, each in the order in which its rows lie there;
/// returns how many. Rows that a run under way enters meanwhile come at the end.
///
/// # Errors
/// A ledger cannot be read, the output cannot be written, or a signal comes.
pub fn export_rows(
    ledgers: &LedgerSet,
    selection: &Selection,
    format: Format,
    out: &mut dyn io::Write,
    shutdown: &Shutdown,
) -> Result<u64, ExportError> {
    let mut table = Table::new(format, out);
    table.header(COLUMNS)?;
    let mut count = 0;
    for (_, reader) in ledgers.readers() {
        let mut last = RowId(0);
        while let Some(page) = reader.page(last, selection)? {
            go_on(shutdown)?;
            for row in &page.rows {
                table.line(&ExportedRow::of(row))?;
            }
            count += page.rows.len() as u64;
            last = page.last;
        }
    }
    table.finish()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_named_as_everywhere_else() {
        use clap::ValueEnum as _;
        for state in RowState::ALL {
            assert_eq!(StateFilter::from_str(state.name(), false), Ok(StateFilter::Only(state)));
        }
        assert_eq!(StateFilter::value_variants().len(), RowState::ALL.len() + 1);
    }
}
