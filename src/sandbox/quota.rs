//! The throttling quotas: a token bucket for each operation. Pure: the clock is passed in.
//!
//! Source: Amazon Connect administrator guide, "API throttling quotas", which describes token buckets with a
//! rate and a burst per operation.

use std::time::Instant;

use super::operation::ApiOperation;

/// The documented quota of `DescribeContact`: requests per second and burst.
const DESCRIBE_CONTACT: (f64, u32) = (10.0, 15);

/// The documented quota of `SearchContacts`: requests per second and burst.
const SEARCH_CONTACTS: (f64, u32) = (0.5, 1);

/// A level that falls short of a whole token by less than this is a rounding error.
const ROUNDING_ERROR: f64 = 1e-9;

/// A token bucket for each operation.
#[derive(Debug)]
pub(super) struct OperationQuotas([(ApiOperation, TokenBucket); 4]);

impl OperationQuotas {
    /// Full buckets. The operations that create contacts get `rate` (requests per second, finite, above 0)
    /// and `burst` (at least 1), the others their documented quotas.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> OperationQuotas {
        OperationQuotas(ApiOperation::ALL.map(|operation| {
            let (rate, burst) = match operation {
                ApiOperation::Create(_) => (rate, burst),
                ApiOperation::DescribeContact => DESCRIBE_CONTACT,
                ApiOperation::SearchContacts => SEARCH_CONTACTS,
            };
            (operation, TokenBucket::new(rate, burst, now))
        }))
    }

    /// Takes a token from the operation's bucket; `false` if the bucket is empty.
    pub(super) fn take(&mut self, operation: ApiOperation, now: Instant) -> bool {
        let bucket = self.0.iter_mut().find(|(own, _)| *own == operation);
        bucket.is_none_or(|(_, bucket)| bucket.take(now))
    }
}

/// A bucket that holds at most `burst` tokens and gains `rate` of them per second.
#[derive(Debug)]
struct TokenBucket {
    rate: f64,
    burst: f64,
    level: f64,
    filled: Instant,
}

impl TokenBucket {
    fn new(rate: f64, burst: u32, now: Instant) -> TokenBucket {
        let burst = f64::from(burst);
        TokenBucket { rate, burst, level: burst, filled: now }
    }

    /// Takes a token; `false` if there is none. A clock that steps back adds nothing.
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.burst);
        self.filled = self.filled.max(now);
        let has_token = self.level >= 1.0 - ROUNDING_ERROR;
        if has_token {
            self.level = (self.level - 1.0).max(0.0);
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(bucket: &mut TokenBucket, now: Instant, attempts: usize) -> usize {
        (0..attempts).filter(|_| bucket.take(now)).count()
    }

    fn taken_of(quotas: &mut OperationQuotas, operation: ApiOperation, now: Instant) -> usize {
        (0..99).filter(|_| quotas.take(operation, now)).count()
    }

    #[test]
    fn a_full_bucket_lets_exactly_its_burst_through() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(2.0, 5, start);
        assert_eq!(taken(&mut bucket, start, 9), 5);
    }

    #[test]
    fn an_empty_bucket_gains_its_rate_every_second() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(2.0, 5, start);
        taken(&mut bucket, start, 5);
        assert!(!bucket.take(start + Duration::from_millis(499)));
        assert!(bucket.take(start + Duration::from_millis(500)));
        assert!(!bucket.take(start + Duration::from_millis(501)));
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(2), 9), 3);
    }

    #[test]
    fn an_idle_bucket_holds_no_more_than_its_burst() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1000.0, 3, start);
        let later = start + Duration::from_hours(24);
        assert_eq!(taken(&mut bucket, later, 9), 3);
    }

    #[test]
    fn many_small_refills_add_up_to_a_whole_token() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(0.1, 1, start);
        bucket.take(start);
        for second in 1..10 {
            assert!(!bucket.take(start + Duration::from_secs(second)));
        }
        assert!(bucket.take(start + Duration::from_secs(10)));
    }

    #[test]
    fn a_clock_that_steps_back_adds_nothing() {
        let earlier = Instant::now();
        let start = earlier + Duration::from_secs(30);
        let mut bucket = TokenBucket::new(1.0, 1, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(earlier));
        assert!(!bucket.take(start + Duration::from_millis(999)));
        assert!(bucket.take(start + Duration::from_secs(1)));
    }

    #[test]
    fn one_operation_leaves_the_buckets_of_the_others_full() {
        let now = Instant::now();
        let mut quotas = OperationQuotas::new(2.0, 5, now);
        let taken = ApiOperation::ALL.map(|operation| taken_of(&mut quotas, operation, now));
        assert_eq!(taken, [5, 5, 15, 1]);
    }

    #[test]
    fn the_operations_that_read_refill_as_documented() {
        let now = Instant::now();
        let mut quotas = OperationQuotas::new(2.0, 5, now);
        for operation in ApiOperation::ALL {
            taken_of(&mut quotas, operation, now);
        }
        let later = now + Duration::from_secs(2);
        let taken = ApiOperation::ALL.map(|operation| taken_of(&mut quotas, operation, later));
        assert_eq!(taken, [4, 4, 15, 1]);
        let soon = later + Duration::from_secs(1);
        assert!(!quotas.take(ApiOperation::SearchContacts, soon));
        assert_eq!(taken_of(&mut quotas, ApiOperation::DescribeContact, soon), 10);
    }
}
