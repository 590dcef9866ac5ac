//! The pace of the whole pool: the gate, and what is learnt from answers, throttling and outages.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Backoff, PoolFailure};
use super::controller::Controller;
use super::gate::{Burst, Gate, Permit};
use super::rate::Rate;

/// What a setback means for the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// Nothing new: the attempt was under way when the pool paused for another.
    None,
    /// Everybody pauses.
    Pause(Duration),
    /// There have been so many in a row that waiting does not help.
    GiveUp,
}

/// Shared by all workers.
#[derive(Debug)]
pub struct Pacer {
    gate: Gate,
    started: Instant,
    learnt: Mutex<Learnt>,
}

#[derive(Debug)]
struct Learnt {
    asked: Rate,
    controller: Controller,
    backoff: Backoff,
    /// Throttled attempts since the last answer that made everybody pause.
    throttled: u32,
    /// What the gate was told last.
    told: f64,
}

/// A change of the rate by a smaller share is not worth waking anybody.
const NOTICEABLE: f64 = 0.005;

impl Pacer {
    /// Starts at `start` requests a second: the rate itself where it is fixed. `burst` requests may leave at once.
    ///
    /// Rates must be positive, finite numbers and `burst` at least 1; the job checks that.
    pub fn new(rate: Rate, start: f64, burst: u32) -> Self {
        let (controller, burst) = match rate {
            Rate::Fixed(rate) => (Controller::new(rate, Some(rate)), Burst::within(burst)),
            Rate::Auto => (Controller::new(start, None), Burst::Follows),
        };
        let learnt =
            Learnt { asked: rate, controller, backoff: Backoff::new(start), throttled: 0, told: start };
        Pacer { gate: Gate::new(start, burst), started: Instant::now(), learnt: Mutex::new(learnt) }
    }

    /// Waits for leave to make one attempt. Dropping the future gives nothing away.
    pub async fn permit(&self) -> Permit {
        self.gate.permit().await
    }

    /// An attempt leaves.
    pub fn sent(&self) {
        self.learn(|learnt, at| learnt.controller.sent(at));
    }

    /// An attempt was answered, other than by throttling.
    pub fn answered(&self) {
        self.learn(|learnt, at| {
            learnt.controller.answered(at);
            learnt.backoff.answered();
            learnt.throttled = 0;
        });
    }

    /// Time has passed.
    pub fn update(&self) {
        self.learn(|_, _| ());
    }

    /// An attempt that `permit` allowed met a setback; `random` is in `0..1`.
    pub fn report_failure(&self, setback: PoolFailure, permit: Permit, random: f64) -> Reaction {
        let mut reaction = Reaction::None;
        self.learn(|learnt, at| {
            if permit.epoch != self.gate.epoch() {
                return;
            }
            let Some(backoff) = learnt.backoff.setback(setback, random) else {
                reaction = Reaction::GiveUp;
                return;
            };
            let pause = match setback {
                PoolFailure::Throttled => {
                    learnt.throttled += 1;
                    let pause = learnt.controller.throttled(at, random);
                    // The first says that the rate was a little high, the next that there is more to it.
                    if learnt.throttled > 1 { pause.max(backoff) } else { pause }
                }
                PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable | PoolFailure::Unanswered => {
                    backoff
                }
            };
            self.gate.hold(pause);
            reaction = Reaction::Pause(pause);
        });
        reaction
    }

    /// Goes on at another rate. A fixed one counts at once; from a fixed one, auto goes on from where it is.
    pub fn set_rate(&self, rate: Rate) {
        self.learn(|learnt, _| {
            learnt.asked = rate;
            match rate {
                Rate::Fixed(rate) => {
                    learnt.controller.set_ceiling(Some(rate));
                    learnt.backoff.set_rate(rate);
                }
                Rate::Auto => learnt.controller.set_ceiling(None),
            }
        });
    }

    /// Requests a second: as asked for where it is fixed, else as the gate has it now.
    pub fn target_rate(&self) -> f64 {
        let learnt = self.lock();
        match learnt.asked {
            Rate::Fixed(rate) => rate,
            Rate::Auto => learnt.told,
        }
    }

    /// Requests a second that the gate lets through now.
    pub fn rate(&self) -> f64 {
        self.lock().told
    }

    /// The quota as far as it is known, in requests a second, where it was to be found.
    pub fn found_rate(&self) -> Option<f64> {
        let learnt = self.lock();
        learnt.controller.found_rate().filter(|_| learnt.asked == Rate::Auto)
    }

    fn learn(&self, what: impl FnOnce(&mut Learnt, Duration)) {
        let mut learnt = self.lock();
        let at = self.started.elapsed();
        what(&mut learnt, at);
        let rate = learnt.controller.rate(at);
        if (rate - learnt.told).abs() > NOTICEABLE * learnt.told {
            learnt.told = rate;
            self.gate.set_rate(rate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_under_way_when_the_pool_paused_says_nothing_new() {
        let pacer = Pacer::new(Rate::Fixed(1000.0), 1000.0, 10);
        let (one, other) = (pacer.permit().await, pacer.permit().await);
        assert!(matches!(pacer.report_failure(PoolFailure::Throttled, one, 0.5), Reaction::Pause(_)));
        assert_eq!(pacer.report_failure(PoolFailure::Throttled, other, 0.5), Reaction::None);
        assert!(pacer.rate() < 1000.0 && pacer.target_rate() == 1000.0);
    }

    #[tokio::test]
    async fn throttling_without_an_answer_in_between_is_waited_out_and_at_last_given_up() {
        let pacer = Pacer::new(Rate::Auto, 1e4, 1);
        let mut pauses = Vec::new();
        let reaction = loop {
            // No pause is awaited: an attempt of now is one of the new epoch.
            let permit = Permit { epoch: pacer.gate.epoch() };
            match pacer.report_failure(PoolFailure::Throttled, permit, 1.0) {
                Reaction::Pause(pause) => pauses.push(pause.as_secs_f64()),
                reaction => break reaction,
            }
        };
        assert_eq!(reaction, Reaction::GiveUp);
        assert!(pauses[0] < 0.05 && pauses[1] >= 0.2 && *pauses.last().unwrap() == 30.0, "{pauses:?}");
    }

    #[tokio::test]
    async fn another_rate_counts_at_once() {
        let pacer = Pacer::new(Rate::Fixed(2.0), 2.0, 1);
        pacer.set_rate(Rate::Fixed(50.0));
        assert_eq!((pacer.rate(), pacer.found_rate()), (50.0, None));
        pacer.set_rate(Rate::Auto);
        assert_eq!(pacer.target_rate(), 50.0);
    }
}
