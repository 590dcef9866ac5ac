//! The intake: reads the input row by row, validates every row, and enters it into the ledger before the first
//! request is sent.
//!
//! - [`prepare`] opens every input and compiles the key and the mapping for its header, before a ledger is created.
//! - [`read_all`] reads the prepared inputs in order and hands their rows to a [`Visitor`]: the intake or a check.
//! - [`Intake`] enters the rows into the ledger.
//! - [`KeyReview`] warns of keys, in `check` and in `run`.
//! - [`InputReview`] warns of what rows and their requests show, in `check` and in `run`.
//!
//! It may import the folders before it in the data flow, `dates`, `source`, `request`, `mapping`, `token`, `shard`,
//! `ledger` and `warning`, and `crash_plan`, `event` and `shutdown`.

mod day_month_tally;
mod enter;
mod error;
mod key_review;
mod member_tally;
mod non_rows;
mod own_row;
mod null_look_alikes;
mod prepared;
mod read_ahead;
mod review;
#[cfg(test)]
pub(crate) mod testing;

pub use enter::Intake;
pub use error::IntakeError;
pub use key_review::{KeyReview, KeyedRow, RowPlace};
pub use member_tally::{LongestText, MemberCount};
pub use prepared::{PreparedInput, RowSelection, Rules, now, prepare};
pub use read_ahead::{Visitor, read_all};
pub use review::InputReview;
