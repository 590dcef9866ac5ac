//! A token bucket, as the service's throttling quotas are described. Pure: the clock is passed in.

use std::time::Instant;

/// A float that falls short of a whole token by less than this is rounding, not a lack.
const ROUNDING: f64 = 1e-9;

/// A bucket that holds at most `burst` tokens and gains `rate` of them a second.
#[derive(Debug)]
pub(super) struct TokenBucket {
    rate: f64,
    burst: f64,
    level: f64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket. `rate` is in tokens a second, finite and above 0; `burst` at least 1.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> TokenBucket {
        let burst = f64::from(burst);
        TokenBucket { rate, burst, level: burst, filled: now }
    }

    /// Takes one token if there is one. A clock that steps back adds nothing.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.burst);
        self.filled = self.filled.max(now);
        let there = self.level >= 1.0 - ROUNDING;
        if there {
            self.level = (self.level - 1.0).max(0.0);
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(bucket: &mut TokenBucket, now: Instant, attempts: usize) -> usize {
        (0..attempts).filter(|_| bucket.take(now)).count()
    }

    #[test]
    fn a_full_bucket_lets_its_burst_through_and_no_more() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(2.0, 5, start);
        assert_eq!(taken(&mut bucket, start, 9), 5);
    }

    #[test]
    fn an_empty_bucket_gains_its_rate_every_second() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(2.0, 5, start);
        taken(&mut bucket, start, 5);
        assert!(!bucket.take(start + Duration::from_millis(499)));
        assert!(bucket.take(start + Duration::from_millis(500)));
        assert!(!bucket.take(start + Duration::from_millis(501)));
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(2), 9), 3);
    }

    #[test]
    fn a_rested_bucket_holds_no_more_than_its_burst() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1000.0, 3, start);
        let later = start + Duration::from_hours(24);
        assert_eq!(taken(&mut bucket, later, 9), 3);
    }

    #[test]
    fn many_small_refills_add_up_to_a_whole_token() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(0.1, 1, start);
        bucket.take(start);
        for second in 1..10 {
            assert!(!bucket.take(start + Duration::from_secs(second)));
        }
        assert!(bucket.take(start + Duration::from_secs(10)));
    }

    #[test]
    fn a_clock_that_steps_back_adds_nothing() {
        let earlier = Instant::now();
        let start = earlier + Duration::from_secs(30);
        let mut bucket = TokenBucket::new(1.0, 1, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(earlier));
        assert!(!bucket.take(start + Duration::from_millis(999)));
        assert!(bucket.take(start + Duration::from_secs(1)));
    }
}
