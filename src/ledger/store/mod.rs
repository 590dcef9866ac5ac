//! Every SQL statement that writes, on the writer's one connection.

mod adoption;
mod contacts;
mod intake;
mod recognition;
mod rows;
mod runs;
mod tallies;
mod traffic;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::lock_record::{Commit, Seal};
use super::migrate::sqlite;
use super::presence::Presence;
use super::{LedgerError, Occurrences};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::request::Operation;
use crate::shard::Shard;
use crate::token::{TOKEN_VERSION, TokenScheme};

pub use contacts::{CreatedRow, DoubtfulRow, SentRow};
pub(super) use intake::{IN_OPEN_READING, LEFT_ITS_FILE, refused_by_connect};
pub use intake::{IntakeRow, IntakeTotals, Note, Verdict, is_amended};
pub use recognition::RowFingerprint;
pub use rows::{Cause, Claim, Contact, SetAside, Settlement};
pub use runs::{Doubts, NewRun, Retry, RunRecord};
pub(super) use runs::{last_success_ms, latest_runs, rate_found};
use tallies::Tallies;
pub use tallies::{ErrorCount, StateCounts};
pub(super) use tallies::{
    are_true, count_anew, error_counts, state_counts, withdrawn_by_source, withdrawn_counts,
};
pub use traffic::Minutes;
pub(super) use traffic::{latencies, minutes};

/// A row's number in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RowId(pub i64);

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's number in the ledger, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The part of an identity that says which rows a ledger has.
const SHARD: &str = "shard";

/// Whose ledger it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The bare instance id.
    pub instance_id: String,
    /// The operation that makes the contacts.
    pub operation: Operation,
    /// Empty, or the name of a second, deliberate import.
    pub namespace: String,
    /// The key's columns; none means that the content is the key. Rows that are told apart in another
    /// way would have other tokens, and all of them would be sent again.
    pub key: Vec<String>,
    /// The part of the rows that it has; none is all.
    pub shard: Option<Shard>,
}

impl Identity {
    /// Each part by name, as the ledger compares them.
    pub(crate) fn parts(&self) -> [(&'static str, String); 5] {
        [
            ("instance", self.instance_id.clone()),
            ("operation", self.operation.name().to_owned()),
            ("namespace", self.namespace.clone()),
            ("key", serde_json::Value::from(self.key.clone()).to_string()),
            (SHARD, self.shard.map(|shard| shard.to_string()).unwrap_or_default()),
        ]
    }

    /// Refuses the ledger at `path` as a run would, if it belongs to `found` and that is another.
    ///
    /// # Errors
    /// [`LedgerError::OtherIdentity`] for the first part that differs.
    pub fn expect(&self, path: &Path, found: &Identity) -> Result<(), LedgerError> {
        refuse_other(path, self.parts(), found.parts().map(|(_, part)| part))
    }
}

/// Milliseconds since 1970-01-01 UTC, as the ledger keeps times.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Writes the identity into a new ledger, and compares it with an old one's.
pub(super) fn bind_identity(
    connection: &Connection,
    path: &Path,
    identity: &Identity,
) -> Result<(), LedgerError> {
    let version = ("token version", TOKEN_VERSION.to_string());
    let wanted: Vec<_> = identity.parts().into_iter().chain([version]).collect();
    let bind = || {
        connection.execute(
            "INSERT INTO identity (only, instance_id, operation, namespace, key_columns, shard, token_version)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            (&wanted[0].1, &wanted[1].1, &wanted[2].1, &wanted[3].1, &wanted[4].1, TOKEN_VERSION),
        )?;
        connection.query_row(
            "SELECT instance_id, operation, namespace, key_columns, shard, CAST(token_version AS TEXT) FROM identity",
            [],
            |row| (0..6).map(|part| row.get::<_, String>(part)).collect::<rusqlite::Result<Vec<_>>>(),
        )
    };
    let found = bind().map_err(|source| sqlite(path, source))?;
    refuse_other(path, wanted, found)
}

/// Refuses a ledger that has not come to `commit`, of which the lock file tells.
pub(super) fn expect_commit(
    connection: &Connection,
    path: &Path,
    commit: Commit,
    lock: &Path,
) -> Result<(), LedgerError> {
    let commits = "SELECT commits FROM runs WHERE id = ?1";
    let found: Option<i64> = connection
        .query_row(commits, [commit.run], |row| row.get(0))
        .optional()
        .map_err(|source| sqlite(path, source))?;
    if found.is_some_and(|found| found >= commit.number) {
        return Ok(());
    }
    let problem = format!(
        "it does not come to {commit}: its log was removed after a crash, or it is an older copy; if you put that there \
         on purpose, remove {}",
        lock.display()
    );
    Err(LedgerError::Damaged { path: path.to_owned(), problem })
}

/// Refuses a ledger of which some part is not what it would have to be.
fn refuse_other(
    path: &Path,
    wanted: impl IntoIterator<Item = (&'static str, String)>,
    found: impl IntoIterator<Item = String>,
) -> Result<(), LedgerError> {
    match wanted.into_iter().zip(found).find(|((_, wanted), found)| wanted != found) {
        Some(((SHARD, wanted), found)) => {
            Err(LedgerError::OtherShard { path: path.to_owned(), found, wanted })
        }
        Some(((what, wanted), found)) => {
            Err(LedgerError::OtherIdentity { path: path.to_owned(), what, found, wanted })
        }
        None => Ok(()),
    }
}

/// The writer's connection and what it remembers between calls of one run.
pub(super) struct Session {
    connection: Connection,
    path: PathBuf,
    scheme: TokenScheme,
    run: RunId,
    /// The rows met in this run, one bit a row of the ledger: rows that were created before are
    /// recognised without being written to.
    seen: Bits,
    /// The last row that was there when the run started.
    rows_before: RowId,
    /// The last row.
    last_row: RowId,
    /// Where the input has come to among them.
    last_met: RowId,
    /// Repetitions of tokens in this run.
    repeats: Occurrences,
    /// What of the input was known.
    met: Met,
    /// Where the next claim goes on: first among the rows in doubt, then among the others.
    claimed: Claimed,
    /// Whether the run's first request is on record.
    sending: bool,
    /// The headers that rows of this run stand under.
    headers: BTreeSet<i64>,
    /// Which rows are sent again because somebody said so.
    retry: Vec<Retry>,
    /// Whether the files are still in their places.
    presence: Presence,
    /// Where commits are written down beside the ledger.
    seal: Seal,
    /// How many this run has made.
    commits: i64,
    /// What had been changed when the transaction began.
    changes: u64,
    /// What SQLite says changes whenever somebody else writes to the ledger.
    version: i64,
    /// What the transaction changes about the counts.
    tallies: Tallies,
    crash_plan: CrashPlan,
    #[cfg(test)]
    commit_fault: CommitFault,
    /// How long a token may be used again, in milliseconds.
    window_ms: i64,
}

/// Rows of the input that the ledger knew.
#[derive(Default)]
struct Met {
    /// Those that were created before.
    created: u64,
    /// Of them, those with other content than was sent.
    changed: u64,
    /// Those without a key that equal an earlier one.
    identical: u64,
}

#[derive(Clone, Copy)]
enum Claimed {
    InDoubt(i64),
    Fresh(i64),
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        scheme: TokenScheme,
        (presence, seal): (Presence, Seal),
        crash_plan: CrashPlan,
    ) -> Result<Self, LedgerError> {
        connection.set_prepared_statement_cache_capacity(32);
        let version = data_version(&connection).map_err(|source| sqlite(&path, source))?;
        Ok(Session {
            connection,
            version,
            path,
            scheme,
            run: RunId(0),
            seen: Bits::default(),
            rows_before: RowId(0),
            last_row: RowId(0),
            last_met: RowId(0),
            repeats: Occurrences::default(),
            met: Met::default(),
            claimed: Claimed::InDoubt(0),
            sending: false,
            headers: BTreeSet::new(),
            retry: Vec::new(),
            presence,
            seal,
            commits: 0,
            changes: 0,
            crash_plan,
            #[cfg(test)]
            commit_fault: CommitFault::default(),
            window_ms: 0,
            tallies: Tallies::default(),
        })
    }

    /// A handle that makes a later COMMIT fail.
    #[cfg(test)]
    pub(super) fn commit_fault(&self) -> CommitFault {
        self.commit_fault.clone()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn begin_transaction(&mut self) -> Result<(), LedgerError> {
        self.changes = self.connection.total_changes();
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|source| self.failed(source))
    }

    pub(super) fn commit(&mut self) -> Result<(), LedgerError> {
        self.count()?;
        let counts = self.run != RunId(0) && self.connection.total_changes() != self.changes;
        if counts {
            self.commits += 1;
            self.connection
                .prepare_cached("UPDATE runs SET commits = ?2, last_ms = ?3 WHERE id = ?1")
                .and_then(|mut count| count.execute((self.run.0, self.commits, now_ms())))
                .map_err(|source| self.failed(source))?;
        }
        self.crash_plan.reach(CrashPoint::BeforeCommit);
        #[cfg(test)]
        self.commit_fault.reach(&self.path)?;
        self.connection.execute_batch("COMMIT").map_err(|source| self.failed(source))?;
        self.crash_plan.reach(CrashPoint::AfterCommit);
        // Before anybody is told: what is committed to a file that was taken away is lost.
        self.presence.check()?;
        if counts {
            self.seal.commit(Commit { run: self.run.0, number: self.commits });
        }
        Ok(())
    }

    pub(super) fn close(self) -> Result<(), LedgerError> {
        // Whoever else wrote to it has not counted: the next run is to look through it.
        let is_ours = data_version(&self.connection).is_ok_and(|version| version == self.version);
        let path = self.path;
        self.connection.close().map_err(|(_, source)| sqlite(&path, source))?;
        if is_ours {
            self.seal.close(&path);
        }
        Ok(())
    }

    /// Writes down how many rows there are of each kind by now.
    fn count(&mut self) -> Result<(), LedgerError> {
        self.tallies.write(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    fn retries(&self, what: Retry) -> bool {
        self.retry.contains(&what)
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        sqlite(&self.path, source)
    }
}

/// Makes a COMMIT fail as on a full disk, for tests.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(super) struct CommitFault(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(test)]
impl CommitFault {
    /// Has the `nth` COMMIT from now on fail, counted from 1.
    pub(super) fn set(&self, nth: u64) {
        self.0.store(nth, std::sync::atomic::Ordering::SeqCst);
    }

    fn reach(&self, path: &Path) -> Result<(), LedgerError> {
        use std::sync::atomic::Ordering::SeqCst;
        match self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(1) => Err(sqlite(path, rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(13), None))),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// A number that changes when another connection commits, and not when this one does.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// A set of small numbers.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number; whether it was there already.
    pub(super) fn insert(&mut self, number: RowId) -> bool {
        let number = usize::try_from(number.0).unwrap_or_default();
        let (word, bit) = (number / 64, 1 << (number % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let was_there = self.0[word] & bit != 0;
        self.0[word] |= bit;
        was_there
    }

    /// Whether the number is in the set.
    fn contains(&self, number: RowId) -> bool {
        let number = usize::try_from(number.0).unwrap_or_default();
        self.0.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}
