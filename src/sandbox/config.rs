//! The settings of a sandbox, and the faults it produces on purpose. Pure.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::error::SandboxError;

/// The settings of a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Quota of each operation that creates contacts, requests per second, above 0. Connect's default is 2.
    /// The operations that read keep their documented quotas: `DescribeContact` 10 per second with burst 15,
    /// `SearchContacts` 0.5 with burst 1. `None` removes the quotas of all operations. Source: Amazon Connect
    /// administrator guide, "API throttling quotas".
    pub rate: Option<f64>,
    /// Burst of that quota, requests, at least 1. It is ignored without a rate. Connect's default is 5.
    pub burst: u32,
    /// Latency of every request, to the millisecond. Half of it passes before the request reaches the quota,
    /// half after its operation is done. A client that dies in the second half leaves a contact behind.
    pub latency: Duration,
    /// Largest deviation of the latency as a share of it, from 0 to 1, uniformly distributed. The seed and
    /// the number of the request determine it.
    pub jitter: f64,
    /// File that keeps contacts and client tokens between runs, as JSON Lines; `None` keeps them in memory
    /// only. It contains the names, descriptions, attributes and attachment links of the contacts.
    pub state: Option<PathBuf>,
    /// The faults to produce.
    pub faults: Faults,
    /// Seed of the random faults and of the jitter: the same seed and the same requests have the same faults.
    pub seed: u64,
}

impl Default for SandboxConfig {
    /// Any free port, Connect's default quota (2 per second, burst 5), no latency, no state file, no faults,
    /// seed 0.
    fn default() -> Self {
        SandboxConfig {
            port: 0,
            rate: Some(2.0),
            burst: 5,
            latency: Duration::ZERO,
            jitter: 0.0,
            state: None,
            faults: Faults::default(),
            seed: 0,
        }
    }
}

/// The faults of a sandbox; none by default.
///
/// They apply to a request in this order: `deny_after`, `throttle_after`, the quota of the operation,
/// `reset`, `fail`, then the operation itself with `quota`, `token_window`, `forget_completed` and
/// `index_lag`, and last `lose`, `stale` and `slow`. The random faults do not apply to a request that is denied or
/// throttled.
///
/// `fail`, `reset`, `lose`, `stale` and `slow` are random, each with a probability from 0 to 1. Three things determine
/// them: [`SandboxConfig::seed`], the identity of the request, and how often that request came before. The
/// identity is the operation with the client token or the contact's id, or else with the whole body.
/// Repetitions count from the start of the sandbox, without denied and throttled requests. A rehearsal with
/// the same seed and the same requests therefore has the same faults, in any order of concurrent requests.
/// Contact ids are random: descriptions have the same faults only for contacts from the state file. Counting
/// costs a few dozen bytes for each distinct request, and nothing while no random fault is set.
///
/// A connection that a fault closes is closed as soon as its request has arrived, without the second half of
/// the latency.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// Probability of a 500 `InternalServiceException` before the operation.
    pub fail: f64,
    /// Probability that the connection is closed before the operation.
    pub reset: f64,
    /// Probability that the connection is closed without a response after a contact was created, or found by
    /// its client token. A request that is refused always gets its response.
    pub lose: f64,
    /// Probability that a contact is created, and answered with the id of the contact before it, as by a proxy that
    /// caches. The first contact has none before it, and is answered correctly.
    pub stale: f64,
    /// Probability and delay of a late response. Responses of `fail` and to denied and throttled requests are
    /// never late.
    pub slow: Option<SlowResponses>,
    /// Number of requests since the start, as [`SandboxStats::requests`](super::SandboxStats::requests)
    /// counts them, after which every further one is answered with 429 `ThrottlingException`.
    pub throttle_after: Option<u64>,
    /// Number of requests since the start after which every further one is answered with 403
    /// `AccessDeniedException`.
    pub deny_after: Option<u64>,
    /// Maximum number of contacts, including those of the state file. A request for another is answered with
    /// 402 `ServiceQuotaExceededException`. Known client tokens still return their contacts.
    pub quota: Option<u64>,
    /// Age of a contact, to the millisecond, after which its client token is forgotten. The token then
    /// creates another contact and belongs to that one. `None` never forgets.
    pub token_window: Option<Duration>,
    /// Forgets the client token of a contact initiated as COMPLETED at once: each use creates another
    /// contact.
    pub forget_completed: bool,
    /// Age of a contact, to the millisecond, from which `SearchContacts` finds it.
    pub index_lag: Duration,
}

/// Late responses, written `P:TIME`: `0.1:5s` delays every tenth response by five seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowResponses {
    /// Probability of a late response, from 0 to 1.
    pub probability: f64,
    /// Delay of a late response, added to the latency, to the millisecond.
    pub delay: Duration,
}

/// A text that does not have the form `P:TIME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a probability from 0 to 1, a colon and a time, such as 0.1:5s")]
pub struct ParseSlowResponsesError;

impl FromStr for SlowResponses {
    type Err = ParseSlowResponsesError;

    fn from_str(text: &str) -> Result<SlowResponses, ParseSlowResponsesError> {
        let (probability, delay) = text.split_once(':').ok_or(ParseSlowResponsesError)?;
        let probability = probability.trim().parse().map_err(|_| ParseSlowResponsesError)?;
        let delay = humantime::parse_duration(delay.trim()).map_err(|_| ParseSlowResponsesError)?;
        if !is_share(probability) {
            return Err(ParseSlowResponsesError);
        }
        Ok(SlowResponses { probability, delay })
    }
}

impl SandboxConfig {
    /// Checks every number for its range.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Quota`], [`SandboxError::Probability`] or [`SandboxError::Jitter`] for the first
    /// number out of its range.
    pub(super) fn check(&self) -> Result<(), SandboxError> {
        let SandboxConfig { burst, jitter, .. } = *self;
        if let Some(rate) = self.rate
            && !(rate.is_finite() && rate > 0.0 && burst > 0)
        {
            return Err(SandboxError::Quota { rate, burst });
        }
        for (fault, value) in self.faults.probabilities() {
            if !is_share(value) {
                return Err(SandboxError::Probability { fault, value });
            }
        }
        if is_share(jitter) { Ok(()) } else { Err(SandboxError::Jitter(jitter)) }
    }
}

impl Faults {
    /// Whether any fault is random.
    pub(super) fn is_random(&self) -> bool {
        self.probabilities().iter().any(|(_, value)| *value > 0.0)
    }

    /// Whether the request with this number since the start, counted from 1, is denied.
    pub(super) fn is_denied(&self, number: u64) -> bool {
        self.deny_after.is_some_and(|limit| number > limit)
    }

    /// Whether the request with this number since the start, counted from 1, is throttled.
    pub(super) fn is_throttled(&self, number: u64) -> bool {
        self.throttle_after.is_some_and(|limit| number > limit)
    }

    /// Whether this number of contacts leaves no room for another.
    pub(super) fn is_full(&self, contacts: usize) -> bool {
        self.quota.is_some_and(|limit| contacts as u64 >= limit)
    }

    fn probabilities(&self) -> [(&'static str, f64); 5] {
        let slow = self.slow.map_or(0.0, |slow| slow.probability);
        [
            ("fail", self.fail),
            ("reset", self.reset),
            ("lose", self.lose),
            ("stale", self.stale),
            ("slow", slow),
        ]
    }
}

/// Whether the value is a number from 0 to 1; NaN is not.
fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_fault_is_written_as_a_probability_and_a_time() {
        for (text, probability, delay) in [
            ("0.1:5s", 0.1, Duration::from_secs(5)),
            ("1:40ms", 1.0, Duration::from_millis(40)),
            ("0:1m 30s", 0.0, Duration::from_secs(90)),
            (" .5 : 1h ", 0.5, Duration::from_hours(1)),
        ] {
            assert_eq!(text.parse(), Ok(SlowResponses { probability, delay }), "{text}");
        }
    }

    #[test]
    fn the_error_of_another_text_shows_the_form() {
        for text in ["", "5s", "0.1", "0.1:", ":5s", "5s:0.1", "0.1:5", "1.1:5s", "-0.1:5s", "nan:5s"] {
            let error = text.parse::<SlowResponses>().unwrap_err();
            assert!(error.to_string().contains("0.1:5s"), "{text}");
        }
    }

    #[test]
    fn no_fault_is_set_by_default() {
        let faults = Faults::default();
        assert!(!faults.is_random());
        assert!(!faults.is_denied(u64::MAX) && !faults.is_throttled(u64::MAX) && !faults.is_full(usize::MAX));
    }

    #[test]
    fn any_probability_above_0_makes_the_faults_random() {
        let slow = |probability| Some(SlowResponses { probability, delay: Duration::ZERO });
        for faults in [
            Faults { fail: 0.1, ..Faults::default() },
            Faults { reset: 0.1, ..Faults::default() },
            Faults { lose: 0.1, ..Faults::default() },
            Faults { stale: 0.1, ..Faults::default() },
            Faults { slow: slow(0.1), ..Faults::default() },
        ] {
            assert!(faults.is_random(), "{faults:?}");
        }
        let certain = Faults { quota: Some(1), slow: slow(0.0), ..Faults::default() };
        assert!(!certain.is_random());
    }

    #[test]
    fn a_probability_beyond_0_to_1_is_an_error_that_names_it() {
        let with = |fault: &str, value: f64| {
            let faults = Faults {
                fail: if fault == "fail" { value } else { 0.0 },
                reset: if fault == "reset" { value } else { 0.0 },
                lose: if fault == "lose" { value } else { 1.0 },
                stale: if fault == "stale" { value } else { 0.0 },
                slow: (fault == "slow")
                    .then_some(SlowResponses { probability: value, delay: Duration::ZERO }),
                ..Faults::default()
            };
            SandboxConfig { faults, ..SandboxConfig::default() }
        };
        for fault in ["fail", "reset", "lose", "stale", "slow"] {
            for value in [0.0, -0.0, 0.5, 1.0] {
                assert!(with(fault, value).check().is_ok());
            }
            for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
                let error = with(fault, value).check().unwrap_err().to_string();
                assert!(error.contains(&format!("`{fault}`")), "{error}");
                assert!(error.contains(&value.to_string()), "{error}");
            }
        }
    }

    #[test]
    fn a_limit_of_requests_lets_exactly_that_many_through() {
        let faults = Faults { deny_after: Some(3), throttle_after: Some(2), ..Faults::default() };
        assert_eq!((1..=5).map(|number| faults.is_denied(number)).filter(|denied| !denied).count(), 3);
        assert!(!faults.is_denied(3) && faults.is_denied(4));
        assert!(!faults.is_throttled(2) && faults.is_throttled(3));
        let none = Faults { deny_after: Some(0), ..Faults::default() };
        assert!(none.is_denied(1));
    }

    #[test]
    fn a_quota_is_full_once_it_is_reached() {
        let faults = Faults { quota: Some(2), ..Faults::default() };
        assert!(!faults.is_full(1));
        assert!(faults.is_full(2) && faults.is_full(3));
    }

    #[test]
    fn a_jitter_beyond_0_to_1_is_an_error_that_names_it() {
        let with = |jitter: f64| SandboxConfig { jitter, ..SandboxConfig::default() }.check();
        for jitter in [0.0, -0.0, 0.3, 1.0] {
            assert!(with(jitter).is_ok());
        }
        for jitter in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = with(jitter).unwrap_err().to_string();
            assert!(error.contains(&jitter.to_string()), "{error}");
        }
    }
}
