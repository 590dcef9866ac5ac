//! When what went over the wire, and until when each run was at it.

use rusqlite::params;

use super::migrate::sqlite;
use super::{LedgerError, LedgerReader};

/// What one run has sent in one step of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stretch {
    /// The step's number since 1970.
    pub step: i64,
    /// From when, in milliseconds since 1970: the step's first minute with an answer, or the run's first request.
    pub from_ms: i64,
    /// Until when: the end of its last minute with an answer, or of the run, or up to when the record is complete.
    pub to_ms: i64,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of those, the ones that made a contact.
    pub created: u64,
    /// The ones that Connect throttled.
    pub throttled: u64,
    /// The ones that went unanswered.
    pub unanswered: u64,
    /// The rate that was set or found, requests a second: the mean of those minutes.
    pub rate: f64,
}

impl LedgerReader {
    /// How many steps of so many minutes have an answer in them.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn steps(&self, minutes: i64) -> Result<u64, LedgerError> {
        let count = "SELECT count(DISTINCT minute / ?1) FROM minutes";
        let count = self.connection.query_row(count, [minutes], |row| row.get(0));
        count.map_err(|source| sqlite(&self.path, source))
    }

    /// What each run has sent in each step of so many minutes, in the order of time.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn stretches(&self, minutes: i64) -> Result<Vec<Stretch>, LedgerError> {
        let read = || {
            let mut stretches = self.connection.prepare(
                "SELECT minute / ?1, max(min(minute) * 60000, coalesce(sending_ms, started_ms)),
                        min((max(minute) + 1) * 60000, coalesce(ended_ms, recorded_ms, 9223372036854775807)),
                        sum(attempts), sum(created), sum(minutes.throttled), sum(unanswered), avg(minutes.rate)
                 FROM minutes JOIN runs ON runs.id = run_id GROUP BY run_id, minute / ?1 ORDER BY 2",
            )?;
            let stretches = stretches.query_map(params![minutes], |row| {
                Ok(Stretch {
                    step: row.get(0)?,
                    from_ms: row.get(1)?,
                    to_ms: row.get(2)?,
                    attempts: row.get(3)?,
                    created: row.get(4)?,
                    throttled: row.get(5)?,
                    unanswered: row.get(6)?,
                    rate: row.get(7)?,
                })
            })?;
            stretches.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }

    /// When the first run started and when something was last heard of any, in milliseconds since 1970; none before
    /// the first run.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn period(&self) -> Result<Option<(i64, i64)>, LedgerError> {
        let period =
            "SELECT min(started_ms), max(coalesce(ended_ms, (SELECT (max(minute) + 1) * 60000 FROM minutes
                          WHERE run_id = id), sending_ms, started_ms)) FROM runs";
        let period = self.connection.query_row(period, [], |row| {
            let (from, to): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(from.zip(to))
        });
        period.map_err(|source| sqlite(&self.path, source))
    }

    /// Has `read` read the ledger as it is at one moment, whatever a run writes to it meanwhile.
    ///
    /// # Errors
    /// The ledger cannot be read, and whatever `read` returns.
    pub fn at_one_moment<T, E: From<LedgerError>>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |source| E::from(sqlite(&self.path, source));
        let moment = self.connection.unchecked_transaction().map_err(failed)?;
        let found = read(self)?;
        moment.finish().map_err(failed)?;
        Ok(found)
    }
}
