//! Everything that requests share, which the service keeps behind one lock, and its counters.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::api_error::{ApiError, ErrorCode};
use super::config::{Faults, SandboxConfig};
use super::contact::{StoredContact, ValidRequest};
use super::contact_store::{ContactStore, TokenLookup};
use super::error::SandboxError;
use super::operation::{OPERATIONS, Route};
use super::quota::OperationQuotas;
use super::random_faults::Repetitions;
use super::state_file::StateFile;

/// Counters of a sandbox since its start, as `GET /_sandbox/stats` shows them.
///
/// Every finished request is counted once in exactly one of `created`, `replayed`, `described`, `searched`,
/// `missing`, `throttled`, `denied`, `exceeded`, `refused`, `mismatched`, `failed` and `reset`. `lost` and
/// `slowed` count some of them a second time. Two kinds of requests are in `requests` alone: those whose
/// client closed the connection while sending, and those whose contact could not be written to the state
/// file.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct SandboxStats {
    /// Requests that arrived, without those for the sandbox's own pages.
    pub requests: u64,
    /// Requests that created a contact.
    pub created: u64,
    /// Requests answered with a contact that their client token had created before.
    pub replayed: u64,
    /// Requests answered with the description of a contact.
    pub described: u64,
    /// Requests answered with the contacts of a search, including an empty result.
    pub searched: u64,
    /// Requests answered with 404: the contact to describe does not exist in the instance.
    pub missing: u64,
    /// Requests answered with 429.
    pub throttled: u64,
    /// Requests answered with 403.
    pub denied: u64,
    /// Requests answered with 402: the quota on the number of contacts is used up.
    pub exceeded: u64,
    /// Requests answered with another 4xx: invalid, undecodable, too large, unknown operation.
    pub refused: u64,
    /// Requests answered with 409: the client token was used before with other members.
    pub mismatched: u64,
    /// Requests answered with 500 by a fault.
    pub failed: u64,
    /// Requests whose connection a fault closed before the operation.
    pub reset: u64,
    /// Of `created` and `replayed`: requests whose connection a fault closed instead of a response.
    pub lost: u64,
    /// Creations answered with the id of another contact.
    pub stale: u64,
    /// Of all: requests whose response a fault delayed beyond the latency.
    pub slowed: u64,
    /// Number of contacts, including those of earlier runs from the state file.
    pub contacts: u64,
    /// Quota of each operation that creates contacts, requests per second; `None` if no operation has a
    /// quota.
    pub rate: Option<f64>,
    /// Burst of that quota, requests.
    pub burst: u32,
}

impl SandboxStats {
    /// Counts a request answered with an error of the service.
    pub(super) fn count_error(&mut self, code: ErrorCode) {
        match code {
            ErrorCode::NotFound => self.missing += 1,
            ErrorCode::Throttling => self.throttled += 1,
            ErrorCode::AccessDenied => self.denied += 1,
            ErrorCode::QuotaExceeded => self.exceeded += 1,
            ErrorCode::Idempotency => self.mismatched += 1,
            // The state file could not be written: the request stays in `requests` alone.
            ErrorCode::Internal => {}
            ErrorCode::Serialization
            | ErrorCode::UnknownOperation
            | ErrorCode::TooLarge
            | ErrorCode::InvalidRequest
            | ErrorCode::InvalidParameter => self.refused += 1,
        }
    }
}

/// The shared state. Counters, contacts and state file change together, so that they are always consistent.
pub(super) struct SandboxState {
    quotas: Option<OperationQuotas>,
    pub(super) contacts: ContactStore,
    pub(super) file: Option<StateFile>,
    /// Empty while no fault is random.
    pub(super) repetitions: Repetitions,
    pub(super) stats: SandboxStats,
    /// The first error of writing the state file.
    pub(super) failure: Option<SandboxError>,
}

impl SandboxState {
    /// The state with the contacts of the state file.
    pub(super) fn open(config: &SandboxConfig) -> Result<SandboxState, SandboxError> {
        let SandboxConfig { rate, burst, state, faults, .. } = config;
        let mut contacts = ContactStore::new(fastrand::Rng::new(), faults);
        let insert = |contact| drop(contacts.insert(contact));
        let file = state.as_deref().map(|path| StateFile::open(path, insert));
        Ok(SandboxState {
            quotas: rate.map(|rate| OperationQuotas::new(rate, *burst, Instant::now())),
            file: file.transpose()?,
            contacts,
            repetitions: Repetitions::new(),
            stats: SandboxStats { rate: *rate, burst: *burst, ..SandboxStats::default() },
            failure: None,
        })
    }

    /// Counts a request, and denies or throttles it by its number or by the quota of its operation. A request
    /// for an unknown operation takes no token: quotas are per operation.
    pub(super) fn admit<'a>(
        &mut self,
        route: Option<Route<'a>>,
        faults: &Faults,
        now: Instant,
    ) -> Result<Route<'a>, ApiError> {
        self.stats.requests += 1;
        let number = self.stats.requests;
        let error = if let Some(route) = route {
            if faults.is_denied(number) {
                ApiError::new(ErrorCode::AccessDenied, "the sandbox denies every further request")
            } else if faults.is_throttled(number)
                || self.quotas.as_mut().is_some_and(|quotas| !quotas.take(route.operation(), now))
            {
                ApiError::new(ErrorCode::Throttling, "Rate exceeded")
            } else {
                return Ok(route);
            }
        } else {
            let message = format!("the sandbox supports these operations: {OPERATIONS}");
            ApiError::new(ErrorCode::UnknownOperation, message)
        };
        self.stats.count_error(error.code);
        Err(error)
    }

    /// Replaces the contact of a successful answer by the one before it, if there is one.
    pub(super) fn answer_with_another_contact(&mut self, result: &mut Result<Value, ApiError>) {
        let Ok(answer) = result else { return };
        let end = self.contacts.len();
        let mut last_two = self.contacts.contacts(end.saturating_sub(2)..end);
        let other =
            last_two.find(|contact| answer["ContactId"] != *contact.id).map(|contact| contact.creation());
        if let Some(other) = other {
            *answer = other;
            self.stats.stale += 1;
        }
    }

    /// Creates a contact, or finds the one that the client token created before. A new contact is written to
    /// the state file first.
    pub(super) fn create(
        &mut self,
        request: &ValidRequest<'_>,
        faults: &Faults,
        now: SystemTime,
    ) -> Result<Arc<StoredContact>, ApiError> {
        let contact = match self.contacts.look_up(request, now)? {
            TokenLookup::Known(contact) => {
                self.stats.replayed += 1;
                return Ok(contact);
            }
            TokenLookup::New(contact) => contact,
        };
        if faults.is_full(self.contacts.len()) {
            let message = "the sandbox has as many contacts as its quota allows";
            return Err(ApiError::new(ErrorCode::QuotaExceeded, message));
        }
        if let Some(file) = &mut self.file
            && let Err(error) = file.append(&contact)
        {
            // Later errors only follow from the first one.
            self.failure.get_or_insert(error);
            return Err(ApiError::new(ErrorCode::Internal, "the sandbox could not write its state file"));
        }
        self.stats.created += 1;
        Ok(self.contacts.insert(contact))
    }
}
