//! The command `export`, resolved from its arguments and the job file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::places::{job_args, ledgers_of, named_identity};
use super::protected::ProtectedFiles;
use super::{JobError, input, option_error};
use crate::cli::{ExportArgs, GlobalArgs, Output, StateFilter};
use crate::export::{CellStyle, ExportFormat};
use crate::ledger::{NamedIdentity, RowState, RunId, Selection};
use crate::output_file::OutputKind;
use crate::source::{Dialect, Input};

/// A resolved `export` command.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// Paths of the ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
    /// The identity that the ledgers must have, as far as the job file names it.
    pub named: NamedIdentity,
    /// The rows to write.
    pub selection: Selection,
    /// Format of the output.
    pub format: ExportFormat,
    /// The output file, or `None` for standard output.
    pub to: Option<PathBuf>,
    /// The CSV of `--join` and its dialect.
    pub join: Option<(Input, Dialect)>,
}

impl ExportJob {
    /// Resolves the arguments of `export` and the job file.
    ///
    /// # Errors
    /// The job file is invalid; no ledger is named; the output file may not be written.
    pub fn resolve(args: &ExportArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let job = job_args(&args.ledgers);
        let file = JobFile::at(job.job.as_deref())?;
        let ledgers = ledgers_of(&args.ledgers, &file)?;
        if args.since.is_some() && ledgers.len() > 1 {
            let problem = "counts the runs of one ledger, and each has its own; name one ledger";
            return Err(option_error("--since", problem));
        }
        let dialect = input::dialect(&args.dialect, &file)?;
        let join = args.join.as_deref().map(Input::from_argument);
        let to = args.to.as_deref().filter(|path| *path != Path::new("-"));
        let mut protected = ProtectedFiles::of_job(&job, &file, &ledgers);
        protected.inputs.extend(join.as_ref().and_then(Input::path));
        let to = to.map(|to| protected.output(OutputKind::Export, to, args.force)).transpose()?;
        Ok(ExportJob {
            ledgers,
            named: named_identity(&args.ledgers, &file)?,
            selection: Selection {
                states: states(&args.state),
                since: args.since.map(|run| RunId(i64::from(run))),
            },
            format: format(args, global)?,
            to,
            join: join.map(|csv| (csv, dialect)),
        })
    }
}

fn format(args: &ExportArgs, global: &GlobalArgs) -> Result<ExportFormat, JobError> {
    match (global.output.unwrap_or_default(), args.spreadsheet) {
        (Output::Json, true) => Err(option_error(
            "--spreadsheet",
            "marks cells of a CSV, and JSON Lines has none; remove --output json",
        )),
        (Output::Json, false) => Ok(ExportFormat::Jsonl),
        (Output::Text | Output::Csv, true) => Ok(ExportFormat::Csv(CellStyle::Spreadsheet)),
        (Output::Text | Output::Csv, false) => Ok(ExportFormat::Csv(CellStyle::Exact)),
    }
}

/// The selected states; empty for all.
fn states(filters: &[StateFilter]) -> BTreeSet<RowState> {
    let only = filters.iter().map(|filter| match filter {
        StateFilter::All => None,
        StateFilter::Only(state) => Some(*state),
    });
    only.collect::<Option<_>>().unwrap_or_default()
}
