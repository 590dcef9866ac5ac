//! The gate that every attempt passes. The only file that names governor.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// Leave to make one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// How many pauses there had been; tells an attempt that was under way before a pause from one
    /// that met trouble after it.
    pub epoch: u64,
}

/// A token bucket shared by all workers, and the pause after a setback.
#[derive(Debug)]
pub struct Gate {
    limiter: Limiter,
    clock: MonotonicClock,
    /// Held by the worker that waits for the next permit, so that permits go out in turn and one
    /// timer runs instead of one a worker.
    turn: tokio::sync::Mutex<()>,
    pause: Mutex<Pause>,
}

#[derive(Debug)]
struct Pause {
    until: Instant,
    epoch: u64,
}

impl Gate {
    /// A gate for `rate` permits a second, of which `burst` may go out at once.
    ///
    /// `rate` must be a positive, finite number and `burst` at least 1; the job checks that. A rate
    /// above 10⁹ is 10⁹.
    pub fn new(rate: f64, burst: u32) -> Self {
        let period = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
        let one = NonZeroU32::MIN;
        let quota = Quota::with_period(period).unwrap_or(Quota::per_second(one));
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap_or(one));
        Gate {
            limiter: RateLimiter::direct_with_clock(quota, MonotonicClock),
            clock: MonotonicClock,
            turn: tokio::sync::Mutex::new(()),
            pause: Mutex::new(Pause { until: Instant::now(), epoch: 0 }),
        }
    }

    /// Waits for leave to make one attempt. Dropping the future gives nothing away.
    pub async fn permit(&self) -> Permit {
        let _turn = self.turn.lock().await;
        loop {
            let (until, epoch) = self.pause();
            if until > Instant::now() {
                tokio::time::sleep_until(until).await;
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return Permit { epoch },
                Err(wait) => tokio::time::sleep(wait.wait_time_from(self.clock.now())).await,
            }
        }
    }

    /// Holds every permit back for `pause`.
    pub fn hold(&self, pause: Duration) {
        let mut state = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        state.until = state.until.max(Instant::now() + pause);
        state.epoch += 1;
    }

    /// How many pauses there have been.
    pub fn epoch(&self) -> u64 {
        self.pause().1
    }

    fn pause(&self) -> (Instant, u64) {
        let state = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        (state.until, state.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_burst_goes_out_at_once_and_then_permits_are_spaced() {
        let gate = Gate::new(20.0, 5);
        let start = std::time::Instant::now();
        for _ in 0..5 {
            gate.permit().await;
        }
        // Only lower bounds: the machine may be slow, the gate must not be fast.
        for _ in 0..4 {
            gate.permit().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(190));
    }

    #[tokio::test]
    async fn a_pause_holds_everybody_back_and_starts_an_epoch() {
        let gate = Gate::new(1e6, 1000);
        assert_eq!(gate.permit().await.epoch, 0);
        let start = std::time::Instant::now();
        gate.hold(Duration::from_millis(50));
        assert_eq!(gate.permit().await.epoch, 1);
        assert!(start.elapsed() >= Duration::from_millis(50));
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_costs_no_permit() {
        let gate = Gate::new(0.001, 1);
        gate.permit().await;
        let waiting = tokio::time::timeout(Duration::from_millis(5), gate.permit()).await;
        assert!(waiting.is_err());
        assert!(gate.turn.try_lock().is_ok());
    }
}
