//! The job of `verify`.

use std::path::PathBuf;
use std::time::Duration;

use super::destination::destination;
use super::file::JobFile;
use super::pace::{IMPOSSIBLE_RATE, RATES};
use super::places::ledger_path;
use super::{Display, JobError, LONGEST, display, reading, refuse_csv, wrong};
use crate::cli::{GlobalArgs, VerifyArgs};
use crate::ledger::Identity;
use crate::mapping::MappingSource;
use crate::submission::AwsSettings;
use crate::verification::{DESCRIBE_RATE, SEARCH_RATE};

/// A verification.
#[derive(Clone, Debug)]
pub struct VerifyJob {
    /// Whose ledger it is.
    pub identity: Identity,
    /// What is made of a row.
    pub mapping: MappingSource,
    /// The ledger's path.
    pub ledger: PathBuf,
    /// How many created rows are asked for; none is all.
    pub sample: Option<u64>,
    /// The attribute that unknown rows are searched by.
    pub search_attribute: Option<String>,
    /// DescribeContact, requests a second.
    pub describe_rate: f64,
    /// SearchContacts, requests a second.
    pub search_rate: f64,
    /// How long another run that holds the ledger is waited for.
    pub lock_wait: Duration,
    /// The AWS side.
    pub aws: AwsSettings,
    /// What people see.
    pub display: Display,
}

impl VerifyJob {
    /// Puts a verification together.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; something is missing or impossible.
    pub fn resolve(args: &VerifyArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        if args.job.sandbox && global.endpoint_url.is_none() {
            let problem = "forgets its contacts with the run: serve one with the command sandbox and its --state, \
                           import into it, and name it with --endpoint-url";
            return Err(wrong("--sandbox", problem));
        }
        let (instance, aws) = destination(&args.job, &args.made, global, &file)?;
        let mapping = reading::mapping(&args.made, &file)?;
        let display = display(&args.shown, global, &file);
        refuse_csv(display.output)?;
        let rate = |option, flag: Option<f64>, key: Option<f64>, default| {
            let rate = flag.or(key).unwrap_or(default);
            if RATES.contains(&rate) { Ok(rate) } else { Err(wrong(option, IMPOSSIBLE_RATE)) }
        };
        Ok(VerifyJob {
            identity: reading::identity(instance, &args.job, &args.made, &file)?,
            mapping,
            ledger: ledger_path(&args.job, &file)?,
            sample: match args.sample {
                Some(0) => return Err(wrong("--sample", "must be at least 1")),
                // The ledger counts no further.
                sample => sample.map(|rows| rows.min(i64::MAX as u64)),
            },
            search_attribute: args.search_attribute.clone().or(file.verify.search_attribute.clone()),
            describe_rate: rate(
                "--describe-rate",
                args.describe_rate,
                file.verify.describe_rate,
                DESCRIBE_RATE,
            )?,
            search_rate: rate("--search-rate", args.search_rate, file.verify.search_rate, SEARCH_RATE)?,
            lock_wait: args.lock_wait.or(file.run.lock_wait).unwrap_or_default().min(LONGEST),
            aws,
            display,
        })
    }
}
