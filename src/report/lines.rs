//! Plain lines on standard error, where there is no terminal: in a pipe, a log, a scheduler's mail.

use std::time::{Duration, Instant};

use super::attention::{Attention, asked};
use super::bar::counts;
use super::to_stderr;
use crate::event::{Observer, RunEvent};

/// A line every so often, and one for what needs attention.
#[derive(Debug)]
pub(super) struct Lines {
    every: Every,
    attention: Attention,
}

impl Lines {
    pub(super) fn new(every: Duration) -> Self {
        Lines { every: Every::new(every), attention: Attention::default() }
    }
}

impl Observer for Lines {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(line) = self.attention.line(event) {
            to_stderr(&line);
        }
        match event {
            RunEvent::Checking { rows, .. } if self.every.is_due() => {
                to_stderr(&format!("checking: {rows} rows read"));
            }
            RunEvent::Checked { run, to_send } => {
                let others = match run.adopted {
                    0 => String::new(),
                    adopted => format!("; {adopted} of the rows that wait are from other files"),
                };
                let elsewhere = match run.elsewhere {
                    0 => String::new(),
                    elsewhere => format!(", {elsewhere} of other shards"),
                };
                to_stderr(&format!(
                    "checked: {} rows read{elsewhere}, {to_send} to send{others}",
                    run.rows_read
                ));
                self.every.restart();
            }
            RunEvent::Progress(progress) if self.every.is_due() => {
                to_stderr(&format!("{} of {} rows · {}", progress.done, progress.to_send, counts(progress)));
            }
            RunEvent::Verifying { done, total, what } if self.every.is_due() => {
                to_stderr(&format!("asked for {done} of {total} {what}"));
            }
            RunEvent::Checking { .. }
            | RunEvent::Verifying { .. }
            | RunEvent::Verified(_)
            | RunEvent::Progress(_)
            | RunEvent::Noted { .. }
            | RunEvent::Settled { .. }
            | RunEvent::NewLedger { .. }
            | RunEvent::Sharded { .. }
            | RunEvent::Opening(_)
            | RunEvent::Crowded { .. }
            | RunEvent::FewFiles { .. }
            | RunEvent::Unmeasured { .. }
            | RunEvent::InFlight(_)
            | RunEvent::RateRead(_)
            | RunEvent::Paused { .. }
            | RunEvent::Draining { .. } => {}
        }
    }
}

/// What was asked for alone, where no progress is shown.
#[derive(Debug)]
pub(super) struct Asked;

impl Observer for Asked {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(line) = asked(event) {
            to_stderr(&line);
        }
    }
}

/// Says when a period is over.
#[derive(Debug)]
pub(super) struct Every {
    period: Duration,
    last: Instant,
}

impl Every {
    pub(super) fn new(period: Duration) -> Self {
        Every { period, last: Instant::now() }
    }

    /// Whether the period is over; then the next one begins.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.period;
        if due {
            self.restart();
        }
        due
    }

    pub(super) fn restart(&mut self) {
        self.last = Instant::now();
    }
}
