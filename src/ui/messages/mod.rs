//! What programs read: every message of `--output json` as a type. `samples/messages.schema.json` is made from them.
//!
//! Members may be added, none changes its meaning: whatever would do so raises [`SCHEMA_VERSION`]. A member without a
//! value is null, and is never left out.

mod check;
mod doctor;
mod ledger;
mod run;
#[cfg(test)]
mod schema;
mod verify;

use std::fmt;

use serde::{Serialize, Serializer};

pub(super) use check::{CheckSummary, CheckedFile, Fault, FaultExample, FaultGroup};
pub(super) use doctor::{Diagnosis, Doctor};
pub(super) use ledger::{
    LedgerCause, LedgerRun, LedgerState, LedgerStatus, LedgersStatus, PageWritten, RowsByState,
};
pub(super) use run::{Checked, Checking, ExitError, Importing, RowError, RunSummary};
pub(super) use verify::{Finding, Verification, Verifying};

/// The version of all messages.
const SCHEMA_VERSION: u32 = 1;

/// A line that connect-import writes to standard output with --output json. New members may come, and new messages;
/// none changes its meaning as long as schema_version is the same.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Messages of connect-import"))]
pub(super) enum Message<'a> {
    /// Where a run, a check or a verification is, or what a ledger holds.
    Status(Status<'a>),
    /// A row that is not created. From run.
    Error(RowError<'a>),
    /// How a run ended; its last message.
    Summary(RunSummary<'a>),
    /// Why there is no result; the last message of any command that ends without one.
    ExitError(ExitError<'a>),
    /// A fault of a row. From check.
    Fault(Fault<'a>),
    /// What a check found; its last message.
    Check(CheckSummary<'a>),
    /// What doctor says of one thing.
    Diagnosis(Diagnosis<'a>),
    /// What doctor comes to; its last message.
    Doctor(Doctor),
    /// A page about an import is written. From report.
    Report(PageWritten),
    /// A row that is not as the ledger says, or was found. From verify.
    Finding(Finding<'a>),
    /// What a verification found; its last message.
    Verification(Verification<'a>),
}

/// A status: of the command that is under way, told apart by its phase; or, without a phase, of a ledger.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) enum Status<'a> {
    Checking(Checking),
    Checked(Checked),
    Importing(Importing),
    Verifying(Verifying<'a>),
    Ledger(LedgerStatus<'a>),
    LedgerSet(LedgersStatus<'a>),
}

impl fmt::Display for Message<'_> {
    /// The message as a line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Writes [`SCHEMA_VERSION`] where it stands in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct SchemaVersion;

impl Serialize for SchemaVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA_VERSION)
    }
}
