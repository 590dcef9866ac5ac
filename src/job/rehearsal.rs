//! The built-in sandbox of a rehearsal: its quota, and the state file that keeps its contacts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::destination::is_built_in;
use super::file::JobFile;
use super::input::shard;
use super::pace::{RATES, has_no_quota, parts, portion};
use super::places::of_shard;
use super::protected::{ProtectedFiles, expect_apart};
use super::{JobError, option_error};
use crate::cli::{GlobalArgs, JobArgs};
use crate::output_file::OutputKind;
use crate::pacing::Rate;
use crate::sandbox::SandboxConfig;

/// Settings of the built-in sandbox, if it serves the command. Its quota is that of `[sandbox]`, else the run's own rate
/// and burst.
///
/// # Errors
/// [`JobError::Option`] for a quota that lets nothing through.
pub(super) fn sandbox(
    args: &JobArgs,
    global: &GlobalArgs,
    file: &JobFile,
    rate: Rate,
    burst: u32,
) -> Result<Option<SandboxConfig>, JobError> {
    if !is_built_in(args, global) {
        return Ok(None);
    }
    let latency = file.sandbox.latency.unwrap_or(Duration::from_millis(40));
    let unlimited = SandboxConfig { rate: None, latency, ..SandboxConfig::default() };
    if has_no_quota(file) {
        return Ok(Some(unlimited));
    }
    // Every shard has a separate sandbox, which gets its portion of the quota.
    let shard = shard(args, file);
    let rate = file.sandbox.rate.map_or(rate.initial(), |rate| rate / f64::from(parts(shard)));
    let burst = file.sandbox.burst.map_or(burst, |burst| portion(burst, shard));
    if !RATES.contains(&rate) || burst == 0 {
        let problem = "needs a rate of more than 0 and a burst of at least 1, or rate = 0 for no quota";
        return Err(option_error("[sandbox]", problem));
    }
    Ok(Some(SandboxConfig { rate: Some(rate), burst, ..unlimited }))
}

/// The state file of the built-in sandbox that `--keep` or the job file names; each shard has its own.
///
/// # Errors
/// [`JobError::Option`] if `--keep` is given and the built-in sandbox does not serve the command.
pub(super) fn kept(
    flag: Option<&Path>,
    args: &JobArgs,
    global: &GlobalArgs,
    file: &JobFile,
) -> Result<Option<PathBuf>, JobError> {
    if !is_built_in(args, global) {
        return match flag {
            None => Ok(None),
            Some(_) if args.sandbox => Err(option_error(
                "--keep",
                "concerns the built-in sandbox; the one of --endpoint-url keeps its contacts with connect-import sandbox \
                 --state FILE",
            )),
            Some(_) => Err(option_error("--keep", "works in rehearsals only; add --sandbox")),
        };
    }
    let named = flag.map(Path::to_owned).or_else(|| file.sandbox.keep.as_ref().map(|path| file.beside(path)));
    Ok(named.map(|path| of_shard(path, shard(args, file))))
}

/// [`kept`], if a run may write there: it is none of the job's files, and none of the run's other outputs, which
/// `outputs` names.
///
/// # Errors
/// As [`kept`]; the file may not be written.
pub(super) fn kept_by_run(
    named: Option<PathBuf>,
    args: &JobArgs,
    file: &JobFile,
    ledger: &Path,
    outputs: &[(&str, &Path)],
    force: bool,
) -> Result<Option<PathBuf>, JobError> {
    let Some(named) = named else { return Ok(None) };
    let protected = ProtectedFiles::of_job(args, file, &[ledger.to_owned()]);
    protected.output(OutputKind::SandboxState, &named, force)?;
    expect_apart("--keep", &named, outputs.iter().copied())?;
    Ok(Some(named))
}
