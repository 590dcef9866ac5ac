//! What goes over the wire, gathered for the ledger's record.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Settlement, Traffic};
use crate::pacing::PoolFailure;
use crate::submission::Decision;

/// How often it is written down: a crash loses that much of the record at most.
const OFTEN: Duration = Duration::from_secs(10);

/// Attempts since the record was last written.
pub(super) struct Gathered {
    traffic: Traffic,
    minute: i64,
    since: Instant,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Gathered { traffic: Traffic::default(), minute: this_minute(), since: Instant::now() }
    }

    /// An attempt ended.
    pub(super) fn add(&mut self, decision: &Decision, took: Duration) {
        self.traffic.attempts += 1;
        self.traffic.created += u64::from(matches!(decision.settlement, Settlement::Created(_)));
        match decision.pool {
            None => self.traffic.answered(took),
            Some(PoolFailure::Throttled) => self.traffic.throttled += 1,
            Some(PoolFailure::Unanswered) => self.traffic.unanswered += 1,
            Some(PoolFailure::OutOfReach | PoolFailure::NoCredentialsYet) => {}
        }
    }

    /// The minute, and what is to be written down of it, if it is time: also that nothing happened, so that the record
    /// says how far it goes. `rate` is the one that is set or found.
    pub(super) fn take(&mut self, rate: f64, is_over: bool) -> Option<(i64, Traffic)> {
        let now = this_minute();
        let is_due = is_over || now != self.minute || self.since.elapsed() >= OFTEN;
        if !is_due {
            return None;
        }
        let minute = std::mem::replace(&mut self.minute, now);
        self.since = Instant::now();
        let mut traffic = std::mem::take(&mut self.traffic);
        traffic.rate = rate;
        Some((minute, traffic))
    }
}

/// Minutes since 1970.
fn this_minute() -> i64 {
    jiff::Timestamp::now().as_second().div_euclid(60)
}
