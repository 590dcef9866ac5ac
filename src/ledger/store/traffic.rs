//! The record of what went over the wire.

use rusqlite::{Connection, params};

use super::{RunId, Session, now_ms};
use crate::ledger::LedgerError;
use crate::ledger::traffic::{Latencies, Traffic};

/// What went over the wire from some minute on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Minutes {
    /// The first minute, since 1970.
    pub first: i64,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of those, the ones that made a contact.
    pub created: u64,
    /// The ones that Connect throttled.
    pub throttled: u64,
    /// The ones that went unanswered.
    pub unanswered: u64,
    /// The highest rate that was set or found, requests a second.
    pub rate: f64,
}

impl Session {
    /// Adds to what went over the wire in a minute of this run, and notes that nothing else has until now.
    pub(in crate::ledger) fn note_traffic(&self, minute: i64, traffic: &Traffic) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached("UPDATE runs SET recorded_ms = ?2 WHERE id = ?1")?
                .execute([self.run.0, now_ms()])?;
            if traffic.attempts == 0 {
                return Ok(());
            }
            self.connection
                .prepare_cached(
                    "INSERT INTO minutes (run_id, minute, attempts, created, throttled, unanswered, rate)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT DO UPDATE SET attempts = attempts + excluded.attempts,
                        created = created + excluded.created, throttled = throttled + excluded.throttled,
                        unanswered = unanswered + excluded.unanswered, rate = excluded.rate",
                )?
                .execute(params![
                    self.run.0,
                    minute,
                    traffic.attempts,
                    traffic.created,
                    traffic.throttled,
                    traffic.unanswered,
                    traffic.rate
                ])?;
            let mut add = self.connection.prepare_cached(
                "INSERT INTO latencies (run_id, microseconds, answers) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET answers = answers + excluded.answers",
            )?;
            for (microseconds, answers) in traffic.latencies() {
                add.execute(params![self.run.0, microseconds, answers])?;
            }
            Ok(())
        };
        write().map_err(|source| self.failed(source))
    }
}

/// What went over the wire since a minute, of one run or of all, in steps of so many minutes; steps in which nothing
/// did are left out.
pub(in crate::ledger) fn minutes(
    connection: &Connection,
    run: Option<RunId>,
    since: i64,
    step: i64,
) -> rusqlite::Result<Vec<Minutes>> {
    let mut minutes = connection.prepare(
        "SELECT min(minute), sum(attempts), sum(created), sum(throttled), sum(unanswered), max(rate) FROM minutes
         WHERE minute >= ?2 AND (?1 IS NULL OR run_id = ?1) GROUP BY minute / ?3 ORDER BY 1",
    )?;
    let minutes = minutes.query_map(params![run.map(|run| run.0), since, step.max(1)], |row| {
        Ok(Minutes {
            first: row.get(0)?,
            attempts: row.get(1)?,
            created: row.get(2)?,
            throttled: row.get(3)?,
            unanswered: row.get(4)?,
            rate: row.get(5)?,
        })
    })?;
    minutes.collect()
}

/// How long answers took, in one run or in all.
pub(in crate::ledger) fn latencies(
    connection: &Connection,
    run: Option<RunId>,
) -> rusqlite::Result<Latencies> {
    let mut steps =
        connection.prepare("SELECT microseconds, answers FROM latencies WHERE ?1 IS NULL OR run_id = ?1")?;
    let mut steps = steps.query([run.map(|run| run.0)])?;
    let mut latencies = Latencies::default();
    while let Some(row) = steps.next()? {
        latencies.add(row.get(0)?, row.get(1)?);
    }
    Ok(latencies)
}
