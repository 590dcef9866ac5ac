//! CSV input: from the bytes of a file or of standard input to records with their line numbers.
//!
//! The stages, in order: [`Input`] opens the bytes, `decompress` and `decode` turn them into UTF-8, `detect` finds out
//! the dialect that the job leaves open, and `records` reads records: RFC 4180 through the csv crate, with `lines` for the
//! file's own line numbers, and escapes outside of quotes through `escaped`. [`CsvSource`] makes rows of the records.
//! [`Header`] names the columns and digests a row's content; [`RowKey`] identifies a
//! row.
//!
//! Promises: memory does not grow with the file, only with its longest record (at most 64 MiB). Input that cannot be
//! read exactly (a damaged archive, a quote that is never closed) is an error, and no record is read after an error;
//! malformed text is marked in its row. Imports `digest`, `paths`, `shell_word` and `suggest` only.

mod record;
mod error;
mod foreign;
mod input;
mod dialect;
mod decompress;
mod decode;
mod detect;
mod line_end;
mod lines;
mod quotes;
mod swallowed;
mod escaped;
mod records;
mod header;
mod non_row;
mod cut_off;
mod null_markers;
mod key;
mod key_form;
mod spoiled_key;
mod csv_source;
mod start;
mod syntax_guess;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod properties;

pub use csv_source::CsvSource;
pub use dialect::{
    Dialect, EscapeScope, FoundDialect, ShortRows, SourceFormat, column_listing, delimiter_hint,
    parse_delimiter, parse_encoding, parse_escape, parse_quote,
};
pub use error::SourceError;
pub use foreign::{LEDGER_APPLICATION_ID, is_remote};
pub use header::{Header, check_column_names};
pub use input::Input;
pub use key::{KeyComparison, RowKey};
pub use key_form::{KeyForms, has_visible};
pub use non_row::NonRow;
pub use null_markers::{looks_like_null, looks_like_null_date, may_look_like_null};
pub use record::{
    ExpectedEncoding, MalformedText, REJECT_COLUMNS, Record, Reject, RowOrigin, fit_to_columns,
};
pub use spoiled_key::{KeyCell, Spoilage, examine};
pub use start::first_bytes;
pub use syntax_guess::{GuessedSyntax, SyntaxGuess, guess_syntax};
