//! Rate, burst, concurrency and attempts of a job.

use std::path::Path;

use super::destination::is_built_in;
use super::file::JobFile;
use super::{JobError, option_error};
use crate::cli::{GlobalArgs, JobArgs, RunArgs};
use crate::pacing::{DEFAULT_BURST, DEFAULT_RATE, Rate};
use crate::shard::Shard;

/// Rate, burst, concurrency and attempts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pacing {
    /// Target rate, requests per second, positive; or `Auto`.
    pub rate: Rate,
    /// Requests per second at the start of a run whose ledger has no measured rate.
    pub start: f64,
    /// Whether `rate` was given for this process, and is not a shard's portion of the import's rate.
    pub is_per_process: bool,
    /// Burst of the quota, requests, at least 1.
    pub burst: u32,
    /// Maximum in-flight requests, at least 1, if given.
    pub concurrency: Option<usize>,
    /// Maximum attempts per row in one run, at least 1.
    pub max_attempts: u32,
}

/// Valid rates, requests per second: from one request a day to more than any network carries.
pub(super) const RATES: std::ops::RangeInclusive<f64> = 1e-5..=1e9;

/// Rate at which a rehearsal without a quota starts, requests per second; from there it doubles every 2 s.
const START_WITHOUT_QUOTA: f64 = 1000.0;

pub(super) const INVALID_RATE: &str = "must be more than 0 requests per second, from 0.00001 to 1000000000";

/// Reads the rate from the job file again, for a run in progress. `is_built_in`: the run's sandbox is the built-in one.
///
/// # Errors
/// A flag or the environment sets the rate, there is no job file, or it is invalid. The text is for display.
pub fn reload_rate(
    job: Option<&Path>,
    flag: Option<Rate>,
    shard: Option<Shard>,
    is_built_in: bool,
) -> Result<Rate, String> {
    if flag.is_some() {
        return Err("--rate sets it, which overrides the job file".to_owned());
    }
    let path = job.ok_or("there is no job file to read it from")?;
    let file = JobFile::read(path).map_err(|error| error.to_string())?;
    if is_built_in && has_no_quota(&file) {
        return Ok(Rate::Auto);
    }
    rate(flag, &file, shard).map_err(|error| error.to_string())
}

/// Rate of the command, and the rate at which it starts. Where nothing limits a rehearsal, the rate is found as with
/// `auto`: `[pacing]` describes the account's quota, which the sandbox then does not have.
pub(super) fn rate_and_start(
    args: &JobArgs,
    global: &GlobalArgs,
    flag: Option<Rate>,
    file: &JobFile,
    shard: Option<Shard>,
) -> Result<(Rate, f64), JobError> {
    if flag.is_none() && is_built_in(args, global) && has_no_quota(file) {
        return Ok((Rate::Auto, START_WITHOUT_QUOTA));
    }
    let rate = rate(flag, file, shard)?;
    Ok((rate, rate.initial()))
}

/// Whether the job file lifts the quota of the built-in sandbox: `[sandbox] rate = 0`.
pub(super) fn has_no_quota(file: &JobFile) -> bool {
    file.sandbox.rate == Some(0.0)
}

/// Rate of this process against a quota. A flag gives it directly; the job file and the default give the rate of the
/// whole import, of which a shard takes its portion.
fn rate(flag: Option<Rate>, file: &JobFile, shard: Option<Shard>) -> Result<Rate, JobError> {
    match flag.or(file.pacing.rate).unwrap_or(Rate::Fixed(DEFAULT_RATE)) {
        Rate::Fixed(rate) if !RATES.contains(&rate) => {
            Err(option_error(if flag.is_some() { "--rate" } else { "[pacing] rate" }, INVALID_RATE))
        }
        Rate::Fixed(rate) if flag.is_none() => Ok(Rate::Fixed(rate / f64::from(parts(shard)))),
        possible => Ok(possible),
    }
}

/// Burst of this process, at least 1, divided like the rate.
pub(super) fn burst(flag: Option<u32>, file: &JobFile, shard: Option<Shard>) -> Result<u32, JobError> {
    match flag.or(file.pacing.burst).unwrap_or(DEFAULT_BURST) {
        0 => Err(option_error("--burst", "must be at least 1")),
        burst if flag.is_none() => Ok(portion(burst, shard)),
        burst => Ok(burst),
    }
}

/// The share of a burst that a shard gets, at least 1 of a burst that is not 0.
pub(super) fn portion(burst: u32, shard: Option<Shard>) -> u32 {
    if burst == 0 { 0 } else { (burst / parts(shard)).max(1) }
}

/// Number of processes that share a quota.
pub(super) fn parts(shard: Option<Shard>) -> u32 {
    shard.map_or(1, Shard::count)
}

pub(super) fn pacing(
    args: &RunArgs,
    global: &GlobalArgs,
    file: &JobFile,
    shard: Option<Shard>,
) -> Result<Pacing, JobError> {
    let (rate, start) = rate_and_start(&args.job, global, args.import.rate, file, shard)?;
    let pacing = Pacing {
        rate,
        start,
        is_per_process: args.import.rate.is_some(),
        burst: burst(args.burst, file, shard)?,
        concurrency: args.concurrency.or(file.pacing.concurrency),
        max_attempts: args.max_attempts.or(file.pacing.max_attempts).unwrap_or(5),
    };
    let at_least_one = [
        ("--concurrency", pacing.concurrency.unwrap_or(1)),
        ("--max-attempts", pacing.max_attempts as usize),
    ];
    match at_least_one.into_iter().find(|(_, value)| *value == 0) {
        Some((option, _)) => Err(option_error(option, "must be at least 1")),
        None => Ok(pacing),
    }
}
