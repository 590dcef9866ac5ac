//! Bytes to records: CSV as RFC 4180 has it, with the file's own line numbers.

mod csv_file;
mod header;
mod key;
mod lines;

use std::path::PathBuf;

use thiserror::Error;

pub use csv_file::{CsvSource, Input};
pub use header::{Header, KeyColumns, REJECT_COLUMNS};
pub use key::RowKey;

/// One data row of a CSV.
#[derive(Clone, Debug)]
pub struct Record {
    /// The line of the file on which the record starts, counted from 1.
    pub line: u64,
    /// The cells; a ragged row has fewer or more than the header.
    pub cells: csv::StringRecord,
    /// In a rejects file, the code that the row was rejected with.
    pub rejected_with: Option<String>,
}

/// A CSV cannot be read; nothing is sent.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory was named.
    #[error("{} is a directory; name the CSV files in it", .0.display())]
    Directory(PathBuf),
    /// There is not even a header.
    #[error("{0} has no header; the first line must name the columns")]
    NoHeader(String),
    /// The key names a column that is not there.
    #[error("{file}: the key names column '{column}', which the header does not have{hint}")]
    NoKeyColumn {
        /// The CSV.
        file: String,
        /// The missing column.
        column: String,
        /// A suggestion.
        hint: String,
    },
    /// The key names a column that there are several of.
    #[error(
        "{file}: the key names column '{column}', and the header has more than one of that name; rename one"
    )]
    AmbiguousKeyColumn {
        /// The CSV.
        file: String,
        /// The repeated column.
        column: String,
    },
    /// The file ends inside a quoted cell, which has swallowed all rows after its opening quote.
    #[error("{file}, line {line}: the record that starts here has a quote that is never closed")]
    UnclosedQuote {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
    },
    /// A cell is not UTF-8.
    #[error(
        "{file}, line {line}, column {column}: not UTF-8; save the file as UTF-8, for example with \
         iconv -f WINDOWS-1252 -t UTF-8"
    )]
    Encoding {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
        /// The column's name, or its number.
        column: String,
    },
    /// Reading failed on the way.
    #[error("cannot read {file} after line {line}: {source}")]
    Read {
        /// The CSV.
        file: String,
        /// The last line that was read.
        line: u64,
        /// What the system said.
        source: csv::Error,
    },
}
