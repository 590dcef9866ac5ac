//! Guesses a job file from a CSV's header and first rows.
//!
//! A guess need not be right, but the file must be valid whatever the CSV holds, must name every column,
//! and must say what was guessed.

mod words;
mod column;
mod dates;
mod key;
mod text;
mod keys;
mod quote;
mod references;
mod roles;
mod job_file;
mod encoding;

#[cfg(test)]
mod tests;

pub use encoding::guess_encoding;
pub use job_file::job_file;

/// What is known of the CSV.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The file, as it is to be written under `[source] files`.
    pub file: &'a str,
    /// The columns' unique names.
    pub columns: &'a [String],
    /// The first rows.
    pub rows: &'a [Vec<String>],
    /// There are no more rows.
    pub complete: bool,
    /// The delimiter, if it is not a comma that would be found by itself.
    pub delimiter: Option<char>,
    /// The quote, if it was given.
    pub quote: Option<&'a str>,
    /// The escape, if it was given.
    pub escape: Option<&'a str>,
    /// The encoding, if it was guessed: it is neither UTF-8 nor told by a byte order mark.
    pub encoding: Option<&'a str>,
}
