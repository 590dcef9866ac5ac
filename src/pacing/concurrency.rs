//! The number of requests in flight that a rate needs.
//!
//! Little's law (J. D. C. Little, "A Proof for the Queuing Formula L = λW", 1961): requests in flight are the rate
//! times the latency. Slower answers lead to more requests in flight, not to fewer per second.

use std::time::Duration;

use crate::open_files::open_files_limit;

/// Default limit for requests in flight: 200 per second with a latency of a second and more.
pub const DEFAULT_CONCURRENCY: usize = 256;

/// Assumed latency before the first answer.
const INITIAL_LATENCY: Duration = Duration::from_secs(1);

/// Factor on the latency: single requests take longer than the smoothed latency says.
const HEADROOM: f64 = 1.25;

/// Requests to prepare ahead, in seconds of the rate: the dispatcher starts attempts every 0.2 s or sooner.
const AHEAD_S: f64 = 0.25;

/// Estimates the number of requests in flight from latencies.
#[derive(Debug)]
pub struct Concurrency {
    max: usize,
    /// Smoothed latency; `None` before the first answer.
    latency: Option<Duration>,
    /// Time since the oldest request in flight was sent.
    oldest: Duration,
}

impl Concurrency {
    /// An estimate of at most `max` requests, or 1 if that is zero.
    pub fn new(max: usize) -> Self {
        Concurrency { max: max.max(1), latency: None, oldest: Duration::ZERO }
    }

    /// Records the latency of an answered request.
    pub fn answered(&mut self, latency: Duration) {
        // Smoothed as TCP smooths round-trip times: RFC 6298, section 2.
        self.latency = Some(self.latency.map_or(latency, |smoothed| smoothed * 7 / 8 + latency / 8));
    }

    /// Records the age of the oldest request in flight, which shows slower answers before they arrive.
    pub fn note_oldest(&mut self, oldest: Duration) {
        self.oldest = oldest;
    }

    /// Limit of the estimate.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Estimated latency of a request.
    pub fn latency(&self) -> Duration {
        self.latency.unwrap_or(INITIAL_LATENCY).max(self.oldest)
    }

    /// Requests in flight, or about to be sent, that `rate` requests per second need.
    pub fn needed(&self, rate: f64) -> usize {
        let needed = rate * (HEADROOM * self.latency().as_secs_f64() + AHEAD_S);
        (needed.min(1e9).ceil() as usize + 1).min(self.max)
    }

    /// The rate that the limit allows at the known latency, if it is below `rate`; `None` before latency is known.
    pub fn attainable_below(&self, rate: f64) -> Option<f64> {
        if self.latency.is_none() && self.oldest < INITIAL_LATENCY {
            return None;
        }
        let attainable = self.max as f64 / self.latency().as_secs_f64().max(1e-6);
        Some(attainable).filter(|attainable| *attainable < rate)
    }
}

/// Connections that the process's limit on open files allows, at least 1; `None` if the system has no such limit. In a
/// rehearsal the process holds both ends of each.
pub fn connection_limit(is_rehearsal: bool) -> Option<usize> {
    /// Open files other than connections: those that a run needs at least, and room for several name resolutions.
    const OTHER_FILES: usize = 64;
    let limit = usize::try_from(open_files_limit()?).unwrap_or(usize::MAX).saturating_sub(OTHER_FILES);
    Some((limit / if is_rehearsal { 2 } else { 1 }).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_flight_are_the_rate_times_the_latency() {
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
    fn slow_answers_count_before_they_arrive() {
        let mut concurrency = Concurrency::new(1000);
        concurrency.answered(Duration::from_millis(40));
        concurrency.note_oldest(Duration::from_secs(4));
        assert_eq!(concurrency.needed(100.0), 526);
        assert_eq!(concurrency.attainable_below(100.0), None);
        concurrency.note_oldest(Duration::from_secs(20));
        assert_eq!(concurrency.attainable_below(100.0), Some(50.0));
    }
}
