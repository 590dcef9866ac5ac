//! Reads a ledger a second time before it is called damaged.
//!
//! SQLite reports a failed read of a page (EIO) as a damaged file (SQLITE_CORRUPT; `unixRead` in its source), and a read that
//! ends early as zeros. Its check of all pages tells both as text. Such a failure may pass, and the file is intact.

use std::ffi::c_int;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, ffi};

use super::sqlite_code::{BUSY_STEP, CodeKind, kind};

/// What a second reading of a ledger shows that SQLite called damaged.
#[derive(Debug)]
pub(super) enum SecondReading {
    /// Every page, row and index is as it should be.
    Intact,
    /// It could not be read.
    Unread(rusqlite::Error),
    /// It is damaged, or cannot be checked.
    Damaged,
}

/// Checks every page, row and index of the ledger at `path` through a connection of its own, which has no page in memory.
pub(super) fn read_again(path: &Path) -> SecondReading {
    let check = || -> rusqlite::Result<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_STEP)?;
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
    };
    match check() {
        Ok(found) if found == "ok" => SecondReading::Intact,
        Ok(found) => read_failure(&found).map_or(SecondReading::Damaged, SecondReading::Unread),
        Err(error) => match error.sqlite_error().map(|error| kind(error.extended_code)) {
            Some(CodeKind::Unread) => SecondReading::Unread(error),
            Some(_) | None => SecondReading::Damaged,
        },
    }
}

/// The failed read that a result of `PRAGMA quick_check` or `integrity_check` tells; none if it tells damage.
pub(super) fn read_failure(found: &str) -> Option<rusqlite::Error> {
    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    if let Some((_, code)) = found.rsplit_once("unable to get the page. error code=") {
        let digits = code.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let code: c_int = digits.parse().ok()?;
        return (kind(code) == CodeKind::Unread).then(|| failure(code));
    }
    // A page of the list of free pages: SQLite has checked that the file should have it.
    found.contains("failed to get page").then(|| failure(ffi::SQLITE_IOERR_READ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_in_the_result_of_a_check_is_no_damage() {
        let code = |found: &str| read_failure(found).map(|error| error.sqlite_error().unwrap().extended_code);
        let page = "Tree 5 page 7: unable to get the page. error code=";
        assert_eq!(code(&format!("*** in database main *** {page}8458")), Some(ffi::SQLITE_IOERR_CORRUPTFS));
        assert_eq!(code(&format!("{page}266")), Some(ffi::SQLITE_IOERR_READ));
        assert_eq!(code(&format!("{page}7")), Some(ffi::SQLITE_NOMEM));
        assert_eq!(code("Freelist: failed to get page 9"), Some(ffi::SQLITE_IOERR_READ));
        assert_eq!(code(&format!("{page}11")), None);
        assert_eq!(code("Tree 5 page 7: btreeInitPage() returns error code 11"), None);
    }

    #[test]
    fn an_intact_file_is_intact_and_an_overwritten_page_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x); CREATE TABLE u (x)").unwrap();
        assert!(matches!(read_again(&path), SecondReading::Intact));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..4112].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(read_again(&path), SecondReading::Damaged));
        assert!(matches!(read_again(&folder.path().join("missing.db")), SecondReading::Damaged));
    }
}
