//! Statistics of sending: rates over sliding windows for the progress display, and traffic per minute for the ledger.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::event::Progress;
use crate::ledger::{Settlement, Traffic};
use crate::pacing::PoolFailure;
use crate::submission::Decision;

/// Window of the current rate.
const SHORT: Duration = Duration::from_secs(10);

/// Window that the time left is estimated from. At two rows per second, ten seconds give the rate to 5 %, so the
/// estimated end of a night's import would jump by half an hour.
const LONG: Duration = Duration::from_secs(120);

/// Rates of created and finished rows over the last seconds and minutes. Pure.
#[derive(Debug, Default)]
pub(super) struct RateMeter {
    samples: VecDeque<RateSample>,
}

#[derive(Clone, Copy, Debug)]
struct RateSample {
    at: Duration,
    created: u64,
    done: u64,
}

impl RateMeter {
    /// Adds the counts of `progress` as a sample, and sets its rates.
    pub(super) fn measure(&mut self, progress: &mut Progress) {
        let Progress { elapsed: at, created, done, .. } = *progress;
        self.samples.push_back(RateSample { at, created, done });
        while self.samples.len() > 2 && self.samples.front().is_some_and(|first| at - first.at > LONG) {
            self.samples.pop_front();
        }
        progress.rate_now = self.rate(SHORT, |sample| sample.created);
        progress.done_rate = self.done_rate();
    }

    /// Rows done per second: over the long window, unless the short one shows that the rate has changed since.
    fn done_rate(&self) -> f64 {
        let [short, long] = [SHORT, LONG].map(|window| self.rate(window, |sample| sample.done));
        let rows = long * SHORT.as_secs_f64();
        let has_changed = (short - long).abs() * SHORT.as_secs_f64() > 2.0 + rows / 4.0;
        if has_changed { short } else { long }
    }

    /// Growth of a count per second, over the window or since the first sample.
    fn rate(&self, window: Duration, count: fn(&RateSample) -> u64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let start = self.samples.partition_point(|sample| last.at - sample.at > window);
        // A rate needs two samples, even if the window holds only one.
        let start = start.min(self.samples.len().saturating_sub(2));
        let Some(first) = self.samples.get(start) else { return 0.0 };
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds > 0.0 { (count(last) - count(first)) as f64 / seconds } else { 0.0 }
    }
}

/// Interval at which traffic is written to the ledger: a crash loses at most this much of the record.
const WRITE_INTERVAL: Duration = Duration::from_secs(10);

/// Counts attempts since the traffic record was last written.
pub(super) struct TrafficCounter {
    traffic: Traffic,
    minute: i64,
    written: Instant,
}

impl TrafficCounter {
    pub(super) fn new() -> Self {
        TrafficCounter { traffic: Traffic::default(), minute: this_minute(), written: Instant::now() }
    }

    /// Counts an attempt that ended after `latency`.
    pub(super) fn count(&mut self, decision: &Decision, latency: Duration) {
        self.traffic.attempts += 1;
        self.traffic.created += u64::from(matches!(decision.settlement, Settlement::Created(_)));
        match decision.pool_failure {
            None => self.traffic.answered(latency),
            Some(PoolFailure::Throttled) => self.traffic.throttled += 1,
            Some(PoolFailure::Unanswered) => self.traffic.unanswered += 1,
            Some(PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable) => {}
        }
    }

    /// Takes the minute since 1970 and its traffic, when it is due or `is_final`. Empty traffic is recorded too: it
    /// shows up to when the run was sending. `rate` is the target rate, requests per second.
    pub(super) fn take_due(&mut self, rate: f64, is_final: bool) -> Option<(i64, Traffic)> {
        let now = this_minute();
        let is_due = is_final || now != self.minute || self.written.elapsed() >= WRITE_INTERVAL;
        if !is_due {
            return None;
        }
        let minute = std::mem::replace(&mut self.minute, now);
        self.written = Instant::now();
        let mut traffic = std::mem::take(&mut self.traffic);
        traffic.rate = rate;
        Some((minute, traffic))
    }
}

/// Minutes since 1970.
fn this_minute() -> i64 {
    jiff::Timestamp::now().as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Current rate and done rate, where `created` rows are created and done at `second`.
    fn measured(meter: &mut RateMeter, second: u64, created: u64) -> (f64, f64) {
        let elapsed = Duration::from_secs(second);
        let mut progress = Progress { elapsed, created, done: created, ..Progress::default() };
        meter.measure(&mut progress);
        (progress.rate_now, progress.done_rate)
    }

    #[test]
    fn the_current_rate_covers_the_last_ten_seconds() {
        let mut meter = RateMeter::default();
        assert_eq!(measured(&mut meter, 0, 0).0, 0.0);
        assert_eq!(measured(&mut meter, 2, 10).0, 5.0);
        let later = (3..=60).map(|at| measured(&mut meter, at, 10).0).last();
        assert_eq!(later, Some(0.0));
    }

    #[test]
    fn the_done_rate_covers_two_minutes_until_the_last_ten_seconds_differ() {
        let mut meter = RateMeter::default();
        // Two per second; within ten seconds sometimes one too few or too many.
        let steady = (0..=300).map(|at| measured(&mut meter, at, 2 * at + u64::from(at % 7 == 0))).last();
        let (now, done_rate) = steady.unwrap();
        assert!((done_rate - 2.0).abs() < 0.02 && (now - 2.0).abs() <= 0.1, "{now} {done_rate}");
        // Ten times as fast: after ten seconds the short window counts.
        let faster = (1..=12).map(|at| measured(&mut meter, 300 + at, 600 + 20 * at)).last();
        assert_eq!(faster.unwrap(), (20.0, 20.0));
        // Stopped.
        let stopped = (13..=30).map(|at| measured(&mut meter, 300 + at, 840)).last();
        assert_eq!(stopped.unwrap(), (0.0, 0.0));
    }
}
