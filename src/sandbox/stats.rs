//! The sandbox's counters.

use serde::Serialize;

use super::refusal::Code;

/// What a sandbox has done since it was started, as `GET /_sandbox/stats` shows it.
///
/// Every finished request is counted once in exactly one of `created`, `replayed`, `described`,
/// `searched`, `missing`, `throttled`, `denied`, `exceeded`, `refused`, `mismatched`, `failed` and
/// `reset`. `lost` and `slowed` count some of them a second time. Only a request whose client went
/// away while sending it, or that the sandbox itself failed on, is in `requests` alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// Requests that arrived, without those for the sandbox's own pages.
    pub requests: u64,
    /// Requests that created a contact.
    pub created: u64,
    /// Requests whose client token had created a contact before, which was the answer.
    pub replayed: u64,
    /// Requests answered with one contact's description.
    pub described: u64,
    /// Requests answered with the contacts that a search found, if any.
    pub searched: u64,
    /// Requests answered 404: the contact to describe does not exist in the instance.
    pub missing: u64,
    /// Requests answered 429.
    pub throttled: u64,
    /// Requests answered 403.
    pub denied: u64,
    /// Requests answered 402: there was no room for another contact.
    pub exceeded: u64,
    /// Requests answered with another 4xx: invalid, undecodable, too large, unknown operation.
    pub refused: u64,
    /// Requests answered 409: the client token was used before with another request.
    pub mismatched: u64,
    /// Requests answered 500 on purpose.
    pub failed: u64,
    /// Requests whose connection was closed on purpose before anything was done.
    pub reset: u64,
    /// Of `created` and `replayed`: those whose connection was closed instead of an answer.
    pub lost: u64,
    /// Of all: those whose answer was held back on purpose, beyond the latency.
    pub slowed: u64,
    /// Contacts there are, with those of earlier runs from the state file.
    pub contacts: u64,
    /// The quota of each operation that creates contacts, in requests a second; `None` is no quota
    /// for any operation.
    pub rate: Option<f64>,
    /// The burst of that quota, in requests.
    pub burst: u32,
}

impl Stats {
    /// Counts a request that got an error of the service.
    pub(super) fn refuse(&mut self, code: Code) {
        match code {
            Code::NotFound => self.missing += 1,
            Code::Throttling => self.throttled += 1,
            Code::AccessDenied => self.denied += 1,
            Code::QuotaExceeded => self.exceeded += 1,
            Code::Idempotency => self.mismatched += 1,
            // The sandbox's own failure, which stays in `requests` alone.
            Code::Internal => {}
            Code::Serialization
            | Code::UnknownOperation
            | Code::TooLarge
            | Code::InvalidRequest
            | Code::InvalidParameter => self.refused += 1,
        }
    }
}
