//! The job: flags, environment, job file and defaults, made into one validated whole.
//!
//! A flag beats the environment (clap sees to both), which beats the job file, which beats the
//! default.

mod destination;
mod doctor;
mod export;
mod file;
mod instance;
mod outline;
mod reading;
mod report;
mod skeleton;
mod verification;

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::cli::{
    CheckArgs, GlobalArgs, InitArgs, JobArgs, LedgersArgs, Output, ProgressKind, ReadArgs, RunArgs, ShownArgs,
};
use crate::draft::draft_of;
use crate::engine::ErrorBudget;
use crate::ledger::{Identity, Retry};
use crate::pacing::{DEFAULT_BURST, DEFAULT_RATE, Rate};
use crate::paths::{resolved, uncompressed, with_suffix};
use crate::rehearsal::Rehearsal;
use crate::source::{Dialect, Input};
use crate::submission::{AwsSettings, OnUnknown};
use destination::{destination, instance};
pub use doctor::DoctorJob;
pub use export::ExportJob;
pub use file::{JobFile, JobFileError, keys};
pub(crate) use instance::SANDBOX;
pub use outline::{Outline, OutlineTable};
pub use reading::Reading;
use reading::is_pattern;
pub use report::ReportJob;
pub use verification::VerifyJob;

/// How long an unanswered attempt's token may be used again. Connect documents no lifetime for
/// CreateContact's tokens; sibling operations say seven days, so a day is well inside.
const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// A validated import.
#[derive(Clone, Debug)]
pub struct Job {
    /// Whose ledger it is.
    pub identity: Identity,
    /// What is read, and what is made of it.
    pub reading: Reading,
    /// The ledger's path.
    pub ledger: PathBuf,
    /// Where rows that were not created are written.
    pub rejects: PathBuf,
    /// How fast and how often.
    pub pacing: Pacing,
    /// Rows to send at most.
    pub limit: Option<u64>,
    /// How many rows may go wrong.
    pub max_errors: Option<ErrorBudget>,
    /// Whether every row is mapped and validated before the first is sent.
    pub check: bool,
    /// How long requests under way are awaited when the run stops.
    pub grace: Duration,
    /// How long after its start the run makes no further request; none is never.
    pub max_duration: Option<Duration>,
    /// How long another run that holds the ledger is waited for.
    pub lock_wait: Duration,
    /// What is sent again.
    pub resending: Resending,
    /// The AWS side.
    pub aws: AwsSettings,
    /// What people see.
    pub display: Display,
    /// The quota of the built-in sandbox, if the job runs against it.
    pub sandbox: Option<SandboxQuota>,
    /// Where a rehearsal crashes, if it is to.
    pub rehearsal: Rehearsal,
}

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

/// What is sent again, although it may have been created or was refused.
#[derive(Clone, Debug)]
pub struct Resending {
    /// How long an unanswered attempt's token may be used again.
    pub window: Duration,
    /// What becomes of a row whose attempt went unanswered.
    pub on_unknown: OnUnknown,
    /// What somebody has asked for.
    pub retry: Vec<Retry>,
}

/// How fast and how often.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pacing {
    /// Requests a second, positive, or auto.
    pub rate: Rate,
    /// Requests that Connect takes at once, at least 1.
    pub burst: u32,
    /// Requests under way at most, at least 1, if that was asked for.
    pub concurrency: Option<usize>,
    /// Attempts a row and run, at least 1.
    pub max_attempts: u32,
}

/// What people see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Display {
    /// The form of results on standard output.
    pub output: Output,
    /// How progress is shown on standard error.
    pub progress: ProgressKind,
    /// How often a line of progress is written.
    pub report_every: Duration,
    /// Whether single steps are told too; a bar would be torn by them.
    pub debug: bool,
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

/// The job makes no sense; nothing is sent.
#[derive(Debug, Error)]
pub enum JobError {
    /// The job file is at fault.
    #[error(transparent)]
    File(#[from] JobFileError),
    /// There is no input.
    #[error("no CSV is named; give one as an argument, or under [source] files in the job file")]
    NoInput,
    /// There is no instance.
    #[error(
        "no Connect instance is named; use --instance-id, or instance_id under [connect] in the job file, \
         or --sandbox for a rehearsal"
    )]
    NoInstance,
    /// An option has an impossible value.
    #[error("{option} {problem}")]
    Option {
        /// The option as it is written.
        option: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Standard input or a pattern has no place beside which a ledger could lie.
    #[error("with standard input or a pattern of files, and no job file, name the ledger with --ledger")]
    LedgerUnnamed,
    /// Nothing says where a ledger is.
    #[error(
        "nothing says which ledger; name it with --ledger, or the job file with --job, or the CSV that was imported"
    )]
    NoLedger,
}

fn wrong(option: &'static str, problem: impl Into<String>) -> JobError {
    JobError::Option { option, problem: problem.into() }
}

/// From one request a day to more than any wire carries.
const RATES: std::ops::RangeInclusive<f64> = 1e-5..=1e9;

const IMPOSSIBLE_RATE: &str = "must be more than 0 requests a second, from 0.00001 to 1000000000";

/// No time is longer, so that sums of times do not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Job {
    /// Puts a job together.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; something is missing or impossible.
    pub fn resolve(args: &RunArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::for_args(&args.job)?;
        let reading = Reading::resolve(&args.job, &args.read, &file)?;
        let pacing = pacing(args, &file)?;
        let (instance, aws) = destination(&args.job, &args.read.made, global, &file)?;
        let ledger = ledger_path(&args.job, &file)?;
        let from_file = file.run.rejects.as_ref().filter(|_| !args.job.sandbox);
        let rejects = args.rejects.clone().or_else(|| from_file.map(|path| file.beside(path)));
        let rejects = rejects.unwrap_or_else(|| with_suffix(&ledger, ".rejects.csv"));
        keep_apart("--rejects", &rejects, &ledger, file.path.as_deref())?;
        let display = display(&args.read.shown, global, &file);
        refuse_csv(display.output)?;
        Ok(Job {
            identity: reading::identity(instance, &args.read.made, &file)?,
            rejects: unless_an_input(rejects, &reading.inputs),
            reading,
            ledger,
            pacing,
            limit: args.read.limit.or(file.run.limit),
            max_errors: args.read.max_errors.or(file.run.max_errors),
            check: !args.no_check.or(file.run.no_check).unwrap_or(false),
            grace: args.grace.or(file.run.grace).unwrap_or(Duration::from_secs(30)).min(LONGEST),
            max_duration: args.max_duration.or(file.run.max_duration).map(|time| time.min(LONGEST)),
            lock_wait: args.lock_wait.or(file.run.lock_wait).unwrap_or_default().min(LONGEST),
            resending: resending(&args.read, &file)?,
            aws,
            display,
            sandbox: sandbox(&args.job, global, &file, pacing.rate, pacing.burst)?,
            rehearsal: rehearsal(args)?,
        })
    }
}

impl CheckJob {
    /// Puts a check together.
    ///
    /// # Errors
    /// The job file cannot be read or holds what it may not; something is missing or impossible.
    pub fn resolve(args: &CheckArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::for_args(&args.job)?;
        let instance = instance(&args.job, &args.read.made, &file)?;
        Ok(CheckJob {
            reading: Reading::resolve(&args.job, &args.read, &file)?,
            ledger: match ledger_path(&args.job, &file) {
                Ok(path) => Some(path),
                Err(JobError::LedgerUnnamed) => None,
                Err(error) => return Err(error),
            },
            instance_id: instance.map(|instance| instance.id),
            rate: rate(args.read.rate, &file)?,
            limit: args.read.limit.or(file.run.limit),
            max_errors: args.read.max_errors.or(file.run.max_errors),
            resending: resending(&args.read, &file)?,
            display: display(&args.read.shown, global, &file),
        })
    }
}

/// How the CSV of `init` is written, as its flags say.
///
/// # Errors
/// A word says nothing, or two of the characters are the same.
pub fn dialect_of(args: &InitArgs) -> Result<Dialect, JobError> {
    reading::dialect(&args.dialect, &JobFile::default())
}

fn display(args: &ShownArgs, global: &GlobalArgs, file: &JobFile) -> Display {
    Display {
        output: global.output.or(file.run.output).unwrap_or_default(),
        progress: args.progress.or(file.run.progress).unwrap_or_default(),
        report_every: args.report_every.or(file.run.report_every).unwrap_or(Duration::from_secs(30)),
        debug: global.debug,
    }
}

fn rehearsal(args: &RunArgs) -> Result<Rehearsal, JobError> {
    match args.crash_at {
        Some(_) if !args.job.sandbox => Err(wrong("--crash-at", "is for rehearsals; use it with --sandbox")),
        crash => Ok(Rehearsal::new(crash)),
    }
}

fn resending(args: &ReadArgs, file: &JobFile) -> Result<Resending, JobError> {
    let window = args.idempotency_window.or(file.run.idempotency_window).unwrap_or(IDEMPOTENCY_WINDOW);
    if window > LONGEST {
        return Err(wrong("--idempotency-window", "must be at most a year"));
    }
    Ok(Resending {
        window,
        on_unknown: args.on_unknown.or(file.run.on_unknown).unwrap_or_default(),
        retry: args.retry.clone(),
    })
}

/// The rate that the job file has by now, for a run that was started with it.
///
/// # Errors
/// A flag or the environment sets the rate, or there is no job file, or it is at fault; for people.
pub fn rate_again(job: Option<&Path>, flag: Option<Rate>) -> Result<Rate, String> {
    if flag.is_some() {
        return Err("--rate sets it, which beats the job file".to_owned());
    }
    let path = job.ok_or("there is no job file to read it from")?;
    let file = JobFile::read(path).map_err(|error| error.to_string())?;
    rate(flag, &file).map_err(|error| error.to_string())
}

/// Only a check has faults to list as CSV.
///
/// # Errors
/// The output is to be CSV.
pub fn refuse_csv(output: Output) -> Result<(), JobError> {
    match output {
        Output::Csv => Err(wrong("--output", "csv is for the commands check and export; use text or json")),
        Output::Text | Output::Json => Ok(()),
    }
}

fn rate(flag: Option<Rate>, file: &JobFile) -> Result<Rate, JobError> {
    match flag.or(file.pacing.rate).unwrap_or(Rate::Fixed(DEFAULT_RATE)) {
        Rate::Fixed(rate) if !RATES.contains(&rate) => {
            Err(wrong(if flag.is_some() { "--rate" } else { "[pacing] rate" }, IMPOSSIBLE_RATE))
        }
        possible => Ok(possible),
    }
}

/// The ledger of a job, for commands that only read it.
///
/// # Errors
/// The job file is at fault, or nothing says where the ledger is.
pub fn ledger_of(args: &JobArgs) -> Result<PathBuf, JobError> {
    ledger_path(args, &JobFile::for_args(args)?)
}

/// The ledgers of a job, for commands that only read them and may be given several.
///
/// # Errors
/// The job file is at fault, nothing says where a ledger is, or one is named twice.
pub fn ledgers_of(args: &LedgersArgs) -> Result<Vec<PathBuf>, JobError> {
    let ledgers = match (&args.ledger[..], ledger_of(&job_args(args))) {
        ([], Ok(ledger)) => vec![ledger],
        ([], Err(JobError::NoInput)) => return Err(JobError::NoLedger),
        (_, Err(error)) => return Err(error),
        (named, Ok(_)) => named.to_vec(),
    };
    let mut seen = std::collections::HashSet::new();
    match ledgers.iter().find(|ledger| !seen.insert(resolved(ledger))) {
        Some(twice) => Err(wrong("--ledger", format!("names {} twice", twice.display()))),
        None => Ok(ledgers),
    }
}

/// The same job with the first of its ledgers.
fn job_args(args: &LedgersArgs) -> JobArgs {
    let LedgersArgs { files, job, ledger, sandbox } = args;
    JobArgs { files: files.clone(), job: job.clone(), ledger: ledger.first().cloned(), sandbox: *sandbox }
}

fn pacing(args: &RunArgs, file: &JobFile) -> Result<Pacing, JobError> {
    let pacing = Pacing {
        rate: rate(args.read.rate, file)?,
        burst: args.burst.or(file.pacing.burst).unwrap_or(DEFAULT_BURST),
        concurrency: args.concurrency.or(file.pacing.concurrency),
        max_attempts: args.max_attempts.or(file.pacing.max_attempts).unwrap_or(5),
    };
    let at_least_one = [
        ("--burst", pacing.burst as usize),
        ("--concurrency", pacing.concurrency.unwrap_or(1)),
        ("--max-attempts", pacing.max_attempts as usize),
    ];
    match at_least_one.into_iter().find(|(_, value)| *value == 0) {
        Some((option, _)) => Err(wrong(option, "must be at least 1")),
        None => Ok(pacing),
    }
}

/// The built-in sandbox serves a rehearsal that names no endpoint of its own.
fn sandbox(
    args: &JobArgs,
    global: &GlobalArgs,
    file: &JobFile,
    rate: Rate,
    burst: u32,
) -> Result<Option<SandboxQuota>, JobError> {
    if !args.sandbox || global.endpoint_url.is_some() {
        return Ok(None);
    }
    let quota = SandboxQuota {
        rate: file.sandbox.rate.unwrap_or(rate.at_first()),
        burst: file.sandbox.burst.unwrap_or(burst),
        latency: file.sandbox.latency.unwrap_or(Duration::from_millis(40)),
    };
    if RATES.contains(&quota.rate) && quota.burst > 0 {
        Ok(Some(quota))
    } else {
        Err(wrong("[sandbox]", "needs a rate of more than 0 and a burst of at least 1"))
    }
}

/// Beside the job file, or without one beside the first CSV.
fn ledger_path(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    if let Some(path) = &args.ledger {
        return Ok(path.clone());
    }
    if let (Some(path), false) = (&file.run.ledger, args.sandbox) {
        return Ok(file.beside(path));
    }
    let anchor = match (&file.path, args.files.first()) {
        (Some(job), _) => job.clone(),
        (None, Some(csv)) if csv == Path::new("-") || is_pattern(csv) => return Err(JobError::LedgerUnnamed),
        (None, Some(csv)) => uncompressed(csv),
        (None, None) => return Err(JobError::NoInput),
    };
    let suffix = if args.sandbox { ".sandbox.ledger.db" } else { ".ledger.db" };
    Ok(with_suffix(&anchor.with_extension(""), suffix))
}

/// What is written never goes where the ledger, what belongs to it, or the job file lies, nor does its draft.
fn keep_apart(
    option: &'static str,
    target: &Path,
    ledger: &Path,
    job: Option<&Path>,
) -> Result<(), JobError> {
    let of_ledger = ["", ".lock", "-wal", "-shm"].map(|suffix| with_suffix(&resolved(ledger), suffix));
    let drafts = [draft_of(&resolved(ledger)), with_suffix(&draft_of(&resolved(ledger)), "-journal")];
    let taken: Vec<PathBuf> = of_ledger.into_iter().chain(drafts).chain(job.map(resolved)).collect();
    let own = [resolved(target), draft_of(&resolved(target))];
    if own.iter().any(|path| taken.contains(path)) {
        Err(wrong(option, "names the ledger or the job file; name a file of its own"))
    } else {
        Ok(())
    }
}

/// A rejects file that is being read is never written over: the next one has a number.
fn unless_an_input(rejects: PathBuf, inputs: &[Input]) -> PathBuf {
    let taken = |path: &Path| {
        let identity = Input::File(path.to_owned()).identity();
        inputs.iter().any(|input| input.identity() == identity)
    };
    if !taken(&rejects) {
        return rejects;
    }
    let stem = rejects.with_extension("");
    (2..)
        .map(|number: u32| with_suffix(&stem, &format!("-{number}.csv")))
        .find(|path| !taken(path))
        .unwrap_or(rejects)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn resolve(arguments: &[&str]) -> Result<Job, String> {
        let cli = Cli::try_parse_from(["connect-import", "run"].iter().chain(arguments)).unwrap();
        let Command::Run(args) = cli.command else { panic!("run") };
        Job::resolve(&args, &cli.global).map_err(|error| error.to_string())
    }

    const INSTANCE: &str = "--instance-id=11111111-2222-3333-4444-555555555555";

    #[test]
    fn the_ledger_lies_beside_the_first_csv_without_a_job_file() {
        let job = resolve(&["/data/tickets.csv", INSTANCE]).unwrap();
        assert_eq!(job.ledger, Path::new("/data/tickets.ledger.db"));
        assert_eq!(job.rejects, Path::new("/data/tickets.ledger.db.rejects.csv"));
        let rehearsal = resolve(&["/data/tickets.csv", "--sandbox"]).unwrap();
        assert_eq!(rehearsal.ledger, Path::new("/data/tickets.sandbox.ledger.db"));
    }

    #[test]
    fn the_ledger_and_the_files_lie_beside_the_job_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.toml");
        std::fs::write(&path, "[source]\nfiles = [\"t.csv\"]\n[pacing]\nrate = 3.5").unwrap();
        let job = resolve(&["--job", path.to_str().unwrap(), INSTANCE, "--burst=9"]).unwrap();
        assert_eq!(job.ledger, folder.path().join("tickets.ledger.db"));
        assert_eq!(job.reading.inputs, [Input::File(folder.path().join("t.csv"))]);
        assert_eq!((job.pacing.rate, job.pacing.burst), (Rate::Fixed(3.5), 9));
        let flag = resolve(&["--job", path.to_str().unwrap(), INSTANCE, "--rate=7"]).unwrap();
        assert_eq!(flag.pacing.rate, Rate::Fixed(7.0));
    }

    #[test]
    fn the_default_pace_is_the_documented_quota() {
        let pacing = resolve(&["t.csv", INSTANCE]).unwrap().pacing;
        assert_eq!((pacing.rate, pacing.burst), (Rate::Fixed(2.0), 5));
    }

    #[test]
    fn the_arn_and_the_id_name_the_same_instance() {
        let arn = "--instance-id=arn:aws:connect:eu-west-2:123456789012:instance/11111111-2222-3333-4444-555555555555";
        let job = resolve(&["t.csv", arn]).unwrap();
        assert_eq!(job.identity, resolve(&["t.csv", INSTANCE]).unwrap().identity);
        assert_eq!(job.aws.region.as_deref(), Some("eu-west-2"));
        let other = resolve(&["t.csv", arn, "--region=us-east-1"]).unwrap_err();
        assert_eq!(other, "--region is 'us-east-1', but the instance's ARN says 'eu-west-2'");
    }

    #[test]
    fn the_reserved_instance_never_meets_a_real_endpoint() {
        for arguments in [
            &["t.csv", "--instance-id=sandbox"][..],
            &["t.csv", "--instance-id=sandbox", "--endpoint-url=https://connect.eu-west-2.amazonaws.com"],
            &["t.csv", "--sandbox", "--endpoint-url=http://10.0.0.1:80"],
        ] {
            assert!(resolve(arguments).is_err(), "{arguments:?}");
        }
        let job = resolve(&["t.csv", "--sandbox", INSTANCE]).unwrap();
        assert_eq!(job.identity.instance_id, "sandbox");
        assert!(job.sandbox.is_some());
        let own = resolve(&["t.csv", "--sandbox", "--endpoint-url=http://127.0.0.1:8080"]).unwrap();
        assert!(own.sandbox.is_none());
    }

    #[test]
    fn impossible_values_are_refused() {
        for (argument, words) in [
            ("--rate=0", "--rate must be more than 0"),
            ("--rate=inf", "--rate must be more than 0"),
            ("--burst=0", "--burst must be at least 1"),
            ("--concurrency=0", "--concurrency must be at least 1"),
            ("--max-attempts=0", "--max-attempts must be at least 1"),
            ("--read-timeout=0", "--read-timeout must be more than 0"),
            ("--endpoint-url=nowhere", "--endpoint-url must be a URL"),
        ] {
            let error = resolve(&["t.csv", INSTANCE, argument]).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn a_rejects_file_that_is_read_is_not_written_over() {
        let job = resolve(&["/d/t.ledger.db.rejects.csv", "--ledger=/d/t.ledger.db", INSTANCE]).unwrap();
        assert_eq!(job.rejects, Path::new("/d/t.ledger.db.rejects-2.csv"));
    }

    #[test]
    fn standard_input_needs_a_named_ledger() {
        assert!(resolve(&["-", INSTANCE]).unwrap_err().contains("--ledger"));
        assert!(resolve(&["-", INSTANCE, "--ledger=/d/x.db"]).is_ok());
    }
}
