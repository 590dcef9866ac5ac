//! A read-only view of one ledger.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::counts::{ErrorCount, StateCounts, are_counts_right, error_counts, state_counts};
use super::error::LedgerError;
use super::file::expect_sound;
use super::identity::{Identity, read_identity};
use super::read_only::{ImmutableLedger, open_read_only};
use super::row::RunId;
use super::runs::{Retry, RunRecord, is_refused_by_connect, latest_runs, rate_found};
use super::schema::{json_column, state_column};
use super::sources::{
    IS_OF_UNFINISHED_SCAN, IS_REMOVED, SourceAccount, source_accounts, withdrawn_by_source,
};
use super::state::RowState;
use super::traffic::{Latencies, MinuteTraffic, RunTraffic, latencies, minutes, run_traffic};
use crate::digest::Digest;
use crate::token::ClientToken;

/// A read-only view of a ledger; it takes no lock.
#[derive(Debug)]
pub struct LedgerReader {
    path: PathBuf,
    connection: Connection,
    immutable: Option<ImmutableLedger>,
}

/// A row of the ledger as far as it decides what a run does with it.
#[derive(Clone, Debug)]
pub struct KnownRow {
    /// State at the start of the next run.
    pub state: RowState,
    /// Time of the first attempt that may have created the contact, milliseconds since 1970. `None` if the row is not
    /// in doubt.
    pub doubt_ms: Option<i64>,
    /// Input that the row came from.
    pub source: String,
    /// Whether that input was not read to its end, or the row was removed from it: a run then leaves the row out.
    pub stranded: bool,
    /// Digest of the cells.
    pub content: Digest,
    /// Code of the last error.
    pub code: Option<String>,
    /// Digest of the mapping of the last run that read the row.
    pub mapping: Digest,
}

/// A row that was not created, with its original cells.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Key, as shown to people.
    pub key: String,
    /// `rejected`, `failed` or `unknown`.
    pub state: RowState,
    /// Code of the last error.
    pub code: String,
    /// Message of the last error.
    pub message: String,
    /// Columns of the header.
    pub columns: Vec<String>,
    /// Original cells.
    pub cells: Vec<String>,
}

/// Condition of a row in the rejects file.
const IS_REJECT: &str = "(state = 'rejected' OR state = 'failed' OR state = 'unknown')";

impl LedgerReader {
    /// Opens an existing ledger.
    ///
    /// # Errors
    /// - [`LedgerError::Missing`], [`LedgerError::NotALedger`], [`LedgerError::Newer`], [`LedgerError::HardLinked`].
    /// - [`LedgerError::Damaged`]: also if it lacks the commit in its lock record.
    /// - [`LedgerError::LogApart`], [`LedgerError::Io`], [`LedgerError::Sqlite`]: it cannot be read.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let (connection, immutable) = open_read_only(path)?;
        Ok(LedgerReader { path: path.to_owned(), connection, immutable })
    }

    /// Runs queries, and adds the ledger's path to their error.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        read(&self.connection).map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// Expects that nothing wrote to the ledger since it was opened, where SQLite cannot ensure that: in a read-only
    /// folder.
    ///
    /// # Errors
    /// [`LedgerError::Changed`].
    pub fn expect_as_opened(&self) -> Result<(), LedgerError> {
        self.immutable.as_ref().map_or(Ok(()), ImmutableLedger::expect_unchanged)
    }

    /// Runs `read` on the ledger as it is at one moment, whatever a run writes meanwhile.
    ///
    /// # Errors
    /// The ledger cannot be read; those of `read`.
    pub fn at_one_moment<T, E: From<LedgerError>>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |source| E::from(LedgerError::sqlite(&self.path, source));
        let moment = self.connection.unchecked_transaction().map_err(failed)?;
        let found = read(self)?;
        moment.finish().map_err(failed)?;
        Ok(found)
    }

    /// Checks every page and every row, and returns whether the row counts are right. They are not after another program
    /// changed rows, until the next run corrects them.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] with the first problem.
    pub fn expect_sound(&self) -> Result<bool, LedgerError> {
        expect_sound(&self.connection, &self.path)?;
        self.read(are_counts_right)
    }

    /// Paths of the inputs, or `-`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn sources(&self) -> Result<Vec<String>, LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT path FROM sources ORDER BY id")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Rows of each input, in the order in which the inputs were first read. Reads every row: a second for two million.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn accounts(&self) -> Result<Vec<SourceAccount>, LedgerError> {
        self.read(source_accounts)
    }

    /// The rate that the latest run with rate `auto` found, requests per second.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rate_found(&self) -> Result<Option<f64>, LedgerError> {
        self.read(rate_found)
    }

    /// Time of the latest run's end with exit code 0, milliseconds since 1970.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn last_success_ms(&self) -> Result<Option<i64>, LedgerError> {
        let latest = "SELECT max(ended_ms) FROM runs WHERE exit_code = 0";
        self.read(|connection| connection.query_row(latest, [], |row| row.get(0)))
    }

    /// All rows by state.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn state_counts(&self) -> Result<StateCounts, LedgerError> {
        self.read(state_counts)
    }

    /// Pending and failed rows that were removed from their files, by state. No run sends them.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn withdrawn(&self) -> Result<StateCounts, LedgerError> {
        Ok(self.read(withdrawn_by_source)?.into_values().sum())
    }

    /// Up to `limit` runs, newest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn latest_runs(&self, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
        self.read(|connection| latest_runs(connection, limit))
    }

    /// Up to `limit` error codes of rows that were not created, most frequent first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn error_counts(&self, limit: u32) -> Result<Vec<ErrorCount>, LedgerError> {
        self.read(|connection| error_counts(connection, limit))
    }

    /// The import that the ledger belongs to. `None` if its creation was interrupted.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn identity(&self) -> Result<Option<Identity>, LedgerError> {
        self.read(read_identity)
    }

    /// The row of `token`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn row(&self, token: ClientToken) -> Result<Option<KnownRow>, LedgerError> {
        // The next run first makes rows unknown again that the operator's request left pending.
        let sql = format!(
            "SELECT CASE operator_retry WHEN 1 THEN 'unknown' ELSE state END, content, code, mapping,
                    CASE WHEN may_exist OR state = 'in_flight' THEN doubt_ms END, path,
                    {IS_OF_UNFINISHED_SCAN} OR state IN ('pending', 'failed') AND {IS_REMOVED}
             FROM rows JOIN runs ON runs.id = run_id JOIN sources ON sources.id = source_id
             WHERE token = ?1"
        );
        let known = |row: &Row<'_>| {
            Ok(KnownRow {
                state: state_column(row, 0)?,
                content: Digest(row.get(1)?),
                code: row.get(2)?,
                mapping: Digest(row.get(3)?),
                doubt_ms: row.get(4)?,
                source: row.get(5)?,
                stranded: row.get(6)?,
            })
        };
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([token.0.0], known).optional())
    }

    /// Number of rows of other inputs than `sources` that a run sends too.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn waiting_elsewhere(&self, sources: &[String], retry: &[Retry]) -> Result<u64, LedgerError> {
        let mut waiting = "(state IN ('pending', 'in_flight', 'failed') AND operator_retry = 0)".to_owned();
        for retry in retry {
            waiting.push_str(&match retry {
                Retry::Rejected => format!(" OR state = 'rejected' AND {}", is_refused_by_connect()),
                Retry::Unknown => " OR state = 'unknown' OR operator_retry = 1".to_owned(),
            });
        }
        let sources = serde_json::Value::from(sources).to_string();
        let count = format!(
            "SELECT count(*) FROM rows WHERE record IS NOT NULL AND run_id IN (SELECT id FROM runs)
             AND ({waiting})
             AND (may_exist = 1 OR state = 'in_flight' OR NOT {IS_OF_UNFINISHED_SCAN})
             AND NOT (may_exist = 0 AND state IN ('pending', 'failed') AND {IS_REMOVED}) AND source_id NOT IN
             (SELECT id FROM sources WHERE path IN (SELECT value FROM json_each(?1)))"
        );
        self.read(|connection| connection.query_row(&count, [sources], |row| row.get(0)))
    }

    /// Attempts since a minute since 1970, of one run or of all, in steps of `step` minutes.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn minutes(
        &self,
        run: Option<RunId>,
        since: i64,
        step: i64,
    ) -> Result<Vec<MinuteTraffic>, LedgerError> {
        self.read(|connection| minutes(connection, run, since, step))
    }

    /// Answer times of one run or of all.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn latencies(&self, run: Option<RunId>) -> Result<Latencies, LedgerError> {
        self.read(|connection| latencies(connection, run))
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
        self.read(|connection| run_traffic(connection, minutes))
    }

    /// Start of the first run and end of the last, or its last commit, milliseconds since 1970. `None` before the first
    /// run.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn period(&self) -> Result<Option<(i64, i64)>, LedgerError> {
        let period = "SELECT min(started_ms), max(coalesce(ended_ms, last_ms)) FROM runs";
        self.read(|connection| {
            connection.query_row(period, [], |row| {
                let (from, to): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                Ok(from.zip(to))
            })
        })
    }

    /// Calls `each` with every rejected, failed or unknown row of `run`, in file order. Rows are not held in memory.
    ///
    /// # Errors
    /// The ledger cannot be read; those of `each`.
    pub fn rejected_rows<E: From<LedgerError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(RejectedRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |source| E::from(LedgerError::sqlite(&self.path, source));
        let sql = format!(
            "SELECT path, line, key, state, code, coalesce(message, ''), columns, record
             FROM rows JOIN sources ON sources.id = source_id JOIN headers ON headers.id = header_id
             WHERE run_id = ?1 AND {IS_REJECT} ORDER BY source_id, line, rows.id"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let rows = statement.query_map([run.0], |row| {
            Ok(RejectedRow {
                source: row.get(0)?,
                line: row.get(1)?,
                key: row.get(2)?,
                state: state_column(row, 3)?,
                code: row.get(4)?,
                message: row.get(5)?,
                columns: json_column(row, 6)?,
                cells: json_column(row, 7)?,
            })
        });
        for row in rows.map_err(failed)? {
            each(row.map_err(failed)?)?;
        }
        Ok(())
    }

    /// Headers of the rejected, failed and unknown rows of `run`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rejected_headers(&self, run: RunId) -> Result<Vec<Vec<String>>, LedgerError> {
        let sql = format!(
            "SELECT columns FROM headers
             WHERE id IN (SELECT header_id FROM rows WHERE run_id = ?1 AND {IS_REJECT}) ORDER BY id"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            statement.query_map([run.0], |row| json_column(row, 0))?.collect()
        })
    }
}
