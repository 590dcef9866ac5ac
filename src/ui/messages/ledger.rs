//! The messages of `status` and `report`.

use serde::Serialize;

use super::SchemaVersion;

/// What a ledger holds. From status.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerStatus<'a> {
    pub(crate) schema_version: SchemaVersion,
    #[serde(flatten)]
    pub(crate) ledger: LedgerState<'a>,
    /// Shards of the import, such as 0/4, whose ledgers are not among those that were looked at.
    pub(crate) shards_missing: Vec<String>,
}

/// What several ledgers of one import hold. From status.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgersStatus<'a> {
    pub(crate) schema_version: SchemaVersion,
    pub(crate) instance_id: &'a str,
    /// Whether a run holds one of them at this moment.
    pub(crate) running: bool,
    pub(crate) rows: RowsByState,
    /// All rows.
    pub(crate) total: u64,
    /// Of the pending and failed rows, those that are no longer in their file; not sent.
    pub(crate) withdrawn: u64,
    /// Contacts created a second in the last minutes, by all runs that are under way.
    pub(crate) rate_of_late: Option<f64>,
    /// Seconds until the slowest is through; null if no row waits, while the input is read, and where nothing was created of late.
    pub(crate) seconds_left: Option<f64>,
    /// The most frequent causes of rows that are not created.
    pub(crate) errors: Vec<LedgerCause<'a>>,
    /// Each of them.
    pub(crate) ledgers: Vec<LedgerState<'a>>,
    /// Shards of the import, such as 0/4, whose ledgers are not among them.
    pub(crate) shards_missing: Vec<String>,
}

/// A ledger and what is in it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerState<'a> {
    /// The ledger's path.
    pub(crate) ledger: String,
    /// The part of the rows that it has, such as 0/4; null if all.
    pub(crate) shard: Option<String>,
    pub(crate) instance_id: &'a str,
    /// Whether a run holds the ledger at this moment.
    pub(crate) running: bool,
    pub(crate) rows: RowsByState,
    /// All rows.
    pub(crate) total: u64,
    /// Of the pending and failed rows, those that are no longer in their file; not sent.
    pub(crate) withdrawn: u64,
    /// Contacts created a second in the last minutes, while a run is under way.
    pub(crate) rate_of_late: Option<f64>,
    /// The command to go on with, if there is anything to be done and no run is under way.
    pub(crate) next_step: Option<String>,
    /// Seconds that the waiting rows take at the rate of late, or of the latest run; null if none waits, while the input is read, and where nothing was created of late. What waits beyond --limit is not counted while that run is under way.
    pub(crate) seconds_left: Option<f64>,
    /// The most frequent causes of rows that are not created.
    pub(crate) errors: Vec<LedgerCause<'a>>,
    /// The latest runs, newest first.
    pub(crate) runs: Vec<LedgerRun<'a>>,
}

/// A page about an import is written. From report.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PageWritten {
    pub(crate) schema_version: SchemaVersion,
    /// The page's path.
    pub(crate) page: String,
}

/// Rows by state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RowsByState {
    /// They wait to be sent.
    pub(crate) pending: u64,
    /// Their requests are under way, or were when a run died.
    pub(crate) in_flight: u64,
    /// Their contacts exist.
    pub(crate) created: u64,
    /// They can never succeed as they are.
    pub(crate) rejected: u64,
    /// Their attempts are used up; surely not created.
    pub(crate) failed: u64,
    /// Maybe created.
    pub(crate) unknown: u64,
}

/// A cause of rows that are not created.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerCause<'a> {
    #[cfg_attr(test, schemars(extend("enum" = ["rejected", "failed", "unknown"])))]
    pub(crate) state: &'static str,
    /// The cause in a word: this tool's own, or Connect's.
    pub(crate) code: &'a str,
    /// How many rows.
    pub(crate) rows: u64,
    /// The first such row's cause; for people.
    pub(crate) message: &'a str,
    /// The first such row's input.
    pub(crate) file: &'a str,
    /// The first such row's line.
    pub(crate) line: u64,
}

/// A run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerRun<'a> {
    /// Its number in the ledger.
    pub(crate) run: i64,
    /// When it started, in milliseconds since 1970.
    pub(crate) started_ms: i64,
    /// When it ended, in milliseconds since 1970; null while it runs, or if it died.
    pub(crate) ended_ms: Option<i64>,
    /// How it ended, in a word or two, such as complete or limit reached; or under way, or died.
    pub(crate) ending: &'a str,
    /// Rows of its input.
    pub(crate) rows_read: u64,
    /// Of those, rows of other shards.
    pub(crate) of_other_shards: u64,
    /// Rows that it created.
    pub(crate) created: u64,
    /// Attempts that Connect throttled; known when it has ended.
    pub(crate) throttled: u64,
    /// The set rate, requests a second; null with auto.
    pub(crate) rate_set: Option<f64>,
    /// The rate that auto found, requests a second.
    pub(crate) rate_found: Option<f64>,
    /// Rows created a second, from its first request to its end, to now while it runs, or to when it was last heard of if it died.
    pub(crate) rate_achieved: Option<f64>,
}
