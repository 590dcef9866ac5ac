//! Entries of the page's lists: errors, rows in doubt and runs.

use serde::Serialize;

use super::text::{explain_ending, explain_error, file, truncate, without_templates};
use crate::ledger::{ErrorCount, ListedRow, RowState, RunRecord, SharedContact};
use crate::ui::{per_second, rounded};

/// Characters of a key or a message that the page shows.
const CHARACTERS: usize = 240;

/// An error of rows that are not created or may not have been, with an example.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReportedError {
    #[serde(flatten)]
    error: ErrorCount,
    explanation: String,
}

/// A row in doubt: its contact may exist.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReportedRow {
    key: String,
    file: String,
    line: u64,
    is_unknown: bool,
    last_sent_ms: Option<i64>,
    code: String,
    explanation: String,
}

/// A created row that has the contact of another row.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReportedShared {
    key: String,
    file: String,
    line: u64,
    contact: String,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReportedRun {
    id: i64,
    /// Path of the ledger, if there are several.
    ledger: Option<String>,
    /// Start, Unix milliseconds.
    pub(super) started_ms: i64,
    duration: Option<String>,
    rows_read: u64,
    created: u64,
    throttled: u64,
    achieved_rate: Option<String>,
    target_rate: String,
    ending: String,
    version: String,
}

impl ReportedError {
    pub(super) fn of(error: ErrorCount, service: &str) -> Self {
        let message = truncate(&without_templates(&error.code, &error.message), CHARACTERS);
        let explanation = explain_error(error.state, &error.code, service);
        ReportedError { error: ErrorCount { message, ..error }, explanation }
    }

    /// Whether the contacts of its rows may exist.
    pub(super) fn is_of_unknown_rows(&self) -> bool {
        self.error.state == RowState::Unknown
    }
}

impl ReportedRow {
    pub(super) fn of(row: ListedRow, service: &str) -> Self {
        let code = row.code.unwrap_or_default();
        // The code of a row in flight is that of an earlier attempt.
        let explained = if row.state == RowState::InFlight { "" } else { &*code };
        ReportedRow {
            key: truncate(&row.key, CHARACTERS),
            file: file(&row.source).0,
            line: row.line,
            is_unknown: row.state == RowState::Unknown,
            last_sent_ms: row.last_sent_ms,
            explanation: explain_error(row.state, explained, service),
            code,
        }
    }
}

impl ReportedShared {
    pub(super) fn of(row: SharedContact) -> Self {
        ReportedShared {
            key: truncate(&row.key, CHARACTERS),
            file: file(&row.source).0,
            line: row.line,
            contact: truncate(&row.contact_id, CHARACTERS),
        }
    }
}

impl ReportedRun {
    /// `service` is the name of the service within a sentence.
    pub(super) fn of(
        run: RunRecord,
        ledger: Option<String>,
        service: &str,
        is_under_way: bool,
        now_ms: i64,
    ) -> Self {
        let until = run.ended_ms.or(is_under_way.then_some(now_ms));
        let duration = until.and_then(|until| u64::try_from(until - run.started_ms).ok());
        let achieved = until.and_then(|until| run.rate_achieved(until));
        ReportedRun {
            id: run.id.0,
            ledger,
            started_ms: run.started_ms,
            duration: duration.map(|ms| rounded(std::time::Duration::from_millis(ms))),
            rows_read: run.rows_read,
            created: run.rows.of(RowState::Created),
            throttled: run.throttled,
            achieved_rate: achieved.filter(|rate| *rate > 0.0).map(per_second),
            target_rate: match (run.is_auto, run.rate_found) {
                (false, _) => per_second(run.rate),
                (true, Some(found)) => format!("auto, found {}", per_second(found)),
                (true, None) => "auto".to_owned(),
            },
            ending: explain_ending(run.ending.as_deref(), is_under_way, service),
            version: run.version,
        }
    }
}
