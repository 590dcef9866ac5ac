//! Runs: how each starts and ends, and its record.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::counts::{StateCounts, counts_of_run, state_counts};
use super::error::{LedgerError, Stored};
use super::file::use_cache_for_intake;
use super::handle::Ledger;
use super::lock_record::Author;
use super::mended_rows::MendedRows;
use super::progress::RunProgress;
use super::row::{RowId, RunId};
use super::schema::now_ms;
use super::shared_contacts::{SharedContacts, shared_contacts};
use super::state::RowState;
use super::writer::Session;
use crate::digest::Digest;
use crate::mapping::Rejection;

/// Lowest start value of rate `auto`, requests per second: a quarter of the default quota of StartTaskContact and
/// CreateContact (Amazon Connect administrator guide, API throttling quotas).
const SLOWEST_START: f64 = 0.5;

/// Settings of a run that starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Digest of the mapping.
    pub mapping: Digest,
    /// Target rate, requests per second. With `is_auto` the start value if no earlier run found a rate.
    pub rate: f64,
    /// Whether the rate is searched for.
    pub is_auto: bool,
    /// How long after its first attempt a row may be sent again with the same token.
    pub idempotency_window: Duration,
    /// Whether unanswered rows may be sent again at all.
    pub resend: bool,
    /// Rows that are sent again on the operator's request.
    pub retry: Vec<Retry>,
    /// Codes of rejections that the job accepts.
    pub accept: Vec<String>,
    /// Command line, quoted for a shell.
    pub command: String,
    /// Working folder.
    pub folder: String,
    /// Command line that verifies the ledger. `None` if the contacts end with the run, as those of a built-in sandbox.
    pub verify: Option<String>,
    /// Name of the job, for people.
    pub name: Option<String>,
    /// Host that the requests go to, with its port if that is not the scheme's.
    pub endpoint: String,
    /// Region.
    pub region: String,
}

/// Rows that a run sends again only on the operator's request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// Rows that Connect refused, unchanged.
    Rejected,
    /// Rows that may have been created, with the same tokens.
    Unknown,
}

/// Condition of a rejected row that Connect refused, and not this tool.
pub(super) fn is_refused_by_connect() -> String {
    let own: Vec<String> = Rejection::CODES.iter().map(|code| format!("'{code}'")).collect();
    format!("code NOT IN ({})", own.join(", "))
}

/// Numbers of rows of the whole ledger that may have been created.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DoubtCounts {
    /// Unknown rows, which are not sent.
    pub unknown: u64,
    /// Pending rows, which are sent again with the same tokens.
    pub waiting: u64,
    /// Of the pending rows, those with less than 1/24 of the idempotency window left.
    pub closing: u64,
}

/// Record of a run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Number of the run.
    pub id: RunId,
    /// Version of connect-import.
    pub version: String,
    /// Target rate, requests per second. With `is_auto` the start value.
    pub rate: f64,
    /// Whether the rate is searched for.
    pub is_auto: bool,
    /// Rate that was found, requests per second.
    pub rate_found: Option<f64>,
    /// Start, milliseconds since 1970, as all times.
    pub started_ms: i64,
    /// Time of the first request.
    pub sending_ms: Option<i64>,
    /// End. `None` while the run lasts, or if it died.
    pub ended_ms: Option<i64>,
    /// Time of the last commit.
    pub last_ms: i64,
    /// End of the time that the attempts per minute cover. `None` in the first ten seconds.
    pub recorded_ms: Option<i64>,
    /// Pending rows that `--limit` leaves out. `None` until the inputs are read.
    pub held_back: Option<u64>,
    /// How the run ended. `None` while it lasts, or if it died.
    pub ending: Option<String>,
    /// Command line, quoted for a shell.
    pub command: String,
    /// Working folder.
    pub folder: String,
    /// Command line that verifies the ledger, quoted for a shell. `None` if the contacts ended with the run.
    pub verify: Option<String>,
    /// Rows in the inputs.
    pub rows_read: u64,
    /// Of those, rows of other shards.
    pub other_shards: u64,
    /// Of the others, rows for which the job's condition is false. They are not imported.
    pub passed_over: u64,
    /// Of the rest, rows that earlier runs created.
    pub already_created: u64,
    /// Of those, rows with other content than was sent.
    pub changed_created: u64,
    /// Rows without a key that equal an earlier one. Each is imported.
    pub identical_rows: u64,
    /// Name of the job, for people.
    pub name: Option<String>,
    /// Host that the requests go to, with its port if that is not the scheme's. `None` if it is not known, as all of these.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Account of the credentials.
    pub account: Option<String>,
    /// ARN of the credentials' identity.
    pub caller: Option<String>,
    /// Rows of other inputs that this run sends too. Known when the inputs have just been read.
    pub adopted: u64,
    /// Rows of inputs that were not read to their end. They are not sent. Known of the current run alone.
    pub stranded: u64,
    /// Kinds of warnings about the rows that were read. Known when the inputs have just been read.
    pub warnings: u64,
    /// Rows in doubt. Known when the inputs have just been read, and when the run has just ended.
    pub doubts: DoubtCounts,
    /// Created rows of the contacts that this run found to have several rows. Known when the run has just ended.
    pub shared: SharedContacts,
    /// Throttled attempts.
    pub throttled: u64,
    /// Whether a row of the ledger is created, so that the instance exists.
    pub instance_proven: bool,
    /// Rows that this run was the last to read or send, by state.
    pub rows: StateCounts,
    /// All rows of the ledger, by state. Known of the current run alone.
    pub all_rows: StateCounts,
}

impl RunRecord {
    /// Rows in the inputs that belong to this ledger: those of its shard that the job's condition selects.
    pub fn own_rows(&self) -> u64 {
        self.rows_read.saturating_sub(self.other_shards).saturating_sub(self.passed_over)
    }

    /// Rows of this run that wait for an attempt.
    pub fn waiting(&self) -> u64 {
        self.rows.of(RowState::Pending) + self.rows.of(RowState::InFlight)
    }

    /// Rows created per second, from the first request to `until_ms`, milliseconds since 1970.
    pub fn rate_achieved(&self, until_ms: i64) -> Option<f64> {
        let milliseconds = until_ms - self.sending_ms?;
        (milliseconds > 0).then(|| self.rows.of(RowState::Created) as f64 * 1000.0 / milliseconds as f64)
    }
}

impl Ledger {
    /// Records a new run, and settles the rows that a run which died left in flight: within the idempotency window they
    /// wait for another attempt with the same token, after it they are unknown.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn start_run(&self, run: NewRun) -> Result<RunId, LedgerError> {
        self.call_blocking(move |session| session.start_run(&run))
    }

    /// Records that the run continues at another rate, requests per second, or searches for one from there.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn set_rate(&self, rate: f64, is_auto: bool) -> Result<(), LedgerError> {
        self.call(move |session| {
            session.set_in_run("rate", rate)?;
            session.set_in_run("is_auto", is_auto)
        })
        .await
    }

    /// Records the number of pending rows that `--limit` leaves out.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn note_held_back(&self, rows: u64) -> Result<(), LedgerError> {
        self.call(move |session| session.set_in_run("held_back", rows)).await
    }

    /// Records the rate that was found, requests per second.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn note_found(&self, rate: f64) -> Result<(), LedgerError> {
        self.call(move |session| session.set_in_run("rate_found", rate)).await
    }

    /// Records how the run ended, and returns its record.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn end_run(&self, ending: &'static str, throttled: u64) -> Result<RunRecord, LedgerError> {
        self.call_blocking(move |session| {
            session.counts.write(&session.connection)?;
            session.end_operator_retries()?;
            session.connection.execute(
                "UPDATE runs SET ended_ms = ?2, ending = ?3, throttled = ?4 WHERE id = ?1",
                params![session.run.0, now_ms(), ending, throttled],
            )?;
            session.take_over_shared_contacts()?;
            let shared = shared_contacts(&session.connection, Some(session.run))?;
            Ok(RunRecord { doubts: session.doubt_counts()?, shared, ..session.run_record()? })
        })
    }

    /// Records the digest of a rejects file, before the file is put in its place.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_rejects(&self, file: Digest) -> Result<(), LedgerError> {
        self.call_blocking(move |session| session.set_in_run("rejects", file.0))
    }

    /// Records whose credentials sign the requests: the account and the ARN.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn note_caller(&self, account: &str, arn: &str) -> Result<(), LedgerError> {
        let (account, arn) = (account.to_owned(), arn.to_owned());
        self.call(move |session| {
            session.set_in_run("account", account)?;
            session.set_in_run("caller", arn)
        })
        .await
    }

    /// Whether a run of this ledger, this one or an earlier one, has sent a request.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn has_sent(&self) -> Result<bool, LedgerError> {
        let sent = "SELECT EXISTS (SELECT 1 FROM runs WHERE sending_ms IS NOT NULL)";
        self.call(move |session| Ok(session.connection.query_row(sent, [], |row| row.get(0))?)).await
    }

    /// Records the exit code of the run.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_exit(&self, code: u8) -> Result<(), LedgerError> {
        self.call_blocking(move |session| session.set_in_run("exit_code", code))
    }
}

impl Session {
    fn start_run(&mut self, run: &NewRun) -> Stored<RunId> {
        let now = now_ms();
        let found = if run.is_auto { rate_found(&self.connection)? } else { None };
        // Half of what was found: the search is soon back there, and there is room if others use the quota by now. Never
        // near zero: a run that was throttled throughout says little about the next.
        let rate = found.map_or(run.rate, |found| (found / 2.0).max(SLOWEST_START));
        self.connection.execute(
            "INSERT INTO runs (version, mapping, rate, is_auto, started_ms, last_ms, command, folder, accept, verify, name,
                 endpoint, region, nonce)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                env!("CARGO_PKG_VERSION"),
                run.mapping.0,
                rate,
                run.is_auto,
                now,
                run.command,
                run.folder,
                serde_json::Value::from(run.accept.clone()).to_string(),
                run.verify,
                run.name,
                run.endpoint,
                run.region,
                self.recorder.nonce().0
            ],
        )?;
        self.run = RunId(self.connection.last_insert_rowid());
        let mended = MendedRows::read(&self.connection, run.mapping)?;
        self.progress = RunProgress { mended, ..RunProgress::default() };
        self.recorder.begin(&self.connection, Author::Run(self.run.0), Some(&run.command))?;
        let last = "SELECT coalesce(max(id), 0) FROM rows";
        self.progress.last_row_before = RowId(self.connection.query_row(last, [], |row| row.get(0))?);
        self.retries_rejected = run.retry.contains(&Retry::Rejected);
        self.retries_unknown = run.retry.contains(&Retry::Unknown);
        self.window_ms = i64::try_from(run.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        // A time in the future comes from a clock that was wrong, so its token may have any age.
        let young = (now.saturating_sub(self.window_ms), now.saturating_add(self.window_ms));
        self.recover(run.resend.then_some(young))?;
        self.accepted_codes = run.accept.clone();
        self.apply_acceptance()?;
        use_cache_for_intake(&self.connection)?;
        Ok(self.run)
    }

    fn set_in_run(&self, column: &str, value: impl rusqlite::ToSql) -> Stored<()> {
        let sql = format!("UPDATE runs SET {column} = ?2 WHERE id = ?1");
        self.connection.prepare_cached(&sql)?.execute(params![self.run.0, value])?;
        Ok(())
    }

    /// Rows in doubt of the whole ledger.
    pub(super) fn doubt_counts(&self) -> Stored<DoubtCounts> {
        // Of a window of 24 hours these have less than an hour left.
        let closing = now_ms().saturating_sub(self.window_ms - self.window_ms / 24);
        Ok(self.connection.query_row(
            "SELECT count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE state = 'pending'),
                    count(*) FILTER (WHERE state = 'pending' AND operator_retry = 0 AND doubt_ms < ?1)
             FROM rows INDEXED BY rows_in_doubt WHERE may_exist = 1",
            [closing],
            |row| Ok(DoubtCounts { unknown: row.get(0)?, waiting: row.get(1)?, closing: row.get(2)? }),
        )?)
    }

    /// Record of the current run.
    pub(super) fn run_record(&self) -> Stored<RunRecord> {
        // Not in RUN_COLUMNS, since it counts rows one by one.
        let stranded = "SELECT count(*) FROM unfinished_scans CROSS JOIN rows USING (run_id, source_id)
             WHERE unfinished_scans.run_id <> ?1 AND record IS NOT NULL AND state IN ('pending', 'failed')";
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?1");
        let mut record = self.connection.query_row(&sql, [self.run.0], run_record)?;
        record.stranded = self.connection.query_row(stranded, [self.run.0], |row| row.get(0))?;
        record.rows = counts_of_run(&self.connection, record.id)?;
        record.all_rows = state_counts(&self.connection)?;
        Ok(record)
    }
}

/// The rate that the latest run with rate `auto` found, requests per second.
pub(super) fn rate_found(connection: &Connection) -> rusqlite::Result<Option<f64>> {
    let found = "SELECT rate_found FROM runs WHERE rate_found IS NOT NULL ORDER BY id DESC LIMIT 1";
    connection.query_row(found, [], |row| row.get(0)).optional()
}

/// Up to `limit` runs, newest first.
pub(super) fn latest_runs(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<RunRecord>> {
    let sql = format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY id DESC LIMIT ?1");
    let mut statement = connection.prepare(&sql)?;
    let records: Vec<RunRecord> = statement.query_map([limit], run_record)?.collect::<Result<_, _>>()?;
    let with_rows =
        |record: RunRecord| Ok(RunRecord { rows: counts_of_run(connection, record.id)?, ..record });
    records.into_iter().map(with_rows).collect()
}

const RUN_COLUMNS: &str = "*,
    EXISTS (SELECT 1 FROM row_counts WHERE state = 'created' AND rows > 0) AS instance_proven";

fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get("id")?),
        version: row.get("version")?,
        rate: row.get("rate")?,
        is_auto: row.get("is_auto")?,
        rate_found: row.get("rate_found")?,
        started_ms: row.get("started_ms")?,
        sending_ms: row.get("sending_ms")?,
        ended_ms: row.get("ended_ms")?,
        last_ms: row.get("last_ms")?,
        recorded_ms: row.get("recorded_ms")?,
        held_back: row.get("held_back")?,
        ending: row.get("ending")?,
        command: row.get("command")?,
        folder: row.get("folder")?,
        verify: row.get("verify")?,
        rows_read: row.get("rows_read")?,
        other_shards: row.get("other_shards")?,
        passed_over: row.get("passed_over")?,
        already_created: row.get("already_created")?,
        changed_created: row.get("changed_created")?,
        identical_rows: row.get("identical_rows")?,
        name: row.get("name")?,
        endpoint: row.get("endpoint")?,
        region: row.get("region")?,
        account: row.get("account")?,
        caller: row.get("caller")?,
        adopted: 0,
        warnings: 0,
        stranded: 0,
        doubts: DoubtCounts::default(),
        shared: SharedContacts::default(),
        throttled: row.get("throttled")?,
        instance_proven: row.get("instance_proven")?,
        rows: StateCounts::default(),
        all_rows: StateCounts::default(),
    })
}
