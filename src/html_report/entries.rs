//! Causes, rows in doubt and runs, as the page lists them.

use serde::Serialize;

use super::words::{self, shortened, without_templates};
use crate::ledger::{ErrorCount, ListedRow, RowState, RunRecord};
use crate::ui::{per_second, rounded};

/// Characters of a key or a message that are shown.
const CHARACTERS: usize = 240;

/// Why rows are no contacts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cause {
    state: &'static str,
    words: &'static str,
    code: String,
    rows: u64,
    message: String,
    source: String,
    line: u64,
}

/// A row that may or may not be a contact.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DoubtfulRow {
    key: String,
    file: String,
    line: u64,
    is_unknown: bool,
    last_sent_ms: Option<i64>,
    code: String,
    words: &'static str,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    id: i64,
    /// The ledger, where there are several.
    ledger: Option<String>,
    /// When it started, in milliseconds since 1970.
    pub(super) started_ms: i64,
    took: Option<String>,
    rows_read: u64,
    created: u64,
    throttled: u64,
    achieved: Option<String>,
    given: String,
    ending: String,
    version: String,
}

impl Cause {
    /// A cause as a ledger counts it.
    pub(super) fn of(cause: ErrorCount) -> Self {
        let ErrorCount { state, code, rows, message, source, line } = cause;
        let message = shortened(&without_templates(&code, &message), CHARACTERS);
        Cause { state: state.name(), words: words::cause(state, &code), code, rows, message, source, line }
    }
}

impl DoubtfulRow {
    /// A row as a ledger lists it.
    pub(super) fn of(row: ListedRow) -> Self {
        let code = row.code.unwrap_or_default();
        let words = if row.state == RowState::InFlight { "" } else { &*code };
        DoubtfulRow {
            key: shortened(&row.key, CHARACTERS),
            file: words::file(&row.source).0,
            line: row.line,
            is_unknown: row.state == RowState::Unknown,
            last_sent_ms: row.last_sent_ms,
            words: words::cause(row.state, words),
            code,
        }
    }
}

impl Run {
    /// A run as a ledger has it; `ledger` is named where there are several.
    pub(super) fn of(run: RunRecord, ledger: Option<String>, is_under_way: bool, now_ms: i64) -> Self {
        let until = run.ended_ms.or(is_under_way.then_some(now_ms));
        let took = until.and_then(|until| u64::try_from(until - run.started_ms).ok());
        let achieved = until.and_then(|until| run.rate_achieved(until));
        Run {
            id: run.id.0,
            ledger,
            started_ms: run.started_ms,
            took: took.map(|took| rounded(std::time::Duration::from_millis(took))),
            rows_read: run.rows_read,
            created: run.rows.of(RowState::Created),
            throttled: run.throttled,
            // Of a run that sent nothing it says nothing.
            achieved: achieved.filter(|rate| *rate > 0.0).map(per_second),
            given: match (run.is_auto, run.rate_found) {
                (false, _) => per_second(run.rate),
                (true, Some(found)) => format!("{} found", per_second(found)),
                (true, None) => "to be found".to_owned(),
            },
            ending: words::ending(run.ending.as_deref(), is_under_way).to_owned(),
            version: run.version,
        }
    }
}
