//! How fast rows are being created and done with: sliding windows over the last seconds and minutes. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::Progress;

/// The window of what is called "now".
const SHORT: Duration = Duration::from_secs(10);

/// The window that the time left is reckoned from: at two rows a second ten seconds know the pace to a twentieth, so the
/// end of a night's import would move by half an hour several times a second.
const LONG: Duration = Duration::from_secs(120);

/// Counts over time.
#[derive(Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    created: u64,
    done: u64,
}

impl Meter {
    /// Notes what has been created and done, and says how fast both go.
    pub(super) fn measure(&mut self, progress: &mut Progress) {
        let Progress { elapsed: at, created, done, .. } = *progress;
        self.samples.push_back(Sample { at, created, done });
        while self.samples.len() > 2 && self.samples.front().is_some_and(|first| at - first.at > LONG) {
            self.samples.pop_front();
        }
        progress.rate_now = self.rate(SHORT, |sample| sample.created);
        progress.done_rate = self.pace();
    }

    /// Rows done a second. The minutes know it best, unless the seconds say that it has changed since.
    fn pace(&self) -> f64 {
        let [short, long] = [SHORT, LONG].map(|window| self.rate(window, |sample| sample.done));
        let rows = long * SHORT.as_secs_f64();
        let differs = (short - long).abs() * SHORT.as_secs_f64() > 2.0 + rows / 4.0;
        if differs { short } else { long }
    }

    /// How much the count grew a second over the window, or since the first sample.
    fn rate(&self, window: Duration, count: fn(&Sample) -> u64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let start = self.samples.partition_point(|sample| last.at - sample.at > window);
        // At least two, however far apart they are.
        let start = start.min(self.samples.len().saturating_sub(2));
        let Some(first) = self.samples.get(start) else { return 0.0 };
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds > 0.0 { (count(last) - count(first)) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is measured at a second, if so many rows were created and no others are done.
    fn measured(meter: &mut Meter, second: u64, created: u64) -> (f64, f64) {
        let elapsed = Duration::from_secs(second);
        let mut progress = Progress { elapsed, created, done: created, ..Progress::default() };
        meter.measure(&mut progress);
        (progress.rate_now, progress.done_rate)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        assert_eq!(measured(&mut meter, 0, 0).0, 0.0);
        assert_eq!(measured(&mut meter, 2, 10).0, 5.0);
        let later = (3..=60).map(|at| measured(&mut meter, at, 10).0).last();
        assert_eq!(later, Some(0.0));
    }

    #[test]
    fn the_pace_is_that_of_the_last_minutes_until_the_seconds_contradict_it() {
        let mut meter = Meter::default();
        // Two a second, now and then one too few or too many within ten seconds.
        let steady = (0..=300).map(|at| measured(&mut meter, at, 2 * at + u64::from(at % 7 == 0))).last();
        let (now, pace) = steady.unwrap();
        assert!((pace - 2.0).abs() < 0.02 && (now - 2.0).abs() <= 0.1, "{now} {pace}");
        // Ten times as fast: after ten seconds the minutes are no longer believed.
        let faster = (1..=12).map(|at| measured(&mut meter, 300 + at, 600 + 20 * at)).last();
        assert_eq!(faster.unwrap(), (20.0, 20.0));
        // Nothing at all.
        let stopped = (13..=30).map(|at| measured(&mut meter, 300 + at, 840)).last();
        assert_eq!(stopped.unwrap(), (0.0, 0.0));
    }
}
