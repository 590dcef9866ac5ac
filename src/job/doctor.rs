//! Settings of `doctor`.

use super::destination::destination;
use super::file::JobFile;
use super::pace::{burst, rate_and_start};
use super::places::ledger_to_write;
use super::rehearsal::sandbox;
use super::{JobError, input, option_error, refuse_csv};
use crate::cli::{DoctorArgs, GlobalArgs, Output};
use crate::doctor::Examination;
use crate::mapping::MappingSource;
use crate::request::Operation;
use crate::sandbox::SandboxConfig;
use crate::source::{Dialect, Input};
use crate::submission::AwsSettings;

/// Validated settings of `doctor`.
#[derive(Clone, Debug)]
pub struct DoctorJob {
    /// The run that is examined, without its inputs.
    pub examination: Examination,
    /// Inputs that a run would read; empty if none is named.
    pub inputs: Vec<Input>,
    /// CSV dialect of the inputs.
    pub dialect: Dialect,
    /// Source of the mapping.
    pub mapping: MappingSource,
    /// Expression that is true for the rows to import; `None`: all rows.
    pub condition: Option<String>,
    /// Region, endpoint, credentials, timeouts.
    pub aws: AwsSettings,
    /// Format of results on standard output.
    pub output: Output,
    /// Settings of the built-in sandbox; `None` with a real endpoint.
    pub sandbox: Option<SandboxConfig>,
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
        let (rate, _) = rate_and_start(&args.job, global, args.rate, &file, shard)?;
        let burst = burst(args.burst, &file, shard)?;
        let dialect = input::dialect(&args.dialect, &file)?;
        let inputs = match input::inputs(&args.job, &file, &dialect) {
            Err(JobError::NoInput) => Vec::new(),
            inputs => inputs?,
        };
        let ledger = ledger_to_write(&args.job, &file)?;
        Ok(DoctorJob {
            examination: Examination {
                account: instance.account.clone(),
                is_endpoint_given: aws.endpoint_url.is_some() || aws.sandbox,
                identity: input::identity(instance, &args.job, &args.request, &file, &ledger)?,
                ledger,
                rate,
                burst,
                probe_token: args.probe_token,
                rehearsal: aws.sandbox,
            },
            inputs,
            dialect,
            mapping,
            condition: file.source.condition.clone(),
            aws,
            output,
            sandbox: sandbox(&args.job, global, &file, rate, burst)?,
        })
    }
}
