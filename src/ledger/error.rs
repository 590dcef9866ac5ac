//! Errors of a ledger. Each is fatal to the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::remedy::{copied, instead_of, moved_away, of_rehearsal, remedy_of, rows_of};
use super::row::{RowId, RunId};
use super::second_reading::{SecondReading, read_again, read_failure};
use super::sqlite_code::{self, CodeKind};
use super::state::Illegal;
use crate::printable::ShownPath as _;
use crate::shell_word::shell_path;
use crate::shutdown::Signal;

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
    /// No ledger can be at the path: something else is there, in the place of a file beside it, or mounted. Nothing was made
    /// or changed.
    #[error("the ledger {} cannot be used: {problem}", path.shown())]
    Misplaced {
        /// The ledger.
        path: PathBuf,
        /// What is there, and the remedy.
        problem: String,
    },
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
    /// It cannot be seen whether a file beside the new ledger is another one of the same import.
    #[error(
        "{} would be a new ledger, and it cannot be seen whether {} in the same folder is one of the same import: {source}; \
         to create the new one nevertheless, add --new-ledger",
        path.shown(), other.shown()
    )]
    OtherUnread {
        /// The ledger that would be created.
        path: PathBuf,
        /// The file that cannot be read.
        other: PathBuf,
        /// Its error.
        source: Box<LedgerError>,
    },
    /// Another program kept the ledger busy for longer than a command waits.
    #[error(
        "the ledger {} is kept busy by {}{}; end what that program does with it, and run the same command again; committed \
         rows are not lost",
        path.shown(),
        if holder.is_empty() { "another program" } else { holder },
        if waited.is_zero() { String::new() } else { format!(", for more than {} s", waited.as_secs()) }
    )]
    Busy {
        /// The ledger.
        path: PathBuf,
        /// The processes, such as `process 4711 (sqlite3)`; empty: not looked for.
        holder: String,
        /// Time that the command waited.
        waited: Duration,
        /// Signal that ended the wait.
        signal: Option<Signal>,
    },
    /// The file or its folder cannot be used.
    #[error("cannot use the ledger {}: {source}{}", path.shown(), remedy_of(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: Arc<std::io::Error>,
    },
    /// SQLite failed: a full disk, a read-only file, a disk that cannot be read.
    #[error(
        "cannot read or write the ledger {}: {source} ({}); committed rows are not lost: {}, and run the same command \
         again",
        path.shown(), sqlite_code::name(code_of(source)), sqlite_code::remedy(code_of(source))
    )]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// SQLite's error.
        source: Arc<rusqlite::Error>,
    },
    /// The file seemed to be damaged, and is intact when it is read a second time.
    #[error(
        "the ledger {} could not be read ({problem}), and is intact now that it was read again: its disk or file system \
         failed for a moment; committed rows are not lost: look at the messages of the system about its disk (dmesg), \
         and run the same command again; if this comes again, see 'Damage' in the handbook's chapter on the ledger",
        path.shown()
    )]
    Misread {
        /// The ledger.
        path: PathBuf,
        /// The first error.
        problem: String,
    },
    /// SQLite cannot write or read a temporary database beside the ledger.
    #[error(
        "cannot use a temporary file: {0}; free space in the folder for temporary files, or name another with TMPDIR"
    )]
    Temporary(Arc<rusqlite::Error>),
    /// The file is damaged or incomplete.
    #[error(
        "the ledger {file} is damaged ({problem}) and is not used. Keep {file}, {file}-wal and {file}.lock as they are. \
         Restore the latest backup of them; without one, recover a copy and check it with verify: 'Damage' in the \
         handbook's chapter on the ledger has the commands. Do not begin a new ledger: it sends every row again, and \
         rows whose tokens Connect no longer honours get a second contact, which cannot be deleted",
        file = path.shown()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file lacks the last commit in its lock record.
    #[error(
        "the ledger {} is not the copy that was used last: it lacks {lacks}; {has}. It is not used. Put back the file that has that \
         commit, with its log {}-wal if it has one. If both copies were used, keep both: each has rows that the other lacks. To \
         compare them, copy this one without its lock file: {}. Only without {} a run continues with this copy: rows that \
         it does not know as created are sent again with the same tokens, and Connect returns the existing contacts as long \
         as it honours the tokens",
        path.shown(), path.shown(), copied(path), lock.shown()
    )]
    OtherCopy {
        /// The ledger.
        path: PathBuf,
        /// The commit that it lacks, with its author.
        lacks: String,
        /// What it has instead.
        has: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// The log beside the file is of another copy.
    #[error(
        "the ledger {} is not opened: the log beside it is of another copy, in which {author} died, and SQLite would mix the two. \
         Put back the file that the log belongs to. If this copy was made from that file and its log, and used since, move the log \
         away, and keep it: {}",
        path.shown(), moved_away(log)
    )]
    OtherLog {
        /// The ledger.
        path: PathBuf,
        /// The log.
        log: PathBuf,
        /// The run that wrote the log.
        author: String,
    },
    /// Another run holds the ledger, and the system gave this one the lock nevertheless.
    #[error(
        "another run holds the ledger {} ({holder}): its lock file changes, although the system gave the lock to this run, too. The \
         two see its folder through mounts that do not share locks, such as two FUSE mounts; nothing was sent. Wait for the other \
         run, or stop it, and keep the ledger on a local disk",
        path.shown()
    )]
    LockedElsewhere {
        /// The ledger.
        path: PathBuf,
        /// The holder's line in the lock file.
        holder: String,
    },
    /// Another run took the ledger while this one held it.
    #[error(
        "another run ({other}) took the ledger {} while this one ({own}) held it; this one has stopped, and nothing more is sent. The two see \
         its folder through mounts that do not share locks, such as two FUSE mounts. Let the other run end, then run again, which \
         settles the rows in flight; run one at a time, and keep the ledger on a local disk",
        path.shown()
    )]
    TakenOver {
        /// The ledger.
        path: PathBuf,
        /// The line of this run in the lock file.
        own: String,
        /// The line of the other run.
        other: String,
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
        if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) = source {
            return LedgerError::damaged(path, source.to_string());
        }
        // The statements are the program's own, so that a missing column is damage to the schema.
        if let rusqlite::Error::SqlInputError { msg, .. } = source {
            return LedgerError::damaged(path, msg);
        }
        // The same, of a statement in which SQLite does not say where, such as UPDATE.
        if let rusqlite::Error::SqliteFailure(error, Some(message)) = &source
            && error.extended_code == rusqlite::ffi::SQLITE_ERROR
            && message.starts_with("no such ")
        {
            return LedgerError::damaged(path, message.clone());
        }
        match sqlite_code::kind(code_of(&source)) {
            CodeKind::Corrupt => LedgerError::unless_intact(path, source.to_string(), LedgerError::damaged),
            CodeKind::NotADatabase => LedgerError::unless_intact(path, source.to_string(), |path, _| {
                LedgerError::NotALedger(path.to_owned())
            }),
            CodeKind::Busy => LedgerError::busy(path),
            CodeKind::Unread | CodeKind::Other => {
                LedgerError::Sqlite { path: path.to_owned(), source: Arc::new(source) }
            }
        }
    }

    /// What SQLite's check of all pages found, other than that they are intact.
    pub(super) fn of_check(path: &Path, found: &str) -> Self {
        match read_failure(found) {
            Some(source) => LedgerError::Sqlite { path: path.to_owned(), source: Arc::new(source) },
            None => LedgerError::unless_intact(path, found.replace('\n', " "), LedgerError::damaged),
        }
    }

    /// The error `damage`, if the file shows the same when it is read a second time.
    fn unless_intact(path: &Path, problem: String, damage: impl FnOnce(&Path, String) -> Self) -> Self {
        match read_again(path) {
            SecondReading::Intact => LedgerError::Misread { path: path.to_owned(), problem },
            SecondReading::Unread(source) => {
                LedgerError::Sqlite { path: path.to_owned(), source: Arc::new(source) }
            }
            SecondReading::Damaged => damage(path, problem),
        }
    }

    /// Another program keeps the ledger busy at this moment.
    pub(super) fn busy(path: &Path) -> Self {
        let (path, holder) = (path.to_owned(), String::new());
        LedgerError::Busy { path, holder, waited: Duration::ZERO, signal: None }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        LedgerError::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        LedgerError::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}

/// Extended result code of SQLite.
fn code_of(source: &rusqlite::Error) -> i32 {
    source.sqlite_error().map_or(rusqlite::ffi::SQLITE_ERROR, |error| error.extended_code)
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
