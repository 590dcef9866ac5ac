//! Opens a ledger's file and brings its schema up to date.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::{APPLICATION_ID, LedgerError};

/// Every migration there ever was, in order; none is ever edited.
const SCHEMAS: [&str; 2] = [
    include_str!("../../migrations/0001_ledger.sql"),
    include_str!("../../migrations/0002_open_readings.sql"),
];

fn migrations() -> Migrations<'static> {
    Migrations::from_iter(SCHEMAS.map(M::up))
}

/// Opens the file, making it if it is missing, for the one writer.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| sqlite(path, source))?;
    let set_up = || {
        connection.busy_timeout(Duration::from_secs(10))?;
        let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if application != APPLICATION_ID && (application != 0 || tables != 0) {
            return Ok(false);
        }
        if tables == 0 {
            // Before any table: a process that dies in between leaves a ledger, if an empty one.
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Every COMMIT is on disk before a request leaves: that is the promise of the ledger.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What a created row loses is wiped, not only unlinked.
        connection.pragma_update(None, "secure_delete", true)?;
        // 32 MiB of pages, so that memory does not follow the ledger's size.
        connection.pragma_update(None, "cache_size", -32_768)?;
        Ok(true)
    };
    match set_up() {
        Ok(true) => Ok(connection),
        Ok(false) => Err(LedgerError::NotALedger(path.to_owned())),
        Err(source) => Err(sqlite(path, source)),
    }
}

/// Applies the migrations that are missing.
pub(super) fn to_latest(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    use rusqlite_migration::{Error, MigrationDefinitionError};
    migrations().to_latest(connection).map_err(|error| match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            LedgerError::Newer(path.to_owned())
        }
        Error::RusqliteError { err, .. } => sqlite(path, err),
        other => LedgerError::Io { path: path.to_owned(), source: Arc::new(io::Error::other(other)) },
    })
}

/// Opens an existing ledger for reading, during a run or after it.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, LedgerError> {
    if !path.exists() {
        return Err(LedgerError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| sqlite(path, source))?;
    let check = || {
        connection.busy_timeout(Duration::from_secs(10))?;
        let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((application, version))
    };
    let (application, version) = check().map_err(|source| sqlite(path, source))?;
    if application != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    if version > SCHEMAS.len() {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    // A ledger is brought up to date by the next run. Until then what it lacks is made up beside it.
    if version == 1 {
        connection.execute_batch(OPEN_READINGS).map_err(|source| sqlite(path, source))?;
    }
    Ok(connection)
}

/// What the second schema makes of a ledger of the first, in this connection alone.
const OPEN_READINGS: &str = "CREATE TEMP TABLE open_readings AS
    SELECT runs.id AS run_id, sources.id AS source_id FROM runs CROSS JOIN sources WHERE checked = 0";

/// A failure of SQLite, told apart from a file that is no database at all.
pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> LedgerError {
    if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return LedgerError::NotALedger(path.to_owned());
    }
    LedgerError::Sqlite { path: path.to_owned(), source: Arc::new(source) }
}

/// Makes the file readable by its owner alone before anything is in it; SQLite gives its log files
/// the same mode.
fn create_private(path: &Path) -> Result<(), LedgerError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(LedgerError::Io { path: path.to_owned(), source: Arc::new(source) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_sound() {
        assert_eq!(migrations().validate(), Ok(()));
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
    fn a_ledger_of_the_first_schema_is_read_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let mut connection = open(&path).unwrap();
        connection.execute_batch(SCHEMAS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let broken_off = "INSERT INTO sources VALUES (1, '/t.csv');
            INSERT INTO runs (version, mapping, rate, started_ms, checked) VALUES
            ('0', zeroblob(16), 1, 0, 1), ('0', zeroblob(16), 1, 0, 0)";
        connection.execute_batch(broken_off).unwrap();
        let open_reading = |connection: &Connection| -> i64 {
            connection.query_row("SELECT run_id FROM open_readings", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(open_reading(&open_read_only(&path).unwrap()), 2);
        to_latest(&mut connection, &path).unwrap();
        assert_eq!(open_reading(&connection), 2);
        assert_eq!(open_reading(&open_read_only(&path).unwrap()), 2);
    }

    #[test]
    fn a_newer_ledger_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let mut connection = open(&path).unwrap();
        to_latest(&mut connection, &path).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(to_latest(&mut connection, &path), Err(LedgerError::Newer(_))));
        assert!(matches!(open_read_only(&path), Err(LedgerError::Newer(_))));
    }

    #[test]
    fn a_ledger_whose_making_was_broken_off_is_still_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(open(&path).unwrap());
        let mut connection = open(&path).unwrap();
        to_latest(&mut connection, &path).unwrap();
        // A kill after the migration and before anything else.
        drop(connection);
        assert!(open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_ledger_is_for_its_owners_eyes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let mut connection = open(&path).unwrap();
        to_latest(&mut connection, &path).unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let file = folder.path().join(format!("x.db{suffix}"));
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{suffix}");
        }
    }
}
