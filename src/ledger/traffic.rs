//! What went over the wire in a while. For people: nothing is decided by it.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// Attempts that ended, and how.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// All of them.
    pub attempts: u64,
    /// Those that made a contact.
    pub created: u64,
    /// Those that Connect throttled.
    pub throttled: u64,
    /// Those that went unanswered.
    pub unanswered: u64,
    /// The rate that was set or found last, requests a second.
    pub rate: f64,
    latencies: Latencies,
}

impl Default for Traffic {
    fn default() -> Self {
        let latencies = Latencies::default();
        Traffic { attempts: 0, created: 0, throttled: 0, unanswered: 0, rate: 0.0, latencies }
    }
}

impl Traffic {
    /// Notes how long an answer took.
    pub fn answered(&mut self, took: Duration) {
        self.latencies.add(u64::try_from(took.as_micros()).unwrap_or(LONGEST), 1);
    }

    /// How many answers took at most so many microseconds, and more than those before.
    pub fn latencies(&self) -> impl Iterator<Item = (u64, u64)> {
        self.latencies.0.iter().flat_map(|times| {
            times.iter_recorded().map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
        })
    }
}

/// How long answers took, to 1%.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Adds answers that took so many microseconds; of more than an hour, an hour.
    pub fn add(&mut self, microseconds: u64, answers: u64) {
        // The bounds are constants, and are sound.
        let times = match &mut self.0 {
            Some(times) => times,
            none => match Histogram::new_with_bounds(1, LONGEST, 2) {
                Ok(new) => none.insert(new),
                Err(_) => return,
            },
        };
        times.saturating_record_n(microseconds, answers);
    }

    /// Adds the answers of another record.
    pub fn merge(&mut self, other: &Latencies) {
        for step in other.0.iter().flat_map(Histogram::iter_recorded) {
            self.add(step.value_iterated_to(), step.count_since_last_iteration());
        }
    }

    /// How many answers there are.
    pub fn answers(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// What so many per cent of the answers took at most; none where there are no answers.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let times = self.0.as_ref().filter(|times| !times.is_empty())?;
        Some(Duration::from_micros(times.value_at_percentile(percent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_true_to_one_per_cent_and_survive_the_ledger() {
        let mut traffic = Traffic::default();
        for milliseconds in 1..=1000 {
            traffic.answered(Duration::from_millis(milliseconds));
        }
        traffic.answered(Duration::from_secs(1_000_000));
        let mut read = Latencies::default();
        traffic.latencies().for_each(|(microseconds, answers)| read.add(microseconds, answers));
        assert_eq!(read.answers(), 1001);
        for (percent, milliseconds) in [(50.0, 501.0), (90.0, 901.0), (99.0, 991.0)] {
            let found = read.percentile(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((found / milliseconds - 1.0).abs() < 0.011, "{percent}: {found}");
        }
        let longest = read.percentile(100.0).unwrap().as_secs_f64();
        assert!((3600.0..3636.0).contains(&longest), "{longest}");
        assert_eq!(Latencies::default().percentile(50.0), None);
        let mut both = Latencies::default();
        both.merge(&read);
        both.merge(&read);
        assert_eq!((both.answers(), both.percentile(90.0)), (2002, read.percentile(90.0)));
    }
}
