//! The throttling quota: a token bucket for each operation, as the service's quotas are per
//! operation. Pure: the clock is passed in.

use std::time::Instant;

use super::bucket::TokenBucket;
use super::operation::{Creation, Operation};

/// The documented quota of `DescribeContact`, requests a second and burst (Amazon Connect
/// administrator guide, API throttling quotas).
const DESCRIBE_CONTACT: (f64, u32) = (10.0, 15);

/// The documented quota of `SearchContacts`, from the same place.
const SEARCH_CONTACTS: (f64, u32) = (0.5, 1);

/// A token bucket for each operation.
#[derive(Debug)]
pub(super) struct Quota {
    create_contact: TokenBucket,
    start_task_contact: TokenBucket,
    describe_contact: TokenBucket,
    search_contacts: TokenBucket,
}

impl Quota {
    /// Full buckets: the documented ones for the reading operations, and for each of the others
    /// `rate` in requests a second, finite and above 0, and `burst`, at least 1.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> Quota {
        let bucket = |(rate, burst)| TokenBucket::new(rate, burst, now);
        Quota {
            create_contact: bucket((rate, burst)),
            start_task_contact: bucket((rate, burst)),
            describe_contact: bucket(DESCRIBE_CONTACT),
            search_contacts: bucket(SEARCH_CONTACTS),
        }
    }

    /// Takes a token from the operation's bucket if there is one.
    pub(super) fn take(&mut self, operation: Operation, now: Instant) -> bool {
        let bucket = match operation {
            Operation::Create(Creation::CreateContact) => &mut self.create_contact,
            Operation::Create(Creation::StartTaskContact) => &mut self.start_task_contact,
            Operation::DescribeContact => &mut self.describe_contact,
            Operation::SearchContacts => &mut self.search_contacts,
        };
        bucket.take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(quota: &mut Quota, operation: Operation, now: Instant) -> usize {
        (0..99).filter(|_| quota.take(operation, now)).count()
    }

    #[test]
    fn one_operation_leaves_the_others_bucket_full() {
        let now = Instant::now();
        let mut quota = Quota::new(2.0, 5, now);
        let taken = Operation::ALL.map(|operation| taken(&mut quota, operation, now));
        assert_eq!(taken, [5, 5, 15, 1]);
    }

    #[test]
    fn the_reading_operations_refill_as_documented() {
        let now = Instant::now();
        let mut quota = Quota::new(2.0, 5, now);
        for operation in Operation::ALL {
            taken(&mut quota, operation, now);
        }
        let later = now + Duration::from_secs(2);
        let taken = Operation::ALL.map(|operation| taken(&mut quota, operation, later));
        assert_eq!(taken, [4, 4, 15, 1]);
        let soon = later + Duration::from_secs(1);
        assert!(!quota.take(Operation::SearchContacts, soon));
        assert_eq!((0..99).filter(|_| quota.take(Operation::DescribeContact, soon)).count(), 10);
    }
}
