//! Maps a CSV row to a request of Amazon Connect.
//!
//! A mapping is compiled once for a header and applied to every row. Two sources make the same tree:
//! `[request]` of a job file is the operation's JSON with a MiniJinja template for each string; without it
//! the header's columns are named by JSON paths.
//!
//! Promises: no I/O but the one reading of time-zone data; no cell is ever evaluated as a template; no error repeats a
//! cell; a misspelt column, member, filter or table is an error of the job, not of a row.
//!
//! May import `request`, `source` and leaf modules (`dates`, `digest`, `slug`, `suggest`).

mod error;
mod source;
mod bounds;
mod columns;
mod comparison;
mod filters;
mod lexer;
mod none;
mod template;
mod compiler;
mod tree;
mod request_table;
mod header_paths;
mod members;
mod key_rule;
mod day_month;
mod compiled;
mod condition;
mod redacted;
#[cfg(test)]
mod tests;

pub use compiled::{Mapped, Mapping};
pub use condition::RowCondition;
pub use day_month::{AllowedOrder, DayMonthColumn};
pub use error::{MapError, MappingError, Rejection, RowFault};
pub use filters::zone_use::ZoneUse;
pub use key_rule::{KeyError, KeyRule};
pub use members::{FilledValue, MappedMember};
pub use source::{MappingSource, MemberSource, OnTooLong, RequestTemplates};
