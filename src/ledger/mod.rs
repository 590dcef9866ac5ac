//! The ledger of an import: a SQLite file that records every row, every attempt and every run.
//!
//! Promises:
//! - After a crash the ledger says what happened, or that it is not known.
//! - Sending needs an [`InFlight`], which only [`Ledger::begin`] makes, and only after its intent is committed.
//! - A caller of [`Ledger`] is answered after COMMIT. One thread owns the connection.
//! - SQLite refuses a second row of a token.
//! - A failure is fatal to the run: every later call fails with the same error.
//!
//! May import: `source`, `request`, `mapping`, `token`, `shard` and the crate's small helpers. Every SQL statement of
//! the crate is in this folder.
//!
//! Order of the files, each importing earlier ones alone: `state`, `row`, `error`, `schema`, `identity`, `occurrences`,
//! `counts`, `file`, `lock`, `writer`, `handle`; then `shared_contacts`, `send`, `runs`, `resume`, `intake` and `contacts`,
//! which extend [`Ledger`]; then `reader`, `other_ledger`, `traffic`, `listing`,
//! `verifications` and `ledger_set`.

mod accept;
mod contacts;
mod counts;
mod error;
mod file;
mod handle;
mod identity;
mod intake;
mod known_keys;
mod ledger_set;
mod listing;
mod lock;
mod occurrences;
mod other_ledger;
mod reader;
mod resume;
mod row;
mod runs;
mod schema;
mod send;
mod shared_contacts;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod verifications;
mod writer;

pub use contacts::{CreatedRow, InDoubtRow, SentRow};
pub use counts::{ErrorCount, ScanCounts, SourceAccount, SourceScan, StateCounts};
pub use error::LedgerError;
pub use handle::{Ledger, LedgerOrigin, is_locked};
pub use identity::{Identity, NamedIdentity};
pub use intake::{IntakeRow, Note, NoteKind, is_amended};
pub use known_keys::KnownKey;
pub use ledger_set::LedgerSet;
pub use listing::{ListedRow, RejectedRow, RowPage, RowsInDoubt, Selection};
pub use lock::Opening;
pub use occurrences::{IS_CREATED, KeyHash, Occurrence, Occurrences, halves};
pub use other_ledger::expect_no_other_ledger;
pub use reader::{KnownRow, LedgerReader};
pub use resume::{IntakeTotals, Recognition, RowFingerprint};
pub use row::{Cause, CauseMessage, Contact, RequestDigest, RowId, RunId};
pub use runs::{DoubtCounts, NewRun, Retry, RunRecord};
pub use send::{Claim, InFlight, SetAside, Settled, Settlement};
pub use shared_contacts::{MAX_SHARED_LISTED, SharedContact, SharedContacts};
pub use state::{Illegal, RowEvent, RowState, RowStatus, transition};
pub use traffic::{Latencies, MinuteTraffic, RunTraffic, Traffic};
pub use verifications::{VerificationCounts, VerificationId, VerificationRecord, VerificationScope};
