//! Guesses a job file from a CSV's header and first rows.
//!
//! Promises: the job file is valid for every CSV, it maps every column, and its comments name each guess. The
//! guesses may be wrong: the user checks them. Pure; may import `slug` only.

mod sample;
mod header_words;
mod dates;
mod key;
mod roles;
mod literals;
mod references;
mod job_file;
#[cfg(test)]
mod tests;

pub use job_file::job_file;
pub use sample::{CsvSample, guess_encoding};
