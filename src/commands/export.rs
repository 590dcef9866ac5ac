//! `export`: writes the rows of ledgers, optionally joined to a CSV.

use super::{CommandError, blocking, ledgers_apart_from, unless_interrupted};
use crate::cli::{ExportArgs, GlobalArgs};
use crate::exit_code::ExitCode;
use crate::export::{ExportError, Join, export_rows};
use crate::intake::IntakeError;
use crate::job::ExportJob;
use crate::ledger::LedgerSet;
use crate::shutdown::Shutdown;
use crate::ui::{Delivery, missing_shards, notice};

pub(super) async fn export(args: &ExportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let job = ExportJob::resolve(args, global)?;
    let io = |what| move |source| CommandError::Io { what, source };
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    match write(job, shutdown).await {
        Ok(()) => Ok(ExitCode::Complete),
        // An intake's message would say that nothing was sent, which is not the point here.
        Err(CommandError::Intake(IntakeError::Interrupted(signal))) => {
            Err(ExportError::Interrupted(signal).into())
        }
        Err(error) => Err(error),
    }
}

async fn write(job: ExportJob, shutdown: Shutdown) -> Result<(), CommandError> {
    let opened = {
        let job = job.clone();
        unless_interrupted(shutdown.clone(), blocking(move || open(job))).await?
    };
    let delivery = Delivery::begin(job.to.as_deref())?;
    let withdrawal = delivery.withdrawal();
    let asked = shutdown.clone();
    let written = unless_interrupted(shutdown, blocking(move || fill(opened, job, delivery, &asked))).await;
    if let (Err(_), Some(withdrawal)) = (&written, withdrawal) {
        // Whoever writes it may still wait for input.
        withdrawal.withdraw();
    }
    written
}

/// The open ledgers, and the CSV to join.
type Opened = (LedgerSet, Option<Join>);

fn open(job: ExportJob) -> Result<Opened, CommandError> {
    let ExportJob { ledgers, named, selection, to, join, .. } = job;
    let ledgers = ledgers_apart_from(to.as_deref(), ledgers, &named)?;
    if let Some(missing) = missing_shards(&ledgers.missing_shards()) {
        notice(&missing);
    }
    if let Some(run) = selection.since {
        ledgers.expect_run(run)?;
    }
    let join = join.map(|(csv, dialect)| Join::open(csv, &dialect, &ledgers)).transpose()?;
    Ok((ledgers, join))
}

fn fill(
    (ledgers, join): Opened,
    job: ExportJob,
    mut delivery: Delivery,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let ExportJob { selection, format, to, .. } = job;
    let written = match join {
        None => export_rows(&ledgers, &selection, format, &mut delivery, shutdown),
        Some(join) => join.write(&ledgers, &selection, format, &mut delivery, shutdown),
    };
    match written {
        Ok(rows) => {
            ledgers.expect_as_opened()?;
            delivery.finish()?;
            if let Some(path) = to {
                notice(&format!(
                    "{rows} {} written to {}",
                    if rows == 1 { "row" } else { "rows" },
                    path.display()
                ));
            }
            Ok(())
        }
        Err(ExportError::Write(error)) => Ok(delivery.give_up(error)?),
        Err(error) => Err(error.into()),
    }
}
