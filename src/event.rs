//! What happens in a run, told in order to whoever watches.
//!
//! One task hands events over after the ledger has them; a thread of its own passes them on, so an
//! observer that is slow, or blocked on a full pipe, cannot stall the import. Until it catches up
//! its events wait in memory.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ledger::{Cause, Note, Opening, RowState, RunRecord};
use crate::pacing::{PoolFailure, Rate};
use crate::shard::Shard;
use crate::shutdown::Signal;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The input is being read and mapped; nothing is sent yet.
    Checking {
        /// Rows so far.
        rows: u64,
        /// Bytes so far.
        bytes: u64,
        /// The input's size, where it has one.
        bytes_total: Option<u64>,
    },
    /// There is something to tell about a row of the input.
    Noted {
        /// The input.
        file: String,
        /// What.
        note: Note,
    },
    /// The input is in the ledger, and sending begins.
    Checked {
        /// The run so far.
        run: Box<RunRecord>,
        /// Rows to send in this run.
        to_send: u64,
    },
    /// A row was settled; the ledger has it.
    Settled {
        /// The input's path, or `-`.
        source: String,
        /// The row's line.
        line: u64,
        /// The row's key.
        key: String,
        /// Its state now; pending if another attempt follows.
        state: RowState,
        /// Whether this run is done with the row. One that is pending then waits in doubt for the next run.
        done: bool,
        /// Why it is not created.
        cause: Option<Cause>,
        /// How long Connect took to take or to refuse it; none where no attempt was made, or it was not answered so.
        answered: Option<Duration>,
    },
    /// There was no ledger, and one was made.
    NewLedger {
        /// The ledger.
        ledger: String,
        /// Whether there had been one in its place.
        again: bool,
    },
    /// The run is of one shard of the import.
    Sharded {
        /// Which.
        shard: Shard,
        /// How fast it sends.
        rate: Rate,
        /// Requests at once.
        burst: u32,
        /// Whether the rate was named for this process alone, and is no portion of the whole import's.
        is_own: bool,
    },
    /// The ledger cannot be opened at once.
    Opening(Opening),
    /// The rows in flight, as was asked for; the oldest first.
    InFlight(Vec<Flight>),
    /// The rate was to be read again.
    RateRead(Result<Rate, String>),
    /// Answers are so slow that the requests that may be under way hold the rate.
    Crowded {
        /// Requests under way.
        under_way: usize,
        /// What one takes.
        latency: Duration,
        /// The rate that they allow, requests a second.
        rate: f64,
    },
    /// The process may open too few files for what was asked.
    FewFiles {
        /// Requests under way that were asked for.
        asked: usize,
        /// Those that may be.
        allowed: usize,
    },
    /// The metrics file cannot be written.
    Unmeasured {
        /// The file.
        file: String,
        /// What the system said.
        problem: String,
    },
    /// The whole pool pauses.
    Paused {
        /// Why.
        setback: PoolFailure,
        /// What was answered, or why nothing was.
        cause: Cause,
        /// For how long.
        pause: Duration,
    },
    /// No new request is made; those in flight are awaited.
    Draining {
        /// The signal, or none if the run stops by itself.
        signal: Option<Signal>,
        /// How many are awaited.
        in_flight: usize,
        /// For how long at most.
        grace: Duration,
    },
    /// Where the run is, a few times a second.
    Progress(Progress),
    /// Where a verification is.
    Verifying {
        /// Rows asked for.
        done: u64,
        /// Rows to ask for.
        total: u64,
        /// Which rows.
        what: &'static str,
    },
    /// A verification found something about a row.
    Verified(Finding),
}

/// What a verification found about a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The input's path, or `-`.
    pub source: String,
    /// The row's line.
    pub line: u64,
    /// The row's key.
    pub key: String,
    /// The contact that it is about, if there is one.
    pub contact_id: Option<String>,
    /// What.
    pub what: Discrepancy,
}

/// In what Connect and the ledger differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Discrepancy {
    /// Connect does not know the contact of a created row.
    Missing,
    /// The contact differs from what was sent, in these members.
    Different(Vec<&'static str>),
    /// The contact of an unknown row is there; the row is created from now on.
    Found,
    /// Contacts fit an unknown row, and it cannot be told whose they are.
    Ambiguous {
        /// The contacts.
        contacts: Vec<String>,
        /// The rows that were sent with the same name and attributes.
        rows: u32,
    },
    /// A created row has the contact of another row.
    Shared,
    /// The contact of an unknown row was not found, which proves nothing.
    NotFound,
    /// Connect refuses to say, or there is nothing to search by.
    Refused(Cause),
}

impl Discrepancy {
    /// Its published name.
    pub fn name(&self) -> &'static str {
        match self {
            Discrepancy::Missing => "missing",
            Discrepancy::Different(_) => "different",
            Discrepancy::Found => "found",
            Discrepancy::Ambiguous { .. } => "ambiguous",
            Discrepancy::Shared => "shared",
            Discrepancy::NotFound => "not_found",
            Discrepancy::Refused(_) => "refused",
        }
    }
}

/// A request under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flight {
    /// The input's path, or `-`.
    pub source: String,
    /// The row's line.
    pub line: u64,
    /// The row's key.
    pub key: String,
    /// Since the request left.
    pub time: Duration,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Rows to send in this run.
    pub to_send: u64,
    /// Rows created by this run.
    pub created: u64,
    /// Rows rejected by this run, those of the check included.
    pub rejected: u64,
    /// Rows whose attempts are used up.
    pub failed: u64,
    /// Rows that may have been created.
    pub unknown: u64,
    /// Rows of `to_send` that need no further attempt in this run.
    pub done: u64,
    /// Requests under way.
    pub in_flight: usize,
    /// Attempts that ended so far.
    pub attempts: u64,
    /// Of those, the ones that Connect throttled.
    pub throttled: u64,
    /// Of those, the ones that went unanswered.
    pub unanswered: u64,
    /// Rows created a second, over the last seconds.
    pub rate_now: f64,
    /// The set rate, requests a second; where it is found, that of now.
    pub rate_set: f64,
    /// Rows of `to_send` that this run gets done with a second, as far as the last minutes tell; 0 if they tell nothing.
    pub pace: f64,
    /// Since the first row could be sent.
    pub elapsed: Duration,
}

impl Progress {
    /// The time that the remaining rows take at the present pace, or at the set rate as long as
    /// nothing is known; at most 1,000 days.
    pub fn time_left(&self) -> Duration {
        let rate = if self.pace > 0.0 { self.pace } else { self.rate_set };
        let remaining = self.to_send.saturating_sub(self.done);
        Duration::from_secs_f64((remaining as f64 / rate).clamp(0.0, 86_400_000.0))
    }
}

/// Watches a run.
pub trait Observer: Send {
    /// Is told of each event, in order. It has no way to fail or to stop the run.
    fn observe(&mut self, event: &RunEvent);

    /// Is told that time passes, a few times a second and after every event, whether or not anything happens.
    fn tick(&mut self) {}
}

/// Events are told so much later at most. Whoever tells many a second does not wake the thread for each.
const BREATH: Duration = Duration::from_millis(5);

/// Observers hear so often that time passes where nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Takes events to observers on a thread of its own.
#[derive(Debug)]
pub struct Reporter {
    sender: mpsc::Sender<RunEvent>,
    thread: JoinHandle<()>,
}

impl Reporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(mut observers: Vec<Box<dyn Observer>>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<RunEvent>();
        let thread = std::thread::Builder::new().name("report".into()).spawn(move || {
            loop {
                let first = match receiver.recv_timeout(TICK) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                let happened = first.is_some();
                for event in first.into_iter().chain(receiver.try_iter()) {
                    for observer in &mut observers {
                        observer.observe(&event);
                    }
                }
                observers.iter_mut().for_each(|observer| observer.tick());
                if happened {
                    std::thread::sleep(BREATH);
                }
            }
        })?;
        Ok(Reporter { sender, thread })
    }

    /// Tells every observer, soon.
    pub fn emit(&self, event: RunEvent) {
        // The thread lives until `finish`; if an observer panicked, the import goes on unwatched.
        let _ = self.sender.send(event);
    }

    /// Waits until every event has been told.
    pub fn finish(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}
