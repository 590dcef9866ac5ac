//! Reading a ledger, during a run or after it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::migrate::{open_read_only, sqlite};
use super::store::{error_counts, json_column, latest_runs, state_counts};
use super::{ErrorCount, LedgerError, RowState, RunId, RunRecord, StateCounts};

/// A read-only view of a ledger; it takes no lock.
#[derive(Debug)]
pub struct LedgerReader {
    path: PathBuf,
    connection: Connection,
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
    /// It is missing, is no ledger, is of a newer version, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(LedgerReader { connection: open_read_only(path)?, path: path.to_owned() })
    }

    /// All rows by state.
    pub fn state_counts(&self) -> Result<StateCounts, LedgerError> {
        state_counts(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    /// Up to `limit` runs, newest first.
    pub fn latest_runs(&self, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
        latest_runs(&self.connection, limit).map_err(|source| sqlite(&self.path, source))
    }

    /// Up to `limit` causes of rows that were not created, most frequent first.
    pub fn error_counts(&self, limit: u32) -> Result<Vec<ErrorCount>, LedgerError> {
        error_counts(&self.connection, limit).map_err(|source| sqlite(&self.path, source))
    }

    /// The instance that the ledger belongs to.
    pub fn instance_id(&self) -> Result<String, LedgerError> {
        self.connection
            .query_row("SELECT instance_id FROM identity", [], |row| row.get(0))
            .map_err(|source| sqlite(&self.path, source))
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
                 WHERE run_id = ?1 AND state IN ('rejected', 'failed', 'unknown')
                 ORDER BY source_id, line, rows.id",
            )
            .map_err(failed)?;
        let mut rows = statement.query([run.0]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                let state: String = row.get(3)?;
                Ok(RejectedRow {
                    source: row.get(0)?,
                    line: row.get(1)?,
                    key: row.get(2)?,
                    state: RowState::from_name(&state).ok_or(rusqlite::Error::InvalidQuery)?,
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
                 AND state IN ('rejected', 'failed', 'unknown')) ORDER BY id",
            )?;
            let headers = statement.query_map([run.0], |row| json_column(row, 0))?;
            headers.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|source| sqlite(&self.path, source))
    }
}
