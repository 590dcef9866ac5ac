//! The requirements, held in virtual time: a server's bucket, a jittered wire, a gate, and others.

use super::controller::Controller;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// One kind of client.
#[derive(Clone)]
enum Kind {
    Own { start: f64, ceiling: Option<f64>, gate: f64, concurrency: usize },
    Constant(f64),
}

#[derive(Clone)]
struct Client {
    kind: Kind,
    from: f64,
    to: f64,
}

#[derive(Clone)]
struct World {
    /// From when, tokens a second, capacity. None is no quota.
    quota: Vec<(f64, f64, f64)>,
    trip: f64,
    /// Seconds the server takes, from when.
    service: Vec<(f64, f64)>,
    /// When nothing is sent: from, to.
    quiet: (f64, f64),
    strays: Vec<f64>,
    clients: Vec<Client>,
    seconds: f64,
    seed: u64,
}

#[derive(Default, Clone)]
struct Tale {
    /// When the server took one.
    taken: Vec<f64>,
    /// When the server throttled one.
    refused: Vec<f64>,
    /// The rate, twice a second.
    rates: Vec<f64>,
}

struct State {
    controller: Option<Controller>,
    tokens: f64,
    epoch: u64,
    held: f64,
    filled: f64,
    under_way: usize,
    /// Throttles since the last answer.
    setbacks: i32,
    tale: Tale,
}

#[derive(Clone, Copy, PartialEq)]
enum Event {
    Wake,
    Arrive(u64),
    Answer(u64, bool),
    Sample,
}

#[derive(Clone, Copy, PartialEq)]
struct Due(f64, u64, usize, Event);
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

fn at(time: f64) -> Duration {
    Duration::from_secs_f64(time)
}

impl World {
    fn new(rate: f64, burst: f64) -> World {
        World {
            quota: vec![(0.0, rate, burst)],
            trip: 0.04,
            service: vec![(0.0, 0.0)],
            quiet: (0.0, 0.0),
            strays: vec![],
            clients: vec![],
            seconds: 120.0,
            seed: 0,
        }
    }
    fn auto(self) -> World {
        self.own(2.0, None, 2.0, 0.0)
    }
    fn own(mut self, start: f64, ceiling: Option<f64>, gate: f64, from: f64) -> World {
        let kind = Kind::Own { start, ceiling, gate, concurrency: 10_000 };
        self.clients.push(Client { kind, from, to: f64::MAX });
        self
    }
    fn other(mut self, rate: f64, from: f64, to: f64) -> World {
        self.clients.push(Client { kind: Kind::Constant(rate), from, to });
        self
    }
    fn lasting(mut self, seconds: f64) -> World {
        self.seconds = seconds;
        self
    }
    fn then(mut self, from: f64, rate: f64, burst: f64) -> World {
        self.quota.push((from, rate, burst));
        self
    }

    fn run(&self) -> Vec<Tale> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut queue = BinaryHeap::new();
        let mut order = 0;
        let mut states: Vec<State> = vec![];
        let mut push = |queue: &mut BinaryHeap<Reverse<Due>>, time, who, event| {
            order += 1;
            queue.push(Reverse(Due(time, order, who, event)));
        };
        for (who, client) in self.clients.iter().enumerate() {
            let (controller, tokens) = match client.kind {
                Kind::Own { start, ceiling, gate, .. } => (Some(Controller::new(start, ceiling)), gate),
                Kind::Constant(_) => (None, 0.0),
            };
            states.push(State {
                controller,
                tokens,
                epoch: 0,
                held: 0.0,
                filled: client.from,
                under_way: 0,
                setbacks: 0,
                tale: Tale::default(),
            });
            push(&mut queue, client.from + random.f64() * 0.01, who, Event::Wake);
            push(&mut queue, client.from, who, Event::Sample);
        }
        let mut strays = self.strays.clone();
        let (mut level, mut levelled) = (self.quota[0].2, 0.0);
        while let Some(Reverse(Due(now, _, who, event))) = queue.pop() {
            if now > self.seconds {
                break;
            }
            let client = &self.clients[who];
            let state = &mut states[who];
            let leg = |random: &mut fastrand::Rng| self.trip / 2.0 * (0.7 + 0.6 * random.f64());
            match event {
                Event::Sample => {
                    if let Some(controller) = &mut state.controller {
                        let rate = controller.rate(at(now - client.from));
                        assert!(rate.is_finite() && rate > 0.0);
                        state.tale.rates.push(rate);
                        push(&mut queue, now + 0.2, who, Event::Sample);
                    }
                }
                Event::Wake => {}
                Event::Arrive(epoch) => {
                    let (_, rate, burst) = self.quota.iter().rev().find(|q| q.0 <= now).copied().unwrap();
                    level = f64::min(level + (now - levelled) * rate, burst);
                    levelled = now;
                    let stray = strays.first().is_some_and(|s| *s <= now);
                    if stray {
                        strays.remove(0);
                    }
                    let taken = level >= 1.0 && !stray;
                    if taken {
                        level -= 1.0;
                        state.tale.taken.push(now);
                    } else {
                        state.tale.refused.push(now);
                    }
                    let service = self.service.iter().rev().find(|s| s.0 <= now).map_or(0.0, |s| s.1);
                    let service = if taken { service } else { 0.0 };
                    if state.controller.is_some() {
                        push(&mut queue, now + leg(&mut random) + service, who, Event::Answer(epoch, taken));
                    }
                }
                Event::Answer(epoch, taken) => {
                    state.under_way -= 1;
                    let controller = state.controller.as_mut().unwrap();
                    let time = at(now - client.from);
                    if taken {
                        controller.answered(time);
                        state.setbacks = 0;
                    } else if epoch == state.epoch {
                        let base = (2.0 / controller.rate(time)).clamp(0.1, 2.0);
                        let pause = controller.throttled(time, random.f64()).as_secs_f64();
                        let backoff =
                            (base * 2f64.powi(state.setbacks)).min(30.0) * (0.5 + random.f64() / 2.0);
                        let pause = if state.setbacks > 0 { pause.max(backoff) } else { pause };
                        state.setbacks += 1;
                        state.held = state.held.max(now + pause);
                        state.epoch += 1;
                    }
                }
            }
            // The gate.
            match client.kind {
                Kind::Constant(rate) => {
                    if event == Event::Wake && now < client.to {
                        let delay = 0.003 * random.f64() + leg(&mut random);
                        push(&mut queue, now + delay, who, Event::Arrive(0));
                        push(&mut queue, now + 1.0 / rate, who, Event::Wake);
                    }
                }
                Kind::Own { gate, concurrency, .. } => {
                    let controller = state.controller.as_mut().unwrap();
                    let rate = controller.rate(at(now - client.from));
                    let fills = (now - state.filled.max(state.held)).max(0.0);
                    state.tokens = f64::min(state.tokens + rate * fills, gate.max(rate / 50.0));
                    state.filled = now;
                    let quiet = now >= self.quiet.0 && now < self.quiet.1;
                    while state.tokens >= 1.0 - 1e-9
                        && now >= state.held
                        && state.under_way < concurrency
                        && now < client.to
                        && !quiet
                    {
                        state.tokens -= 1.0;
                        state.under_way += 1;
                        controller.sent(at(now - client.from));
                        let delay = 0.003 * random.f64() + leg(&mut random);
                        push(&mut queue, now + delay, who, Event::Arrive(state.epoch));
                    }
                    if matches!(event, Event::Wake) {
                        let next =
                            (state.held.max(now) + (1.0 - state.tokens).max(0.0) / rate).min(now + 0.2);
                        push(&mut queue, next.max(now + 1e-5) + 0.0015 * random.f64(), who, Event::Wake);
                    }
                }
            }
        }
        states.into_iter().map(|s| s.tale).collect()
    }
}

impl Tale {
    fn taken(&self, from: f64, to: f64) -> f64 {
        (self.taken.partition_point(|t| *t < to) - self.taken.partition_point(|t| *t < from)) as f64
    }
    fn refused(&self, from: f64, to: f64) -> f64 {
        (self.refused.partition_point(|t| *t < to) - self.refused.partition_point(|t| *t < from)) as f64
    }
    fn share_refused(&self, from: f64, to: f64) -> f64 {
        self.refused(from, to) / (self.refused(from, to) + self.taken(from, to)).max(1.0)
    }
    /// When, after `from`, the rate taken stays above 95 per cent of `rate` until `to`.
    fn converged(&self, rate: f64, from: f64, to: f64) -> f64 {
        let window = (100.0 / rate).clamp(5.0, 30.0);
        let mut time = to - window;
        while time > from && self.taken(time, time + window) >= 0.95 * rate * window - 1.0 {
            time -= 0.25;
        }
        (time + 0.25 - from).max(0.0)
    }
}

/// A tale of each seed.
fn tales(world: &World, seeds: u64) -> impl Iterator<Item = Vec<Tale>> {
    (0..seeds).map(|seed| World { seed, ..world.clone() }.run())
}

/// Seconds to converge, share of `rate` used from then on, share of all attempts throttled.
fn judge(tale: &Tale, rate: f64, from: f64, to: f64) -> (f64, f64, f64) {
    let seconds = tale.converged(rate, from, to);
    let since = from + seconds.min((to - from) / 2.0);
    (seconds, tale.taken(since, to) / (to - since) / rate, tale.share_refused(0.0, to))
}

mod law;
