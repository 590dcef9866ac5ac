//! The messages of `check`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::SchemaVersion;

/// A fault of a row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Fault<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// The input's path, or -.
    pub(crate) file: &'a str,
    /// The line of the file on which the row begins.
    pub(crate) line: u64,
    /// The row's key; empty where it is not at hand.
    pub(crate) key: &'a str,
    /// The kind of fault in a word.
    pub(crate) code: &'a str,
    /// The member's path; empty where the row as a whole is at fault.
    pub(crate) member: &'a str,
    /// The size that was found; empty where a size says nothing.
    pub(crate) found: &'a str,
    /// The rule, or the remedy.
    pub(crate) rule: &'a str,
    /// What the member is made from; may be empty.
    pub(crate) origin: &'a str,
    /// All of it for people; never a value of the row.
    pub(crate) message: String,
}

/// What a check found, and what a run would do.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckSummary<'a> {
    pub(crate) schema_version: SchemaVersion,
    pub(crate) exit_code: u8,
    pub(crate) files: Vec<CheckedFile<'a>>,
    /// The part of the rows that was checked, such as 0/4; null if all.
    pub(crate) shard: Option<String>,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Of those, rows of other shards.
    pub(crate) of_other_shards: u64,
    /// Rows with faults, which would be rejected.
    pub(crate) faulty: u64,
    /// Rows that a run would send.
    pub(crate) to_send: u64,
    /// Rows that earlier runs created.
    pub(crate) already_created: u64,
    /// Of those, the ones that have changed since.
    pub(crate) changed_created: u64,
    /// Rows that may have been created, and would not be sent.
    pub(crate) unknown: u64,
    /// Rows that Connect has refused as they are, and that would not be sent.
    pub(crate) refused_before: u64,
    /// Of the rows to send, those that wait in the ledger from other inputs.
    pub(crate) waiting_elsewhere: u64,
    /// Rows without a key that equal an earlier one; each would be imported.
    pub(crate) identical_rows: u64,
    /// Rows whose texts would be cut to fit, by member.
    pub(crate) cut: &'a BTreeMap<String, u64>,
    /// Previous contacts that more tasks follow than Connect allows.
    pub(crate) long_chains: u64,
    /// Tasks that are scheduled further ahead than the API reference allows.
    pub(crate) scheduled_far: u64,
    /// The rate of the forecast, requests a second.
    pub(crate) rate: f64,
    /// How long a run would take at that rate, in seconds.
    pub(crate) seconds: f64,
    /// When a run that starts now would end, in UTC; null if that is beyond every calendar.
    pub(crate) end: Option<String>,
    pub(crate) outlasts_idempotency_window: bool,
    /// Whether a run would not start because more rows are at fault than --max-errors allows.
    pub(crate) error_budget_spent: bool,
    /// The longest request's body.
    pub(crate) longest_request_bytes: u64,
    /// The path of the ledger that a run would go on with, if there is one.
    pub(crate) ledger: Option<&'a str>,
    /// Kinds of faults, the most frequent first.
    pub(crate) faults: Vec<FaultGroup<'a>>,
}

/// An input.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckedFile<'a> {
    /// Its path, or -.
    pub(crate) file: &'a str,
    pub(crate) rows: u64,
    /// Its delimiter, encoding and compression; for people.
    pub(crate) form: &'a str,
}

/// Faults of one kind.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FaultGroup<'a> {
    /// The kind in a word.
    pub(crate) code: &'a str,
    /// The member's path; empty where rows as a whole are at fault.
    pub(crate) member: &'a str,
    /// The rule, or the remedy.
    pub(crate) rule: &'a str,
    /// What the member is made from; may be empty.
    pub(crate) origin: &'a str,
    /// How many there are.
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) examples: Vec<FaultExample<'a>>,
}

/// One fault of a kind.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FaultExample<'a> {
    /// The input's path, or -.
    pub(crate) file: &'a str,
    /// The line of the file on which the row begins.
    pub(crate) line: u64,
    /// The row's key; may be empty.
    pub(crate) key: &'a str,
    /// The size that was found; may be empty.
    pub(crate) found: &'a str,
}
