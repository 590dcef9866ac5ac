//! Opens a ledger for reading, during a run or after it, and makes sure that it is all there. It takes no lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lock::{is_taken, lock_path};
use super::migrate::{LATEST, connect, expect_content, expect_no_trace, expect_one_name, sqlite};
use super::seal::{Closed, Commit, Inscription};
use super::store::{COUNTED, expect_commit};
use super::{APPLICATION_ID, LedgerError};
use crate::paths::{resolved, with_suffix};

/// The schema since which a ledger counts its commits.
const COUNTS: usize = 4;

/// A ledger as it was opened where nothing can be written beside it: SQLite does not notice there what others write.
#[derive(Debug)]
pub(super) struct Frozen {
    file: PathBuf,
    closed: Closed,
}

impl Frozen {
    /// Makes sure that nobody has written to it since.
    pub(super) fn expect_as_opened(&self) -> Result<(), LedgerError> {
        let is_same = Closed::of(&self.file).is_ok_and(|closed| closed == self.closed);
        if is_same && !has_log(&self.file) { Ok(()) } else { Err(LedgerError::Written(self.file.clone())) }
    }
}

/// Opens an existing ledger for reading.
pub(super) fn open_read_only(path: &Path) -> Result<(Connection, Option<Frozen>), LedgerError> {
    if !path.exists() {
        expect_no_trace(path)?;
        return Err(LedgerError::Missing(path.to_owned()));
    }
    expect_content(path)?;
    expect_one_name(path)?;
    // Before the ledger is asked: a run under way commits first, and tells the lock file afterwards.
    let told = told(path);
    let (connection, application, version, frozen) = opened(path)?;
    if application != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    if version > LATEST {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    if version >= COUNTS {
        expect_all_commits(&connection, path, told)?;
    }
    make_up(&connection, path, version)?;
    Ok((connection, frozen))
}

/// The last commit of which the lock file tells.
fn told(path: &Path) -> Option<Commit> {
    let mut file = std::fs::File::open(lock_path(&resolved(path))).ok()?;
    Inscription::read(&mut file).commit
}

/// Refuses a ledger that lacks commits of which the lock file tells, as a run does.
fn expect_all_commits(
    connection: &Connection,
    path: &Path,
    mut commit: Option<Commit>,
) -> Result<(), LedgerError> {
    loop {
        let Some(known) = commit else { return Ok(()) };
        let Err(lacking) = expect_commit(connection, path, known, &lock_path(&resolved(path))) else {
            return Ok(());
        };
        // A run under way may have been writing it just then; a file that nobody writes says the same again.
        commit = told(path);
        if commit == Some(known) {
            return Err(lacking);
        }
    }
}

type Opened = (Connection, i32, usize, Option<Frozen>);

/// The connection, what the file says that it is, and its schema.
fn opened(path: &Path) -> Result<Opened, LedgerError> {
    let ask = |connection: Connection| {
        let application = connection.pragma_query_value(None, "application_id", |row| row.get(0));
        let version = || connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let (application, version) = application
            .and_then(|application| Ok((application, version()?)))
            .map_err(|source| sqlite(path, source))?;
        Ok((connection, application, version))
    };
    let usual = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(ask);
    match usual {
        Err(LedgerError::Sqlite { source, .. }) if is_for_want_of_an_index(&source) => {
            let file = resolved(path);
            if has_log(&file) {
                return Err(LedgerError::LogApart { path: path.to_owned(), log: log_path(&file) });
            }
            let io = |source| LedgerError::Io { path: path.to_owned(), source: Arc::new(source) };
            let frozen = Frozen { closed: Closed::of(&file).map_err(io)?, file };
            // Somebody else may be able to write there.
            if is_taken(&frozen.file) {
                return Err(sqlite_again(path, source));
            }
            let (connection, application, version) = ask(connect_frozen(&frozen.file, path)?)?;
            Ok((connection, application, version, Some(frozen)))
        }
        usual => usual.map(|(connection, application, version)| (connection, application, version, None)),
    }
}

/// SQLite keeps an index of the log beside it, and cannot read a ledger without one.
fn is_for_want_of_an_index(source: &rusqlite::Error) -> bool {
    matches!(source.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn sqlite_again(path: &Path, source: Arc<rusqlite::Error>) -> LedgerError {
    LedgerError::Sqlite { path: path.to_owned(), source }
}

fn log_path(file: &Path) -> PathBuf {
    with_suffix(file, "-wal")
}

/// Whether a part of the ledger is not in its file.
fn has_log(file: &Path) -> bool {
    log_path(file).metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// Opens a file that nobody writes to, and has SQLite write nothing beside it.
#[cfg(unix)]
fn connect_frozen(file: &Path, path: &Path) -> Result<Connection, LedgerError> {
    use std::os::unix::ffi::OsStrExt as _;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let bytes = file.as_os_str().as_bytes().iter();
    let name: String = bytes
        .map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    connect(Path::new(&format!("file:{name}?immutable=1")), flags).map_err(|error| match error {
        LedgerError::Sqlite { source, .. } => sqlite_again(path, source),
        other => other,
    })
}

/// Elsewhere a path is no URL.
#[cfg(not(unix))]
fn connect_frozen(_: &Path, path: &Path) -> Result<Connection, LedgerError> {
    let source = std::io::Error::other("nothing can be written beside it; copy it to where something can");
    Err(LedgerError::Io { path: path.to_owned(), source: Arc::new(source) })
}

/// A ledger is brought up to date by the next run. Until then what it lacks is made up beside it.
fn make_up(connection: &Connection, path: &Path, version: usize) -> Result<(), LedgerError> {
    let tallies = format!("CREATE TEMP VIEW tallies AS {COUNTED}");
    let of_runs = [
        (6, "0 AS is_auto, NULL AS rate_found"),
        (9, "NULL AS command, NULL AS folder"),
        (11, "NULL AS exit_code"),
        (12, "NULL AS last_ms, NULL AS recorded_ms, NULL AS held_back"),
    ];
    let of_runs = of_runs.into_iter().filter(|(schema, _)| version < *schema).map(|(_, columns)| columns);
    let runs = format!(
        "CREATE TEMP VIEW runs AS SELECT *, {} FROM main.runs",
        of_runs.collect::<Vec<_>>().join(", ")
    );
    let made_up =
        [(2, OPEN_READINGS), (5, &tallies), (8, SEGMENTS), (9, MINUTES), (10, READINGS), (12, &runs)];
    for (schema, made_up) in made_up {
        if version < schema {
            connection.execute_batch(made_up).map_err(|source| sqlite(path, source))?;
        }
    }
    Ok(())
}

/// What the second schema makes of a ledger of the first, in this connection alone.
const OPEN_READINGS: &str = "CREATE TEMP TABLE open_readings AS
    SELECT runs.id AS run_id, sources.id AS source_id FROM runs CROSS JOIN sources WHERE checked = 0";

/// The eighth schema's filters, of which there are none yet.
const SEGMENTS: &str = "CREATE TEMP TABLE segments (id INTEGER PRIMARY KEY, filter BLOB, digest BLOB)";

/// The ninth schema's record, which is empty.
const MINUTES: &str =
    "CREATE TEMP TABLE minutes (run_id, minute, attempts, created, throttled, unanswered, rate);
    CREATE TEMP TABLE latencies (run_id, microseconds, answers)";

/// What the tenth schema adds, as no ledger of an earlier one has it.
const READINGS: &str = "CREATE TEMP TABLE readings (run_id, source_id, rows, elsewhere);
    CREATE TEMP VIEW identity AS SELECT *, '' AS shard FROM main.identity";
