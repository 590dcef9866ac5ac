//! Opens a ledger's file and brings its schema up to date.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{APPLICATION_ID, LedgerError};
use crate::atomic_file::{part_of, remove_if_exists};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::paths::{folder_of, resolved, with_suffix};
use crate::permissions::private;

/// The migrations in order: `user_version` counts those applied. A released migration is never edited.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_ledger.sql")];

/// The schema version that this program reads and writes.
pub(super) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Makes a ledger where there is none; whether there was none. It appears whole, under the lock: an empty or half-made file is never
/// taken for a ledger that knows of no rows.
pub(super) fn make_if_missing(path: &Path, crash_plan: &CrashPlan) -> Result<bool, LedgerError> {
    if path.exists() {
        return Ok(false);
    }
    expect_no_trace(path)?;
    let io = |source| LedgerError::Io { path: path.to_owned(), source: Arc::new(source) };
    let draft = part_of(path);
    // Of a process that died while it made a ledger.
    for left in [with_suffix(&draft, "-journal"), draft.clone()] {
        remove_if_exists(&left).map_err(io)?;
    }
    create_private(&draft).map_err(io)?;
    let made = make(&draft, crash_plan).and_then(|()| {
        std::fs::rename(&draft, path).map_err(io)?;
        sync_folder(path).map_err(io)
    });
    if made.is_err() {
        let _ = remove_if_exists(&draft);
    }
    made.map(|()| true)
}

/// Where there is no ledger, nothing may say that there was one: a link to a disk that is not there, or a log.
pub(super) fn expect_no_trace(path: &Path) -> Result<(), LedgerError> {
    let damaged = |problem| Err(LedgerError::Damaged { path: path.to_owned(), problem });
    if let Ok(target) = std::fs::read_link(path) {
        return damaged(format!("it is a link to {}, which is not there", target.display()));
    }
    let log = with_suffix(path, "-wal");
    // An empty one is what a reader leaves behind.
    if log.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return damaged(format!("it is gone, and its log {} is still there", log.display()));
    }
    Ok(())
}

fn make(draft: &Path, crash_plan: &CrashPlan) -> Result<(), LedgerError> {
    let failed = |source| sqlite(draft, source);
    let mut connection = connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    migrate(&mut connection, draft, crash_plan)?;
    connection.close().map_err(|(_, source)| failed(source))
}

/// Makes a rename durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let synced = std::fs::File::open(folder_of(path))?.sync_all();
    // Elsewhere a folder cannot be opened; the file is there, or the system has said so.
    #[cfg(not(unix))]
    let synced = folder_of(path).metadata().map(drop);
    synced
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, LedgerError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| sqlite(path, source))?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(|source| sqlite(path, source))?;
    Ok(connection)
}

/// Opens an existing file for the one writer.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    expect_content(path)?;
    expect_one_name(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let application = |connection: &Connection| {
        connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))
    };
    if application(&connection).map_err(|source| sqlite(path, source))? != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    let set_up = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Every COMMIT is on disk before a request leaves: that is the promise of the ledger.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What a created row loses is wiped, not only unlinked.
        connection.pragma_update(None, "secure_delete", true)?;
        // 20 MiB of pages, so that memory does not follow the ledger's size.
        connection.pragma_update(None, "cache_size", -20_480)
    };
    set_up().map_err(|source| sqlite(path, source))?;
    Ok(connection)
}

/// A ledger that was cut to nothing would pass for a new one, and all of its rows would be sent again.
pub(super) fn expect_content(path: &Path) -> Result<(), LedgerError> {
    let length = path.metadata().map(|metadata| metadata.len());
    match length {
        Ok(0) => Err(LedgerError::Damaged { path: path.to_owned(), problem: "it is empty".to_owned() }),
        Ok(_) => Ok(()),
        Err(source) => Err(LedgerError::Io { path: path.to_owned(), source: Arc::new(source) }),
    }
}

/// Under each of its names a file has a lock and a log of its own, and two runs would not see each other.
pub(super) fn expect_one_name(path: &Path) -> Result<(), LedgerError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if path.metadata().is_ok_and(|metadata| metadata.nlink() > 1) {
            return Err(LedgerError::HardLinked(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Has SQLite look at every page, as a crash may have torn some, but hold no row against its constraints, which
/// takes four times as long: 0.5 s for a million rows, measured.
pub(super) fn expect_whole(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let constraints = |ignored: bool| {
        let set = connection.pragma_update(None, "ignore_check_constraints", ignored);
        set.map_err(|source| sqlite(path, source))
    };
    constraints(true)?;
    expect_sound(connection, path)?;
    constraints(false)
}

/// Has SQLite look at every page and every row: 2 s for a million rows, measured.
pub(super) fn expect_sound(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let damaged = |problem| LedgerError::Damaged { path: path.to_owned(), problem };
    let read = || {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let pages: u64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let bytes: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        Ok((found, pages * bytes))
    };
    let (found, bytes) = read().map_err(|source| sqlite(path, source))?;
    if found != "ok" {
        return Err(damaged(found.replace('\n', " ")));
    }
    // SQLite takes pages that are cut off to be empty; those of a log may not be in the file yet.
    let length = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    if length(&with_suffix(&resolved(path), "-wal")) == 0 && length(path) < bytes {
        return Err(damaged(format!("it has {} of {bytes} bytes", length(path))));
    }
    Ok(())
}

/// Applies the missing migrations, each in a transaction of its own.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    crash_plan: &CrashPlan,
) -> Result<(), LedgerError> {
    let failed = |source| sqlite(path, source);
    let applied = schema_version(connection).map_err(failed)?;
    if applied > SCHEMA_VERSION {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(applied) {
        let transaction = connection.transaction().map_err(failed)?;
        let apply = || {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version + 1)
        };
        apply().map_err(failed)?;
        crash_plan.reach(CrashPoint::Migration);
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// The number of migrations applied to a ledger.
pub(super) fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// A failure of SQLite, told apart from a file that is damaged or no database at all.
pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> LedgerError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let path = path.to_owned();
    if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) = source {
        return LedgerError::Damaged { path, problem: source.to_string() };
    }
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => LedgerError::NotALedger(path),
        Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged { path, problem: source.to_string() },
        _ => LedgerError::Sqlite { path, source: Arc::new(source) },
    }
}

/// Makes a file that its owner alone can read before anything is in it; SQLite gives its log files the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    private().write(true).create_new(true).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::read_only::open_read_only;

    fn made(folder: &tempfile::TempDir) -> std::path::PathBuf {
        let path = folder.path().join("x.db");
        make_if_missing(&path, &CrashPlan::default()).unwrap();
        path
    }

    #[test]
    fn a_file_that_is_something_else_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "not a database, but long enough to have a header".repeat(20)).unwrap();
        assert!(matches!(open(&text), Err(LedgerError::NotALedger(_))));
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let before = std::fs::read(&other).unwrap();
        assert!(matches!(open(&other), Err(LedgerError::NotALedger(_))));
        assert_eq!(std::fs::read(&other).unwrap(), before);
    }

    #[test]
    fn an_empty_file_or_a_log_alone_is_a_damaged_ledger_and_never_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, "").unwrap();
        make_if_missing(&empty, &CrashPlan::default()).unwrap();
        assert!(matches!(open(&empty), Err(LedgerError::Damaged { .. })));
        assert!(matches!(open_read_only(&empty), Err(LedgerError::Damaged { .. })));
        let lost = folder.path().join("lost.db");
        std::fs::write(with_suffix(&lost, "-wal"), "log").unwrap();
        let refused = make_if_missing(&lost, &CrashPlan::default());
        assert!(matches!(refused, Err(LedgerError::Damaged { .. })));
        assert!(!lost.exists());
    }

    #[test]
    fn what_a_process_left_that_died_while_it_made_a_ledger_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let draft = part_of(&folder.path().join("x.db"));
        for left in [with_suffix(&draft, "-journal"), draft] {
            std::fs::write(left, "half").unwrap();
        }
        assert!(open(&made(&folder)).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_page_that_is_overwritten_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 4096;
        bytes[last..last + 16].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let sound = open(&path).and_then(|connection| expect_sound(&connection, &path));
        assert!(matches!(sound, Err(LedgerError::Damaged { .. })), "{sound:?}");
    }

    #[test]
    fn the_constraints_are_spelt_out_and_hold() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&made(&folder)).unwrap();
        let schema = "SELECT sql FROM sqlite_schema WHERE name = 'rows' AND type = 'table'";
        let schema: String = connection.query_row(schema, [], |row| row.get(0)).unwrap();
        assert!(!schema.contains("state IN (") && !schema.contains("NOT IN ("), "{schema}");
        let row = |state: &str, more: &str| {
            let sql = format!(
                "INSERT INTO rows (token, key, source_id, header_id, line, content, run_id, state, record{more})
                 SELECT randomblob(16), 'k', 1, 1, 1, zeroblob(16), 1, {state}"
            );
            connection.execute(&sql, [])
        };
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        assert!(row("'pending', '[]'", "").is_ok());
        for (state, more) in [
            ("'lost', '[]'", ""),
            ("'created', NULL", ""),
            ("'rejected', '[]'", ""),
            ("'unknown', '[]', 'X', 1", ", code, doubt_ms"),
            ("'failed', '[]', 'X', 1, 1", ", code, doubt_ms, may_exist"),
        ] {
            let refused = row(state, more).unwrap_err();
            assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{state}");
        }
    }

    #[test]
    fn a_newer_ledger_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        let mut connection = open(&path).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let refused = migrate(&mut connection, &path, &CrashPlan::default());
        assert!(matches!(refused, Err(LedgerError::Newer(_))));
        assert!(matches!(open_read_only(&path), Err(LedgerError::Newer(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_ledger_is_for_its_owners_eyes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&made(&folder)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let file = folder.path().join(format!("x.db{suffix}"));
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{suffix}");
        }
    }
}
