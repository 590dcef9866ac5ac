//! Length of the pool's pauses after failures. Pure: failures and a random number in, a pause out.

use std::time::Duration;

/// A failure that concerns the whole pool, whatever the row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum PoolFailure {
    /// Connect throttled an attempt.
    Throttled,
    /// The connection was not made.
    Unreachable,
    /// The credentials provider did not answer.
    CredentialsUnavailable,
    /// Several rows in succession are unanswered.
    Unanswered,
}

/// Failures in succession, without an answer in between.
///
/// The n-th pause is drawn from the upper half of `base * 2^(n-1)`, at most 30 s: exponential backoff with equal
/// jitter, so that machines which share a quota do not retry at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    failures: u32,
    /// Whether the endpoint answered in this run.
    is_reached: bool,
}

const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Longest pause that the service may ask for. Quotas of AWS refill within seconds and most faults end within minutes; a
/// wrong header must not stop a run for a night, and a service that is still not ready asks again.
pub(super) const MAX_ASKED_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Failures in succession that end the run. With their pauses this takes about seven minutes.
const MAX_FAILURES: u32 = 20;

/// Failures in succession that end a run whose endpoint never answered: most likely it is the wrong endpoint.
const MAX_FAILURES_UNREACHED: u32 = 6;

impl Backoff {
    /// A backoff for a pool of `rate` requests per second. The first pause after a throttle takes as long as about two
    /// requests, 0.1 to 2 s.
    pub(super) fn new(rate: f64) -> Self {
        Backoff { base: base(rate), failures: 0, is_reached: false }
    }

    /// Continues for a pool of another rate.
    pub(super) fn set_rate(&mut self, rate: f64) {
        self.base = base(rate);
    }

    /// Records an answer other than a throttle.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.is_reached = true;
    }

    /// Records a failure of an attempt that was permitted after the last pause. Returns the pause, or `None` if the run
    /// should end. `random` is in `0..1`.
    pub(super) fn failed(&mut self, failure: PoolFailure, random: f64) -> Option<Duration> {
        let base = match failure {
            PoolFailure::Throttled => {
                self.is_reached = true;
                self.base
            }
            // An outage takes longer to end than a token bucket to refill.
            PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable | PoolFailure::Unanswered => {
                self.base.max(Duration::from_millis(500))
            }
        };
        self.failures += 1;
        let max_failures = if self.is_reached { MAX_FAILURES } else { MAX_FAILURES_UNREACHED };
        if self.failures >= max_failures {
            return None;
        }
        let doubled = base.saturating_mul(1 << (self.failures - 1).min(16)).min(MAX_PAUSE);
        Some(doubled.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0))
    }
}

fn base(rate: f64) -> Duration {
    Duration::from_secs_f64((2.0 / rate).clamp(0.1, 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_thirty_seconds() {
        let mut backoff = Backoff::new(2.0);
        let pauses: Vec<f64> = std::iter::from_fn(|| backoff.failed(PoolFailure::Throttled, 1.0))
            .map(|pause| pause.as_secs_f64())
            .collect();
        assert_eq!(pauses[..6], [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]);
        assert_eq!(pauses.len(), 19);
        assert!(pauses.iter().all(|pause| *pause <= 30.0));
    }

    #[test]
    fn an_answer_resets_the_pauses() {
        let mut backoff = Backoff::new(2.0);
        backoff.failed(PoolFailure::Throttled, 0.0);
        backoff.failed(PoolFailure::Throttled, 0.0);
        backoff.answered();
        assert_eq!(backoff.failed(PoolFailure::Throttled, 0.0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn an_endpoint_that_never_answered_is_given_up_sooner() {
        let mut never = Backoff::new(2.0);
        let pauses_without = std::iter::from_fn(|| never.failed(PoolFailure::Unreachable, 0.5)).count();
        let mut once = Backoff::new(2.0);
        once.answered();
        let pauses_with = std::iter::from_fn(|| once.failed(PoolFailure::Unanswered, 0.5)).count();
        assert_eq!((pauses_without, pauses_with), (5, 19));
    }
}
