//! Copies of a ledger: refuses one that lacks the last commit of its lock record, and one beside the log of another.
//!
//! Every later state of a ledger has the last commit of an earlier one: the same author with the same nonce, and no fewer
//! commits. An older copy has not, nor has a copy that was used elsewhere while this one was used.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::LedgerError;
use super::file::{connect_immutable, length, log_path};
use super::lock_holder::Nonce;
use super::lock_record::{Author, Commit};
use super::place::lock_path;
use super::schema::{SCHEMA_VERSION, schema_version};
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
            let last = match last_run(connection).map_err(failed)? {
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

/// Refuses the log of a run that died beside another file than its own: SQLite mixes the two without a word.
///
/// The transaction that writes a nonce into the identity writes the row of its run or verification, and a log has the page of
/// each row whose commits it has. So whatever part of its log a file has received, the two together have the row of the
/// file's own nonce. A file of another copy has a nonce that no row has.
pub(super) fn expect_log_of_file(
    connection: &Connection,
    path: &Path,
    nonce_of_file: Option<Nonce>,
) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::sqlite(path, source);
    let Some(Nonce(nonce)) = nonce_of_file else { return Ok(()) };
    // Another version has its own message.
    if schema_version(connection).map_err(failed)? != SCHEMA_VERSION {
        return Ok(());
    }
    let known = "SELECT EXISTS (SELECT 1 FROM runs WHERE nonce = ?1)
                 OR EXISTS (SELECT 1 FROM verifications WHERE nonce = ?1)";
    if connection.query_row(known, [nonce], |row| row.get(0)).map_err(failed)? {
        return Ok(());
    }
    let author = match last_run(connection).map_err(failed)? {
        Some(run) => format!("{run}{}", described(connection, run).map_err(failed)?),
        None => "a run".to_owned(),
    };
    Err(LedgerError::OtherLog { path: path.to_owned(), log: log_path(&resolved(path)), author })
}

/// The last nonce in the ledger's file without its log. `None` without a log, or a nonce; damage has its own messages.
/// Read before the ledger is opened, so that the log may have later ones, and not earlier ones.
pub(super) fn nonce_of_file(path: &Path) -> Option<Nonce> {
    let file = resolved(path);
    if length(&log_path(&file)).ok()? == 0 {
        return None;
    }
    let connection = connect_immutable(&file, path).ok()?;
    let nonce = connection.query_row("SELECT nonce FROM identity", [], |row| row.get(0)).ok()?;
    (nonce != 0).then_some(Nonce(nonce))
}

fn last_run(connection: &Connection) -> rusqlite::Result<Option<Author>> {
    let last = "SELECT id FROM runs ORDER BY id DESC LIMIT 1";
    Ok(connection.query_row(last, [], |row| row.get(0)).optional()?.map(Author::Run))
}
