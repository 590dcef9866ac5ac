//! The latency of requests. Pure but for its counter: a function of the seed and of the request's number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::random_faults::random_share;

/// The latency of a sandbox, drawn for each request.
#[derive(Debug)]
pub(super) struct Latency {
    mean: Duration,
    jitter: f64,
    seed: u64,
    /// Number of draws. The counters of the faults are separate: faults do not change latencies.
    draws: AtomicU64,
}

impl Latency {
    /// A latency of `mean`, and up to the share `jitter` of it (0 to 1) more or less.
    pub(super) fn new(mean: Duration, jitter: f64, seed: u64) -> Latency {
        Latency { mean, jitter, seed, draws: AtomicU64::new(0) }
    }

    /// Draws the latency of the next request: its halves before and after the operation, as on a network.
    pub(super) fn draw(&self) -> (Duration, Duration) {
        let whole = self.of_request(self.draws.fetch_add(1, Ordering::Relaxed));
        let before = whole / 2;
        (before, whole - before)
    }

    /// The latency of the request with this number, counted from 0.
    fn of_request(&self, number: u64) -> Duration {
        if self.jitter == 0.0 {
            return self.mean;
        }
        // Repetitions are counted from 1, so no fault uses this number.
        let from_minus_1_to_1 = 2.0 * random_share("latency", self.seed, number, 0) - 1.0;
        let seconds = self.mean.as_secs_f64() * (1.0 + self.jitter * from_minus_1_to_1);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: Duration = Duration::from_millis(40);

    fn draws(mean: Duration, jitter: f64, seed: u64) -> Vec<(Duration, Duration)> {
        let latency = Latency::new(mean, jitter, seed);
        (0..10_000).map(|_| latency.draw()).collect()
    }

    #[test]
    fn half_of_it_is_before_the_operation_and_half_after() {
        let draws = draws(MEAN, 0.3, 7);
        assert!(draws.iter().all(|(before, after)| *after - *before <= Duration::from_nanos(1)));
    }

    #[test]
    fn without_jitter_it_is_constant() {
        let constant = (MEAN / 2, MEAN / 2);
        assert!(draws(MEAN, 0.0, 7).iter().all(|halves| *halves == constant));
        let none = (Duration::ZERO, Duration::ZERO);
        assert!(draws(Duration::ZERO, 1.0, 7).iter().all(|halves| *halves == none));
    }

    #[test]
    fn it_is_uniformly_distributed_over_its_range() {
        for (jitter, least, most) in [(0.3, 28, 52), (1.0, 0, 80)] {
            let whole: Vec<Duration> =
                draws(MEAN, jitter, 7).iter().map(|(before, after)| *before + *after).collect();
            let [least, most] = [least, most].map(Duration::from_millis);
            assert!(whole.iter().all(|time| (least..=most).contains(time)));
            // A tenth of the draws in each tenth of the range.
            let mut tenths = [0_u32; 10];
            for time in whole {
                let share = (time - least).as_secs_f64() / (most - least).as_secs_f64();
                tenths[((share * 10.0) as usize).min(9)] += 1;
            }
            assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
        }
    }

    #[test]
    fn one_seed_always_draws_the_same_latencies() {
        assert_eq!(draws(MEAN, 0.3, 7), draws(MEAN, 0.3, 7));
        assert_ne!(draws(MEAN, 0.3, 7), draws(MEAN, 0.3, 8));
    }

    #[test]
    fn the_longest_latency_does_not_overflow() {
        assert!(draws(Duration::MAX, 1.0, 7).iter().all(|(before, after)| before <= after));
    }
}
