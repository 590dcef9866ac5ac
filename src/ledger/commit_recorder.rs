//! Records the commits of a run or verification: their number in its row, and the last one in the lock record.

use std::path::Path;

use rusqlite::Connection;

use super::error::{LedgerError, Stored};
use super::file::leave_log;
use super::lock_holder::Nonce;
use super::lock_record::{Author, Commit};
use super::own_record::OwnRecord;
use super::schema::now_ms;

/// The run or verification whose commits are recorded; none before it has a row.
#[derive(Debug)]
pub(super) struct CommitRecorder {
    record: OwnRecord,
    /// Random number of the run or verification.
    nonce: Nonce,
    author: Option<Author>,
    /// For people: the process, its start and its command.
    origin: String,
    /// Commits so far.
    number: i64,
}

impl CommitRecorder {
    pub(super) fn new(record: OwnRecord) -> Self {
        let nonce = record.holder().nonce;
        CommitRecorder { record, nonce, author: None, origin: String::new(), number: 0 }
    }

    /// Random number of the run or verification.
    pub(super) fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Begins to record the commits of `author`, whose row has [`nonce`](Self::nonce).
    pub(super) fn begin(
        &mut self,
        connection: &Connection,
        author: Author,
        command: Option<&str>,
    ) -> Stored<()> {
        connection.execute("UPDATE identity SET nonce = ?1", [self.nonce.0])?;
        let holder = self.record.holder().name;
        self.origin = match command {
            Some(command) => format!("{holder}: {command}"),
            None => holder,
        };
        (self.author, self.number) = (Some(author), 0);
        Ok(())
    }

    /// Counts the commit that follows.
    pub(super) fn count(&mut self, connection: &Connection) -> Stored<()> {
        let Some(author) = self.author else { return Ok(()) };
        self.number += 1;
        match author {
            Author::Run(id) => connection
                .prepare_cached("UPDATE runs SET commits = ?2, last_ms = ?3 WHERE id = ?1")?
                .execute((id, self.number, now_ms()))?,
            Author::Verification(id) => connection
                .prepare_cached("UPDATE verifications SET commits = ?2 WHERE id = ?1")?
                .execute((id, self.number))?,
        };
        Ok(())
    }

    /// Expects that no other run has taken the ledger. If one has, closing the connection writes nothing more.
    pub(super) fn expect_own(&self, connection: &Connection) -> Result<(), LedgerError> {
        self.record.expect_own().inspect_err(|_| leave_log(connection))
    }

    /// Records the commit that was counted, and is on disk.
    pub(super) fn committed(&self) {
        let Some(author) = self.author else { return };
        self.record.commit(Commit {
            author,
            nonce: self.nonce,
            number: self.number,
            origin: self.origin.clone(),
        });
    }

    /// Records that the ledger was closed as its file is now.
    pub(super) fn closed(&self, ledger: &Path) {
        self.record.close(ledger);
    }
}
