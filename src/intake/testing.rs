//! Inputs for unit tests, here and in the engine. The header `Id,Name` names the members: its column `Id` is the key.

use std::path::{Path, PathBuf};

use super::{Intake, IntakeError, PreparedInput, prepare};
use crate::crash_plan::CrashPlan;
use crate::event::Reporter;
use crate::ledger::{Ledger, NewRun, RunRecord};
use crate::mapping::{MappingSource, MemberSource, OnTooLong};
use crate::request::Operation;
use crate::shutdown::Shutdown;
use crate::source::{Dialect, Input, KeyComparison};

/// Maps `Name` to the contact's name.
pub(crate) fn mapping() -> MappingSource {
    MappingSource {
        operation: Operation::CreateContact,
        on_too_long: OnTooLong::Reject,
        members: MemberSource::HeaderPaths { key: vec!["Id".to_owned()] },
    }
}

/// Writes the rows, pairs of id and name, as a CSV file.
pub(crate) fn write_csv(folder: &Path, name: &str, rows: &[(&str, &str)]) -> PathBuf {
    let rows: String = rows.iter().map(|(id, name)| format!("{id},{name}\n")).collect();
    let path = folder.join(name);
    std::fs::write(&path, format!("Id,Name\n{rows}")).unwrap();
    path
}

/// Prepares CSV files with the key `Id`.
pub(crate) fn prepared(files: &[PathBuf]) -> Vec<PreparedInput> {
    let inputs: Vec<Input> = files.iter().cloned().map(Input::File).collect();
    prepare(&inputs, &Dialect::default(), &["Id".to_owned()], KeyComparison::Trim, &mapping(), None).unwrap()
}

/// Starts a run and enters the files' rows into the ledger.
pub(crate) fn take_in(
    ledger: &Ledger,
    run: NewRun,
    files: &[PathBuf],
    reporter: &Reporter,
    shutdown: &Shutdown,
) -> Result<RunRecord, IntakeError> {
    ledger.start_run(run).unwrap();
    let crash_plan = CrashPlan::default();
    Intake { ledger, reporter, shutdown, shard: None, check: true, crash_plan }.take_in(prepared(files))
}
