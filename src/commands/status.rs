//! `status`: rows, errors and runs of ledgers.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::CommandError;
use crate::cli::{GlobalArgs, Output, StatusArgs};
use crate::exit_code::ExitCode;
use crate::job::{JobError, JobFile, SANDBOX, expect_csvs, ledgers_of, named_identity, refuse_csv};
use crate::ledger::{BusyWait, LedgerError, LedgerReader, LedgerSet, is_locked};
use crate::ui::{LedgerStatus, Status, tell_of_ledger, write_cleared, write_stdout};

/// Number of runs shown.
const RUNS: u32 = 10;

/// Error codes read per ledger. More than are shown: one may be frequent over all ledgers and not among the first in any.
const CAUSES: u32 = 100;

/// Complete minutes of recent traffic, in addition to the current one.
const RECENT_MINUTES: i64 = 5;

pub(super) fn status(args: &StatusArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let output = global.output.unwrap_or_default();
    refuse_csv(output)?;
    expect_csvs(&args.ledgers, args.watch.is_some())?;
    let file = JobFile::at(args.ledgers.job.as_deref()).map_err(JobError::from)?;
    let named = named_identity(&args.ledgers, &file)?;
    let busy = BusyWait::telling(tell_of_ledger);
    let mut is_refresh = false;
    loop {
        // Opened at each refresh: a shard may start later and then create its ledger.
        let ledgers = LedgerSet::open(ledgers_of(&args.ledgers, &file)?, &named, &busy);
        let ledgers = ledgers.map_err(|error| match error {
            LedgerError::Missing(path) if is_refresh => LedgerError::Disappeared(path),
            error => error,
        })?;
        is_refresh = true;
        let each = ledgers.readers().iter().map(|(path, reader)| read(path, reader));
        let status = Status { ledgers: each.collect::<Result<_, _>>()?, missing: ledgers.missing_shards() };
        ledgers.expect_as_opened()?;
        let written = match output {
            Output::Text | Output::Csv if args.watch.is_some() && io::stdout().is_terminal() => {
                write_cleared(&status.text())
            }
            Output::Text | Output::Csv => write_stdout(&status.text()),
            Output::Json => write_stdout(&format!("{}\n", status.json())),
        };
        let is_read = written.map_err(super::io("cannot write the status"))?;
        match args.watch {
            Some(pause) if is_read => std::thread::sleep(pause),
            Some(_) | None => return Ok(ExitCode::Complete),
        }
    }
}

fn read(path: &Path, reader: &LedgerReader) -> Result<LedgerStatus, LedgerError> {
    let identity = reader.identity()?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let runs = reader.latest_runs(RUNS)?;
    let since = now_ms / 60_000 - RECENT_MINUTES;
    Ok(LedgerStatus {
        shard: identity.as_ref().and_then(|identity| identity.shard),
        is_rehearsal: identity.as_ref().is_some_and(|identity| identity.instance_id == SANDBOX),
        instance_id: identity.map(|identity| identity.instance_id).unwrap_or_default(),
        rows: reader.state_counts()?,
        errors: reader.error_counts(CAUSES)?,
        shared: reader.shared_contacts()?,
        minutes: reader.minutes(runs.first().map(|run| run.id), since, 1)?,
        minutes_since_ms: since * 60_000,
        runs,
        verification: reader.latest_verification()?,
        is_running: is_locked(path),
        now_ms,
        ledger: path.to_owned(),
    })
}
