//! Errors of a ledger. Each is fatal to the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use thiserror::Error;

use super::row::{RowId, RunId};
use super::state::Illegal;
use crate::printable::ShownPath as _;
use crate::shell_word::shell_path;

/// Failure of a ledger. Nothing is sent after one.
#[derive(Clone, Debug, Error)]
pub enum LedgerError {
    /// Another run holds the lock.
    #[error("another run holds the ledger {} ({holder}); wait for it, or stop it", path.shown())]
    Locked {
        /// The ledger.
        path: PathBuf,
        /// The holder's line in the lock file.
        holder: String,
    },
    /// The file is not a ledger.
    #[error(
        "{} is not a ledger of connect-import, or its header is damaged; restore it, or name another file with --ledger",
        .0.shown()
    )]
    NotALedger(PathBuf),
    /// A later version wrote the ledger.
    #[error("the ledger {} was written by a newer connect-import; update this one", .0.shown())]
    Newer(PathBuf),
    /// The ledger does not exist.
    #[error("there is no ledger {}; run an import first, or name it with --ledger{}", .0.shown(), of_rehearsal(.0))]
    Missing(PathBuf),
    /// The ledger would be new, and another one of the same import is in its folder.
    #[error(
        "{} would be a new ledger, and {} in the same folder has the same instance, operation, namespace, key and shard, \
         and {created} created rows; the new one would know none of its rows and send every row; to continue with it, use \
         --ledger {}; to create the new one nevertheless, add --new-ledger",
        path.shown(), other.shown(), shell_path(other)
    )]
    OtherLedger {
        /// The ledger that would be created.
        path: PathBuf,
        /// The ledger that exists.
        other: PathBuf,
        /// Its created rows.
        created: u64,
    },
    /// The ledger belongs to another import.
    #[error(
        "the ledger {} belongs to {what} '{found}', not '{wanted}'; use that {what}{}",
        path.shown(), instead_of(what)
    )]
    OtherIdentity {
        /// The ledger.
        path: PathBuf,
        /// `instance`, `operation`, `namespace`, `key`, `key_compare` or `token version`.
        what: &'static str,
        /// The ledger's value.
        found: String,
        /// The job's value.
        wanted: String,
    },
    /// The ledger has another shard of the same import.
    #[error(
        "the ledger {} has {}, not {}; run it {}, or name another with --ledger",
        path.shown(), rows_of(found), rows_of(wanted),
        if found.is_empty() { "without --shard".to_owned() } else { format!("with --shard {found}") }
    )]
    OtherShard {
        /// The ledger.
        path: PathBuf,
        /// The ledger's shard, such as `0/4`; empty: all rows.
        found: String,
        /// The job's shard.
        wanted: String,
    },
    /// The file or its folder cannot be used.
    #[error("cannot use the ledger {}: {source}", path.shown())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: Arc<std::io::Error>,
    },
    /// SQLite failed: a full disk, a read-only file, damage.
    #[error(
        "cannot read or write the ledger {}: {source}; committed rows are not lost: correct the cause, \
         and run the same command again",
        path.shown()
    )]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// SQLite's error.
        source: Arc<rusqlite::Error>,
    },
    /// SQLite cannot write or read a temporary database beside the ledger.
    #[error(
        "cannot use a temporary file: {0}; free space in the folder for temporary files, or name another with TMPDIR"
    )]
    Temporary(Arc<rusqlite::Error>),
    /// The file is damaged or incomplete.
    #[error(
        "the ledger {} is damaged ({problem}) and is not used. Restore it from a backup. Without a backup, move it away: \
         a run with a new ledger sends every row again with the same token, and Connect returns the existing contacts \
         as long as it honours the tokens",
        path.shown()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file has more than one name.
    #[error(
        "the ledger {} has a second name (a hard link). Each name has a lock and a log of its own, so that rows may be \
         missing here; remove the other name, or copy the ledger",
        .0.shown()
    )]
    HardLinked(PathBuf),
    /// Part of the ledger is in its write-ahead log, and its folder is read-only.
    #[error(
        "the ledger {} cannot be read in a read-only folder, because part of it is in {}; copy both, and {}.lock, to a \
         folder that you may write to, and name the copy with --ledger",
        path.shown(), log.shown(), path.shown()
    )]
    LogApart {
        /// The ledger.
        path: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// The ledger changed while it was read in a folder where SQLite cannot lock it.
    #[error("the ledger {} changed while it was read; run the same command again", .0.shown())]
    Changed(PathBuf),
    /// A file of the ledger was removed, moved or replaced during the run, so that no later run would find the rows.
    #[error(
        "the ledger {} was removed, moved or replaced during the run ({} is another file now, or none); nothing more is \
         sent. Put it back, and run again",
        path.shown(), file.shown()
    )]
    Gone {
        /// The ledger.
        path: PathBuf,
        /// The file that is missing or another one.
        file: PathBuf,
    },
    /// The ledger disappeared between two reads.
    #[error(
        "the ledger {} disappeared: it was removed or moved while it was watched. Put it back before the next run, which \
         without it sends every row again with the same token",
        .0.shown()
    )]
    Disappeared(PathBuf),
    /// A guarded update found the row in another state.
    #[error(
        "row {row} of the ledger was changed by another process during the run, or is damaged; nothing more is sent"
    )]
    Disturbed {
        /// The row.
        row: RowId,
    },
    /// Two ledgers of one command belong to different imports.
    #[error(
        "the ledger {} is of {what} '{found}' and the ledger {} of '{wanted}'; name those of one import",
        path.shown(), first.shown()
    )]
    Mixed {
        /// The ledger that differs.
        path: PathBuf,
        /// The ledger that it is compared with.
        first: PathBuf,
        /// `instance`, `operation`, `namespace` or `key`.
        what: &'static str,
        /// The value of `path`.
        found: String,
        /// The value of `first`.
        wanted: String,
    },
    /// Two ledgers of one command are not shards of one division.
    #[error(
        "the ledger {} has {}, and the ledger {} {}; name those of one division",
        path.shown(), rows_of(found), first.shown(), rows_of(other)
    )]
    Divided {
        /// The ledger that differs.
        path: PathBuf,
        /// The ledger that it is compared with.
        first: PathBuf,
        /// The shard of `path`, such as `0/4`; empty: all rows.
        found: String,
        /// The shard of `first`.
        other: String,
    },
    /// The ledger has no run of this number.
    #[error("the ledger {} has no run {run}: {}", path.shown(), latest.map_or(
        "no run has been started".to_owned(), |latest| format!("its latest is run {latest}")
    ))]
    NoRun {
        /// The ledger.
        path: PathBuf,
        /// The run that was named.
        run: RunId,
        /// The latest run.
        latest: Option<RunId>,
    },
    /// The ledger has no identity, since its creation was interrupted.
    #[error("the ledger {} has no rows yet, so there is nothing to join; run the import first", .0.shown())]
    Unbegun(PathBuf),
    /// A bug: the row's state does not allow the event.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The writer's thread has ended.
    #[error("the ledger's writer has stopped")]
    Stopped,
}

impl LedgerError {
    /// An error of SQLite; a damaged file and a file that is no database have variants of their own.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        let path = path.to_owned();
        if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) = source {
            return LedgerError::Damaged { path, problem: source.to_string() };
        }
        // The statements are the program's own, so that a missing column is damage to the schema.
        if let rusqlite::Error::SqlInputError { msg, .. } = source {
            return LedgerError::Damaged { path, problem: msg };
        }
        // The same, of a statement in which SQLite does not say where, such as UPDATE.
        if let rusqlite::Error::SqliteFailure(error, Some(message)) = &source
            && error.extended_code == rusqlite::ffi::SQLITE_ERROR
            && message.starts_with("no such ")
        {
            return LedgerError::Damaged { path, problem: message.clone() };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => LedgerError::NotALedger(path),
            Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged { path, problem: source.to_string() },
            _ => LedgerError::Sqlite { path, source: Arc::new(source) },
        }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        LedgerError::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        LedgerError::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}

/// The alternative to the ledger's own value of this part of its identity.
fn instead_of(what: &str) -> &'static str {
    match what {
        "key" | "key_compare" => {
            "; in another ledger, rows whose key becomes another one get a second contact"
        }
        _ => ", or name another ledger with --ledger",
    }
}

/// The hint that a rehearsal's ledger exists beside the missing one, if so.
fn of_rehearsal(missing: &Path) -> &'static str {
    let rehearsal = missing.file_name().and_then(|name| {
        let stem = name.to_str()?.strip_suffix(".ledger.db")?;
        Some(missing.with_file_name(format!("{stem}.sandbox.ledger.db")))
    });
    if rehearsal.is_some_and(|path| path.exists()) {
        "; for that of the rehearsal, add --sandbox"
    } else {
        ""
    }
}

/// Rows of a shard, or all rows, for a message.
fn rows_of(shard: &str) -> String {
    if shard.is_empty() { "all rows of its import".to_owned() } else { format!("the rows of shard {shard}") }
}

/// Failure of the writer's work, before the path of the ledger is added.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) enum StoreError {
    Sqlite(#[from] rusqlite::Error),
    Ledger(#[from] LedgerError),
    Illegal(#[from] Illegal),
}

/// Result of the writer's work.
pub(super) type Stored<T> = Result<T, StoreError>;

impl StoreError {
    pub(super) fn of_ledger(self, path: &Path) -> LedgerError {
        match self {
            StoreError::Sqlite(source) => LedgerError::sqlite(path, source),
            StoreError::Ledger(error) => error,
            StoreError::Illegal(illegal) => illegal.into(),
        }
    }
}
