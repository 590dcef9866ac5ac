//! The gate that every attempt passes. The only file that names governor.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::watch;
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
    /// Replaced when the rate is.
    limiter: watch::Sender<Limiter>,
    burst: NonZeroU32,
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
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Gate {
            limiter: watch::Sender::new(limiter(rate, burst)),
            burst,
            clock: MonotonicClock,
            turn: tokio::sync::Mutex::new(()),
            pause: Mutex::new(Pause { until: Instant::now(), epoch: 0 }),
        }
    }

    /// Goes on at another rate, without a burst of its own. What `rate` may be is said at [`Gate::new`].
    pub fn set_rate(&self, rate: f64) {
        let limiter = limiter(rate, self.burst);
        // What the bucket of the old rate held is not known; an empty one is never too much.
        let _ = limiter.check_n(self.burst);
        self.limiter.send_replace(limiter);
    }

    /// Waits for leave to make one attempt. Dropping the future gives nothing away.
    pub async fn permit(&self) -> Permit {
        let _turn = self.turn.lock().await;
        let mut limiters = self.limiter.subscribe();
        loop {
            let (until, epoch) = self.pause();
            if until > Instant::now() {
                tokio::time::sleep_until(until).await;
                continue;
            }
            let checked = limiters.borrow_and_update().check();
            let wait = match checked {
                Ok(()) => return Permit { epoch },
                Err(wait) => wait.wait_time_from(self.clock.now()),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // The gate holds the sender, so it is never gone.
                _ = limiters.changed() => {}
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

fn limiter(rate: f64, burst: NonZeroU32) -> Limiter {
    let period = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::direct_with_clock(quota.allow_burst(burst), MonotonicClock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_rate_counts_at_once_and_brings_no_burst() {
        let gate = Gate::new(1e-5, 3);
        for _ in 0..3 {
            gate.permit().await;
        }
        // At the old rate this would take a day.
        let waiting = async {
            tokio::join!(gate.permit(), async { gate.set_rate(1e9) });
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
        gate.set_rate(1e-5);
        let none = tokio::time::timeout(Duration::from_millis(50), gate.permit()).await;
        assert!(none.is_err());
    }

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
