//! What a ledger holds, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::bar::rounded;
use super::summary::rate_of;
use crate::ledger::{ErrorCount, RowState, RunRecord, StateCounts};

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

    fn left(&self) -> Option<Duration> {
        let run = self.runs.first()?;
        let rate = run.rate_achieved(self.now_ms).filter(|rate| *rate > 0.0).unwrap_or(run.rate);
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
        text
    }

    /// For programs: one line.
    pub fn json(&self) -> Value {
        let rows = RowState::ALL.map(|state| (state.name().to_owned(), Value::from(self.rows.of(state))));
        let errors = self.errors.iter().map(|error| {
            json!({
                "state": error.state.name(), "code": error.code, "rows": error.rows,
                "message": error.message, "file": error.source, "line": error.line,
            })
        });
        let runs = self.runs.iter().enumerate().map(|(index, run)| {
            json!({
                "run": run.id.0, "started_ms": run.started_ms, "ended_ms": run.ended_ms,
                "ending": self.ending(index, run), "rows_read": run.rows_read,
                "created": run.rows.of(RowState::Created), "throttled": run.throttled,
                "rate_set": (!run.is_auto).then_some(run.rate), "rate_found": run.rate_found,
                "rate_achieved": run.rate_achieved(self.now_ms),
            })
        });
        json!({
            "message_type": "status",
            "ledger": self.ledger,
            "instance_id": self.instance_id,
            "running": self.running,
            "rows": rows.into_iter().collect::<serde_json::Map<_, _>>(),
            "total": self.rows.total(),
            "seconds_left": self.left().map(|left| left.as_secs_f64()),
            "errors": errors.collect::<Vec<_>>(),
            "runs": runs.collect::<Vec<_>>(),
        })
    }
}
