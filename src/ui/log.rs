//! A run as events of a log, where standard error is one: each row that goes wrong, and each milestone.

use std::time::Duration;

use tracing::{error, info, warn};

use super::attention::{doubts, notice};
use super::lines::Every;
use crate::event::{FindingKind, Observer, Progress, RunEvent, VerificationFinding};
use crate::exit_code::ExitCode;
use crate::ledger::{Cause, Note, Opening, RowState};

/// Turns what happens into events.
#[derive(Debug)]
pub(super) struct Log {
    /// None if progress is not to be told.
    every: Option<Every>,
    is_sending: bool,
}

impl Log {
    pub(super) fn new(every: Option<Duration>) -> Self {
        Log { every: every.map(Every::new), is_sending: false }
    }

    fn is_due(&mut self) -> bool {
        self.every.as_mut().is_some_and(Every::is_due)
    }

    fn progress(&mut self, progress: &Progress) {
        let Progress { to_send, done, created, rejected, failed, unknown, throttled, .. } = *progress;
        let Progress { in_flight, rate_now, rate_set, .. } = *progress;
        if !self.is_sending && to_send > 0 {
            self.is_sending = true;
            info!(to_send, rate_set, "sending");
        }
        if self.is_due() {
            let seconds_left = progress.time_left().as_secs_f64();
            info!(
                done,
                to_send,
                created,
                rejected,
                failed,
                unknown,
                throttled,
                in_flight,
                rate_now,
                rate_set,
                seconds_left,
                "importing"
            );
        }
    }
}

impl Observer for Log {
    fn observe(&mut self, event: &RunEvent) {
        match event {
            RunEvent::ReadingInput { rows, .. } => {
                if self.is_due() {
                    info!(rows_read = rows, "checking");
                }
            }
            RunEvent::SendingStarted { run, to_send } => {
                info!(rows_read = run.rows_read, to_send, already_created = run.already_created, "checked");
                if let Some(doubts) = doubts(&run.doubts) {
                    warn!(unknown = run.doubts.unknown, in_doubt = run.doubts.waiting, "{doubts}");
                }
            }
            RunEvent::Progress(progress) => self.progress(progress),
            RunEvent::Verifying { done, total, subject } => {
                if self.is_due() {
                    info!(subject, done, total, "verifying");
                }
            }
            RunEvent::RowNoted { file, note } => noted(file, note),
            RunEvent::RowSettled { source, line, key, state, cause, done, .. } => {
                settled((source, *line, key), *state, cause.as_ref(), *done);
            }
            RunEvent::VerificationFinding(finding) => verified(finding),
            RunEvent::Paused { failure, cause: Cause { code, message }, pause } => {
                warn!(?failure, code, seconds = pause.as_secs_f64(), "the pool pauses: {message}");
            }
            RunEvent::Draining { signal, in_flight, grace } => {
                let signal = signal.map(|signal| signal.name());
                info!(
                    signal,
                    in_flight,
                    grace_seconds = grace.as_secs_f64(),
                    "draining: no new request is made"
                );
            }
            RunEvent::LedgerCreated { is_recreated: false, .. }
            | RunEvent::ShardStarted { .. }
            | RunEvent::InFlightListed(_)
            | RunEvent::RateReloaded(Ok(_)) => {
                if let Some(line) = notice(event, true) {
                    info!("{line}");
                }
            }
            RunEvent::LedgerCreated { is_recreated: true, .. }
            | RunEvent::LedgerOpening(Opening::Queued { .. } | Opening::Examined { .. })
            | RunEvent::ConcurrencyLimited { .. }
            | RunEvent::OpenFilesLimited { .. }
            | RunEvent::MetricsFailed { .. }
            | RunEvent::RateReloaded(Err(_)) => {
                if let Some(line) = notice(event, true) {
                    warn!("{line}");
                }
            }
        }
    }
}

/// How a command ended that ended early.
pub(super) fn ending(exit: ExitCode, why: Option<&str>) {
    let Some(why) = why else { return };
    let exit_code = exit.code();
    match exit {
        ExitCode::Complete | ExitCode::RowsNotCreated | ExitCode::PlannedStop => info!(exit_code, "{why}"),
        ExitCode::Interrupted | ExitCode::Terminated => warn!(exit_code, "{why}"),
        ExitCode::Usage
        | ExitCode::ErrorBudget
        | ExitCode::Fatal
        | ExitCode::Locked
        | ExitCode::Storage
        | ExitCode::TryLater => error!(exit_code, "{why}"),
    }
}

fn noted(file: &str, note: &Note) {
    match note {
        Note::Rejected { line, key, rejection } => {
            let state = RowState::Rejected.name();
            warn!(file, line, key, state, code = rejection.code, "a row is rejected: {rejection}");
        }
        Note::ChangedSinceCreated { line, key } => {
            warn!(file, line, key, "a row has changed since it was created; it is not sent again");
        }
        Note::ChangedInDoubt { line, key } => {
            warn!(
                file,
                line, key, "a row has changed since it was sent without an answer; it is sent as it was"
            );
        }
        Note::Unknown { line, key } => {
            warn!(file, line, key, "a row is unknown: it may have been created; it is not sent again");
        }
    }
}

fn settled((file, line, key): (&str, u64, &str), state: RowState, cause: Option<&Cause>, done: bool) {
    let (code, why) = cause.map_or(("", ""), |cause| (&cause.code, &cause.message));
    let name = state.name();
    match state {
        RowState::Failed | RowState::Unknown => {
            error!(file, line, key, state = name, code, "a row is {name}: {why}");
        }
        RowState::Rejected => warn!(file, line, key, state = name, code, "a row is rejected: {why}"),
        RowState::Pending if done => {
            warn!(
                file,
                line,
                key,
                state = name,
                code,
                "a row went unanswered and waits for the next run: {why}"
            );
        }
        // Each step is told where it is made.
        RowState::Pending | RowState::InFlight | RowState::Created => {}
    }
}

fn verified(finding: &VerificationFinding) {
    let VerificationFinding { source: file, line, key, contact_id, kind } = finding;
    let (contact_id, found) = (contact_id.as_deref(), kind.name());
    match kind {
        FindingKind::Found => {
            info!(file, line, key, contact_id, finding = found, "an unknown row is created")
        }
        FindingKind::Missing
        | FindingKind::Different(_)
        | FindingKind::Ambiguous { .. }
        | FindingKind::Shared
        | FindingKind::NotFound
        | FindingKind::Refused(_) => {
            warn!(file, line, key, contact_id, finding = found, "a row is not as the ledger says");
        }
    }
}
