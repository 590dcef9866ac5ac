//! Bytes to records: CSV of any dialect and encoding, compressed or not, with the file's own line numbers.

mod input;
mod counted;
mod dialect;
mod peek;
mod decompress;
mod decode;
mod sniff;
mod text;
mod lines;
mod quotes;
mod csv_file;
mod names;
mod header;
mod key;
mod fault;
mod reject;
mod fitted;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod spectrum;

use std::path::PathBuf;

use thiserror::Error;

use crate::suggest::similar_file;
pub use csv_file::CsvSource;
pub use dialect::{Dialect, FoundDialect, parse_delimiter, parse_encoding, parse_escape, parse_quote};
pub use fitted::fitted;
pub use header::{Header, KeyColumns};
pub use input::Input;
pub use key::RowKey;
use lines::LONGEST_RECORD;
pub use reject::{REJECT_COLUMNS, Reject};

/// One data row of a CSV.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The line of the file on which the record starts, counted from 1.
    pub line: u64,
    /// The cells; a ragged row has fewer or more than the header.
    pub cells: csv::StringRecord,
    /// Text follows a closing quote: cells, or rows, may have been swallowed.
    pub stray_quote: bool,
    /// In a rejects file, what it says of the row beside its cells.
    pub reject: Option<Reject>,
}

/// A CSV cannot be read; nothing is sent.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}{}", path.display(), similar_file(path))]
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
    /// Text follows a closing quote in the header, which may have swallowed rows.
    #[error("{0}: the header has text after a closing quote; mend it, or name the quote with --quote")]
    StrayQuote(String),
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
        "{file}: the key names column '{column}', and the header has more than one of that name; \
         choose from {choices}"
    )]
    AmbiguousKeyColumn {
        /// The CSV.
        file: String,
        /// The repeated column.
        column: String,
        /// The names that tell them apart.
        choices: String,
    },
    /// The file ends inside a quoted cell, which has swallowed all rows after its opening quote.
    #[error(
        "{file}, line {line}: the record that starts here has a quote that is never closed; close it, or name the quote with --quote"
    )]
    UnclosedQuote {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
    },
    /// A record is so long that it can only be a mistake.
    #[error(
        "{file}, line {line}: the record that starts here is longer than {} MiB; look for a quote that is \
         never closed",
        LONGEST_RECORD >> 20
    )]
    TooLong {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
    },
    /// The file says nothing of its encoding, and it is not UTF-8.
    #[error("{file} looks like UTF-16 without a byte order mark; use --encoding {label}")]
    Utf16 {
        /// The CSV.
        file: String,
        /// The encoding's label.
        label: &'static str,
    },
    /// A compressed file is cut off or not what its checksums say.
    #[error("cannot decompress {file} after line {line}: {reason}")]
    Damaged {
        /// The CSV.
        file: String,
        /// The last line that was read.
        line: u64,
        /// The compression, and what failed.
        reason: String,
    },
    /// A cell is no text in the file's encoding.
    #[error("{file}, line {line}, column {column}: {problem}")]
    Encoding {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
        /// The column's name, or its number.
        column: String,
        /// The encoding that it is not in, and what to do.
        problem: String,
    },
    /// It is no CSV at all.
    #[error("{file} is {what}, not a CSV; export the table as CSV")]
    Foreign {
        /// The file.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// The header is another than it was a moment ago.
    #[error("{0} was changed while it was looked at; run the same command again")]
    Changed(String),
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
