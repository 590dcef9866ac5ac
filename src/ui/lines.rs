//! Plain lines on standard error, where there is no terminal: in a pipe, a log, a scheduler's mail.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;

use super::attention::{asked, notice, row_line};
use super::causes::Causes;
use super::colour::Paint;
use super::frame::joined;
use super::printable::printable;
use super::stage::Stage;
use super::to_stderr;
use super::view::{Moment, View};
use crate::event::{Observer, RunEvent};

/// A line every so often, and one for what needs attention.
#[derive(Debug)]
pub(super) struct Lines {
    started: Instant,
    every: Every,
    stage: Stage,
    causes: Causes,
    paint: Paint,
}

impl Lines {
    pub(super) fn new(every: Duration) -> Self {
        Lines {
            started: Instant::now(),
            every: Every::new(every),
            stage: Stage::new(),
            causes: Causes::default(),
            paint: Paint::of_stderr(),
        }
    }

    /// Where the process is, and which causes there are more of than was told.
    fn report(&mut self) {
        let moment = Moment { at: self.started.elapsed(), local: ZonedDateTime::now() };
        if let Some(view) = View::of(&self.stage, &moment) {
            to_stderr(&progress_line(&view, self.paint));
        }
        self.tell_causes();
    }

    fn tell_causes(&mut self) {
        for line in self.causes.grown() {
            to_stderr(&self.paint.attention(&printable(&format!("! {line}"))));
        }
    }
}

/// `importing: 120 of 300 rows · 40% · created 118 · …`.
fn progress_line(view: &View, paint: Paint) -> String {
    let View { phase, amounts, parts, .. } = view;
    let parts: Vec<_> = amounts.iter().chain(parts).cloned().collect();
    format!("{phase}: {}", joined(&parts, paint))
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.tell_causes();
    }
}

impl Observer for Lines {
    fn observe(&mut self, event: &RunEvent) {
        let is_new = self.causes.count(event);
        self.stage.observe(event, self.started.elapsed());
        if let Some(line) = row_line(event).filter(|_| is_new) {
            to_stderr(&self.paint.attention(&line));
        }
        if let Some(line) = notice(event, is_new) {
            to_stderr(&line);
        }
        match event {
            RunEvent::SendingStarted { .. } => self.every.restart(),
            RunEvent::ReadingInput { .. } | RunEvent::Progress(_) | RunEvent::Verifying { .. }
                if self.every.is_due() =>
            {
                self.report();
            }
            RunEvent::ReadingInput { .. }
            | RunEvent::Verifying { .. }
            | RunEvent::VerificationFinding(_)
            | RunEvent::Progress(_)
            | RunEvent::RowNoted { .. }
            | RunEvent::RowSettled { .. }
            | RunEvent::LedgerCreated { .. }
            | RunEvent::ShardStarted { .. }
            | RunEvent::LedgerOpening(_)
            | RunEvent::ConcurrencyLimited { .. }
            | RunEvent::OpenFilesLimited { .. }
            | RunEvent::MetricsFailed { .. }
            | RunEvent::InFlightListed(_)
            | RunEvent::RateReloaded(_)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Progress;

    #[test]
    fn a_line_says_what_the_bar_says() {
        let mut lines = Lines::new(Duration::ZERO);
        let moment = Moment { at: Duration::ZERO, local: "2026-11-21T14:00[Europe/London]".parse().unwrap() };
        let mut line = |event: &RunEvent| {
            lines.stage.observe(event, Duration::ZERO);
            View::of(&lines.stage, &moment).map(|view| progress_line(&view, Paint::new(false)))
        };
        let checking = RunEvent::ReadingInput { rows: 12_000, bytes: 3_400_000, bytes_total: None };
        assert_eq!(line(&checking).unwrap(), "checking: 3.4 MB · 12000 rows");
        let verifying = RunEvent::Verifying { done: 0, total: 20, subject: "created rows" };
        assert_eq!(line(&verifying).unwrap(), "verifying: 0 of 20 created rows · 0%");
        let draining = RunEvent::Draining { signal: None, in_flight: 1, grace: Duration::from_secs(30) };
        line(&draining);
        let progress =
            Progress { to_send: 8, done: 4, created: 3, unknown: 1, in_flight: 1, ..Progress::default() };
        assert_eq!(
            line(&RunEvent::Progress(progress)).unwrap(),
            "draining: 4 of 8 rows · 50% · waiting up to 30s for 1 request · created 3 · unknown 1"
        );
    }
}
