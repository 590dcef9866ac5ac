//! Rows in the dispatcher's hands: those that may go, and those that wait for their own next attempt.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::Claim;

/// A row in the dispatcher's hands.
pub(super) struct Job {
    pub(super) claim: Claim,
    /// Counted attempts in this run.
    pub(super) tries: u32,
}

/// All of them.
#[derive(Default)]
pub(super) struct Rows {
    ready: VecDeque<Job>,
    delayed: BinaryHeap<Reverse<Delayed>>,
}

impl Rows {
    /// Takes rows that were claimed.
    pub(super) fn take(&mut self, claims: Vec<Claim>) {
        self.ready.extend(claims.into_iter().map(|claim| Job { claim, tries: 0 }));
    }

    /// Takes a row back, to go again after `delay`: the next one, if there is none.
    pub(super) fn take_back(&mut self, job: Job, delay: Duration) {
        if delay.is_zero() {
            self.ready.push_front(job);
        } else {
            self.delayed.push(Reverse(Delayed { due: Instant::now() + delay, job }));
        }
    }

    /// The next row that may go.
    pub(super) fn next(&mut self) -> Option<Job> {
        self.ready.pop_front()
    }

    /// How many may go.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// When the next delay is over; none if no row is delayed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.delayed.peek().map(|Reverse(delayed)| delayed.due)
    }

    /// Rows whose own delay is over go to the front; in an outage to the back, so that every row has a
    /// chance to be the one that is answered.
    pub(super) fn wake(&mut self, is_outage: bool) {
        let now = Instant::now();
        while self.due().is_some_and(|due| due <= now) {
            let Some(Reverse(delayed)) = self.delayed.pop() else { return };
            if is_outage {
                self.ready.push_back(delayed.job);
            } else {
                self.ready.push_front(delayed.job);
            }
        }
    }
}

/// A row that waits for its own next attempt.
struct Delayed {
    due: Instant,
    job: Job,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Delayed {}
impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.job.claim.row()).cmp(&(other.due, other.job.claim.row()))
    }
}
