//! What one request does to everything the sandbox remembers.
//!
//! All of it is behind one lock, so that counters, contacts and state file always tell the same
//! story. The lock is held for microseconds, and across the write of one line to the state file.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use super::error::SandboxError;
use super::journal::Journal;
use super::limits;
use super::model::{self, Created, Model, Plan, Request};
use super::operation::Operation;
use super::quota::Quota;
use super::refusal::{Code, Refusal};
use super::stats::Stats;
use super::wire::{self, Input};

/// About how many bytes of contacts are copied at a time while the lock is held.
const PIECE: usize = 64 * 1024;

pub(super) struct Service {
    state: Mutex<State>,
    latency: Duration,
    broken: Notify,
}

struct State {
    quota: Option<Quota>,
    model: Model,
    journal: Option<Journal>,
    stats: Stats,
    failure: Option<SandboxError>,
}

impl Service {
    /// A service with the contacts of the state file.
    pub(super) fn open(
        quota: Option<Quota>,
        rate: Option<f64>,
        burst: u32,
        latency: Duration,
        state_file: Option<&Path>,
    ) -> Result<Service, SandboxError> {
        let mut model = Model::new(fastrand::Rng::new());
        let journal =
            state_file.map(|path| Journal::open(path, |contact| model.insert(contact))).transpose()?;
        let stats = Stats { rate, burst, ..Stats::default() };
        Ok(Service {
            state: Mutex::new(State { quota, model, journal, stats, failure: None }),
            latency,
            broken: Notify::new(),
        })
    }

    /// Counts a request and takes its token from the operation's bucket.
    pub(super) fn arrive(&self, operation: Operation, now: Instant) -> Result<(), Refusal> {
        let mut state = self.lock();
        state.stats.requests += 1;
        if state.quota.as_mut().is_none_or(|quota| quota.take(operation, now)) {
            return Ok(());
        }
        state.stats.throttled += 1;
        Err(Refusal::new(Code::Throttling, "Rate exceeded"))
    }

    /// Counts and refuses a request for an operation there is not. Quotas are per operation: it
    /// costs nothing.
    pub(super) fn arrive_unknown(&self) -> Refusal {
        let mut state = self.lock();
        state.stats.requests += 1;
        state.stats.refused += 1;
        let known = Operation::ALL.map(|operation| format!("PUT {}", operation.path()));
        let message = format!("the sandbox knows these operations: {}", known.join(", "));
        Refusal::new(Code::UnknownOperation, message)
    }

    /// Performs an operation. On `Ok` the contact is in the state file, if there is one.
    pub(super) fn perform(
        &self,
        operation: Operation,
        body: Result<Vec<u8>, Refusal>,
        region: &str,
        now: SystemTime,
    ) -> Result<Created, Refusal> {
        // Decoding and checking need nothing that is behind the lock.
        let members = body.and_then(|body| wire::decode(&body));
        let request = members.as_ref().map_err(Clone::clone).and_then(|members| {
            let input = Input::read(operation, members)?;
            limits::check(&input, now)?;
            Ok(Request {
                operation,
                instance_id: input.common.instance_id.unwrap_or_default(),
                client_token: input.common.client_token,
                region,
                members,
                digest: model::digest(members),
            })
        });
        let mut state = self.lock();
        let outcome = request.and_then(|request| state.create(&request, now));
        match &outcome {
            Ok(created) if created.replayed => state.stats.replayed += 1,
            Ok(_) => state.stats.created += 1,
            Err(refusal) => match refusal.code {
                Code::Idempotency => state.stats.mismatched += 1,
                Code::Throttling => state.stats.throttled += 1,
                Code::Internal => self.broken.notify_one(),
                Code::Serialization
                | Code::UnknownOperation
                | Code::TooLarge
                | Code::InvalidRequest
                | Code::InvalidParameter => state.stats.refused += 1,
            },
        }
        outcome
    }

    pub(super) fn latency(&self) -> Duration {
        self.latency
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
        for document in state.model.documents(from..end) {
            if next > from {
                piece.push_str(",\n");
            }
            piece.push_str(document);
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

impl State {
    fn create(&mut self, request: &Request<'_>, now: SystemTime) -> Result<Created, Refusal> {
        match self.model.plan(request, now)? {
            Plan::Replay(created) => Ok(created),
            Plan::New(contact) => {
                let created = contact.created();
                if let Some(journal) = &mut self.journal
                    && let Err(error) = journal.append(&contact)
                {
                    // The first failure is the cause; later ones only follow from it.
                    self.failure.get_or_insert(error);
                    let message = "the sandbox could not write its state file";
                    return Err(Refusal::new(Code::Internal, message));
                }
                self.model.insert(contact);
                Ok(created)
            }
        }
    }
}

impl fmt::Debug for Service {
    /// Leaves the contacts out: they hold names and descriptions.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("stats", &self.stats())
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_scheduled_task_that_comes_again_after_its_time_is_refused() {
        let service = Service::open(None, None, 0, Duration::ZERO, None).unwrap();
        let start = |now: u64| {
            let body =
                br#"{"InstanceId":"i","Name":"n","ContactFlowId":"f","ClientToken":"t","ScheduledTime":100}"#;
            let now = UNIX_EPOCH + Duration::from_secs(now);
            service.perform(Operation::StartTaskContact, Ok(body.to_vec()), "r", now)
        };
        let first = start(99).unwrap();
        let second = start(100).unwrap();
        assert_eq!((first.id, second.replayed), (second.id, true));
        assert_eq!(start(101).unwrap_err().code, Code::InvalidParameter);
        assert_eq!(service.contact_count(), 1);
    }
}
