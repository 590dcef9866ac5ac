//! Errors of reading a CSV.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::foreign::ForeignFormat;
use super::record::{ExpectedEncoding, MAX_RECORD_BYTES, MOST_COLUMNS, REJECT_COLUMNS};
use crate::printable::ShownPath as _;
use crate::suggest::similar_file;

/// Name of standard input in messages.
pub(super) const STANDARD_INPUT: &str = "standard input";

/// A CSV cannot be read. Rows of the file that were not sent before are not sent.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}{}", path.shown(), similar_file(path))]
    Open {
        /// The path as given.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The path is a directory.
    #[error("{} is a directory; name the CSV files in it", .0.shown())]
    Directory(PathBuf),
    /// The path is a socket or a device.
    #[error("{} is {what}; name a CSV file, or - for standard input", path.shown())]
    Special {
        /// The path as given.
        path: PathBuf,
        /// Kind of the file.
        what: &'static str,
    },
    /// The file is empty, or its first record names no column.
    #[error("{0} has no header; the first line must name the columns")]
    NoHeader(String),
    /// The file has no line after the skipped ones.
    #[error(
        "{file} has {}, so nothing is left after the {skip} that skip_lines skips; set [source] skip_lines \
         (--skip-lines) to the number of lines before the header",
        counted(*lines, "line")
    )]
    AllSkipped {
        /// The CSV.
        file: String,
        /// Number of lines of the file.
        lines: u64,
        /// Number of lines to skip.
        skip: u64,
    },
    /// The first record is narrower than the table that a later line starts, such as a title.
    #[error(
        "{file}, line {line}: looks like a title, and line {header_line} like the header; set skip_lines = {skip} \
         under [source], or --skip-lines {skip}; if line {line} is the header, set skip_lines = {line} and name its \
         columns with columns = [\"…\"]",
        skip = header_line - 1
    )]
    Preamble {
        /// The CSV.
        file: String,
        /// Line of the first record.
        line: u64,
        /// Line that looks like the header.
        header_line: u64,
    },
    /// The first record has cells as those of the rows below it.
    #[error(
        "{file} has no header: line {line} looks like a row ({evidence}); name its {} under [source], or \
         with --columns: columns = [{}]; if line {line} is the header, set skip_lines = {line} as well",
        counted(*columns as u64, "column"),
        placeholders(*columns)
    )]
    HeaderIsRow {
        /// The CSV.
        file: String,
        /// Line of the first record.
        line: u64,
        /// Number of its cells.
        columns: usize,
        /// Reasons against a header, such as `column 5 is a date`.
        evidence: String,
    },
    /// Text follows a closing quote in the header, which may have swallowed rows.
    #[error("{0}: the header has text after a closing quote; correct it, or set the quote with --quote")]
    StrayQuote(String),
    /// The header has some of the columns of a rejects file, or all of them in other places.
    #[error(
        "{file} is a rejects file whose last columns were changed, so its rows cannot be told from new ones; restore them as \
         they were, in this order: {}",
        REJECT_COLUMNS.join(", ")
    )]
    PartOfRejects {
        /// The rejects file.
        file: String,
    },
    /// A column of the key is missing.
    #[error("{file} has no key column '{column}'{hint}")]
    NoKeyColumn {
        /// The CSV.
        file: String,
        /// The missing column.
        column: String,
        /// `; did you mean 'X'?`, or the columns that there are.
        hint: String,
    },
    /// The header has several columns of the name that the key has.
    #[error("{file} has more than one key column '{column}'; choose from {choices}")]
    AmbiguousKeyColumn {
        /// The CSV.
        file: String,
        /// The repeated column.
        column: String,
        /// The unique display names of these columns.
        choices: String,
    },
    /// The file ends inside a quoted field.
    #[error(
        "{file}, line {line}: the record that starts here has a quote that is never closed; close it, or set \
         the quote with --quote or the escape with --escape; if the file is cut off, export or download it again"
    )]
    UnclosedQuote {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
    },
    /// The header has more than 65,536 columns.
    #[error(
        "{file} has a header of {columns} columns, at most {MOST_COLUMNS} are allowed; look for a line end that is missing, \
         or set the delimiter with --delimiter"
    )]
    TooManyColumns {
        /// The CSV.
        file: String,
        /// Number of columns.
        columns: usize,
    },
    /// A record is longer than `MAX_RECORD_BYTES`.
    #[error(
        "{file}, line {line}: the record that starts here is longer than {} MiB; look for a quote that is \
         never closed, or a line end that is missing",
        MAX_RECORD_BYTES >> 20
    )]
    TooLong {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
    },
    /// UTF-16 without a byte order mark and without a given encoding.
    #[error("{file} looks like UTF-16 without a byte order mark; use --encoding {label}")]
    Utf16 {
        /// The CSV.
        file: String,
        /// The label of the byte order found.
        label: &'static str,
    },
    /// A compressed file is truncated, or its checksum does not match.
    #[error("cannot decompress {file} after line {line}: {reason}")]
    Damaged {
        /// The CSV.
        file: String,
        /// The line of the last record that was read.
        line: u64,
        /// The compression, the decoder's error and the remedy.
        reason: String,
    },
    /// A field of the header is not valid in the file's encoding; or one of a row that was imported in another.
    #[error("{file}, line {line}, column {column}: not {}; {}", expected.name, expected.remedy)]
    Encoding {
        /// The CSV.
        file: String,
        /// The line on which the record starts.
        line: u64,
        /// The column's number, from 1.
        column: usize,
        /// The encoding and the remedy.
        expected: ExpectedEncoding,
    },
    /// The file has another format.
    #[error("{file} is {format}, not a CSV; {remedy}")]
    Foreign {
        /// The file.
        file: String,
        /// Its format, such as `a PDF`.
        format: String,
        /// How to make a CSV of it, with commands on lines of their own.
        remedy: String,
    },
    /// The path is an address, such as that of an object in S3.
    #[error("{} is an address, not a file; {remedy}", path.shown())]
    Remote {
        /// The address.
        path: PathBuf,
        /// How to read it, with commands on lines of their own.
        remedy: String,
    },
    /// The header changed between two reads of the file.
    #[error("{0} changed while it was read; run the same command again")]
    Changed(String),
    /// Reading failed.
    #[error("cannot read {file} after line {line}: {source}")]
    Read {
        /// The CSV.
        file: String,
        /// The line of the last record that was read.
        line: u64,
        /// The system's error.
        source: io::Error,
    },
}

/// `1 line`, `3 lines`.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Names of columns to replace, as a TOML list holds them.
fn placeholders(columns: usize) -> String {
    let names: Vec<String> = (1..=columns).map(|number| format!("\"column {number}\"")).collect();
    names.join(", ")
}

/// An error of the readers below the csv crate, which passes it on inside an [`io::Error`].
#[derive(Debug, Error)]
pub(super) enum StreamError {
    #[error("a record is longer than {} MiB", MAX_RECORD_BYTES >> 20)]
    TooLong,
    #[error("{}", .0.name)]
    Foreign(ForeignFormat),
    #[error("{compression}: {reason}; create or download the file again{}", hint(.compression))]
    Damaged { compression: &'static str, reason: io::Error },
}

/// Undamaged files of `zstd --long` need more memory than the decoder takes by default.
fn hint(compression: &str) -> &'static str {
    if compression == "zstd" { ", without --long" } else { "" }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        io::Error::other(error)
    }
}

impl SourceError {
    /// The error of a file that has another format. `file` is its name as messages show it.
    pub(super) fn foreign(file: String, format: &ForeignFormat) -> Self {
        let path = Some(Path::new(&file)).filter(|_| file != STANDARD_INPUT);
        let (format, remedy) = (format.name.clone(), format.remedy(path));
        SourceError::Foreign { file, format, remedy }
    }

    /// The error that a reader below put into `error`, if one did. `last` is the line of the last record that was
    /// read, `line` that of the record being read.
    pub(super) fn from_stream(error: &io::Error, file: &str, last: u64, line: u64) -> Option<Self> {
        let (stream, file) = (error.get_ref()?.downcast_ref()?, file.to_owned());
        Some(match stream {
            StreamError::TooLong => SourceError::TooLong { file, line },
            StreamError::Foreign(format) => SourceError::foreign(file, format),
            StreamError::Damaged { .. } => {
                SourceError::Damaged { file, line: last, reason: stream.to_string() }
            }
        })
    }

    /// The error of reading the start of `file`, before its first record.
    pub(super) fn at_start(file: &str, source: io::Error) -> Self {
        let stream = SourceError::from_stream(&source, file, 0, 1);
        stream.unwrap_or_else(|| SourceError::Open { path: file.into(), source })
    }
}
