//! Events of a run as events of the log, if standard error is one.

use std::time::Duration;

use tracing::{Level, debug, error, info, warn};

use super::describe_event::{Description, Problem, RowReference, describe, earlier_attempts};
use super::details::detail;
use super::period::Period;
use super::standard_error::REPLIES;
use crate::event::{Announcement, Observer, Progress, RunEvent};
use crate::exit_code::ExitCode;

/// Writes events to the log.
#[derive(Debug)]
pub(super) struct LogObserver {
    /// Interval of progress events; none if progress is not shown.
    period: Option<Period>,
    is_sending: bool,
}

impl LogObserver {
    /// An observer that logs progress every `interval`, or not at all.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        LogObserver { period: interval.map(Period::start), is_sending: false }
    }

    fn advance(&mut self) -> bool {
        self.period.as_mut().is_some_and(Period::advance)
    }

    fn progress(&mut self, progress: &Progress) {
        let Progress { to_send, done, created, rejected, accepted, failed, unknown, throttled, .. } =
            *progress;
        let Progress { in_flight, rate_now, rate_set, .. } = *progress;
        if !self.is_sending && to_send > 0 {
            self.is_sending = true;
            info!(to_send, rate_set, "sending");
        }
        if self.advance() {
            let seconds_left = progress.time_left().as_secs_f64();
            info!(
                done,
                to_send,
                created,
                rejected,
                accepted,
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

impl Observer for LogObserver {
    fn observe(&mut self, event: &RunEvent) {
        match event {
            RunEvent::ReadingInput { rows, .. } => {
                if self.advance() {
                    info!(rows_read = rows, "checking");
                }
            }
            RunEvent::SendingStarted { run, to_send } => {
                info!(rows_read = run.rows_read, to_send, already_created = run.already_created, "checked");
                if let Some(text) = earlier_attempts(&run.doubts) {
                    warn!(unknown = run.doubts.unknown, in_doubt = run.doubts.waiting, "{text}");
                }
            }
            RunEvent::Announced(announcement) => {
                let known = announcement.caller.known();
                let Announcement { to_send, target, instance_id, ledger, burst, .. } = &**announcement;
                info!(
                    to_send,
                    account = known.map(|(account, _)| account),
                    caller = known.map(|(_, arn)| arn),
                    account_unknown = announcement.caller.reason(),
                    credentials = announcement.credentials.as_ref().map(tracing::field::display),
                    region = target.region,
                    endpoint = target.endpoint,
                    proxy = announcement.proxy.as_ref().map(tracing::field::display),
                    instance_id,
                    operation = announcement.operation.name(),
                    rate = announcement.rate.fixed(),
                    burst,
                    shard = announcement.shard.map(tracing::field::display),
                    ledger,
                    is_rehearsal = announcement.is_rehearsal(),
                    "rows to send"
                );
            }
            RunEvent::Progress(progress) => self.progress(progress),
            RunEvent::Verifying { done, total, subject } => {
                if self.advance() {
                    info!(subject, done, total, "verifying");
                }
            }
            // Throttling too, which is no problem to people.
            RunEvent::Paused { failure, cause, pause, is_asked } => {
                let (code, seconds) = (&*cause.code, pause.as_secs_f64());
                let asked = if *is_asked { ", as the service asks" } else { "" };
                warn!(?failure, code, seconds, is_asked, "requests pause{asked}: {}", cause.message);
            }
            _ => match describe(event) {
                Description::Notice(notice) => match (notice.level, notice.is_reply) {
                    (Level::INFO, true) => info!(target: REPLIES, "{}", notice.text),
                    (Level::INFO, false) => info!("{}", notice.text),
                    _ => warn!("{}", notice.text),
                },
                Description::Problem(problem) => log_problem(&problem),
                Description::Silent => {
                    if let Some(text) = detail(event) {
                        debug!("{text}");
                    }
                }
            },
        }
    }
}

/// Logs the reason why a command ended early.
pub(super) fn log_ending(exit: ExitCode, reason: Option<&str>) {
    let Some(reason) = reason else { return };
    let exit_code = exit.code();
    match exit {
        ExitCode::Complete | ExitCode::RowsNotCreated | ExitCode::PlannedStop => info!(exit_code, "{reason}"),
        ExitCode::Interrupted | ExitCode::Terminated => warn!(exit_code, "{reason}"),
        _ => error!(exit_code, "{reason}"),
    }
}

fn log_problem(problem: &Problem<'_>) {
    let Problem { level, row, kind, code, contact_id, text, .. } = problem;
    let (file, key) = (row.map(|row| row.file), row.map(|row| row.key));
    let line = row.map(|RowReference { line, .. }| line);
    // The level of an event is part of its static metadata.
    match *level {
        Level::ERROR => error!(file, line, key, kind, code, contact_id, "a row {text}"),
        Level::WARN => warn!(file, line, key, kind, code, contact_id, "a row {text}"),
        _ => info!(file, line, key, kind, code, contact_id, "a row {text}"),
    }
}
