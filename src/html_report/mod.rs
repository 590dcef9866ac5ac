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

/// Contents of the report that are not in the ledgers.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The job file.
    pub job: Option<Outline>,
    /// Time zone of all times in the report.
    pub zone: TimeZone,
    /// Value of the variable TZ, shown for a zone without an IANA name.
    pub tz: Option<String>,
    /// Time of the report, Unix milliseconds.
    pub now_ms: i64,
    /// Version of connect-import.
    pub version: &'static str,
}

/// The report cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A plot or a template failed: a bug.
    #[error("cannot make the report: {0}; please report this as a bug")]
    Render(String),
}

/// The HTML page about the import of these ledgers. It only reads them and may run during a run.
///
/// # Errors
/// [`ReportError::Ledger`]; [`ReportError::Render`] is a bug.
pub fn html_report(ledgers: &LedgerSet, options: &ReportOptions) -> Result<String, ReportError> {
    let facts = Facts::gather(ledgers, options.now_ms)?;
    template::render(&facts, options)
}
