//! Watches the size of the write-ahead log. SQLite moves its pages into the ledger from time to time, and cannot while
//! another program reads the ledger in one long transaction: the log then grows until that ends.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::busy_wait::LedgerNotice;
use super::file::log_path;
use super::holders::readers_of;

/// The log of a ledger, and the size at which it is looked at next.
#[derive(Debug)]
pub(super) struct LogWatch {
    ledger: PathBuf,
    log: PathBuf,
    /// Size that is told, bytes.
    limit: u64,
    next: u64,
}

impl LogWatch {
    /// Watches the log of the ledger `file`, which is told at `limit` bytes and then at each doubling.
    pub(super) fn new(file: &Path, limit: u64) -> Self {
        LogWatch { ledger: file.to_owned(), log: log_path(file), limit, next: limit }
    }

    /// Looks at the log after a commit: at its size alone, unless that has grown past a limit.
    pub(super) fn look(&mut self, connection: &Connection) -> Option<LedgerNotice> {
        // Its absence is noticed elsewhere.
        let bytes = self.log.metadata().map_or(0, |metadata| metadata.len());
        if bytes < self.next {
            return None;
        }
        // A large transaction alone makes a large file, which is used again and does not shrink.
        let is_held = unmoved(connection).is_ok_and(|unmoved| unmoved >= self.limit);
        self.next = if is_held { 2 * bytes } else { bytes + self.limit };
        is_held.then(|| LedgerNotice::LogGrown {
            log: self.log.clone(),
            bytes,
            reader: readers_of(&self.ledger),
        })
    }
}

/// Bytes of the log that SQLite cannot move into the ledger now.
fn unmoved(connection: &Connection) -> rusqlite::Result<u64> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    // A passive checkpoint waits for nobody, and is what SQLite does by itself after a commit.
    let (all, moved) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages)?;
    Ok(page * u64::try_from(all - moved).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 64 << 10;

    struct Watched {
        folder: tempfile::TempDir,
        writer: Connection,
        watch: LogWatch,
    }

    impl Watched {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            let writer = Connection::open(&path).unwrap();
            writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
            Watched { folder, writer, watch: LogWatch::new(&path, LIMIT) }
        }

        /// Commits `pages` pages one by one, and returns the sizes that were told.
        fn write(&mut self, pages: u32) -> Vec<u64> {
            let mut told = Vec::new();
            for _ in 0..pages {
                self.writer.execute_batch("INSERT INTO t VALUES (zeroblob(4000))").unwrap();
                if let Some(LedgerNotice::LogGrown { bytes, .. }) = self.watch.look(&self.writer) {
                    told.push(bytes);
                }
            }
            told
        }
    }

    #[test]
    fn a_log_that_a_reader_holds_is_told_at_the_limit_and_then_at_each_doubling() {
        let mut watched = Watched::new();
        watched.writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        let reader = Connection::open(watched.folder.path().join("x.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        reader.query_row("SELECT count(*) FROM t", [], read).unwrap();
        let told = watched.write(120);
        assert!(told.len() >= 2 && told[0] >= LIMIT, "{told:?}");
        assert!(told.windows(2).all(|pair| pair[1] >= 2 * pair[0]), "{told:?}");
    }

    #[test]
    fn a_log_that_is_large_because_of_one_transaction_is_not_told() {
        let mut watched = Watched::new();
        let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                    INSERT INTO t SELECT zeroblob(4000) FROM n";
        watched.writer.execute_batch(many).unwrap();
        assert!(watched.folder.path().join("x.db-wal").metadata().unwrap().len() > LIMIT);
        assert_eq!(watched.write(60), [0; 0]);
    }
}
