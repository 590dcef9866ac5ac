//! The command `report`: one HTML page about an import, to be mailed or printed. It has no script and loads nothing.
//!
//! `facts` reads the ledgers, `template` renders the page. Of a row the page shows the key, the place and the error,
//! never its values. Imports the ledger, the outline of the job file, and what `ui` shares with it: formats, the name of the
//! service, the next step and a verification in a line.

mod accounting;
mod axis;
mod clock;
mod details;
mod facts;
mod palette;
mod plots;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod verification;

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
