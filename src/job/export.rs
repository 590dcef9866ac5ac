//! The job of `export`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::apart::Kept;
use super::file::JobFile;
use super::places::{job_args, ledgers_of};
use super::{JobError, input, option_error};
use crate::cli::{ExportArgs, GlobalArgs, Output};
use crate::export::{Format, StateFilter};
use crate::ledger::{NamedIdentity, RunId, Selection};
use crate::source::{Dialect, Input};

/// An export.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// The ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
    /// What is said of whose they are.
    pub named: NamedIdentity,
    /// Which rows.
    pub selection: Selection,
    /// In which form.
    pub format: Format,
    /// The file to write; none is standard output.
    pub to: Option<PathBuf>,
    /// The CSV whose rows are written instead, and how it is written.
    pub join: Option<(Input, Dialect)>,
}

impl ExportJob {
    /// Puts an export together.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; nothing says where a ledger is; the file to write is
    /// one that is read.
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
        let kept = || {
            let kept = Kept::of(&job, global, &file).with_ledgers(&ledgers);
            kept.with_csv(join.as_ref().and_then(Input::path))
        };
        let to = to.map(|to| kept().target("--to", to)).transpose()?;
        Ok(ExportJob {
            ledgers,
            named: input::named_identity(&job, &file)?,
            selection: Selection {
                states: states(&args.state),
                since: args.since.map(|run| RunId(i64::from(run))),
            },
            format: match (args.format, global.output.unwrap_or_default()) {
                (Some(format), _) => format,
                (None, Output::Json) => Format::Jsonl,
                (None, Output::Text | Output::Csv) => Format::Csv,
            },
            to,
            join: join.map(|csv| (csv, dialect)),
        })
    }
}

/// None is any: so is `all`, beside whatever else.
fn states(named: &[StateFilter]) -> BTreeSet<crate::ledger::RowState> {
    let mut states = BTreeSet::new();
    for filter in named {
        match filter {
            StateFilter::All => return BTreeSet::new(),
            StateFilter::Only(state) => states.insert(*state),
        };
    }
    states
}
