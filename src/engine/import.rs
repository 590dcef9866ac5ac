//! Parameters and errors of an import.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::ending::ErrorBudget;
use crate::control_signals::ControlSignals;
use crate::crash_plan::CrashPlan;
use crate::event::Reporter;
use crate::ledger::{Ledger, LedgerError};
use crate::mapping::MappingSource;
use crate::pacing::Rate;
use crate::shutdown::Shutdown;
use crate::submission::Policy;

/// An import of the rows that wait in a ledger.
pub struct Import<S> {
    /// Ledger after the intake.
    pub ledger: Arc<Ledger>,
    /// Sends the requests.
    pub submitter: Arc<S>,
    /// Receives the events.
    pub reporter: Arc<Reporter>,
    /// SIGINT and SIGTERM.
    pub shutdown: Shutdown,
    /// SIGHUP and SIGUSR1.
    pub control_signals: ControlSignals,
    /// Source of the rate after SIGHUP.
    pub rate_source: RateSource,
    /// Mapping from rows to requests.
    pub mapping: MappingSource,
    /// Target rate, requests per second, or `Auto`.
    pub rate: Rate,
    /// Requests that may be sent at once.
    pub burst: u32,
    /// Maximum number of requests in flight.
    pub concurrency: usize,
    /// Maximum attempts per row, and what happens to unanswered rows.
    pub policy: Policy,
    /// How long a client token may be used again after the row's first unanswered attempt.
    pub idempotency_window: Duration,
    /// How long requests in flight are awaited when the run stops.
    pub grace: Duration,
    /// Number of rows to send.
    pub to_send: u64,
    /// Number of waiting rows beyond `--limit`, which are not sent.
    pub held_back: u64,
    /// Rows that may be rejected, failed or unknown before the run stops; none is any number.
    pub max_errors: Option<ErrorBudget>,
    /// Time after which no request is sent.
    pub deadline: Option<Instant>,
    /// Crash points for tests.
    pub crash_plan: CrashPlan,
}

/// Reads the rate from the job file again, or says why the rate stays.
pub type RateSource = Box<dyn Fn() -> Result<Rate, String> + Send>;

/// Error that ends an import. Rows in flight stay so in the ledger, and the next run settles them.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The ledger failed; nothing was sent after that.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A task of the import panicked, which is a bug.
    #[error("internal error; report the line above, and run the same command again to continue")]
    Task(#[from] tokio::task::JoinError),
}
