//! `status`: what the ledger holds.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::CommandError;
use crate::cli::{GlobalArgs, Output, StatusArgs};
use crate::exit_code::ExitCode;
use crate::job::{ledger_of, refuse_csv};
use crate::ledger::{LedgerError, LedgerReader, is_locked};
use crate::report::{Status, show};

/// Runs and causes that are shown.
const SHOWN: u32 = 10;

/// So many minutes are "of late", and the one under way.
const OF_LATE: i64 = 5;

/// Has a terminal begin anew at its top.
const ANEW: &str = "\x1b[H\x1b[2J\x1b[3J";

pub(super) fn status(args: &StatusArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let output = global.output.unwrap_or_default();
    refuse_csv(output)?;
    let ledger = ledger_of(&args.job)?;
    loop {
        let status = read(ledger.clone())?;
        let text = match output {
            Output::Text | Output::Csv if args.watch.is_some() && io::stdout().is_terminal() => {
                format!("{ANEW}{}", status.text())
            }
            Output::Text | Output::Csv => status.text(),
            Output::Json => format!("{}\n", status.json()),
        };
        let is_read =
            show(&text).map_err(|source| CommandError::Io { what: "cannot write the status", source })?;
        match args.watch {
            Some(pause) if is_read => std::thread::sleep(pause),
            Some(_) | None => return Ok(ExitCode::Complete),
        }
    }
}

fn read(ledger: PathBuf) -> Result<Status, LedgerError> {
    let reader = LedgerReader::open(&ledger)?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let runs = reader.latest_runs(SHOWN)?;
    let since = now_ms / 60_000 - OF_LATE;
    Ok(Status {
        instance_id: reader.identity()?.map(|identity| identity.instance_id).unwrap_or_default(),
        rows: reader.state_counts()?,
        errors: reader.error_counts(SHOWN)?,
        minutes: reader.minutes(runs.first().map(|run| run.id), since, 1)?,
        runs,
        running: is_locked(&ledger),
        now_ms,
        ledger,
    })
}
