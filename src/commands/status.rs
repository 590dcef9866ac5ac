//! `status`: what the ledger holds.

use super::CommandError;
use crate::cli::{GlobalArgs, Output, StatusArgs};
use crate::exit_code::ExitCode;
use crate::job::{ledger_of, refuse_csv};
use crate::ledger::{LedgerReader, is_locked};
use crate::report::{Status, to_stdout};

/// Runs and causes that are shown.
const SHOWN: u32 = 10;

pub(super) fn status(args: &StatusArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let output = global.output.unwrap_or_default();
    refuse_csv(output)?;
    let ledger = ledger_of(&args.job)?;
    let reader = LedgerReader::open(&ledger)?;
    let status = Status {
        instance_id: reader.identity()?.map(|identity| identity.instance_id).unwrap_or_default(),
        rows: reader.state_counts()?,
        errors: reader.error_counts(SHOWN)?,
        runs: reader.latest_runs(SHOWN)?,
        running: is_locked(&ledger),
        now_ms: jiff::Timestamp::now().as_millisecond(),
        ledger,
    };
    let text = match output {
        Output::Text | Output::Csv => status.text(),
        Output::Json => format!("{}\n", status.json()),
    };
    to_stdout(&text).map_err(|source| CommandError::Io { what: "cannot write the status", source })?;
    Ok(ExitCode::Complete)
}
