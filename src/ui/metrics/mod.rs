//! What a run tells Prometheus: a file for the node exporter's textfile collector.

mod figures;

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lines::Every;
use super::notice;
use crate::atomic_file::AtomicFile;
use crate::event::{Observer, RunEvent};
use crate::exit_code::ExitCode;
use crate::job::MetricsTarget;
use crate::ledger::{LedgerReader, is_locked};
use crate::permissions::make_world_readable;
use figures::Figures;

/// How often the file is written while a run is under way: as often as Prometheus looks, by default.
const OFTEN: Duration = Duration::from_secs(15);

/// The metrics of a run, and the file that they are written to. A clone is the same metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    target: MetricsTarget,
    figures: Figures,
    writing: Arc<Mutex<Writing>>,
}

/// What has come of the file so far. Its lock has one write it at a time.
#[derive(Debug, Default)]
struct Writing {
    /// Whether this run holds the ledger, or has held it: until then the file is that of another run.
    is_ours: bool,
    /// Whether the ledger has said its last word.
    is_stock_taken: bool,
    /// Whether the end was written. Work that was left behind may go on for a moment.
    is_over: bool,
    /// Whether somebody was told that the file cannot be written.
    is_told: bool,
}

impl Metrics {
    /// The metrics of a run that begins now; nothing is written yet.
    ///
    /// # Errors
    /// The metric definitions are invalid: a bug.
    pub fn new(target: MetricsTarget) -> Result<Self, prometheus::Error> {
        let figures = Figures::new(&target.import, target.shard, target.instance_id.as_deref())?;
        Ok(Metrics { target, figures, writing: Arc::default() })
    }

    /// Watches a run for them, and lets `others` watch too: they are told if the file cannot be written.
    pub(super) fn watching(&self, others: Vec<Box<dyn Observer>>) -> Box<dyn Observer> {
        Box::new(Watch { metrics: self.clone(), every: None, others })
    }

    /// What the ledger knows; where it cannot be read, what it said last.
    fn read_ledger(&self) {
        let Some(reader) = self.target.ledger.as_deref().and_then(|path| LedgerReader::open(path).ok())
        else {
            return;
        };
        if let Ok(counts) = reader.state_counts() {
            self.figures.rows(&counts);
        }
        if let Ok(Some(success_ms)) = reader.last_success_ms() {
            self.figures.last_success(success_ms as f64 / 1000.0);
        }
    }

    /// Takes what the ledger knows at the end, while this run has it open: who reads a closed one leaves files beside it.
    pub fn take_stock(&self) {
        let mut writing = self.writing();
        self.read_ledger();
        writing.is_stock_taken = true;
    }

    /// Replaces the file. It has no data of any row, and the node exporter, which runs as another user, must read it.
    fn write(&self) -> io::Result<()> {
        let text = self.figures.text().map_err(io::Error::other)?;
        let mut file = AtomicFile::create(&self.target.file)?;
        make_world_readable(file.file())?;
        file.write_all(text.as_bytes())?;
        file.publish()
    }

    /// Writes it as of a run under way, and says what is wrong if it cannot be written and nobody was told.
    fn keep(&self) -> Option<RunEvent> {
        let mut writing = self.writing();
        if writing.is_over {
            return None;
        }
        writing.is_ours = true;
        self.try_write(&mut writing)
    }

    fn try_write(&self, writing: &mut Writing) -> Option<RunEvent> {
        if !writing.is_stock_taken {
            self.read_ledger();
        }
        let problem = self.write().err()?;
        let file = self.target.file.display().to_string();
        let is_told = std::mem::replace(&mut writing.is_told, true);
        (!is_told).then(|| RunEvent::MetricsFailed { file, problem: problem.to_string() })
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes how the run ended. A run that never held the ledger leaves the file of one that holds it alone.
    pub fn end(&self, exit: ExitCode) {
        let ledger = self.target.ledger.as_deref();
        let mut writing = self.writing();
        let is_anothers = !writing.is_ours && ledger.is_some_and(is_locked);
        writing.is_over = true;
        if exit == ExitCode::Locked || is_anothers {
            return;
        }
        // Neither has been told before, so both are taken.
        let _ = self.figures.end(exit);
        if let Some(RunEvent::MetricsFailed { file, problem }) = self.try_write(&mut writing) {
            notice(&unmeasured(&file, &problem));
        }
    }
}

/// That the metrics cannot be written.
pub(super) fn unmeasured(file: &str, problem: &str) -> String {
    format!("the metrics cannot be written to {file} ({problem}); the import goes on without them")
}

/// Takes what happens into the metrics, and writes them now and then.
struct Watch {
    metrics: Metrics,
    /// None until this run holds the ledger.
    every: Option<Every>,
    others: Vec<Box<dyn Observer>>,
}

impl Watch {
    fn is_due(&mut self, event: &RunEvent) -> bool {
        let is_under_way = matches!(
            event,
            RunEvent::ReadingInput { .. } | RunEvent::SendingStarted { .. } | RunEvent::Progress(_)
        );
        match &mut self.every {
            Some(every) => is_under_way && every.is_due(),
            None if is_under_way => {
                self.every = Some(Every::new(OFTEN));
                true
            }
            None => false,
        }
    }

    fn tell(&mut self, event: &RunEvent) {
        for other in &mut self.others {
            other.observe(event);
        }
    }
}

impl Observer for Watch {
    fn observe(&mut self, event: &RunEvent) {
        self.metrics.figures.note(event);
        self.tell(event);
        if self.is_due(event)
            && let Some(failed) = self.metrics.keep()
        {
            self.tell(&failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

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
        let mut watch = metrics.watching(vec![]);
        watch.observe(&RunEvent::LedgerCreated { ledger: "l".into(), is_recreated: false });
        assert!(!file.exists());
        let progress =
            Progress { to_send: 9, done: 2, created: 2, attempts: 5, throttled: 3, ..Progress::default() };
        watch.observe(&settled(30));
        watch.observe(&RunEvent::Progress(progress));
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
        // What comes late changes nothing.
        std::fs::remove_file(&file).unwrap();
        assert!(metrics.keep().is_none() && !file.exists());
    }

    #[test]
    fn that_the_file_cannot_be_written_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(&folder.path().join("missing"));
        assert!(matches!(metrics.keep(), Some(RunEvent::MetricsFailed { .. })));
        assert!(metrics.keep().is_none());
    }
}
