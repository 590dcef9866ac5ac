//! The pace of the whole pool: combines gate, controller and backoff.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Backoff, MAX_ASKED_PAUSE, PoolFailure};
use super::controller::Controller;
use super::gate::{Burst, Gate, Permit};
use super::rate::Rate;

/// Consequence of a failure for the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// None: the attempt was in flight already when the pool paused for another failure.
    None,
    /// No request is sent for a time.
    Pause(Pause),
    /// Too many failures in succession: the run should end.
    GiveUp,
}

/// A time in which no request is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause {
    /// Length.
    pub duration: Duration,
    /// Whether the service asked for it, and it would be shorter otherwise.
    pub is_asked: bool,
}

/// Paces the requests of all attempts.
#[derive(Debug)]
pub struct Pacer {
    gate: Gate,
    started: Instant,
    state: Mutex<PacerState>,
}

#[derive(Debug)]
struct PacerState {
    target: Rate,
    controller: Controller,
    backoff: Backoff,
    /// Throttles since the last answer that led to a pause.
    throttles: u32,
    /// End of the pause that was last reported, since `Pacer::started`.
    reported_until: Duration,
    /// The gate's rate.
    gate_rate: f64,
}

/// Extensions of a pause below this are not reported: many requests in flight may ask for the same pause.
const MIN_REPORTED_EXTENSION: Duration = Duration::from_secs(1);

/// Smaller relative changes of the rate are not passed to the gate: each wakes the waiting attempt.
const MIN_RATE_CHANGE: f64 = 0.005;

impl Pacer {
    /// Starts at `start` requests per second, which is the rate itself if that is fixed. `burst` is the server's.
    ///
    /// Rates must be positive, finite numbers and `burst` at least 1; the job validates that.
    pub fn new(rate: Rate, start: f64, burst: u32) -> Self {
        let (controller, burst) = match rate {
            Rate::Fixed(rate) => (Controller::new(rate, Some(rate)), Burst::below(burst)),
            Rate::Auto => (Controller::new(start, None), Burst::Proportional),
        };
        let backoff = Backoff::new(start);
        let state = PacerState {
            target: rate,
            controller,
            backoff,
            throttles: 0,
            reported_until: Duration::ZERO,
            gate_rate: start,
        };
        Pacer { gate: Gate::new(start, burst), started: Instant::now(), state: Mutex::new(state) }
    }

    /// Waits for permission to make one attempt. A dropped future uses no permit.
    pub async fn permit(&self) -> Permit {
        self.gate.permit().await
    }

    /// Records that an attempt is sent.
    pub fn sent(&self) {
        self.change(|state, at| state.controller.sent(at));
    }

    /// Records an answer other than a throttle.
    pub fn answered(&self) {
        self.change(|state, at| {
            state.controller.answered(at);
            state.backoff.answered();
            state.throttles = 0;
        });
    }

    /// Adjusts the rate to the time that has passed.
    pub fn update(&self) {
        self.change(|_, _| ());
    }

    /// Records a failure of the attempt with this permit, and pauses the pool if that is due: for the backoff's pause, or
    /// for the `asked` one of the service if that is longer, which is limited to five minutes. `random` is in `0..1`.
    pub fn report_failure(
        &self,
        failure: PoolFailure,
        asked: Option<Duration>,
        permit: Permit,
        random: f64,
    ) -> Reaction {
        let mut reaction = Reaction::None;
        self.change(|state, at| {
            if permit.epoch != self.gate.epoch() {
                reaction = self.extend_pause(state, at, asked);
                return;
            }
            let Some(backoff) = state.backoff.failed(failure, random) else {
                reaction = Reaction::GiveUp;
                return;
            };
            let own = match failure {
                PoolFailure::Throttled => {
                    state.throttles += 1;
                    let pause = state.controller.throttled(at, random);
                    // A single throttle means that the rate is a little high; a second one without an answer in
                    // between may mean that nothing is admitted, which no rate helps.
                    if state.throttles > 1 { pause.max(backoff) } else { pause }
                }
                PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable | PoolFailure::Unanswered => {
                    backoff
                }
            };
            let asked = asked.unwrap_or_default().min(MAX_ASKED_PAUSE);
            let pause = Pause { duration: own.max(asked), is_asked: asked > own };
            if pause.is_asked {
                state.controller.held(at, pause.duration);
            }
            self.gate.pause(pause.duration);
            state.reported_until = at + pause.duration;
            reaction = Reaction::Pause(pause);
        });
        reaction
    }

    /// Pauses the pool as the service asks for it, at most for five minutes, where no failure is to be counted.
    pub fn hold(&self, asked: Duration) -> Reaction {
        let mut reaction = Reaction::None;
        self.change(|state, at| reaction = self.extend_pause(state, at, Some(asked)));
        reaction
    }

    /// Extends the current pause, or begins one, if the service asks for a longer one.
    fn extend_pause(&self, state: &mut PacerState, at: Duration, asked: Option<Duration>) -> Reaction {
        let duration = asked.unwrap_or_default().min(MAX_ASKED_PAUSE);
        if duration <= self.gate.pause_left() {
            return Reaction::None;
        }
        state.controller.held(at, duration);
        self.gate.pause(duration);
        let until = at + duration;
        if until < state.reported_until + MIN_REPORTED_EXTENSION {
            return Reaction::None;
        }
        state.reported_until = until;
        Reaction::Pause(Pause { duration, is_asked: true })
    }

    /// Changes the target rate. A fixed one applies at once; `Auto` continues from the current rate.
    pub fn set_rate(&self, rate: Rate) {
        self.change(|state, _| {
            state.target = rate;
            match rate {
                Rate::Fixed(rate) => {
                    state.controller.set_ceiling(Some(rate));
                    state.backoff.set_rate(rate);
                }
                Rate::Auto => state.controller.set_ceiling(None),
            }
        });
    }

    /// Target rate, requests per second; with `Auto` the gate's current rate.
    pub fn target_rate(&self) -> f64 {
        let state = self.lock();
        match state.target {
            Rate::Fixed(rate) => rate,
            Rate::Auto => state.gate_rate,
        }
    }

    /// The gate's current rate, requests per second.
    pub fn rate(&self) -> f64 {
        self.lock().gate_rate
    }

    /// The measured quota, requests per second; `None` unless the target is `Auto` and a measurement is complete.
    pub fn found_rate(&self) -> Option<f64> {
        let state = self.lock();
        state.controller.found_rate().filter(|_| state.target == Rate::Auto)
    }

    fn change(&self, change: impl FnOnce(&mut PacerState, Duration)) {
        let mut state = self.lock();
        let at = self.started.elapsed();
        change(&mut state, at);
        let rate = state.controller.rate(at);
        if (rate - state.gate_rate).abs() > MIN_RATE_CHANGE * state.gate_rate {
            state.gate_rate = rate;
            self.gate.set_rate(rate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, PacerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_of_an_attempt_from_before_the_pause_has_no_effect() {
        let pacer = Pacer::new(Rate::Fixed(1000.0), 1000.0, 10);
        let (first, second) = (pacer.permit().await, pacer.permit().await);
        assert!(matches!(pacer.report_failure(PoolFailure::Throttled, None, first, 0.5), Reaction::Pause(_)));
        assert_eq!(pacer.report_failure(PoolFailure::Throttled, None, second, 0.5), Reaction::None);
        assert!(pacer.rate() < 1000.0 && pacer.target_rate() == 1000.0);
    }

    #[tokio::test]
    async fn throttles_without_an_answer_in_between_lead_to_longer_pauses_and_then_to_the_end() {
        let pacer = Pacer::new(Rate::Auto, 1e4, 1);
        let mut pauses = Vec::new();
        let reaction = loop {
            // A permit of the current epoch, without waiting for the end of the pause.
            let permit = Permit { epoch: pacer.gate.epoch() };
            match pacer.report_failure(PoolFailure::Throttled, None, permit, 1.0) {
                Reaction::Pause(pause) => pauses.push(pause.duration.as_secs_f64()),
                reaction => break reaction,
            }
        };
        assert_eq!(reaction, Reaction::GiveUp);
        assert!(pauses[0] < 0.05 && pauses[1] >= 0.2 && *pauses.last().unwrap() == 30.0, "{pauses:?}");
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// A pacer at a fixed rate of 10 per second, and a permit of its first epoch.
    async fn pacer() -> (Pacer, Permit) {
        let pacer = Pacer::new(Rate::Fixed(10.0), 10.0, 10);
        let permit = pacer.permit().await;
        (pacer, permit)
    }

    fn asked(seconds: u32) -> Reaction {
        Reaction::Pause(Pause { duration: seconds * SECOND, is_asked: true })
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_is_the_longer_of_the_backoffs_and_the_services_within_five_minutes() {
        for failure in [PoolFailure::Throttled, PoolFailure::Unanswered] {
            for (seconds, expected) in [(20, 20), (301, 300), (1_000_000, 300)] {
                let (pacer, permit) = pacer().await;
                let start = Instant::now();
                assert_eq!(
                    pacer.report_failure(failure, Some(seconds * SECOND), permit, 0.5),
                    asked(expected)
                );
                pacer.permit().await;
                let late = start.elapsed().checked_sub(expected * SECOND).unwrap();
                // No burst after the pause: the first permit takes as long as the rate says, which a throttle halves.
                assert!((99..=300).contains(&late.as_millis()), "{late:?}");
            }
            let (pacer, permit) = pacer().await;
            match pacer.report_failure(failure, Some(Duration::from_millis(1)), permit, 0.5) {
                Reaction::Pause(pause) => assert!(!pause.is_asked && pause.duration > SECOND / 100),
                other => unreachable!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_from_before_the_pause_may_extend_it_and_counts_as_no_failure() {
        let (pacer, permit) = pacer().await;
        pacer.report_failure(PoolFailure::Throttled, None, permit, 0.5);
        let start = Instant::now();
        // Many of them, over some time: the report is one.
        let mut reported = Vec::new();
        for _ in 0..50 {
            let reaction = pacer.report_failure(PoolFailure::Throttled, Some(60 * SECOND), permit, 0.5);
            reported.extend(Some(reaction).filter(|reaction| *reaction != Reaction::None));
            tokio::time::sleep(SECOND / 100).await;
        }
        assert_eq!(reported, [asked(60)]);
        assert_eq!(
            pacer.report_failure(PoolFailure::Throttled, Some(30 * SECOND), permit, 0.5),
            Reaction::None
        );
        let last = pacer.permit().await;
        assert!(start.elapsed() >= 60 * SECOND + SECOND / 100 * 49, "{:?}", start.elapsed());
        // The second failure, and not the fifty-second: it takes 20 to give up.
        assert!(matches!(pacer.report_failure(PoolFailure::Throttled, None, last, 0.5), Reaction::Pause(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_unanswered_attempt_holds_the_pool_for_the_time_that_the_service_asks_for() {
        let (pacer, _) = pacer().await;
        let start = Instant::now();
        assert_eq!(pacer.hold(30 * SECOND), asked(30));
        assert_eq!(pacer.hold(20 * SECOND), Reaction::None);
        pacer.permit().await;
        assert!((30..31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_new_target_rate_applies_at_once() {
        let pacer = Pacer::new(Rate::Fixed(2.0), 2.0, 1);
        pacer.set_rate(Rate::Fixed(50.0));
        assert_eq!((pacer.rate(), pacer.found_rate()), (50.0, None));
        pacer.set_rate(Rate::Auto);
        assert_eq!(pacer.target_rate(), 50.0);
    }
}
