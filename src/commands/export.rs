//! `export`: writes the rows of ledgers, optionally joined to a CSV.

use super::{CommandError, blocking, io, ledgers_apart_from, unless_interrupted};
use crate::cli::{ExportArgs, GlobalArgs};
use crate::exit_code::ExitCode;
use crate::export::{ExportError, Join, export_rows};
use crate::intake::IntakeError;
use crate::job::ExportJob;
use crate::ledger::LedgerSet;
use crate::printable::ShownPath as _;
use crate::shutdown::Shutdown;
use crate::ui::{ResultOutput, missing_shards, notice, warning};

pub(super) async fn export(args: &ExportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let job = ExportJob::resolve(args, global)?;
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    write(job, shutdown).await.map_err(|error| match error {
        // An intake's message would say that nothing was sent, which is not the point here.
        CommandError::Intake(IntakeError::Interrupted(signal)) => ExportError::Interrupted(signal).into(),
        error => error,
    })?;
    Ok(ExitCode::Complete)
}

async fn write(job: ExportJob, shutdown: Shutdown) -> Result<(), CommandError> {
    let (ledgers, join) = {
        let job = job.clone();
        unless_interrupted(shutdown.clone(), blocking(move || open(job))).await?
    };
    let ExportJob { selection, format, to, .. } = job;
    // A thread that waits for input cannot be stopped, so the output stays here, to be removed when a signal comes.
    let output = ResultOutput::create(to.as_deref())?;
    let mut out = output.writer()?;
    let signal = shutdown.clone();
    let export = blocking(move || {
        let rows = match join {
            None => export_rows(&ledgers, &selection, format, &mut out, &signal)?,
            Some(join) => join.write(&ledgers, &selection, format, &mut out, &signal)?,
        };
        ledgers.expect_as_opened()?;
        Ok(rows)
    });
    match unless_interrupted(shutdown, export).await {
        Ok(rows) => {
            blocking(move || Ok(output.publish()?)).await?;
            if let Some(path) = to {
                let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                notice(&format!("{rows} written to {}", path.shown()));
            }
            Ok(())
        }
        Err(CommandError::Export(ExportError::Write(error))) => Ok(output.abandon(error)?),
        Err(error) => Err(error),
    }
}

fn open(job: ExportJob) -> Result<(LedgerSet, Option<Join>), CommandError> {
    let ExportJob { ledgers, named, selection, to, join, .. } = job;
    let ledgers = ledgers_apart_from(to.as_deref(), ledgers, &named)?;
    if let Some(missing) = missing_shards(&ledgers.missing_shards()) {
        warning(&missing);
    }
    if let Some(run) = selection.since {
        ledgers.expect_run(run)?;
    }
    let join = join.map(|(csv, dialect)| Join::open(csv, &dialect, &ledgers)).transpose()?;
    Ok((ledgers, join))
}
