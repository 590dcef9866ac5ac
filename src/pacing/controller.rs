//! How fast requests should leave, learnt from what the server throttles. Pure: events in, a rate out.
//!
//! The server's quota is a token bucket, R tokens a second and B at most, and neither is known. The law:
//!
//! 1. **Search.** Until the first throttle the rate doubles every 2 s, or every 8 requests if that takes
//!    longer. A fixed rate is the same search, started at its own ceiling.
//! 2. **Measure.** The bucket was empty at two throttles, so the n tokens taken in between, divided by the
//!    time, are R, but for one token in n:  `low = (n + 3) / (time + 3 / rate)`. Three requests at the rate
//!    of the throttle are added so that one unlucky attempt does not weigh too much. If the bucket was full
//!    in between, R is more than `low`, but still less than the rate at the throttle, `high`. A burst that
//!    was full at the start makes `low` too much by up to 2.5 s of R; that is a doubt of its own.
//! 3. **Settle.** The plateau is `low`; as long as `low` still rises from throttle to throttle it is up to
//!    a third of the way to `high`, but no more than `low` rose. The depth d of the cut is the doubt:
//!    `1 / (n + 3)`, at least 3 %, at most a half.
//! 4. **Probe.** After a throttle everybody pauses for about one request. Then, with t since the throttle,
//!    `rate = plateau * (1 + d * (t / half - 1)^5)`: it starts d below the plateau, stays near it, is d above
//!    it at t = 2 * half and has then given back what it left, so nothing is lost if the bucket held it.
//!    From there on it grows as the curve does, but never faster than in the search. `half` is 75 requests,
//!    at least 5 s and at most 37.5 s; it is shorter where the doubt is greater.
//! 5. **Hold.** While fewer requests leave than the rate allows, the rate stays and nothing is measured.
//!    From the third throttle without an answer in between the rate stays, too: that is a dead stop, and
//!    the caller's backoff is for it, whose pause counts if it is the longer.
//!
//! The cut is a share of the rate and the cycles of all who share a bucket take about as long, whatever
//! their rates: who is faster meets more throttles and yields more often, which is what makes them equal.
//!
//! Sources: the shape with a plateau is CUBIC's (RFC 9438) with a fifth power and a measured plateau; the
//! hold is that of senders which the application limits (RFC 7661, RFC 9438); why the cut is multiplicative:
//! Chiu and Jain, "Analysis of the Increase and Decrease Algorithms", 1989.

use std::time::Duration;

/// No rate that is found is lower, requests a second: one request a minute still tells when the quota is back.
const SLOWEST: f64 = 1.0 / 60.0;

/// No rate is higher, requests a second: more than any wire carries.
const FASTEST: f64 = 1e9;

/// In the search the rate doubles in so many seconds: 2/s is 200/s after 14 s.
const DOUBLING: f64 = 2.0;

/// But in no fewer requests, so that a slow search sees a throttle before it has gone far beyond.
const DOUBLING_REQUESTS: f64 = 8.0;

/// The burst a quota may have, in seconds of its rate. CreateContact's documented quota is 2/s and 5.
const BURST: f64 = 2.5;

/// So many requests at the old rate are believed in before any is counted.
const PRIOR: f64 = 3.0;

/// So many tokens between two throttles make a measurement that the next run may start from.
const WORTH_REMEMBERING: f64 = 10.0;

/// The smallest cut, a share of the rate. It leaves room for others and for the jitter of the wire.
const SHALLOWEST: f64 = 0.03;

/// The deepest cut, a share of the rate: TCP's half.
const DEEPEST: f64 = 0.5;

/// Half a cycle at the smallest cut, in requests: one throttle in about 150 is 0.7 %.
const HALF_REQUESTS: f64 = 75.0;

/// The same in seconds at least. It makes the cycles of all who share a bucket alike, and a throttle
/// at high rates costs several attempts.
const HALF_LEAST: f64 = 5.0;

/// The same in seconds at most, or slow clients would never find that a quota has grown.
const HALF_MOST: f64 = 37.5;

/// Half a cycle is shorter the deeper the cut: by the depth to this power. At 1 a cut would always leave
/// the same number of tokens; below, the next measurement is a little more precise.
const SHORTER: f64 = 0.85;

/// Half a cycle is never shorter, in seconds: round trips must fit in.
const HALF_SHORTEST: f64 = 1.0;

/// The shortest and the longest pause, in seconds. The shortest fills the bucket by what jitter takes.
const PAUSES: (f64, f64) = (0.02, 1.0);

/// What counts as sent of late, in seconds and at least in requests.
const MEMORY: (f64, f64) = (5.0, 20.0);

/// The sender is the limit, not the rate, if it sends less than this share of what it may.
const USED: f64 = 0.85;

/// Throttles in a row, without an answer, that say the rate is too high. More say that nothing is let
/// through at all, whatever the rate; the caller's backoff is for that, and the rate waits for its end.
const MEANT_FOR_THE_RATE: u32 = 2;

/// A throttled attempt is answered within so many seconds; one that takes longer took a token.
const PROMPT: f64 = 1.0;

/// The rate for a pool of workers, and what it was learnt from. Times are since any start.
#[derive(Debug)]
pub(super) struct Controller {
    ceiling: f64,
    rate: f64,
    /// The curve after a throttle; none in the search.
    curve: Option<Curve>,
    /// What was measured last, requests a second.
    low: f64,
    /// The plateau after the last measurement that is worth remembering.
    found: Option<f64>,
    tally: Tally,
    /// Throttles since the last answer.
    unanswered: u32,
    /// Requests sent of late, and how many might have been; both fade.
    sent: f64,
    allowed: f64,
    /// The last event, and until when nobody sends, in seconds.
    now: f64,
    paused: f64,
}

#[derive(Debug)]
struct Curve {
    plateau: f64,
    depth: f64,
    half: f64,
    /// Seconds in use since the throttle.
    age: f64,
}

/// What happened since the last throttle, or since the sender became the limit.
#[derive(Default, Debug)]
struct Tally {
    seconds: f64,
    answered: f64,
    sent: f64,
    /// It began at a throttle, when the bucket was empty.
    from_empty: bool,
}

impl Controller {
    /// Starts at `start` requests a second and never passes `ceiling`. A fixed rate is both; a search
    /// starts low, or at half of what an earlier run [`found`](Self::found_rate).
    pub(super) fn new(start: f64, ceiling: Option<f64>) -> Self {
        let ceiling = ceiling.filter(|ceiling| *ceiling > 0.0).unwrap_or(FASTEST);
        Controller {
            ceiling,
            rate: within(start, ceiling),
            curve: None,
            low: 0.0,
            found: None,
            tally: Tally::default(),
            unanswered: 0,
            sent: 0.0,
            allowed: 0.0,
            now: 0.0,
            paused: 0.0,
        }
    }

    /// An attempt left.
    pub(super) fn sent(&mut self, at: Duration) {
        self.advance(at);
        self.sent += 1.0;
        self.tally.sent += 1.0;
    }

    /// An attempt was answered, other than by throttling: it took a token.
    pub(super) fn answered(&mut self, at: Duration) {
        self.advance(at);
        self.tally.answered += 1.0;
        self.unanswered = 0;
    }

    /// An attempt that left after the last pause was throttled. How long everybody pauses; `random` is
    /// in `0..1` and keeps those who share a bucket out of step.
    pub(super) fn throttled(&mut self, at: Duration, random: f64) -> Duration {
        self.advance(at);
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered <= MEANT_FOR_THE_RATE {
            self.learn();
        }
        let pause = (1.0 / self.curve.as_ref().map_or(self.rate, |curve| curve.plateau))
            .clamp(PAUSES.0, PAUSES.1)
            * (0.75 + random.clamp(0.0, 1.0).max(0.0) / 2.0);
        self.paused = self.now + pause;
        Duration::from_secs_f64(pause)
    }

    /// Requests a second from now on.
    pub(super) fn rate(&mut self, at: Duration) -> f64 {
        self.advance(at);
        self.rate
    }

    /// Goes on with another ceiling: at the ceiling, as if new, or from where it is if there is none.
    pub(super) fn set_ceiling(&mut self, ceiling: Option<f64>) {
        match ceiling {
            Some(ceiling) => {
                let (now, paused) = (self.now, self.paused);
                *self = Controller { now, paused, ..Controller::new(ceiling, Some(ceiling)) };
            }
            None => self.ceiling = FASTEST,
        }
    }

    /// The quota as far as it is known, requests a second; none before it was measured between two throttles. A cut
    /// alone is no measurement: who remembered that would start lower every time.
    pub(super) fn found_rate(&self) -> Option<f64> {
        self.found
    }

    /// What a throttle tells.
    fn learn(&mut self) {
        let high = self.rate_in_use();
        let tally = std::mem::take(&mut self.tally);
        // Had any of those sent a while ago been throttled, it would have been said; they took a token each
        // even if their answers are slow.
        let count = tally.answered.max(tally.sent - PROMPT * high);
        let mut low = ((count + PRIOR) / (tally.seconds + PRIOR / high)).min(high);
        let mut doubt = 1.0 / (count + PRIOR);
        if !tally.from_empty {
            let burst = (BURST / (BURST + tally.seconds)).min(DEEPEST);
            doubt = doubt.max(burst);
            low *= 1.0 - burst * burst;
        }
        let rise = ((high - low) / 3.0).min(low - self.low).max(0.0);
        let plateau = within(low + rise, self.ceiling);
        let depth = doubt.max(1.5 * rise / low).clamp(SHALLOWEST, DEEPEST);
        let half = (HALF_REQUESTS / plateau).clamp(HALF_LEAST, HALF_MOST);
        let half = (half * (SHALLOWEST / depth).powf(SHORTER)).max(HALF_SHORTEST);
        if tally.from_empty && count >= WORTH_REMEMBERING {
            self.found = Some(plateau);
        }
        let curve = Curve { plateau, depth, half, age: 0.0 };
        self.rate = within(curve.rate(), self.ceiling);
        self.curve = Some(curve);
        self.low = low;
        self.tally.from_empty = true;
    }

    /// The rate, or what was sent of late where that is much less: a rate that nobody reached is no measure.
    fn rate_in_use(&mut self) -> f64 {
        if !self.is_idle() || self.sent < 1.0 {
            return self.rate;
        }
        let used = std::mem::take(&mut self.sent) / std::mem::take(&mut self.allowed);
        within(self.rate * used, self.ceiling)
    }

    /// Whether the sender is the limit. The first few requests tell nothing.
    fn is_idle(&self) -> bool {
        self.allowed > PRIOR && self.sent < USED * self.allowed
    }

    fn advance(&mut self, at: Duration) {
        let at = at.as_secs_f64().max(self.now);
        let in_use = (at - self.paused.max(self.now)).max(0.0);
        self.tally.seconds += at - self.now;
        self.now = at;
        let fade = (-in_use / MEMORY.0.max(MEMORY.1 / self.rate)).exp();
        self.sent *= fade;
        self.allowed = (self.allowed + in_use * self.rate) * fade;
        if self.is_idle() {
            self.tally = Tally::default();
            return;
        }
        // A doubling at most, however long nobody asked.
        let fastest = self.rate * (in_use / DOUBLING.max(DOUBLING_REQUESTS / self.rate)).min(1.0).exp2();
        let rate = match &mut self.curve {
            None => fastest,
            Some(curve) => {
                curve.age += in_use;
                if curve.age < 2.0 * curve.half { curve.rate() } else { curve.rate().min(fastest) }
            }
        };
        self.rate = within(rate, self.ceiling);
    }
}

impl Curve {
    fn rate(&self) -> f64 {
        self.plateau * (1.0 + self.depth * (self.age / self.half - 1.0).powi(5))
    }
}

/// `rate`, as a rate that can be kept; what is not a number is the slowest.
fn within(rate: f64, ceiling: f64) -> f64 {
    rate.max(SLOWEST).min(ceiling)
}
