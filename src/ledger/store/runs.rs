//! Runs: what each found, did, and how it ended.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::tallies::{StateCounts, counts_of_run};
use super::{RowId, RunId, Session, now_ms};
use crate::digest::Digest;
use crate::ledger::{LedgerError, RowEvent, RowState, RowStatus, transition};

/// What is known of a run when it starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Digest of the mapping.
    pub mapping: Digest,
    /// The set rate, requests a second, or what to start from where no earlier run has found any.
    pub rate: f64,
    /// Whether the rate is to be found.
    pub is_auto: bool,
    /// How long a token may be used again after a row's first attempt.
    pub idempotency_window: std::time::Duration,
    /// Whether rows that went unanswered may be sent again at all.
    pub resend: bool,
    /// Which rows are sent again although nothing says that they will fare better.
    pub retry: Vec<Retry>,
    /// The command that began it, as a shell reads it.
    pub command: String,
    /// The folder that it was given in.
    pub folder: String,
}

/// Rows that a run sends again only when it is told to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Retry {
    /// Rows that Connect refused, as they are.
    Rejected,
    /// Rows that may have been created, with the same tokens.
    Unknown,
}

/// Rows of the whole ledger that may have been created.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Doubts {
    /// Those that are unknown, and not sent.
    pub unknown: u64,
    /// Those that wait to be sent again with the same tokens.
    pub waiting: u64,
    /// Of the waiting ones, those with less than a twenty-fourth of the idempotency window left.
    pub closing: u64,
}

/// A run as the ledger has it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run's number.
    pub id: RunId,
    /// The version of connect-import that ran.
    pub version: String,
    /// The set rate, requests a second, or what it started from where it was to be found.
    pub rate: f64,
    /// Whether it was to be found.
    pub is_auto: bool,
    /// What was found, requests a second.
    pub rate_found: Option<f64>,
    /// When it started, in milliseconds since 1970.
    pub started_ms: i64,
    /// When its first request was begun.
    pub sending_ms: Option<i64>,
    /// When it ended; none while it runs, or if it died.
    pub ended_ms: Option<i64>,
    /// When it last wrote anything down; of a run of an earlier version to a minute, and none if it sent nothing.
    pub last_ms: Option<i64>,
    /// Up to when what went over the wire is on record; none before the first ten seconds are.
    pub recorded_ms: Option<i64>,
    /// Waiting rows that it was not to send, by its limit; none until its input was read.
    pub held_back: Option<u64>,
    /// How it ended, in a word.
    pub ending: Option<String>,
    /// The command that began it, as a shell reads it; none of a run of an earlier version.
    pub command: Option<String>,
    /// The folder that it was given in.
    pub folder: Option<String>,
    /// Rows in the input.
    pub rows_read: u64,
    /// Of those, rows of other shards.
    pub elsewhere: u64,
    /// Of the others, created by earlier runs.
    pub already_created: u64,
    /// Of those, with other content than was sent.
    pub changed_created: u64,
    /// Rows without a key that equal an earlier one; each was imported.
    pub identical_rows: u64,
    /// Rows of earlier runs that their file holds no longer; not sent.
    pub withdrawn: u64,
    /// Rows that wait from other inputs and are sent too; known only when the input has just been read.
    pub adopted: u64,
    /// Rows that wait from inputs which could not be read to their end; not sent. Known only of the run under way.
    pub stranded: u64,
    /// What may have been created; known only when the input has just been read, and when the run has just ended.
    pub doubts: Doubts,
    /// Attempts that Connect throttled.
    pub throttled: u64,
    /// Whether some row of the ledger was created, now or before: then the instance exists.
    pub instance_proven: bool,
    /// The rows that this run was the last to touch, by state.
    pub rows: StateCounts,
}

impl RunRecord {
    /// Rows in the input that are this ledger's.
    pub fn own_rows(&self) -> u64 {
        self.rows_read.saturating_sub(self.elsewhere)
    }

    /// Rows of this run that wait for another attempt.
    pub fn waiting(&self) -> u64 {
        self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight)
    }

    /// Rows created by this run a second, from its first request until `until_ms`, in milliseconds since 1970.
    pub fn rate_achieved(&self, until_ms: i64) -> Option<f64> {
        let milliseconds = until_ms - self.sending_ms?;
        (milliseconds > 0).then(|| self.rows.of(RowState::Created) as f64 * 1000.0 / milliseconds as f64)
    }
}

impl Session {
    pub(in crate::ledger) fn start_run(&mut self, run: &NewRun) -> Result<RunId, LedgerError> {
        let now = now_ms();
        let insert = || {
            let found = if run.is_auto { self.rate_to_start_from()? } else { None };
            let rate = found.unwrap_or(run.rate);
            self.connection.execute(
                "INSERT INTO runs (version, mapping, rate, is_auto, started_ms, command, folder)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    env!("CARGO_PKG_VERSION"),
                    run.mapping.0,
                    rate,
                    run.is_auto,
                    now,
                    run.command,
                    run.folder
                ],
            )?;
            Ok(self.connection.last_insert_rowid())
        };
        self.run = RunId(insert().map_err(|source| self.failed(source))?);
        let last = "SELECT coalesce(max(id), 0) FROM rows";
        let last = self.connection.query_row(last, [], |row| row.get(0));
        self.rows_before = RowId(last.map_err(|source| self.failed(source))?);
        self.last_row = self.rows_before;
        self.retry.clone_from(&run.retry);
        self.window_ms = i64::try_from(run.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        // What is not to be sent again is as if its token were too old.
        // A doubt of the future is one of a clock that was wrong, and nobody knows how old it is.
        let young = if run.resend {
            (now.saturating_sub(self.window_ms), now.saturating_add(self.window_ms))
        } else {
            (i64::MAX, i64::MIN)
        };
        self.recover(young)?;
        Ok(self.run)
    }

    /// Settles what dead runs left in flight, and what waits in doubt for too long. What becomes
    /// unknown belongs to this run, so that it is reported.
    fn recover(&self, (oldest_ms, newest_ms): (i64, i64)) -> Result<(), LedgerError> {
        self.take_back_vouched()?;
        const NOT_CREATED: &str = "INDEXED BY rows_not_created";
        let no_answer = ("'NoAnswer'", "'the run ended before Connect answered'");
        let cases = [
            (RowState::InFlight, RowEvent::Expired, NOT_CREATED, "doubt_ms NOT BETWEEN ?2 AND ?6", no_answer),
            (RowState::InFlight, RowEvent::Recovered, NOT_CREATED, "doubt_ms BETWEEN ?2 AND ?6", no_answer),
            (
                RowState::Pending,
                RowEvent::Expired,
                "INDEXED BY rows_in_doubt",
                "may_exist = 1 AND doubt_ms NOT BETWEEN ?2 AND ?6",
                ("coalesce(code, 'NoAnswer')", "message"),
            ),
        ];
        let in_flight = "SELECT EXISTS (SELECT 1 FROM tallies WHERE state = 'in_flight' AND rows > 0)";
        let in_flight = self.connection.query_row(in_flight, [], |row| row.get(0));
        let in_flight: bool = in_flight.map_err(|source| self.failed(source))?;
        for (state, event, index, condition, (code, message)) in cases {
            // Every row that is not created would have to be looked at.
            if state == RowState::InFlight && !in_flight {
                continue;
            }
            let next = transition(RowStatus { state, may_exist: state == RowState::Pending }, event)?;
            let run = if next.state == RowState::Unknown { "?5" } else { "run_id" };
            let sql = format!(
                "UPDATE rows {index} SET state = ?3, may_exist = ?4, run_id = {run},
                        code = {code}, message = {message}
                 WHERE record IS NOT NULL AND run_id IN (SELECT id FROM runs WHERE id <> ?5) AND state = ?1
                    AND {condition}"
            );
            self.connection
                .execute(
                    &sql,
                    params![
                        state.name(),
                        oldest_ms,
                        next.state.name(),
                        next.may_exist,
                        self.run.0,
                        newest_ms
                    ],
                )
                .map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// Unknown rows that somebody wanted sent again, and that were not, are unknown as before: what was said
    /// of one run is not said of the next.
    fn take_back_vouched(&self) -> Result<(), LedgerError> {
        let from = RowStatus { state: RowState::Pending, may_exist: true };
        let next = transition(from, RowEvent::LeftInDoubt)?;
        let write = || {
            self.connection.execute(
                "UPDATE rows INDEXED BY rows_in_doubt SET state = ?2, code = coalesce(code, 'NoAnswer'),
                        doubt_ms = first_sent_ms, run_id = ?3
                 WHERE may_exist = 1 AND state = ?1 AND doubt_ms > last_sent_ms",
                params![from.state.name(), next.state.name(), self.run.0],
            )
        };
        write().map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Half of what was found last: where the quota is the same, the search is soon there, and where another uses
    /// it by now, there is room. But no crawl: a night in which Connect took nothing says little of the next.
    fn rate_to_start_from(&self) -> rusqlite::Result<Option<f64>> {
        Ok(rate_found(&self.connection)?.map(|found| (found / 2.0).max(SLOWEST_START)))
    }

    /// Notes that the run goes on at another rate.
    pub(in crate::ledger) fn set_rate(&self, rate: f64, is_auto: bool) -> Result<(), LedgerError> {
        let set = self.connection.execute(
            "UPDATE runs SET rate = ?2, is_auto = ?3 WHERE id = ?1",
            params![self.run.0, rate, is_auto],
        );
        set.map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Notes how many of the rows that wait the run is not to send.
    pub(in crate::ledger) fn note_held_back(&self, rows: u64) -> Result<(), LedgerError> {
        let noted = self
            .connection
            .execute("UPDATE runs SET held_back = ?2 WHERE id = ?1", params![self.run.0, rows]);
        noted.map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Notes the rate that the run has found.
    pub(in crate::ledger) fn note_found(&self, rate: f64) -> Result<(), LedgerError> {
        let noted = self
            .connection
            .execute("UPDATE runs SET rate_found = ?2 WHERE id = ?1", params![self.run.0, rate]);
        noted.map(|_| ()).map_err(|source| self.failed(source))
    }

    pub(in crate::ledger) fn end_run(
        &mut self,
        ending: &str,
        throttled: u64,
    ) -> Result<RunRecord, LedgerError> {
        self.count()?;
        self.take_back_vouched()?;
        self.connection
            .execute(
                "UPDATE runs SET ended_ms = ?2, ending = ?3, throttled = ?4 WHERE id = ?1",
                params![self.run.0, now_ms(), ending, throttled],
            )
            .map_err(|source| self.failed(source))?;
        Ok(RunRecord { doubts: self.doubts()?, ..self.run_record()? })
    }

    /// Records with which exit code the run ended.
    pub(in crate::ledger) fn note_exit(&self, code: u8) -> Result<(), LedgerError> {
        let noted = self
            .connection
            .execute("UPDATE runs SET exit_code = ?2 WHERE id = ?1", params![self.run.0, code]);
        noted.map(|_| ()).map_err(|source| self.failed(source))
    }

    pub(super) fn run_record(&self) -> Result<RunRecord, LedgerError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?1");
        // Rows of a reading that was broken off; a query of its own, since it counts rows one by one.
        let stranded = "SELECT count(*) FROM open_readings CROSS JOIN rows USING (run_id, source_id)
             WHERE open_readings.run_id <> ?1 AND record IS NOT NULL AND state IN ('pending', 'failed')";
        let read = || {
            let mut record = self.connection.query_row(&sql, [self.run.0], run_record)?;
            record.stranded = self.connection.query_row(stranded, [self.run.0], |row| row.get(0))?;
            record.rows = counts_of_run(&self.connection, record.id)?;
            Ok(record)
        };
        read().map_err(|source| self.failed(source))
    }
}

/// The rate that a run found last, requests a second.
pub(in crate::ledger) fn rate_found(connection: &Connection) -> rusqlite::Result<Option<f64>> {
    let found = "SELECT rate_found FROM runs WHERE rate_found IS NOT NULL ORDER BY id DESC LIMIT 1";
    connection.query_row(found, [], |row| row.get(0)).optional()
}

/// When a run ended last with exit code 0, in milliseconds since 1970.
pub(in crate::ledger) fn last_success_ms(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT max(ended_ms) FROM runs WHERE exit_code = 0", [], |row| row.get(0))
}

/// A quarter of the documented default quota, requests a second.
const SLOWEST_START: f64 = 0.5;

const RUN_COLUMNS: &str = "id, rate, started_ms, sending_ms, ended_ms, ending, rows_read,
    already_created, changed_created, identical_rows, withdrawn, throttled,
    EXISTS (SELECT 1 FROM tallies WHERE state = 'created' AND rows > 0), is_auto, rate_found, command, folder,
    (SELECT coalesce(sum(elsewhere), 0) FROM readings WHERE run_id = runs.id),
    last_ms, recorded_ms, held_back,
    version";

fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        rate: row.get(1)?,
        is_auto: row.get(13)?,
        rate_found: row.get(14)?,
        version: row.get(21)?,
        command: row.get(15)?,
        folder: row.get(16)?,
        started_ms: row.get(2)?,
        sending_ms: row.get(3)?,
        ended_ms: row.get(4)?,
        last_ms: row.get(18)?,
        recorded_ms: row.get(19)?,
        held_back: row.get(20)?,
        ending: row.get(5)?,
        rows_read: row.get(6)?,
        elsewhere: row.get(17)?,
        already_created: row.get(7)?,
        changed_created: row.get(8)?,
        identical_rows: row.get(9)?,
        withdrawn: row.get(10)?,
        adopted: 0,
        stranded: 0,
        doubts: Doubts::default(),
        throttled: row.get(11)?,
        instance_proven: row.get(12)?,
        rows: StateCounts::default(),
    })
}

/// The latest runs, newest first.
pub(in crate::ledger) fn latest_runs(
    connection: &Connection,
    limit: u32,
) -> rusqlite::Result<Vec<RunRecord>> {
    let sql = format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY id DESC LIMIT ?1");
    let mut statement = connection.prepare(&sql)?;
    let records: Vec<RunRecord> = statement.query_map([limit], run_record)?.collect::<Result<_, _>>()?;
    let with_rows =
        |record: RunRecord| Ok(RunRecord { rows: counts_of_run(connection, record.id)?, ..record });
    records.into_iter().map(with_rows).collect()
}
