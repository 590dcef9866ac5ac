//! Fixture for the engine's tests: a run against a scripted submitter and a real ledger, on tokio's paused clock.
//!
//! The clock moves on only when every task waits for it; the ledger's commits take no time (see `ledger::writer`).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::ending::Ending;
use super::import::{Import, ImportError};
use crate::control_signals::{ControlSignal, ControlSignals};
use crate::crash_plan::CrashPlan;
use crate::event::{Observer, Progress, Reporter, RunEvent};
use crate::intake::testing::{mapping, take_in, write_csv};
use crate::ledger::testing::{ledger, new_run};
use crate::ledger::{KnownRow, Ledger, LedgerReader, RowState, RunRecord};
use crate::pacing::{PoolFailure, Rate};
use crate::shutdown::{Shutdown, Signal};
use crate::submission::fake::{FakeAttempt, FakeReply, FakeSubmitter};
use crate::submission::{OnUnknown, Policy};
use crate::token::ClientToken;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A ledger in a temporary folder whose rows wait to be sent.
pub(super) struct Fixture {
    pub(super) folder: TempDir,
    pub(super) ledger: Arc<Ledger>,
    pub(super) run: RunRecord,
}

/// Controls of the operator while a run goes on.
pub(super) struct Operator {
    pub(super) submitter: Arc<FakeSubmitter>,
    pub(super) shutdown: watch::Sender<Option<Signal>>,
    pub(super) control: mpsc::Sender<ControlSignal>,
}

impl Operator {
    pub(super) fn interrupt(&self) {
        self.shutdown.send(Some(Signal::Interrupt)).unwrap();
    }
}

/// Result of a run, with everything that it did.
pub(super) struct Outcome {
    pub(super) result: Result<(Ending, Progress), ImportError>,
    pub(super) events: Vec<RunEvent>,
    pub(super) attempts: Vec<FakeAttempt>,
    pub(super) most_in_flight: usize,
    pub(super) ended: Instant,
}

impl Outcome {
    pub(super) fn ending(&self) -> &Ending {
        &self.result.as_ref().unwrap().0
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.result.as_ref().unwrap().1
    }

    /// The pauses that the service asked for.
    pub(super) fn asked_pauses(&self) -> Vec<(PoolFailure, Duration)> {
        let pause = |event: &RunEvent| match event {
            RunEvent::Paused { failure, pause, is_asked: true, .. } => Some((*failure, *pause)),
            _ => None,
        };
        self.events.iter().filter_map(pause).collect()
    }

    pub(super) fn lines(&self) -> Vec<u64> {
        self.attempts.iter().map(|attempt| attempt.line).collect()
    }

    pub(super) fn pauses(&self) -> Vec<(PoolFailure, Duration)> {
        let pause = |event: &RunEvent| match event {
            RunEvent::Paused { failure, pause, .. } => Some((*failure, *pause)),
            _ => None,
        };
        self.events.iter().filter_map(pause).collect()
    }
}

#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<RunEvent>>>);

impl Observer for Recorder {
    fn observe(&mut self, event: &RunEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Fixture {
    /// Rows in the lines 2 to `rows + 1` of a file.
    pub(super) fn with_rows(rows: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ids: Vec<String> = (1..=rows).map(|id| id.to_string()).collect();
        let rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "a name")).collect();
        let file = write_csv(folder.path(), "rows.csv", &rows);
        let ledger = ledger(folder.path());
        let reporter = Reporter::start(Vec::new()).unwrap();
        let run = take_in(&ledger, new_run(), &[file], &reporter, &Shutdown::manual().1).unwrap();
        Fixture { folder, ledger: Arc::new(ledger), run }
    }

    /// Ten requests per second, one at once; at most ten in flight; three attempts per row.
    pub(super) fn import(
        &self,
        submitter: Arc<FakeSubmitter>,
        reporter: Arc<Reporter>,
    ) -> Import<FakeSubmitter> {
        Import {
            ledger: self.ledger.clone(),
            submitter,
            reporter,
            shutdown: Shutdown::manual().1,
            control_signals: ControlSignals::manual().1,
            rate_source: Box::new(|| Err("the test has no other rate".to_owned())),
            mapping: mapping(),
            rate: Rate::Fixed(10.0),
            burst: 1,
            concurrency: 10,
            policy: Policy { max_attempts: 3, on_unknown: OnUnknown::Resend },
            idempotency_window: 24 * 3600 * SECOND,
            grace: 30 * SECOND,
            to_send: self.run.rows.of(RowState::Pending),
            held_back: 0,
            max_errors: None,
            deadline: None,
            crash_plan: CrashPlan::default(),
        }
    }

    /// Runs the import as `change` sets it up, while `operator` acts.
    pub(super) fn run_with(
        &self,
        submitter: FakeSubmitter,
        change: impl FnOnce(&mut Import<FakeSubmitter>),
        operator: impl AsyncFnOnce(&Operator),
    ) -> Outcome {
        let submitter = Arc::new(submitter);
        let recorder = Recorder::default();
        let reporter = Arc::new(Reporter::start(vec![Box::new(recorder.clone())]).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (result, ended) = runtime.unwrap().block_on(async {
            let mut import = self.import(submitter.clone(), reporter.clone());
            let (shutdown, control);
            (shutdown, import.shutdown) = Shutdown::manual();
            (control, import.control_signals) = ControlSignals::manual();
            change(&mut import);
            let controls = Operator { submitter: submitter.clone(), shutdown, control };
            let acting = async {
                operator(&controls).await;
                std::future::pending::<()>().await;
            };
            let result = tokio::select! {
                result = import.run(&self.run) => result,
                () = acting => unreachable!("it never ends"),
            };
            let ended = Instant::now();
            // Tasks that the run left behind would send now.
            tokio::time::sleep(3600 * SECOND).await;
            (result, ended)
        });
        assert_eq!(Arc::strong_count(&reporter), 1);
        reporter.finish();
        let events = std::mem::take(&mut *recorder.0.lock().unwrap());
        Outcome {
            result,
            events,
            attempts: submitter.attempts(),
            most_in_flight: submitter.most_in_flight(),
            ended,
        }
    }

    pub(super) fn run(
        &self,
        submitter: FakeSubmitter,
        change: impl FnOnce(&mut Import<FakeSubmitter>),
    ) -> Outcome {
        self.run_with(submitter, change, async |_| ())
    }

    pub(super) fn row(&self, token: ClientToken) -> KnownRow {
        LedgerReader::open(&self.path()).unwrap().row(token).unwrap().unwrap()
    }

    /// Number of rows in this state.
    pub(super) fn count(&self, state: RowState) -> u64 {
        LedgerReader::open(&self.path()).unwrap().state_counts().unwrap().of(state)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("x.db")
    }
}

pub(super) fn all_created() -> FakeSubmitter {
    FakeSubmitter::replying([])
}

/// Every attempt gets this reply.
pub(super) fn always(reply: FakeReply) -> FakeSubmitter {
    FakeSubmitter::new(move |_| reply.clone())
}
