//! What does not fit into the README's first hour: one chapter a file, which reads as well where the sources are
//! shown. Tables that follow from the code are written by the tests, so they cannot drift from it.

#[doc = include_str!("job_file.md")]
pub mod job_file {}

#[doc = include_str!("guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("pace.md")]
pub mod pace {}

#[doc = include_str!("ledger.md")]
pub mod ledger {}
