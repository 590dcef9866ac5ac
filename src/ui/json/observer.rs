//! Messages on standard output while a command runs.

use std::borrow::Cow;
use std::time::Duration;

use super::ledger::LedgerMessage;
use super::message::{Message, StatusMessage};
use super::run::{CheckedStatus, Checking, ClockMessage, Importing, PausedStatus, RowError, failure_name};
use super::verify::{FindingMessage, Verifying};
use crate::event::{FindingKind, Observer, RunEvent, VerificationFinding};
use crate::ledger::{Note, NoteKind, RowState};
use crate::ui::period::Period;
use crate::ui::result_output::to_stdout;
use crate::ui::words::{clock_corrected, paused};

/// Observer that writes a `status` at an interval, an `error` for each row that is not created or may not have been, each `warning`, and
/// each `finding`.
#[derive(Debug)]
pub(crate) struct JsonLines {
    period: Period,
}

impl JsonLines {
    /// An observer that writes a status every `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        JsonLines { period: Period::start(interval) }
    }

    fn message<'a>(&mut self, event: &'a RunEvent) -> Option<Message<'a>> {
        Some(match event {
            RunEvent::ReadingInput { rows, .. } => {
                self.status(|| StatusMessage::Checking(Checking { phase: "checking", rows_read: *rows }))?
            }
            RunEvent::SendingStarted { run, to_send } => {
                Message::Status(StatusMessage::Checked(CheckedStatus {
                    phase: "checked",
                    rows_read: run.rows_read,
                    of_other_shards: run.other_shards,
                    passed_over: run.passed_over,
                    to_send: *to_send,
                    unknown: run.doubts.unknown,
                    in_doubt: run.doubts.waiting,
                    in_doubt_closing: run.doubts.closing,
                }))
            }
            RunEvent::Announced(announcement) => Message::Announcement((&**announcement).into()),
            RunEvent::InputWarned(warning) => Message::Warning(warning),
            RunEvent::Progress(progress) => self.status(|| {
                StatusMessage::Importing(Importing {
                    phase: "importing",
                    progress: *progress,
                    seconds_elapsed: progress.elapsed.as_secs_f64(),
                    seconds_left: progress.time_left().as_secs_f64(),
                })
            })?,
            RunEvent::Paused { failure, cause, pause, is_asked } => {
                paused(*failure, *is_asked)?;
                Message::Status(StatusMessage::Paused(PausedStatus {
                    phase: "paused",
                    failure: failure_name(*failure),
                    code: &cause.code,
                    message: cause.message.as_str(),
                    seconds: pause.as_secs_f64(),
                    is_asked: *is_asked,
                }))
            }
            RunEvent::ClockCorrected(offset) => {
                Message::Clock(ClockMessage { seconds_behind: offset.0, message: clock_corrected(*offset) })
            }
            RunEvent::LedgerNoticed(notice) => Message::Ledger(LedgerMessage::of(notice)?),
            RunEvent::Verifying { done, total, subject } => self.status(|| {
                StatusMessage::Verifying(Verifying {
                    phase: "verifying",
                    what: subject,
                    done: *done,
                    total: *total,
                })
            })?,
            RunEvent::VerificationFinding(found) => finding(found),
            RunEvent::RowSettled { source, line, key, state, cause: Some(cause), .. }
                if matches!(state, RowState::Rejected | RowState::Failed | RowState::Unknown) =>
            {
                Message::Error(RowError {
                    file: source,
                    line: *line,
                    key,
                    state: state.name(),
                    code: &cause.code,
                    message: Cow::Borrowed(cause.message.as_str()),
                })
            }
            RunEvent::RowNoted { file, note: Note { line, key, kind: NoteKind::Rejected(rejection) } } => {
                Message::Error(RowError {
                    file,
                    line: *line,
                    key,
                    state: RowState::Rejected.name(),
                    code: rejection.code,
                    message: Cow::Owned(rejection.to_string()),
                })
            }
            _ => return None,
        })
    }

    /// A status, if one is due.
    fn status<'a>(&mut self, status: impl FnOnce() -> StatusMessage<'a>) -> Option<Message<'a>> {
        self.period.advance().then(|| Message::Status(status()))
    }
}

fn finding(found: &VerificationFinding) -> Message<'_> {
    let VerificationFinding { source, line, key, contact_id, kind } = found;
    let (members, contact_ids, cause) = match kind {
        FindingKind::Different(members) => (Some(&members[..]), None, None),
        FindingKind::Ambiguous { contacts, .. } => (None, Some(&contacts[..]), None),
        FindingKind::Refused(cause) => (None, None, Some(cause)),
        FindingKind::Missing | FindingKind::Found | FindingKind::Shared | FindingKind::NotFound => {
            (None, None, None)
        }
    };
    Message::Finding(FindingMessage {
        file: source,
        line: *line,
        key,
        contact_id: contact_id.as_deref(),
        finding: kind.name(),
        members,
        contact_ids,
        code: cause.map(|cause| &*cause.code),
        message: cause.map(|cause| cause.message.as_str()),
    })
}

impl Observer for JsonLines {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(message) = self.message(event) {
            // An observer cannot fail: the ledger has every row, and the summary reports the error.
            let _ = to_stdout(&format!("{message}\n"));
        }
    }
}
