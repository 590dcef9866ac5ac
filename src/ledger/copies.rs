//! Copies of a ledger: refuses one that lacks the last commit of its lock record, and one beside the log of another.
//!
//! Every later state of a ledger has the last commit of an earlier one: the same author with the same nonce, and no fewer
//! commits. An older copy has not, nor has a copy that was used elsewhere while this one was used.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::LedgerError;
use super::file::{connect_immutable, log_path};
use super::lock_record::{Author, Commit, LogSalt, Nonce};
use super::place::lock_path;
use crate::paths::resolved;

/// Refuses a ledger that lacks the commit in its lock record.
pub(super) fn expect_commit(
    connection: &Connection,
    path: &Path,
    commit: &Commit,
) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::sqlite(path, source);
    let (table, id) = commit.author.row();
    let commits = format!("SELECT commits, nonce FROM {table} WHERE id = ?1");
    let found = connection
        .query_row(&commits, [id], |row| Ok((row.get::<_, i64>(0)?, Nonce(row.get(1)?))))
        .optional()
        .map_err(failed)?;
    let has = match found {
        Some((number, nonce)) if nonce == commit.nonce && number >= commit.number => return Ok(()),
        Some((_, nonce)) if nonce != commit.nonce => {
            let own = described(connection, commit.author).map_err(failed)?;
            format!("it has another {}{own}: both copies were used", commit.author)
        }
        Some((number, _)) => {
            format!(
                "it has {number} of these commits: its log was deleted after a crash, or it is an older copy"
            )
        }
        None => {
            let last = "SELECT id FROM runs ORDER BY id DESC LIMIT 1";
            let last = connection.query_row(last, [], |row| row.get(0)).optional().map_err(failed)?;
            let last = match last.map(Author::Run) {
                Some(run) => format!("its last is {run}{}", described(connection, run).map_err(failed)?),
                None => "it has no run".to_owned(),
            };
            format!("{last}: its log was deleted after a crash, or it is an older copy")
        }
    };
    Err(LedgerError::OtherCopy {
        path: path.to_owned(),
        lacks: commit.to_string(),
        has,
        lock: lock_path(&resolved(path)),
    })
}

/// Start and command of a run or verification of this ledger, for a message.
fn described(connection: &Connection, author: Author) -> rusqlite::Result<String> {
    let (table, id) = author.row();
    let command = if let Author::Run(_) = author { "command" } else { "'connect-import verify'" };
    let columns = format!("SELECT started_ms, {command} FROM {table} WHERE id = ?1");
    connection.query_row(&columns, [id], |row: &Row<'_>| {
        let started = jiff::Timestamp::from_millisecond(row.get(0)?).unwrap_or_default();
        let command: String = row.get(1)?;
        Ok(format!(" (since {started:.0}: {})", command.replace(char::is_control, " ")))
    })
}

/// Refuses the log of a run that died beside another file than its own: SQLite would mix the two without a word.
pub(super) fn expect_file_of_log(path: &Path, file: &Path, commit: &Commit) -> Result<(), LedgerError> {
    let salt = File::open(log_path(file)).ok().and_then(|log| LogSalt::read(&log));
    if salt.is_none() || salt != commit.log {
        // No log of that commit. SQLite applies a log of the file's own.
        return Ok(());
    }
    // Damage has its own messages. The nonce has a page of its own, which is not written again after the first commit.
    let session = connect_immutable(file, path).ok().and_then(|connection| {
        connection.query_row("SELECT nonce FROM identity", [], |row| Ok(Nonce(row.get(0)?))).ok()
    });
    match session {
        Some(session) if session != commit.nonce => Err(LedgerError::OtherLog {
            path: path.to_owned(),
            log: log_path(file),
            author: format!("{} ({})", commit.author, commit.origin),
        }),
        Some(_) | None => Ok(()),
    }
}
