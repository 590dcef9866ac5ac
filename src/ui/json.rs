//! JSON Lines on standard output, from what happens.

use std::borrow::Cow;
use std::time::Duration;

use super::lines::Every;
use super::messages::{
    Checked, Checking, Finding, Importing, Message, RowError, SchemaVersion, Status, Verifying,
};
use super::to_stdout;
use crate::event::{self, FindingKind, Observer, Progress, RunEvent};
use crate::ledger::{Note, RowState};

/// `status` every so often, and `error` for every row that is not created.
#[derive(Debug)]
pub(super) struct JsonLines {
    every: Every,
}

impl JsonLines {
    pub(super) fn new(every: Duration) -> Self {
        JsonLines { every: Every::new(every) }
    }

    fn line<'a>(&mut self, event: &'a RunEvent) -> Option<Message<'a>> {
        match event {
            RunEvent::Verifying { done, total, subject } if self.every.is_due() => {
                Some(Message::Status(Status::Verifying(Verifying {
                    schema_version: SchemaVersion,
                    phase: "verifying",
                    what: subject,
                    done: *done,
                    total: *total,
                })))
            }
            RunEvent::VerificationFinding(found) => Some(finding(found)),
            RunEvent::ReadingInput { rows, .. } if self.every.is_due() => {
                Some(Message::Status(Status::Checking(Checking {
                    schema_version: SchemaVersion,
                    phase: "checking",
                    rows_read: *rows,
                })))
            }
            RunEvent::SendingStarted { run, to_send } => Some(Message::Status(Status::Checked(Checked {
                schema_version: SchemaVersion,
                phase: "checked",
                rows_read: run.rows_read,
                of_other_shards: run.elsewhere,
                to_send: *to_send,
                unknown: run.doubts.unknown,
                in_doubt: run.doubts.waiting,
                in_doubt_closing: run.doubts.closing,
            }))),
            RunEvent::Progress(progress) if self.every.is_due() => Some(importing(progress)),
            RunEvent::RowSettled { source, line, key, state, cause: Some(cause), .. }
                if matches!(state, RowState::Rejected | RowState::Failed | RowState::Unknown) =>
            {
                Some(Message::Error(RowError {
                    schema_version: SchemaVersion,
                    file: source,
                    line: *line,
                    key,
                    state: state.name(),
                    code: &cause.code,
                    message: Cow::Borrowed(&cause.message),
                }))
            }
            RunEvent::RowNoted { file, note: Note::Rejected { line, key, rejection } } => {
                Some(Message::Error(RowError {
                    schema_version: SchemaVersion,
                    file,
                    line: *line,
                    key,
                    state: RowState::Rejected.name(),
                    code: rejection.code,
                    message: Cow::Owned(rejection.to_string()),
                }))
            }
            RunEvent::RowNoted { .. }
            | RunEvent::RowSettled { .. }
            | RunEvent::ReadingInput { .. }
            | RunEvent::Verifying { .. }
            | RunEvent::LedgerCreated { .. }
            | RunEvent::ShardStarted { .. }
            | RunEvent::LedgerOpening(_)
            | RunEvent::ConcurrencyLimited { .. }
            | RunEvent::OpenFilesLimited { .. }
            | RunEvent::MetricsFailed { .. }
            | RunEvent::InFlightListed(_)
            | RunEvent::RateReloaded(_)
            | RunEvent::Paused { .. }
            | RunEvent::Draining { .. }
            | RunEvent::Progress(_) => None,
        }
    }
}

fn importing(progress: &Progress) -> Message<'static> {
    Message::Status(Status::Importing(Importing {
        schema_version: SchemaVersion,
        phase: "importing",
        to_send: progress.to_send,
        done: progress.done,
        created: progress.created,
        rejected: progress.rejected,
        failed: progress.failed,
        unknown: progress.unknown,
        in_flight: progress.in_flight,
        throttled: progress.throttled,
        rate_now: progress.rate_now,
        rate_set: progress.rate_set,
        seconds_elapsed: progress.elapsed.as_secs_f64(),
        seconds_left: progress.time_left().as_secs_f64(),
    }))
}

fn finding(found: &event::VerificationFinding) -> Message<'_> {
    let event::VerificationFinding { source, line, key, contact_id, kind } = found;
    let (members, contact_ids, cause) = match kind {
        FindingKind::Different(members) => (Some(&members[..]), None, None),
        FindingKind::Ambiguous { contacts, .. } => (None, Some(&contacts[..]), None),
        FindingKind::Refused(cause) => (None, None, Some(cause)),
        FindingKind::Missing | FindingKind::Found | FindingKind::Shared | FindingKind::NotFound => {
            (None, None, None)
        }
    };
    Message::Finding(Finding {
        schema_version: SchemaVersion,
        file: source,
        line: *line,
        key,
        contact_id: contact_id.as_deref(),
        finding: kind.name(),
        members,
        contact_ids,
        code: cause.map(|cause| &*cause.code),
        message: cause.map(|cause| &*cause.message),
    })
}

impl Observer for JsonLines {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(line) = self.line(event) {
            // Whoever does not read is not told; the ledger has it all.
            let _ = to_stdout(&format!("{line}\n"));
        }
    }
}
