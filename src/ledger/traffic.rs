//! Attempts per minute and answer times, for people: nothing is decided by them.

use std::time::Duration;

use hdrhistogram::Histogram;
use rusqlite::params;

use super::error::LedgerError;
use super::handle::Ledger;
use super::reader::LedgerReader;
use super::row::RunId;
use super::schema::now_ms;

/// Longest answer time that is told apart, microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// Attempts that ended in some time, by result.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Attempts.
    pub attempts: u64,
    /// Of those, attempts that created a contact.
    pub created: u64,
    /// Throttled attempts.
    pub throttled: u64,
    /// Unanswered attempts.
    pub unanswered: u64,
    /// Rate that was set or found last, requests per second.
    pub rate: f64,
    latencies: Latencies,
}

impl Traffic {
    /// Adds the time that an answer took.
    pub fn answered(&mut self, took: Duration) {
        self.latencies.add(u64::try_from(took.as_micros()).unwrap_or(LONGEST), 1);
    }

    /// Histogram of the answer times: pairs of microseconds and the number of answers within that time that took longer
    /// than the previous step.
    pub fn latencies(&self) -> impl Iterator<Item = (u64, u64)> {
        self.latencies.0.iter().flat_map(|times| {
            times.iter_recorded().map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
        })
    }
}

/// Answer times, exact to 1%.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Adds answers that took so many microseconds; an hour at most.
    pub fn add(&mut self, microseconds: u64, answers: u64) {
        let times = match &mut self.0 {
            Some(times) => times,
            // The bounds are valid constants.
            none => match Histogram::new_with_bounds(1, LONGEST, 2) {
                Ok(new) => none.insert(new),
                Err(_) => return,
            },
        };
        times.saturating_record_n(microseconds, answers);
    }

    /// Adds the answers of another histogram.
    pub fn merge(&mut self, other: &Latencies) {
        for step in other.0.iter().flat_map(Histogram::iter_recorded) {
            self.add(step.value_iterated_to(), step.count_since_last_iteration());
        }
    }

    /// Number of answers.
    pub fn answers(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// Time within which `percent` per cent of the answers came. `None` without answers.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let times = self.0.as_ref().filter(|times| !times.is_empty())?;
        Some(Duration::from_micros(times.value_at_percentile(percent)))
    }
}

/// Attempts from one minute on, of one run or of all.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MinuteTraffic {
    /// First minute with an attempt, minutes since 1970.
    pub first: i64,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of those, attempts that created a contact.
    pub created: u64,
    /// Throttled attempts.
    pub throttled: u64,
    /// Unanswered attempts.
    pub unanswered: u64,
    /// Highest rate that was set or found, requests per second.
    pub rate: f64,
}

/// Attempts of one run in one step of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RunTraffic {
    /// Number of the step since 1970.
    pub step: i64,
    /// Start, milliseconds since 1970: the step's first minute with an attempt, or the run's first request.
    pub from_ms: i64,
    /// End: of the step's last minute with an attempt, of the run, or of the time that its record covers.
    pub to_ms: i64,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of those, attempts that created a contact.
    pub created: u64,
    /// Throttled attempts.
    pub throttled: u64,
    /// Unanswered attempts.
    pub unanswered: u64,
    /// Mean of the rates that were set or found in those minutes, requests per second.
    pub rate: f64,
}

impl Ledger {
    /// Adds attempts to a minute since 1970, and records that the minutes are complete up to now.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn note_traffic(&self, minute: i64, traffic: Traffic) -> Result<(), LedgerError> {
        self.call(move |session| {
            let run = session.run.0;
            session
                .connection
                .prepare_cached("UPDATE runs SET recorded_ms = ?2 WHERE id = ?1")?
                .execute([run, now_ms()])?;
            let Traffic { attempts, created, throttled, unanswered, rate, .. } = traffic;
            if attempts == 0 {
                return Ok(());
            }
            session
                .connection
                .prepare_cached(
                    "INSERT INTO minutes (run_id, minute, attempts, created, throttled, unanswered, rate)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT DO UPDATE SET attempts = attempts + excluded.attempts,
                        created = created + excluded.created, throttled = throttled + excluded.throttled,
                        unanswered = unanswered + excluded.unanswered, rate = excluded.rate",
                )?
                .execute(params![run, minute, attempts, created, throttled, unanswered, rate])?;
            let mut add = session.connection.prepare_cached(
                "INSERT INTO latencies (run_id, microseconds, answers) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET answers = answers + excluded.answers",
            )?;
            for (microseconds, answers) in traffic.latencies() {
                add.execute(params![run, microseconds, answers])?;
            }
            Ok(())
        })
        .await
    }
}

impl LedgerReader {
    /// Attempts since a minute since 1970, of one run or of all, in steps of `step` minutes. Steps without attempts are
    /// left out.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn minutes(
        &self,
        run: Option<RunId>,
        since: i64,
        step: i64,
    ) -> Result<Vec<MinuteTraffic>, LedgerError> {
        let minutes =
            "SELECT min(minute), sum(attempts), sum(created), sum(throttled), sum(unanswered), max(rate) FROM minutes
             WHERE minute >= ?2 AND (?1 IS NULL OR run_id = ?1) GROUP BY minute / ?3 ORDER BY 1";
        self.rows(minutes, params![run.map(|run| run.0), since, step.max(1)], |row| {
            Ok(MinuteTraffic {
                first: row.get(0)?,
                attempts: row.get(1)?,
                created: row.get(2)?,
                throttled: row.get(3)?,
                unanswered: row.get(4)?,
                rate: row.get(5)?,
            })
        })
    }

    /// Answer times of one run or of all.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn latencies(&self, run: Option<RunId>) -> Result<Latencies, LedgerError> {
        let steps = "SELECT microseconds, answers FROM latencies WHERE ?1 IS NULL OR run_id = ?1";
        let steps = self.rows(steps, [run.map(|run| run.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut latencies = Latencies::default();
        for (microseconds, answers) in steps {
            latencies.add(microseconds, answers);
        }
        Ok(latencies)
    }

    /// Number of steps of `minutes` minutes with an attempt.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn steps(&self, minutes: i64) -> Result<u64, LedgerError> {
        let count = "SELECT count(DISTINCT minute / ?1) FROM minutes";
        self.read(|connection| connection.query_row(count, [minutes], |row| row.get(0)))
    }

    /// Attempts of each run in each step of `minutes` minutes, in the order of time.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn run_traffic(&self, minutes: i64) -> Result<Vec<RunTraffic>, LedgerError> {
        let steps = "SELECT minute / ?1, max(min(minute) * 60000, coalesce(sending_ms, started_ms)),
                min((max(minute) + 1) * 60000, coalesce(ended_ms, recorded_ms, 9223372036854775807)),
                sum(attempts), sum(created), sum(minutes.throttled), sum(unanswered), avg(minutes.rate)
             FROM minutes JOIN runs ON runs.id = run_id GROUP BY run_id, minute / ?1 ORDER BY 2";
        self.rows(steps, [minutes], |row| {
            Ok(RunTraffic {
                step: row.get(0)?,
                from_ms: row.get(1)?,
                to_ms: row.get(2)?,
                attempts: row.get(3)?,
                created: row.get(4)?,
                throttled: row.get(5)?,
                unanswered: row.get(6)?,
                rate: row.get(7)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_one_per_cent_after_a_trip_through_the_ledger() {
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
