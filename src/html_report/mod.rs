//! One HTML page about an import, for whoever pays for it: no script, nothing fetched, fit to be mailed and printed.
//!
//! The facts are gathered from the ledgers; what is told of a row is its key, its place, and what is
//! wrong with it.

mod accounting;
mod axis;
mod clock;
mod entries;
mod facts;
mod paint;
mod plots;
mod shards;
mod template;
mod timeline;
mod words;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use thiserror::Error;

use crate::job::Outline;
use crate::ledger::{LedgerError, LedgerSet};
use facts::Facts;

/// What a page is told besides the ledgers.
#[derive(Clone, Debug)]
pub struct About {
    /// What the job file says, if there is one.
    pub job: Option<Outline>,
    /// The time zone of all times on the page.
    pub zone: TimeZone,
    /// What the variable TZ says, which is the name of a zone that has no other.
    pub tz: Option<String>,
    /// When it is made, in milliseconds since 1970.
    pub now_ms: i64,
    /// The version of connect-import.
    pub version: &'static str,
}

/// A page cannot be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// A ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A plot or a template failed; a bug.
    #[error("the page cannot be made: {0}; report this as a bug")]
    Made(String),
}

/// The page about the import that these ledgers are of. It reads only, and may do so during a run.
///
/// # Errors
/// A ledger cannot be read.
pub fn page(ledgers: &LedgerSet, about: &About) -> Result<String, PageError> {
    let facts = Facts::gather(ledgers, about.now_ms)?;
    template::render(&facts, about)
}
