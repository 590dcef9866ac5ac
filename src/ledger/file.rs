//! The ledger's SQLite file: created whole, opened for the one writer, and checked for damage and removal.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::LedgerError;
use super::schema::{APPLICATION_ID, application_id, migrate};
use super::sqlite_code::BUSY_STEP;
use crate::atomic_file::{part_of, remove_if_exists};
use crate::crash_plan::CrashPlan;
use crate::paths::{FileId, file_id, folder_of, resolved, with_suffix};
use crate::permissions::private;
use crate::printable::ShownPath as _;

/// Page cache while rows are sent: 20 MiB, so that memory does not follow the ledger's size.
const CACHE_KIB: i64 = 20 << 10;

/// Page cache while inputs are read: 64 MiB. Tokens are random, so each row changes another page of their index, and a
/// page that is not in memory is read again and written once more. This holds the index of 1.5 million rows.
const INTAKE_CACHE_KIB: i64 = 64 << 10;

/// Creates the ledger if there is none, and returns whether it did.
///
/// It is built under another name and renamed, so that a half-made file is never taken for a ledger without rows. The
/// caller holds the lock.
pub(super) fn create_if_missing(path: &Path, crash_plan: &CrashPlan) -> Result<bool, LedgerError> {
    let io = |source| LedgerError::io(path, source);
    // A file that cannot be looked up is not a missing one, which a new ledger would replace.
    if path.try_exists().map_err(io)? {
        return Ok(false);
    }
    expect_no_remains(path)?;
    let part = part_of(path);
    // A process may have died here.
    for remains in [with_suffix(&part, "-journal"), part.clone()] {
        remove_if_exists(&remains).map_err(io)?;
    }
    // Readable by its owner alone before anything is in it. SQLite gives its log files the same permissions.
    private().write(true).create_new(true).open(&part).map_err(io)?;
    let created = create(&part, crash_plan).and_then(|()| {
        std::fs::rename(&part, path).map_err(io)?;
        sync_folder(path).map_err(io)
    });
    if created.is_err() {
        let _ = remove_if_exists(&part);
    }
    created.map(|()| true)
}

/// Refuses to treat a ledger as missing if there are remains of one: a link to an unmounted disk, or a log.
pub(super) fn expect_no_remains(path: &Path) -> Result<(), LedgerError> {
    match std::fs::read_link(path) {
        Ok(target) => {
            let problem = format!("it is a link to {}, which is not there", target.shown());
            return Err(LedgerError::damaged(path, problem));
        }
        // No link, or nothing.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {}
        Err(source) => return Err(LedgerError::io(path, source)),
    }
    let log = log_path(path);
    // A reader leaves an empty log behind.
    if length(&log)? > 0 {
        let problem = format!("it is gone, and its log {} is still there", log.shown());
        return Err(LedgerError::damaged(path, problem));
    }
    Ok(())
}

fn create(part: &Path, crash_plan: &CrashPlan) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::sqlite(part, source);
    let mut connection = connect(part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    migrate(&mut connection, part, crash_plan)?;
    connection.close().map_err(|(_, source)| failed(source))
}

/// Makes a rename durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let synced = std::fs::File::open(folder_of(path))?.sync_all();
    // Windows cannot open a folder; its rename is durable by itself.
    #[cfg(not(unix))]
    let synced = folder_of(path).metadata().map(drop);
    synced
}

/// Connects to an existing file.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, LedgerError> {
    let failed = |source| LedgerError::sqlite(path, source);
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_STEP).map_err(failed)?;
    Ok(connection)
}

/// Connects to a file that nothing writes to, so that SQLite creates no file beside it.
#[cfg(unix)]
pub(super) fn connect_immutable(file: &Path, path: &Path) -> Result<Connection, LedgerError> {
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
pub(super) fn connect_immutable(_: &Path, path: &Path) -> Result<Connection, LedgerError> {
    let source = std::io::Error::other("its folder is read-only; copy it to a folder that you may write to");
    Err(LedgerError::io(path, source))
}

/// Opens an existing ledger for the one writer. Closing the connection leaves the log as it is until
/// [`merge_log_at_close`]: the two may not belong together.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    expect_content(path)?;
    expect_one_name(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    leave_log(&connection);
    let failed = |source| LedgerError::sqlite(path, source);
    if application_id(&connection).map_err(failed)? != APPLICATION_ID {
        return Err(LedgerError::NotALedger(path.to_owned()));
    }
    let set_up = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The intent to send must be on disk before the request leaves.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // The cells of a created row are overwritten in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        use_cache_for_sending(&connection)
    };
    set_up().map_err(failed)?;
    Ok(connection)
}

/// Lets closing the connection leave the log as it is, instead of merging it into the file.
pub(super) fn leave_log(connection: &Connection) {
    // It fails for an unknown option alone.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Lets closing the connection merge the log into the file.
pub(super) fn merge_log_at_close(connection: &Connection) {
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
}

pub(super) fn use_cache_for_intake(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -INTAKE_CACHE_KIB)
}

pub(super) fn use_cache_for_sending(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // A smaller cache keeps the pages that it has until they are needed; this gives their memory back.
    connection.execute_batch("PRAGMA shrink_memory")
}

/// Refuses an empty file: SQLite takes it for a new database, and every row would be sent again.
pub(super) fn expect_content(path: &Path) -> Result<(), LedgerError> {
    match path.metadata().map(|metadata| metadata.len()) {
        Ok(0) => Err(LedgerError::damaged(path, "it is empty")),
        Ok(_) => Ok(()),
        Err(source) => Err(LedgerError::io(path, source)),
    }
}

/// Refuses a file with a second hard link: the lock and the log belong to a name, so two runs would not see each other.
pub(super) fn expect_one_name(path: &Path) -> Result<(), LedgerError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if path.metadata().map_err(|source| LedgerError::io(path, source))?.nlink() > 1 {
            return Err(LedgerError::HardLinked(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Checks every page after a crash, without the rows' constraints, which takes four times as long. Takes 0.5 s per
/// million rows, measured.
pub(super) fn expect_pages(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let ignore_constraints = |ignored: bool| {
        let set = connection.pragma_update(None, "ignore_check_constraints", ignored);
        set.map_err(|source| LedgerError::sqlite(path, source))
    };
    ignore_constraints(true)?;
    expect_sound(connection, path)?;
    ignore_constraints(false)
}

/// Checks every page and the constraints of every row. Takes 2 s per million rows, measured.
pub(super) fn expect_sound(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let check = || {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let pages: u64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let bytes: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        Ok((found, pages * bytes))
    };
    let (found, bytes) = check().map_err(|source| LedgerError::sqlite(path, source))?;
    if found != "ok" {
        return Err(LedgerError::of_check(path, &found));
    }
    // SQLite takes missing pages at the end for empty ones. With a log they may not be in the file yet.
    let length_in_file = length(path)?;
    if length(&log_path(&resolved(path)))? == 0 && length_in_file < bytes {
        return Err(LedgerError::damaged(path, format!("it has {length_in_file} of {bytes} bytes")));
    }
    Ok(())
}

/// Length of a file in bytes; 0 if there is none.
///
/// # Errors
/// [`LedgerError::Io`]: it is not known whether there is one.
pub(super) fn length(path: &Path) -> Result<u64, LedgerError> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(LedgerError::io(path, source)),
    }
}

/// Write-ahead log of the ledger `file`.
pub(super) fn log_path(file: &Path) -> PathBuf {
    with_suffix(file, "-wal")
}

/// Identities of an open ledger's files. SQLite goes on writing to files that were removed or moved, and no later run
/// would find those commits.
#[derive(Debug)]
pub(super) struct LedgerFiles {
    ledger: PathBuf,
    files: Vec<(PathBuf, FileId)>,
}

impl LedgerFiles {
    /// Remembers the existing ones of `files`.
    pub(super) fn new(ledger: &Path, files: impl IntoIterator<Item = PathBuf>) -> Result<Self, LedgerError> {
        let mut known = Vec::new();
        for path in files {
            match path.metadata().map(|metadata| file_id(&metadata)) {
                Ok(id) => known.push((path, id)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(LedgerError::io(&path, source)),
            }
        }
        Ok(LedgerFiles { ledger: ledger.to_owned(), files: known })
    }

    /// Expects the same files at the same paths.
    pub(super) fn expect_in_place(&self) -> Result<(), LedgerError> {
        for (path, known) in &self.files {
            match path.metadata().map(|metadata| file_id(&metadata)) {
                Ok(id) if id == *known => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LedgerError::io(path, error));
                }
                Ok(_) | Err(_) => {
                    return Err(LedgerError::Gone { path: self.ledger.clone(), file: path.clone() });
                }
            }
        }
        Ok(())
    }
}

/// Modification time, nanoseconds since 1970.
///
/// # Errors
/// The system has none, or one outside of the range of an `i64`.
pub(super) fn modified_ns(metadata: &Metadata) -> io::Result<i64> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    i64::try_from(since.as_nanos()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("x.db");
        create_if_missing(&path, &CrashPlan::default()).unwrap();
        path
    }

    #[test]
    fn a_file_that_is_no_ledger_is_refused_and_left_unchanged() {
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
        create_if_missing(&empty, &CrashPlan::default()).unwrap();
        assert!(matches!(open(&empty), Err(LedgerError::Damaged { .. })));
        let lost = folder.path().join("lost.db");
        std::fs::write(log_path(&lost), "log").unwrap();
        let refused = create_if_missing(&lost, &CrashPlan::default());
        assert!(matches!(refused, Err(LedgerError::Damaged { .. })));
        assert!(!lost.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_cannot_be_looked_at_is_neither_a_missing_ledger_nor_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let circle = folder.path().join("circle.db");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let below_a_file = created(&folder).join("y.db");
        let too_long = folder.path().join("x".repeat(300));
        for path in [circle, below_a_file, too_long] {
            let refused = create_if_missing(&path, &CrashPlan::default());
            assert!(matches!(refused, Err(LedgerError::Io { .. })), "{refused:?}");
            assert!(matches!(length(&path), Err(LedgerError::Io { .. })));
            let refused = crate::ledger::LedgerReader::open(&path).map(drop);
            assert!(matches!(refused, Err(LedgerError::Misplaced { .. })), "{refused:?}");
        }
    }

    #[test]
    fn remains_of_a_creation_that_was_killed_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let part = part_of(&folder.path().join("x.db"));
        for remains in [with_suffix(&part, "-journal"), part] {
            std::fs::write(remains, "half").unwrap();
        }
        assert!(open(&created(&folder)).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_overwritten_page_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = created(&folder);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 4096;
        bytes[last..last + 16].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let sound = open(&path).and_then(|connection| expect_sound(&connection, &path));
        assert!(matches!(sound, Err(LedgerError::Damaged { .. })), "{sound:?}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_ledger_and_its_log() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&created(&folder)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let file = folder.path().join(format!("x.db{suffix}"));
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{suffix}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_moved_or_replaced_is_not_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = folder.path().join("y.db");
        let files = || {
            std::fs::write(&path, "x").unwrap();
            LedgerFiles::new(&path, [path.clone(), other.clone()]).unwrap()
        };
        let untouched = files();
        std::fs::write(&path, "more").unwrap();
        assert!(untouched.expect_in_place().is_ok());
        let removed = files();
        std::fs::remove_file(&path).unwrap();
        assert!(removed.expect_in_place().is_err());
        let moved = files();
        std::fs::rename(&path, &other).unwrap();
        assert!(moved.expect_in_place().is_err());
        let replaced = files();
        std::fs::write(&other, "y").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(replaced.expect_in_place().is_err());
    }
}
