//! The in-flight requests and their age: for SIGUSR1, the progress display, and the concurrency that slow answers need.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::InFlightRequest;
use crate::ledger::{Claim, RowId};

/// Tracks every request that was sent and neither answered nor given up.
#[derive(Debug, Default)]
pub(super) struct InFlightTracker(Mutex<BTreeMap<RowId, (Instant, InFlightRequest)>>);

/// A tracked request; dropping it ends the tracking.
pub(super) struct TrackedRequest<'a> {
    tracker: &'a InFlightTracker,
    row: RowId,
}

impl InFlightTracker {
    /// Tracks a request that is sent now.
    pub(super) fn track(&self, claim: &Claim) -> TrackedRequest<'_> {
        let request = InFlightRequest {
            source: claim.source.clone(),
            line: claim.line,
            key: claim.key.clone(),
            elapsed: Duration::ZERO,
        };
        self.lock().insert(claim.row, (Instant::now(), request));
        TrackedRequest { tracker: self, row: claim.row }
    }

    /// Number of requests in flight.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Age of the oldest request; zero without any.
    pub(super) fn oldest(&self) -> Duration {
        self.lock().values().map(|(sent, _)| sent.elapsed()).max().unwrap_or_default()
    }

    /// Every request in flight, the oldest first.
    pub(super) fn list(&self) -> Vec<InFlightRequest> {
        let aged = |(sent, request): &(Instant, InFlightRequest)| InFlightRequest {
            elapsed: sent.elapsed(),
            ..request.clone()
        };
        let mut requests: Vec<InFlightRequest> = self.lock().values().map(aged).collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.elapsed));
        requests
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RowId, (Instant, InFlightRequest)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TrackedRequest<'_> {
    fn drop(&mut self) {
        self.tracker.lock().remove(&self.row);
    }
}
