//! Every message, as one enum, and the version of the schema.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::check::{CheckSummary, DiagnosisMessage, DoctorSummary, FaultMessage, RequestMessage};
use super::ledger::{LedgerMessage, LedgerSetStatus, LedgerStatusMessage, PageWritten};
use super::run::{
    AnnouncementMessage, CheckedStatus, Checking, ClockMessage, ExitError, Importing, PausedStatus, RowError,
    RunSummary,
};
use super::verify::{FindingMessage, VerificationSummary, Verifying};
use crate::printable::printable_json;
use crate::warning::Warning;

/// Raised when the meaning of any member changes.
const SCHEMA_VERSION: u32 = 1;

/// A message, written without `schema_version`, which its `Display` adds.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Message<'a> {
    /// Progress of a run, a check or a verification, or the contents of a ledger.
    Status(StatusMessage<'a>),
    /// A row that was not created, or may not have been: an unknown row. From run.
    Error(RowError<'a>),
    /// Warnings of one kind about the rows that a run entered, before its first request. From run.
    Warning(&'a Warning),
    /// What a run is about to send, by whom and where to, before its first request. From run, if there are rows to send.
    Announcement(AnnouncementMessage<'a>),
    /// This machine's clock is off, and corrected. From run, at most once.
    Clock(ClockMessage),
    /// Another program keeps the ledger busy, or lets its log grow. From run and verify.
    Ledger(LedgerMessage<'a>),
    /// Result of a run; its last message.
    Summary(RunSummary<'a>),
    /// Reason why a command ended without a result; its last message.
    ExitError(ExitError<'a>),
    /// A fault of a row. From check.
    Fault(FaultMessage<'a>),
    /// The request of a row, with the values of the row. From check with --show or --show-key only.
    Request(RequestMessage<'a>),
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
    Paused(PausedStatus<'a>),
    Verifying(Verifying<'a>),
    Ledger(Box<LedgerStatusMessage<'a>>),
    LedgerSet(LedgerSetStatus<'a>),
}

impl fmt::Display for Message<'_> {
    /// Formats the message as one line, without a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        if let Value::Object(members) = &mut message {
            // After message_type.
            members.shift_insert(1, "schema_version".to_owned(), SCHEMA_VERSION.into());
        }
        f.write_str(&printable_json(&message.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::export::{ExportedRow, JoinedRow};

    /// A line of standard output with --output json. Members and messages may be added; no member changes its meaning
    /// while schema_version stays the same.
    #[derive(Serialize, JsonSchema)]
    #[schemars(title = "Messages of connect-import")]
    struct Line<'a> {
        #[serde(flatten)]
        message: Message<'a>,
        /// Version of this schema. With another version, the meaning of some member differs.
        #[schemars(extend("const" = SCHEMA_VERSION))]
        schema_version: u32,
    }

    fn schema() -> String {
        // For serialization: a member without a value is null, so every member is required.
        let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        // Rows of an export have no message_type, so they are no variant of Message.
        generator.subschema_for::<ExportedRow>();
        generator.subschema_for::<JoinedRow>();
        let schema = generator.into_root_schema_for::<Line>();
        format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
    }

    #[test]
    fn the_published_schema_is_that_of_the_messages() {
        let published = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/messages.schema.json");
        let schema = schema();
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(published, &schema).unwrap();
        }
        assert!(
            schema == std::fs::read_to_string(published).unwrap_or_default(),
            "samples/messages.schema.json differs from the messages: if members were only added, run this test \
             with UPDATE_EXPECTED=1; otherwise raise SCHEMA_VERSION as well"
        );
    }
}
