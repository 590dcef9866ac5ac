//! Settings of `verify`.

use std::path::PathBuf;
use std::time::Duration;

use super::destination::{destination, is_built_in};
use super::file::JobFile;
use super::pace::{INVALID_RATE, RATES, burst, rate_and_start};
use super::places::ledger_path;
use super::rehearsal::{kept, sandbox};
use super::{JobError, LONGEST, display, input, option_error, refuse_csv};
use crate::cli::{GlobalArgs, VerifyArgs};
use crate::ledger::Identity;
use crate::mapping::MappingSource;
use crate::output_file::OutputKind;
use crate::printable::ShownPath as _;
use crate::sandbox::SandboxConfig;
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
    /// Settings of the built-in sandbox, with the contacts of a rehearsal; `None` with a real endpoint.
    pub sandbox: Option<SandboxConfig>,
}

impl VerifyJob {
    /// Resolves the settings of `verify`.
    ///
    /// # Errors
    /// The job file is unreadable or invalid; a setting is missing or invalid.
    pub fn resolve(args: &VerifyArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        let kept = kept(args.keep.as_deref(), &args.job, global, &file)?;
        if is_built_in(&args.job, global) && kept.is_none() {
            let problem = "loses its contacts when the run ends: rehearse with run --sandbox --keep FILE, then verify with \
                           --sandbox --keep FILE";
            return Err(option_error("--sandbox", problem));
        }
        if let Some(missing) = kept.as_deref().filter(|kept| !OutputKind::SandboxState.is_at(kept)) {
            let problem =
                format!("names {}, which no run --sandbox --keep FILE has written", missing.shown());
            return Err(option_error("--keep", problem));
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
        let shard = input::shard(&args.job, &file);
        let (sending_rate, _) = rate_and_start(&args.job, global, None, &file, shard)?;
        let sandbox = sandbox(&args.job, global, &file, sending_rate, burst(None, &file, shard)?)?;
        let sandbox = sandbox.map(|sandbox| SandboxConfig { state: kept, ..sandbox });
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
            sandbox,
        })
    }
}
