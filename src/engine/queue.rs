//! Rows that the dispatcher has claimed: ready to be sent, or delayed until their next attempt.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Claim, RowId};

/// A claimed row and its attempts in this run.
pub(super) struct QueuedRow {
    pub(super) claim: Claim,
    /// Attempts that count towards the maximum.
    pub(super) attempts: u32,
}

/// Claimed rows that are not being attempted.
#[derive(Default)]
pub(super) struct RowQueue {
    ready: VecDeque<QueuedRow>,
    /// Delayed rows by the end of their delay.
    delayed: BTreeMap<(Instant, RowId), QueuedRow>,
}

impl RowQueue {
    /// Adds newly claimed rows at the back.
    pub(super) fn extend(&mut self, claims: Vec<Claim>) {
        self.ready.extend(claims.into_iter().map(|claim| QueuedRow { claim, attempts: 0 }));
    }

    /// Adds a row for another attempt after `delay`; without delay, at the front.
    pub(super) fn requeue(&mut self, row: QueuedRow, delay: Duration) {
        if delay.is_zero() {
            self.ready.push_front(row);
        } else {
            self.delayed.insert((Instant::now() + delay, row.claim.row), row);
        }
    }

    /// Removes the next ready row.
    pub(super) fn pop(&mut self) -> Option<QueuedRow> {
        self.ready.pop_front()
    }

    /// Number of ready rows.
    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// End of the shortest delay; none if no row is delayed.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((due, _), _)| *due)
    }

    /// Makes rows ready whose delay is over, at the front. During an outage they go to the back, so that each row is
    /// attempted in turn and any of them can find the service answering.
    pub(super) fn release_due(&mut self, is_outage: bool) {
        let now = Instant::now();
        while let Some(delayed) = self.delayed.first_entry().filter(|delayed| delayed.key().0 <= now) {
            let row = delayed.remove();
            if is_outage {
                self.ready.push_back(row);
            } else {
                self.ready.push_front(row);
            }
        }
    }
}
