//! Where the process is, as the events tell it. Pure: times are since the start of the observer.

use std::time::Duration;

use crate::event::{Progress, RunEvent};
use crate::ledger::RowState;
use crate::pacing::{PoolFailure, Rate};

/// Throttling is of now for so long.
const OF_NOW: Duration = Duration::from_secs(3);

/// What the process is at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Phase {
    /// Nothing that takes time has begun.
    Begun,
    /// The input is being read.
    Checking { rows: u64, bytes: u64, bytes_total: Option<u64> },
    /// Rows are being sent.
    Importing,
    /// Answers are awaited, until then at most; no further row is sent.
    Draining { until: Duration },
    /// Connect is asked for rows, since then.
    Verifying { done: u64, total: u64, what: &'static str, since: Duration },
}

/// Where the process is.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) phase: Phase,
    pub(super) progress: Progress,
    /// Whether the rate is found and not set.
    pub(super) is_found: bool,
    pause: Option<(PoolFailure, Duration)>,
    throttled: Option<Duration>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Stage {
            phase: Phase::Begun,
            progress: Progress::default(),
            is_found: false,
            pause: None,
            throttled: None,
        }
    }

    /// Takes note of an event.
    pub(super) fn observe(&mut self, event: &RunEvent, at: Duration) {
        match event {
            RunEvent::ReadingInput { rows, bytes, bytes_total } => {
                self.phase = Phase::Checking { rows: *rows, bytes: *bytes, bytes_total: *bytes_total };
            }
            RunEvent::SendingStarted { run, to_send } => {
                self.phase = Phase::Importing;
                self.is_found = run.is_auto;
                self.progress = Progress { to_send: *to_send, rate_set: run.rate, ..Progress::default() };
                self.progress.rejected = run.rows.of(RowState::Rejected);
            }
            RunEvent::Draining { grace, .. } => self.phase = Phase::Draining { until: at + *grace },
            RunEvent::Progress(progress) => {
                // Whatever is answered in other words ends a pause.
                if progress.done > self.progress.done {
                    self.pause = None;
                }
                self.progress = *progress;
            }
            RunEvent::Verifying { done, total, subject } => {
                let since = match self.phase {
                    Phase::Verifying { what: before, since, .. } if before == *subject => since,
                    _ => at,
                };
                self.phase = Phase::Verifying { done: *done, total: *total, what: subject, since };
            }
            RunEvent::Paused { failure, pause, .. } => {
                self.pause = Some((*failure, at + *pause));
                if *failure == PoolFailure::Throttled {
                    self.throttled = Some(at);
                }
            }
            RunEvent::RateReloaded(Ok(rate)) => self.is_found = *rate == Rate::Auto,
            RunEvent::RateReloaded(Err(_))
            | RunEvent::RowNoted { .. }
            | RunEvent::VerificationFinding(_)
            | RunEvent::RowSettled { .. }
            | RunEvent::LedgerCreated { .. }
            | RunEvent::LedgerOpening(_)
            | RunEvent::ConcurrencyLimited { .. }
            | RunEvent::OpenFilesLimited { .. }
            | RunEvent::ShardStarted { .. }
            | RunEvent::MetricsFailed { .. }
            | RunEvent::InFlightListed(_) => {}
        }
    }

    /// Why nothing comes to an end, and for how long nothing is sent: throttling holds the pool up for that long, anything
    /// else until there is an answer.
    pub(super) fn hindrance(&self, at: Duration) -> Option<(PoolFailure, Duration)> {
        let (failure, until) = self.pause?;
        let left = until.saturating_sub(at);
        (failure != PoolFailure::Throttled || !left.is_zero()).then_some((failure, left))
    }

    /// Whether Connect throttles at this moment.
    pub(super) fn is_throttled(&self, at: Duration) -> bool {
        self.throttled.is_some_and(|last| at.saturating_sub(last) < OF_NOW)
    }

    /// How long it takes to come to the end of the phase, if that can be told.
    pub(super) fn time_left(&self, at: Duration) -> Option<Duration> {
        match self.phase {
            Phase::Begun | Phase::Checking { .. } | Phase::Draining { .. } => None,
            // Nobody knows when there will be an answer.
            Phase::Importing if self.pause.is_some_and(|(why, _)| why != PoolFailure::Throttled) => None,
            // As long as all is throttled neither.
            Phase::Importing if self.progress.created == 0 && self.progress.throttled > 0 => None,
            Phase::Importing => {
                (self.progress.done < self.progress.to_send).then(|| self.progress.time_left())
            }
            Phase::Verifying { done, total, since, .. } => {
                let took = at.saturating_sub(since).as_secs_f64();
                let left = total.saturating_sub(done) as f64 * took / done as f64;
                (left > 0.0).then(|| Duration::try_from_secs_f64(left).ok()).flatten()
            }
        }
    }
}
