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
//! Order of the files, each importing earlier ones alone: `state`, `row`, `sqlite_code`, `second_reading`, `remedy`, `error`,
//! `schema`, `identity`, `occurrences`, `counts`, `mended_rows`, `progress`, `file`, `log_index`, `lock_holder`, `lock_record`,
//! `mount_point`, `place`, `opening`, `own_record`, `lock`, `copies`, `holders`, `busy_wait`, `log_watch`, `commit_recorder`,
//! `writer`, `handle`; then `shared_contacts`, `send`, `runs`, `existing`, `intake`, `mended_input`, `mend`, `resume` and
//! `contacts`, which extend [`Ledger`]; then `reader`, `known_rows`, `other_ledger`, `traffic`, `listing`, `verifications`,
//! `ledger_set` and `trial`.

mod accept;
mod busy_wait;
mod commit_recorder;
mod contacts;
mod copies;
mod counts;
mod error;
mod existing;
mod file;
mod handle;
mod holders;
mod identity;
mod intake;
mod known_keys;
mod known_rows;
mod ledger_set;
mod listing;
mod lock;
mod lock_holder;
mod lock_record;
mod log_index;
mod log_watch;
mod mend;
mod mended_input;
mod mended_rows;
mod mount_point;
mod occurrences;
mod opening;
mod other_ledger;
mod own_record;
mod place;
mod progress;
mod reader;
mod remedy;
mod resume;
mod row;
mod runs;
mod schema;
mod second_reading;
mod send;
mod shared_contacts;
mod sqlite_code;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod trial;
mod verifications;
mod writer;

pub use busy_wait::{BusyWait, LedgerNotice};
pub use contacts::{CreatedRow, InDoubtRow, SentRow};
pub use counts::{ErrorCount, ScanCounts, SourceAccount, SourceScan, StateCounts};
pub use error::LedgerError;
pub use handle::{Ledger, LedgerOrigin, is_locked};
pub use identity::{Identity, NamedIdentity};
pub use intake::{IntakeRow, Note, NoteKind, RejectOrigin, is_amended, is_restored};
pub use known_keys::KnownKey;
pub use known_rows::KnownRow;
pub use ledger_set::LedgerSet;
pub use listing::{ListedRow, RejectedRow, RowPage, RowsInDoubt, Selection};
pub use mended_rows::LeftTo;
pub use occurrences::{IS_CREATED, KeyHash, Occurrence, Occurrences, halves};
pub use opening::Opening;
pub use other_ledger::{SQLITE_START, expect_no_other_ledger};
pub use place::{companion_suffixes, expect_readable_place, expect_usable_place};
pub use reader::LedgerReader;
pub use resume::{IntakeTotals, Recognition, RowFingerprint, RowKind};
pub use row::{Cause, CauseMessage, Contact, RequestDigest, RowId, RunId};
pub use runs::{DoubtCounts, NewRun, Retry, RunRecord};
pub use send::{Claim, InFlight, SetAside, Settled, Settlement};
pub use shared_contacts::{MAX_SHARED_LISTED, SharedContact, SharedContacts};
pub use state::{Illegal, RowEvent, RowState, RowStatus, transition};
pub use traffic::{Latencies, MinuteTraffic, RunTraffic, Traffic};
pub use trial::{TrialError, TrialResult, TrialStep, try_folder};
pub use verifications::{VerificationCounts, VerificationId, VerificationRecord, VerificationScope};
