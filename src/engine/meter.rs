//! How fast rows are being created: a sliding window over the last seconds. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// The window that the rate is measured over.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts over time.
#[derive(Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// Notes the count at a time since the start; the rate a second over the window.
    pub(super) fn rate(&mut self, at: Duration, count: u64) -> f64 {
        self.samples.push_back((at, count));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(first, _)| at - *first > WINDOW) {
            self.samples.pop_front();
        }
        let Some((first, before)) = self.samples.front().copied() else {
            return 0.0;
        };
        let seconds = (at - first).as_secs_f64();
        if seconds > 0.0 { (count - before) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        let second = Duration::from_secs;
        assert_eq!(meter.rate(second(0), 0), 0.0);
        assert_eq!(meter.rate(second(2), 10), 5.0);
        let later = (3..=60).map(|at| meter.rate(second(at), 10)).last();
        assert_eq!(later, Some(0.0));
    }
}
