//! Result codes of SQLite: which of them are damage, and the name and remedy of each other one (sqlite.org/rescode.html).

use std::ffi::c_int;
use std::time::Duration;

use rusqlite::ffi;

/// How long SQLite itself waits for the lock of another program in each attempt: the delay with which a signal is noticed.
pub(super) const BUSY_STEP: Duration = Duration::from_millis(250);

/// What a result code says about a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CodeKind {
    /// The content of the file contradicts itself.
    Corrupt,
    /// The file does not begin as a database does.
    NotADatabase,
    /// Another program holds a lock.
    Busy,
    /// The file could not be read: nothing is known about its content.
    Unread,
    /// Another failure.
    Other,
}

/// Kind of a result code, also of an extended one.
pub(super) fn kind(code: c_int) -> CodeKind {
    match code & 0xff {
        ffi::SQLITE_CORRUPT => CodeKind::Corrupt,
        ffi::SQLITE_NOTADB => CodeKind::NotADatabase,
        // SQLITE_PROTOCOL: the locks of the log's index were held by others over many attempts.
        ffi::SQLITE_BUSY | ffi::SQLITE_PROTOCOL => CodeKind::Busy,
        ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM => CodeKind::Unread,
        _ => CodeKind::Other,
    }
}

const DISK: &str = "look at the messages of the system about its disk (dmesg)";
const SPACE: &str = "free space on its disk, or raise the quota there";
const MEMORY: &str = "free memory, or raise the limit on it";
const LOCKS: &str = "put it on a file system with working locks, such as a local disk";
const OPENING: &str =
    "allow reading and writing it and its folder, and raise the limit on open files (ulimit -n) if it is low";
const WRITING: &str = "allow writing to it, to its -wal and -shm files and to its folder";
const TEMPORARY: &str = "name a writable folder for temporary files with TMPDIR";
const REPORT: &str =
    "report this, which is a fault of connect-import or of a program that changed the ledger";

/// Names of the codes that say more than their primary code.
const NAMES: [(c_int, &str); 54] = [
    (ffi::SQLITE_ERROR, "SQLITE_ERROR"),
    (ffi::SQLITE_INTERNAL, "SQLITE_INTERNAL"),
    (ffi::SQLITE_PERM, "SQLITE_PERM"),
    (ffi::SQLITE_ABORT, "SQLITE_ABORT"),
    (ffi::SQLITE_LOCKED, "SQLITE_LOCKED"),
    (ffi::SQLITE_NOMEM, "SQLITE_NOMEM"),
    (ffi::SQLITE_READONLY, "SQLITE_READONLY"),
    (ffi::SQLITE_INTERRUPT, "SQLITE_INTERRUPT"),
    (ffi::SQLITE_IOERR, "SQLITE_IOERR"),
    (ffi::SQLITE_FULL, "SQLITE_FULL"),
    (ffi::SQLITE_CANTOPEN, "SQLITE_CANTOPEN"),
    (ffi::SQLITE_TOOBIG, "SQLITE_TOOBIG"),
    (ffi::SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"),
    (ffi::SQLITE_NOLFS, "SQLITE_NOLFS"),
    (ffi::SQLITE_IOERR_READ, "SQLITE_IOERR_READ"),
    (ffi::SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ"),
    (ffi::SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"),
    (ffi::SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"),
    (ffi::SQLITE_IOERR_DIR_FSYNC, "SQLITE_IOERR_DIR_FSYNC"),
    (ffi::SQLITE_IOERR_TRUNCATE, "SQLITE_IOERR_TRUNCATE"),
    (ffi::SQLITE_IOERR_FSTAT, "SQLITE_IOERR_FSTAT"),
    (ffi::SQLITE_IOERR_UNLOCK, "SQLITE_IOERR_UNLOCK"),
    (ffi::SQLITE_IOERR_RDLOCK, "SQLITE_IOERR_RDLOCK"),
    (ffi::SQLITE_IOERR_DELETE, "SQLITE_IOERR_DELETE"),
    (ffi::SQLITE_IOERR_NOMEM, "SQLITE_IOERR_NOMEM"),
    (ffi::SQLITE_IOERR_ACCESS, "SQLITE_IOERR_ACCESS"),
    (ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, "SQLITE_IOERR_CHECKRESERVEDLOCK"),
    (ffi::SQLITE_IOERR_LOCK, "SQLITE_IOERR_LOCK"),
    (ffi::SQLITE_IOERR_CLOSE, "SQLITE_IOERR_CLOSE"),
    (ffi::SQLITE_IOERR_DIR_CLOSE, "SQLITE_IOERR_DIR_CLOSE"),
    (ffi::SQLITE_IOERR_SHMOPEN, "SQLITE_IOERR_SHMOPEN"),
    (ffi::SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE"),
    (ffi::SQLITE_IOERR_SHMLOCK, "SQLITE_IOERR_SHMLOCK"),
    (ffi::SQLITE_IOERR_SHMMAP, "SQLITE_IOERR_SHMMAP"),
    (ffi::SQLITE_IOERR_SEEK, "SQLITE_IOERR_SEEK"),
    (ffi::SQLITE_IOERR_DELETE_NOENT, "SQLITE_IOERR_DELETE_NOENT"),
    (ffi::SQLITE_IOERR_MMAP, "SQLITE_IOERR_MMAP"),
    (ffi::SQLITE_IOERR_GETTEMPPATH, "SQLITE_IOERR_GETTEMPPATH"),
    (ffi::SQLITE_IOERR_CONVPATH, "SQLITE_IOERR_CONVPATH"),
    (ffi::SQLITE_IOERR_DATA, "SQLITE_IOERR_DATA"),
    (ffi::SQLITE_IOERR_CORRUPTFS, "SQLITE_IOERR_CORRUPTFS"),
    (ffi::SQLITE_IOERR_IN_PAGE, "SQLITE_IOERR_IN_PAGE"),
    (ffi::SQLITE_CANTOPEN_NOTEMPDIR, "SQLITE_CANTOPEN_NOTEMPDIR"),
    (ffi::SQLITE_CANTOPEN_ISDIR, "SQLITE_CANTOPEN_ISDIR"),
    (ffi::SQLITE_CANTOPEN_FULLPATH, "SQLITE_CANTOPEN_FULLPATH"),
    (ffi::SQLITE_CANTOPEN_CONVPATH, "SQLITE_CANTOPEN_CONVPATH"),
    (ffi::SQLITE_CANTOPEN_SYMLINK, "SQLITE_CANTOPEN_SYMLINK"),
    (ffi::SQLITE_READONLY_RECOVERY, "SQLITE_READONLY_RECOVERY"),
    (ffi::SQLITE_READONLY_CANTLOCK, "SQLITE_READONLY_CANTLOCK"),
    (ffi::SQLITE_READONLY_ROLLBACK, "SQLITE_READONLY_ROLLBACK"),
    (ffi::SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED"),
    (ffi::SQLITE_READONLY_CANTINIT, "SQLITE_READONLY_CANTINIT"),
    (ffi::SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY"),
    (ffi::SQLITE_MISUSE, "SQLITE_MISUSE"),
];

/// Name of a result code: what SQLite was doing when it failed. Of an unknown extended code, that of its primary code.
pub(super) fn name(code: c_int) -> &'static str {
    let find = |code: c_int| NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name);
    find(code).or_else(|| find(code & 0xff)).unwrap_or("unknown code")
}

/// What to do about a result code that is no damage, as an imperative.
pub(super) fn remedy(code: c_int) -> &'static str {
    match code {
        ffi::SQLITE_IOERR_NOMEM => return MEMORY,
        ffi::SQLITE_IOERR_GETTEMPPATH | ffi::SQLITE_CANTOPEN_NOTEMPDIR => return TEMPORARY,
        ffi::SQLITE_IOERR_UNLOCK
        | ffi::SQLITE_IOERR_RDLOCK
        | ffi::SQLITE_IOERR_LOCK
        | ffi::SQLITE_IOERR_CHECKRESERVEDLOCK
        | ffi::SQLITE_IOERR_SHMLOCK => return LOCKS,
        // The index of the log is a file that is mapped: there must be room for it, and the file system must allow it.
        ffi::SQLITE_IOERR_SHMSIZE => return SPACE,
        ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_SHMOPEN => return LOCKS,
        ffi::SQLITE_READONLY_DBMOVED => return "put it back where it was",
        ffi::SQLITE_CANTOPEN_ISDIR => return "name a file with --ledger",
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_IOERR => DISK,
        ffi::SQLITE_FULL => SPACE,
        ffi::SQLITE_NOMEM => MEMORY,
        ffi::SQLITE_CANTOPEN => OPENING,
        ffi::SQLITE_READONLY | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => WRITING,
        ffi::SQLITE_NOLFS => LOCKS,
        ffi::SQLITE_TOOBIG => "make the largest row smaller than 1 GB",
        _ => REPORT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_codes_with_their_extended_ones_are_damage() {
        for primary in 0..=26 {
            for extended in (0..=40).map(|number| primary | number << 8) {
                let expected = match primary {
                    ffi::SQLITE_CORRUPT => CodeKind::Corrupt,
                    ffi::SQLITE_NOTADB => CodeKind::NotADatabase,
                    ffi::SQLITE_BUSY | ffi::SQLITE_PROTOCOL => CodeKind::Busy,
                    ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM => CodeKind::Unread,
                    _ => CodeKind::Other,
                };
                assert_eq!(kind(extended), expected, "{extended}");
            }
        }
    }

    #[test]
    fn each_code_has_its_name_and_a_remedy_that_fits() {
        for (code, remedied) in [
            (ffi::SQLITE_IOERR_READ, DISK),
            (ffi::SQLITE_IOERR_SHORT_READ, DISK),
            (ffi::SQLITE_IOERR_CORRUPTFS, DISK),
            (ffi::SQLITE_IOERR_FSYNC, DISK),
            (ffi::SQLITE_IOERR_NOMEM, MEMORY),
            (ffi::SQLITE_NOMEM, MEMORY),
            (ffi::SQLITE_IOERR_LOCK, LOCKS),
            (ffi::SQLITE_IOERR_SHMMAP, LOCKS),
            (ffi::SQLITE_IOERR_SHMSIZE, SPACE),
            (ffi::SQLITE_FULL, SPACE),
            (ffi::SQLITE_CANTOPEN, OPENING),
            (ffi::SQLITE_CANTOPEN_SYMLINK, OPENING),
            (ffi::SQLITE_CANTOPEN_NOTEMPDIR, TEMPORARY),
            (ffi::SQLITE_READONLY, WRITING),
            (ffi::SQLITE_READONLY_CANTINIT, WRITING),
            (ffi::SQLITE_READONLY_DIRECTORY, WRITING),
            (ffi::SQLITE_CONSTRAINT, REPORT),
        ] {
            assert_eq!(remedy(code), remedied, "{}", name(code));
        }
        assert_eq!(name(ffi::SQLITE_IOERR_CORRUPTFS), "SQLITE_IOERR_CORRUPTFS");
        assert_eq!(name(ffi::SQLITE_IOERR | 99 << 8), "SQLITE_IOERR");
    }
}
