//! Opens a ledger for reading, during a run or after it, and makes sure that it is all there. It takes no lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lock::{is_taken, lock_path};
use super::lock_record::{Closed, Commit, Inscription};
use super::migrate::{
    SCHEMA_VERSION, connect, expect_content, expect_no_trace, expect_one_name, schema_version, sqlite,
};
use super::store::expect_commit;
use super::{APPLICATION_ID, LedgerError};
use crate::paths::{resolved, with_suffix};

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
    if version > SCHEMA_VERSION {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    expect_all_commits(&connection, path, told)?;
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
        let version = || schema_version(&connection);
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
