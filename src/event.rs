//! Events of a run and their delivery to observers, in order.
//!
//! Every event is emitted after the ledger has committed what it reports. A thread of its own delivers
//! events, so an observer that is slow, or blocked on a full pipe, cannot stall the import; until it
//! catches up, events wait in memory.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::file_system::FileSystem;
use crate::ledger::{Cause, LedgerNotice, Note, RowState, RunRecord};
use crate::pacing::{PoolFailure, Rate};
use crate::request::Operation;
use crate::shard::Shard;
use crate::shutdown::Signal;
use crate::submission::{Caller, CallerAbsence, ClockOffset, CredentialsSource, Proxy, ServiceTarget};
use crate::warning::Warning;

/// An event of a run, a check or a verification.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// Rows of the input were read and mapped; nothing is sent yet.
    ReadingInput {
        /// Rows read so far, over all inputs.
        rows: u64,
        /// Bytes read so far, as stored on disk.
        bytes: u64,
        /// Size of all inputs in bytes; none if one of them has no known size.
        bytes_total: Option<u64>,
    },
    /// A row was rejected before sending, or needs a warning.
    RowNoted {
        /// Path of the input, or `-`.
        file: String,
        /// Kind of the note, with the row's line and key.
        note: Note,
    },
    /// The rows of the input that were entered show something to look at; nothing is sent yet.
    InputWarned(Warning),
    /// All inputs are in the ledger. Sending begins, after the announcement if there are rows to send.
    SendingStarted {
        /// The run's record so far.
        run: Box<RunRecord>,
        /// Rows to send in this run.
        to_send: u64,
    },
    /// What is about to be sent, by whom, and where to. Nothing is sent yet.
    Announced(Box<Announcement>),
    /// The run ends before its first request, because of an error that is reported apart.
    NotStarted,
    /// The ledger has committed the result of an attempt, or rejected a row without one.
    RowSettled {
        /// Path of the input, or `-`.
        source: String,
        /// Line of the input where the row starts.
        line: u64,
        /// Label of the row's key.
        key: String,
        /// State of the row now; pending if another attempt follows.
        state: RowState,
        /// Whether this run makes no further attempt. A pending row then waits in doubt for the next run.
        done: bool,
        /// Reason why the row is not created, or may not have been.
        cause: Option<Cause>,
        /// Duration of the request; none if it was not sent, was throttled or went unanswered.
        latency: Option<Duration>,
    },
    /// A ledger was created.
    LedgerCreated {
        /// Path of the ledger.
        ledger: String,
        /// Whether the lock file shows that a ledger existed there before.
        is_recreated: bool,
    },
    /// The run sends one shard of the import.
    ShardStarted {
        /// Number of the shard, of how many.
        shard: Shard,
        /// Target rate of this process.
        rate: Rate,
        /// Requests that may be sent at once.
        burst: u32,
        /// Whether the rate was given for this process, and is no share of the whole import's rate.
        is_own_rate: bool,
    },
    /// A step before the first request is done.
    Prepared(Preparation),
    /// Opening the ledger takes longer than usual, or another program keeps it busy or lets its log grow.
    LedgerNoticed(LedgerNotice),
    /// The ledger is on a file system that may not keep the promises of a ledger.
    LedgerAtRisk {
        /// Path of the ledger.
        ledger: String,
        /// Its file system.
        file_system: FileSystem,
    },
    /// Reply to SIGUSR1: the in-flight requests, the oldest first.
    InFlightListed(Vec<InFlightRequest>),
    /// Reply to SIGHUP: the rate from now on, or why it stays.
    RateReloaded(Result<Rate, String>),
    /// The maximum number of in-flight requests keeps the rate below its target.
    ConcurrencyLimited {
        /// Requests in flight.
        in_flight: usize,
        /// Average duration of a request.
        latency: Duration,
        /// Rate that this latency and maximum allow, requests per second.
        rate: f64,
    },
    /// The limit on open files is below the requested concurrency.
    OpenFilesLimited {
        /// In-flight requests that were requested.
        requested: usize,
        /// In-flight requests that the limit allows.
        allowed: usize,
    },
    /// The metrics file cannot be written.
    MetricsFailed {
        /// Path of the file.
        file: String,
        /// The system's error.
        problem: String,
    },
    /// No request is sent until the pause ends.
    Paused {
        /// Failure that caused the pause.
        failure: PoolFailure,
        /// Answer of the service, or error of the connection.
        cause: Cause,
        /// Duration of the pause.
        pause: Duration,
        /// Whether the service asked for it, and it would be shorter otherwise.
        is_asked: bool,
    },
    /// The service refused the time of a signature. From now on requests are signed with the service's time.
    ClockCorrected(ClockOffset),
    /// No new request is sent; those in flight are awaited.
    Draining {
        /// Signal that stopped the run, if one did.
        signal: Option<Signal>,
        /// Requests in flight.
        in_flight: usize,
        /// Maximum time to wait for them.
        grace: Duration,
    },
    /// Progress of sending, several times per second.
    Progress(Progress),
    /// Progress of a verification.
    Verifying {
        /// Rows looked up so far.
        done: u64,
        /// Rows to look up.
        total: u64,
        /// Kind of rows, such as `created rows`.
        subject: &'static str,
    },
    /// A verification found a difference between Connect and the ledger.
    VerificationFinding(VerificationFinding),
}

/// A step before the first request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Preparation {
    /// The ledger is open, and this process holds its lock.
    LedgerOpened {
        /// Path of the ledger.
        ledger: String,
    },
    /// An input was read to its end.
    InputRead {
        /// Path of the input, or `-`.
        file: String,
        /// Rows read from it.
        rows: u64,
    },
}

/// What a run is about to send, by whom, and where to.
#[derive(Clone, PartialEq, Debug)]
pub struct Announcement {
    /// Name of the job, for people.
    pub name: Option<String>,
    /// Rows to send in this run.
    pub to_send: u64,
    /// Owner of the credentials.
    pub caller: Caller,
    /// Source of the credentials; `None` if requests are not signed with any, or if there are none.
    pub credentials: Option<CredentialsSource>,
    /// Region and endpoint.
    pub target: ServiceTarget,
    /// Proxy of the requests to the endpoint, if there is one.
    pub proxy: Option<Arc<Proxy>>,
    /// Instance id, not the ARN.
    pub instance_id: String,
    /// Operation that creates the contacts.
    pub operation: Operation,
    /// Target rate of this process.
    pub rate: Rate,
    /// Requests that may be sent at once.
    pub burst: u32,
    /// Part of the rows that the run sends; `None` for all rows.
    pub shard: Option<Shard>,
    /// Path of the ledger.
    pub ledger: String,
    /// Whether the user is asked for a confirmation, so that nothing else is shown until there is an answer.
    pub is_question: bool,
}

impl Announcement {
    /// Whether the run is a rehearsal, which creates no contact in Amazon Connect.
    pub fn is_rehearsal(&self) -> bool {
        self.caller == Caller::Unused(CallerAbsence::Rehearsal)
    }
}

/// Difference between Connect and the ledger for one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerificationFinding {
    /// Path of the input, or `-`.
    pub source: String,
    /// Line of the input where the row starts.
    pub line: u64,
    /// Label of the row's key.
    pub key: String,
    /// Id of the contact concerned, if there is one.
    pub contact_id: Option<String>,
    /// Kind of the difference.
    pub kind: FindingKind,
}

/// Kind of a difference between Connect and the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FindingKind {
    /// Connect does not know the contact of a created row.
    Missing,
    /// These members of the contact differ from the request.
    Different(Vec<&'static str>),
    /// The contact of an unknown row exists; the row is created from now on.
    Found,
    /// Several rows or contacts match, so the unknown row cannot be assigned a contact.
    Ambiguous {
        /// Ids of the contacts that match.
        contacts: Vec<String>,
        /// Rows sent with an identical name and attributes.
        rows: u32,
    },
    /// Another row has the contact of this created row.
    Shared,
    /// No contact of an unknown row was found, which does not prove that there is none.
    NotFound,
    /// Connect refused the lookup, or the row has nothing to search by.
    Refused(Cause),
}

impl FindingKind {
    /// Name in the JSON output.
    pub fn name(&self) -> &'static str {
        match self {
            FindingKind::Missing => "missing",
            FindingKind::Different(_) => "different",
            FindingKind::Found => "found",
            FindingKind::Ambiguous { .. } => "ambiguous",
            FindingKind::Shared => "shared",
            FindingKind::NotFound => "not_found",
            FindingKind::Refused(_) => "refused",
        }
    }
}

/// An HTTP request that was sent and not yet answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InFlightRequest {
    /// Path of the input, or `-`.
    pub source: String,
    /// Line of the input where the row starts.
    pub line: u64,
    /// Label of the row's key.
    pub key: String,
    /// Time since the request was sent.
    pub elapsed: Duration,
}

/// Counts and rates of a run while it sends.
// Published in the messages of `run`, with these descriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Progress {
    /// Rows to send in this run.
    pub to_send: u64,
    /// Rows among them that need no further attempt in this run.
    pub done: u64,
    /// Rows created by this run.
    pub created: u64,
    /// Rows rejected by this run, including those rejected by validation.
    pub rejected: u64,
    /// Rows of this run that are rejected with a code that the job accepts. They are not among the rejected ones.
    pub accepted: u64,
    /// Rows that used up their attempts and are not created.
    pub failed: u64,
    /// Rows that may have been created.
    pub unknown: u64,
    /// Requests in flight.
    pub in_flight: usize,
    /// Attempts that ended.
    #[serde(skip)]
    pub attempts: u64,
    /// Attempts that Connect throttled.
    pub throttled: u64,
    /// Attempts that went unanswered.
    #[serde(skip)]
    pub unanswered: u64,
    /// Rows created per second, over the last ten seconds.
    pub rate_now: f64,
    /// Target rate, requests per second; with auto, the rate found so far.
    pub rate_set: f64,
    /// Rows of `to_send` done per second, over the last two minutes; 0 if there are no samples.
    #[serde(skip)]
    pub done_rate: f64,
    /// Time since sending began.
    #[serde(skip)]
    pub elapsed: Duration,
}

impl Progress {
    /// Estimated time for the remaining rows at `done_rate`, or at `rate_set` without samples; at most 1,000 days.
    pub fn time_left(&self) -> Duration {
        let rate = if self.done_rate > 0.0 { self.done_rate } else { self.rate_set };
        let remaining = self.to_send.saturating_sub(self.done);
        Duration::from_secs_f64((remaining as f64 / rate).clamp(0.0, 86_400_000.0))
    }
}

/// Receives the events of a run. It cannot fail or stop the run.
pub trait Observer: Send {
    /// Receives an event. Events arrive in the order in which they were emitted.
    fn observe(&mut self, event: &RunEvent);

    /// Called every 100 ms, and after every batch of events, to update what depends on time.
    fn tick(&mut self) {}
}

/// Delay after each batch of events, so that a fast run does not wake the thread for every event.
const BATCH_DELAY: Duration = Duration::from_millis(5);

/// Interval of `Observer::tick` while no event arrives.
const TICK: Duration = Duration::from_millis(100);

/// What is handed to the thread of the observers.
#[derive(Debug)]
enum Delivery {
    Event(RunEvent),
    /// Is answered when every earlier event has been delivered.
    Flush(mpsc::Sender<()>),
}

/// Delivers events to observers on a thread of its own.
#[derive(Debug)]
pub struct Reporter {
    sender: mpsc::Sender<Delivery>,
    thread: JoinHandle<()>,
}

impl Reporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub fn start(mut observers: Vec<Box<dyn Observer>>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Delivery>();
        let thread = std::thread::Builder::new().name("report".into()).spawn(move || {
            loop {
                let deliveries: Vec<Delivery> = match receiver.recv_timeout(TICK) {
                    Ok(first) => std::iter::once(first).chain(receiver.try_iter()).collect(),
                    Err(RecvTimeoutError::Timeout) => Vec::new(),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                for delivery in &deliveries {
                    match delivery {
                        Delivery::Event(event) => {
                            observers.iter_mut().for_each(|observer| observer.observe(event));
                        }
                        // The caller may have stopped waiting.
                        Delivery::Flush(done) => drop(done.send(())),
                    }
                }
                observers.iter_mut().for_each(|observer| observer.tick());
                if !deliveries.is_empty() {
                    std::thread::sleep(BATCH_DELAY);
                }
            }
        })?;
        Ok(Reporter { sender, thread })
    }

    /// Queues an event for every observer. Never blocks.
    pub fn emit(&self, event: RunEvent) {
        // The thread ends early only if an observer panicked; the import continues without output.
        let _ = self.sender.send(Delivery::Event(event));
    }

    /// Blocks until every event so far has been delivered.
    pub fn flush(&self) {
        let (done, flushed) = mpsc::channel();
        // Fails if an observer panicked: nothing more is delivered then.
        let _ = self.sender.send(Delivery::Flush(done)).is_ok().then(|| flushed.recv());
    }

    /// Waits until every event has been delivered. Returns at once while another reference to the reporter exists.
    pub fn finish(self: Arc<Self>) {
        if let Some(Reporter { sender, thread }) = Arc::into_inner(self) {
            drop(sender);
            let _ = thread.join();
        }
    }
}
