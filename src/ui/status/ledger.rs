//! Contents of one ledger.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::ledger::{
    ErrorCount, MinuteTraffic, RowState, RunRecord, SharedContacts, StateCounts, VerificationRecord,
};
use crate::printable::ShownPath as _;
use crate::shard::Shard;
use crate::ui::json::{LastVerification, LedgerRun, LedgerState, RowsByState};
use crate::ui::next_step::{Step, next_steps, verify_command};
use crate::ui::shared_contacts::shared_contact_rows;
use crate::ui::shell::PastedIn;
use crate::ui::verified::verified;
use crate::ui::words::{per_second, rounded, run_rates};

/// Causes that are shown, of one ledger or of several together.
pub(super) const MAX_CAUSES: usize = 10;

/// Contents of a ledger.
#[derive(Clone, Debug)]
pub struct LedgerStatus {
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Shard of the ledger; none if all rows.
    pub shard: Option<Shard>,
    /// Bare id of the instance; empty if no run has begun.
    pub instance_id: String,
    /// Whether the instance is that of rehearsals.
    pub is_rehearsal: bool,
    /// Rows by state.
    pub rows: StateCounts,
    /// Causes of rows that are not created or may not have been, the most frequent first.
    pub errors: Vec<ErrorCount>,
    /// Created rows that have the contact of another row.
    pub shared: SharedContacts,
    /// Latest runs, newest first.
    pub runs: Vec<RunRecord>,
    /// Latest verification.
    pub verification: Option<VerificationRecord>,
    /// Whether a run holds the ledger.
    pub is_running: bool,
    /// Traffic of the latest run in the last minutes.
    pub minutes: Vec<MinuteTraffic>,
    /// Start of these minutes, in milliseconds since 1970.
    pub minutes_since_ms: i64,
    /// Current time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl LedgerStatus {
    /// Name of the ending of a run; or `under way`, or `died`.
    fn ending<'a>(&self, index: usize, run: &'a RunRecord) -> &'a str {
        match &run.ending {
            Some(ending) => ending,
            None if index == 0 && self.is_running => "under way",
            None => "died",
        }
    }

    /// The current run.
    fn current_run(&self) -> Option<&RunRecord> {
        self.runs.first().filter(|_| self.is_running)
    }

    /// Rows created per second until the end of a run, until now, or until its last activity if it died.
    fn rate_achieved(&self, index: usize, run: &RunRecord) -> Option<f64> {
        let is_current = index == 0 && self.is_running;
        run.rate_achieved(run.ended_ms.unwrap_or(if is_current { self.now_ms } else { run.last_ms }))
    }

    /// Traffic of the current run in the last minutes, if it is recorded.
    pub(super) fn recent_traffic(&self) -> Option<RecentTraffic> {
        let run = self.current_run()?;
        // A run that has recorded nothing for longer does not progress.
        let until = run.recorded_ms?.max(self.now_ms - RECORDED_WITHIN_MS);
        let since = self.minutes_since_ms.max(run.sending_ms?);
        let time = Duration::from_millis(u64::try_from(until - since).ok().filter(|time| *time > 0)?);
        let sum = |of: fn(&MinuteTraffic) -> u64| self.minutes.iter().map(of).sum::<u64>();
        Some(RecentTraffic {
            time,
            rate: sum(|minute| minute.created) as f64 / time.as_secs_f64().max(1.0),
            attempts: sum(|minute| minute.attempts),
            throttled: sum(|minute| minute.throttled),
        })
    }

    /// Waiting rows beyond the limit of the current run.
    pub(super) fn held_back(&self) -> u64 {
        self.current_run().and_then(|run| run.held_back).unwrap_or_default()
    }

    /// Time for the waiting rows at the rate of the latest run; during a run, for the rows that it sends.
    pub(super) fn time_left(&self) -> TimeLeft {
        let waiting = match self.current_run() {
            // While it reads its input, the number of rows to send is unknown.
            Some(run) if run.sending_ms.is_none() => 0,
            Some(run) => run.waiting().saturating_sub(self.held_back()),
            None => self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight),
        };
        let recent = self.recent_traffic().map(|traffic| traffic.rate);
        // A run that was refused, or that nobody confirmed, has no rate.
        let sending = self.runs.iter().enumerate().find(|(_, run)| run.sending_ms.is_some());
        let rate = recent.or_else(|| sending.and_then(|(index, run)| self.rate_achieved(index, run)));
        match rate.filter(|rate| *rate > 0.0) {
            _ if waiting == 0 => TimeLeft::Nothing,
            Some(rate) => TimeLeft::Known(Duration::from_secs_f64((waiting as f64 / rate).min(86_400_000.0))),
            None => TimeLeft::Unknown,
        }
    }

    /// Whether no run that the ledger shows began to send, such as after a question that was answered with no.
    pub(super) fn has_sent_nothing(&self) -> bool {
        self.runs.iter().all(|run| run.sending_ms.is_none())
    }

    /// Latest runs, a line each.
    pub(super) fn runs(&self) -> String {
        let mut text = String::new();
        if !self.runs.is_empty() {
            text.push_str("\nRuns, newest first:\n");
        }
        for (index, run) in self.runs.iter().enumerate() {
            let started = jiff::Timestamp::from_millisecond(run.started_ms).unwrap_or_default();
            let rate = self.rate_achieved(index, run);
            let rate = rate.map(|rate| format!(", {}", run_rates(run, Some(rate)))).unwrap_or_default();
            let passed_over = match run.passed_over {
                0 => String::new(),
                passed_over => format!(", {passed_over} passed over"),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  run {}, {started:.0}, {}: {} created{passed_over}{rate}{}",
                run.id,
                self.ending(index, run),
                run.rows.of(RowState::Created),
                target(run)
            );
        }
        text
    }

    /// The ledger in one line of a list.
    pub(super) fn line(&self) -> String {
        let mut parts = vec![
            format!("{} rows, {} created", self.rows.total(), self.rows.of(RowState::Created)),
            match self.runs.first() {
                Some(run) => format!("run {} {}", run.id, self.ending(0, run)),
                None => "no run yet".to_owned(),
            },
        ];
        parts.extend(
            self.recent_traffic()
                .map(|traffic| format!("{} created a second in the last minutes", per_second(traffic.rate))),
        );
        parts.extend(self.time_left().known().map(|left| format!("{} left", rounded(left))));
        parts.extend(self.verification_line().filter(|_| self.verification.is_some()));
        let shard = self.shard.map(|shard| format!(" (shard {shard})")).unwrap_or_default();
        format!("{}{shard}: {}", self.ledger.shown(), parts.join("; "))
    }

    /// Name of the job: that of the latest run.
    pub(super) fn name(&self) -> Option<&str> {
        self.runs.first()?.name.as_deref()
    }

    /// The latest verification in a line, or the command for one; none without created rows.
    pub(super) fn verification_line(&self) -> Option<String> {
        let number = |rows: u64| rows.to_string();
        match &self.verification {
            Some(record) => {
                let when = jiff::Timestamp::from_millisecond(record.started_ms).unwrap_or_default();
                Some(verified(
                    record,
                    self.is_rehearsal,
                    &when.strftime("%Y-%m-%d %H:%M UTC").to_string(),
                    &number,
                ))
            }
            None if self.rows.of(RowState::Created) == 0 => None,
            None => Some(match self.runs.first().and_then(|run| verify_command(run, PastedIn::ThisFolder)) {
                Some(command) => format!("not verified yet; to look the contacts up:\n  {command}"),
                None => "not verified: the sandbox ended with the run".to_owned(),
            }),
        }
    }

    /// The next steps, in their order; none during a run, and if there is nothing to do.
    pub(super) fn next_steps(&self) -> Vec<Step> {
        let latest = self.runs.first().filter(|_| !self.is_running);
        latest
            .map(|latest| next_steps(&self.rows, latest, &self.ledger, PastedIn::ThisFolder))
            .unwrap_or_default()
    }

    /// The contents for a JSON message.
    pub(super) fn state(&self) -> LedgerState<'_> {
        let runs = self.runs.iter().enumerate().map(|(index, run)| LedgerRun {
            run: run.id.0,
            started_ms: run.started_ms,
            ended_ms: run.ended_ms,
            ending: self.ending(index, run),
            endpoint: run.endpoint.as_deref(),
            region: run.region.as_deref(),
            account: run.account.as_deref(),
            caller: run.caller.as_deref(),
            rows_read: run.rows_read,
            of_other_shards: run.other_shards,
            passed_over: run.passed_over,
            created: run.rows.of(RowState::Created),
            throttled: run.throttled,
            rate_set: (!run.is_auto).then_some(run.rate),
            rate_found: run.rate_found,
            rate_achieved: self.rate_achieved(index, run),
        });
        let mut steps = self.next_steps().into_iter().map(|step| step.command);
        LedgerState {
            ledger: self.ledger.to_string_lossy().into_owned(),
            shard: self.shard.map(|shard| shard.to_string()),
            name: self.name(),
            instance_id: &self.instance_id,
            running: self.is_running,
            rows: RowsByState::of(&self.rows),
            total: self.rows.total(),
            rate_of_late: self.recent_traffic().map(|traffic| traffic.rate),
            next_step: steps.next(),
            later_steps: steps.collect(),
            verification: self.verification.as_ref().map(LastVerification::of),
            seconds_left: self.time_left().seconds(),
            errors: &self.errors[..self.errors.len().min(MAX_CAUSES)],
            shared: self.shared.total,
            shared_contacts: shared_contact_rows(&self.shared),
            runs: runs.collect(),
        }
    }
}

/// `; to HOST, account 123456789012` of a run, as far as it is known.
fn target(run: &RunRecord) -> String {
    let endpoint = run.endpoint.as_ref().map(|endpoint| format!("; to {endpoint}")).unwrap_or_default();
    let account = run.account.as_ref().map(|account| format!(", account {account}")).unwrap_or_default();
    endpoint + &account
}

/// A run records its traffic every ten seconds, and the disk may delay that.
const RECORDED_WITHIN_MS: i64 = 15_000;

/// Estimated time for the waiting rows; the longest is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum TimeLeft {
    /// No row waits, or the waiting rows are not known yet.
    Nothing,
    /// The estimate.
    Known(Duration),
    /// No estimate, since nothing is created.
    Unknown,
}

impl TimeLeft {
    pub(super) fn known(self) -> Option<Duration> {
        match self {
            TimeLeft::Known(time) => Some(time),
            TimeLeft::Nothing | TimeLeft::Unknown => None,
        }
    }

    pub(super) fn seconds(self) -> Option<f64> {
        self.known().map(|time| time.as_secs_f64())
    }
}

/// Traffic of a run in the last minutes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecentTraffic {
    /// Time for which the traffic is recorded.
    pub(super) time: Duration,
    /// Contacts created per second in that time.
    pub(super) rate: f64,
    /// Attempts in that time.
    pub(super) attempts: u64,
    /// Throttled attempts among them.
    pub(super) throttled: u64,
}
