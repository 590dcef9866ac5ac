//! The command line: types only, one file for commands of a kind.

mod described;
mod help;
mod import;
mod ledger;
mod sandbox;
mod shared;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ColorChoice, Parser, Subcommand};

pub use described::described;
pub use help::{CompletionsArgs, ManArgs};
pub use import::{CheckArgs, DoctorArgs, InitArgs, RunArgs};
pub use ledger::{ExportArgs, ReportArgs, StatusArgs, VerifyArgs};
pub use sandbox::SandboxArgs;
pub use shared::{DialectArgs, JobArgs, LedgersArgs, MadeArgs, ReadArgs, ShownArgs};
pub use values::{LogFormat, Output, ProgressKind, duration};

/// Moves tasks from CSV into Amazon Connect: paced, resumable, safe to run again.
#[derive(Debug, Parser)]
#[command(name = "connect-import", version = env!("CONNECT_IMPORT_VERSION"), about, max_term_width = 100, args_override_self = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import rows; resumes by itself whatever an earlier run left
    Run(Box<RunArgs>),
    /// Map and validate every row, say what is wrong and what a run would do; send nothing
    Check(Box<CheckArgs>),
    /// Write a job file guessed from a CSV, or print every member of an operation
    Init(InitArgs),
    /// Show what the ledger holds, also while a run is under way
    Status(StatusArgs),
    /// Write the rows of ledgers as CSV or JSON Lines, alone or beside the rows of a CSV
    Export(Box<ExportArgs>),
    /// Write one HTML page about an import, to be mailed or printed
    Report(ReportArgs),
    /// Look at credentials, permission, clock, quota and disk before a migration; create nothing
    Doctor(DoctorArgs),
    /// Ask Connect whether the created and the unknown rows are there, and settle those that are
    Verify(Box<VerifyArgs>),
    /// Serve a Connect endpoint on loopback to rehearse against
    Sandbox(SandboxArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

impl Command {
    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Run(_) => "run",
            Command::Check(_) => "check",
            Command::Init(_) => "init",
            Command::Status(_) => "status",
            Command::Export(_) => "export",
            Command::Report(_) => "report",
            Command::Doctor(_) => "doctor",
            Command::Verify(_) => "verify",
            Command::Sandbox(_) => "sandbox",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

/// Options of every command, named as the AWS CLI names them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Use this profile of the AWS configuration
    #[arg(long, global = true, env = "CONNECT_IMPORT_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region of the instance [default: from the ARN, AWS_REGION or the profile]
    #[arg(long, global = true, env = "CONNECT_IMPORT_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// Send requests to this URL instead of the Region's endpoint
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "CONNECT_IMPORT_ENDPOINT_URL",
        value_name = "URL"
    )]
    pub endpoint_url: Option<String>,
    /// Trust the certificates of this PEM file instead of the system's
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "CONNECT_IMPORT_CA_BUNDLE",
        value_name = "FILE"
    )]
    pub ca_bundle: Option<PathBuf>,
    /// Send requests unsigned
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "CONNECT_IMPORT_NO_SIGN_REQUEST",
        value_name = "BOOL"
    )]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub no_sign_request: Option<bool>,
    /// How long a connection may take to be made, such as 10s [default: 10s]
    #[arg(long, global = true, hide_short_help = true, env = "CONNECT_IMPORT_CONNECT_TIMEOUT", value_name = "TIME", value_parser = duration)]
    pub connect_timeout: Option<Duration>,
    /// How long an answer may take, such as 30s [default: 30s]
    #[arg(long, global = true, hide_short_help = true, env = "CONNECT_IMPORT_READ_TIMEOUT", value_name = "TIME", value_parser = duration)]
    pub read_timeout: Option<Duration>,
    /// Write what is done to standard error, step by step; never what is in a row
    #[arg(long, global = true, hide_short_help = true, env = "CONNECT_IMPORT_DEBUG", value_parser = BoolishValueParser::new())]
    pub debug: bool,
    /// How standard error is written: text for people, or a log with an event a line as JSON [default: text]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "CONNECT_IMPORT_LOG_FORMAT",
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,
    /// How results are written to standard output [default: text]
    #[arg(long, global = true, env = "CONNECT_IMPORT_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
    /// Whether there is colour; auto: on a terminal, unless NO_COLOR or TERM=dumb is set [default: auto]
    #[arg(long, global = true, hide_short_help = true, env = "CONNECT_IMPORT_COLOR", value_name = "WHEN")]
    pub color: Option<ColorChoice>,
}
