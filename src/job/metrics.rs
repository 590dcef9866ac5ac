//! The metrics file of a run, resolved from its arguments and the job file.

use std::path::{Path, PathBuf};

use super::JobError;
use super::destination::instance;
use super::file::JobFile;
use super::input::shard;
use super::places::{ledger_path, of_shard, rejects_named};
use super::protected::{ProtectedFiles, expect_apart};
use crate::cli::RunArgs;
use crate::output_file::OutputKind;
use crate::ui::MetricsTarget;

/// The metrics file that the arguments or the job file name. The rest of the job may be invalid.
///
/// # Errors
/// The file may not be written, or is the rejects file.
pub fn metrics_target(args: &RunArgs, file: &JobFile) -> Result<Option<MetricsTarget>, JobError> {
    let Some(named) = metrics_named(args, file) else { return Ok(None) };
    let ledger = ledger_path(&args.job, file).ok();
    let protected = ProtectedFiles::of_job(&args.job, file, &[]);
    let target = protected.output(OutputKind::Metrics, &named, args.force)?;
    let rejects = ledger.as_deref().map(|ledger| rejects_named(args, file, ledger));
    let others = rejects.as_deref().map(|rejects| ("the rejects file", rejects));
    expect_apart(OutputKind::Metrics.option(), &named, others)?;
    Ok(Some(MetricsTarget {
        file: target,
        import: import(args.job.job.as_deref(), ledger.as_deref()),
        instance_id: instance(args.job.sandbox, &args.import.request, file)
            .ok()
            .flatten()
            .map(|found| found.id),
        shard: shard(&args.job, file),
        ledger,
    }))
}

/// The path of a run's metrics file: `--metrics-file`, or the job file's unless the run is a rehearsal. Each shard has its
/// own.
pub(super) fn metrics_named(args: &RunArgs, file: &JobFile) -> Option<PathBuf> {
    let of_file = file.run.metrics_file.as_ref().filter(|_| !args.job.sandbox);
    let named = args.metrics_file.clone().or_else(|| of_file.map(|path| file.beside(path)));
    named.map(|path| of_shard(path, shard(&args.job, file)))
}

/// `tickets` of `tickets.toml`; without a job file `tickets` of `tickets.ledger.db`.
fn import(job: Option<&Path>, ledger: Option<&Path>) -> String {
    let name = job.and_then(Path::file_stem).or(ledger.and_then(Path::file_name));
    let name = name.unwrap_or_default().to_string_lossy();
    name.strip_suffix(".ledger.db").unwrap_or(&name).to_owned()
}
