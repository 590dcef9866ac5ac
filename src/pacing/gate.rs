//! The gate: every attempt waits here for a permit. A token bucket on governor, on a clock whose ticks are permits.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Permission to make one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// Number of pauses before this permit. A failure of an attempt from before the last pause needs no new pause.
    pub epoch: u64,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, PermitClock, NoOpMiddleware<Nanos>>;

/// Permits that may be given at once after an idle time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Burst {
    /// This number.
    Fixed(NonZeroU32),
    /// Those of 20 ms, rounded up to a power of two, at least two: enough to make up for a late timer.
    Proportional,
}

impl Burst {
    /// Stays a fifth below `quota_burst`, the burst that the server admits: the network may deliver requests closer
    /// together than they were sent.
    pub(super) fn below(quota_burst: u32) -> Self {
        let kept = quota_burst - quota_burst.div_ceil(5).min(quota_burst.saturating_sub(1));
        Burst::Fixed(NonZeroU32::new(kept).unwrap_or(NonZeroU32::MIN))
    }

    fn permits(self, rate: f64) -> NonZeroU32 {
        match self {
            Burst::Fixed(burst) => burst,
            Burst::Proportional => {
                let permits = (rate / 50.0).clamp(2.0, 65_536.0).ceil() as u32;
                NonZeroU32::new(permits.next_power_of_two()).unwrap_or(NonZeroU32::MIN)
            }
        }
    }
}

/// A token bucket shared by all attempts, and the pause after a failure.
#[derive(Debug)]
pub(super) struct Gate {
    /// With the burst it was made for. A limiter's burst is fixed, so another burst takes another limiter.
    limiter: Mutex<(NonZeroU32, Limiter)>,
    burst: Burst,
    clock: PermitClock,
    /// Notified when the rate changes or a pause begins.
    changed: Notify,
    /// Held by the attempt that waits for the next permit, so that permits are given in order and one timer runs
    /// instead of one per attempt.
    turn: tokio::sync::Mutex<()>,
    epoch: AtomicU64,
}

impl Gate {
    /// A gate for `rate` permits per second, a positive, finite number, which the job validates.
    pub(super) fn new(rate: f64, burst: Burst) -> Self {
        let clock = PermitClock::new(rate);
        let permits = burst.permits(rate);
        Gate {
            limiter: Mutex::new((permits, limiter(permits, &clock))),
            burst,
            clock,
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            epoch: AtomicU64::new(0),
        }
    }

    /// Continues at `rate` permits per second with the permits in the bucket.
    pub(super) fn set_rate(&self, rate: f64) {
        self.clock.set_rate(rate);
        let burst = self.burst.permits(rate);
        let mut current = self.lock();
        if current.0 != burst {
            let new = limiter(burst, &self.clock);
            empty(&new);
            *current = (burst, new);
        }
        drop(current);
        self.changed.notify_waiters();
    }

    /// Waits for permission to make one attempt. A dropped future uses no permit.
    pub(super) async fn permit(&self) -> Permit {
        let _turn = self.turn.lock().await;
        loop {
            // Registered before the state is read, so that no change is missed.
            let changed = self.changed.notified();
            let epoch = self.epoch();
            if let Some(until) = self.clock.paused_until() {
                // Pauses only grow, so there is nothing else to wait for.
                tokio::time::sleep_until(until).await;
                continue;
            }
            let wait = match self.lock().1.check() {
                Ok(()) => return Permit { epoch },
                Err(early) => self.clock.duration_of(early.wait_time_from(self.clock.now())),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// Gives no permit for `pause`, and empties the bucket: after a throttle the server's bucket is empty too.
    pub(super) fn pause(&self, pause: Duration) {
        self.clock.pause_for(pause);
        empty(&self.lock().1);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Time until the current pause ends; zero without one.
    pub(super) fn pause_left(&self) -> Duration {
        self.clock
            .paused_until()
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Number of pauses so far.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, (NonZeroU32, Limiter)> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn limiter(burst: NonZeroU32, clock: &PermitClock) -> Limiter {
    let quota = Quota::with_period(TICK).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::direct_with_clock(quota.allow_burst(burst), clock.clone())
}

/// Takes all permits of a bucket. governor has no call for that and refuses an amount that the bucket does not hold,
/// so this takes one power of two after the other. At a high rate some permits are added meanwhile and stay.
fn empty(limiter: &Limiter) {
    for amount in (0..u32::BITS).rev().filter_map(|bit| NonZeroU32::new(1 << bit)) {
        let _ = limiter.check_n(amount);
    }
}

/// One permit on the clock below. The clock has nanoseconds, so a thousandth of a permit.
const TICK: Duration = Duration::from_micros(1);

/// A clock for governor that advances by one tick per permit, at the current rate. Clones share their time.
///
/// A limiter's rate is fixed. Replacing the limiter at every change of the rate, several times per second, would lose
/// the fraction of a permit in its bucket each time, at 2 per second much of the rate. On this clock one limiter keeps
/// its bucket whatever the rate, and during a pause the clock stands still.
#[derive(Clone, Debug)]
struct PermitClock(Arc<Mutex<ClockState>>);

#[derive(Debug)]
struct ClockState {
    /// Permits per second.
    rate: f64,
    /// Permits up to `since`.
    permits: f64,
    /// When `rate` began to count; in the future during a pause.
    since: Instant,
}

impl ClockState {
    fn permits(&self, now: Instant) -> f64 {
        self.permits + now.saturating_duration_since(self.since).as_secs_f64() * self.rate
    }

    fn advance(&mut self, now: Instant) {
        self.permits = self.permits(now);
        self.since = self.since.max(now);
    }

    fn pause(&mut self, now: Instant, pause: Duration) {
        self.advance(now);
        self.since = self.since.max(now + pause);
    }
}

impl PermitClock {
    /// A clock of `rate` ticks per second, positive and finite.
    fn new(rate: f64) -> Self {
        // governor subtracts the burst from the time of the first check, so the clock must not start at zero.
        let permits = f64::from(u32::MAX);
        PermitClock(Arc::new(Mutex::new(ClockState { rate, permits, since: Instant::now() })))
    }

    fn set_rate(&self, rate: f64) {
        let mut state = self.lock();
        state.advance(Instant::now());
        state.rate = rate;
    }

    /// Pauses from now on for `pause`, or to the end of the current pause if that is later.
    fn pause_for(&self, pause: Duration) {
        self.lock().pause(Instant::now(), pause);
    }

    fn paused_until(&self) -> Option<Instant> {
        Some(self.lock().since).filter(|since| *since > Instant::now())
    }

    /// Real time that `ticks` take at the current rate; at most a day, since timers have a limit.
    fn duration_of(&self, ticks: Duration) -> Duration {
        let seconds = ticks.as_secs_f64() / TICK.as_secs_f64() / self.lock().rate;
        Duration::from_secs_f64(seconds.min(86_400.0))
    }

    fn lock(&self) -> MutexGuard<'_, ClockState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for PermitClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let permits = self.lock().permits(Instant::now());
        Nanos::new((permits * TICK.as_nanos() as f64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that `start` was `millis` ago. Timers fire up to a millisecond late, for each permit.
    fn assert_elapsed(start: Instant, millis: u64) {
        let elapsed = start.elapsed();
        let expected = Duration::from_millis(millis)..=Duration::from_millis(millis + 10);
        assert!(expected.contains(&elapsed), "{elapsed:?} instead of {millis} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_is_given_at_once_and_further_permits_at_the_rate() {
        let gate = Gate::new(20.0, Burst::below(6));
        let start = Instant::now();
        for _ in 0..4 {
            gate.permit().await;
        }
        assert_elapsed(start, 0);
        for _ in 0..5 {
            gate.permit().await;
        }
        assert_elapsed(start, 250);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_applies_to_an_attempt_that_waits_already() {
        let gate = Gate::new(1e-5, Burst::below(4));
        for _ in 0..3 {
            gate.permit().await;
        }
        let start = Instant::now();
        tokio::join!(gate.permit(), async { gate.set_rate(100.0) });
        assert_elapsed(start, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_every_attempt_starts_an_epoch_and_leaves_no_burst() {
        let gate = Gate::new(20.0, Burst::below(1000));
        assert_eq!(gate.permit().await.epoch, 0);
        let start = Instant::now();
        gate.pause(Duration::from_millis(50));
        assert_eq!(gate.permit().await.epoch, 1);
        gate.permit().await;
        assert_elapsed(start, 150);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_wait_uses_no_permit() {
        let gate = Gate::new(1.0, Burst::below(1));
        gate.permit().await;
        let start = Instant::now();
        assert!(tokio::time::timeout(Duration::from_millis(900), gate.permit()).await.is_err());
        gate.permit().await;
        assert_elapsed(start, 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn the_highest_rate_blocks_nobody() {
        let gate = Gate::new(2.0, Burst::Proportional);
        gate.set_rate(1e9);
        gate.pause(Duration::from_nanos(1));
        gate.permit().await;
        let gate = Gate::new(1e9, Burst::below(u32::MAX));
        gate.pause(Duration::from_nanos(1));
        gate.permit().await;
    }

    #[test]
    fn the_burst_stays_a_fifth_below_that_of_the_quota() {
        let permits = |burst: Burst| burst.permits(200.0).get();
        assert_eq!([1, 2, 5, 15, 50, 200].map(|burst| permits(Burst::below(burst))), [1, 1, 4, 12, 40, 160]);
        assert_eq!(permits(Burst::Proportional), 4);
    }

    #[test]
    fn changing_the_rate_loses_no_fraction_of_a_permit() {
        let start = Instant::now();
        let mut clock = ClockState { rate: 1e-5, permits: 0.0, since: start };
        for step in 1..=1_000_000 {
            clock.advance(start + Duration::from_millis(200) * step);
        }
        let permits = clock.permits(start + Duration::from_secs(200_000));
        assert!((permits - 2.0).abs() < 1e-6, "{permits}");
    }

    #[test]
    fn overlapping_pauses_end_with_the_last_of_them() {
        let start = Instant::now();
        let mut clock = ClockState { rate: 10.0, permits: 0.0, since: start };
        let after = |seconds| start + Duration::from_secs(seconds);
        for (now, pause) in [(1, 9), (2, 3), (3, 2)] {
            clock.pause(after(now), Duration::from_secs(pause));
        }
        assert_eq!([1, 5, 10, 12].map(|seconds| clock.permits(after(seconds))), [10.0, 10.0, 10.0, 30.0]);
    }

    #[test]
    fn the_clock_is_exact_at_the_highest_rate_and_at_the_lowest() {
        let fast = PermitClock::new(1e9);
        let first = fast.now();
        assert!(fast.now() >= first);
        assert!(fast.duration_of(TICK) <= Duration::from_nanos(2));
        assert_eq!(PermitClock::new(1e-5).duration_of(TICK), Duration::from_secs(86_400));
    }
}
