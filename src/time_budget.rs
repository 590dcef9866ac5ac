//! The time that a run may take, from its start: opening inputs, waiting for the lock, reading, asking and sending.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time by which a run stops of itself; by default never.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeBudget {
    end: Option<Instant>,
}

impl TimeBudget {
    /// The budget of a run that began at `start` and may take `time`.
    pub fn new(start: Instant, time: Option<Duration>) -> Self {
        TimeBudget { end: time.map(|time| start + time) }
    }

    /// When the run stops.
    pub fn end(self) -> Option<Instant> {
        self.end
    }

    /// Whether the run has to stop.
    pub fn is_used_up(self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    /// `time`, or what is left of the budget if that is less.
    pub fn at_most(self, time: Duration) -> Duration {
        self.end.map_or(time, |end| time.min(end.saturating_duration_since(Instant::now())))
    }

    /// Waits until the run has to stop.
    pub async fn used_up(self) {
        match self.end {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wait_is_cut_to_what_is_left() {
        let start = Instant::now();
        assert!(!TimeBudget::default().is_used_up());
        assert_eq!(TimeBudget::default().at_most(SECOND), SECOND);
        let used_up = TimeBudget::new(start, Some(Duration::ZERO));
        assert!(used_up.is_used_up());
        assert_eq!(used_up.at_most(SECOND), Duration::ZERO);
        let hour = TimeBudget::new(start, Some(3600 * SECOND));
        assert!(!hour.is_used_up());
        assert_eq!(hour.at_most(SECOND), SECOND);
        assert!(hour.at_most(7200 * SECOND) <= 3600 * SECOND);
    }
}
