//! The writer's connection, its transactions, and the state of one run. Every SQL statement that writes is in the modules
//! that extend [`Session`]: intake, resume, send, runs, contacts and traffic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Params};

use super::counts::{self, CountChanges, StateCounts};
use super::error::{LedgerError, Stored};
use super::file::LedgerFiles;
use super::lock::{Commit, LockRecorder};
use super::occurrences::{Occurrences, RowSet};
use super::row::{RowId, RunId};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::token::TokenScheme;

/// Milliseconds since 1970-01-01 UTC, as the ledger stores times.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The writer's connection and the state of its run.
pub(super) struct Session {
    pub(super) connection: Connection,
    path: PathBuf,
    pub(super) scheme: TokenScheme,
    /// The run; 0 before there is one, as in `verify`.
    pub(super) run: RunId,
    /// The idempotency window, milliseconds.
    pub(super) window_ms: i64,
    /// `--retry rejected`
    pub(super) retries_rejected: bool,
    /// `--retry unknown`
    pub(super) retries_unknown: bool,
    pub(super) intake: IntakeProgress,
    /// Headers of the rows of this run.
    pub(super) headers: BTreeSet<i64>,
    /// Position of the next claim.
    pub(super) claimed: Claimed,
    /// Whether the time of the run's first request is recorded.
    pub(super) is_sending: bool,
    /// Changes of the open transaction to the row counts.
    pub(super) counts: CountChanges,
    files: LedgerFiles,
    recorder: LockRecorder,
    /// Number of the run's commits.
    commits: i64,
    /// SQLite's count of changed rows when the transaction began.
    changes_before: u64,
    /// SQLite's number of commits by other connections when this one was opened.
    data_version: i64,
    crash_plan: CrashPlan,
    #[cfg(test)]
    commit_fault: CommitFault,
}

/// State of the intake between its calls.
#[derive(Default)]
pub(super) struct IntakeProgress {
    /// Rows read in this run. Rows that were created before are recognised without a write.
    pub(super) seen: RowSet,
    /// Repetitions of tokens in this run.
    pub(super) repeats: Occurrences,
    /// The last row of the ledger when the run started.
    pub(super) last_row_before: RowId,
    /// The row of the ledger that the input last matched.
    pub(super) last_matched: RowId,
    /// Rows of the input that were created before.
    pub(super) created: u64,
    /// Of those, with other content than was sent.
    pub(super) changed: u64,
    /// Rows without a key that equal an earlier one.
    pub(super) identical: u64,
}

/// Position of the next claim: rows in doubt come first.
#[derive(Clone, Copy)]
pub(super) enum Claimed {
    /// After this one of the rows in doubt.
    InDoubt(RowId),
    /// After this one of the other rows.
    NotInDoubt(RowId),
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        scheme: TokenScheme,
        (files, recorder): (LedgerFiles, LockRecorder),
        crash_plan: CrashPlan,
    ) -> Result<Self, LedgerError> {
        connection.set_prepared_statement_cache_capacity(64);
        let data_version = data_version(&connection).map_err(|source| LedgerError::sqlite(&path, source))?;
        Ok(Session {
            connection,
            path,
            scheme,
            run: RunId(0),
            window_ms: 0,
            retries_rejected: false,
            retries_unknown: false,
            intake: IntakeProgress::default(),
            headers: BTreeSet::new(),
            claimed: Claimed::InDoubt(RowId(0)),
            is_sending: false,
            counts: CountChanges::default(),
            files,
            recorder,
            commits: 0,
            changes_before: 0,
            data_version,
            crash_plan,
            #[cfg(test)]
            commit_fault: CommitFault::default(),
        })
    }

    /// Resets the state that belongs to a run.
    pub(super) fn begin_run(&mut self, run: RunId) {
        self.run = run;
        self.intake = IntakeProgress::default();
        self.headers = BTreeSet::new();
        self.claimed = Claimed::InDoubt(RowId(0));
        self.is_sending = false;
        self.commits = 0;
    }

    /// A handle that makes a later COMMIT fail.
    #[cfg(test)]
    pub(super) fn commit_fault(&self) -> CommitFault {
        self.commit_fault.clone()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn begin_transaction(&mut self) -> Stored<()> {
        self.changes_before = self.connection.total_changes();
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub(super) fn commit(&mut self) -> Stored<()> {
        self.write_counts()?;
        let is_recorded = self.run != RunId(0) && self.connection.total_changes() != self.changes_before;
        if is_recorded {
            self.commits += 1;
            self.connection
                .prepare_cached("UPDATE runs SET commits = ?2, last_ms = ?3 WHERE id = ?1")?
                .execute((self.run.0, self.commits, now_ms()))?;
        }
        self.crash_plan.reach(CrashPoint::BeforeCommit);
        #[cfg(test)]
        self.commit_fault.reach()?;
        self.connection.execute_batch("COMMIT")?;
        self.crash_plan.reach(CrashPoint::AfterCommit);
        // Before any caller is answered: a commit to a file that was removed is lost.
        self.files.expect_in_place()?;
        if is_recorded {
            self.recorder.commit(Commit { run: self.run.0, number: self.commits });
        }
        Ok(())
    }

    /// Closes the connection. If nothing else wrote to the ledger, the next run need not check it.
    pub(super) fn close(self) -> Result<(), LedgerError> {
        let is_ours = data_version(&self.connection).is_ok_and(|version| version == self.data_version);
        let path = self.path;
        self.connection.close().map_err(|(_, source)| LedgerError::sqlite(&path, source))?;
        if is_ours {
            self.recorder.close(&path);
        }
        Ok(())
    }

    /// Writes the changes to the row counts, which a query of them or a trigger needs.
    pub(super) fn write_counts(&mut self) -> rusqlite::Result<()> {
        self.counts.write(&self.connection)
    }

    /// All rows by state.
    pub(super) fn state_counts(&mut self) -> Stored<StateCounts> {
        self.write_counts()?;
        Ok(counts::state_counts(&self.connection)?)
    }

    /// Executes a guarded UPDATE of one row. It fails if the row is not in the expected state.
    pub(super) fn update_row(&self, row: RowId, sql: &str, parameters: impl Params) -> Stored<()> {
        match self.connection.prepare_cached(sql)?.execute(parameters)? {
            1 => Ok(()),
            _ => Err(LedgerError::Disturbed { row }.into()),
        }
    }
}

/// A number that changes when another connection commits, and not when this one does.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Makes a COMMIT fail as on a full disk.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(super) struct CommitFault(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(test)]
impl CommitFault {
    /// Has the `nth` COMMIT from now on fail, counted from 1.
    pub(super) fn set(&self, nth: u64) {
        self.0.store(nth, std::sync::atomic::Ordering::SeqCst);
    }

    fn reach(&self) -> rusqlite::Result<()> {
        use rusqlite::ffi;
        use std::sync::atomic::Ordering::SeqCst;
        match self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(1) => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
