//! How often each thing was asked for. Pure.

use std::collections::HashMap;

/// Counts requests by the 64 bits of what they are about. It grows with the different ones, so it
/// is kept only where a random fault needs it.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    counts: HashMap<u64, u32>,
}

impl Arrivals {
    /// Counts one more request about the subject and tells its number, from 1.
    pub(super) fn count(&mut self, subject: u64) -> u32 {
        let count = self.counts.entry(subject).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_is_counted_apart() {
        let mut arrivals = Arrivals::default();
        let counts = [7, 8, 7, 7, 8].map(|subject| arrivals.count(subject));
        assert_eq!(counts, [1, 1, 2, 3, 2]);
    }
}
