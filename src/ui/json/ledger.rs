//! Messages of `status` and `report`.

use serde::Serialize;

use crate::ledger::{
    ErrorCount, LedgerNotice, RowState, StateCounts, VerificationCounts, VerificationRecord,
};
use crate::ui::shared_contacts::SharedContactRow;
use crate::ui::words::ledger_noticed;

/// Another program keeps the ledger busy, or reads it for so long that its log grows. From run and verify.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerMessage<'a> {
    /// busy: nothing is sent until the ledger is free. log_grown: the write-ahead log uses more and more of the disk.
    #[cfg_attr(test, schemars(extend("enum" = ["busy", "log_grown"])))]
    pub(crate) kind: &'static str,
    /// Path of the ledger, or of its log.
    pub(crate) file: String,
    /// The other processes, such as process 4711 (sqlite3), or an unknown process.
    pub(crate) process: &'a str,
    /// Size of the log; null if the ledger is busy.
    pub(crate) bytes: Option<u64>,
    /// The same in words, with the remedy.
    pub(crate) message: String,
}

impl<'a> LedgerMessage<'a> {
    /// The message of a notice, unless that is about opening the ledger.
    pub(super) fn of(notice: &'a LedgerNotice) -> Option<Self> {
        let (kind, file, process, bytes) = match notice {
            LedgerNotice::Opening(_) => return None,
            LedgerNotice::Busy { ledger, holder, .. } => ("busy", ledger, holder, None),
            LedgerNotice::LogGrown { log, bytes, reader } => ("log_grown", log, reader, Some(*bytes)),
        };
        let file = file.to_string_lossy().into_owned();
        Some(LedgerMessage { kind, file, process, bytes, message: ledger_noticed(notice) })
    }
}

/// Contents of a ledger. From status.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LedgerStatus"))]
pub(crate) struct LedgerStatusMessage<'a> {
    #[serde(flatten)]
    pub(crate) ledger: LedgerState<'a>,
    /// Shards of the import, such as 0/4, whose ledgers were not given.
    pub(crate) shards_missing: Vec<String>,
}

/// Contents of several ledgers of one import. From status.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerSetStatus<'a> {
    /// Name of the job, for people; null if the ledgers have none, or different ones.
    pub(crate) name: Option<&'a str>,
    pub(crate) instance_id: &'a str,
    /// Whether a run holds one of the ledgers.
    pub(crate) running: bool,
    pub(crate) rows: RowsByState,
    /// Rows of the inputs: in all states but withdrawn.
    pub(crate) total: u64,
    /// Contacts created per second in the last minutes, by all current runs.
    pub(crate) rate_of_late: Option<f64>,
    /// Estimated seconds until the last ledger is done; null if no row waits, while the input is read, and if nothing was created in the last minutes.
    pub(crate) seconds_left: Option<f64>,
    /// Most frequent errors of rows that are not created, or may not have been.
    pub(crate) errors: &'a [ErrorCount],
    /// Each ledger.
    pub(crate) ledgers: Vec<LedgerState<'a>>,
    /// Shards of the import, such as 0/4, whose ledgers were not given.
    pub(crate) shards_missing: Vec<String>,
}

/// A ledger and its contents.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerState<'a> {
    /// Path of the ledger.
    pub(crate) ledger: String,
    /// Shard of the ledger, such as 0/4; null if all rows.
    pub(crate) shard: Option<String>,
    /// Name of the job, for people: that of the latest run.
    pub(crate) name: Option<&'a str>,
    pub(crate) instance_id: &'a str,
    /// Whether a run holds the ledger.
    pub(crate) running: bool,
    pub(crate) rows: RowsByState,
    /// Rows of the inputs: in all states but withdrawn.
    pub(crate) total: u64,
    /// Contacts created per second in the last minutes, during a run.
    pub(crate) rate_of_late: Option<f64>,
    /// Command for the next step, if there is one and no run is under way.
    pub(crate) next_step: Option<String>,
    /// Commands to run after it, in their order.
    pub(crate) later_steps: Vec<String>,
    /// Latest verification; null if there was none.
    pub(crate) verification: Option<LastVerification<'a>>,
    /// Estimated seconds for the waiting rows, at the rate of the last minutes or of the latest run; null if no row waits, while the input is read, and if nothing was created in the last minutes. During a run, rows beyond its --limit are not counted.
    pub(crate) seconds_left: Option<f64>,
    /// Most frequent errors of rows that are not created, or may not have been.
    pub(crate) errors: &'a [ErrorCount],
    /// Created rows of contacts that have several rows: Connect gave one contact id to them.
    pub(crate) shared: u64,
    /// The first of them.
    pub(crate) shared_contacts: Vec<SharedContactRow<'a>>,
    /// Latest runs, newest first.
    pub(crate) runs: Vec<LedgerRun<'a>>,
}

/// A verification, as the ledger records it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LastVerification<'a> {
    /// Start, in milliseconds since 1970.
    pub(crate) started_ms: i64,
    /// End, or the time of the counts of one that has not ended, in milliseconds since 1970.
    pub(crate) last_ms: i64,
    /// How it ended, such as complete or interrupted; null while it lasts, and if it died.
    pub(crate) ending: Option<&'a str>,
    /// Whether it looked up every row of its scope.
    pub(crate) is_complete: bool,
    /// Host that was asked.
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    /// Number of created rows to look up, drawn at random; null for all.
    pub(crate) sample: Option<u64>,
    /// Attribute that unknown rows were searched by; null for their name.
    pub(crate) search_attribute: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) counts: VerificationCounts,
    /// Rows created by runs after its start, which are not verified.
    pub(crate) created_since: u64,
}

impl<'a> LastVerification<'a> {
    /// The contents of its record.
    pub(crate) fn of(record: &'a VerificationRecord) -> Self {
        let scope = &record.scope;
        LastVerification {
            started_ms: record.started_ms,
            last_ms: record.last_ms,
            ending: record.ending.as_deref(),
            is_complete: record.is_complete(),
            endpoint: scope.endpoint.as_deref(),
            region: scope.region.as_deref(),
            sample: scope.sample,
            search_attribute: scope.search_attribute.as_deref(),
            counts: record.counts,
            created_since: record.created_since,
        }
    }
}

/// The page of an import was written. From report.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PageWritten {
    /// Path of the page.
    pub(crate) page: String,
}

/// Rows by state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RowsByState {
    /// Rows that wait to be sent.
    pub(crate) pending: u64,
    /// Rows whose request is in flight, or was when a run died.
    pub(crate) in_flight: u64,
    /// Rows whose contact exists.
    pub(crate) created: u64,
    /// Rows that cannot succeed unless they are changed.
    pub(crate) rejected: u64,
    /// Rows that used up their attempts and are not created.
    pub(crate) failed: u64,
    /// Rows that may have been created.
    pub(crate) unknown: u64,
    /// Rows rejected with a code that the job accepts.
    pub(crate) accepted: u64,
    /// Rows that their file no longer contains, or that are passed over; not sent.
    pub(crate) withdrawn: u64,
}

impl RowsByState {
    /// The rows counted in `rows`.
    pub(crate) fn of(rows: &StateCounts) -> Self {
        RowsByState {
            pending: rows.of(RowState::Pending),
            in_flight: rows.of(RowState::InFlight),
            created: rows.of(RowState::Created),
            rejected: rows.of(RowState::Rejected),
            failed: rows.of(RowState::Failed),
            unknown: rows.of(RowState::Unknown),
            accepted: rows.of(RowState::Accepted),
            withdrawn: rows.of(RowState::Withdrawn),
        }
    }
}

/// A run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LedgerRun<'a> {
    /// Number of the run in its ledger.
    pub(crate) run: i64,
    /// Start, in milliseconds since 1970.
    pub(crate) started_ms: i64,
    /// End, in milliseconds since 1970; null during the run, and if it died.
    pub(crate) ended_ms: Option<i64>,
    /// How the run ended, such as complete or limit reached; or under way, or died.
    pub(crate) ending: &'a str,
    /// Host that the requests went to, with its port if that is not the scheme's.
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    /// Account of the credentials; null if it is not known.
    pub(crate) account: Option<&'a str>,
    /// ARN of the user or of the role's session whose credentials signed the requests; null if it is not known.
    pub(crate) caller: Option<&'a str>,
    /// Rows of the input.
    pub(crate) rows_read: u64,
    /// Rows of other shards among them.
    pub(crate) of_other_shards: u64,
    /// Rows among the others for which the job's condition is false.
    pub(crate) passed_over: u64,
    /// Rows created by the run.
    pub(crate) created: u64,
    /// Attempts that Connect throttled; recorded at the end of the run.
    pub(crate) throttled: u64,
    /// Target rate, requests per second; null with auto.
    pub(crate) rate_set: Option<f64>,
    /// Rate that auto found, requests per second.
    pub(crate) rate_found: Option<f64>,
    /// Rows created per second, from the first request to the end of the run, to now, or to its last activity if it died.
    pub(crate) rate_achieved: Option<f64>,
}
