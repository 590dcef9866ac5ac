//! Opens a ledger for reading, during a run or after it, and checks that no commit is missing. It takes no lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::LedgerError;
use super::file::{connect, expect_content, expect_no_remains, expect_one_name, length, log_path};
use super::handle::expect_commit;
use super::lock::{ClosedFile, Commit, is_taken, recorded_commit};
use super::schema::{APPLICATION_ID, SCHEMA_VERSION, application_id, schema_version};
use crate::paths::resolved;

/// A ledger opened as immutable, in a folder that SQLite cannot write to: it does not notice what others write there.
#[derive(Debug)]
pub(super) struct ImmutableLedger {
    file: PathBuf,
    opened: ClosedFile,
}

impl ImmutableLedger {
    /// Expects the file to be as it was when it was opened.
    pub(super) fn expect_unchanged(&self) -> Result<(), LedgerError> {
        let is_same = ClosedFile::of(&self.file).is_ok_and(|now| now == self.opened);
        if is_same && !has_log(&self.file) { Ok(()) } else { Err(LedgerError::Changed(self.file.clone())) }
    }
}

/// Opens an existing ledger for reading.
pub(super) fn open_read_only(path: &Path) -> Result<(Connection, Option<ImmutableLedger>), LedgerError> {
    if !path.exists() {
        expect_no_remains(path)?;
        return Err(LedgerError::Missing(path.to_owned()));
    }
    expect_content(path)?;
    expect_one_name(path)?;
    // Read before the ledger: a run commits first, and updates the lock record afterwards.
    let recorded = recorded_commit(&resolved(path));
    let Opened { connection, application_id, schema_version, immutable } = open(path)?;
    if application_id != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    if schema_version > SCHEMA_VERSION {
        return Err(LedgerError::Newer(path.to_owned()));
    }
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
        let Err(lacking) = expect_commit(connection, path, commit) else { return Ok(()) };
        // The record may have been read while a run wrote it. Without a run it is the same again.
        recorded = recorded_commit(&resolved(path));
        if recorded == Some(commit) {
            return Err(lacking);
        }
    }
    Ok(())
}

struct Opened {
    connection: Connection,
    application_id: i32,
    schema_version: usize,
    immutable: Option<ImmutableLedger>,
}

impl Opened {
    fn new(
        connection: Connection,
        path: &Path,
        immutable: Option<ImmutableLedger>,
    ) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::sqlite(path, source);
        let application_id = application_id(&connection).map_err(failed)?;
        let schema_version = schema_version(&connection).map_err(failed)?;
        Ok(Opened { connection, application_id, schema_version, immutable })
    }
}

fn open(path: &Path) -> Result<Opened, LedgerError> {
    let usual = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| Opened::new(connection, path, None));
    let source = match usual {
        Err(LedgerError::Sqlite { source, .. }) if needs_log_index(&source) => source,
        usual => return usual,
    };
    let file = resolved(path);
    if has_log(&file) {
        return Err(LedgerError::LogApart { path: path.to_owned(), log: log_path(&file) });
    }
    let opened = ClosedFile::of(&file).map_err(|source| LedgerError::io(path, source))?;
    // Another user may be able to write there, and a run of theirs would not be noticed.
    if is_taken(&file) {
        return Err(LedgerError::Sqlite { path: path.to_owned(), source });
    }
    let connection = connect_immutable(&file, path)?;
    Opened::new(connection, path, Some(ImmutableLedger { file, opened }))
}

/// Whether SQLite could not create the index of the log (`-shm`), which it needs to read a ledger.
fn needs_log_index(source: &Arc<rusqlite::Error>) -> bool {
    matches!(source.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn has_log(file: &Path) -> bool {
    length(&log_path(file)) > 0
}

/// Connects to a file that nothing writes to, so that SQLite creates no file beside it.
#[cfg(unix)]
fn connect_immutable(file: &Path, path: &Path) -> Result<Connection, LedgerError> {
    use std::os::unix::ffi::OsStrExt as _;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let bytes = file.as_os_str().as_bytes().iter();
    let name: String = bytes
        .map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    connect(Path::new(&format!("file:{name}?immutable=1")), flags).map_err(|error| match error {
        // With the path as it was given.
        LedgerError::Sqlite { source, .. } => LedgerError::Sqlite { path: path.to_owned(), source },
        other => other,
    })
}

/// Elsewhere a path cannot be written as a URL.
#[cfg(not(unix))]
fn connect_immutable(_: &Path, path: &Path) -> Result<Connection, LedgerError> {
    let source = std::io::Error::other("its folder is read-only; copy it to a folder that you may write to");
    Err(LedgerError::io(path, source))
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
