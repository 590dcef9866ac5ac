//! How many requests have to be under way for a rate to be reached. Pure.
//!
//! Little's law (J. D. C. Little, "A InstanceProbe for the Queuing Formula L = λW", 1961): as many as leave in the time
//! that one takes. Answers that get slow are met with more requests under way, and not with fewer a second.

use std::time::Duration;

/// Requests under way at most, where nobody says otherwise: 200 a second with answers that take a second and more.
pub const DEFAULT_CONCURRENCY: usize = 256;

/// What a request is taken to need before the first is answered.
const UNKNOWN: Duration = Duration::from_secs(1);

/// Latencies vary; the estimate follows slowly.
const HEADROOM: f64 = 1.25;

/// What may leave before anybody looks again, in seconds.
const AHEAD: f64 = 0.25;

/// The number of requests under way that a rate needs.
#[derive(Debug)]
pub struct Concurrency {
    most: usize,
    /// Smoothed; none before the first answer.
    latency: Option<Duration>,
    /// For how long the oldest request under way has been so.
    oldest: Duration,
}

impl Concurrency {
    /// Never more than `most`.
    pub fn new(most: usize) -> Self {
        Concurrency { most: most.max(1), latency: None, oldest: Duration::ZERO }
    }

    /// A request was answered after `latency`.
    pub fn answered(&mut self, latency: Duration) {
        // As TCP smooths its round trips: RFC 6298, section 2.
        self.latency = Some(self.latency.map_or(latency, |smoothed| smoothed * 7 / 8 + latency / 8));
    }

    /// Notes how long the oldest request has been under way: answers that are slow are not seen for long.
    pub fn note_oldest(&mut self, oldest: Duration) {
        self.oldest = oldest;
    }

    /// Never more than these.
    pub fn max(&self) -> usize {
        self.most
    }

    /// What a request takes.
    pub fn latency(&self) -> Duration {
        self.latency.unwrap_or(UNKNOWN).max(self.oldest)
    }

    /// The requests that may be under way, or be about to leave, at `rate` a second.
    pub fn needed(&self, rate: f64) -> usize {
        let needed = rate * (HEADROOM * self.latency().as_secs_f64() + AHEAD);
        (needed.min(1e9).ceil() as usize + 1).min(self.most)
    }

    /// The rate that the bound allows, if that is less than `rate`, and anything is known of what a request takes.
    pub fn attainable_below(&self, rate: f64) -> Option<f64> {
        if self.latency.is_none() && self.oldest < UNKNOWN {
            return None;
        }
        let possible = self.most as f64 / self.latency().as_secs_f64().max(1e-6);
        Some(possible).filter(|possible| *possible < rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_under_way_as_leave_in_the_time_that_one_takes() {
        let mut concurrency = Concurrency::new(1000);
        concurrency.answered(Duration::from_millis(40));
        assert_eq!(concurrency.needed(2.0), 2);
        assert_eq!(concurrency.needed(200.0), 61);
        for _ in 0..100 {
            concurrency.answered(Duration::from_secs(2));
        }
        assert!((540..=551).contains(&concurrency.needed(200.0)), "{}", concurrency.needed(200.0));
        assert_eq!(concurrency.needed(1e9), 1000);
    }

    #[test]
    fn answers_that_do_not_come_count_before_they_come() {
        let mut concurrency = Concurrency::new(1000);
        concurrency.answered(Duration::from_millis(40));
        concurrency.note_oldest(Duration::from_secs(4));
        assert_eq!(concurrency.needed(100.0), 526);
        assert_eq!(concurrency.attainable_below(100.0), None);
        concurrency.note_oldest(Duration::from_secs(20));
        assert_eq!(concurrency.attainable_below(100.0), Some(50.0));
    }
}
