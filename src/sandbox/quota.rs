//! The throttling quota: the same rate and burst for each operation, a bucket of its own for each,
//! as the service's quotas are per operation. Pure: the clock is passed in.

use std::time::Instant;

use super::bucket::TokenBucket;
use super::operation::Operation;

/// A token bucket for each operation.
#[derive(Debug)]
pub(super) struct Quota {
    create_contact: TokenBucket,
    start_task_contact: TokenBucket,
}

impl Quota {
    /// Full buckets. `rate` is in requests a second, finite and above 0; `burst` at least 1.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> Quota {
        let bucket = || TokenBucket::new(rate, burst, now);
        Quota { create_contact: bucket(), start_task_contact: bucket() }
    }

    /// Takes a token from the operation's bucket if there is one.
    pub(super) fn take(&mut self, operation: Operation, now: Instant) -> bool {
        match operation {
            Operation::CreateContact => self.create_contact.take(now),
            Operation::StartTaskContact => self.start_task_contact.take(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_operation_leaves_the_others_bucket_full() {
        let now = Instant::now();
        let mut quota = Quota::new(2.0, 5, now);
        for operation in Operation::ALL {
            let taken = (0..9).filter(|_| quota.take(operation, now)).count();
            assert_eq!(taken, 5, "{operation:?}");
        }
    }
}
