//! Resolves flags, environment variables, the job file and defaults into validated settings, one type per command.
//!
//! Precedence: flag, environment variable (clap handles both), job file, default. Reads files and sends nothing.

mod at_hand;
mod check;
mod destination;
mod doctor;
mod drawn_values;
mod export;
mod file;
mod input;
mod instance;
mod line_index;
mod log_file;
mod metrics;
mod outline;
mod pace;
mod places;
mod protected;
mod rehearsal;
mod report;
mod skeleton;
mod values;
mod verification;

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::cli::{GlobalArgs, ImportArgs, Output, ProgressArgs, ProgressKind, RunArgs};
use crate::crash_plan::CrashPlan;
use crate::engine::ErrorBudget;
use crate::ledger::{Identity, LedgerError, Retry};
use crate::output_file::OutputError;
use crate::sandbox::SandboxConfig;
use crate::submission::{AwsSettings, OnUnknown};
use crate::ui::DisplayOptions;
pub use at_hand::{JOB_AT_HAND, JobAtHand, take_job_at_hand};
pub use check::CheckJob;
use destination::destination;
pub use doctor::DoctorJob;
pub use export::ExportJob;
pub use file::{JobFile, JobFileError, keys};
pub use input::{InputSettings, dialect};
pub(crate) use instance::SANDBOX;
pub use log_file::log_target;
use metrics::metrics_named;
pub use metrics::metrics_target;
pub use outline::{Outline, OutlineTable};
use pace::pacing;
pub use pace::{Pacing, reload_rate};
use places::ledger_to_write;
pub use places::{expect_csvs, ledgers_of, named_identity};
pub use protected::expect_not_imported;
use protected::rejects_path;
use rehearsal::{kept, kept_by_run, sandbox};
pub use report::ReportJob;
pub use verification::VerifyJob;

/// Default idempotency window. AWS documents no lifetime for CreateContact's client tokens; the API reference of three
/// sibling operations (StartChatContact among them) says seven days, so a day is well inside.
const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Validated settings of `run`.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name of the job, for people.
    pub name: Option<String>,
    /// Instance, operation, namespace, key and shard that the ledger belongs to.
    pub identity: Identity,
    /// Input files and mapping.
    pub input: InputSettings,
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Path of the rejects file.
    pub rejects: PathBuf,
    /// Whether an output may replace an existing file that connect-import did not write.
    pub force: bool,
    /// Rate, burst, concurrency and attempts.
    pub pacing: Pacing,
    /// Maximum rows to send in this run.
    pub limit: Option<u64>,
    /// Error budget; `None`: unlimited.
    pub max_errors: Option<ErrorBudget>,
    /// Codes of rejections that are accepted.
    pub accept: Vec<String>,
    /// Whether all rows are mapped and validated before the first request.
    pub check: bool,
    /// How long to wait for in-flight requests when the run stops.
    pub grace: Duration,
    /// Time after which the run stops sending; `None`: never.
    pub max_duration: Option<Duration>,
    /// How long to wait for the lock if another run holds the ledger.
    pub lock_wait: Duration,
    /// Rows that are sent again.
    pub resend_policy: ResendPolicy,
    /// Account of the instance, if it is given by its ARN.
    pub account: Option<String>,
    /// Whether the first run of the ledger sends without asking.
    pub is_confirmed: bool,
    /// Whether a ledger may be created beside one of the same import.
    pub new_ledger: bool,
    /// Region, endpoint, credentials, timeouts.
    pub aws: AwsSettings,
    /// Output formats and progress display.
    pub display: DisplayOptions,
    /// Settings of the built-in sandbox; `None` with a real endpoint.
    pub sandbox: Option<SandboxConfig>,
    /// Crash point of a rehearsal.
    pub crash_plan: CrashPlan,
}

/// Rows that are sent again although they may exist or were refused.
#[derive(Clone, Debug)]
pub struct ResendPolicy {
    /// Idempotency window: how long after its first unanswered attempt a row's client token may be reused.
    pub window: Duration,
    /// Resend or hold rows whose attempt went unanswered.
    pub on_unknown: OnUnknown,
    /// States named with `--retry`.
    pub retry: Vec<Retry>,
}

/// Invalid usage or configuration; nothing has been sent.
#[derive(Debug, Error)]
pub enum JobError {
    /// The job file is unreadable or invalid.
    #[error(transparent)]
    File(#[from] JobFileError),
    /// The output cannot be written where it was asked for.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A ledger cannot be read, or it cannot be seen whether there is one.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No CSV is named.
    #[error(
        "no CSV is named; give one as an argument, or under [source] files in the job file: --job FILE, or \
         connect-import.toml in this folder"
    )]
    NoInput,
    /// No Connect instance is named.
    #[error(
        "no Connect instance is named; use --instance-id, or instance_id under [connect] in the job file, \
         or --sandbox for a rehearsal"
    )]
    NoInstance,
    /// An option has an invalid value.
    #[error("{option} {problem}")]
    Option {
        /// The option, as on the command line or in the job file.
        option: &'static str,
        /// The problem and the remedy.
        problem: String,
    },
    /// Standard input or a glob pattern implies no path for the ledger.
    #[error("with standard input or a pattern of files, and no job file, name the ledger with --ledger")]
    LedgerUnnamed,
    /// No argument implies the path of a ledger.
    #[error(
        "no ledger is named, and this folder has no connect-import.toml; use --job or --ledger, or name the CSV that was \
         imported"
    )]
    NoLedger,
}

fn option_error(option: &'static str, problem: impl Into<String>) -> JobError {
    JobError::Option { option, problem: problem.into() }
}

/// Upper bound for durations, so that adding one to an instant cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Job {
    /// Resolves the settings of `run`.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub fn resolve(args: &RunArgs, global: &GlobalArgs, file: &JobFile) -> Result<Self, JobError> {
        let ledger = ledger_to_write(&args.job, file);
        let input = InputSettings::resolve(&args.job, &args.import, file, ledger.as_deref().ok())?;
        let pacing = pacing(args, global, file, input.shard)?;
        let (instance, mut aws) = destination(&args.job, &args.import.request, global, file)?;
        let resend_policy = resend_policy(&args.import, file)?;
        // There each unanswered request costs a row.
        aws.separate_connections = resend_policy.on_unknown == OnUnknown::Hold;
        let ledger = ledger?;
        let display = display(&args.import.display, global, file);
        refuse_csv(display.output)?;
        let rejects = rejects_path(args, file, &ledger, &input.inputs)?;
        let sandbox = sandbox(&args.job, global, file, pacing.rate, pacing.burst)?;
        let state = kept(args.keep.as_deref(), &args.job, global, file)?;
        let metrics = metrics_named(args, file);
        let metrics = metrics.as_deref().map(|metrics| ("the metrics file", metrics));
        let outputs: Vec<_> = [("the rejects file", &*rejects)].into_iter().chain(metrics).collect();
        let state = kept_by_run(state, &args.job, file, &ledger, &outputs, args.force)?;
        Ok(Job {
            name: name(args, file)?,
            account: instance.account.clone(),
            is_confirmed: args.yes.or(file.run.yes).unwrap_or(false),
            new_ledger: args.new_ledger,
            identity: input::identity(instance, &args.job, &args.import.request, file, &ledger)?,
            rejects,
            force: args.force,
            input,
            ledger,
            pacing,
            limit: args.import.limit.or(file.run.limit),
            max_errors: args.import.max_errors.or(file.run.max_errors),
            accept: accept(&args.import, file),
            check: !args.no_check.or(file.run.no_check).unwrap_or(false),
            grace: args.grace.or(file.run.grace).unwrap_or(Duration::from_secs(30)).min(LONGEST),
            max_duration: args.max_duration.or(file.run.max_duration).map(|time| time.min(LONGEST)),
            lock_wait: args.lock_wait.or(file.run.lock_wait).unwrap_or_default().min(LONGEST),
            resend_policy,
            aws,
            display,
            sandbox: sandbox.map(|sandbox| SandboxConfig { state: state.clone(), ..sandbox }),
            crash_plan: crash_plan(args)?,
        })
    }
}

fn display(args: &ProgressArgs, global: &GlobalArgs, file: &JobFile) -> DisplayOptions {
    DisplayOptions {
        output: global.output.or(file.run.output).unwrap_or_default(),
        progress: match global.quiet {
            true => ProgressKind::None,
            false => args.progress.or(file.run.progress).unwrap_or_default(),
        },
        report_every: args.report_every.or(file.run.report_every).unwrap_or(Duration::from_secs(30)),
        log_format: global.log_format.unwrap_or_default(),
        debug: global.debug,
        is_verbose: global.verbose,
    }
}

/// Codes of rejections that are accepted: those of the flags, or else those of the job file.
fn accept(args: &ImportArgs, file: &JobFile) -> Vec<String> {
    let codes = if args.accept.is_empty() { &file.run.accept } else { &args.accept };
    codes.clone()
}

/// Longest name of a job, characters: a line of a page.
const NAME_CHARS: usize = 100;

fn name(args: &RunArgs, file: &JobFile) -> Result<Option<String>, JobError> {
    let name = args.name.as_ref().or(file.run.name.as_ref()).map(|name| name.trim());
    match name {
        Some(name)
            if name.is_empty() || name.chars().count() > NAME_CHARS || name.contains(char::is_control) =>
        {
            Err(option_error("--name", format!("must be one line of 1 to {NAME_CHARS} characters")))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

fn crash_plan(args: &RunArgs) -> Result<CrashPlan, JobError> {
    match args.crash_at {
        Some(_) if !args.job.sandbox => {
            Err(option_error("--crash-at", "works in rehearsals only; add --sandbox"))
        }
        crash => Ok(CrashPlan::new(crash)),
    }
}

fn resend_policy(args: &ImportArgs, file: &JobFile) -> Result<ResendPolicy, JobError> {
    let window = args.idempotency_window.or(file.run.idempotency_window).unwrap_or(IDEMPOTENCY_WINDOW);
    if window > LONGEST {
        return Err(option_error("--idempotency-window", "must be at most a year"));
    }
    Ok(ResendPolicy {
        window,
        on_unknown: args.on_unknown.or(file.run.on_unknown).unwrap_or_default(),
        retry: args.retry.clone(),
    })
}

/// Refuses `--output csv` for commands without rows to list.
///
/// # Errors
/// `output` is CSV.
pub fn refuse_csv(output: Output) -> Result<(), JobError> {
    match output {
        Output::Csv => {
            Err(option_error("--output", "csv works with check and export only; use text or json"))
        }
        Output::Text | Output::Json => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::pacing::Rate;
    use crate::source::Input;

    fn resolve(arguments: &[&str]) -> Result<Job, String> {
        let cli = Cli::try_parse_from(["connect-import", "run"].iter().chain(arguments)).unwrap();
        let Command::Run(args) = cli.command else { panic!("run") };
        let file = JobFile::at(args.job.job.as_deref()).map_err(|error| error.to_string())?;
        Job::resolve(&args, &cli.global, &file).map_err(|error| error.to_string())
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
        assert_eq!(job.input.inputs, [Input::File(folder.path().join("t.csv"))]);
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
            ("--name= ", "--name must be one line of 1 to 100 characters"),
            ("--endpoint-url=nowhere", "--endpoint-url must be a URL"),
            ("--endpoint-url=https://me:secret@host", "--endpoint-url must name no user and no password"),
        ] {
            let error = resolve(&["t.csv", INSTANCE, argument]).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn a_shard_has_files_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.toml");
        let files = |text: &str, more: &[&str]| {
            std::fs::write(&path, format!("[source]\nfiles = [\"t.csv\"]\n{text}")).unwrap();
            let job = resolve(&[&["--job", path.to_str().unwrap(), INSTANCE], more].concat()).unwrap();
            [job.ledger, job.rejects].map(|file| file.strip_prefix(folder.path()).unwrap_or(&file).to_owned())
        };
        let named = |names: [&str; 2]| names.map(PathBuf::from);
        let beside = named(["tickets.1-of-4.ledger.db", "tickets.1-of-4.ledger.db.rejects.csv"]);
        assert_eq!(files("", &["--shard=1/4"]), beside);
        assert_eq!(files("[run]\nshard = \"1/4\"", &[]), beside);
        let rehearsal =
            named(["tickets.1-of-4.sandbox.ledger.db", "tickets.1-of-4.sandbox.ledger.db.rejects.csv"]);
        assert_eq!(files("", &["--shard=1/4", "--sandbox"]), rehearsal);
        let of_file = files("[run]\nledger = \"x.db\"\nrejects = \"no.csv\"", &["--shard=1/4"]);
        assert_eq!(of_file, named(["x.1-of-4.db", "no.1-of-4.csv"]));
        let flags = ["--shard=1/4", "--ledger=/d/x.db", "--rejects=/d/no.csv"];
        assert_eq!(files("", &flags), named(["/d/x.db", "/d/no.1-of-4.csv"]));
        let named_so = ["--shard=1/4", "--ledger=/d/x.db", "--rejects=/d/no.1-of-4.csv"];
        assert_eq!(files("", &named_so), named(["/d/x.db", "/d/no.1-of-4.csv"]));
    }

    #[test]
    fn a_shard_takes_its_portion_of_the_whole_imports_rate_and_what_a_flag_says_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.toml");
        std::fs::write(&path, "[source]\nfiles = [\"t.csv\"]\n[pacing]\nrate = 6.0\nburst = 9").unwrap();
        let pacing = |more: &[&str]| {
            let job = resolve(&[&["--job", path.to_str().unwrap(), INSTANCE], more].concat()).unwrap();
            (job.pacing.rate, job.pacing.burst, job.pacing.is_per_process)
        };
        assert_eq!(pacing(&[]), (Rate::Fixed(6.0), 9, false));
        assert_eq!(pacing(&["--shard=0/4"]), (Rate::Fixed(1.5), 2, false));
        assert_eq!(pacing(&["--shard=0/60"]), (Rate::Fixed(0.1), 1, false));
        assert_eq!(pacing(&["--shard=0/4", "--rate=6", "--burst=9"]), (Rate::Fixed(6.0), 9, true));
        assert_eq!(pacing(&["--shard=0/4", "--rate=auto"]).0, Rate::Auto);
        let again = |flag| reload_rate(Some(&path), flag, "0/4".parse().ok(), false);
        assert_eq!(again(None), Ok(Rate::Fixed(1.5)));
        assert!(again(Some(Rate::Fixed(6.0))).is_err());
        let default = resolve(&["t.csv", INSTANCE, "--shard=3/4"]).unwrap().pacing;
        assert_eq!((default.rate, default.burst), (Rate::Fixed(0.5), 1));
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
