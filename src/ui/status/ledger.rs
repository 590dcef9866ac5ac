//! What one ledger holds.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::ledger::{ErrorCount, Minutes, RowState, RunRecord, StateCounts};
use crate::shard::Shard;
use crate::ui::bar::{per_second, rounded};
use crate::ui::messages::{LedgerCause, LedgerRun, LedgerState, RowsByState};
use crate::ui::shell::{from_here, shell_path};
use crate::ui::summary::rate_of;

/// Causes that are shown, of one ledger or of several together.
pub(super) const SHOWN: usize = 10;

/// A ledger at a glance.
#[derive(Clone, Debug)]
pub struct LedgerStatus {
    /// The ledger.
    pub ledger: PathBuf,
    /// The part of the rows that it has; none is all.
    pub shard: Option<Shard>,
    /// The instance that it belongs to.
    pub instance_id: String,
    /// All rows.
    pub rows: StateCounts,
    /// The causes of rows that are not created, most frequent first.
    pub errors: Vec<ErrorCount>,
    /// The latest runs, newest first.
    pub runs: Vec<RunRecord>,
    /// Whether a run holds the ledger now.
    pub running: bool,
    /// Of them, those that wait or failed and have been taken out of their files since.
    pub withdrawn: StateCounts,
    /// What the latest run has sent in the last minutes.
    pub minutes: Vec<Minutes>,
    /// When these minutes begin, in milliseconds since 1970.
    pub minutes_since_ms: i64,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

impl LedgerStatus {
    /// How a run ended, or that it has not.
    fn ending<'a>(&self, index: usize, run: &'a RunRecord) -> &'a str {
        match &run.ending {
            Some(ending) => ending,
            None if index == 0 && self.running => "under way",
            None => "died",
        }
    }

    /// The run under way.
    fn under_way(&self) -> Option<&RunRecord> {
        self.runs.first().filter(|_| self.running)
    }

    /// What a run created a second until it ended, until now, or until it was last heard of if it died.
    fn rate_achieved(&self, index: usize, run: &RunRecord) -> Option<f64> {
        let is_under_way = index == 0 && self.running;
        run.rate_achieved(run.ended_ms.or(if is_under_way { Some(self.now_ms) } else { run.last_ms })?)
    }

    /// What the run under way did of late, as far as that is on record.
    pub(super) fn of_late(&self) -> Option<OfLate> {
        let run = self.under_way()?;
        // A run that has written nothing down for longer has stopped in its tracks.
        let until = run.recorded_ms?.max(self.now_ms - RECORDED_WITHIN_MS);
        let since = self.minutes_since_ms.max(run.sending_ms?);
        let time = Duration::from_millis(u64::try_from(until - since).ok().filter(|time| *time > 0)?);
        let sum = |of: fn(&Minutes) -> u64| self.minutes.iter().map(of).sum::<u64>();
        Some(OfLate {
            time,
            rate: sum(|minute| minute.created) as f64 / time.as_secs_f64().max(1.0),
            attempts: sum(|minute| minute.attempts),
            throttled: sum(|minute| minute.throttled),
        })
    }

    /// Rows that wait beyond the limit of the run under way.
    pub(super) fn held_back(&self) -> u64 {
        self.under_way().and_then(|run| run.held_back).unwrap_or_default()
    }

    /// How long the rows that wait take at the rate of the latest run, or while one is under way those that it sends.
    pub(super) fn left(&self) -> Left {
        let waiting = match self.under_way() {
            // It still reads its input, and who knows what it will send.
            Some(run) if run.sending_ms.is_none() => 0,
            Some(run) => run.waiting().saturating_sub(self.held_back()),
            None => {
                let waiting = self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight);
                waiting.saturating_sub(self.withdrawn.of(RowState::Pending))
            }
        };
        let of_late = self.of_late().map(|of_late| of_late.rate);
        let rate = of_late.or_else(|| self.rate_achieved(0, self.runs.first()?));
        match rate.filter(|rate| *rate > 0.0) {
            _ if waiting == 0 => Left::Nothing,
            Some(rate) => Left::Time(Duration::from_secs_f64((waiting as f64 / rate).min(86_400_000.0))),
            None => Left::Unknown,
        }
    }

    /// The latest runs, a line each.
    pub(super) fn runs(&self) -> String {
        let mut text = String::new();
        if !self.runs.is_empty() {
            text.push_str("\nRuns, newest first:\n");
        }
        for (index, run) in self.runs.iter().enumerate() {
            let started = jiff::Timestamp::from_millisecond(run.started_ms).unwrap_or_default();
            let rate = self.rate_achieved(index, run);
            let rate = rate.map(|rate| format!(", {}", rate_of(run, Some(rate)))).unwrap_or_default();
            // Writing to a String cannot fail.
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

    /// The ledger in a line, beside others.
    pub(super) fn line(&self) -> String {
        let mut parts = vec![
            format!("{} rows, {} created", self.rows.total(), self.rows.of(RowState::Created)),
            match self.runs.first() {
                Some(run) => format!("run {} {}", run.id, self.ending(0, run)),
                None => "no run yet".to_owned(),
            },
        ];
        parts.extend(
            self.of_late().map(|of_late| format!("{} created a second of late", per_second(of_late.rate))),
        );
        parts.extend(self.left().time().map(|left| format!("{} left", rounded(left))));
        let shard = self.shard.map(|shard| format!(" (shard {shard})")).unwrap_or_default();
        format!("{}{shard}: {}", self.ledger.display(), parts.join("; "))
    }

    /// What is to be done next, and the command for it; none while a run is under way, or where nothing is.
    pub(super) fn next_step(&self) -> Option<(&'static str, String)> {
        let of = |state| self.rows.of(state);
        let latest = self.runs.first().filter(|_| !self.running)?;
        let again = latest.command.as_deref().map(|command| from_here(command, latest.folder.as_deref()));
        let export = |state: &str| {
            format!("connect-import export --state {state} --ledger {}", shell_path(&self.ledger))
        };
        let waiting = of(RowState::Pending) + of(RowState::InFlight) + of(RowState::Failed);
        if waiting > self.withdrawn.total() {
            return again.map(|again| ("To go on with the rows that wait or failed:", again));
        }
        if of(RowState::Unknown) > 0 {
            return Some(("To see the unknown rows, before verify looks for them:", export("unknown")));
        }
        if of(RowState::Rejected) > 0 {
            return Some(("To see the rejected rows:", export("rejected")));
        }
        None
    }

    /// For programs.
    pub(super) fn state(&self) -> LedgerState<'_> {
        let runs = self.runs.iter().enumerate().map(|(index, run)| LedgerRun {
            run: run.id.0,
            started_ms: run.started_ms,
            ended_ms: run.ended_ms,
            ending: self.ending(index, run),
            rows_read: run.rows_read,
            of_other_shards: run.elsewhere,
            created: run.rows.of(RowState::Created),
            throttled: run.throttled,
            rate_set: (!run.is_auto).then_some(run.rate),
            rate_found: run.rate_found,
            rate_achieved: self.rate_achieved(index, run),
        });
        LedgerState {
            ledger: self.ledger.display().to_string(),
            shard: self.shard.map(|shard| shard.to_string()),
            instance_id: &self.instance_id,
            running: self.running,
            rows: by_state(&self.rows),
            total: self.rows.total(),
            withdrawn: self.withdrawn.total(),
            rate_of_late: self.of_late().map(|of_late| of_late.rate),
            next_step: self.next_step().map(|(_, command)| command),
            seconds_left: self.left().seconds(),
            errors: causes(&self.errors),
            runs: runs.collect(),
        }
    }
}

/// A run writes down every ten seconds what went over the wire, and may be held up by the disk.
const RECORDED_WITHIN_MS: i64 = 15_000;

/// How long something takes that is under way, the longest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Left {
    /// Nothing waits, or it is not known yet what does.
    Nothing,
    /// So long.
    Time(Duration),
    /// It cannot be told, as nothing is created.
    Unknown,
}

impl Left {
    pub(super) fn time(self) -> Option<Duration> {
        match self {
            Left::Time(time) => Some(time),
            Left::Nothing | Left::Unknown => None,
        }
    }

    pub(super) fn seconds(self) -> Option<f64> {
        self.time().map(|time| time.as_secs_f64())
    }
}

/// What a run did in the last minutes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfLate {
    /// How long its traffic is known.
    pub(super) time: Duration,
    /// Contacts a second in that time.
    pub(super) rate: f64,
    /// Attempts in that time.
    pub(super) attempts: u64,
    /// Of those, throttled ones.
    pub(super) throttled: u64,
}

pub(super) fn by_state(rows: &StateCounts) -> RowsByState {
    RowsByState {
        pending: rows.of(RowState::Pending),
        in_flight: rows.of(RowState::InFlight),
        created: rows.of(RowState::Created),
        rejected: rows.of(RowState::Rejected),
        failed: rows.of(RowState::Failed),
        unknown: rows.of(RowState::Unknown),
    }
}

pub(super) fn causes(errors: &[ErrorCount]) -> Vec<LedgerCause<'_>> {
    let causes = errors.iter().take(SHOWN).map(|error| LedgerCause {
        state: error.state.name(),
        code: &error.code,
        rows: error.rows,
        message: &error.message,
        file: &error.source,
        line: error.line,
    });
    causes.collect()
}
