//! `export`: the rows of ledgers, alone or beside those of a CSV.

use super::{CommandError, blocking, unless_interrupted};
use crate::cli::{ExportArgs, GlobalArgs};
use crate::exit_code::ExitCode;
use crate::export::{ExportError, Join, export_rows};
use crate::intake::IntakeError;
use crate::job::ExportJob;
use crate::ledger::Ledgers;
use crate::report::{Delivery, missing_shards, notice};
use crate::shutdown::Shutdown;

pub(super) async fn export(args: &ExportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let job = ExportJob::resolve(args, global)?;
    let io = |what| move |source| CommandError::Io { what, source };
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    let asked = shutdown.clone();
    let work = blocking(move || write(job, &asked));
    match unless_interrupted(shutdown, work).await {
        Ok(()) => Ok(ExitCode::Complete),
        // Nothing is taken in here.
        Err(CommandError::Intake(IntakeError::Interrupted(signal))) => {
            Err(ExportError::Interrupted(signal).into())
        }
        Err(error) => Err(error),
    }
}

fn write(job: ExportJob, shutdown: &Shutdown) -> Result<(), CommandError> {
    let ExportJob { ledgers, selection, format, to, join } = job;
    let ledgers = Ledgers::open(ledgers)?;
    if let Some(missing) = missing_shards(&ledgers.missing_shards()) {
        notice(&missing);
    }
    if let Some(run) = selection.since {
        ledgers.expect_run(run)?;
    }
    let join = join.map(|(csv, dialect)| Join::open(csv, &dialect, &ledgers)).transpose()?;
    let mut delivery = Delivery::begin(to.as_deref())?;
    let written = match join {
        None => export_rows(&ledgers, &selection, format, &mut delivery, shutdown),
        Some(join) => join.write(&ledgers, &selection, format, &mut delivery, shutdown),
    };
    match written {
        Ok(rows) => {
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
