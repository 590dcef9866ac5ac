//! Export of ledger rows as CSV or JSON Lines, alone or joined to the rows of a CSV.
//!
//! An export only reads the ledgers and may run during a run. It imports the ledger, the source and the client token.

mod join;
mod spreadsheet;
mod table;

use std::io;

use thiserror::Error;

use crate::ledger::{LedgerError, LedgerSet, RowId, Selection};
use crate::mapping::KeyError;
use crate::shutdown::{Shutdown, Signal};
use crate::source::SourceError;
pub(crate) use join::JOIN_COLUMNS;
pub use join::Join;
#[cfg(test)]
pub(crate) use join::JoinedRow;
pub use spreadsheet::CellStyle;
use table::Table;
pub(crate) use table::{EXPORT_COLUMNS, ExportedRow, io_error};

/// Format of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// CSV with a header (RFC 4180, line ends LF).
    Csv(CellStyle),
    /// JSON Lines: one object a row.
    Jsonl,
}

/// An export failed. The file that it would have replaced is unchanged.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The CSV of `--join` cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The ledgers' key does not fit the CSV of `--join`.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The CSV of `--join` already has a column of a name that the export adds.
    #[error(
        "{file} has a column '{column}', and --join adds one of that name; rename it there, or use --output json, which \
         keeps the two apart"
    )]
    Column {
        /// Path of the CSV.
        file: String,
        /// Name of the column.
        column: &'static str,
    },
    /// The output cannot be written.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    /// A signal stopped the export.
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

fn expect_no_signal(shutdown: &Shutdown) -> Result<(), ExportError> {
    shutdown.signal().map_or(Ok(()), |signal| Err(ExportError::Interrupted(signal)))
}

/// Writes the selected rows ledger by ledger, in the order of each ledger, and returns their number. Rows that a run
/// adds meanwhile come last.
///
/// # Errors
/// [`ExportError::Ledger`], [`ExportError::Write`], [`ExportError::Interrupted`]
pub fn export_rows(
    ledgers: &LedgerSet,
    selection: &Selection,
    format: ExportFormat,
    out: &mut dyn io::Write,
    shutdown: &Shutdown,
) -> Result<u64, ExportError> {
    let mut table = Table::new(format, out);
    table.header(EXPORT_COLUMNS)?;
    let mut count = 0;
    for (_, reader) in ledgers.readers() {
        let mut last = RowId(0);
        while let Some(page) = reader.page(last, selection)? {
            expect_no_signal(shutdown)?;
            for row in &page.rows {
                table.write(&ExportedRow::of(row))?;
            }
            count += page.rows.len() as u64;
            last = page.last;
        }
    }
    table.finish()?;
    Ok(count)
}
