//! What a sandbox does wrong on purpose, as it is configured. Pure.

use std::str::FromStr;
use std::time::Duration;

use super::error::SandboxError;

/// The faults of a sandbox; none by default.
///
/// They apply to a request in this order: `deny_after`, `throttle_after`, the quota of the
/// operation, `reset`, `fail`, then the operation itself with `quota`, `token_window`,
/// `forget_completed` and `index_lag`, and at last `lose` and `slow`. A request that is denied or
/// throttled meets none of the random ones.
///
/// `fail`, `reset`, `lose` and `slow` are random: each is a probability from 0 to 1, and all four
/// are decided by [`SandboxConfig::seed`](super::SandboxConfig::seed), by what the request is about
/// (its operation with the client token or the contact's id, or else with the whole body) and by
/// how often that came before since the sandbox was started, denied and throttled requests not
/// counted. So a rehearsal with the same seed and the same requests meets the same faults, in
/// whatever order concurrent requests arrive. Contacts' ids are drawn anew: descriptions meet the
/// same faults only where the contacts come from the state file. Counting costs some dozen bytes
/// for each different request, and nothing while no random fault is set.
///
/// A connection that a fault closes is closed at once when its request has arrived, without waiting
/// for the half of the latency that an answer would take.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// How probable a 500 `InternalServiceException` is, before anything is done.
    pub fail: f64,
    /// How probable it is that the connection is closed before anything is done.
    pub reset: f64,
    /// How probable it is that a contact is created, or an earlier one found by its client token,
    /// and the connection is closed without an answer. It happens to the two operations that
    /// create contacts; a request that is refused is answered.
    pub lose: f64,
    /// How probable it is that an answer comes late, and how late. The answers of `fail` and to
    /// denied and throttled requests are never late.
    pub slow: Option<Slow>,
    /// After so many requests since the start, as [`Stats::requests`](super::Stats::requests)
    /// counts them, every further one is answered 429 `ThrottlingException`.
    pub throttle_after: Option<u64>,
    /// After so many requests, counted likewise, every further one is answered 403
    /// `AccessDeniedException`.
    pub deny_after: Option<u64>,
    /// Once there are so many contacts, those of the state file among them, a request for another
    /// is answered 402 `ServiceQuotaExceededException`. Client tokens still lead to their contacts.
    pub quota: Option<u64>,
    /// A client token whose contact is older than this, to the millisecond, is forgotten: it makes
    /// another contact and leads to that one from then on. `None` remembers for ever.
    pub token_window: Option<Duration>,
    /// Whether the client token of a contact that was initiated as COMPLETED is forgotten at once,
    /// so that each use makes another contact.
    pub forget_completed: bool,
    /// How old a contact must be before `SearchContacts` finds it, to the millisecond.
    pub index_lag: Duration,
}

/// Late answers. Written `P:TIME`: `0.1:5s` holds every tenth answer back for five seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// How probable it is that an answer is late, from 0 to 1.
    pub probability: f64,
    /// How much longer a late answer is held back, on top of the latency, to the millisecond.
    pub duration: Duration,
}

/// A text that is no [`Slow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a probability from 0 to 1, a colon and a time, such as 0.1:5s")]
pub struct NotSlow;

impl FromStr for Slow {
    type Err = NotSlow;

    fn from_str(text: &str) -> Result<Slow, NotSlow> {
        let (probability, duration) = text.split_once(':').ok_or(NotSlow)?;
        let probability = probability.trim().parse().map_err(|_| NotSlow)?;
        let duration = humantime::parse_duration(duration.trim()).map_err(|_| NotSlow)?;
        if !is_probability(probability) {
            return Err(NotSlow);
        }
        Ok(Slow { probability, duration })
    }
}

impl Faults {
    /// # Errors
    ///
    /// [`SandboxError::Probability`] for the first probability that is none.
    pub(super) fn check(&self) -> Result<(), SandboxError> {
        let unsound = self.probabilities().into_iter().find(|(_, value)| !is_probability(*value));
        unsound.map_or(Ok(()), |(fault, value)| Err(SandboxError::Probability { fault, value }))
    }

    /// Whether any fault is left to chance.
    pub(super) fn are_random(&self) -> bool {
        self.probabilities().iter().any(|(_, value)| *value > 0.0)
    }

    /// Whether the request of this number since the start, counted from 1, is denied.
    pub(super) fn denies(&self, number: u64) -> bool {
        self.deny_after.is_some_and(|most| number > most)
    }

    /// Whether the request of this number since the start, counted from 1, is throttled.
    pub(super) fn throttles(&self, number: u64) -> bool {
        self.throttle_after.is_some_and(|most| number > most)
    }

    /// Whether there is no room for another contact beside so many.
    pub(super) fn full(&self, contacts: u64) -> bool {
        self.quota.is_some_and(|most| contacts >= most)
    }

    fn probabilities(&self) -> [(&'static str, f64); 4] {
        let slow = self.slow.map_or(0.0, |slow| slow.probability);
        [("fail", self.fail), ("reset", self.reset), ("lose", self.lose), ("slow", slow)]
    }
}

/// NaN is none.
fn is_probability(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_fault_is_written_as_a_probability_and_a_time() {
        for (text, probability, duration) in [
            ("0.1:5s", 0.1, Duration::from_secs(5)),
            ("1:40ms", 1.0, Duration::from_millis(40)),
            ("0:1m 30s", 0.0, Duration::from_secs(90)),
            (" .5 : 1h ", 0.5, Duration::from_hours(1)),
        ] {
            assert_eq!(text.parse(), Ok(Slow { probability, duration }), "{text}");
        }
    }

    #[test]
    fn another_text_is_told_what_to_write() {
        for text in ["", "5s", "0.1", "0.1:", ":5s", "5s:0.1", "0.1:5", "1.1:5s", "-0.1:5s", "nan:5s"] {
            let error = text.parse::<Slow>().unwrap_err();
            assert!(error.to_string().contains("0.1:5s"), "{text}");
        }
    }

    #[test]
    fn no_fault_is_set_by_default() {
        let faults = Faults::default();
        assert!(faults.check().is_ok());
        assert!(!faults.are_random());
        assert!(!faults.denies(u64::MAX) && !faults.throttles(u64::MAX) && !faults.full(u64::MAX));
    }

    #[test]
    fn any_probability_above_0_makes_the_faults_random() {
        let slow = |probability| Some(Slow { probability, duration: Duration::ZERO });
        for faults in [
            Faults { fail: 0.1, ..Faults::default() },
            Faults { reset: 0.1, ..Faults::default() },
            Faults { lose: 0.1, ..Faults::default() },
            Faults { slow: slow(0.1), ..Faults::default() },
        ] {
            assert!(faults.are_random(), "{faults:?}");
        }
        let certain = Faults { quota: Some(1), slow: slow(0.0), ..Faults::default() };
        assert!(!certain.are_random());
    }

    #[test]
    fn a_probability_beyond_0_to_1_is_an_error_that_names_it() {
        let with = |fault: &str, value: f64| Faults {
            fail: if fault == "fail" { value } else { 0.0 },
            reset: if fault == "reset" { value } else { 0.0 },
            lose: if fault == "lose" { value } else { 1.0 },
            slow: (fault == "slow").then_some(Slow { probability: value, duration: Duration::ZERO }),
            ..Faults::default()
        };
        for fault in ["fail", "reset", "lose", "slow"] {
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
    fn a_limit_of_requests_lets_just_so_many_through() {
        let faults = Faults { deny_after: Some(3), throttle_after: Some(2), ..Faults::default() };
        assert_eq!((1..=5).map(|number| faults.denies(number)).filter(|denied| !denied).count(), 3);
        assert!(!faults.denies(3) && faults.denies(4));
        assert!(!faults.throttles(2) && faults.throttles(3));
        let none = Faults { deny_after: Some(0), ..Faults::default() };
        assert!(none.denies(1));
    }

    #[test]
    fn a_quota_is_full_once_it_is_reached() {
        let faults = Faults { quota: Some(2), ..Faults::default() };
        assert!(!faults.full(1));
        assert!(faults.full(2) && faults.full(3));
    }
}
