//! An open ledger: opened under its lock, and written to through its writer's thread.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::debug;

use super::busy_wait::{BusyWait, LedgerNotice};
use super::copies::{expect_commit, expect_log_of_file, nonce_of_file};
use super::counts::{StateCounts, recount, state_counts};
use super::error::{LedgerError, Stored};
use super::file::{self, LedgerFiles, create_if_missing, expect_pages, length, log_path, merge_log_at_close};
use super::identity::{Identity, bind_identity};
use super::lock::{Lock, is_taken};
use super::lock_record::ClosedFile;
use super::log_index::create_index_in_place;
use super::opening::Opening;
use super::place::{expect_usable_place, lock_path};
use super::schema::migrate;
use super::writer::LedgerWriter;
use super::writer::Session;
use crate::crash_plan::CrashPlan;
use crate::paths::resolved;
use crate::printable::ShownPath as _;
use crate::source::RowKey;
use crate::token::{ClientToken, TokenScheme};

/// Checking a smaller ledger takes a second or two, which is not announced. Bytes.
const ANNOUNCED_BYTES: u64 = 256 << 20;

/// Whether the ledger's file existed when it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LedgerOrigin {
    /// The file existed.
    Existing,
    /// Opening created the file.
    Created,
    /// Opening created the file although its lock file existed: an earlier ledger was removed.
    Recreated,
}

/// An open ledger, locked against every other run until it is dropped.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    origin: LedgerOrigin,
    scheme: TokenScheme,
    writer: LedgerWriter,
    #[cfg(test)]
    commit_fault: super::writer::CommitFault,
    // Declared after the writer, which closes the connection when it is dropped: the lock goes last.
    _lock: Lock,
}

impl Ledger {
    /// Opens or creates the ledger at `path` and locks it. If another run holds it, waits up to `lock_wait`; if another
    /// program keeps it busy, as `busy` says, also later. `busy` is told before anything that takes long.
    ///
    /// A ledger that its last run closed and nothing wrote to since opens at once, whatever its size. Any other is checked
    /// first: 1 s per million rows, measured.
    ///
    /// # Errors
    /// - [`LedgerError::Locked`], [`LedgerError::LockedElsewhere`]: another run holds it after `lock_wait`.
    /// - [`LedgerError::OtherCopy`], [`LedgerError::OtherLog`]: it lacks the last commit, or the log is of another copy.
    /// - [`LedgerError::Misplaced`]: no ledger can be there. Nothing was made or locked.
    /// - [`LedgerError::NotALedger`], [`LedgerError::Newer`], [`LedgerError::Damaged`], [`LedgerError::HardLinked`]: the
    ///   file cannot be used.
    /// - [`LedgerError::OtherIdentity`], [`LedgerError::OtherShard`]: it belongs to another import.
    /// - [`LedgerError::Busy`]: another program keeps it busy.
    /// - [`LedgerError::Io`], [`LedgerError::Sqlite`], [`LedgerError::Misread`]: it cannot be read or written.
    pub fn open(
        path: &Path,
        identity: &Identity,
        lock_wait: Duration,
        busy: &BusyWait,
        crash_plan: &CrashPlan,
    ) -> Result<Self, LedgerError> {
        expect_usable_place(path)?;
        let file = resolved(path);
        let lock_file = lock_path(&file);
        let had_lock_file = lock_file.try_exists().map_err(|source| LedgerError::io(&lock_file, source))?;
        let mut notify = |opening| busy.notify(LedgerNotice::Opening(opening));
        let lock = Lock::take(&file, lock_wait, &mut notify)?;
        // The files may be others since this run waited for the lock.
        expect_usable_place(path)?;
        let origin = match (create_if_missing(&file, crash_plan)?, had_lock_file) {
            (false, _) => LedgerOrigin::Existing,
            (true, false) => LedgerOrigin::Created,
            (true, true) => LedgerOrigin::Recreated,
        };
        let last_commit = lock.found().commit.as_ref().filter(|_| origin == LedgerOrigin::Existing);
        let nonce_of_file = nonce_of_file(path);
        create_index_in_place(&file);
        let mut is_announced = false;
        let connection = busy.until_free(path, || {
            let mut connection = file::open(path)?;
            expect_log_of_file(&connection, path, nonce_of_file)?;
            let is_closed = match lock.found().closed {
                Some(closed) => ClosedFile::of(&file).ok() == Some(closed) && length(&log_path(&file))? == 0,
                None => false,
            };
            let is_checked = origin == LedgerOrigin::Existing && !is_closed;
            if is_checked {
                let bytes = length(&file)?;
                if bytes > ANNOUNCED_BYTES && !is_announced {
                    is_announced = true;
                    busy.notify(LedgerNotice::Opening(Opening::Examined { bytes }));
                }
                expect_pages(&connection, path)?;
            }
            migrate(&mut connection, path, crash_plan)?;
            if let Some(commit) = last_commit {
                expect_commit(&connection, path, commit)?;
            }
            if is_checked {
                recount(&connection).map_err(|source| LedgerError::sqlite(path, source))?;
            }
            bind_identity(&connection, path, identity)?;
            merge_log_at_close(&connection);
            Ok(connection)
        })?;
        // By now the log exists, since the identity was written.
        let files = LedgerFiles::new(path, [file.clone(), log_path(&file), lock_path(&file)])?;
        debug!(ledger = %file.shown(), "open");
        let scheme = TokenScheme::new(&identity.instance_id, identity.operation, &identity.namespace);
        let session = Session::new(
            connection,
            path.to_owned(),
            scheme.clone(),
            (files, lock.record()),
            busy.clone(),
            crash_plan.clone(),
        )?;
        #[cfg(test)]
        let commit_fault = session.commit_fault();
        Ok(Ledger {
            path: path.to_owned(),
            origin,
            scheme,
            writer: LedgerWriter::start(session)?,
            #[cfg(test)]
            commit_fault,
            _lock: lock,
        })
    }

    /// Makes the `nth` COMMIT from now on fail as on a full disk, counted from 1.
    #[cfg(test)]
    pub(crate) fn fail_at_commit(&self, nth: u64) {
        self.commit_fault.set(nth);
    }

    /// Whether the ledger's file existed when it was opened.
    pub fn origin(&self) -> LedgerOrigin {
        self.origin
    }

    /// Path of the ledger's file, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Client token of the first row that has this key.
    pub fn token(&self, key: &RowKey) -> ClientToken {
        self.scheme.token(key, 1)
    }

    /// All rows by state.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn state_counts(&self) -> Result<StateCounts, LedgerError> {
        self.call(|session| {
            session.counts.write(&session.connection)?;
            Ok(state_counts(&session.connection)?)
        })
        .await
    }

    /// Does `work` in the writer's thread, and returns after COMMIT.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Stored<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let answer = self.writer.call(false, work);
        // Tokio's paused clock stands still while a blocking task runs, so a commit takes no time in the engine's tests.
        #[cfg(test)]
        let answer = async { tokio::task::spawn_blocking(|| answer.blocking_recv()).await.unwrap() };
        answer.await.map_err(|_| LedgerError::Stopped)?
    }

    /// Does `work` in the writer's thread, and blocks until COMMIT. Not for the async runtime's threads.
    pub(super) fn call_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Stored<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.writer.call(false, work).blocking_recv().map_err(|_| LedgerError::Stopped)?
    }

    /// Does `work` of the intake in the writer's thread, and blocks until it is done. A later call commits it.
    pub(super) fn call_uncommitted<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Stored<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.writer.call(true, work).blocking_recv().map_err(|_| LedgerError::Stopped)?
    }

    /// Stops the writer after all that it was handed, and merges the write-ahead log into the file.
    ///
    /// # Errors
    /// The last commit or the merge fails; the failure of an earlier call.
    pub fn close(mut self) -> Result<(), LedgerError> {
        self.writer.stop()
    }
}

/// Whether a run holds the ledger at this moment.
pub fn is_locked(ledger: &Path) -> bool {
    is_taken(&resolved(ledger))
}
