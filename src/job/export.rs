//! The job of `export`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::{JobError, job_args, keep_apart, ledgers_of, reading, wrong};
use crate::cli::{ExportArgs, GlobalArgs, Output};
use crate::export::{Format, StateFilter};
use crate::ledger::{RunId, Selection};
use crate::paths::resolved;
use crate::source::{Dialect, Input};

/// An export.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// The ledgers, at least one.
    pub ledgers: Vec<PathBuf>,
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
        let file = JobFile::for_args(&job)?;
        let ledgers = ledgers_of(&args.ledgers)?;
        if args.since.is_some() && ledgers.len() > 1 {
            let problem = "counts the runs of one ledger, and each has its own; name one ledger";
            return Err(wrong("--since", problem));
        }
        let dialect = reading::dialect(&args.dialect, &file)?;
        let join = args.join.as_deref().map(Input::from_argument);
        let to = args.to.as_deref().filter(|path| *path != Path::new("-")).map(resolved);
        if let Some(to) = &to {
            let inputs = reading::named(&job, &file);
            let joined = join.as_ref().and_then(Input::path);
            // A job file may name another, a skeleton.
            let skeleton = file.request.as_ref().map(|request| PathBuf::from(&request.file));
            let jobs: Vec<PathBuf> = file.path.clone().into_iter().chain(skeleton).collect();
            keep_what_is_read(to, &ledgers, &jobs, inputs.into_iter().chain(joined))?;
        }
        Ok(ExportJob {
            ledgers,
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

/// A result is never written over a ledger, a CSV or the job file, nor where a later run would take it for a CSV.
pub(super) fn keep_what_is_read(
    to: &Path,
    ledgers: &[PathBuf],
    jobs: &[PathBuf],
    inputs: impl IntoIterator<Item = PathBuf>,
) -> Result<(), JobError> {
    const OPTION: &str = "--to";
    if to.is_dir() {
        return Err(wrong(OPTION, format!("names a folder, {}; name a file in it", to.display())));
    }
    if to.exists() && !to.is_file() {
        let problem =
            format!("names {}, which is no ordinary file; leave it out for standard output", to.display());
        return Err(wrong(OPTION, problem));
    }
    for ledger in ledgers {
        keep_apart(OPTION, to, ledger, None)?;
        for job in jobs {
            keep_apart(OPTION, to, ledger, Some(job))?;
        }
    }
    for input in inputs {
        if resolved(&input) == to || reading::is_of_pattern(&input, to) {
            let problem =
                format!("names {}, which is a CSV of the job; name a file of its own", to.display());
            return Err(wrong(OPTION, problem));
        }
    }
    Ok(())
}
