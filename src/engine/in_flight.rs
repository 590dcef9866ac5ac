//! The requests under way; for show alone, nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::InFlightRequest;
use crate::ledger::{Claim, RowId};

/// Every row whose request is under way.
#[derive(Debug, Default)]
pub(super) struct InFlightTracker(Mutex<BTreeMap<RowId, Underway>>);

#[derive(Debug)]
struct Underway {
    source: String,
    line: u64,
    key: String,
    since: Instant,
}

/// A request under way, until it is dropped.
pub(super) struct Departed<'a> {
    flights: &'a InFlightTracker,
    row: RowId,
}

impl InFlightTracker {
    /// Notes that a row's request leaves.
    pub(super) fn depart(&self, claim: &Claim) -> Departed<'_> {
        let underway = Underway {
            source: claim.source().to_owned(),
            line: claim.line(),
            key: claim.key().to_owned(),
            since: Instant::now(),
        };
        self.lock().insert(claim.row(), underway);
        Departed { flights: self, row: claim.row() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// For how long the oldest has been under way.
    pub(super) fn oldest(&self) -> Duration {
        self.lock().values().map(|flight| flight.since.elapsed()).max().unwrap_or_default()
    }

    /// All of them, the oldest first.
    pub(super) fn list(&self) -> Vec<InFlightRequest> {
        let flights = self.lock();
        let mut underway: Vec<&Underway> = flights.values().collect();
        underway.sort_by_key(|flight| flight.since);
        let flight = |flight: &&Underway| InFlightRequest {
            source: flight.source.clone(),
            line: flight.line,
            key: flight.key.clone(),
            elapsed: flight.since.elapsed(),
        };
        underway.iter().map(flight).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RowId, Underway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Departed<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.row);
    }
}
