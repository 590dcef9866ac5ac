//! Ledgers for unit tests, here and in the engine.

use std::path::Path;
use std::time::Duration;

use super::busy_wait::BusyWait;
use super::counts::ScanCounts;
use super::error::LedgerError;
use super::handle::Ledger;
use super::identity::Identity;
use super::intake::IntakeRow;
use super::resume::IntakeTotals;
use super::runs::{NewRun, RunRecord};
use crate::crash_plan::CrashPlan;
use crate::digest::Digest;
use crate::request::Operation;
use crate::source::{Header, Input, KeyComparison, RowKey};

/// Identity of every test ledger: the key is the column `Id`.
pub(crate) fn identity() -> Identity {
    Identity {
        instance_id: "i".to_owned(),
        operation: Operation::CreateContact,
        namespace: String::new(),
        key: vec!["Id".to_owned()],
        key_comparison: KeyComparison::Trim,
        shard: None,
    }
}

/// Opens or creates the ledger `x.db` in `folder`.
pub(crate) fn ledger(folder: &Path) -> Ledger {
    waiting_ledger(folder, &BusyWait::default()).unwrap()
}

/// Opens or creates the ledger `x.db` in `folder`, which waits for other programs as `busy` says.
pub(super) fn waiting_ledger(folder: &Path, busy: &BusyWait) -> Result<Ledger, LedgerError> {
    Ledger::open(&folder.join("x.db"), &identity(), Duration::ZERO, busy, &CrashPlan::default())
}

/// A run at two requests per second with a token window of a day.
pub(crate) fn new_run() -> NewRun {
    NewRun {
        mapping: Digest([1; 16]),
        rate: 2.0,
        is_auto: false,
        idempotency_window: Duration::from_secs(24 * 3600),
        resend: true,
        retry: Vec::new(),
        accept: Vec::new(),
        command: "connect-import run".to_owned(),
        folder: "/".to_owned(),
        verify: None,
        name: None,
        endpoint: "connect.eu-west-2.amazonaws.com".to_owned(),
        region: "eu-west-2".to_owned(),
    }
}

/// A row of the columns `Id` and `Name`, ready to be sent.
pub(crate) fn row(
    ledger: &Ledger,
    (source, header): (i64, i64),
    line: u64,
    id: &str,
    name: &str,
) -> IntakeRow {
    let key = RowKey::Columns(vec![id.to_owned()]);
    IntakeRow {
        token: ledger.token(&key),
        key,
        source,
        header,
        line,
        content: Digest::of([id.as_bytes(), name.as_bytes()]),
        record: serde_json::json!([id, name]).to_string(),
        rejection: None,
        is_of_other_shard: false,
        reject: None,
    }
}

/// Starts a run and reads `rows`, pairs of id and name, as the whole of the file `/rows.csv`.
pub(crate) fn run_with(ledger: &Ledger, run: NewRun, rows: &[(&str, &str)]) -> RunRecord {
    ledger.start_run(run).unwrap();
    let header = Header::new(vec!["Id".to_owned(), "Name".to_owned()]);
    let ids = ledger.enter_source(&Input::File("/rows.csv".into()), &header).unwrap();
    let lines = rows.iter().zip(2..);
    let taken = lines.map(|((id, name), line)| row(ledger, ids, line, id, name)).collect();
    ledger.take_in(taken).unwrap();
    ledger.leave_source(ids.0, ScanCounts { rows: rows.len() as u64, ..ScanCounts::default() }).unwrap();
    ledger.finish_intake(IntakeTotals { files_read: vec![ids.0], rows_read: rows.len() as u64 }).unwrap()
}
