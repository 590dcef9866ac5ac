//! How fast and how often a job sends.

use std::path::Path;
use std::time::Duration;

use super::file::JobFile;
use super::{JobError, wrong};
use crate::cli::{GlobalArgs, JobArgs, RunArgs};
use crate::pacing::{DEFAULT_BURST, DEFAULT_RATE, Rate};
use crate::shard::Shard;

/// How fast and how often.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pacing {
    /// Requests a second, positive, or auto.
    pub rate: Rate,
    /// Whether the rate was named for this process alone, and is no shard's portion of the whole import's.
    pub is_own: bool,
    /// Requests that Connect takes at once, at least 1.
    pub burst: u32,
    /// Requests under way at most, at least 1, if that was asked for.
    pub concurrency: Option<usize>,
    /// Attempts a row and run, at least 1.
    pub max_attempts: u32,
}

/// The quota of the built-in sandbox.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SandboxQuota {
    /// Requests a second.
    pub rate: f64,
    /// Requests at once.
    pub burst: u32,
    /// How long an answer takes.
    pub latency: Duration,
}

/// From one request a day to more than any wire carries.
pub(super) const RATES: std::ops::RangeInclusive<f64> = 1e-5..=1e9;

pub(super) const IMPOSSIBLE_RATE: &str = "must be more than 0 requests a second, from 0.00001 to 1000000000";

/// The rate that the job file has by now, for a run that was started with it.
///
/// # Errors
/// A flag or the environment sets the rate, or there is no job file, or it is at fault; for people.
pub fn rate_again(job: Option<&Path>, flag: Option<Rate>, shard: Option<Shard>) -> Result<Rate, String> {
    if flag.is_some() {
        return Err("--rate sets it, which beats the job file".to_owned());
    }
    let path = job.ok_or("there is no job file to read it from")?;
    let file = JobFile::read(path).map_err(|error| error.to_string())?;
    rate(flag, &file, shard).map_err(|error| error.to_string())
}

/// The rate of this process. A flag names it; the job file and the default have that of the whole import, of which a
/// shard takes its portion.
pub(super) fn rate(flag: Option<Rate>, file: &JobFile, shard: Option<Shard>) -> Result<Rate, JobError> {
    match flag.or(file.pacing.rate).unwrap_or(Rate::Fixed(DEFAULT_RATE)) {
        Rate::Fixed(rate) if !RATES.contains(&rate) => {
            Err(wrong(if flag.is_some() { "--rate" } else { "[pacing] rate" }, IMPOSSIBLE_RATE))
        }
        Rate::Fixed(rate) if flag.is_none() => Ok(Rate::Fixed(rate / f64::from(parts(shard)))),
        possible => Ok(possible),
    }
}

/// The burst of this process, in the same way; but nothing can be sent without one.
pub(super) fn burst(flag: Option<u32>, file: &JobFile, shard: Option<Shard>) -> Result<u32, JobError> {
    match flag.or(file.pacing.burst).unwrap_or(DEFAULT_BURST) {
        0 => Err(wrong("--burst", "must be at least 1")),
        burst if flag.is_none() => Ok(portion(burst, shard)),
        burst => Ok(burst),
    }
}

fn portion(burst: u32, shard: Option<Shard>) -> u32 {
    if burst == 0 { 0 } else { (burst / parts(shard)).max(1) }
}

fn parts(shard: Option<Shard>) -> u32 {
    shard.map_or(1, Shard::of)
}

pub(super) fn pacing(args: &RunArgs, file: &JobFile, shard: Option<Shard>) -> Result<Pacing, JobError> {
    let pacing = Pacing {
        rate: rate(args.read.rate, file, shard)?,
        is_own: args.read.rate.is_some(),
        burst: burst(args.burst, file, shard)?,
        concurrency: args.concurrency.or(file.pacing.concurrency),
        max_attempts: args.max_attempts.or(file.pacing.max_attempts).unwrap_or(5),
    };
    let at_least_one = [
        ("--concurrency", pacing.concurrency.unwrap_or(1)),
        ("--max-attempts", pacing.max_attempts as usize),
    ];
    match at_least_one.into_iter().find(|(_, value)| *value == 0) {
        Some((option, _)) => Err(wrong(option, "must be at least 1")),
        None => Ok(pacing),
    }
}

/// The built-in sandbox serves a rehearsal that names no endpoint of its own.
pub(super) fn sandbox(
    args: &JobArgs,
    global: &GlobalArgs,
    file: &JobFile,
    rate: Rate,
    burst: u32,
) -> Result<Option<SandboxQuota>, JobError> {
    if !args.sandbox || global.endpoint_url.is_some() {
        return Ok(None);
    }
    // Every shard has a sandbox of its own, so that has a portion too.
    let shard = super::reading::shard(args, file);
    let quota = SandboxQuota {
        rate: file.sandbox.rate.map_or(rate.at_first(), |rate| rate / f64::from(parts(shard))),
        burst: file.sandbox.burst.map_or(burst, |burst| portion(burst, shard)),
        latency: file.sandbox.latency.unwrap_or(Duration::from_millis(40)),
    };
    if RATES.contains(&quota.rate) && quota.burst > 0 {
        Ok(Some(quota))
    } else {
        Err(wrong("[sandbox]", "needs a rate of more than 0 and a burst of at least 1"))
    }
}
