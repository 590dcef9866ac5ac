//! Settings of `doctor`.

use std::path::PathBuf;

use super::destination::destination;
use super::file::JobFile;
use super::pace::{SandboxQuota, burst, rate, sandbox};
use super::places::ledger_to_write;
use super::{JobError, input, option_error, refuse_csv};
use crate::cli::{DialectArgs, DoctorArgs, GlobalArgs, Output};
use crate::ledger::Identity;
use crate::mapping::MappingSource;
use crate::pacing::Rate;
use crate::request::Operation;
use crate::source::{Dialect, Input};
use crate::submission::AwsSettings;

/// Validated settings of `doctor`.
#[derive(Clone, Debug)]
pub struct DoctorJob {
    /// Identity of the ledger that a run would use.
    pub identity: Identity,
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Inputs that a run would read; empty if none is named.
    pub inputs: Vec<Input>,
    /// CSV dialect of the inputs.
    pub dialect: Dialect,
    /// Source of the mapping.
    pub mapping: MappingSource,
    /// Target rate, requests per second, or `Auto`.
    pub rate: Rate,
    /// Burst of the quota, requests.
    pub burst: u32,
    /// Whether to create one contact twice with one client token.
    pub probe_token: bool,
    /// Region, endpoint, credentials, timeouts.
    pub aws: AwsSettings,
    /// Format of results on standard output.
    pub output: Output,
    /// Quota of the built-in sandbox; `None` with a real endpoint.
    pub sandbox: Option<SandboxQuota>,
}

impl DoctorJob {
    /// Resolves the settings of `doctor`.
    ///
    /// # Errors
    /// The job file is unreadable or invalid; a setting is missing or invalid.
    pub fn resolve(args: &DoctorArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        let (instance, aws) = destination(&args.job, &args.request, global, &file)?;
        let mapping = input::mapping(&args.request, &file)?;
        let output = global.output.or(file.run.output).unwrap_or_default();
        refuse_csv(output)?;
        if args.probe_token && mapping.operation != Operation::CreateContact {
            return Err(option_error(
                "--probe-token",
                "works with CreateContact only; with StartTaskContact it would start an open task",
            ));
        }
        let shard = input::shard(&args.job, &file);
        let rate = rate(args.rate, &file, shard)?;
        let burst = burst(args.burst, &file, shard)?;
        let dialect = input::dialect(&DialectArgs::default(), &file)?;
        let inputs = input::inputs(&args.job, &file, &dialect);
        let inputs = match inputs {
            Ok(inputs) => inputs,
            Err(JobError::NoInput) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(DoctorJob {
            identity: input::identity(instance, &args.job, &args.request, &file)?,
            ledger: ledger_to_write(&args.job, &file)?,
            inputs,
            dialect,
            mapping,
            rate,
            burst,
            probe_token: args.probe_token,
            aws,
            output,
            sandbox: sandbox(&args.job, global, &file, rate, burst)?,
        })
    }
}
