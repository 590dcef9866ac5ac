//! Guesses a job file from a CSV's header and first rows.
//!
//! Promises: the job file is valid for every CSV, it maps every column, and its comments name each guess. The
//! guesses may be wrong: the user checks them. Pure; imports `slug`, `dates` and `source` only.

mod sample;
mod header_words;
mod literals;
mod date_names;
mod misfits;
mod date_formats;
mod dates;
mod day_month;
mod urls;
mod year_first;
mod references;
mod exporters;
mod key;
mod contact_name;
mod roles;
mod key_lines;
mod summary;
mod nulls;
mod source_lines;
mod job_file;
#[cfg(test)]
mod tests;

pub use job_file::{GuessedJob, job_file};
pub use nulls::guess_nulls;
pub use sample::{CsvSample, guess_encoding};
pub use source_lines::{lines_before_rows, source_lines};
