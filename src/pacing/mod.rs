//! How fast requests may leave, and how many may be under way.
//!
//! One `Pacer` for the whole pool: a `gate` whose `clock` is the rate, a `controller` that learns the rate from what
//! is throttled, and a `backoff` for what no rate would help.

mod rate;
mod clock;
mod gate;
mod controller;
mod backoff;
mod pacer;
mod concurrency;

#[cfg(test)]
mod simulation;

pub use backoff::PoolFailure;
pub use concurrency::{Concurrency, DEFAULT_CONCURRENCY};
pub use gate::Permit;
pub use pacer::{Pacer, Reaction};
pub use rate::Rate;

/// The service's documented default quota, requests a second, for every operation that its quota
/// page does not list; CreateContact is not listed. Source: Amazon Connect API throttling quotas.
pub const DEFAULT_RATE: f64 = 2.0;
/// The burst that goes with [`DEFAULT_RATE`]. Same source.
pub const DEFAULT_BURST: u32 = 5;
