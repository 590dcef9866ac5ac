//! The job of `doctor`.

use std::path::PathBuf;

use super::destination::destination;
use super::file::JobFile;
use super::pace::{SandboxQuota, burst, rate, sandbox};
use super::places::ledger_to_write;
use super::{JobError, reading, refuse_csv, wrong};
use crate::cli::{DialectArgs, DoctorArgs, GlobalArgs, Output};
use crate::ledger::Identity;
use crate::mapping::MappingSource;
use crate::pacing::Rate;
use crate::request::Operation;
use crate::source::{Dialect, Input};
use crate::submission::AwsSettings;

/// What a doctor looks at.
#[derive(Clone, Debug)]
pub struct DoctorJob {
    /// Whose ledger it is, or would be.
    pub identity: Identity,
    /// The ledger's path.
    pub ledger: PathBuf,
    /// What a run would read, as far as it is named.
    pub inputs: Vec<Input>,
    /// How it is written.
    pub dialect: Dialect,
    /// What is made of a row.
    pub mapping: MappingSource,
    /// Requests a second.
    pub rate: Rate,
    /// Requests that may leave at once.
    pub burst: u32,
    /// Whether a contact is made to see what its token is worth.
    pub probe_token: bool,
    /// The AWS side.
    pub aws: AwsSettings,
    /// The form of results.
    pub output: Output,
    /// The quota of the built-in sandbox, if the job runs against it.
    pub sandbox: Option<SandboxQuota>,
}

impl DoctorJob {
    /// Puts together what a doctor looks at.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; something is missing or impossible.
    pub fn resolve(args: &DoctorArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        let (instance, aws) = destination(&args.job, &args.made, global, &file)?;
        let mapping = reading::mapping(&args.made, &file)?;
        let output = global.output.or(file.run.output).unwrap_or_default();
        refuse_csv(output)?;
        if args.probe_token && mapping.operation != Operation::CreateContact {
            return Err(wrong("--probe-token", "is for completed tasks; it would start an open one"));
        }
        let shard = reading::shard(&args.job, &file);
        let rate = rate(args.rate, &file, shard)?;
        let burst = burst(args.burst, &file, shard)?;
        let dialect = reading::dialect(&DialectArgs::default(), &file)?;
        let inputs = reading::inputs(&args.job, &file, &dialect);
        let inputs = match inputs {
            Ok(inputs) => inputs,
            Err(JobError::NoInput) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(DoctorJob {
            identity: reading::identity(instance, &args.job, &args.made, &file)?,
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
