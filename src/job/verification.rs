//! Settings of `verify`.

use std::path::PathBuf;
use std::time::Duration;

use super::destination::destination;
use super::file::JobFile;
use super::pace::{INVALID_RATE, RATES};
use super::places::ledger_path;
use super::{JobError, LONGEST, display, input, option_error, refuse_csv};
use crate::cli::{GlobalArgs, VerifyArgs};
use crate::ledger::Identity;
use crate::mapping::MappingSource;
use crate::submission::AwsSettings;
use crate::ui::DisplayOptions;
use crate::verification::{DESCRIBE_RATE, SEARCH_RATE};

/// Validated settings of `verify`.
#[derive(Clone, Debug)]
pub struct VerifyJob {
    /// Instance, operation, namespace, key and shard that the ledger belongs to.
    pub identity: Identity,
    /// Source of the mapping.
    pub mapping: MappingSource,
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Number of created rows to look up; `None`: all.
    pub sample: Option<u64>,
    /// Attribute that unknown rows are searched by; `None`: by name.
    pub search_attribute: Option<String>,
    /// DescribeContact requests per second.
    pub describe_rate: f64,
    /// SearchContacts requests per second.
    pub search_rate: f64,
    /// How long to wait for the lock if another run holds the ledger.
    pub lock_wait: Duration,
    /// Region, endpoint, credentials, timeouts.
    pub aws: AwsSettings,
    /// Output formats and progress display.
    pub display: DisplayOptions,
}

impl VerifyJob {
    /// Resolves the settings of `verify`.
    ///
    /// # Errors
    /// The job file is unreadable or invalid; a setting is missing or invalid.
    pub fn resolve(args: &VerifyArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        if args.job.sandbox && global.endpoint_url.is_none() {
            let problem = "loses its contacts when the run ends: start one with connect-import sandbox --state FILE, \
                           import into it, and name it with --endpoint-url";
            return Err(option_error("--sandbox", problem));
        }
        let (instance, aws) = destination(&args.job, &args.request, global, &file)?;
        let mapping = input::mapping(&args.request, &file)?;
        let display = display(&args.display, global, &file);
        refuse_csv(display.output)?;
        let table = &file.verify;
        let rate = |option, flag: Option<f64>, key: Option<f64>, default| {
            let rate = flag.or(key).unwrap_or(default);
            if RATES.contains(&rate) { Ok(rate) } else { Err(option_error(option, INVALID_RATE)) }
        };
        let ledger = ledger_path(&args.job, &file)?;
        Ok(VerifyJob {
            identity: input::identity(instance, &args.job, &args.request, &file, &ledger)?,
            mapping,
            ledger,
            sample: match args.sample {
                Some(0) => return Err(option_error("--sample", "must be at least 1")),
                // SQLite's integers are signed.
                sample => sample.map(|rows| rows.min(i64::MAX as u64)),
            },
            search_attribute: args.search_attribute.clone().or(table.search_attribute.clone()),
            describe_rate: rate("--describe-rate", args.describe_rate, table.describe_rate, DESCRIBE_RATE)?,
            search_rate: rate("--search-rate", args.search_rate, table.search_rate, SEARCH_RATE)?,
            lock_wait: args.lock_wait.or(file.run.lock_wait).unwrap_or_default().min(LONGEST),
            aws,
            display,
        })
    }
}
