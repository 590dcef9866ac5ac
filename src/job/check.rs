//! The job of `check`.

use std::path::PathBuf;

use super::destination::instance;
use super::file::JobFile;
use super::pace::rate;
use super::places::ledger_to_write;
use super::{Display, JobError, Reading, Resending, display, resending};
use crate::cli::{CheckArgs, GlobalArgs};
use crate::engine::ErrorBudget;
use crate::pacing::Rate;

/// A check, which needs no instance and makes no ledger.
#[derive(Clone, Debug)]
pub struct CheckJob {
    /// What is read, and what is made of it.
    pub reading: Reading,
    /// Where a run's ledger lies or would lie; none if a run would have to be told.
    pub ledger: Option<PathBuf>,
    /// The bare instance id, if one is named.
    pub instance_id: Option<String>,
    /// Requests a second, for the forecast.
    pub rate: Rate,
    /// Rows that a run would send at most.
    pub limit: Option<u64>,
    /// How many rows may go wrong in a run.
    pub max_errors: Option<ErrorBudget>,
    /// What is sent again.
    pub resending: Resending,
    /// What people see.
    pub display: Display,
}

impl CheckJob {
    /// Puts a check together.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; something is missing or impossible.
    pub fn resolve(args: &CheckArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        let instance = instance(&args.job, &args.read.made, &file)?;
        let reading = Reading::resolve(&args.job, &args.read, &file)?;
        Ok(CheckJob {
            rate: rate(args.read.rate, &file, reading.shard)?,
            reading,
            ledger: match ledger_to_write(&args.job, &file) {
                Ok(path) => Some(path),
                Err(JobError::LedgerUnnamed) => None,
                Err(error) => return Err(error),
            },
            instance_id: instance.map(|instance| instance.id),
            limit: args.read.limit.or(file.run.limit),
            max_errors: args.read.max_errors.or(file.run.max_errors),
            resending: resending(&args.read, &file)?,
            display: display(&args.read.shown, global, &file),
        })
    }
}
