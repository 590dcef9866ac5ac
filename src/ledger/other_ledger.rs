//! Another ledger of the same import, in the folder where a run is about to create a new one.
//!
//! The new ledger would know none of its rows and send them again. This happens when a job file or a CSV is renamed, since
//! the ledger's name follows theirs.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::LedgerError;
use super::file::{connect_immutable, length, log_path};
use super::identity::{Identity, read_identity};
use super::schema::APPLICATION_ID;
use crate::file_kind::open_ordinary;
use crate::paths::{folder_of, resolved};

/// Extension of the files that may be ledgers.
const EXTENSION: &str = "db";

/// How long to wait for a file that another program has locked. A run that writes locks no reader out.
const BUSY: Duration = Duration::from_millis(250);

/// First bytes of every SQLite file (sqlite.org/fileformat2.html).
pub const SQLITE_START: &[u8; 16] = b"SQLite format 3\0";

/// Length of a SQLite file's header, and the place of the application id in it.
const HEADER: usize = 100;
const APPLICATION_ID_AT: usize = 68;

/// Ending of the names that ledgers have by default.
const LEDGER_NAME: &str = ".ledger.db";

/// Refuses to create the ledger at `path` if another one in its folder has the same identity. A file that is no ledger, or
/// damaged, is passed over. Does nothing if the ledger exists.
///
/// # Errors
/// - [`LedgerError::OtherLedger`]
/// - [`LedgerError::OtherUnread`], [`LedgerError::Io`]: it cannot be seen whether there is one.
pub fn expect_no_other_ledger(path: &Path, identity: &Identity) -> Result<(), LedgerError> {
    // Opening it says why it cannot be looked up.
    if path.try_exists().unwrap_or(true) {
        return Ok(());
    }
    let folder = folder_of(path);
    let entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(unread(path, folder, LedgerError::io(folder, source))),
    };
    let mut others: Vec<_> = entries
        .iter()
        .map(|entry| path.with_file_name(entry.file_name()))
        .filter(|other| other.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION)))
        .collect();
    others.sort();
    for other in others {
        let created = match has_ledger_header(&other) {
            Ok(false) => continue,
            Ok(true) => created_rows_of(&other, identity),
            Err(source) => Err(LedgerError::io(&other, source)),
        };
        match created {
            Ok(None) | Err(LedgerError::Damaged { .. } | LedgerError::NotALedger(_)) => {}
            Ok(Some(created)) => {
                return Err(LedgerError::OtherLedger { path: path.to_owned(), other, created });
            }
            Err(error) => return Err(unread(path, &other, error)),
        }
    }
    Ok(())
}

fn unread(path: &Path, other: &Path, source: LedgerError) -> LedgerError {
    LedgerError::OtherUnread { path: path.to_owned(), other: other.to_owned(), source: Box::new(source) }
}

/// Whether the file begins as a ledger does. Its application id is in the file from its creation. A file of another user that
/// may not be read is taken for none, unless it has the name of a ledger.
fn has_ledger_header(path: &Path) -> io::Result<bool> {
    // Opening a named pipe waits for a writer.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    let mut header = Vec::new();
    let read = open_ordinary(path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !has_ledger_name(path) => {
            return Ok(false);
        }
        read => read?,
    };
    let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
    Ok(header.len() == HEADER
        && header.starts_with(SQLITE_START)
        && id == Some(&APPLICATION_ID.to_be_bytes()))
}

fn has_ledger_name(path: &Path) -> bool {
    path.to_string_lossy().ends_with(LEDGER_NAME)
}

/// Number of created rows of the ledger, or `None` if it has another identity.
fn created_rows_of(path: &Path, identity: &Identity) -> Result<Option<u64>, LedgerError> {
    let file = resolved(path);
    // A ledger at rest is left as it is: reading it in the usual way would create two files beside it.
    let at_rest = length(&log_path(&file))? == 0;
    let immutable = at_rest.then(|| connect_immutable(&file, path).ok()).flatten();
    let read = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = immutable.map_or_else(|| Connection::open_with_flags(&file, flags), Ok)?;
        connection.busy_timeout(BUSY)?;
        if read_identity(&connection)?.as_ref() != Some(identity) {
            return Ok(None);
        }
        let created = "SELECT coalesce(sum(rows), 0) FROM row_counts WHERE state = 'created'";
        connection.query_row(created, [], |row| row.get(0)).map(Some)
    };
    read().map_err(|source| LedgerError::sqlite(path, source))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::crash_plan::CrashPlan;
    use crate::ledger::{BusyWait, Ledger};
    use crate::request::Operation;

    fn identity(namespace: &str) -> Identity {
        Identity {
            instance_id: "i".into(),
            operation: Operation::CreateContact,
            namespace: namespace.into(),
            key: vec!["id".into()],
            key_comparison: Default::default(),
            shard: None,
        }
    }

    fn open(path: &Path, identity: &Identity) -> Ledger {
        Ledger::open(path, identity, Duration::ZERO, &BusyWait::default(), &CrashPlan::default()).unwrap()
    }

    /// The other ledger that the error names, if there is one.
    fn other(path: &Path, identity: &Identity) -> Option<PathBuf> {
        match expect_no_other_ledger(path, identity) {
            Ok(()) => None,
            Err(LedgerError::OtherLedger { other, .. }) => Some(other),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_ledger_of_the_same_identity_is_named_at_rest_and_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let in_use = open(&path("a.db"), &identity(""));
        assert_eq!(other(&path("b.db"), &identity("")), Some(path("a.db")));
        assert_eq!(other(&path("b.db"), &identity("second")), None);
        assert_eq!(other(&path("a.db"), &identity("")), None);
        in_use.close().unwrap();
        let names = || {
            let mut names: Vec<_> =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        assert_eq!(other(&path("b.db"), &identity("")), Some(path("a.db")));
        assert_eq!(names(), before);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_looked_at_may_be_another_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(path("a.db"), path("a.db")).unwrap();
        let refused = expect_no_other_ledger(&path("b.db"), &identity(""));
        let Err(LedgerError::OtherUnread { other, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(other, path("a.db"));
    }

    #[test]
    fn a_ledger_that_is_busy_may_be_of_the_same_import() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        open(&path("a.db"), &identity("")).close().unwrap();
        let other = Connection::open(path("a.db")).unwrap();
        other
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE t (x); COMMIT")
            .unwrap();
        let refused = expect_no_other_ledger(&path("b.db"), &identity(""));
        let Err(LedgerError::OtherUnread { source, .. }) = refused else { panic!("{refused:?}") };
        assert!(matches!(*source, LedgerError::Busy { .. }), "{source:?}");
    }

    #[test]
    fn other_files_of_the_folder_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("folder.db")).unwrap();
        std::fs::write(path("empty.db"), "").unwrap();
        std::fs::write(path("text.db"), "no database".repeat(50)).unwrap();
        Connection::open(path("foreign.db")).unwrap().execute_batch("CREATE TABLE identity (x)").unwrap();
        open(&path("a.ledger"), &identity("")).close().unwrap();
        // A ledger of which only the header is left.
        let mut header = std::fs::read(path("a.ledger")).unwrap();
        header.truncate(HEADER);
        std::fs::write(path("cut.db"), header).unwrap();
        assert_eq!(other(&path("b.db"), &identity("")), None);
        assert_eq!(other(&path("no folder/b.db"), &identity("")), None);
    }
}
