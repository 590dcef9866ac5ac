//! How long a request and its answer are on their way. Pure but for its counter: a function of the seed and of a number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::SandboxError;
use super::fate::chance;

/// The latency of a sandbox, drawn anew for each request.
#[derive(Debug)]
pub(super) struct Latency {
    mean: Duration,
    jitter: f64,
    seed: u64,
    /// How many were drawn. The faults' counters are not used: a latency depends on nothing but its turn.
    drawn: AtomicU64,
}

/// How long one request is on its way, and then its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) there: Duration,
    pub(super) back: Duration,
}

impl Latency {
    /// A latency of `mean`, and of up to the share `jitter` of it more or less.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Jitter`] if the share is not a number from 0 to 1.
    pub(super) fn new(mean: Duration, jitter: f64, seed: u64) -> Result<Latency, SandboxError> {
        // NaN is in no range.
        if !(0.0..=1.0).contains(&jitter) {
            return Err(SandboxError::Jitter(jitter));
        }
        Ok(Latency { mean, jitter, seed, drawn: AtomicU64::new(0) })
    }

    /// The way of the next request. As on a wire, half of it lies before the request arrives.
    pub(super) fn next(&self) -> Way {
        let whole = self.of(self.drawn.fetch_add(1, Ordering::Relaxed));
        let there = whole / 2;
        Way { there, back: whole - there }
    }

    /// The latency of the request of this number, counted from 0.
    fn of(&self, number: u64) -> Duration {
        if self.jitter == 0.0 {
            return self.mean;
        }
        // Arrivals are counted from 1, so no fault has this die.
        let from_minus_1_to_1 = 2.0 * chance("latency", self.seed, number, 0) - 1.0;
        let seconds = self.mean.as_secs_f64() * (1.0 + self.jitter * from_minus_1_to_1);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: Duration = Duration::from_millis(40);

    fn drawn(mean: Duration, jitter: f64, seed: u64) -> Vec<Way> {
        let latency = Latency::new(mean, jitter, seed).unwrap();
        (0..10_000).map(|_| latency.next()).collect()
    }

    #[test]
    fn half_of_it_lies_before_the_arrival_and_half_after() {
        let ways = drawn(MEAN, 0.3, 7);
        assert!(ways.iter().all(|way| way.back - way.there <= Duration::from_nanos(1)));
    }

    #[test]
    fn without_jitter_it_is_always_the_same() {
        let halves = Way { there: MEAN / 2, back: MEAN / 2 };
        assert!(drawn(MEAN, 0.0, 7).iter().all(|way| *way == halves));
        let none = Way { there: Duration::ZERO, back: Duration::ZERO };
        assert!(drawn(Duration::ZERO, 1.0, 7).iter().all(|way| *way == none));
    }

    #[test]
    fn it_is_spread_evenly_over_its_share() {
        for (jitter, least, most) in [(0.3, 28, 52), (1.0, 0, 80)] {
            let whole: Vec<Duration> =
                drawn(MEAN, jitter, 7).iter().map(|way| way.there + way.back).collect();
            let [least, most] = [least, most].map(Duration::from_millis);
            assert!(whole.iter().all(|time| (least..=most).contains(time)));
            // A tenth of the draws in each tenth of the range.
            let mut tenths = [0_u32; 10];
            for time in whole {
                let place = (time - least).as_secs_f64() / (most - least).as_secs_f64();
                tenths[((place * 10.0) as usize).min(9)] += 1;
            }
            assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_again() {
        assert_eq!(drawn(MEAN, 0.3, 7), drawn(MEAN, 0.3, 7));
        assert_ne!(drawn(MEAN, 0.3, 7), drawn(MEAN, 0.3, 8));
    }

    #[test]
    fn the_longest_latency_is_no_trouble() {
        assert!(drawn(Duration::MAX, 1.0, 7).iter().all(|way| way.there <= way.back));
    }

    #[test]
    fn a_share_beyond_0_to_1_is_an_error_that_says_it() {
        for jitter in [0.0, -0.0, 0.3, 1.0] {
            assert!(Latency::new(MEAN, jitter, 7).is_ok());
        }
        for jitter in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = Latency::new(MEAN, jitter, 7).unwrap_err().to_string();
            assert!(error.contains(&jitter.to_string()), "{error}");
        }
    }
}
