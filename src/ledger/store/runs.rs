//! Runs: what each found, did, and how it ended.

use rusqlite::{Connection, Row, params};

use super::{RunId, Session, now_ms};
use crate::digest::Digest;
use crate::ledger::{LedgerError, RowEvent, RowState, Standing, transition};

/// What is known of a run when it starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Digest of the mapping.
    pub mapping: Digest,
    /// The set rate, requests a second.
    pub rate: f64,
    /// How long a token may be used again after a row's first attempt.
    pub idempotency_window: std::time::Duration,
    /// Whether rows that went unanswered may be sent again at all.
    pub resend: bool,
    /// Which rows are sent again although nothing says that they will fare better.
    pub retry: Vec<Retry>,
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

/// How many rows are in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateCounts([u64; RowState::ALL.len()]);

impl StateCounts {
    /// Rows in `state`.
    pub fn of(&self, state: RowState) -> u64 {
        self.0[state as usize]
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// A run as the ledger has it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run's number.
    pub id: RunId,
    /// The set rate, requests a second.
    pub rate: f64,
    /// When it started, in milliseconds since 1970.
    pub started_ms: i64,
    /// When its first request was begun.
    pub sending_ms: Option<i64>,
    /// When it ended; none while it runs, or if it died.
    pub ended_ms: Option<i64>,
    /// How it ended, in a word.
    pub ending: Option<String>,
    /// Rows in the input.
    pub rows_read: u64,
    /// Of those, created by earlier runs.
    pub already_created: u64,
    /// Of those, with other content than was sent.
    pub changed_created: u64,
    /// Rows without a key that equal an earlier one; each was imported.
    pub identical_rows: u64,
    /// Rows of earlier runs that their file holds no longer; not sent.
    pub withdrawn: u64,
    /// Rows that wait from other inputs and are sent too; known only when the input has just been read.
    pub adopted: u64,
    /// Rows that wait from inputs which could not be read to their end; not sent.
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

/// How often a cause stands on rows of a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorCount {
    /// The rows' state.
    pub state: RowState,
    /// The cause.
    pub code: String,
    /// How many rows.
    pub rows: u64,
    /// The first such row's message.
    pub message: String,
    /// The first such row's input.
    pub source: String,
    /// The first such row's line.
    pub line: u64,
}

impl RunRecord {
    /// Rows of this run that wait for another attempt.
    pub fn waiting(&self) -> u64 {
        self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight)
    }

    /// Rows created by this run a second, from its first request to its end or until `now_ms`.
    pub fn rate_achieved(&self, now_ms: i64) -> Option<f64> {
        let milliseconds = self.ended_ms.unwrap_or(now_ms) - self.sending_ms?;
        (milliseconds > 0).then(|| self.rows.of(RowState::Created) as f64 * 1000.0 / milliseconds as f64)
    }
}

impl Session {
    pub(in crate::ledger) fn start_run(&mut self, run: &NewRun) -> Result<RunId, LedgerError> {
        let now = now_ms();
        let insert = || {
            self.connection.execute(
                "INSERT INTO runs (version, mapping, rate, started_ms) VALUES (?1, ?2, ?3, ?4)",
                params![env!("CARGO_PKG_VERSION"), run.mapping.0, run.rate, now],
            )?;
            Ok(self.connection.last_insert_rowid())
        };
        self.run = RunId(insert().map_err(|source| self.failed(source))?);
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
        let no_answer = ("'NoAnswer'", "'the run ended before Connect answered'");
        let cases = [
            (RowState::InFlight, RowEvent::Expired, "", "doubt_ms NOT BETWEEN ?2 AND ?6", no_answer),
            (RowState::InFlight, RowEvent::Recovered, "", "doubt_ms BETWEEN ?2 AND ?6", no_answer),
            (
                RowState::Pending,
                RowEvent::Expired,
                "INDEXED BY rows_in_doubt",
                "may_exist = 1 AND doubt_ms NOT BETWEEN ?2 AND ?6",
                ("coalesce(code, 'NoAnswer')", "message"),
            ),
        ];
        for (state, event, index, condition, (code, message)) in cases {
            let next = transition(Standing { state, may_exist: state == RowState::Pending }, event)?;
            let run = if next.state == RowState::Unknown { "?5" } else { "run_id" };
            let sql = format!(
                "UPDATE rows {index} SET state = ?3, may_exist = ?4, run_id = {run},
                        code = {code}, message = {message}
                 WHERE run_id IN (SELECT id FROM runs WHERE id <> ?5) AND state = ?1 AND {condition}"
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
        let from = Standing { state: RowState::Pending, may_exist: true };
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

    /// Notes that the run goes on at another rate.
    pub(in crate::ledger) fn set_rate(&self, rate: f64) -> Result<(), LedgerError> {
        let set =
            self.connection.execute("UPDATE runs SET rate = ?2 WHERE id = ?1", params![self.run.0, rate]);
        set.map(|_| ()).map_err(|source| self.failed(source))
    }

    pub(in crate::ledger) fn end_run(&self, ending: &str, throttled: u64) -> Result<RunRecord, LedgerError> {
        self.take_back_vouched()?;
        self.connection
            .execute(
                "UPDATE runs SET ended_ms = ?2, ending = ?3, throttled = ?4 WHERE id = ?1",
                params![self.run.0, now_ms(), ending, throttled],
            )
            .map_err(|source| self.failed(source))?;
        Ok(RunRecord { doubts: self.doubts()?, ..self.run_record()? })
    }

    pub(super) fn run_record(&self) -> Result<RunRecord, LedgerError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?1");
        let read = || {
            let record = self.connection.query_row(&sql, [self.run.0], run_record)?;
            with_rows(&self.connection, record)
        };
        read().map_err(|source| self.failed(source))
    }
}

const RUN_COLUMNS: &str = "id, rate, started_ms, sending_ms, ended_ms, ending, rows_read,
    already_created, changed_created, identical_rows, withdrawn, throttled,
    EXISTS (SELECT 1 FROM rows WHERE run_id IN (SELECT id FROM runs) AND state = 'created'),
    (SELECT count(*) FROM open_readings JOIN rows USING (run_id, source_id)
     WHERE open_readings.run_id <> runs.id AND state IN ('pending', 'failed'))";

fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        rate: row.get(1)?,
        started_ms: row.get(2)?,
        sending_ms: row.get(3)?,
        ended_ms: row.get(4)?,
        ending: row.get(5)?,
        rows_read: row.get(6)?,
        already_created: row.get(7)?,
        changed_created: row.get(8)?,
        identical_rows: row.get(9)?,
        withdrawn: row.get(10)?,
        adopted: 0,
        stranded: row.get(13)?,
        doubts: Doubts::default(),
        throttled: row.get(11)?,
        instance_proven: row.get(12)?,
        rows: StateCounts::default(),
    })
}

fn with_rows(connection: &Connection, mut record: RunRecord) -> rusqlite::Result<RunRecord> {
    record.rows = count(
        connection,
        "SELECT state, count(*) FROM rows WHERE run_id = ?1 GROUP BY state",
        [record.id.0],
    )?;
    Ok(record)
}

fn count(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<StateCounts> {
    let mut counts = StateCounts::default();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let state = RowState::from_name(&name).ok_or(rusqlite::Error::InvalidQuery)?;
        counts.0[state as usize] = row.get(1)?;
    }
    Ok(counts)
}

/// All rows of the ledger by state.
pub(in crate::ledger) fn state_counts(connection: &Connection) -> rusqlite::Result<StateCounts> {
    count(connection, "SELECT state, count(*) FROM rows GROUP BY state", [])
}

/// The latest runs, newest first.
pub(in crate::ledger) fn latest_runs(
    connection: &Connection,
    limit: u32,
) -> rusqlite::Result<Vec<RunRecord>> {
    let sql = format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY id DESC LIMIT ?1");
    let mut statement = connection.prepare(&sql)?;
    let records: Vec<RunRecord> = statement.query_map([limit], run_record)?.collect::<Result<_, _>>()?;
    records.into_iter().map(|record| with_rows(connection, record)).collect()
}

/// The causes on rows that are rejected, failed or unknown, most frequent first.
pub(in crate::ledger) fn error_counts(
    connection: &Connection,
    limit: u32,
) -> rusqlite::Result<Vec<ErrorCount>> {
    let mut statement = connection.prepare(
        "SELECT state, code, count(*), message, (SELECT path FROM sources WHERE id = source_id), line, min(rows.id)
         FROM rows WHERE run_id IN (SELECT id FROM runs) AND state IN ('rejected', 'failed', 'unknown')
         GROUP BY state, code ORDER BY count(*) DESC, state, code LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], |row| {
        let name: String = row.get(0)?;
        Ok(ErrorCount {
            state: RowState::from_name(&name).ok_or(rusqlite::Error::InvalidQuery)?,
            code: row.get(1)?,
            rows: row.get(2)?,
            message: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            source: row.get(4)?,
            line: row.get(5)?,
        })
    })?;
    rows.collect()
}
