//! Figures of a run. The only file that names the crate prometheus.

use std::collections::HashMap;

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntGaugeVec, Opts, Registry, Result, TextEncoder,
};

use crate::event::{Progress, RunEvent};
use crate::exit_code::ExitCode;
use crate::ledger::{RowState, StateCounts};
use crate::shard::Shard;

/// Bounds of the request duration, in seconds: from that of the sandbox to the default read timeout.
const BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Figures of a run. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    registry: Registry,
    rows: IntGaugeVec,
    attempts: IntCounter,
    created: IntCounter,
    throttled: IntCounter,
    unanswered: IntCounter,
    durations: Histogram,
    to_send: Gauge,
    done: Gauge,
    in_flight: Gauge,
    rate_set: Gauge,
    rate_now: Gauge,
    seconds_left: Gauge,
    running: Gauge,
    /// Registered only once a run has succeeded.
    last_success: Gauge,
}

impl Figures {
    /// Figures of a run that begins now.
    ///
    /// # Errors
    /// The prometheus crate refuses a figure, which is a bug.
    pub(super) fn new(import: &str, shard: Option<Shard>, instance_id: Option<&str>) -> Result<Self> {
        let mut labels = HashMap::from([("import".to_owned(), import.to_owned())]);
        labels.extend(shard.map(|shard| ("shard".to_owned(), shard.to_string())));
        let registry = Registry::new_custom(Some("connect_import".to_owned()), Some(labels))?;
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let label = |name: &str, help: &str, label: &str, value: &str| {
            let gauge = Gauge::with_opts(Opts::new(name, help).const_label(label, value))?;
            gauge.set(1.0);
            registry.register(Box::new(gauge))
        };
        let rows = IntGaugeVec::new(Opts::new("rows", "Rows of the ledger, by state."), &["state"])?;
        registry.register(Box::new(rows.clone()))?;
        let durations = HistogramOpts::new(
            "request_duration_seconds",
            "Time until Connect accepted or refused a request of this run; without throttled and unanswered requests.",
        );
        let durations = Histogram::with_opts(durations.buckets(BOUNDS.to_vec()))?;
        registry.register(Box::new(durations.clone()))?;
        let version = env!("CARGO_PKG_VERSION");
        label("build_info", "The version of connect-import; always 1.", "version", version)?;
        if let Some(id) = instance_id {
            label("run_info", "The Connect instance of the run; always 1.", "instance_id", id)?;
        }
        gauge("run_start_timestamp_seconds", "When the latest run started, in seconds since 1970.")?
            .set(now());
        Ok(Figures {
            rows,
            attempts: counter("attempts_total", "Attempts of this run that ended.")?,
            created: counter("created_total", "Contacts created by this run.")?,
            throttled: counter("throttled_total", "Attempts of this run that Connect throttled.")?,
            unanswered: counter("unanswered_total", "Attempts of this run that went unanswered.")?,
            durations,
            to_send: gauge("rows_to_send", "Rows to send in this run.")?,
            done: gauge("rows_done", "Rows to send that need no further attempt in this run.")?,
            in_flight: gauge("in_flight_requests", "Requests in flight.")?,
            rate_set: gauge("rate_set", "Target rate, set or found, in requests per second.")?,
            rate_now: gauge("rate_now", "Rows created per second, over the last ten seconds.")?,
            seconds_left: gauge("seconds_left", "Estimated seconds for the remaining rows.")?,
            running: gauge(
                "running",
                "1 during a run; a run that was killed leaves it at 1, so check the age of the file too.",
            )?,
            last_success: Gauge::new(
                "last_success_timestamp_seconds",
                "When the last run ended with exit code 0, in seconds since 1970; absent if none has yet.",
            )?,
            registry,
        })
    }

    /// Updates the figures by an event.
    pub(super) fn observe(&self, event: &RunEvent) {
        match event {
            RunEvent::ReadingInput { .. } => self.running.set(1.0),
            RunEvent::SendingStarted { to_send, .. } => {
                self.running.set(1.0);
                self.to_send.set(*to_send as f64);
            }
            RunEvent::Progress(progress) => self.progress(progress),
            RunEvent::RowSettled { latency: Some(took), .. } => self.durations.observe(took.as_secs_f64()),
            _ => {}
        }
    }

    fn progress(&self, progress: &Progress) {
        let totals = [
            (&self.attempts, progress.attempts),
            (&self.created, progress.created),
            (&self.throttled, progress.throttled),
            (&self.unanswered, progress.unanswered),
        ];
        for (counter, total) in totals {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
        self.to_send.set(progress.to_send as f64);
        self.done.set(progress.done as f64);
        self.in_flight.set(progress.in_flight as f64);
        self.rate_set.set(progress.rate_set);
        self.rate_now.set(progress.rate_now);
        self.seconds_left.set(progress.time_left().as_secs_f64());
    }

    /// Sets the rows by state.
    pub(super) fn set_rows(&self, counts: &StateCounts) {
        for state in RowState::ALL {
            let rows = i64::try_from(counts.of(state)).unwrap_or(i64::MAX);
            self.rows.with_label_values(&[state.name()]).set(rows);
        }
    }

    /// Sets the figures of the end.
    pub(super) fn end(&self, exit: ExitCode) -> Result<()> {
        for gauge in [&self.running, &self.in_flight, &self.rate_now, &self.seconds_left] {
            gauge.set(0.0);
        }
        self.register(
            "run_end_timestamp_seconds",
            "When the latest run ended, in seconds since 1970.",
            now(),
        )?;
        self.register("last_exit_code", "The exit code of the latest run.", f64::from(exit.code()))
    }

    /// Sets the end of the last successful run, in seconds since 1970.
    pub(super) fn set_last_success(&self, seconds: f64) {
        self.last_success.set(seconds);
        // The error of the second time is that it is registered.
        let _ = self.registry.register(Box::new(self.last_success.clone()));
    }

    /// Registers a gauge with its value.
    fn register(&self, name: &str, help: &str, value: f64) -> Result<()> {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        self.registry.register(Box::new(gauge))
    }

    /// All figures in the Prometheus text format, version 0.0.4.
    pub(super) fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Current time in seconds since 1970.
fn now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}
