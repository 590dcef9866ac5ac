//! Messages of `run`; some are messages of other commands too.

use std::borrow::Cow;

use serde::Serialize;

use super::ledger::RowsByState;
use crate::event::{Announcement, Progress};
use crate::pacing::PoolFailure;
use crate::submission::CredentialsSource;
use crate::ui::shared_contacts::SharedContactRow;

/// The input is being read; written every --report-every. From run and check.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Checking {
    #[cfg_attr(test, schemars(extend("const" = "checking")))]
    pub(crate) phase: &'static str,
    /// Rows read so far.
    pub(crate) rows_read: u64,
}

/// All inputs are read, and sending begins; written once.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Checked"))]
pub(crate) struct CheckedStatus {
    #[cfg_attr(test, schemars(extend("const" = "checked")))]
    pub(crate) phase: &'static str,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Rows of other shards among them.
    pub(crate) of_other_shards: u64,
    /// Rows among the others for which the job's condition is false.
    pub(crate) passed_over: u64,
    /// Rows to send in this run.
    pub(crate) to_send: u64,
    /// Rows that earlier runs may have created, and that are not sent.
    pub(crate) unknown: u64,
    /// Rows that earlier runs may have created, and that are sent again with the same client tokens.
    pub(crate) in_doubt: u64,
    /// Rows in doubt whose --idempotency-window ends soon.
    pub(crate) in_doubt_closing: u64,
}

/// What a run is about to send, by whom and where to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AnnouncementMessage<'a> {
    /// Name of the job, for people.
    pub(crate) name: Option<&'a str>,
    /// Rows to send in this run.
    pub(crate) to_send: u64,
    /// Account of the credentials.
    pub(crate) account: Option<&'a str>,
    /// ARN of the user or of the role's session whose credentials sign the requests.
    pub(crate) caller: Option<&'a str>,
    /// Reason why account and caller are null; for people.
    pub(crate) account_unknown: Option<&'a str>,
    /// Source of the credentials, for people; null if requests are not signed with any, or if there are none.
    pub(crate) credentials: Option<String>,
    /// Profile that gives the credentials; null if another source does.
    pub(crate) profile: Option<&'a str>,
    pub(crate) region: &'a str,
    /// URL of the endpoint.
    pub(crate) endpoint: &'a str,
    /// Host and port of the proxy of the requests to the endpoint; null if there is none.
    pub(crate) proxy: Option<String>,
    pub(crate) instance_id: &'a str,
    pub(crate) operation: &'a str,
    /// Target rate of this process, requests per second; null with auto.
    pub(crate) rate: Option<f64>,
    /// Requests that may be sent at once.
    pub(crate) burst: u32,
    /// Shard that the run sends, such as 0/4; null if all rows.
    pub(crate) shard: Option<String>,
    /// Path of the ledger.
    pub(crate) ledger: &'a str,
    /// Whether the run is a rehearsal. Otherwise it creates contacts, which cannot be deleted.
    pub(crate) is_rehearsal: bool,
}

impl<'a> From<&'a Announcement> for AnnouncementMessage<'a> {
    fn from(announcement: &'a Announcement) -> Self {
        let known = announcement.caller.known();
        AnnouncementMessage {
            name: announcement.name.as_deref(),
            to_send: announcement.to_send,
            account: known.map(|(account, _)| account),
            caller: known.map(|(_, arn)| arn),
            account_unknown: announcement.caller.reason(),
            credentials: announcement.credentials.as_ref().map(ToString::to_string),
            profile: announcement.credentials.as_ref().and_then(CredentialsSource::profile),
            region: &announcement.target.region,
            endpoint: &announcement.target.endpoint,
            proxy: announcement.proxy.as_ref().map(|proxy| proxy.address()),
            instance_id: &announcement.instance_id,
            operation: announcement.operation.name(),
            rate: announcement.rate.fixed(),
            burst: announcement.burst,
            shard: announcement.shard.map(|shard| shard.to_string()),
            ledger: &announcement.ledger,
            is_rehearsal: announcement.is_rehearsal(),
        }
    }
}

/// Rows are being sent; written every --report-every.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Importing {
    #[cfg_attr(test, schemars(extend("const" = "importing")))]
    pub(crate) phase: &'static str,
    #[serde(flatten)]
    pub(crate) progress: Progress,
    /// Seconds since sending began.
    pub(crate) seconds_elapsed: f64,
    /// Estimated seconds for the remaining rows.
    pub(crate) seconds_left: f64,
}

/// No request is sent for a time, because of a failure that concerns all requests; written once for each such pause. For
/// throttling only if the service asks for the pause.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Paused"))]
pub(crate) struct PausedStatus<'a> {
    #[cfg_attr(test, schemars(extend("const" = "paused")))]
    pub(crate) phase: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = ["throttled", "out of reach", "unanswered", "no credentials"])))]
    pub(crate) failure: &'static str,
    /// Error code, of this tool or of Connect.
    pub(crate) code: &'a str,
    /// Error message; … stands for values of the row of at least 8 characters.
    pub(crate) message: &'a str,
    /// Length of the pause, in seconds.
    pub(crate) seconds: f64,
    /// Whether the service asked for the pause, by x-amz-retry-after or Retry-After.
    pub(crate) is_asked: bool,
}

/// Name of a failure that pauses all requests.
pub(super) fn failure_name(failure: PoolFailure) -> &'static str {
    match failure {
        PoolFailure::Throttled => "throttled",
        PoolFailure::Unreachable => "out of reach",
        PoolFailure::Unanswered => "unanswered",
        PoolFailure::CredentialsUnavailable => "no credentials",
    }
}

/// The service refused the time of a signature; requests are signed with the service's time from now on.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ClockMessage {
    /// The service's time minus this machine's, in seconds.
    pub(crate) seconds_behind: i64,
    /// How far the clocks differ in words, and the remedy.
    pub(crate) message: String,
}

/// A row that is not created, or may not have been: an unknown row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RowError<'a> {
    /// Path of the input, or -.
    pub(crate) file: &'a str,
    /// Line of the file where the row starts.
    pub(crate) line: u64,
    /// Key of the row.
    pub(crate) key: &'a str,
    #[cfg_attr(test, schemars(extend("enum" = ["rejected", "failed", "unknown"])))]
    pub(crate) state: &'static str,
    /// Error code, of this tool or of Connect.
    pub(crate) code: &'a str,
    /// Error message; … stands for values of the row of at least 8 characters.
    pub(crate) message: Cow<'a, str>,
}

/// Result of a run, as recorded in the ledger.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunSummary<'a> {
    /// Number of the run in its ledger.
    pub(crate) run: i64,
    pub(crate) exit_code: u8,
    /// How the run ended, such as complete, limit reached, interrupted or out of reach.
    pub(crate) ending: Option<&'a str>,
    /// Name of the job, for people.
    pub(crate) name: Option<&'a str>,
    pub(crate) instance_id: &'a str,
    /// Shard that the run sent, such as 0/4; null if all rows.
    pub(crate) shard: Option<String>,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Rows of other shards among them.
    pub(crate) of_other_shards: u64,
    /// Rows among the others for which the job's condition is false.
    pub(crate) passed_over: u64,
    /// Kinds of warnings about the input, as the messages `warning` before the first request.
    pub(crate) warnings: u64,
    /// Rows created by this run.
    pub(crate) created: u64,
    /// Rows of the input that earlier runs created.
    pub(crate) already_created: u64,
    /// Rows among them that have changed since.
    pub(crate) changed_created: u64,
    /// Created rows of the contacts that this run found to have several rows: Connect gave one contact id to them.
    pub(crate) shared: u64,
    /// The first of them.
    pub(crate) shared_contacts: Vec<SharedContactRow<'a>>,
    /// Rows that cannot succeed unless they are changed.
    pub(crate) rejected: u64,
    /// Rows rejected with a code that the job accepts.
    pub(crate) accepted: u64,
    /// Rows that used up their attempts and are not created.
    pub(crate) failed: u64,
    /// Rows of this run that may have been created.
    pub(crate) unknown: u64,
    /// All rows of the ledger, of this run and of earlier ones.
    pub(crate) in_ledger: RowsByState,
    /// Rows of the inputs that the ledger has: in all states but withdrawn.
    pub(crate) total_in_ledger: u64,
    /// Rows that wait for the next run.
    pub(crate) pending: u64,
    /// Rows without a key that equal an earlier row; each is imported.
    pub(crate) identical_rows: u64,
    /// Rows withdrawn by this run: their file no longer contains them, or they are passed over; not sent.
    pub(crate) withdrawn: u64,
    /// Waiting rows of inputs that were not read to the end.
    pub(crate) stranded: u64,
    /// Attempts that Connect throttled.
    pub(crate) throttled: u64,
    /// Target rate, requests per second; null with auto.
    pub(crate) rate_set: Option<f64>,
    /// Rate that auto found, requests per second.
    pub(crate) rate_found: Option<f64>,
    /// Rows created per second, from the first request to the end.
    pub(crate) rate_achieved: Option<f64>,
    /// Path of the ledger.
    pub(crate) ledger: String,
    /// Path of the rejects file, if it has rows.
    pub(crate) rejects: Option<String>,
    /// New paths of changed rejects files that were in its place.
    pub(crate) rejects_kept: Vec<String>,
    /// Reason why the run ended early, and the remedy; for people.
    pub(crate) why: Option<&'a str>,
    /// Command that resumes the import, if rows wait or failed.
    pub(crate) resume: Option<&'a str>,
    /// Commands for unknown rows, in their order: verify, if it can look for their contacts, then a run that sends them again.
    pub(crate) unknown_steps: Vec<&'a str>,
}

/// Reason why a command ended without a result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExitError<'a> {
    /// Exit code.
    pub(crate) code: u8,
    /// Error and remedy; for people.
    pub(crate) message: &'a str,
}
