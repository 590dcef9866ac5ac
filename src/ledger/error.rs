//! What can go wrong with a ledger. Each is fatal to the run.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::{Illegal, RowId, RunId};

/// A ledger failure; nothing is sent after one.
#[derive(Clone, Debug, Error)]
pub enum LedgerError {
    /// Another run holds the lock.
    #[error("another run holds the ledger {} ({holder}); wait for it, or stop it", path.display())]
    Locked {
        /// The ledger.
        path: PathBuf,
        /// What the holder wrote into the lock file.
        holder: String,
    },
    /// The file is something else.
    #[error(
        "{} is not a ledger of connect-import, or its beginning is damaged; name another file with --ledger, or \
         restore it",
        .0.display()
    )]
    NotALedger(PathBuf),
    /// The ledger was written by a later version.
    #[error("the ledger {} was written by a newer connect-import; update this one", .0.display())]
    Newer(PathBuf),
    /// There is no ledger.
    #[error("there is no ledger {}; run an import first, or name it with --ledger", .0.display())]
    Missing(PathBuf),
    /// The ledger belongs to another import.
    #[error(
        "the ledger {} belongs to {what} '{found}', not '{wanted}'; give it that, or name another with --ledger",
        path.display()
    )]
    OtherIdentity {
        /// The ledger.
        path: PathBuf,
        /// `instance`, `operation`, `namespace`, `key` or `token version`.
        what: &'static str,
        /// Whose it is.
        found: String,
        /// Whose it would have to be.
        wanted: String,
    },
    /// The ledger has other rows of the same import.
    #[error(
        "the ledger {} has {}, not {}; run it {}, or name another with --ledger",
        path.display(), rows_of(found), rows_of(wanted),
        if found.is_empty() { "without --shard".to_owned() } else { format!("with --shard {found}") }
    )]
    OtherShard {
        /// The ledger.
        path: PathBuf,
        /// Which rows it has, such as `0/4`; empty: all.
        found: String,
        /// Which it would have to have.
        wanted: String,
    },
    /// The file or its directory cannot be used.
    #[error("cannot use the ledger {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// SQLite failed: a full disk, a read-only file, damage.
    #[error(
        "cannot read or write the ledger {}: {source}; what it has is not lost: once that is mended, give the same \
         command again",
        path.display()
    )]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// SQLite cannot write or read a temporary database beside the ledger.
    #[error(
        "cannot use a temporary file: {0}; free space in the folder for temporary files, or name another with TMPDIR"
    )]
    Temporary(Arc<rusqlite::Error>),
    /// The file is no sound ledger any more.
    #[error(
        "the ledger {} is damaged ({problem}), and is neither believed nor written to. Restore it from a backup. Without \
         one, move it away: a run with a new one sends every row again with the same token, and Connect answers with the \
         contacts it has as long as it honours tokens",
        path.display()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// The file has more than one name.
    #[error(
        "the ledger {} has another name too (a hard link), and under each name it has a lock and a log of its own, so that \
         a part of it may be missing here; remove the other name, or make a copy of it",
        .0.display()
    )]
    HardLinked(PathBuf),
    /// A part of the ledger is in its log, and nothing can be written beside it.
    #[error(
        "the ledger {} cannot be read where it lies: a part of it is in {}, which SQLite reads only where it can write; \
         copy both, and {}.lock, to a folder that you may write to, and name the copy with --ledger",
        path.display(), log.display(), path.display()
    )]
    LogApart {
        /// The ledger.
        path: PathBuf,
        /// Its log.
        log: PathBuf,
    },
    /// The ledger lies where SQLite could not notice what others write.
    #[error("the ledger {} was written to while it was read, and what was read may be torn; give the same command again", .0.display())]
    Written(PathBuf),
    /// The ledger is not where it was opened, so that no later run would see what is written to it.
    #[error(
        "the ledger {} was taken away during the run: {} was removed, moved or replaced; nothing more is sent. Put \
         it back and run again",
        path.display(), file.display()
    )]
    Gone {
        /// The ledger.
        path: PathBuf,
        /// The file that is not there.
        file: PathBuf,
    },
    /// The ledger was there when it was first looked at.
    #[error(
        "the ledger {} was there a moment ago and is not any more: it was removed or moved. Put it back before the next \
         run, which without it sends every row again with the same token",
        .0.display()
    )]
    TakenAway(PathBuf),
    /// A row was not where it must have been; someone else wrote to the ledger.
    #[error(
        "row {row} of the ledger was changed by someone else during the run, or is damaged; nothing more is sent"
    )]
    Disturbed {
        /// The row.
        row: RowId,
    },
    /// Two ledgers are of different imports.
    #[error(
        "the ledger {} is of {what} '{found}' and the ledger {} of '{wanted}'; name those of one import",
        path.display(), first.display()
    )]
    Mixed {
        /// The one that differs.
        path: PathBuf,
        /// From this one.
        first: PathBuf,
        /// `instance`, `operation`, `namespace` or `key`.
        what: &'static str,
        /// What the one has.
        found: String,
        /// What the other has.
        wanted: String,
    },
    /// Two ledgers are of different divisions of the same import.
    #[error(
        "the ledger {} has {}, and the ledger {} {}; name those of one division",
        path.display(), rows_of(found), first.display(), rows_of(other)
    )]
    Divided {
        /// The one that differs.
        path: PathBuf,
        /// From this one.
        first: PathBuf,
        /// Which rows the one has, such as `0/4`; empty: all.
        found: String,
        /// Which the other has.
        other: String,
    },
    /// There is no such run.
    #[error("the ledger {} has no run {run}: {}", path.display(), latest.map_or(
        "no run has been started".to_owned(), |latest| format!("its latest is run {latest}")
    ))]
    NoRun {
        /// The ledger.
        path: PathBuf,
        /// The run that was asked for.
        run: RunId,
        /// The latest run.
        latest: Option<RunId>,
    },
    /// A ledger says nothing of its rows' key.
    #[error("the ledger {} was made, and no run has come further: there is nothing to join; run the import", .0.display())]
    Unbegun(PathBuf),
    /// A bug: the states do not allow what was to be recorded.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The writer is gone.
    #[error("the ledger's writer has stopped")]
    Stopped,
}

/// The rows of a shard, or all of them, in words.
fn rows_of(shard: &str) -> String {
    if shard.is_empty() { "all rows of its import".to_owned() } else { format!("the rows of shard {shard}") }
}
