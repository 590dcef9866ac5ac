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
mod null_look_alikes;
mod prepared;
mod read_ahead;
mod review;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crate::crash_plan::CrashPlan;
use crate::event::Reporter;
use crate::ledger::{Ledger, RunRecord};
use crate::shard::Shard;
use crate::shutdown::Shutdown;
use crate::source::Input;
use enter::InputIntake;
pub use error::IntakeError;
pub use key_review::{KeyReview, KeyedRow, RowPlace};
pub use member_tally::{LongestText, MemberCount};
pub use prepared::{PreparedInput, RowSelection, Rules, now, prepare};
pub use read_ahead::{Visitor, read_all};
pub use review::InputReview;

/// Parameters of an intake.
#[derive(Debug)]
pub struct Intake<'a> {
    /// Ledger that the rows are entered into.
    pub ledger: &'a Ledger,
    /// Receives the events.
    pub reporter: &'a Reporter,
    /// SIGINT and SIGTERM, and the time of the run.
    pub shutdown: &'a Shutdown,
    /// Part of the rows that is entered; none is all.
    pub shard: Option<Shard>,
    /// Whether every row is mapped and validated now, and not only when it is sent.
    pub check: bool,
    /// Crash points for tests.
    pub crash_plan: CrashPlan,
}

impl Intake<'_> {
    /// Reads every input to its end, and emits the warnings about the rows that it entered. Blocks; must not be called on
    /// a thread of the async runtime.
    ///
    /// Rows of inputs that were read only in part stay in the ledger and are not sent.
    ///
    /// # Errors
    /// - [`IntakeError::Source`], [`IntakeError::Mapping`]: an input cannot be read, or shows that the mapping is faulty.
    /// - [`IntakeError::Ledger`]: the ledger cannot be read or written.
    /// - [`IntakeError::Interrupted`], [`IntakeError::TimeBudget`]: a signal arrived, or the run's time is over.
    pub fn take_in(&self, inputs: Vec<PreparedInput>) -> Result<RunRecord, IntakeError> {
        let mut input = InputIntake::new(self);
        let files = inputs.iter().map(|prepared| &prepared.input).filter(|input| **input != Input::Stdin);
        let files: Vec<String> = files.map(Input::identity).collect();
        read_all(inputs, self.reporter, self.shutdown, &mut input)?;
        input.finish(files)
    }
}
