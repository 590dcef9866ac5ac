//! How long the pool pauses after a setback. Pure: events and a random number in, a pause out.

use std::time::Duration;

/// What holds the whole pool up, no matter which row it hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum PoolFailure {
    /// Connect throttled an attempt.
    Throttled,
    /// No connection was made.
    Unreachable,
    /// The provider of the credentials did not answer.
    CredentialsUnavailable,
    /// Row after row goes unanswered.
    Unanswered,
}

/// Setbacks in a row, without an answer in between.
///
/// The n-th pause is drawn from the upper half of `base * 2^(n-1)`, at most 30 s: exponential backoff
/// with equal jitter, so that machines which share a quota fall out of step.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    episodes: u32,
    /// Whether the endpoint has ever answered in this run.
    reached: bool,
}

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Setbacks in a row after which the run gives up. With the pauses this is about seven minutes.
const PATIENCE: u32 = 20;

/// The same for an endpoint that has never answered in this run: most likely it is the wrong one.
const PATIENCE_UNREACHED: u32 = 6;

impl Backoff {
    /// A backoff for a pool of `rate` requests a second: the first pause after throttling is about
    /// two requests long, within 0.1 s and 2 s.
    pub(super) fn new(rate: f64) -> Self {
        Backoff { base: base(rate), episodes: 0, reached: false }
    }

    /// Goes on for a pool of another rate.
    pub(super) fn set_rate(&mut self, rate: f64) {
        self.base = base(rate);
    }

    /// An attempt was answered, other than by throttling.
    pub(super) fn answered(&mut self) {
        self.episodes = 0;
        self.reached = true;
    }

    /// An attempt that was permitted after the last pause met a setback; `random` is in `0..1`.
    /// The pause, or none if patience is at its end.
    pub(super) fn setback(&mut self, setback: PoolFailure, random: f64) -> Option<Duration> {
        let base = match setback {
            PoolFailure::Throttled => {
                self.reached = true;
                self.base
            }
            // Whatever is broken takes longer to mend than a bucket to fill.
            PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable | PoolFailure::Unanswered => {
                self.base.max(Duration::from_millis(500))
            }
        };
        self.episodes += 1;
        let patience = if self.reached { PATIENCE } else { PATIENCE_UNREACHED };
        if self.episodes >= patience {
            return None;
        }
        let doubled = base.saturating_mul(1 << (self.episodes - 1).min(16)).min(LONGEST);
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
    fn pauses_double_and_never_pass_thirty_seconds() {
        let mut backoff = Backoff::new(2.0);
        let pauses: Vec<f64> = std::iter::from_fn(|| backoff.setback(PoolFailure::Throttled, 1.0))
            .map(|pause| pause.as_secs_f64())
            .collect();
        assert_eq!(pauses[..6], [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]);
        assert_eq!(pauses.len(), 19);
        assert!(pauses.iter().all(|pause| *pause <= 30.0));
    }

    #[test]
    fn an_answer_forgives_what_came_before() {
        let mut backoff = Backoff::new(2.0);
        backoff.setback(PoolFailure::Throttled, 0.0);
        backoff.setback(PoolFailure::Throttled, 0.0);
        backoff.answered();
        assert_eq!(backoff.setback(PoolFailure::Throttled, 0.0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn an_endpoint_that_never_answered_is_given_up_sooner() {
        let mut never = Backoff::new(2.0);
        let tries = std::iter::from_fn(|| never.setback(PoolFailure::Unreachable, 0.5)).count();
        let mut once = Backoff::new(2.0);
        once.answered();
        let more = std::iter::from_fn(|| once.setback(PoolFailure::Unanswered, 0.5)).count();
        assert_eq!((tries, more), (5, 19));
    }
}
