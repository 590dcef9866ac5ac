//! The gate that every attempt passes: a token bucket on governor, whose clock is the rate.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;

use super::clock::{PacedClock, TICK};

/// Leave to make one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// How many pauses there had been; tells an attempt that was under way before a pause from one
    /// that met trouble after it.
    pub epoch: u64,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, PacedClock, NoOpMiddleware<Nanos>>;

/// How many permits may go out at once, after a time in which nobody asked for any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Burst {
    /// So many.
    Fixed(NonZeroU32),
    /// Those of 20 ms, rounded up to a power of two, and at least two: what a late timer has to make up for.
    Follows,
}

impl Burst {
    /// For a server that takes `burst` at once: a fifth is left for requests that the wire brings closer together.
    pub(super) fn within(burst: u32) -> Self {
        let kept = burst - burst.div_ceil(5).min(burst.saturating_sub(1));
        Burst::Fixed(NonZeroU32::new(kept).unwrap_or(NonZeroU32::MIN))
    }

    fn at(self, rate: f64) -> NonZeroU32 {
        match self {
            Burst::Fixed(burst) => burst,
            Burst::Follows => {
                let permits = (rate / 50.0).clamp(2.0, 65_536.0).ceil() as u32;
                NonZeroU32::new(permits.next_power_of_two()).unwrap_or(NonZeroU32::MIN)
            }
        }
    }
}

/// A token bucket shared by all workers, and the pause after a setback.
#[derive(Debug)]
pub(super) struct Gate {
    /// Replaced when the burst is another.
    limiter: Mutex<(NonZeroU32, Limiter)>,
    burst: Burst,
    clock: PacedClock,
    /// Told when the rate changes, or a pause begins.
    changed: Notify,
    /// Held by the worker that waits for the next permit, so that permits go out in turn and one
    /// timer runs instead of one a worker.
    turn: tokio::sync::Mutex<()>,
    epoch: AtomicU64,
}

impl Gate {
    /// A gate for `rate` permits a second, a positive and finite number; the job checks that.
    pub(super) fn new(rate: f64, burst: Burst) -> Self {
        let clock = PacedClock::new(rate);
        Gate {
            limiter: Mutex::new((burst.at(rate), limiter(burst.at(rate), &clock))),
            burst,
            clock,
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            epoch: AtomicU64::new(0),
        }
    }

    /// Goes on at another rate, with what the bucket holds. What `rate` may be is said at [`Gate::new`].
    pub(super) fn set_rate(&self, rate: f64) {
        self.clock.set_rate(rate);
        let burst = self.burst.at(rate);
        let mut limiter_of = self.lock();
        if limiter_of.0 != burst {
            let new = limiter(burst, &self.clock);
            empty(&new);
            *limiter_of = (burst, new);
        }
        drop(limiter_of);
        self.changed.notify_waiters();
    }

    /// Waits for leave to make one attempt. Dropping the future gives nothing away.
    pub(super) async fn permit(&self) -> Permit {
        let _turn = self.turn.lock().await;
        loop {
            // Made before anything is looked at, so that no change is missed.
            let changed = self.changed.notified();
            let epoch = self.epoch();
            if let Some(until) = self.clock.stopped_until() {
                // A pause may be made longer, and never shorter.
                tokio::time::sleep_until(until).await;
                continue;
            }
            let wait = match self.lock().1.check() {
                Ok(()) => return Permit { epoch },
                Err(early) => self.clock.time_of(early.wait_time_from(self.clock.now())),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// Holds every permit back for `pause`, and takes back what the bucket holds: whoever throttles has none left.
    pub(super) fn hold(&self, pause: Duration) {
        self.clock.stop_for(pause);
        empty(&self.lock().1);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// How many pauses there have been.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, (NonZeroU32, Limiter)> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn limiter(burst: NonZeroU32, clock: &PacedClock) -> Limiter {
    let quota = Quota::with_period(TICK).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::direct_with_clock(quota.allow_burst(burst), clock.clone())
}

/// Takes what a bucket holds. What flows in meanwhile stays: at a high rate that is more than can be taken.
fn empty(limiter: &Limiter) {
    // Bit by bit of the number that it holds; an amount beyond that is refused.
    for amount in (0..u32::BITS).rev().filter_map(|bit| NonZeroU32::new(1 << bit)) {
        let _ = limiter.check_n(amount);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    // Only lower bounds: the machine may be slow, the gate must not be fast.

    #[tokio::test]
    async fn the_burst_goes_out_at_once_and_then_permits_are_spaced() {
        let gate = Gate::new(20.0, Burst::within(6));
        let start = Instant::now();
        for _ in 0..9 {
            gate.permit().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(190));
    }

    #[tokio::test]
    async fn another_rate_counts_at_once() {
        let gate = Gate::new(1e-5, Burst::within(4));
        for _ in 0..3 {
            gate.permit().await;
        }
        // At the old rate this would take a day.
        let waiting = async { tokio::join!(gate.permit(), async { gate.set_rate(1e9) }) };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
    }

    #[tokio::test]
    async fn a_pause_holds_everybody_back_starts_an_epoch_and_leaves_no_burst() {
        let gate = Gate::new(20.0, Burst::within(1000));
        assert_eq!(gate.permit().await.epoch, 0);
        let start = Instant::now();
        gate.hold(Duration::from_millis(50));
        assert_eq!(gate.permit().await.epoch, 1);
        gate.permit().await;
        assert!(start.elapsed() >= Duration::from_millis(140));
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_costs_no_permit() {
        let gate = Gate::new(0.001, Burst::within(1));
        gate.permit().await;
        let waiting = tokio::time::timeout(Duration::from_millis(5), gate.permit()).await;
        assert!(waiting.is_err());
        assert!(gate.turn.try_lock().is_ok());
    }

    #[tokio::test]
    async fn a_rate_that_no_loop_keeps_up_with_is_no_trouble() {
        let gate = Gate::new(2.0, Burst::Follows);
        gate.set_rate(1e9);
        gate.hold(Duration::from_nanos(1));
        gate.permit().await;
        let gate = Gate::new(1e9, Burst::within(u32::MAX));
        gate.hold(Duration::from_nanos(1));
        gate.permit().await;
    }

    #[test]
    fn a_fifth_of_the_burst_is_left_for_the_wire() {
        let at = |burst: Burst| burst.at(200.0).get();
        assert_eq!([1, 2, 5, 15, 50, 200].map(|burst| at(Burst::within(burst))), [1, 1, 4, 12, 40, 160]);
        assert_eq!(at(Burst::Follows), 4);
    }
}
