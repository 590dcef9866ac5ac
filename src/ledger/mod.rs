//! The durable record of an import. What it says after a crash is what happened, or says that it
//! does not know.
//!
//! One thread owns the connection; callers hand it work and are answered after COMMIT. Sending needs
//! an [`InFlight`], which only [`Ledger::begin`] makes, and only after its intent is durable.

mod accounts;
mod columns;
mod doubtful;
mod error;
mod history;
mod listing;
mod lock;
mod migrate;
mod occurrences;
mod named;
mod places;
mod presence;
mod read_only;
mod reader;
mod lock_record;
mod sent;
mod ledger_set;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod testing;
mod traffic;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use accounts::{Reading, SourceAccount};
pub use doubtful::Doubtful;
pub use error::LedgerError;
pub use history::Stretch;
pub use ledger_set::LedgerSet;
pub use listing::{ListedRow, Page, Selection};
pub use named::NamedIdentity;
pub use occurrences::{Occurrence, Occurrences};
pub use reader::{KnownRow, LedgerReader, RejectedRow};
pub use sent::Sent;
pub use state::{Illegal, RowEvent, RowState, RowStatus, transition};
pub use store::{
    Cause, Claim, Contact, CreatedRow, DoubtfulRow, Doubts, ErrorCount, Identity, IntakeRow, IntakeTotals,
    Minutes, NewRun, Note, Retry, RowFingerprint, RowId, RunId, RunRecord, SentRow, SetAside, Settlement,
    StateCounts, Verdict, is_amended,
};

pub use traffic::{Latencies, Traffic};

use tracing::debug;

use crate::crash_plan::CrashPlan;
use crate::paths::{resolved, with_suffix};
use crate::request::ContactRequest;
use crate::source::{Header, Input, RowKey};
use crate::token::{ClientToken, TokenScheme};
use lock::{Lock, lock_path};
use lock_record::Closed;
use presence::Presence;
use store::Session;
use writer::Writer;

/// The application id in the SQLite file's header: "conI".
const APPLICATION_ID: i32 = 0x636f_6e49;

/// An open ledger, locked against every other run until it is dropped.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    origin: LedgerOrigin,
    scheme: TokenScheme,
    writer: Writer,
    #[cfg(test)]
    commit_fault: store::CommitFault,
    // Declared after the writer, which closes the connection when it is dropped: the lock goes last.
    _lock: Lock,
}

/// How the ledger file came to be when it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LedgerOrigin {
    /// The file existed before it was opened.
    Existing,
    /// Opening created the file.
    Created,
    /// Opening created the file although its lock file existed: an earlier ledger was removed.
    Recreated,
}

/// What keeps the opening of a ledger up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Another run holds the ledger, and this one waits for it.
    Queued {
        /// Who holds it.
        holder: String,
        /// For how long at most.
        patience: Duration,
    },
    /// Nobody closed the ledger, so that every page of it is looked at.
    Examined {
        /// Its size.
        bytes: u64,
    },
}

/// LedgerSet of fewer bytes are examined or renewed in a few seconds, and nobody need be told.
const SMALL: u64 = 256 << 20;

/// A row whose intent to be sent is durable. It cannot be copied, and settling consumes it, so a
/// request without an intent, or one settled twice, does not compile.
#[derive(Debug)]
pub struct InFlight {
    claim: Claim,
    request: ContactRequest<'static>,
    sent: Sent,
}

impl InFlight {
    /// The row.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The client token to send.
    pub fn token(&self) -> ClientToken {
        self.claim.token()
    }

    /// The request to send.
    pub fn request(&self) -> &ContactRequest<'static> {
        &self.request
    }
}

/// What came of [`Ledger::settle`].
#[derive(Debug)]
pub struct Settled {
    /// The row's state and flags after it.
    pub status: RowStatus,
    /// The row; to be sent again if it is pending.
    pub claim: Claim,
}

impl Ledger {
    /// Opens the ledger at `path` or makes it, brings its schema up to date, and locks it. If another run
    /// holds it, the lock is waited for, for `patience` at most; `tell` hears what takes time.
    ///
    /// A ledger that its last run closed, and that nobody has written to since, opens at once, whatever its size.
    /// Any other is examined first: 1 s for a million rows, measured.
    ///
    /// # Errors
    /// Another run holds it; it is no ledger, or a damaged one, or one of a newer version, or belongs to another
    /// instance, operation or namespace; it cannot be read or written.
    pub fn open(
        path: &Path,
        identity: &Identity,
        patience: Duration,
        tell: &mut dyn FnMut(Opening),
        crash_plan: &CrashPlan,
    ) -> Result<Self, LedgerError> {
        let file = resolved(path);
        let was_here = lock_path(&file).exists();
        let lock = Lock::take(&file, patience, tell)?;
        let origin = match (migrate::make_if_missing(&file, crash_plan)?, was_here) {
            (false, _) => LedgerOrigin::Existing,
            (true, false) => LedgerOrigin::Created,
            (true, true) => LedgerOrigin::Recreated,
        };
        let mut connection = migrate::open(path)?;
        let log = with_suffix(&file, "-wal").metadata().map_or(0, |metadata| metadata.len());
        let is_closed =
            lock.found().closed.is_some_and(|closed| Closed::of(&file).ok() == Some(closed) && log == 0);
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let is_foreign = origin == LedgerOrigin::Existing && !is_closed;
        if is_foreign {
            if bytes > SMALL {
                tell(Opening::Examined { bytes });
            }
            migrate::expect_whole(&connection, path)?;
        }
        migrate::migrate(&mut connection, path, crash_plan)?;
        if is_foreign {
            store::count_anew(&connection).map_err(|source| migrate::sqlite(path, source))?;
        }
        store::bind_identity(&connection, path, identity)?;
        if let (LedgerOrigin::Existing, Some(commit)) = (origin, lock.found().commit) {
            store::expect_commit(&connection, path, commit, &lock_path(&file))?;
        }
        // The log is there by now: something was written.
        let files = [file.clone(), with_suffix(&file, "-wal"), lock_path(&file)];
        let presence = Presence::of(path, files)?;
        debug!(ledger = %file.display(), "open");
        let scheme = TokenScheme::new(&identity.instance_id, identity.operation, &identity.namespace);
        let io = |source| LedgerError::Io { path: lock_path(&file), source: Arc::new(source) };
        let seal = lock.seal().map_err(io)?;
        let session =
            Session::new(connection, path.to_owned(), scheme.clone(), (presence, seal), crash_plan.clone())?;
        #[cfg(test)]
        let commit_fault = session.commit_fault();
        Ok(Ledger {
            path: path.to_owned(),
            origin,
            scheme,
            writer: Writer::start(session)?,
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

    /// When it was made.
    pub fn origin(&self) -> LedgerOrigin {
        self.origin
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records a new run and settles what a dead run left in flight: within `window` of its first
    /// attempt a row waits for another, with the same token; after that it is unknown.
    pub fn start_run(&self, run: NewRun) -> Result<RunId, LedgerError> {
        self.writer.call(move |session| session.start_run(&run))
    }

    /// Enters an input and its header; the ids go into [`IntakeRow`].
    pub fn enter_source(&self, input: &Input, header: &Header) -> Result<(i64, i64), LedgerError> {
        let (path, columns) = (input.identity(), header.columns().to_vec());
        self.writer.call(move |session| session.enter_source(&path, &columns))
    }

    /// Notes that an input has been read to its end and had so many rows, of which so many are in other shards. What was
    /// entered of one that was not is not sent by a
    /// later run, unless the input brings it up again.
    pub fn leave_source(&self, source: i64, rows: u64, elsewhere: u64) -> Result<(), LedgerError> {
        self.writer.call(move |session| session.leave_source(source, rows, elsewhere))
    }

    /// The token of the first row that has this key.
    pub fn token(&self, key: &RowKey) -> ClientToken {
        self.scheme.token(key, 1)
    }

    /// Which of these rows of `source`, in file order, are created already, with the same content and at the same
    /// place: nothing is to be done for them. They count as met.
    pub fn recognise(&self, source: i64, sightings: Vec<RowFingerprint>) -> Result<Vec<bool>, LedgerError> {
        self.writer.call_ahead(move |session| session.recognise(source, &sightings))
    }

    /// Takes rows of the input into the ledger, in file order, and says what is to be told of them. They are
    /// durable when [`Ledger::leave_source`] has been answered.
    pub fn take_in(&self, rows: Vec<IntakeRow>) -> Result<Vec<Note>, LedgerError> {
        self.writer.call_ahead(move |session| session.take_in(&rows))
    }

    /// Ends the intake: rows left waiting by earlier runs are adopted, unless their file was read
    /// in this run and holds them no longer.
    pub fn finish_intake(&self, totals: IntakeTotals) -> Result<RunRecord, LedgerError> {
        self.writer.call(move |session| session.finish_intake(totals))
    }

    /// The headers of rows that wait, by id.
    pub fn waiting_headers(&self) -> Result<Vec<(i64, Vec<String>)>, LedgerError> {
        self.writer.call(|session| session.waiting_headers())
    }

    /// Up to `limit` waiting rows that no earlier call returned: those in doubt first.
    pub async fn claim(&self, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        self.writer.call_async(move |session| session.claim(limit)).await
    }

    /// Makes the intent to send durable. The answer comes after COMMIT.
    pub async fn begin(
        &self,
        claim: Claim,
        request: ContactRequest<'static>,
    ) -> Result<InFlight, LedgerError> {
        let sent = Sent::with(claim.token(), &request);
        let claim = self.writer.call_async(move |session| session.begin(claim, sent)).await?;
        Ok(InFlight { claim, request, sent })
    }

    /// Records what came of an attempt. The answer comes after COMMIT.
    pub async fn settle(&self, in_flight: InFlight, settlement: Settlement) -> Result<Settled, LedgerError> {
        let InFlight { claim, sent, request: _ } = in_flight;
        self.writer.call_async(move |session| session.settle(claim, &settlement, sent)).await
    }

    /// Records that a waiting row will not be sent: its token is too old, or it cannot be mapped.
    pub async fn set_aside(&self, claim: Claim, reason: SetAside) -> Result<Settled, LedgerError> {
        self.writer.call_async(move |session| session.set_aside(claim, &reason)).await
    }

    /// All rows by state.
    pub async fn state_counts(&self) -> Result<StateCounts, LedgerError> {
        self.writer.call_async(|session| session.state_counts()).await
    }

    /// Draws `count` created rows by chance; [`Ledger::created`] gives them when it is asked for the sample.
    pub async fn draw_sample(&self, count: u64) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.draw_sample(count)).await
    }

    /// Up to `limit` created rows after `after`, all or those of the sample.
    pub async fn created(
        &self,
        after: RowId,
        limit: usize,
        sampled: bool,
    ) -> Result<Vec<CreatedRow>, LedgerError> {
        self.writer.call_async(move |session| session.created(after, limit, sampled)).await
    }

    /// Draws the rows that may have been created; [`Ledger::doubtful`] gives them.
    pub async fn draw_doubtful(&self) -> Result<(), LedgerError> {
        self.writer.call_async(|session| session.draw_doubtful()).await
    }

    /// The first row after `after` of those that were drawn and are not created by now.
    pub async fn doubtful(&self, after: RowId) -> Result<Option<DoubtfulRow>, LedgerError> {
        self.writer.call_async(move |session| session.doubtful(after)).await
    }

    /// How many created rows have the contact of another row, and up to `limit` of them.
    pub async fn shared(&self, limit: usize) -> Result<(u64, Vec<CreatedRow>), LedgerError> {
        self.writer.call_async(move |session| session.shared(limit)).await
    }

    /// Whether some row was created as this contact.
    pub async fn knows(&self, contact_id: String) -> Result<bool, LedgerError> {
        self.writer.call_async(move |session| session.knows(&contact_id)).await
    }

    /// Records that Connect has the contact of an unknown row. The answer comes after COMMIT.
    pub async fn settle_found(&self, row: RowId, contact: Contact) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.settle_found(row, &contact)).await
    }

    /// Notes that the run goes on at another rate, in requests a second, or looks for one from there.
    pub async fn set_rate(&self, rate: f64, is_auto: bool) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.set_rate(rate, is_auto)).await
    }

    /// Notes how many of the rows that wait the run is not to send, by its limit.
    pub async fn note_held_back(&self, rows: u64) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.note_held_back(rows)).await
    }

    /// Notes the rate that the run has found, in requests a second.
    pub async fn note_found(&self, rate: f64) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.note_found(rate)).await
    }

    /// Adds to the record of what went over the wire in a minute since 1970, which is complete up to now by that.
    pub async fn note_traffic(&self, minute: i64, traffic: Traffic) -> Result<(), LedgerError> {
        self.writer.call_async(move |session| session.note_traffic(minute, &traffic)).await
    }

    /// Records how the run ended, and returns the record as the ledger has it.
    pub fn end_run(&self, ending: &'static str, throttled: u64) -> Result<RunRecord, LedgerError> {
        self.writer.call(move |session| session.end_run(ending, throttled))
    }

    /// Records with which exit code the run ended.
    pub fn note_exit(&self, code: u8) -> Result<(), LedgerError> {
        self.writer.call(move |session| session.note_exit(code))
    }

    /// Stops the writer after all that was handed to it, and folds the write-ahead log back.
    pub fn close(mut self) -> Result<(), LedgerError> {
        self.writer.stop()
    }
}

/// Whether a run holds the ledger at this moment.
pub fn is_locked(ledger: &Path) -> bool {
    lock::is_taken(&resolved(ledger))
}
