//! The messages of `run`; the first phase and the last message are those of other commands too.

use std::borrow::Cow;

use serde::Serialize;

use super::SchemaVersion;

/// The input is being read; so often as --report-every says. From run and check.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Checking {
    pub(crate) schema_version: SchemaVersion,
    #[cfg_attr(test, schemars(extend("const" = "checking")))]
    pub(crate) phase: &'static str,
    /// Rows so far.
    pub(crate) rows_read: u64,
}

/// The input has been read, and sending begins; once.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Checked {
    pub(crate) schema_version: SchemaVersion,
    #[cfg_attr(test, schemars(extend("const" = "checked")))]
    pub(crate) phase: &'static str,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Of those, rows of other shards.
    pub(crate) of_other_shards: u64,
    /// Rows that this run is to send.
    pub(crate) to_send: u64,
    /// Rows of the ledger that may have been created by earlier runs, and are not sent.
    pub(crate) unknown: u64,
    /// Rows that may have been created by earlier runs, and are sent again with the same tokens.
    pub(crate) in_doubt: u64,
    /// Of the rows in doubt, those that are about to outlive --idempotency-window.
    pub(crate) in_doubt_closing: u64,
}

/// Rows are being sent; so often as --report-every says.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Importing {
    pub(crate) schema_version: SchemaVersion,
    #[cfg_attr(test, schemars(extend("const" = "importing")))]
    pub(crate) phase: &'static str,
    /// Rows that this run is to send.
    pub(crate) to_send: u64,
    /// Of those, rows that need no further attempt in this run.
    pub(crate) done: u64,
    /// Rows created by this run.
    pub(crate) created: u64,
    /// Rows rejected by this run, those of the check included.
    pub(crate) rejected: u64,
    /// Rows whose attempts are used up, and which are surely not created.
    pub(crate) failed: u64,
    /// Rows that may have been created.
    pub(crate) unknown: u64,
    /// Requests under way.
    pub(crate) in_flight: usize,
    /// Attempts that Connect throttled.
    pub(crate) throttled: u64,
    /// Rows created a second, over the last seconds.
    pub(crate) rate_now: f64,
    /// The rate that is set, requests a second; with auto that of now.
    pub(crate) rate_set: f64,
    /// Seconds since sending began.
    pub(crate) seconds_elapsed: f64,
    /// Seconds that the rows left take at the rate of now.
    pub(crate) seconds_left: f64,
}

/// A row that is not created, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RowError<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// The input's path, or -.
    pub(crate) file: &'a str,
    /// The line of the file on which the row begins.
    pub(crate) line: u64,
    /// The row's key.
    pub(crate) key: &'a str,
    #[cfg_attr(test, schemars(extend("enum" = ["rejected", "failed", "unknown"])))]
    pub(crate) state: &'static str,
    /// The cause in a word: this tool's own, or Connect's.
    pub(crate) code: &'a str,
    /// The cause for people; never a value of the row.
    pub(crate) message: Cow<'a, str>,
}

/// How a run ended, as the ledger has it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunSummary<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// The run's number in its ledger.
    pub(crate) run: i64,
    pub(crate) exit_code: u8,
    /// How it ended, in a word or two, such as complete, limit reached, interrupted or out of reach.
    pub(crate) ending: Option<&'a str>,
    pub(crate) instance_id: &'a str,
    /// The part of the rows that the run took, such as 0/4; null if all.
    pub(crate) shard: Option<String>,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Of those, rows of other shards.
    pub(crate) of_other_shards: u64,
    /// Rows created by this run.
    pub(crate) created: u64,
    /// Rows of the input that earlier runs created; not sent again.
    pub(crate) already_created: u64,
    /// Of those, the ones that have changed since.
    pub(crate) changed_created: u64,
    /// Rows that can never succeed as they are.
    pub(crate) rejected: u64,
    /// Rows whose attempts are used up, and which are surely not created.
    pub(crate) failed: u64,
    /// Rows that may have been created, as this run has left them.
    pub(crate) unknown: u64,
    /// Rows that may have been created, in the whole ledger.
    pub(crate) unknown_in_ledger: u64,
    /// Rows that wait for the next run.
    pub(crate) pending: u64,
    /// Rows without a key that equal an earlier one; each counts as a row of its own.
    pub(crate) identical_rows: u64,
    /// Waiting rows of earlier runs that their file holds no longer; not sent.
    pub(crate) withdrawn: u64,
    /// Rows that wait from inputs which could not be read to their end.
    pub(crate) stranded: u64,
    /// Attempts that Connect throttled.
    pub(crate) throttled: u64,
    /// The set rate, requests a second; null with auto.
    pub(crate) rate_set: Option<f64>,
    /// The rate that auto found, requests a second.
    pub(crate) rate_found: Option<f64>,
    /// Rows created a second, from the first request to the end.
    pub(crate) rate_achieved: Option<f64>,
    /// The ledger's path.
    pub(crate) ledger: String,
    /// The path of the rejects file, if rows were written to it.
    pub(crate) rejects: Option<String>,
    /// Why the run ended early, and the remedy; for people.
    pub(crate) why: Option<&'a str>,
    /// The command that goes on, if rows wait or failed.
    pub(crate) resume: Option<&'a str>,
}

/// Why a command ended without a result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExitError<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// The exit code.
    pub(crate) code: u8,
    /// What is wrong and what to do; for people.
    pub(crate) message: &'a str,
}
