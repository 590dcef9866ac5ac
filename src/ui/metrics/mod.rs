//! Metrics of a run: a file for the textfile collector of Prometheus' node exporter.

mod figures;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::notices::warning;
use super::period::Period;
use super::words::metrics_failed;
use crate::atomic_file::AtomicFile;
use crate::event::{Observer, RunEvent};
use crate::exit_code::ExitCode;
use crate::ledger::{LedgerReader, is_locked};
use crate::permissions::make_world_readable;
use crate::printable::ShownPath as _;
use crate::shard::Shard;
use figures::Figures;

/// Interval of writing the file during a run: the default scrape interval of the node exporter's guide.
const INTERVAL: Duration = Duration::from_secs(15);

/// File of the metrics, and facts of the import that are known before it begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricsTarget {
    /// Path of the file.
    pub file: PathBuf,
    /// Name of the import, from its job file or ledger; may be empty.
    pub import: String,
    /// Bare id of the instance, if it is known.
    pub instance_id: Option<String>,
    /// Shard that the run sends; none if all rows.
    pub shard: Option<Shard>,
    /// Path of the ledger, if it is known.
    pub ledger: Option<PathBuf>,
}

/// Metrics of a run and their file. Clones share both.
#[derive(Clone, Debug)]
pub struct Metrics {
    target: MetricsTarget,
    figures: Figures,
    file_state: Arc<Mutex<FileState>>,
}

/// State of the file. Its lock serializes the writes.
#[derive(Debug, Default)]
struct FileState {
    /// Whether this run holds the ledger or has held it; before, the file may belong to another run.
    is_ours: bool,
    /// Whether the final figures of the ledger were read.
    is_ledger_final: bool,
    /// Whether the end of the run was written. Abandoned tasks may still emit events for a moment.
    has_ended: bool,
    /// Whether a failure to write was reported.
    is_failure_reported: bool,
}

impl Metrics {
    /// Metrics of a run that begins now; nothing is written yet.
    ///
    /// # Errors
    /// The prometheus crate refuses a metric, which is a bug.
    pub fn new(target: MetricsTarget) -> Result<Self, prometheus::Error> {
        let figures = Figures::new(&target.import, target.shard, target.instance_id.as_deref())?;
        Ok(Metrics { target, figures, file_state: Arc::default() })
    }

    /// Observer that updates the metrics. It passes every event on to `others`, and the failure to write the file.
    pub(super) fn observer(&self, others: Vec<Box<dyn Observer>>) -> Box<dyn Observer> {
        Box::new(MetricsObserver { metrics: self.clone(), period: None, others })
    }

    /// Updates the figures of the ledger; if it cannot be read, they stay as they are.
    fn read_ledger(&self) {
        let Some(reader) = self.target.ledger.as_deref().and_then(|path| LedgerReader::open(path).ok())
        else {
            return;
        };
        if let Ok(counts) = reader.state_counts() {
            self.figures.set_rows(&counts);
        }
        if let Ok(Some(success_ms)) = reader.last_success_ms() {
            self.figures.set_last_success(success_ms as f64 / 1000.0);
        }
    }

    /// Reads the final figures of the ledger. Called while the run has the ledger open, since reading a closed ledger
    /// leaves files beside it.
    pub fn read_final_figures(&self) {
        let mut state = self.file_state();
        self.read_ledger();
        state.is_ledger_final = true;
    }

    /// Replaces the file atomically. It contains no value of a row, and every user may read it, since the node exporter
    /// runs as another user.
    fn write(&self) -> io::Result<()> {
        let text = self.figures.text().map_err(io::Error::other)?;
        let mut file = AtomicFile::create(&self.target.file)?;
        make_world_readable(file.file())?;
        file.write_all(text.as_bytes())?;
        file.publish()
    }

    /// Writes the file during the run; returns the first failure to write.
    fn update_file(&self) -> Option<RunEvent> {
        let mut state = self.file_state();
        if state.has_ended {
            return None;
        }
        state.is_ours = true;
        self.try_write(&mut state)
    }

    fn try_write(&self, state: &mut FileState) -> Option<RunEvent> {
        if !state.is_ledger_final {
            self.read_ledger();
        }
        let problem = self.write().err()?;
        let file = self.target.file.shown();
        let is_reported = std::mem::replace(&mut state.is_failure_reported, true);
        (!is_reported).then(|| RunEvent::MetricsFailed { file, problem: problem.to_string() })
    }

    fn file_state(&self) -> MutexGuard<'_, FileState> {
        self.file_state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the end of the run, unless the file belongs to another run, which holds the ledger.
    pub fn end(&self, exit: ExitCode) {
        let ledger = self.target.ledger.as_deref();
        let mut state = self.file_state();
        let is_of_other_run = !state.is_ours && ledger.is_some_and(is_locked);
        state.has_ended = true;
        if exit == ExitCode::Locked || is_of_other_run {
            return;
        }
        // An error means a metric of the same name, and there is none.
        let _ = self.figures.end(exit);
        if let Some(RunEvent::MetricsFailed { file, problem }) = self.try_write(&mut state) {
            warning(&metrics_failed(&file, &problem));
        }
    }
}

/// Observer that updates the metrics, and writes them every [`INTERVAL`].
struct MetricsObserver {
    metrics: Metrics,
    /// None until this run holds the ledger.
    period: Option<Period>,
    others: Vec<Box<dyn Observer>>,
}

impl MetricsObserver {
    fn advance(&mut self, event: &RunEvent) -> bool {
        let is_under_way = matches!(
            event,
            RunEvent::ReadingInput { .. } | RunEvent::SendingStarted { .. } | RunEvent::Progress(_)
        );
        match &mut self.period {
            Some(period) => is_under_way && period.advance(),
            None if is_under_way => {
                self.period = Some(Period::start(INTERVAL));
                true
            }
            None => false,
        }
    }

    fn pass_on(&mut self, event: &RunEvent) {
        for other in &mut self.others {
            other.observe(event);
        }
    }
}

impl Observer for MetricsObserver {
    fn observe(&mut self, event: &RunEvent) {
        self.metrics.figures.observe(event);
        self.pass_on(event);
        if self.advance(event)
            && let Some(failed) = self.metrics.update_file()
        {
            self.pass_on(&failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::event::Progress;
    use crate::ledger::RowState;
    use crate::output_file::OutputKind;

    fn metrics(folder: &Path) -> Metrics {
        let target = MetricsTarget {
            file: folder.join("m.prom"),
            import: "tickets \"1\"".to_owned(),
            instance_id: Some("i-1".to_owned()),
            shard: None,
            ledger: Some(PathBuf::from("/nowhere/t.ledger.db")),
        };
        Metrics::new(target).unwrap()
    }

    fn settled(took: u64) -> RunEvent {
        RunEvent::RowSettled {
            source: String::new(),
            line: 2,
            key: "k".into(),
            state: RowState::Created,
            done: true,
            cause: None,
            latency: Some(Duration::from_millis(took)),
        }
    }

    #[test]
    fn nothing_is_written_before_the_ledger_is_held_and_then_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(folder.path());
        let file = folder.path().join("m.prom");
        let mut observer = metrics.observer(vec![]);
        observer.observe(&RunEvent::LedgerCreated { ledger: "l".into(), is_recreated: false });
        assert!(!file.exists());
        let progress =
            Progress { to_send: 9, done: 2, created: 2, attempts: 5, throttled: 3, ..Progress::default() };
        observer.observe(&settled(30));
        observer.observe(&RunEvent::Progress(progress));
        assert!(OutputKind::Metrics.is_at(&file));
        let text = std::fs::read_to_string(&file).unwrap();
        for line in [
            "# TYPE connect_import_attempts_total counter",
            "connect_import_attempts_total{import=\"tickets \\\"1\\\"\"} 5",
            "connect_import_throttled_total{import=\"tickets \\\"1\\\"\"} 3",
            "connect_import_request_duration_seconds_bucket{import=\"tickets \\\"1\\\"\",le=\"0.025\"} 0",
            "connect_import_request_duration_seconds_bucket{import=\"tickets \\\"1\\\"\",le=\"0.05\"} 1",
            "connect_import_run_info{instance_id=\"i-1\",import=\"tickets \\\"1\\\"\"} 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("last_exit_code") && !text.contains("last_success"), "{text}");
        metrics.end(ExitCode::TryLater);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("connect_import_last_exit_code{import=\"tickets \\\"1\\\"\"} 75\n"), "{text}");
        assert!(text.contains("connect_import_running{import=\"tickets \\\"1\\\"\"} 0\n"), "{text}");
        // A late event changes nothing.
        std::fs::remove_file(&file).unwrap();
        assert!(metrics.update_file().is_none() && !file.exists());
    }

    /// The textfile collector of prometheus-node-exporter 1.5.0 drops a metric whose HELP differs from that of another
    /// file, such as one that another version of this tool wrote: findings/node_exporter_drops_a_metric_by_its_help.sh.
    #[test]
    fn the_help_of_a_metric_never_changes() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(folder.path());
        metrics.figures.set_last_success(1.0);
        metrics.figures.set_rows(&crate::ledger::StateCounts::default());
        metrics.file_state().is_ours = true;
        metrics.end(ExitCode::Complete);
        let text = std::fs::read_to_string(folder.path().join("m.prom")).unwrap();
        for help in [
            "attempts_total Attempts of this run that ended.",
            "build_info The version of connect-import; always 1.",
            "created_total Contacts created by this run.",
            "in_flight_requests Requests in flight.",
            "last_exit_code The exit code of the latest run.",
            "last_success_timestamp_seconds When the last run ended with exit code 0, in seconds since 1970; absent if none has \
             yet.",
            "rate_now Rows created per second, over the last ten seconds.",
            "rate_set Target rate, set or found, in requests per second.",
            "request_duration_seconds Time until Connect accepted or refused a request of this run; without throttled and \
             unanswered requests.",
            "rows Rows of the ledger, by state.",
            "rows_done Rows to send that need no further attempt in this run.",
            "rows_to_send Rows to send in this run.",
            "run_end_timestamp_seconds When the latest run ended, in seconds since 1970.",
            "run_info The Connect instance of the run; always 1.",
            "run_start_timestamp_seconds When the latest run started, in seconds since 1970.",
            "running 1 during a run; a run that was killed leaves it at 1, so check the age of the file too.",
            "seconds_left Estimated seconds for the remaining rows.",
            "throttled_total Attempts of this run that Connect throttled.",
            "unanswered_total Attempts of this run that went unanswered.",
        ] {
            assert!(text.contains(&format!("# HELP connect_import_{help}\n")), "{help} is not in\n{text}");
        }
    }

    #[test]
    fn a_failure_to_write_is_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(&folder.path().join("missing"));
        assert!(matches!(metrics.update_file(), Some(RunEvent::MetricsFailed { .. })));
        assert!(metrics.update_file().is_none());
    }
}
