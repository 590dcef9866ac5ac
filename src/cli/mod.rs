//! Command-line arguments: clap types only, one file for each group of commands.
//!
//! Values are parsed here; `job` combines them with the job file and validates them. Imports domain types only to
//! parse into them.

mod described;
mod help;
mod import;
mod ledger;
mod sandbox;
mod shared;
mod values;
mod variables;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ColorChoice, Parser, Subcommand};

pub use described::{described, named_paths};
pub use help::{CompletionsArgs, ManArgs};
pub use import::{CheckArgs, DoctorArgs, InitArgs, RunArgs};
pub use ledger::{ExportArgs, ReportArgs, StatusArgs, VerifyArgs};
pub use sandbox::SandboxArgs;
pub use shared::{DialectArgs, ImportArgs, JobArgs, LedgersArgs, ProgressArgs, RequestArgs};
pub use values::{LogFormat, Output, ProgressKind, StateFilter, duration, rejection_code};
pub use variables::{UnknownVariable, expect_known_variables};

/// Imports CSV rows into Amazon Connect as completed tasks (CreateContact) or open tasks (StartTaskContact).
#[derive(Debug, Parser)]
#[command(name = "connect-import", version = env!("CONNECT_IMPORT_VERSION"), about, max_term_width = 100, args_override_self = true)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Options that every command accepts.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import rows; resumes automatically where an earlier run stopped
    Run(Box<RunArgs>),
    /// Map and validate every row, list the faults and a forecast; send nothing
    Check(Box<CheckArgs>),
    /// Write a job file guessed from a CSV, or print every member of an operation
    Init(InitArgs),
    /// Show the rows, errors and runs of a ledger, also during a run
    Status(StatusArgs),
    /// Write the rows of ledgers as CSV or JSON Lines, optionally joined to a CSV
    Export(Box<ExportArgs>),
    /// Write a self-contained HTML report of an import
    Report(ReportArgs),
    /// Check credentials, permissions, clock, quota and disk before an import; create nothing
    Doctor(DoctorArgs),
    /// Look up created and unknown rows in Connect; mark the unknown ones that it has as created
    Verify(Box<VerifyArgs>),
    /// Serve a simulated Connect endpoint on loopback for rehearsals
    Sandbox(SandboxArgs),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page for each command
    Man(ManArgs),
}

/// Options that every command accepts, named as in the AWS CLI.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Profile of the AWS configuration to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Region of the instance [default: from the ARN, AWS_REGION or the profile]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Endpoint to send requests to instead of the Region's
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// PEM file of certificate authorities to trust instead of the system's
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// Send requests unsigned
    #[arg(long, global = true, hide_short_help = true, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub no_sign_request: Option<bool>,
    /// Maximum time to open a connection, such as 10s [default: 10s]
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub connect_timeout: Option<Duration>,
    /// Maximum time to wait for an answer, such as 30s [default: 30s]
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub read_timeout: Option<Duration>,
    /// Print only warnings and errors to standard error: short for --progress none
    #[arg(short, long, global = true, value_parser = BoolishValueParser::new())]
    pub quiet: bool,
    /// Print a line for every step, every row that is not created, and every attempt that is made again
    #[arg(short, long, global = true, value_parser = BoolishValueParser::new())]
    pub verbose: bool,
    /// File to append everything to that goes to standard error, with the time of each line; created with mode 0600
    /// [default: none]
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Log every step to standard error; never the contents of a row
    #[arg(long, global = true, hide_short_help = true, value_parser = BoolishValueParser::new())]
    pub debug: bool,
    /// Format of standard error and of the log file: text, or json for one JSON object per event [default: text]
    #[arg(long, global = true, hide_short_help = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Format of results on standard output [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// When to use colour; auto: on a terminal, unless NO_COLOR or TERM=dumb is set [default: auto]
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN")]
    pub color: Option<ColorChoice>,
}
