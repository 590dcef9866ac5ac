//! What one request does to everything the sandbox remembers.
//!
//! All of it is behind one lock, so that counters, contacts and state file always tell the same
//! story. The lock is held for microseconds, and across the write of one line to the state file.

mod create;
mod read;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::sync::Notify;

use super::SandboxConfig;
use super::arrivals::Arrivals;
use super::error::SandboxError;
use super::fate::{Fate, Subject};
use super::faults::Faults;
use super::journal::Journal;
use super::latency::{Latency, Way};
use super::model::{Created, Model, TokenMemory};
use super::operation::Operation;
use super::quota::Quota;
use super::refusal::{Code, Refusal};
use super::route::Route;
use super::stats::Stats;
use super::wire::{self, Labels};

/// About how many bytes of contacts are copied at a time while the lock is held.
const PIECE: usize = 64 * 1024;

pub(super) struct Service {
    state: Mutex<State>,
    latency: Latency,
    faults: Faults,
    seed: u64,
    broken: Notify,
}

struct State {
    quota: Option<Quota>,
    model: Model,
    journal: Option<Journal>,
    /// Empty while no fault is random.
    arrivals: Arrivals,
    stats: Stats,
    failure: Option<SandboxError>,
}

/// What an operation answers.
#[derive(Debug)]
pub(super) enum Reply {
    /// A contact was created, or had been by the same client token.
    Created(Created),
    /// The body of another answer.
    Read(Value),
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is answered, this much later than the latency.
    Answer(Result<Reply, Refusal>, Duration),
    /// Its connection is closed.
    OutageDetector,
}

impl Service {
    /// A service with the contacts of the state file. `quota` and `latency` are made from the same
    /// configuration.
    pub(super) fn open(
        config: SandboxConfig,
        quota: Option<Quota>,
        latency: Latency,
    ) -> Result<Service, SandboxError> {
        let SandboxConfig { rate, burst, state, faults, seed, .. } = config;
        let memory = TokenMemory { window: faults.token_window, forget_completed: faults.forget_completed };
        let mut model = Model::new(fastrand::Rng::new(), memory);
        let journal = state.map(|path| Journal::open(&path, |contact| model.insert(contact))).transpose()?;
        let stats = Stats { rate, burst, ..Stats::default() };
        let arrivals = Arrivals::default();
        Ok(Service {
            state: Mutex::new(State { quota, model, journal, arrivals, stats, failure: None }),
            latency,
            faults,
            seed,
            broken: Notify::new(),
        })
    }

    /// Counts a request, and denies or throttles it by its number or by the operation's bucket.
    pub(super) fn arrive(&self, operation: Operation, now: Instant) -> Result<(), Refusal> {
        let mut state = self.lock();
        state.stats.requests += 1;
        let number = state.stats.requests;
        if self.faults.denies(number) {
            state.stats.refuse(Code::AccessDenied);
            return Err(Refusal::new(Code::AccessDenied, "the sandbox denies every further request"));
        }
        let throttled = self.faults.throttles(number)
            || state.quota.as_mut().is_some_and(|quota| !quota.take(operation, now));
        if throttled {
            state.stats.refuse(Code::Throttling);
            return Err(Refusal::new(Code::Throttling, "Rate exceeded"));
        }
        Ok(())
    }

    /// Counts and refuses a request for an operation there is not. Quotas are per operation: it
    /// costs nothing.
    pub(super) fn arrive_unknown(&self) -> Refusal {
        let mut state = self.lock();
        state.stats.requests += 1;
        state.stats.refuse(Code::UnknownOperation);
        let known = Operation::ALL.map(|operation| format!("{} {}", operation.method(), operation.path()));
        let message = format!("the sandbox knows these operations: {}", known.join(", "));
        Refusal::new(Code::UnknownOperation, message)
    }

    /// Performs an operation, unless a fault comes before it. If a contact was created, it is in
    /// the state file, if there is one.
    pub(super) fn perform(
        &self,
        route: Route<'_>,
        body: Result<Vec<u8>, Refusal>,
        region: &str,
        now: SystemTime,
    ) -> Outcome {
        let operation = route.operation();
        let bytes = body.as_deref().unwrap_or_default();
        match route {
            Route::Create(creation) => {
                let members = body.as_ref().map_err(Clone::clone).and_then(|body| wire::decode(body));
                let token = members.as_ref().ok().and_then(|members| members.get("ClientToken")?.as_str());
                let fate = self.fate(operation, token.map_or(Subject::Body(bytes), Subject::Token));
                self.unless_cut_short(fate, || self.create(creation, members.as_ref(), region, fate, now))
            }
            Route::Describe { instance_id, contact_id } => {
                let labels = Labels::read(instance_id, contact_id);
                let id = labels.as_ref().map_or(contact_id, |labels| &labels.contact_id);
                let fate = self.fate(operation, Subject::Contact(id));
                self.unless_cut_short(fate, || self.describe(labels.as_ref(), fate))
            }
            Route::Search => {
                let fate = self.fate(operation, Subject::Body(bytes));
                self.unless_cut_short(fate, || self.search(body.as_ref(), fate, now))
            }
        }
    }

    /// The random faults that meet a request about the subject.
    fn fate(&self, operation: Operation, subject: Subject<'_>) -> Fate {
        if !self.faults.are_random() {
            return Fate::default();
        }
        let subject = subject.digest(operation);
        let arrival = self.lock().arrivals.count(subject);
        Fate::decide(&self.faults, self.seed, subject, arrival)
    }

    /// The faults that come before the operation.
    fn unless_cut_short(&self, fate: Fate, operation: impl FnOnce() -> Outcome) -> Outcome {
        if fate.reset {
            self.lock().stats.reset += 1;
            return Outcome::OutageDetector;
        }
        if fate.fail {
            self.lock().stats.failed += 1;
            let refusal = Refusal::new(Code::Internal, "the sandbox fails on purpose");
            return Outcome::Answer(Err(refusal), Duration::ZERO);
        }
        operation()
    }

    /// The faults that come after the operation.
    fn settle(&self, state: &mut State, answer: Result<Reply, Refusal>, fate: Fate) -> Outcome {
        if fate.lose && matches!(answer, Ok(Reply::Created(_))) {
            state.stats.lost += 1;
            return Outcome::OutageDetector;
        }
        match self.faults.slow {
            Some(slow) if fate.slow => {
                state.stats.slowed += 1;
                Outcome::Answer(answer, slow.duration)
            }
            Some(_) | None => Outcome::Answer(answer, Duration::ZERO),
        }
    }

    /// How long the next request and its answer are on their way.
    pub(super) fn way(&self) -> Way {
        self.latency.next()
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats { contacts: state.model.len() as u64, ..state.stats }
    }

    pub(super) fn contact_count(&self) -> usize {
        self.lock().model.len()
    }

    /// Contacts as JSON objects with commas between them, from `from` on, below `end`, about one
    /// piece of them; and the index of the next.
    pub(super) fn contact_documents(&self, from: usize, end: usize) -> (String, usize) {
        let state = self.lock();
        let mut piece = String::new();
        let mut next = from;
        for contact in state.model.contacts(from..end) {
            if next > from {
                piece.push_str(",\n");
            }
            piece.push_str(contact.document());
            next += 1;
            if piece.len() >= PIECE {
                return (piece, next);
            }
        }
        (piece, end)
    }

    /// Resolves once the state file could not be written.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// Lets go of the state file, so that another sandbox can have it even if a handle is kept,
    /// and tells why it could not be written, if so. For when no connection is left.
    pub(super) fn close(&self) -> Option<SandboxError> {
        let mut state = self.lock();
        state.journal = None;
        state.failure.take()
    }

    #[cfg(test)]
    pub(super) fn spoil_state_file(&self) {
        if let Some(journal) = &mut self.lock().journal {
            journal.spoil();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; if something did, the counters are still worth
        // more than a second panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Service {
    /// Leaves the contacts out: they hold names and descriptions.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("stats", &self.stats())
            .field("latency", &self.latency)
            .field("faults", &self.faults)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
