//! Tests the controller in virtual time against a server's token bucket, network jitter, a gate and other clients.

use super::controller::Controller;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A client under control of a [`Controller`], or one that sends at a constant rate.
#[derive(Clone)]
enum ClientKind {
    Controlled { start: f64, ceiling: Option<f64>, gate: f64, concurrency: usize },
    Constant(f64),
}

#[derive(Clone)]
struct SimClient {
    kind: ClientKind,
    from: f64,
    to: f64,
}

#[derive(Clone)]
struct Scenario {
    /// Changes of the quota: start, tokens per second, capacity.
    quota: Vec<(f64, f64, f64)>,
    round_trip: f64,
    /// Changes of the server's processing time: start, seconds.
    service: Vec<(f64, f64)>,
    /// Period in which nothing is sent.
    idle: (f64, f64),
    stray_throttles: Vec<f64>,
    clients: Vec<SimClient>,
    seconds: f64,
    seed: u64,
}

#[derive(Default, Clone)]
struct Trace {
    /// Times of admitted requests.
    taken: Vec<f64>,
    /// Times of throttled requests.
    throttled: Vec<f64>,
    /// The controller's rate every 0.2 s.
    rates: Vec<f64>,
}

struct ClientState {
    controller: Option<Controller>,
    tokens: f64,
    epoch: u64,
    paused_until: f64,
    filled: f64,
    in_flight: usize,
    /// Throttles since the last answer.
    throttles: i32,
    trace: Trace,
}

#[derive(Clone, Copy, PartialEq)]
enum SimEvent {
    Wake,
    Arrive(u64),
    Answer(u64, bool),
    Sample,
}

#[derive(Clone, Copy, PartialEq)]
struct Scheduled(f64, u64, usize, SimEvent);
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

fn at(time: f64) -> Duration {
    Duration::from_secs_f64(time)
}

impl Scenario {
    fn new(rate: f64, burst: f64) -> Scenario {
        Scenario {
            quota: vec![(0.0, rate, burst)],
            round_trip: 0.04,
            service: vec![(0.0, 0.0)],
            idle: (0.0, 0.0),
            stray_throttles: vec![],
            clients: vec![],
            seconds: 120.0,
            seed: 0,
        }
    }
    fn auto(self) -> Scenario {
        self.controlled(2.0, None, 2.0, 0.0)
    }
    fn controlled(mut self, start: f64, ceiling: Option<f64>, gate: f64, from: f64) -> Scenario {
        let kind = ClientKind::Controlled { start, ceiling, gate, concurrency: 10_000 };
        self.clients.push(SimClient { kind, from, to: f64::MAX });
        self
    }
    fn other(mut self, rate: f64, from: f64, to: f64) -> Scenario {
        self.clients.push(SimClient { kind: ClientKind::Constant(rate), from, to });
        self
    }
    fn lasting(mut self, seconds: f64) -> Scenario {
        self.seconds = seconds;
        self
    }
    fn then(mut self, from: f64, rate: f64, burst: f64) -> Scenario {
        self.quota.push((from, rate, burst));
        self
    }

    fn run(&self) -> Vec<Trace> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut queue = BinaryHeap::new();
        let mut order = 0;
        let mut states: Vec<ClientState> = vec![];
        let mut push = |queue: &mut BinaryHeap<Reverse<Scheduled>>, time, who, event| {
            order += 1;
            queue.push(Reverse(Scheduled(time, order, who, event)));
        };
        for (who, client) in self.clients.iter().enumerate() {
            let (controller, tokens) = match client.kind {
                ClientKind::Controlled { start, ceiling, gate, .. } => {
                    (Some(Controller::new(start, ceiling)), gate)
                }
                ClientKind::Constant(_) => (None, 0.0),
            };
            states.push(ClientState {
                controller,
                tokens,
                epoch: 0,
                paused_until: 0.0,
                filled: client.from,
                in_flight: 0,
                throttles: 0,
                trace: Trace::default(),
            });
            push(&mut queue, client.from + random.f64() * 0.01, who, SimEvent::Wake);
            push(&mut queue, client.from, who, SimEvent::Sample);
        }
        let mut stray_throttles = self.stray_throttles.clone();
        let (mut level, mut level_at) = (self.quota[0].2, 0.0);
        while let Some(Reverse(Scheduled(now, _, who, event))) = queue.pop() {
            if now > self.seconds {
                break;
            }
            let client = &self.clients[who];
            let state = &mut states[who];
            let one_way = |random: &mut fastrand::Rng| self.round_trip / 2.0 * (0.7 + 0.6 * random.f64());
            match event {
                SimEvent::Sample => {
                    if let Some(controller) = &mut state.controller {
                        let rate = controller.rate(at(now - client.from));
                        assert!(rate.is_finite() && rate > 0.0);
                        state.trace.rates.push(rate);
                        push(&mut queue, now + 0.2, who, SimEvent::Sample);
                    }
                }
                SimEvent::Wake => {}
                SimEvent::Arrive(epoch) => {
                    let (_, rate, burst) = self.quota.iter().rev().find(|q| q.0 <= now).copied().unwrap();
                    level = f64::min(level + (now - level_at) * rate, burst);
                    level_at = now;
                    let is_stray = stray_throttles.first().is_some_and(|s| *s <= now);
                    if is_stray {
                        stray_throttles.remove(0);
                    }
                    let taken = level >= 1.0 && !is_stray;
                    if taken {
                        level -= 1.0;
                        state.trace.taken.push(now);
                    } else {
                        state.trace.throttled.push(now);
                    }
                    let service = self.service.iter().rev().find(|s| s.0 <= now).map_or(0.0, |s| s.1);
                    let service = if taken { service } else { 0.0 };
                    if state.controller.is_some() {
                        push(
                            &mut queue,
                            now + one_way(&mut random) + service,
                            who,
                            SimEvent::Answer(epoch, taken),
                        );
                    }
                }
                SimEvent::Answer(epoch, taken) => {
                    state.in_flight -= 1;
                    let controller = state.controller.as_mut().unwrap();
                    let time = at(now - client.from);
                    if taken {
                        controller.answered(time);
                        state.throttles = 0;
                    } else if epoch == state.epoch {
                        let base = (2.0 / controller.rate(time)).clamp(0.1, 2.0);
                        let pause = controller.throttled(time, random.f64()).as_secs_f64();
                        let backoff =
                            (base * 2f64.powi(state.throttles)).min(30.0) * (0.5 + random.f64() / 2.0);
                        let pause = if state.throttles > 0 { pause.max(backoff) } else { pause };
                        state.throttles += 1;
                        state.paused_until = state.paused_until.max(now + pause);
                        state.epoch += 1;
                    }
                }
            }
            // The client's gate.
            match client.kind {
                ClientKind::Constant(rate) => {
                    if event == SimEvent::Wake && now < client.to {
                        let delay = 0.003 * random.f64() + one_way(&mut random);
                        push(&mut queue, now + delay, who, SimEvent::Arrive(0));
                        push(&mut queue, now + 1.0 / rate, who, SimEvent::Wake);
                    }
                }
                ClientKind::Controlled { gate, concurrency, .. } => {
                    let controller = state.controller.as_mut().unwrap();
                    let rate = controller.rate(at(now - client.from));
                    let fills = (now - state.filled.max(state.paused_until)).max(0.0);
                    state.tokens = f64::min(state.tokens + rate * fills, gate.max(rate / 50.0));
                    state.filled = now;
                    let idle = now >= self.idle.0 && now < self.idle.1;
                    while state.tokens >= 1.0 - 1e-9
                        && now >= state.paused_until
                        && state.in_flight < concurrency
                        && now < client.to
                        && !idle
                    {
                        state.tokens -= 1.0;
                        state.in_flight += 1;
                        controller.sent(at(now - client.from));
                        let delay = 0.003 * random.f64() + one_way(&mut random);
                        push(&mut queue, now + delay, who, SimEvent::Arrive(state.epoch));
                    }
                    if matches!(event, SimEvent::Wake) {
                        let next = (state.paused_until.max(now) + (1.0 - state.tokens).max(0.0) / rate)
                            .min(now + 0.2);
                        push(&mut queue, next.max(now + 1e-5) + 0.0015 * random.f64(), who, SimEvent::Wake);
                    }
                }
            }
        }
        states.into_iter().map(|s| s.trace).collect()
    }
}

impl Trace {
    fn taken(&self, from: f64, to: f64) -> f64 {
        (self.taken.partition_point(|t| *t < to) - self.taken.partition_point(|t| *t < from)) as f64
    }
    fn throttled(&self, from: f64, to: f64) -> f64 {
        (self.throttled.partition_point(|t| *t < to) - self.throttled.partition_point(|t| *t < from)) as f64
    }
    fn share_throttled(&self, from: f64, to: f64) -> f64 {
        self.throttled(from, to) / (self.throttled(from, to) + self.taken(from, to)).max(1.0)
    }
    /// Seconds after `from` from which on the admitted rate stays above 95 % of `rate` until `to`.
    fn converged(&self, rate: f64, from: f64, to: f64) -> f64 {
        let window = (100.0 / rate).clamp(5.0, 30.0);
        let mut time = to - window;
        while time > from && self.taken(time, time + window) >= 0.95 * rate * window - 1.0 {
            time -= 0.25;
        }
        (time + 0.25 - from).max(0.0)
    }
}

/// The traces of all clients, for each seed.
fn traces(scenario: &Scenario, seeds: u64) -> impl Iterator<Item = Vec<Trace>> {
    (0..seeds).map(|seed| Scenario { seed, ..scenario.clone() }.run())
}

/// Seconds to converge, share of `rate` used from then on, share of all attempts throttled.
fn measures(trace: &Trace, rate: f64, from: f64, to: f64) -> (f64, f64, f64) {
    let seconds = trace.converged(rate, from, to);
    let since = from + seconds.min((to - from) / 2.0);
    (seconds, trace.taken(since, to) / (to - since) / rate, trace.share_throttled(0.0, to))
}

mod law;
