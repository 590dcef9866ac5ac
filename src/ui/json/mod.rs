//! Output for programs: JSON Lines on standard output with `--output json`.
//!
//! Every message is a type; `samples/messages.schema.json` is generated from them. Within one schema version,
//! members and messages may be added and none changes its meaning. A member without a value is null, and is
//! never left out. Imports events and figures of other folders; decides nothing.

mod check;
mod ledger;
mod message;
mod observer;
mod run;
mod verify;

pub(super) use check::{
    CheckSummary, DiagnosisMessage, DoctorSummary, FaultMessage, MemberMessage, RequestMessage,
};
pub(super) use ledger::{
    LastVerification, LedgerRun, LedgerSetStatus, LedgerState, LedgerStatusMessage, PageWritten, RowsByState,
};
pub(super) use message::{Message, StatusMessage};
pub(super) use observer::JsonLines;
pub(super) use run::{ExitError, RunSummary};
pub(super) use verify::VerificationSummary;
