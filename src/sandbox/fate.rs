//! Which random faults meet a request. Pure: a function of the seed, of what the request is about
//! and of how often that came.

use sha2::{Digest as _, Sha256};

use super::faults::Faults;
use super::operation::Operation;

/// What a request is about, by which a repetition is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Token(&'a str),
    Contact(&'a str),
    Body(&'a [u8]),
}

impl Subject<'_> {
    /// The subject and the operation as 64 bits.
    pub(super) fn digest(self, operation: Operation) -> u64 {
        let (kind, bytes) = match self {
            Subject::Token(token) => ("token", token.as_bytes()),
            Subject::Contact(id) => ("contact", id.as_bytes()),
            Subject::Body(body) => ("body", body),
        };
        let digest = Sha256::new().chain_update(operation.name()).chain_update(":").chain_update(kind);
        first_64_bits(digest.chain_update(":").chain_update(bytes))
    }
}

/// The random faults that meet one request. LedgerSet may; the order among them is the service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fate {
    pub(super) reset: bool,
    pub(super) fail: bool,
    pub(super) lose: bool,
    pub(super) slow: bool,
}

impl Fate {
    /// `subject` is from [`Subject::digest`]; `arrival` counts its requests.
    pub(super) fn decide(faults: &Faults, seed: u64, subject: u64, arrival: u32) -> Fate {
        let meets = |fault, probability| chance(fault, seed, subject, arrival) < probability;
        Fate {
            reset: meets("reset", faults.reset),
            fail: meets("fail", faults.fail),
            lose: meets("lose", faults.lose),
            slow: faults.slow.is_some_and(|slow| meets("slow", slow.probability)),
        }
    }
}

/// A number of the faults' dice, from 0 to below 1, evenly spread.
pub(super) fn chance(fault: &str, seed: u64, subject: u64, arrival: u32) -> f64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(subject.to_le_bytes())
        .chain_update(arrival.to_le_bytes());
    let bits = first_64_bits(digest.chain_update(fault));
    // As many bits as a float holds, so that nothing is rounded up to 1.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn first_64_bits(digest: Sha256) -> u64 {
    let digest: [u8; 32] = digest.finalize().into();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::faults::Slow;
    use super::super::operation::Creation;
    use super::*;

    const CREATE: Operation = Operation::Create(Creation::CreateContact);

    fn all(probability: f64) -> Faults {
        Faults {
            fail: probability,
            reset: probability,
            lose: probability,
            slow: Some(Slow { probability, duration: Duration::ZERO }),
            ..Faults::default()
        }
    }

    fn fates(faults: &Faults, seed: u64) -> Vec<Fate> {
        (0..10_000).map(|subject| Fate::decide(faults, seed, subject, 1)).collect()
    }

    #[test]
    fn what_is_certain_always_happens_and_what_is_impossible_never() {
        let every = Fate { reset: true, fail: true, lose: true, slow: true };
        assert!(fates(&all(1.0), 7).iter().all(|fate| *fate == every));
        assert!(fates(&all(0.0), 7).iter().all(|fate| *fate == Fate::default()));
        assert!(fates(&Faults::default(), 7).iter().all(|fate| *fate == Fate::default()));
    }

    #[test]
    fn a_fault_happens_about_as_often_as_it_is_probable() {
        let fates = fates(&all(0.1), 7);
        let counts = [
            fates.iter().filter(|fate| fate.reset).count(),
            fates.iter().filter(|fate| fate.fail).count(),
            fates.iter().filter(|fate| fate.lose).count(),
            fates.iter().filter(|fate| fate.slow).count(),
        ];
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        // Each fault has a die of its own.
        let both = fates.iter().filter(|fate| fate.reset && fate.fail).count();
        assert!((50..150).contains(&both), "{both}");
    }

    #[test]
    fn the_same_seed_subject_and_arrival_meet_the_same_faults() {
        assert_eq!(fates(&all(0.5), 7), fates(&all(0.5), 7));
        assert_ne!(fates(&all(0.5), 7), fates(&all(0.5), 8));
        let arrivals =
            |subject| (1..100).map(|n| Fate::decide(&all(0.5), 7, subject, n).fail).collect::<Vec<_>>();
        assert_eq!(arrivals(1), arrivals(1));
        assert_ne!(arrivals(1), arrivals(2));
        assert!(arrivals(1).contains(&true) && arrivals(1).contains(&false));
    }

    #[test]
    fn a_seed_means_the_same_on_every_machine_and_in_every_version() {
        let subject = Subject::Token("t").digest(CREATE);
        let failing: Vec<u32> = (1..=20).filter(|n| Fate::decide(&all(0.2), 1, subject, *n).fail).collect();
        // As another implementation of SHA-256 has it.
        assert_eq!((subject, failing), (18_223_504_962_498_579_938, vec![1, 8]));
    }

    #[test]
    fn a_subject_is_its_operation_its_kind_and_its_bytes() {
        let digests = HashSet::from([
            Subject::Token("t").digest(CREATE),
            Subject::Token("T").digest(CREATE),
            Subject::Contact("t").digest(CREATE),
            Subject::Body(b"t").digest(CREATE),
            Subject::Body(b"").digest(CREATE),
            Subject::Token("t").digest(Operation::Create(Creation::StartTaskContact)),
            Subject::Token("t").digest(Operation::SearchContacts),
        ]);
        assert_eq!(digests.len(), 7);
    }
}
