//! A read-only view of one ledger, during a run or after it, which checks that no commit is missing. It takes no lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Params, Row};

use super::busy_wait::BusyWait;
use super::copies::{expect_commit, expect_log_of_file, nonce_of_file};
use super::counts::{
    ErrorCount, IS_OF_UNFINISHED_SCAN, IS_REMOVED, SourceAccount, StateCounts, are_counts_right,
    error_counts, source_accounts, state_counts,
};
use super::error::LedgerError;
use super::file::{connect, connect_immutable, expect_no_remains, expect_sound, length, log_path};
use super::identity::{Identity, read_identity};
use super::lock::{is_taken, recorded_commit};
use super::lock_record::{ClosedFile, Commit};
use super::log_index::create_index_in_place;
use super::place::expect_readable_place;
use super::runs::{Retry, RunRecord, is_refused_by_connect, latest_runs, rate_found};
use super::schema::{APPLICATION_ID, SCHEMA_VERSION, application_id, schema_version};
use super::shared_contacts::{SharedContacts, shared_contacts};
use crate::digest::Digest;
use crate::paths::resolved;

/// How long a query waits for another program. An open reader is kept out by nobody, unless a program has changed the journal
/// mode of the ledger.
const READING: Duration = Duration::from_secs(10);

/// A read-only view of a ledger; it takes no lock.
#[derive(Debug)]
pub struct LedgerReader {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    immutable: Option<ImmutableLedger>,
}

impl LedgerReader {
    /// Opens an existing ledger. If another program keeps it busy, waits for two seconds.
    ///
    /// # Errors
    /// As [`LedgerReader::open_waiting`].
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        LedgerReader::open_waiting(path, &BusyWait::default())
    }

    /// Opens an existing ledger. If another program keeps it busy, waits as `busy` says.
    ///
    /// # Errors
    /// - [`LedgerError::Busy`]: another program keeps it busy.
    /// - [`LedgerError::Missing`], [`LedgerError::NotALedger`], [`LedgerError::Newer`], [`LedgerError::HardLinked`],
    ///   [`LedgerError::Misplaced`], [`LedgerError::Damaged`].
    /// - [`LedgerError::OtherCopy`], [`LedgerError::OtherLog`]: it lacks the last commit, or the log is of another copy.
    /// - [`LedgerError::LogApart`], [`LedgerError::Io`], [`LedgerError::Sqlite`]: it cannot be read.
    pub fn open_waiting(path: &Path, busy: &BusyWait) -> Result<Self, LedgerError> {
        let (connection, immutable) = busy.until_free(path, || open_read_only(path))?;
        connection.busy_timeout(READING).map_err(|source| LedgerError::sqlite(path, source))?;
        Ok(LedgerReader { path: path.to_owned(), connection, immutable })
    }

    /// Runs queries, and adds the ledger's path to their error.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        read(&self.connection).map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// Runs a query, and reads each of its rows with `row`.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        self.read(|connection| connection.prepare(sql)?.query_map(parameters, row)?.collect())
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

    /// Whether a run wrote a rejects file with this digest.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn has_written_rejects(&self, file: Digest) -> Result<bool, LedgerError> {
        let written = "SELECT EXISTS (SELECT 1 FROM runs WHERE rejects = ?1)";
        self.read(|connection| connection.query_row(written, [file.0], |row| row.get(0)))
    }

    /// Paths of the inputs, or `-`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn sources(&self) -> Result<Vec<String>, LedgerError> {
        self.rows("SELECT path FROM sources ORDER BY id", [], |row| row.get(0))
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

    /// Created rows whose contacts other rows of the ledger have too.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn shared_contacts(&self) -> Result<SharedContacts, LedgerError> {
        self.read(|connection| shared_contacts(connection, None))
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
}

/// A ledger opened as immutable, in a folder that SQLite cannot write to: it does not notice what others write there.
#[derive(Debug)]
struct ImmutableLedger {
    file: PathBuf,
    opened: ClosedFile,
}

impl ImmutableLedger {
    /// Expects the file to be as it was when it was opened.
    fn expect_unchanged(&self) -> Result<(), LedgerError> {
        let is_same = ClosedFile::of(&self.file).is_ok_and(|now| now == self.opened);
        if is_same && !has_log(&self.file)? { Ok(()) } else { Err(LedgerError::Changed(self.file.clone())) }
    }
}

/// Opens an existing ledger for reading.
fn open_read_only(path: &Path) -> Result<(Connection, Option<ImmutableLedger>), LedgerError> {
    expect_readable_place(path)?;
    if !path.try_exists().map_err(|source| LedgerError::io(path, source))? {
        expect_no_remains(path)?;
        return Err(LedgerError::Missing(path.to_owned()));
    }
    // Read before the ledger: a run commits first, and updates the lock record afterwards.
    let file = resolved(path);
    let recorded = recorded_commit(&file)?;
    let nonce_of_file = nonce_of_file(path);
    let (connection, immutable) = connect_for_reading(path)?;
    expect_log_of_file(&connection, path, nonce_of_file)?;
    expect_recorded_commit(&connection, path, recorded)?;
    Ok((connection, immutable))
}

/// Refuses a ledger that lacks a recorded commit, as a run does.
fn expect_recorded_commit(
    connection: &Connection,
    path: &Path,
    mut recorded: Option<Commit>,
) -> Result<(), LedgerError> {
    while let Some(commit) = recorded {
        let Err(lacking) = expect_commit(connection, path, &commit) else { return Ok(()) };
        // The record may have been read while a run wrote it. Without a run it is the same again.
        recorded = recorded_commit(&resolved(path))?;
        if recorded.as_ref() == Some(&commit) {
            return Err(lacking);
        }
    }
    Ok(())
}

fn connect_for_reading(path: &Path) -> Result<(Connection, Option<ImmutableLedger>), LedgerError> {
    // SQLite may leave the index behind for the next run.
    create_index_in_place(&resolved(path));
    let usual = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| expect_known_schema(&connection, path).map(|()| (connection, None)));
    let source = match usual {
        Err(LedgerError::Sqlite { source, .. }) if needs_log_index(&source) => source,
        usual => return usual,
    };
    let file = resolved(path);
    // SQLite says the same where too many files are open.
    if is_out_of_files() {
        return Err(LedgerError::Sqlite { path: path.to_owned(), source });
    }
    if has_log(&file)? {
        return Err(LedgerError::LogApart { path: path.to_owned(), log: log_path(&file) });
    }
    let opened = ClosedFile::of(&file).map_err(|source| LedgerError::io(path, source))?;
    // Another user may be able to write there, and a run of theirs would not be noticed.
    if is_taken(&file) {
        return Err(LedgerError::Sqlite { path: path.to_owned(), source });
    }
    let connection = connect_immutable(&file, path)?;
    expect_known_schema(&connection, path)?;
    Ok((connection, Some(ImmutableLedger { file, opened })))
}

fn expect_known_schema(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::sqlite(path, source);
    if application_id(connection).map_err(failed)? != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    if schema_version(connection).map_err(failed)? > SCHEMA_VERSION {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    Ok(())
}

/// Whether SQLite could not create the index of the log (`-shm`), which it needs to read a ledger.
fn needs_log_index(source: &Arc<rusqlite::Error>) -> bool {
    matches!(source.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn has_log(file: &Path) -> Result<bool, LedgerError> {
    Ok(length(&log_path(file))? > 0)
}

/// Whether the process can open no more files, so that SQLite's error says nothing about the folder.
fn is_out_of_files() -> bool {
    cfg!(unix) && std::fs::File::open("/dev/null").is_err()
}

#[cfg(test)]
mod tests {
    use super::super::file::{create_if_missing, open as open_for_writing};
    use super::*;
    use crate::crash_plan::CrashPlan;

    #[test]
    fn an_empty_file_and_a_newer_ledger_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, "").unwrap();
        assert!(matches!(open_read_only(&empty), Err(LedgerError::Damaged { .. })));
        let newer = folder.path().join("newer.db");
        create_if_missing(&newer, &CrashPlan::default()).unwrap();
        open_for_writing(&newer).unwrap().pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(open_read_only(&newer), Err(LedgerError::Newer(_))));
    }
}
