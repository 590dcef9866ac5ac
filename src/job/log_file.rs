//! The log file of a command, resolved from its arguments and, for `run`, the job file.

use std::path::{Path, PathBuf};

use super::JobError;
use super::file::JobFile;
use super::input::shard;
use super::metrics::metrics_named;
use super::places::{ledger_path, of_shard, rejects_named};
use super::protected::{ProtectedFiles, expect_apart};
use crate::cli::{GlobalArgs, RunArgs};
use crate::output_file::{LOG_FILE, expect_log};

/// The log file that the arguments name, or for `run` the job file, unless the run is a rehearsal. Each shard of a run has
/// its own. `named` are the other paths of the command line. The rest of the job may be invalid.
///
/// # Errors
/// The file is no regular file or no log, or is named by another option too, or belongs to the job.
pub fn log_target(
    global: &GlobalArgs,
    named: &[(String, PathBuf)],
    run: Option<(&RunArgs, &JobFile)>,
) -> Result<Option<PathBuf>, JobError> {
    let of_file = run.and_then(|(args, file)| {
        let path = file.run.log_file.as_ref().filter(|_| !args.job.sandbox);
        path.map(|path| file.beside(path))
    });
    let Some(path) = global.log_file.clone().or(of_file) else { return Ok(None) };
    let path = of_shard(path, run.and_then(|(args, file)| shard(&args.job, file)));
    let others: Vec<(String, &Path)> =
        named.iter().map(|(option, other)| (format!("the file of {option}"), other.as_path())).collect();
    expect_apart(LOG_FILE, &path, others.iter().map(|(what, other)| (what.as_str(), *other)))?;
    let mut protected = ProtectedFiles::default();
    if let Some((args, file)) = run {
        protected = ProtectedFiles::of_job(&args.job, file, &[]);
        let rejects = ledger_path(&args.job, file).ok().map(|ledger| rejects_named(args, file, &ledger));
        let metrics = metrics_named(args, file);
        let outputs = [("the rejects file", rejects.as_deref()), ("the metrics file", metrics.as_deref())];
        let outputs = outputs.into_iter().filter_map(|(what, path)| Some((what, path?)));
        expect_apart(LOG_FILE, &path, outputs)?;
    }
    protected.expect_unprotected(LOG_FILE, &path)?;
    expect_log(&path)?;
    Ok(Some(path))
}
