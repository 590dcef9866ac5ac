//! The rate of requests, learnt from throttled attempts. Pure: events in, a rate out.
//!
//! The server's quota is a token bucket of R tokens per second and at most B tokens; both are unknown. The law:
//!
//! 1. **Search.** Until the first throttle the rate doubles every 2 s, or every 8 requests if that takes longer. A
//!    fixed rate is the same search, started at its own ceiling.
//! 2. **Measure.** At two throttles the bucket was empty, so the n tokens taken in between, divided by the time, are R
//!    with an error of one token in n:  `low = (n + 3) / (time + 3 / rate)`. The three added requests at the rate of
//!    the throttle limit the weight of a single stray throttle. If the bucket was full in between, R is above `low`,
//!    but still below the rate at the throttle, `high`. A burst that was full at the start makes `low` too high by up
//!    to 2.5 s of R, which adds to the uncertainty.
//! 3. **Settle.** The plateau is `low`. While `low` rises from throttle to throttle, the plateau is up to a third of
//!    the way to `high` above it, but not by more than `low` rose. The depth d of the cut is the uncertainty:
//!    `1 / (n + 3)`, at least 3 %, at most a half.
//! 4. **Probe.** After a throttle all requests pause for about one request. Then, with t since the throttle,
//!    `rate = plateau * (1 + d * (t / half - 1)^5)`. The rate starts d below the plateau, stays near it, and is d above
//!    it at t = 2 * half. By then the surplus equals the deficit, so that nothing is lost if the bucket kept the
//!    tokens. Afterwards the rate follows the curve, but never grows faster than in the search. `half` is 75 requests,
//!    at least 5 s and at most 37.5 s, and shorter where the uncertainty is greater.
//! 5. **Hold.** While fewer requests are sent than the rate allows, the rate stays and nothing is measured. From the
//!    third throttle without an answer in between the rate stays, too: the server admits nothing, and the pause is the
//!    longer of the caller's backoff and the controller's.
//!
//! A pause that the service asks for is no measurement: a longer one than a bucket takes to fill is left out of it.
//!
//! The cut is a share of the rate, and all clients of one bucket have cycles of about the same length. The faster
//! client is throttled more often and cuts more often, which makes their rates equal.
//!
//! Sources: the curve with a plateau is CUBIC's (RFC 9438), with a fifth power and a measured plateau; the hold is that
//! of application-limited senders (RFC 7661, RFC 9438); why the cut is multiplicative: Chiu and Jain, "Analysis of the
//! Increase and Decrease Algorithms", 1989.

use std::time::Duration;

/// Lowest rate, requests per second: one request a minute detects that the quota is available again.
const MIN_RATE: f64 = 1.0 / 60.0;

/// Highest rate, requests per second: more than any network carries.
const MAX_RATE: f64 = 1e9;

/// Time in which the rate doubles in the search, in seconds: from 2/s to 200/s in 14 s.
const DOUBLING_S: f64 = 2.0;

/// Requests in which the rate doubles at the earliest, so that a slow search is throttled before it overshoots.
const DOUBLING_REQUESTS: f64 = 8.0;

/// Assumed burst of a quota, in seconds of its rate. CreateContact's documented quota is 2/s with a burst of 5.
const BURST_S: f64 = 2.5;

/// Requests at the old rate that every measurement includes.
const PRIOR: f64 = 3.0;

/// Tokens between two throttles from which on the next run may start from the measurement.
const MIN_MEASURED: f64 = 10.0;

/// Smallest cut, a share of the rate. It leaves room for other clients and for network jitter.
const MIN_DEPTH: f64 = 0.03;

/// Deepest cut, a share of the rate: TCP's half.
const MAX_DEPTH: f64 = 0.5;

/// Half a cycle at the smallest cut, in requests. One throttle in about 150 requests is 0.7 %.
const HALF_REQUESTS: f64 = 75.0;

/// Lower bound of half a cycle at the smallest cut, in seconds. It gives all clients of a bucket cycles of one length,
/// and limits throttles at high rates, where each costs several attempts.
const HALF_MIN_S: f64 = 5.0;

/// Upper bound of half a cycle, in seconds, so that slow clients notice a higher quota.
const HALF_MAX_S: f64 = 37.5;

/// Exponent by which a deeper cut shortens half a cycle. At 1 every cut leaves the same number of tokens; below 1 the
/// next measurement is a little more precise.
const DEPTH_EXPONENT: f64 = 0.85;

/// Lower bound of half a cycle at any cut, in seconds: several round trips.
const HALF_FLOOR_S: f64 = 1.0;

/// Shortest and longest pause after a throttle, in seconds. The shortest covers the tokens that network jitter takes.
const PAUSES_S: (f64, f64) = (0.02, 1.0);

/// Time constant of the moving averages of sent and allowed requests: seconds, and at least requests.
const AVERAGING: (f64, f64) = (5.0, 20.0);

/// Share of the allowed requests below which the sender is the limit, not the rate.
const MIN_USED: f64 = 0.85;

/// Throttles without an answer in between that lower the rate. More of them mean that the server admits nothing at any
/// rate; then the caller's backoff applies and the rate stays.
const MAX_CUTS_UNANSWERED: u32 = 2;

/// Latency of a throttled attempt at most, in seconds. A slower attempt took a token.
const THROTTLE_LATENCY_S: f64 = 1.0;

/// Learns the rate of the pool. Times are since an arbitrary start.
#[derive(Debug)]
pub(super) struct Controller {
    ceiling: f64,
    rate: f64,
    /// The rate over time since the last throttle; `None` in the search.
    curve: Option<Curve>,
    /// Last measurement, requests per second.
    low: f64,
    /// Plateau after the last measurement of at least `MIN_MEASURED` tokens.
    found: Option<f64>,
    interval: Interval,
    /// Throttles since the last answer.
    throttles: u32,
    /// Moving averages of the requests that were sent and that the rate allowed.
    sent: f64,
    allowed: f64,
    /// Time of the last event, in seconds.
    now: f64,
    /// End of the last pause, in seconds.
    paused_until: f64,
    /// End of the last pause in which the bucket fills, in seconds. Nothing is measured until then.
    held_until: f64,
}

#[derive(Debug)]
struct Curve {
    plateau: f64,
    depth: f64,
    half: f64,
    /// Seconds since the throttle without the pause.
    age: f64,
}

/// Events since the last throttle, or since the sender became the limit.
#[derive(Default, Debug)]
struct Interval {
    seconds: f64,
    answered: f64,
    sent: f64,
    /// Whether it began at a throttle, when the bucket was empty.
    is_from_empty: bool,
}

impl Controller {
    /// Starts at `start` requests per second and stays at or below `ceiling`. A fixed rate is both; a search starts
    /// low, or at half of the rate that an earlier run [found](Self::found_rate).
    pub(super) fn new(start: f64, ceiling: Option<f64>) -> Self {
        let ceiling = ceiling.filter(|ceiling| *ceiling > 0.0).unwrap_or(MAX_RATE);
        Controller {
            ceiling,
            rate: clamped(start, ceiling),
            curve: None,
            low: 0.0,
            found: None,
            interval: Interval::default(),
            throttles: 0,
            sent: 0.0,
            allowed: 0.0,
            now: 0.0,
            paused_until: 0.0,
            held_until: 0.0,
        }
    }

    /// Records that an attempt is sent.
    pub(super) fn sent(&mut self, at: Duration) {
        self.advance(at);
        self.sent += 1.0;
        self.interval.sent += 1.0;
    }

    /// Records an answer other than a throttle: the attempt took a token.
    pub(super) fn answered(&mut self, at: Duration) {
        self.advance(at);
        if self.now >= self.held_until {
            self.interval.answered += 1.0;
        }
        self.throttles = 0;
    }

    /// Records a throttle of an attempt that was sent after the last pause. Returns the pause for all requests.
    /// `random` is in `0..1` and keeps clients that share a bucket from acting at the same time.
    pub(super) fn throttled(&mut self, at: Duration, random: f64) -> Duration {
        self.advance(at);
        self.throttles = self.throttles.saturating_add(1);
        if self.throttles <= MAX_CUTS_UNANSWERED {
            self.measure();
        }
        let pause = (1.0 / self.curve.as_ref().map_or(self.rate, |curve| curve.plateau))
            .clamp(PAUSES_S.0, PAUSES_S.1)
            * (0.75 + random.clamp(0.0, 1.0).max(0.0) / 2.0);
        self.paused_until = self.now + pause;
        Duration::from_secs_f64(pause)
    }

    /// Records that all requests pause for `pause` because the service asks for it, in the place of the controller's own
    /// pause. That says nothing of the quota: if the bucket fills meanwhile, the next measurement begins after it.
    pub(super) fn held(&mut self, at: Duration, pause: Duration) {
        self.advance(at);
        self.paused_until = self.paused_until.max(self.now + pause.as_secs_f64());
        if pause.as_secs_f64() > BURST_S {
            self.held_until = self.paused_until;
            self.interval = Interval::default();
        }
    }

    /// The rate at a time, requests per second.
    pub(super) fn rate(&mut self, at: Duration) -> f64 {
        self.advance(at);
        self.rate
    }

    /// Changes the ceiling. With one the controller starts again at it; without one it continues from its rate.
    pub(super) fn set_ceiling(&mut self, ceiling: Option<f64>) {
        match ceiling {
            Some(ceiling) => {
                let Controller { now, paused_until, held_until, .. } = *self;
                let new = Controller::new(ceiling, Some(ceiling));
                *self = Controller { now, paused_until, held_until, ..new };
            }
            None => self.ceiling = MAX_RATE,
        }
    }

    /// The measured quota, requests per second; `None` before a measurement between two throttles. A cut alone is no
    /// measurement: runs that started from it would start lower every time.
    pub(super) fn found_rate(&self) -> Option<f64> {
        self.found
    }

    /// Measures at a throttle, and starts the next cycle.
    fn measure(&mut self) {
        let high = self.take_used_rate();
        let interval = std::mem::take(&mut self.interval);
        // Attempts sent longer ago than a throttle takes were not throttled, so each took a token even if its answer
        // is still missing.
        let count = interval.answered.max(interval.sent - THROTTLE_LATENCY_S * high);
        let mut low = ((count + PRIOR) / (interval.seconds + PRIOR / high)).min(high);
        let mut uncertainty = 1.0 / (count + PRIOR);
        if !interval.is_from_empty {
            let burst = (BURST_S / (BURST_S + interval.seconds)).min(MAX_DEPTH);
            uncertainty = uncertainty.max(burst);
            low *= 1.0 - burst * burst;
        }
        let rise = ((high - low) / 3.0).min(low - self.low).max(0.0);
        let plateau = clamped(low + rise, self.ceiling);
        let depth = uncertainty.max(1.5 * rise / low).clamp(MIN_DEPTH, MAX_DEPTH);
        let half = (HALF_REQUESTS / plateau).clamp(HALF_MIN_S, HALF_MAX_S);
        let half = (half * (MIN_DEPTH / depth).powf(DEPTH_EXPONENT)).max(HALF_FLOOR_S);
        if interval.is_from_empty && count >= MIN_MEASURED {
            self.found = Some(plateau);
        }
        let curve = Curve { plateau, depth, half, age: 0.0 };
        self.rate = clamped(curve.rate(), self.ceiling);
        self.curve = Some(curve);
        self.low = low;
        self.interval.is_from_empty = true;
    }

    /// The rate, or the rate of the requests sent if that is much lower: an unused rate measures nothing.
    fn take_used_rate(&mut self) -> f64 {
        if !self.is_idle() || self.sent < 1.0 {
            return self.rate;
        }
        let used = std::mem::take(&mut self.sent) / std::mem::take(&mut self.allowed);
        clamped(self.rate * used, self.ceiling)
    }

    /// Whether the sender is the limit. The first few requests do not show it.
    fn is_idle(&self) -> bool {
        self.allowed > PRIOR && self.sent < MIN_USED * self.allowed
    }

    fn advance(&mut self, at: Duration) {
        let at = at.as_secs_f64().max(self.now);
        let unpaused = (at - self.paused_until.max(self.now)).max(0.0);
        self.interval.seconds += (at - self.held_until.max(self.now)).max(0.0);
        self.now = at;
        let fade = (-unpaused / AVERAGING.0.max(AVERAGING.1 / self.rate)).exp();
        self.sent *= fade;
        self.allowed = (self.allowed + unpaused * self.rate) * fade;
        if self.is_idle() {
            self.interval = Interval::default();
            return;
        }
        // At most one doubling per call, even after a long time without calls.
        let fastest = self.rate * (unpaused / DOUBLING_S.max(DOUBLING_REQUESTS / self.rate)).min(1.0).exp2();
        let rate = match &mut self.curve {
            None => fastest,
            Some(curve) => {
                curve.age += unpaused;
                if curve.age < 2.0 * curve.half { curve.rate() } else { curve.rate().min(fastest) }
            }
        };
        self.rate = clamped(rate, self.ceiling);
    }
}

impl Curve {
    fn rate(&self) -> f64 {
        self.plateau * (1.0 + self.depth * (self.age / self.half - 1.0).powi(5))
    }
}

/// `rate`, limited to `MIN_RATE..=ceiling`; `MIN_RATE` if it is not a number.
fn clamped(rate: f64, ceiling: f64) -> f64 {
    rate.max(MIN_RATE).min(ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Sends at the controller's rate to a quota of `quota` per second from second `from` to `until`. Each second's
    /// surplus is throttled at its end. Returns the last rate.
    fn served(controller: &mut Controller, quota: f64, from: u32, until: u32) -> f64 {
        for second in from..until {
            let requests = controller.rate(at(second.into())).ceil().min(1000.0) as u32;
            for request in 0..requests {
                let time = at(f64::from(second) + f64::from(request) / f64::from(requests));
                controller.sent(time);
                if f64::from(request) < quota {
                    controller.answered(time);
                } else {
                    controller.throttled(time, 0.5);
                    break;
                }
            }
        }
        controller.rate(at(until.into()))
    }

    #[test]
    fn a_long_pause_that_the_service_asks_for_does_not_change_the_measured_rate() {
        let mut controller = Controller::new(2.0, None);
        served(&mut controller, 50.0, 0, 120);
        let found = controller.found_rate().unwrap();
        let throttled = at(120.0);
        controller.throttled(throttled, 0.5);
        let before = controller.rate(throttled);
        controller.held(throttled, at(300.0));
        // Ticks and late answers of requests in flight during the pause.
        for second in 120..420 {
            controller.answered(at(f64::from(second)));
            assert_eq!(controller.rate(at(f64::from(second))), before, "{second}");
        }
        let after = served(&mut controller, 50.0, 420, 480);
        assert!((after / before - 1.0).abs() < 0.2, "{after} after {before}, found {found}");
        let found_since = controller.found_rate().unwrap();
        assert!((found_since / found - 1.0).abs() < 0.2, "{found_since} after {found}");
    }
}
