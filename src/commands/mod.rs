//! The commands, one file each; `help` has `completions` and `man`. They connect settings, domain and output, and hold no
//! logic of their own.

mod announce;
mod busy_wait;
mod check;
mod doctor;
mod dry_run;
mod export;
mod help;
mod init;
mod report;
mod run;
mod sandbox;
mod sent;
mod status;
mod verify;
mod waiting;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use thiserror::Error;
use tokio::runtime::Handle;

use crate::atomic_file::remove_parts;
use crate::check::CheckError;
use crate::cli::{
    Cli, Command, GlobalArgs, Output, RunArgs, UnknownVariable, expect_known_variables, named_paths,
};
use crate::engine::ImportError;
use crate::environment::EnvironmentError;
use crate::exit_code::ExitCode;
use crate::export::ExportError;
use crate::html_report::ReportError;
use crate::intake::{IntakeError, PreparedInput, prepare};
use crate::job::{
    InputSettings, JOB_AT_HAND, JobAtHand, JobError, JobFile, expect_not_imported, log_target,
    take_job_at_hand,
};
use crate::ledger::{BusyWait, LedgerError, LedgerSet, NamedIdentity};
use crate::open_files::{LEAST, LEAST_OF_RUN, expect_open_files};
use crate::paths::resolved;
use crate::printable::{ShownPath as _, is_unprintable, printable_lines};
use crate::sandbox::{Sandbox, SandboxConfig, SandboxError, SandboxHandle};
use crate::shutdown::{ForcedEnd, Shutdown, Signal};
use crate::submission::{AwsSettings, ConnectClient, ConnectError, WrongAccount};
use crate::temporary_folder::{UnusableTemporaryFolder, expect_temporary_folder};
use crate::ui::{
    RejectsError, ResultError, ResumeCommand, begin_log, end_by_signal, end_log, exit_error, notice,
    open_log_file, overdue, tell_of_ledger, usage_error, warning,
};
use init::InitError;
use sent::code_after_sending;
use waiting::{unless_interrupted, unless_signalled};

/// A command ended without its result.
#[derive(Debug, Error)]
pub enum CommandError {
    /// Usage or configuration is invalid.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The input cannot be read.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The check failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The job file cannot be written.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The AWS client cannot be set up.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The rejects file cannot be written.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// The metric definitions are invalid, which is a bug.
    #[error("cannot keep metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The export failed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The HTML report cannot be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The log file cannot be opened.
    #[error("cannot open the log file {}: {source}", path.shown())]
    LogFile {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A result cannot be written.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// An environment variable is unknown.
    #[error(transparent)]
    Variable(#[from] UnknownVariable),
    /// The credentials belong to another account than the instance.
    #[error(transparent)]
    Account(#[from] WrongAccount),
    /// The user did not confirm the first run of a ledger.
    #[error(
        "not confirmed, so nothing was sent; to send the rows, run the same command again, and answer y or add --yes"
    )]
    NotConfirmed,
    /// An error after the first request may have left.
    #[error(transparent)]
    AfterSending(Box<CommandError>),
    /// A signal arrived before the first request.
    #[error("interrupted before the first request; nothing was sent; run the same command again")]
    Interrupted(Signal),
    /// The time of the run is over before the first request.
    #[error(
        "the time that --max-duration allows was over before the first request; nothing was sent; run the same command \
         again, with a longer --max-duration"
    )]
    TimeBudget,
    /// The folder for temporary files cannot be used.
    #[error(transparent)]
    TemporaryFolder(#[from] UnusableTemporaryFolder),
    /// A thread panicked, which is a bug.
    #[error("internal error; run the command again to continue, and report the line above")]
    Internal,
    /// An operation of the operating system failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation, such as `cannot write the summary`.
        what: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl CommandError {
    /// Exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            CommandError::Ledger(error)
            | CommandError::Import(ImportError::Ledger(error))
            | CommandError::Rejects(RejectsError::Ledger(error))
            | CommandError::Report(ReportError::Ledger(error)) => ledger_code(error),
            CommandError::Intake(error) | CommandError::Check(CheckError::Intake(error)) => {
                intake_code(error)
            }
            CommandError::Export(error) => export_code(error),
            CommandError::AfterSending(error) => code_after_sending(error.exit_code()),
            CommandError::Job(JobError::Ledger(error)) => ledger_code(error),
            CommandError::Interrupted(signal) => signal.exit_code(),
            CommandError::TimeBudget => ExitCode::PlannedStop,
            CommandError::Check(CheckError::Write(_))
            | CommandError::Init(InitError::Write { .. })
            | CommandError::Sandbox(SandboxError::StateWrite { .. })
            | CommandError::Import(ImportError::Task(_))
            | CommandError::Result(_)
            | CommandError::Metrics(_)
            | CommandError::Internal
            | CommandError::LogFile { .. }
            | CommandError::Report(ReportError::Render(_))
            | CommandError::Rejects(RejectsError::Write { .. })
            | CommandError::Io { .. } => ExitCode::Storage,
            CommandError::Job(_)
            | CommandError::Connect(_)
            | CommandError::Variable(_)
            | CommandError::Account(_)
            | CommandError::NotConfirmed
            | CommandError::TemporaryFolder(_)
            | CommandError::Init(_)
            | CommandError::Sandbox(_)
            | CommandError::Rejects(RejectsError::Output(_)) => ExitCode::Usage,
        }
    }
}

fn intake_code(error: &IntakeError) -> ExitCode {
    match error {
        IntakeError::Source(_) | IntakeError::Key { .. } | IntakeError::Mapping { .. } => ExitCode::Usage,
        IntakeError::Ledger(error) => ledger_code(error),
        IntakeError::Thread(_) => ExitCode::Storage,
        IntakeError::Interrupted(signal) => signal.exit_code(),
        IntakeError::TimeBudget => ExitCode::PlannedStop,
    }
}

fn export_code(error: &ExportError) -> ExitCode {
    match error {
        ExportError::Ledger(error) => ledger_code(error),
        ExportError::Source(_) | ExportError::Key(_) | ExportError::Column { .. } => ExitCode::Usage,
        ExportError::Write(_) => ExitCode::Storage,
        ExportError::Interrupted(signal) => signal.exit_code(),
    }
}

fn ledger_code(error: &LedgerError) -> ExitCode {
    match error {
        LedgerError::Locked { .. } | LedgerError::LockedElsewhere { .. } => ExitCode::Locked,
        LedgerError::Busy { signal, .. } => signal.map_or(ExitCode::TryLater, Signal::exit_code),
        LedgerError::OtherUnread { source, .. } => ledger_code(source),
        LedgerError::Misplaced { .. }
        | LedgerError::NotALedger(_)
        | LedgerError::Newer(_)
        | LedgerError::Missing(_)
        | LedgerError::HardLinked(_)
        | LedgerError::OtherLedger { .. }
        | LedgerError::OtherIdentity { .. }
        | LedgerError::OtherShard { .. }
        | LedgerError::Mixed { .. }
        | LedgerError::Divided { .. }
        | LedgerError::NoRun { .. }
        | LedgerError::Unbegun(_) => ExitCode::Usage,
        LedgerError::Io { .. }
        | LedgerError::Temporary(_)
        | LedgerError::Sqlite { .. }
        | LedgerError::Misread { .. }
        | LedgerError::Damaged { .. }
        | LedgerError::OtherCopy { .. }
        | LedgerError::OtherLog { .. }
        | LedgerError::TakenOver { .. }
        | LedgerError::LogApart { .. }
        | LedgerError::Changed(_)
        | LedgerError::Gone { .. }
        | LedgerError::Disappeared(_)
        | LedgerError::Disturbed { .. }
        | LedgerError::Illegal(_)
        | LedgerError::Stopped => ExitCode::Storage,
    }
}

/// The error of an operation of the operating system.
fn io(what: &'static str) -> impl FnOnce(io::Error) -> CommandError {
    move |source| CommandError::Io { what, source }
}

/// Runs blocking work on the ledger and on files outside of the async runtime's thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    // The panic hook has printed the location; the message may quote a cell, so it is dropped.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(CommandError::Internal))
}

/// Opens the ledgers, and checks that the output file is none of their inputs.
fn ledgers_apart_from(
    to: Option<&Path>,
    ledgers: Vec<PathBuf>,
    named: &NamedIdentity,
) -> Result<LedgerSet, CommandError> {
    let ledgers = LedgerSet::open(ledgers, named, &BusyWait::telling(tell_of_ledger))?;
    if let Some(to) = to {
        for (_, reader) in ledgers.readers() {
            expect_not_imported("--to", to, &reader.sources()?)?;
        }
    }
    Ok(ledgers)
}

/// Opens the inputs. Standard input may take a while to deliver its first bytes.
async fn prepared(reading: &InputSettings, shutdown: &Shutdown) -> Result<Vec<PreparedInput>, CommandError> {
    expect_temporary_folder()?;
    let InputSettings { inputs, dialect, key, key_comparison, mapping, condition, .. } = reading.clone();
    let work = blocking(move || {
        Ok(prepare(&inputs, &dialect, &key, key_comparison, &mapping, condition.as_deref())?)
    });
    unless_interrupted(shutdown.clone(), work).await
}

/// The AWS client, which reads files that may be pipes.
async fn connect_client(
    instance_id: &str,
    aws: &AwsSettings,
    shutdown: &Shutdown,
) -> Result<ConnectClient, CommandError> {
    let (instance_id, aws, runtime) = (instance_id.to_owned(), aws.clone(), Handle::current());
    let work = blocking(move || Ok(runtime.block_on(ConnectClient::new(&instance_id, &aws))?));
    unless_signalled(shutdown, work).await?
}

/// The built-in sandbox while it serves.
struct ServedSandbox {
    endpoint_url: String,
    handle: SandboxHandle,
}

/// Serves the built-in sandbox until the process ends, or until its state file cannot be written.
async fn serve_sandbox(config: SandboxConfig) -> Result<ServedSandbox, CommandError> {
    let sandbox = Sandbox::bind(config).await?;
    let served = ServedSandbox { endpoint_url: sandbox.endpoint_url(), handle: sandbox.handle() };
    tokio::spawn(async {
        if let Err(error) = sandbox.serve(std::future::pending()).await {
            // The run only sees that its endpoint is gone.
            warning(&error.to_string());
        }
    });
    Ok(served)
}

/// Tells what became of the job at hand; returns it if it is the job.
fn tell_job_at_hand(at_hand: JobAtHand) -> Option<&'static str> {
    match at_hand {
        JobAtHand::Taken => {
            notice(&format!("job: {}", resolved(Path::new(JOB_AT_HAND)).shown()));
            Some(JOB_AT_HAND)
        }
        JobAtHand::PassedOver => {
            notice(&format!(
                "{JOB_AT_HAND} in this folder is not used, since a CSV is named; add --job {JOB_AT_HAND} to use it"
            ));
            None
        }
    }
}

/// The error as clap styles it, or without styles if a word that it quotes may have some of its own.
fn styled(error: &clap::Error) -> String {
    let text = error.render();
    let plain = text.to_string();
    let is_plain = plain.contains(|c| c != '\n' && is_unprintable(c));
    if is_plain { printable_lines(&plain) } else { text.ansi().to_string() }
}

/// Removes files that are not complete, and says why the process ends before its command has.
pub fn on_forced_end(signal: Signal, why: ForcedEnd) {
    remove_parts();
    let text = match why {
        // As after a signal that is not handled.
        ForcedEnd::AtOnce | ForcedEnd::Again => None,
        ForcedEnd::Overdue(allowed) => Some(overdue(signal, allowed)),
    };
    end_by_signal(text.as_deref(), signal.exit_code());
}

/// Prints why the process cannot start; returns its exit code.
pub fn end_of_start(error: &EnvironmentError) -> ExitCode {
    exit_error(Output::Text, ExitCode::Usage, &error.to_string());
    ExitCode::Usage
}

/// Prints help, the version or a usage error; returns the exit code of the process.
pub fn end_of_parsing(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        match dry_run::answer(error) {
            Some(answer) => exit_error(Output::Text, ExitCode::Usage, &answer),
            None => usage_error(&styled(error)),
        }
        return ExitCode::Usage;
    }
    match error.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            exit_error(Output::Text, ExitCode::Storage, &format!("cannot write to standard output: {error}"));
            ExitCode::Storage
        }
        Ok(()) | Err(_) => ExitCode::Complete,
    }
}

/// Runs the command of `cli` and reports its error; returns the exit code of the process. `matches` are clap's matches, for
/// printing the command to resume.
pub fn run_to_end(cli: Cli, matches: &ArgMatches) -> ExitCode {
    let least = if matches!(cli.command, Command::Run(_)) { LEAST_OF_RUN } else { LEAST };
    let output = match cli.command {
        // The output of an export is rows only; a message among them would be taken for a row.
        Command::Export(_) => Output::Text,
        _ => cli.global.output.unwrap_or_default(),
    };
    // Before the runtime opens its own.
    if let Err(error) = expect_open_files(least) {
        exit_error(output, ExitCode::Usage, &error.to_string());
        return ExitCode::Usage;
    }
    // One thread: the ledger and the readers of files have their own, and handing requests over between several took a
    // fifth of their CPU. Measured with the benchmark `speed no-quota`.
    let code = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            // Unwind safe: nothing is used after a panic but the message and the exit code.
            let work = AssertUnwindSafe(|| runtime.block_on(execute(cli, matches)));
            let ended = catch_unwind(work).unwrap_or(Err(CommandError::Internal));
            // A thread that waits for a signal or for input must not delay the exit.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(io("cannot start the async runtime")(error)),
    };
    let code = code.unwrap_or_else(|error| {
        exit_error(output, error.exit_code(), &error.to_string());
        error.exit_code()
    });
    end_log(code);
    code
}

/// Opens the log file of a command, if it has one.
fn open_log(
    global: &GlobalArgs,
    matches: &ArgMatches,
    run: Option<(&RunArgs, &JobFile)>,
) -> Result<(), CommandError> {
    match log_target(global, &named_paths(matches, "log-file"), run)? {
        Some(path) => open_log_file(&path).map_err(|source| CommandError::LogFile { path, source }),
        None => Ok(()),
    }
}

async fn execute(mut cli: Cli, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let at_hand = take_job_at_hand(&mut cli.command, Path::new(""));
    let run = if let Command::Run(args) = &cli.command { Some(&**args) } else { None };
    // Read once, since it may be a pipe. An invalid job file names no log file, but a flag may.
    let file = JobFile::at(run.and_then(|args| args.job.job.as_deref()));
    let readable = file.as_ref().cloned().unwrap_or_default();
    open_log(&cli.global, matches, run.map(|args| (args, &readable)))?;
    begin_log(matches.subcommand_name().unwrap_or_default());
    expect_known_variables()?;
    let at_hand = at_hand.and_then(tell_job_at_hand);
    match &cli.command {
        Command::Run(args) => {
            let program = std::env::args_os().next().unwrap_or_default();
            run::run(args, &cli.global, &ResumeCommand::new(program, matches, at_hand), file).await
        }
        Command::Check(args) => check::check(args, &cli.global).await,
        Command::Init(args) => init::init(args),
        Command::Verify(args) => verify::verify(args, &cli.global).await,
        Command::Doctor(args) => doctor::doctor(args, &cli.global).await,
        Command::Export(args) => export::export(args, &cli.global).await,
        Command::Report(args) => report::report(args, &cli.global).await,
        Command::Status(args) => status::status(args, &cli.global),
        Command::Sandbox(args) => sandbox::sandbox(args).await,
        Command::Completions(args) => help::completions(args),
        Command::Man(args) => help::man(args),
    }
}
