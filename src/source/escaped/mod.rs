//! Reads records in which an escape applies outside of quotes, which the csv crate does not know: the text format, and
//! CSV with an escape.
//!
//! - [`EscapedRecords`] splits a stream into records and counts its lines.
//! - [`EscapedSyntax`] splits a record into cells and decodes them.
//!
//! The text format is that of PostgreSQL's COPY, see "Text Format" in
//! <https://www.postgresql.org/docs/current/sql-copy.html>; `mysql --batch`, ClickHouse's TabSeparated and `jq @tsv`
//! write a part of it. CSV with an escape is what MariaDB's SELECT INTO OUTFILE and Python's `escapechar` write.

mod records;
mod syntax;
#[cfg(test)]
mod tests;

pub(super) use records::EscapedRecords;
pub(super) use syntax::EscapedSyntax;
