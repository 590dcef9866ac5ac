//! Plain lines: on standard error where it is no terminal (a pipe, a log, a scheduler's mail), and in the log file.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use tracing::Level;

use super::causes::Causes;
use super::colour::TerminalColours;
use super::layout::joined;
use super::progress::{Moment, ProcessState, ProgressReport};
use crate::event::{Observer, RunEvent};
use crate::printable::printable;
use crate::ui::describe_event::{Description, describe};
use crate::ui::details::detail;
use crate::ui::period::Period;

/// Observer that writes a line of progress at an interval, and a line for each notice and each new cause.
#[derive(Debug)]
pub(crate) struct PlainLines {
    print: fn(&str),
    /// Whether every problem and detail has a line.
    is_verbose: bool,
    /// Whether only warnings, errors and replies are written.
    is_quiet: bool,
    started: Instant,
    period: Period,
    state: ProcessState,
    causes: Causes,
    colours: TerminalColours,
}

impl PlainLines {
    /// An observer that writes progress every `interval`, and every line with `print`.
    pub(crate) fn new(print: fn(&str), interval: Duration, is_verbose: bool, is_quiet: bool) -> Self {
        PlainLines {
            print,
            is_verbose,
            is_quiet,
            started: Instant::now(),
            period: Period::start(interval),
            state: ProcessState::default(),
            causes: Causes::default(),
            colours: TerminalColours::of_stderr(),
        }
    }

    fn write(&self, level: Level, text: &str) {
        if level <= Level::WARN || !self.is_quiet {
            (self.print)(text);
        }
    }

    /// Writes the progress, and the causes whose count has grown since they were last written.
    fn write_progress(&mut self) {
        let moment = Moment { at: self.started.elapsed(), local: ZonedDateTime::now() };
        if let Some(report) = self.state.report(&moment) {
            self.write(Level::INFO, &progress_line(&report, self.colours));
        }
        self.write_causes();
    }

    fn write_causes(&mut self) {
        let grown = self.causes.take_grown();
        // Each row has had its line.
        for line in grown.iter().filter(|_| !self.is_verbose) {
            self.write(Level::WARN, &self.colours.attention(&printable(&format!("! {line}"))));
        }
    }
}

/// `importing: 120 of 300 rows · 40% · created 118 · …`.
fn progress_line(report: &ProgressReport, colours: TerminalColours) -> String {
    let ProgressReport { phase, amounts, details, .. } = report;
    let phrases: Vec<_> = amounts.iter().chain(details).cloned().collect();
    format!("{phase}: {}", joined(&phrases, colours))
}

impl Drop for PlainLines {
    fn drop(&mut self) {
        self.write_causes();
    }
}

impl Observer for PlainLines {
    fn observe(&mut self, event: &RunEvent) {
        self.state.observe(event, self.started.elapsed());
        match describe(event) {
            // A reply was asked for.
            Description::Notice(notice) if notice.is_reply => self.write(Level::WARN, &notice.text),
            Description::Notice(notice) => self.write(notice.level, &notice.text),
            Description::Problem(problem) => {
                if self.causes.count(&problem) || self.is_verbose {
                    self.write(problem.level, &self.colours.attention(&problem.line()));
                }
            }
            Description::Silent => {}
        }
        if let Some(line) = detail(event).filter(|_| self.is_verbose) {
            self.write(Level::INFO, &line);
        }
        match event {
            RunEvent::SendingStarted { .. } => self.period.restart(),
            RunEvent::ReadingInput { .. } | RunEvent::Progress(_) | RunEvent::Verifying { .. }
                if self.period.advance() =>
            {
                self.write_progress();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Progress;

    #[test]
    fn a_line_has_the_words_of_the_status_area() {
        let mut state = ProcessState::default();
        let moment = Moment { at: Duration::ZERO, local: "2026-11-21T14:00[Europe/London]".parse().unwrap() };
        let mut line = |event: &RunEvent| {
            state.observe(event, Duration::ZERO);
            state.report(&moment).map(|report| progress_line(&report, TerminalColours::new(false)))
        };
        let reading = RunEvent::ReadingInput { rows: 12_000, bytes: 3_400_000, bytes_total: None };
        assert_eq!(line(&reading).unwrap(), "checking: 3.4 MB · 12000 rows");
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
