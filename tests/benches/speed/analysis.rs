//! What a server's counters, taken every second, say about a client's pace. Pure.

use serde_json::Value;

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) created: u64,
    pub(crate) throttled: u64,
}

impl Counts {
    pub(crate) fn of(told: &Value) -> Counts {
        let number = |name: &str| told[name].as_u64().unwrap_or_default();
        Counts { requests: number("requests"), created: number("created"), throttled: number("throttled") }
    }
}

/// The share of the rate that became contacts between two seconds.
pub(crate) fn share(samples: &[Counts], from: usize, to: usize, rate: f64) -> f64 {
    (samples[to].created - samples[from].created) as f64 / (rate * (to - from) as f64)
}

/// The share of the attempts between two seconds that were throttled.
pub(crate) fn throttled(samples: &[Counts], from: usize, to: usize) -> f64 {
    let attempts = samples[to].requests - samples[from].requests;
    (samples[to].throttled - samples[from].throttled) as f64 / attempts.max(1) as f64
}

/// The first second, counted from `from`, after which every window has at least 95% of the rate; none if the
/// last window has not. A window is 10 s long, or as long as 20 requests of the rate take.
pub(crate) fn convergence(samples: &[Counts], from: usize, to: usize, rate: f64) -> Option<usize> {
    let window = 10.max((20.0 / rate).ceil() as usize);
    let last = to.checked_sub(window).filter(|last| *last >= from)?;
    let good = |start: &usize| share(samples, *start, start + window, rate) >= 0.95;
    let first = (from..=last).rev().take_while(good).last()?;
    Some(first - from)
}

/// The same in words.
pub(crate) fn converged(samples: &[Counts], from: usize, to: usize, rate: f64) -> String {
    match convergence(samples, from, to, rate) {
        Some(seconds) => format!("{seconds} s"),
        None => format!("not in {} s", to - from),
    }
}
