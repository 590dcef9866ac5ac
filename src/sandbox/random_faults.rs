//! The random faults of a request. Pure: a function of the seed, of the request's identity, and of the number
//! of its repetitions.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::config::Faults;
use super::operation::ApiOperation;

/// The part of a request by which its repetitions are recognized.
#[derive(Debug, Clone, Copy)]
pub(super) enum RequestIdentity<'a> {
    ClientToken(&'a str),
    ContactId(&'a str),
    Body(&'a [u8]),
}

impl RequestIdentity<'_> {
    /// 64 bits of a hash of the operation and the identity.
    pub(super) fn hash(self, operation: ApiOperation) -> u64 {
        // The seeds of rehearsals depend on these labels.
        let (kind, bytes) = match self {
            RequestIdentity::ClientToken(token) => ("token", token.as_bytes()),
            RequestIdentity::ContactId(id) => ("contact", id.as_bytes()),
            RequestIdentity::Body(body) => ("body", body),
        };
        let hash = Sha256::new().chain_update(operation.name()).chain_update(":").chain_update(kind);
        first_64_bits(hash.chain_update(":").chain_update(bytes))
    }
}

/// The number of repetitions of each request, by [`RequestIdentity::hash`]. It grows with the number of distinct
/// requests, so it is only used while a fault is random.
pub(super) type Repetitions = HashMap<u64, u32>;

/// Counts one more request and returns its number among its repetitions, from 1.
pub(super) fn count_repetition(repetitions: &mut Repetitions, request: u64) -> u32 {
    let count = repetitions.entry(request).or_default();
    *count = count.saturating_add(1);
    *count
}

/// The random faults of one request. Several may apply; the service decides their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RandomFaults {
    pub(super) reset: bool,
    pub(super) fail: bool,
    pub(super) lose: bool,
    pub(super) stale: bool,
    pub(super) slow: bool,
}

impl RandomFaults {
    /// `request` is from [`RequestIdentity::hash`], `repetition` from [`count_repetition`].
    pub(super) fn draw(faults: &Faults, seed: u64, request: u64, repetition: u32) -> RandomFaults {
        let applies = |fault, probability| random_share(fault, seed, request, repetition) < probability;
        RandomFaults {
            reset: applies("reset", faults.reset),
            fail: applies("fail", faults.fail),
            lose: applies("lose", faults.lose),
            stale: applies("stale", faults.stale),
            slow: faults.slow.is_some_and(|slow| applies("slow", slow.probability)),
        }
    }
}

/// A pseudo-random number from 0 to below 1, uniformly distributed.
pub(super) fn random_share(purpose: &str, seed: u64, request: u64, repetition: u32) -> f64 {
    let hash = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(request.to_le_bytes())
        .chain_update(repetition.to_le_bytes());
    let bits = first_64_bits(hash.chain_update(purpose));
    // As many bits as a float holds, so that nothing is rounded up to 1.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn first_64_bits(hash: Sha256) -> u64 {
    let hash: [u8; 32] = hash.finalize().into();
    hash.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::config::SlowResponses;
    use super::super::operation::CreateOperation;
    use super::*;

    const CREATE: ApiOperation = ApiOperation::Create(CreateOperation::CreateContact);

    fn all(probability: f64) -> Faults {
        Faults {
            fail: probability,
            reset: probability,
            lose: probability,
            stale: probability,
            slow: Some(SlowResponses { probability, delay: Duration::ZERO }),
            ..Faults::default()
        }
    }

    fn draws(faults: &Faults, seed: u64) -> Vec<RandomFaults> {
        (0..10_000).map(|request| RandomFaults::draw(faults, seed, request, 1)).collect()
    }

    #[test]
    fn the_repetitions_of_each_request_are_counted_separately() {
        let mut repetitions = Repetitions::new();
        let counts = [7, 8, 7, 7, 8].map(|request| count_repetition(&mut repetitions, request));
        assert_eq!(counts, [1, 1, 2, 3, 2]);
    }

    #[test]
    fn a_certain_fault_always_applies_and_an_impossible_one_never() {
        let every = RandomFaults { reset: true, fail: true, lose: true, stale: true, slow: true };
        assert!(draws(&all(1.0), 7).iter().all(|faults| *faults == every));
        assert!(draws(&all(0.0), 7).iter().all(|faults| *faults == RandomFaults::default()));
        assert!(draws(&Faults::default(), 7).iter().all(|faults| *faults == RandomFaults::default()));
    }

    #[test]
    fn a_fault_applies_about_as_often_as_its_probability_says() {
        let draws = draws(&all(0.1), 7);
        let counts = [
            draws.iter().filter(|faults| faults.reset).count(),
            draws.iter().filter(|faults| faults.fail).count(),
            draws.iter().filter(|faults| faults.lose).count(),
            draws.iter().filter(|faults| faults.stale).count(),
            draws.iter().filter(|faults| faults.slow).count(),
        ];
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        // The faults are independent of each other.
        let both = draws.iter().filter(|faults| faults.reset && faults.fail).count();
        assert!((50..150).contains(&both), "{both}");
    }

    #[test]
    fn one_seed_request_and_repetition_always_has_the_same_faults() {
        assert_eq!(draws(&all(0.5), 7), draws(&all(0.5), 7));
        assert_ne!(draws(&all(0.5), 7), draws(&all(0.5), 8));
        let repetitions =
            |request| (1..100).map(|n| RandomFaults::draw(&all(0.5), 7, request, n).fail).collect::<Vec<_>>();
        assert_eq!(repetitions(1), repetitions(1));
        assert_ne!(repetitions(1), repetitions(2));
        assert!(repetitions(1).contains(&true) && repetitions(1).contains(&false));
    }

    #[test]
    fn a_seed_means_the_same_on_every_machine_and_in_every_version() {
        let request = RequestIdentity::ClientToken("t").hash(CREATE);
        let failing: Vec<u32> =
            (1..=20).filter(|n| RandomFaults::draw(&all(0.2), 1, request, *n).fail).collect();
        // Computed with another implementation of SHA-256.
        assert_eq!((request, failing), (18_223_504_962_498_579_938, vec![1, 8]));
    }

    #[test]
    fn a_hash_covers_the_operation_the_kind_and_the_bytes() {
        let hashes = HashSet::from([
            RequestIdentity::ClientToken("t").hash(CREATE),
            RequestIdentity::ClientToken("T").hash(CREATE),
            RequestIdentity::ContactId("t").hash(CREATE),
            RequestIdentity::Body(b"t").hash(CREATE),
            RequestIdentity::Body(b"").hash(CREATE),
            RequestIdentity::ClientToken("t").hash(ApiOperation::Create(CreateOperation::StartTaskContact)),
            RequestIdentity::ClientToken("t").hash(ApiOperation::SearchContacts),
        ]);
        assert_eq!(hashes.len(), 7);
    }
}
