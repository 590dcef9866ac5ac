//! Reading a ledger, during a run or after it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{json_column, operation_column, shard_column, state_column};
use super::migrate::{expect_sound, sqlite};
use super::read_only::{Frozen, open_read_only};
use super::store::{
    IN_OPEN_READING, LEFT_ITS_FILE, are_true, error_counts, last_success_ms, latencies, latest_runs, minutes,
    rate_found, refused_by_connect, state_counts, withdrawn_counts,
};
use super::{
    ErrorCount, Identity, Latencies, LedgerError, Minutes, Retry, RowState, RunId, RunRecord, StateCounts,
};
use crate::digest::Digest;
use crate::token::ClientToken;

/// A read-only view of a ledger; it takes no lock.
#[derive(Debug)]
pub struct LedgerReader {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    frozen: Option<Frozen>,
}

/// What the ledger knows of a row, as far as it decides what a run does with it.
#[derive(Clone, Debug)]
pub struct KnownRow {
    /// Its state.
    pub state: RowState,
    /// Since when it may have been created, in milliseconds since 1970; none if it surely was not, or was.
    pub doubt_ms: Option<i64>,
    /// The input that it came from.
    pub source: String,
    /// Whether that input could not be read to its end, or does not have it any more: then a run leaves it.
    pub stranded: bool,
    /// A digest of its cells.
    pub content: Digest,
    /// The code of its last error.
    pub code: Option<String>,
    /// The mapping of the last run that saw it.
    pub mapping: Digest,
}

/// A row that was not created, with its original cells.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// The input's path, or `-`.
    pub source: String,
    /// The line on which the row starts.
    pub line: u64,
    /// The key, as people see it.
    pub key: String,
    /// `rejected`, `failed` or `unknown`.
    pub state: RowState,
    /// The cause.
    pub code: String,
    /// The cause, for people.
    pub message: String,
    /// The header's columns.
    pub columns: Vec<String>,
    /// The original cells.
    pub cells: Vec<String>,
}

impl LedgerReader {
    /// Opens an existing ledger.
    ///
    /// # Errors
    /// It is missing, is no ledger, is of a newer version, has two names, or cannot be read; it lacks what the lock file
    /// beside it says was committed.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let (connection, frozen) = open_read_only(path)?;
        Ok(LedgerReader { path: path.to_owned(), connection, frozen })
    }

    /// Makes sure that what was read is of one piece, where it lies so that SQLite cannot see to that: on a disk that
    /// nothing can be written to.
    ///
    /// # Errors
    /// Somebody has written to it since it was opened.
    pub fn expect_as_opened(&self) -> Result<(), LedgerError> {
        self.frozen.as_ref().map_or(Ok(()), Frozen::expect_as_opened)
    }

    /// What the ledger knows its inputs by: their paths, or `-`.
    pub fn sources(&self) -> Result<Vec<String>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare("SELECT path FROM sources ORDER BY id")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }

    /// Looks at every page and every row, and says whether its counts are those of its rows: they are not where somebody
    /// has changed rows by hand, until the next run counts them anew.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] with the first thing that is wrong.
    pub fn expect_sound(&self) -> Result<bool, LedgerError> {
        expect_sound(&self.connection, &self.path)?;
        are_true(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// The rate that a run found last, requests a second.
    pub fn rate_found(&self) -> Result<Option<f64>, LedgerError> {
        rate_found(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// When a run ended last with exit code 0, in milliseconds since 1970.
    pub fn last_success_ms(&self) -> Result<Option<i64>, LedgerError> {
        last_success_ms(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// All rows by state.
    pub fn state_counts(&self) -> Result<StateCounts, LedgerError> {
        state_counts(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// Rows that wait or failed and have been taken out of their files since, by state: no run sends them.
    pub fn withdrawn(&self) -> Result<StateCounts, LedgerError> {
        withdrawn_counts(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// Up to `limit` runs, newest first.
    pub fn latest_runs(&self, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
        latest_runs(&self.connection, limit).map_err(|source| sqlite(&self.path, source))
    }

    /// Up to `limit` causes of rows that were not created, most frequent first.
    pub fn error_counts(&self, limit: u32) -> Result<Vec<ErrorCount>, LedgerError> {
        error_counts(&self.connection, limit).map_err(|source| sqlite(&self.path, source))
    }

    /// Whose ledger it is; none if its making was broken off.
    pub fn identity(&self) -> Result<Option<Identity>, LedgerError> {
        let columns = "SELECT instance_id, operation, namespace, key_columns, shard FROM identity";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Identity {
                instance_id: row.get(0)?,
                operation: operation_column(row, 1)?,
                namespace: row.get(2)?,
                key: json_column(row, 3)?,
                shard: shard_column(row, 4)?,
            })
        };
        let identity = self.connection.query_row(columns, [], read).optional();
        identity.map_err(|source| sqlite(&self.path, source))
    }

    /// What is known of the row of `token`.
    pub fn row(&self, token: ClientToken) -> Result<Option<KnownRow>, LedgerError> {
        let read = || {
            let mut known = self.connection.prepare_cached(&format!(
                "SELECT state, content, code, mapping,
                        CASE WHEN may_exist OR state = 'in_flight' THEN doubt_ms END, path,
                        {IN_OPEN_READING} OR state IN ('pending', 'failed') AND {LEFT_ITS_FILE}
                 FROM rows JOIN runs ON runs.id = run_id JOIN sources ON sources.id = source_id
                 WHERE token = ?1"
            ))?;
            let read = |row: &Row<'_>| {
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
            known.query_row([token.0.0], read).optional()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }

    /// How many rows wait, or would be tried again, that came from none of these inputs.
    pub fn waiting_elsewhere(&self, sources: &[String], retry: &[Retry]) -> Result<u64, LedgerError> {
        let mut waiting = "state IN ('pending', 'in_flight', 'failed')".to_owned();
        for retry in retry {
            waiting.push_str(&match retry {
                Retry::Rejected => format!(" OR state = 'rejected' AND {}", refused_by_connect()),
                Retry::Unknown => " OR state = 'unknown'".to_owned(),
            });
        }
        let sources = serde_json::Value::from(sources).to_string();
        let count = format!(
            "SELECT count(*) FROM rows WHERE record IS NOT NULL AND run_id IN (SELECT id FROM runs)
             AND ({waiting})
             AND (may_exist = 1 OR state = 'in_flight' OR NOT {IN_OPEN_READING})
             AND NOT (may_exist = 0 AND state IN ('pending', 'failed') AND {LEFT_ITS_FILE}) AND source_id NOT IN
             (SELECT id FROM sources WHERE path IN (SELECT value FROM json_each(?1)))"
        );
        let count = self.connection.query_row(&count, [sources], |row| row.get(0));
        count.map_err(|source| sqlite(&self.path, source))
    }

    /// What went over the wire since a minute since 1970, in one run or in all, in steps of so many minutes.
    pub fn minutes(&self, run: Option<RunId>, since: i64, step: i64) -> Result<Vec<Minutes>, LedgerError> {
        minutes(&self.connection, run, since, step).map_err(|source| sqlite(&self.path, source))
    }

    /// How long answers took, in one run or in all.
    pub fn latencies(&self, run: Option<RunId>) -> Result<Latencies, LedgerError> {
        latencies(&self.connection, run).map_err(|source| sqlite(&self.path, source))
    }

    /// Hands `each` every rejected, failed or unknown row of `run`, in file order. Rows are not held
    /// in memory.
    ///
    /// # Errors
    /// Those of the ledger, and whatever `each` returns.
    pub fn rejected_rows<E: From<LedgerError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(RejectedRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |source| E::from(sqlite(&self.path, source));
        let mut statement = self
            .connection
            .prepare(
                "SELECT path, line, key, state, code, message, columns, record
                 FROM rows JOIN sources ON sources.id = source_id JOIN headers ON headers.id = header_id
                 WHERE run_id = ?1 AND (state = 'rejected' OR state = 'failed' OR state = 'unknown')
                 ORDER BY source_id, line, rows.id",
            )
            .map_err(failed)?;
        let mut rows = statement.query([run.0]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                Ok(RejectedRow {
                    source: row.get(0)?,
                    line: row.get(1)?,
                    key: row.get(2)?,
                    state: state_column(row, 3)?,
                    code: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                    message: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
                    columns: json_column(row, 6)?,
                    cells: json_column(row, 7)?,
                })
            };
            each(read().map_err(failed)?)?;
        }
        Ok(())
    }

    /// The headers that rejected, failed or unknown rows of `run` stand under.
    pub fn rejected_headers(&self, run: RunId) -> Result<Vec<Vec<String>>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT columns FROM headers WHERE id IN (SELECT header_id FROM rows WHERE run_id = ?1
                 AND (state = 'rejected' OR state = 'failed' OR state = 'unknown')) ORDER BY id",
            )?;
            let headers = statement.query_map([run.0], |row| json_column(row, 0))?;
            headers.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }
}
