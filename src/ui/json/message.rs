//! Every message, as one enum.

use std::fmt;

use serde::Serialize;

use super::check::{CheckSummary, DiagnosisMessage, DoctorSummary, FaultMessage};
use super::ledger::{LedgerSetStatus, LedgerStatusMessage, PageWritten};
use super::run::{CheckedStatus, Checking, ExitError, Importing, RowError, RunSummary};
use super::verify::{FindingMessage, VerificationSummary, Verifying};

/// A line of standard output with --output json. Members and messages may be added; no member changes its meaning
/// while schema_version stays the same.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Messages of connect-import"))]
pub(crate) enum Message<'a> {
    /// Progress of a run, a check or a verification, or the contents of a ledger.
    Status(StatusMessage<'a>),
    /// A row that was not created. From run.
    Error(RowError<'a>),
    /// Result of a run; its last message.
    Summary(RunSummary<'a>),
    /// Reason why a command ended without a result; its last message.
    ExitError(ExitError<'a>),
    /// A fault of a row. From check.
    Fault(FaultMessage<'a>),
    /// Result of a check; its last message.
    Check(CheckSummary<'a>),
    /// Result of one test of doctor.
    Diagnosis(DiagnosisMessage<'a>),
    /// Result of doctor; its last message.
    Doctor(DoctorSummary),
    /// The page of an import was written. From report.
    Report(PageWritten),
    /// A difference between Connect and the ledger. From verify.
    Finding(FindingMessage<'a>),
    /// Result of a verification; its last message.
    Verification(VerificationSummary<'a>),
}

/// Progress of the command, identified by its phase; or, without a phase, the contents of a ledger.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Status"))]
pub(crate) enum StatusMessage<'a> {
    Checking(Checking),
    Checked(CheckedStatus),
    Importing(Importing),
    Verifying(Verifying<'a>),
    Ledger(LedgerStatusMessage<'a>),
    LedgerSet(LedgerSetStatus<'a>),
}

impl fmt::Display for Message<'_> {
    /// Formats the message as one line, without a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
