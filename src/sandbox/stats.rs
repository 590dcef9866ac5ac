//! The sandbox's counters.

use serde::Serialize;

/// What a sandbox has done since it was started, as `GET /_sandbox/stats` shows it.
///
/// Every finished request is counted once in `created`, `replayed`, `throttled`, `refused` or
/// `mismatched`; only one whose client went away while sending it, or that the sandbox itself
/// failed on, is in `requests` alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// Requests that arrived, without those for the sandbox's own pages.
    pub requests: u64,
    /// Requests that created a contact.
    pub created: u64,
    /// Requests answered with the contact that their client token had created before.
    pub replayed: u64,
    /// Requests answered 429.
    pub throttled: u64,
    /// Requests answered with another 4xx: invalid, undecodable, too large, unknown operation.
    pub refused: u64,
    /// Requests answered 409: the client token was used before with another request.
    pub mismatched: u64,
    /// Contacts there are, with those of earlier runs from the state file.
    pub contacts: u64,
    /// The quota of each operation in requests a second; `None` is no quota.
    pub rate: Option<f64>,
    /// The burst of each operation's quota, in requests.
    pub burst: u32,
}
