//! Messages of `check` and `doctor`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::{Group, InputSummary};
use crate::mapping::RowFault;
use crate::warning::Warning;

/// A fault of a row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Fault"))]
pub(crate) struct FaultMessage<'a> {
    /// Path of the input, or -.
    pub(crate) file: &'a str,
    /// Line of the file where the row starts.
    pub(crate) line: u64,
    /// Key of the row; empty if it is not known.
    pub(crate) key: &'a str,
    /// Kind of the fault.
    pub(crate) code: &'a str,
    #[serde(flatten)]
    pub(crate) fault: &'a RowFault,
    /// Text for people; contains no value of the row.
    pub(crate) message: String,
    /// Whether the job accepts the code.
    pub(crate) accepted: bool,
}

/// Result of a check, and a forecast of the run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckSummary<'a> {
    pub(crate) exit_code: u8,
    pub(crate) files: &'a [InputSummary],
    /// Shard that was checked, such as 0/4; null if all rows.
    pub(crate) shard: Option<String>,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Rows of other shards among them.
    pub(crate) of_other_shards: u64,
    /// Rows among the others for which the job's condition is false.
    pub(crate) passed_over: u64,
    /// Rows with faults, which a run would reject.
    pub(crate) faulty: u64,
    /// Rows with faults that a run would accept.
    pub(crate) accepted: u64,
    /// Rows that a run would send.
    pub(crate) to_send: u64,
    /// Rows that earlier runs created.
    pub(crate) already_created: u64,
    /// Rows among them that have changed since.
    pub(crate) changed_created: u64,
    /// Rows that may have been created, which a run would not send.
    pub(crate) unknown: u64,
    /// Unchanged rows that Connect refused before, which a run would not send.
    pub(crate) refused_before: u64,
    /// Rows to send that wait in the ledger, from other inputs.
    pub(crate) waiting_elsewhere: u64,
    /// Rows without a key that equal an earlier row; a run would import each.
    pub(crate) identical_rows: u64,
    /// Rows whose value would be cut to fit, by member.
    pub(crate) cut: BTreeMap<&'a str, u64>,
    /// Tasks beyond the number that Connect allows after one previous contact.
    pub(crate) long_chains: u64,
    /// Tasks scheduled further ahead than the API reference allows.
    pub(crate) scheduled_far: u64,
    /// Rate of the forecast, requests per second.
    pub(crate) rate: f64,
    /// Duration of a run at that rate, in seconds.
    pub(crate) seconds: f64,
    /// End of a run that starts now, in UTC; null if it is after the year 9999.
    pub(crate) end: Option<String>,
    pub(crate) outlasts_idempotency_window: bool,
    /// Whether a run would not start, since more rows have faults than --max-errors allows.
    pub(crate) error_budget_spent: bool,
    /// Release of the time-zone data that converted dates, such as 2026f (bundled); null if no date needs it.
    pub(crate) time_zone_data: Option<String>,
    /// Size of the longest request body.
    pub(crate) longest_request_bytes: u64,
    /// Path of the ledger that a run would use, if it exists.
    pub(crate) ledger: Option<&'a str>,
    /// Attribute that verify would search unknown rows by, if it was registered before the import; null: their name.
    pub(crate) search_attribute: Option<&'a str>,
    /// Groups of faults, the most frequent first.
    pub(crate) faults: Vec<&'a Group>,
    /// Groups of warnings, which are no faults.
    pub(crate) warnings: Vec<&'a Warning>,
    /// Members that rows fill, in the order of the mapping. Members that are the same in every row are left out.
    pub(crate) members: Vec<MemberMessage<'a>>,
    /// Columns that neither the key nor a template uses.
    pub(crate) unused_columns: &'a [String],
}

/// How many of the rows without a fault fill a member of the request.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "MemberCount"))]
pub(crate) struct MemberMessage<'a> {
    /// Path of the member. A key that cells decide is *.
    pub(crate) member: &'a str,
    /// Rows whose request has it.
    pub(crate) filled: u64,
    /// Rows whose request does not have it.
    pub(crate) left_out: u64,
    /// Rows whose text is cut.
    pub(crate) cut: u64,
    /// Maximum length of its text, characters; null if it has none.
    pub(crate) limit: Option<usize>,
    /// Length of the longest text as it is sent, characters; null without a text.
    pub(crate) longest: Option<usize>,
    /// Path of the input with the longest text.
    pub(crate) longest_file: Option<&'a str>,
    /// Line of the file where the row with the longest text starts.
    pub(crate) longest_line: Option<u64>,
}

/// The request of a row, with the values of the row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Request"))]
pub(crate) struct RequestMessage<'a> {
    /// Path of the input, or -.
    pub(crate) file: &'a str,
    /// Line of the file where the row starts.
    pub(crate) line: u64,
    /// Key of the row.
    pub(crate) key: &'a str,
    /// Action of a run on the row.
    #[cfg_attr(test, schemars(extend("enum" = ["send", "send_unchanged", "reject", "accept", "skip_created", "skip_changed", "skip_unknown", "skip_refused"])))]
    pub(crate) would: &'static str,
    /// JSON body of the request; null if the row has faults. InstanceId and ClientToken are missing if no instance is
    /// named.
    pub(crate) request: Option<serde_json::Map<String, serde_json::Value>>,
    /// Kind of the faults; null without one.
    pub(crate) code: Option<&'a str>,
    /// Faults for which the row would be rejected.
    pub(crate) faults: Vec<&'a RowFault>,
}

/// Result of one test of doctor.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Diagnosis"))]
pub(crate) struct DiagnosisMessage<'a> {
    /// Name of the test.
    pub(crate) check: &'a str,
    #[cfg_attr(test, schemars(extend("enum" = ["info", "pass", "warn", "fail"])))]
    pub(crate) verdict: &'static str,
    /// Observation; for people.
    pub(crate) found: &'a str,
    /// Remedy; empty if none is needed.
    pub(crate) remedy: &'a str,
}

/// Result of doctor.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Doctor"))]
pub(crate) struct DoctorSummary {
    /// 0, or the exit code that a run would end with.
    pub(crate) exit_code: u8,
}
