//! How fast requests may leave: one token bucket and one backoff for the whole pool.

mod backoff;
mod gate;

pub use backoff::{Backoff, Setback};
pub use gate::{Gate, Permit};

/// The service's documented default quota, requests a second, for every operation that its quota
/// page does not list; CreateContact is not listed. Source: Amazon Connect API throttling quotas.
pub const DEFAULT_RATE: f64 = 2.0;
/// The burst that goes with [`DEFAULT_RATE`]. Same source.
pub const DEFAULT_BURST: u32 = 5;
