//! Sets the pace of requests: how many per second, how many in flight, and when all of them pause.
//!
//! - `rate`: the target rate and the service's default quota.
//! - `gate`: gives permits at a rate.
//! - `controller`: learns the rate from throttled attempts. Pure; `simulation` tests it in virtual time.
//! - `backoff`: pauses for failures that no rate avoids. Pure.
//! - `pacer`: combines the three for the whole pool.
//! - `concurrency`: the number of requests in flight.
//!
//! Imports nothing else of the crate.

mod backoff;
mod concurrency;
mod controller;
mod gate;
mod pacer;
mod rate;
#[cfg(test)]
mod simulation;

pub use backoff::PoolFailure;
pub use concurrency::{Concurrency, DEFAULT_CONCURRENCY, connection_limit};
pub use gate::Permit;
pub use pacer::{Pacer, Pause, Reaction};
pub use rate::{DEFAULT_BURST, DEFAULT_RATE, Rate};
