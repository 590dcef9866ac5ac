//! Where the metrics of a run go.

use std::path::{Path, PathBuf};

use super::apart::Kept;
use super::destination::instance;
use super::file::JobFile;
use super::input::shard;
use super::places::{ledger_path, of_shard, rejects_named};
use super::{JobError, option_error};
use crate::cli::{GlobalArgs, RunArgs};
use crate::paths::resolved;
use crate::shard::Shard;

/// A file for metrics, and what is known of the import before it begins, or where it cannot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricsTarget {
    /// The file.
    pub file: PathBuf,
    /// What the import is called: by its job file, otherwise by its ledger; or empty.
    pub import: String,
    /// The bare instance id, if one is named.
    pub instance_id: Option<String>,
    /// The part of the rows that the run takes; none if all.
    pub shard: Option<Shard>,
    /// The ledger's path, if it is known.
    pub ledger: Option<PathBuf>,
}

impl MetricsTarget {
    /// The file that a run is to write its metrics to, if it is to write any. All else of the job may be at fault.
    ///
    /// # Errors
    /// The file is one that is read, or the ledger, or the rejects.
    pub fn resolve(args: &RunArgs, global: &GlobalArgs, file: &JobFile) -> Result<Option<Self>, JobError> {
        const OPTION: &str = "--metrics-file";
        let of_file = file.run.metrics_file.as_ref().filter(|_| !args.job.sandbox);
        let named = args.metrics_file.clone().or_else(|| of_file.map(|path| file.beside(path)));
        let shard = shard(&args.job, file);
        let Some(named) = named.map(|path| of_shard(path, shard)) else { return Ok(None) };
        let ledger = ledger_path(&args.job, file).ok();
        let target = Kept::of(&args.job, global, file).target(OPTION, &named)?;
        // They may not be there yet, and would be written over in the next run.
        let rejects = ledger.as_deref().map(|ledger| rejects_named(args, file, ledger));
        if rejects.is_some_and(|rejects| resolved(&rejects) == target) {
            return Err(option_error(OPTION, "names the rejects file; name a file of its own"));
        }
        Ok(Some(MetricsTarget {
            file: target,
            import: import(args.job.job.as_deref(), ledger.as_deref()),
            instance_id: instance(&args.job, &args.import.request, file).ok().flatten().map(|found| found.id),
            shard,
            ledger,
        }))
    }
}

/// `tickets` of `tickets.toml`; without a job file `tickets` of `tickets.ledger.db`.
fn import(job: Option<&Path>, ledger: Option<&Path>) -> String {
    let name = match (job, ledger) {
        (Some(job), _) => job.file_stem(),
        (None, Some(ledger)) => ledger.file_name(),
        (None, None) => None,
    };
    let name = name.unwrap_or_default().to_string_lossy();
    name.strip_suffix(".ledger.db").unwrap_or(&name).to_owned()
}
