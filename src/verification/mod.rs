//! Compares the ledger with Connect, for the command `verify`: whether created rows exist as they were sent, and whether
//! unknown rows exist.
//!
//! It only reads contacts. A contact that is found settles an unknown row; one that is not found proves nothing. The
//! result is recorded in the ledger, also of a verification that ends early.
//!
//! May import: `ledger`, `mapping`, `pacing`, `submission`, `engine`'s endings and `event`.

mod matching;
mod paced;
mod run;

pub use run::Verification;

/// Documented quota of DescribeContact, requests per second (administrator guide, API throttling quotas). Its burst is one
/// and a half times that.
pub const DESCRIBE_RATE: f64 = 10.0;

/// Documented quota of SearchContacts, requests per second. Its burst is 1.
pub const SEARCH_RATE: f64 = 0.5;
