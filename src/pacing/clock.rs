//! A clock that runs as fast as requests may leave: one tick a permit, whatever the rate.
//!
//! A token bucket on such a clock has its rate changed without losing what it holds, down to the fraction of a
//! permit, and stands still while the clock does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use tokio::time::Instant;

/// One permit, on this clock. Fractions of a permit are told apart to a thousandth.
pub(super) const TICK: Duration = Duration::from_micros(1);

/// Shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct PacedClock(Arc<Mutex<Pace>>);

#[derive(Debug)]
struct Pace {
    /// Permits a second.
    rate: f64,
    /// Permits up to `since`.
    before: f64,
    /// From when on the rate holds; in the future while the clock stands still.
    since: Instant,
}

impl Pace {
    fn permits(&self, now: Instant) -> f64 {
        self.before + now.saturating_duration_since(self.since).as_secs_f64() * self.rate
    }

    /// Goes on from `now` with what has passed by then.
    fn settle(&mut self, now: Instant) {
        self.before = self.permits(now);
        self.since = self.since.max(now);
    }

    fn stop(&mut self, now: Instant, pause: Duration) {
        self.settle(now);
        self.since = self.since.max(now + pause);
    }
}

impl PacedClock {
    /// A clock of `rate` ticks a second, positive and finite.
    pub(super) fn new(rate: f64) -> Self {
        // Far from zero, so that a new bucket has room in the past for its burst.
        let before = f64::from(u32::MAX);
        PacedClock(Arc::new(Mutex::new(Pace { rate, before, since: Instant::now() })))
    }

    /// Goes on at another rate.
    pub(super) fn set_rate(&self, rate: f64) {
        let mut pace = self.lock();
        pace.settle(Instant::now());
        pace.rate = rate;
    }

    /// Stands still for a time from now, or for as long as it does already.
    pub(super) fn stop_for(&self, pause: Duration) {
        self.lock().stop(Instant::now(), pause);
    }

    /// When it goes on, if it stands still.
    pub(super) fn stopped_until(&self) -> Option<Instant> {
        Some(self.lock().since).filter(|since| *since > Instant::now())
    }

    /// How long `ticks` take at the rate of now; at most a day, after which one may ask again.
    pub(super) fn time_of(&self, ticks: Duration) -> Duration {
        let seconds = ticks.as_secs_f64() / TICK.as_secs_f64() / self.lock().rate;
        Duration::from_secs_f64(seconds.min(86_400.0))
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for PacedClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let permits = self.lock().permits(Instant::now());
        Nanos::new((permits * TICK.as_nanos() as f64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock and the moment at which it was set.
    fn clock(rate: f64) -> (Pace, Instant) {
        let start = Instant::now();
        (Pace { rate, before: 0.0, since: start }, start)
    }

    #[test]
    fn a_rate_that_is_changed_however_often_loses_nothing() {
        let (mut pace, start) = clock(1e-5);
        for step in 1..=1_000_000 {
            pace.settle(start + Duration::from_millis(200) * step);
        }
        let permits = pace.permits(start + Duration::from_secs(200_000));
        assert!((permits - 2.0).abs() < 1e-6, "{permits}");
    }

    #[test]
    fn it_stands_still_as_long_as_the_longest_of_its_pauses() {
        let (mut pace, start) = clock(10.0);
        let after = |seconds| start + Duration::from_secs(seconds);
        for (now, pause) in [(1, 9), (2, 3), (3, 2)] {
            pace.stop(after(now), Duration::from_secs(pause));
        }
        assert_eq!([1, 5, 10, 12].map(|seconds| pace.permits(after(seconds))), [10.0, 10.0, 10.0, 30.0]);
    }

    #[test]
    fn the_highest_rate_and_the_lowest_are_no_trouble() {
        let fast = PacedClock::new(1e9);
        let first = fast.now();
        assert!(fast.now() >= first);
        assert!(fast.time_of(TICK) <= Duration::from_nanos(2));
        assert_eq!(PacedClock::new(1e-5).time_of(TICK), Duration::from_secs(86_400));
    }
}
