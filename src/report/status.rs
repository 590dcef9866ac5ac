//! What a ledger holds, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::bar::{per_second, rounded};
use super::messages::{self, LedgerCause, LedgerRun, LedgerStatus, Message, RowsByState, SchemaVersion};
use super::shell::{from_here, shell_line};
use super::summary::rate_of;
use crate::ledger::{ErrorCount, Minutes, RowState, RunRecord, StateCounts};

/// A ledger at a glance.
#[derive(Clone, Debug)]
pub struct Status {
    /// The ledger.
    pub ledger: PathBuf,
    /// The instance that it belongs to.
    pub instance_id: String,
    /// All rows.
    pub rows: StateCounts,
    /// The causes of rows that are not created.
    pub errors: Vec<ErrorCount>,
    /// The latest runs, newest first.
    pub runs: Vec<RunRecord>,
    /// Whether a run holds the ledger now.
    pub running: bool,
    /// What the latest run has sent in the last minutes.
    pub minutes: Vec<Minutes>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

impl Status {
    /// How a run ended.
    fn ending<'a>(&self, index: usize, run: &'a RunRecord) -> &'a str {
        match &run.ending {
            Some(ending) => ending,
            None if index == 0 && self.running => "under way",
            None => "died",
        }
    }

    /// Of the run under way: for how long of late its traffic is known, contacts a second in that time, and which
    /// share of the attempts was throttled.
    fn of_late(&self) -> Option<(Duration, f64, f64)> {
        let run = self.runs.first().filter(|_| self.running)?;
        let since = (self.minutes.first()?.first * 60_000).max(run.sending_ms?);
        let time = Duration::from_millis(u64::try_from(self.now_ms - since).ok()?);
        let sum = |of: fn(&Minutes) -> u64| self.minutes.iter().map(of).sum::<u64>() as f64;
        let attempts = sum(|minute| minute.attempts).max(1.0);
        let rate = sum(|minute| minute.created) / time.as_secs_f64().max(1.0);
        Some((time, rate, sum(|minute| minute.throttled) / attempts))
    }

    fn left(&self) -> Option<Duration> {
        let run = self.runs.first()?;
        let of_late = self.of_late().map(|(_, rate, _)| rate);
        let rate = of_late.or(run.rate_achieved(self.now_ms)).filter(|rate| *rate > 0.0).unwrap_or(run.rate);
        let waiting = self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight);
        (waiting > 0).then(|| Duration::from_secs_f64((waiting as f64 / rate).min(86_400_000.0)))
    }

    /// For people.
    pub fn text(&self) -> String {
        // Writing to a String cannot fail.
        let mut text = String::new();
        let _ = writeln!(text, "{} (instance {})\n", self.ledger.display(), self.instance_id);
        for state in RowState::ALL {
            let _ = writeln!(text, "  {:>9}  {state}", self.rows.of(state));
        }
        let _ = writeln!(text, "  {:>9}  in all", self.rows.total());
        if let Some((time, rate, throttled)) = self.of_late() {
            let _ = writeln!(
                text,
                "\n  {} created a second in the last {}; {:.1}% of the attempts throttled",
                per_second(rate),
                rounded(time),
                throttled * 100.0
            );
        }
        if let Some(left) = self.left() {
            let _ = writeln!(text, "\n  {} left at the rate of the latest run", rounded(left));
        }
        if !self.errors.is_empty() {
            text.push_str("\nCauses, most frequent first:\n");
        }
        for error in &self.errors {
            let _ = writeln!(
                text,
                "  {:>9}  {} {}: {} ({}, line {})",
                error.rows, error.state, error.code, error.message, error.source, error.line
            );
        }
        if !self.runs.is_empty() {
            text.push_str("\nRuns, newest first:\n");
        }
        for (index, run) in self.runs.iter().enumerate() {
            let started = jiff::Timestamp::from_millisecond(run.started_ms).unwrap_or_default();
            let rate = run.rate_achieved(self.now_ms);
            let rate = rate.map(|rate| format!(", {}", rate_of(run, Some(rate)))).unwrap_or_default();
            let _ = writeln!(
                text,
                "  run {}, {started:.0}, {}: {} created{rate}",
                run.id,
                self.ending(index, run),
                run.rows.of(RowState::Created)
            );
        }
        if let Some((why, command)) = self.next_step() {
            let _ = writeln!(text, "\n{why}\n  {command}");
        }
        text
    }

    /// What is to be done next, and the command for it; none while a run is under way, or where nothing is.
    fn next_step(&self) -> Option<(&'static str, String)> {
        let of = |state| self.rows.of(state);
        let latest = self.runs.first().filter(|_| !self.running)?;
        let again = latest.command.as_deref().map(|command| from_here(command, latest.folder.as_deref()));
        let own = |words: &[&str]| {
            let ledger = self.ledger.display().to_string();
            let words = ["connect-import"].iter().chain(words).map(|word| (*word).to_owned());
            shell_line(words.chain(["--ledger".to_owned(), ledger]))
        };
        if of(RowState::Pending) + of(RowState::InFlight) + of(RowState::Failed) > 0 {
            return again.map(|again| ("To go on with the rows that wait or failed:", again));
        }
        if of(RowState::Unknown) > 0 {
            return Some((
                "To see the unknown rows, before verify looks for them:",
                own(&["export", "--state", "unknown"]),
            ));
        }
        if of(RowState::Rejected) > 0 {
            return Some(("To see the rejected rows:", own(&["export", "--state", "rejected"])));
        }
        None
    }

    /// For programs: one line, without its end.
    pub fn json(&self) -> String {
        let errors = self.errors.iter().map(|error| LedgerCause {
            state: error.state.name(),
            code: &error.code,
            rows: error.rows,
            message: &error.message,
            file: &error.source,
            line: error.line,
        });
        let runs = self.runs.iter().enumerate().map(|(index, run)| LedgerRun {
            run: run.id.0,
            started_ms: run.started_ms,
            ended_ms: run.ended_ms,
            ending: self.ending(index, run),
            rows_read: run.rows_read,
            created: run.rows.of(RowState::Created),
            throttled: run.throttled,
            rate_set: (!run.is_auto).then_some(run.rate),
            rate_found: run.rate_found,
            rate_achieved: run.rate_achieved(self.now_ms),
        });
        let status = LedgerStatus {
            schema_version: SchemaVersion,
            ledger: self.ledger.display().to_string(),
            instance_id: &self.instance_id,
            running: self.running,
            rows: RowsByState {
                pending: self.rows.of(RowState::Pending),
                in_flight: self.rows.of(RowState::InFlight),
                created: self.rows.of(RowState::Created),
                rejected: self.rows.of(RowState::Rejected),
                failed: self.rows.of(RowState::Failed),
                unknown: self.rows.of(RowState::Unknown),
            },
            total: self.rows.total(),
            rate_of_late: self.of_late().map(|(_, rate, _)| rate),
            next_step: self.next_step().map(|(_, command)| command),
            seconds_left: self.left().map(|left| left.as_secs_f64()),
            errors: errors.collect(),
            runs: runs.collect(),
        };
        Message::Status(messages::Status::Ledger(status)).to_string()
    }
}
