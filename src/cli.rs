//! The command line: types only.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::engine::ErrorBudget;
use crate::export::{Format, StateFilter};
use crate::ledger::Retry;
use crate::mapping::OnTooLong;
use crate::pacing::Rate;
use crate::rehearsal::CrashAt;
use crate::request::Operation;
use crate::sandbox::Slow;
use crate::shard::Shard;
use crate::submission::OnUnknown;
use crate::suggest::did_you_mean;

/// Moves tasks from CSV into Amazon Connect: paced, resumable, safe to run again.
#[derive(Debug, Parser)]
#[command(name = "connect-import", version = env!("CONNECT_IMPORT_VERSION"), about, max_term_width = 100, args_override_self = true)]
#[command(after_help = "Exit codes: 0 every row is created; 1 some rows are rejected, failed or unknown; \
    2 usage or configuration; 3 the error budget is spent; 7 credentials, permission, instance or hard quota; 10 a planned stop, rows \
    remain; 11 another run holds the ledger; 74 the ledger or an output cannot be written; 75 Connect \
    throttled or was out of reach, run later; 130, 143 interrupted.")]
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
    #[arg(long, global = true, env = "CONNECT_IMPORT_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Trust the certificates of this PEM file instead of the system's
    #[arg(long, global = true, env = "CONNECT_IMPORT_CA_BUNDLE", value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// Send requests unsigned
    #[arg(long, global = true, env = "CONNECT_IMPORT_NO_SIGN_REQUEST", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub no_sign_request: Option<bool>,
    /// How long a connection may take to be made, such as 10s [default: 10s]
    #[arg(long, global = true, env = "CONNECT_IMPORT_CONNECT_TIMEOUT", value_name = "TIME", value_parser = duration)]
    pub connect_timeout: Option<Duration>,
    /// How long an answer may take, such as 30s [default: 30s]
    #[arg(long, global = true, env = "CONNECT_IMPORT_READ_TIMEOUT", value_name = "TIME", value_parser = duration)]
    pub read_timeout: Option<Duration>,
    /// Write what is done to standard error, step by step; never what is in a row
    #[arg(long, global = true, env = "CONNECT_IMPORT_DEBUG", value_parser = BoolishValueParser::new())]
    pub debug: bool,
    /// How standard error is written: text for people, or a log with an event a line as JSON [default: text]
    #[arg(long, global = true, env = "CONNECT_IMPORT_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// How results are written to standard output [default: text]
    #[arg(long, global = true, env = "CONNECT_IMPORT_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
    /// Whether there is colour; auto: on a terminal, unless NO_COLOR or TERM=dumb is set [default: auto]
    #[arg(long, global = true, env = "CONNECT_IMPORT_COLOR", value_name = "WHEN")]
    pub color: Option<ColorChoice>,
}

/// Where the job and its ledger are.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// CSV files or patterns, plain, gzip or zstd; - is standard input [default: the job file's]
    #[arg(value_name = "CSV")]
    pub files: Vec<PathBuf>,
    /// The job file: TOML, or the JSON skeleton of the AWS CLI
    #[arg(short, long, env = "CONNECT_IMPORT_JOB", value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// The ledger that makes runs resumable [default: beside the job file, else the CSV: NAME.ledger.db]
    #[arg(long, env = "CONNECT_IMPORT_LEDGER", value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Take only this part of the rows, where several machines share an import: 0/4 is the first of four, and its
    /// ledger is NAME.0-of-4.ledger.db [default: all rows]
    #[arg(long, env = "CONNECT_IMPORT_SHARD", value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Rehearse against a built-in sandbox, with a ledger of its own
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX", value_parser = BoolishValueParser::new())]
    pub sandbox: bool,
}

/// Where the job and its ledgers are, for commands that only read.
#[derive(Debug, Args)]
pub struct LedgersArgs {
    /// CSV files that were imported, beside the first of which the ledger lies [default: the job file's]
    #[arg(value_name = "CSV")]
    pub files: Vec<PathBuf>,
    /// The job file: TOML, or the JSON skeleton of the AWS CLI
    #[arg(short, long, env = "CONNECT_IMPORT_JOB", value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// The ledger; may be repeated [default: beside the job file, else the CSV: NAME.ledger.db, or where there is none
    /// those of all shards, NAME.K-of-N.ledger.db]
    #[arg(long, env = "CONNECT_IMPORT_LEDGER", value_name = "FILE")]
    pub ledger: Vec<PathBuf>,
    /// The ledger of rehearsals
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX", value_parser = BoolishValueParser::new())]
    pub sandbox: bool,
}

/// What is read, and what is made of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input and mapping")]
pub struct ReadArgs {
    /// What is made of a row.
    #[command(flatten)]
    pub made: MadeArgs,
    /// How the CSVs are written
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// Requests a second: the account's quota, or auto to find it; with --shard what this process alone may send
    /// [default: 2.0, divided among the shards]
    #[arg(long, env = "CONNECT_IMPORT_RATE", value_name = "N|auto", allow_negative_numbers = true)]
    pub rate: Option<Rate>,
    /// Send at most so many rows: a pilot
    #[arg(long, env = "CONNECT_IMPORT_LIMIT", value_name = "N")]
    pub limit: Option<u64>,
    /// Stop when more rows than this go wrong, such as 100 or 1% [default: never]
    #[arg(long, env = "CONNECT_IMPORT_MAX_ERRORS", value_name = "N|N%")]
    pub max_errors: Option<ErrorBudget>,
    /// How long after its first unanswered attempt a row may be sent again, such as 24h [default: 24h]
    #[arg(long, env = "CONNECT_IMPORT_IDEMPOTENCY_WINDOW", value_name = "TIME", value_parser = duration)]
    pub idempotency_window: Option<Duration>,
    /// Whether a row that went unanswered is sent again with the same token, or held as unknown [default: resend]
    #[arg(long, env = "CONNECT_IMPORT_ON_UNKNOWN", value_name = "WHAT")]
    pub on_unknown: Option<OnUnknown>,
    /// Send rows again that Connect refused as they are, or unknown rows with their tokens; may be repeated
    #[arg(long, env = "CONNECT_IMPORT_RETRY", value_name = "STATE", value_delimiter = ',')]
    pub retry: Vec<Retry>,
    /// How progress is shown.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// What is made of a row, and whose the contacts are.
#[derive(Debug, Default, Args)]
pub struct MadeArgs {
    /// The Connect instance, by id or ARN
    #[arg(long, env = "CONNECT_IMPORT_INSTANCE_ID", value_name = "ID|ARN")]
    pub instance_id: Option<String>,
    /// CreateContact or StartTaskContact [default: CreateContact]
    #[arg(long, env = "CONNECT_IMPORT_OPERATION", value_name = "NAME", value_parser = operation)]
    pub operation: Option<Operation>,
    /// A column that makes a row the same row; may be repeated [default: the whole row]
    #[arg(long, env = "CONNECT_IMPORT_KEY", value_name = "COLUMN")]
    pub key: Vec<String>,
    /// Name a second, deliberate import of the same rows
    #[arg(long, env = "CONNECT_IMPORT_NAMESPACE", value_name = "NAME")]
    pub namespace: Option<String>,
    /// What becomes of texts that are longer than Connect takes [default: reject]
    #[arg(long, env = "CONNECT_IMPORT_ON_TOO_LONG", value_name = "WHAT")]
    pub on_too_long: Option<OnTooLong>,
}

/// How progress is shown.
#[derive(Debug, Args)]
pub struct ShownArgs {
    /// How progress is shown on standard error [default: auto]
    #[arg(long, env = "CONNECT_IMPORT_PROGRESS", value_name = "KIND")]
    pub progress: Option<ProgressKind>,
    /// How often a line of progress is written where there is no bar [default: 30s]
    #[arg(long, env = "CONNECT_IMPORT_REPORT_EVERY", value_name = "TIME", value_parser = duration)]
    pub report_every: Option<Duration>,
}

/// How the CSVs are written.
#[derive(Debug, Default, Args)]
pub struct DialectArgs {
    /// What stands between cells: a character, or comma, semicolon, tab, pipe, space [default: auto]
    #[arg(long, env = "CONNECT_IMPORT_DELIMITER", value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// What stands around cells: a character, or none [default: "]
    #[arg(long, env = "CONNECT_IMPORT_QUOTE", value_name = "CHAR")]
    pub quote: Option<String>,
    /// What stands before a quote inside a quoted cell, beside a doubled quote [default: none]
    #[arg(long, env = "CONNECT_IMPORT_ESCAPE", value_name = "CHAR")]
    pub escape: Option<String>,
    /// The encoding, by its WHATWG name, such as windows-1252 [default: utf-8; a byte order mark wins]
    #[arg(long, env = "CONNECT_IMPORT_ENCODING", value_name = "NAME")]
    pub encoding: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import run --job samples/tickets.toml --sandbox\n  \
    connect-import run 'export-*.csv.gz' --instance-id arn:aws:connect:… --key 'Ticket ID' --rate 2\n  \
    connect-import run --job tickets.toml --limit 10        a pilot of ten rows")]
pub struct RunArgs {
    /// Where the job and its ledger are.
    #[command(flatten)]
    pub job: JobArgs,
    /// What is read, and what is made of it.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Requests that Connect takes at once: the quota's burst; not for auto [default: 5, divided among the shards]
    #[arg(long, env = "CONNECT_IMPORT_BURST", value_name = "N", help_heading = "Sending")]
    pub burst: Option<u32>,
    /// Requests under way at most; as many are as the rate needs [default: 256]
    #[arg(long, env = "CONNECT_IMPORT_CONCURRENCY", value_name = "N", help_heading = "Sending")]
    pub concurrency: Option<usize>,
    /// Attempts a row and run; throttled ones do not count [default: 5]
    #[arg(long, env = "CONNECT_IMPORT_MAX_ATTEMPTS", value_name = "N", help_heading = "Sending")]
    pub max_attempts: Option<u32>,
    /// How long requests under way are awaited after a signal [default: 30s]
    #[arg(long, env = "CONNECT_IMPORT_GRACE", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub grace: Option<Duration>,
    /// Make no further request after this time, such as 7h; the next run goes on [default: never]
    #[arg(long, env = "CONNECT_IMPORT_MAX_DURATION", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub max_duration: Option<Duration>,
    /// Wait so long for another run that holds the ledger, such as 5m [default: 0s]
    #[arg(long, env = "CONNECT_IMPORT_LOCK_WAIT", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub lock_wait: Option<Duration>,
    /// Where rows that were not created are written [default: LEDGER.rejects.csv]
    #[arg(long, env = "CONNECT_IMPORT_REJECTS", value_name = "FILE", help_heading = "Sending")]
    pub rejects: Option<PathBuf>,
    /// Write metrics for Prometheus into this file every 15s and at the end [default: none]
    #[arg(long, env = "CONNECT_IMPORT_METRICS_FILE", value_name = "FILE", help_heading = "Sending")]
    pub metrics_file: Option<PathBuf>,
    /// Rehearse a crash: with --sandbox, end as by kill -9 at this point, or when it comes for the Nth time
    #[arg(long, env = "CONNECT_IMPORT_CRASH_AT", value_name = "POINT[:N]", help_heading = "Sending")]
    pub crash_at: Option<CrashAt>,
    /// Do not map and validate all rows before the first is sent; each is when its turn comes
    #[arg(long, env = "CONNECT_IMPORT_NO_CHECK", value_name = "BOOL", help_heading = "Sending")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub no_check: Option<bool>,
}

/// Options of `check`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0: every row is fit to be sent; 1: some are not.\n\nExamples:\n  \
    connect-import check --job tickets.toml\n  \
    connect-import check --job tickets.toml --output csv >faults.csv")]
pub struct CheckArgs {
    /// Where the job and its ledger are.
    #[command(flatten)]
    pub job: JobArgs,
    /// What is read, and what is made of it.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Options of `init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import init tickets.csv                      writes tickets.toml\n  \
    connect-import init --skeleton StartTaskContact      prints every member with its limits")]
pub struct InitArgs {
    /// The CSV to guess from
    #[arg(value_name = "CSV", required_unless_present = "skeleton", conflicts_with = "skeleton")]
    pub csv: Option<PathBuf>,
    /// The job file to write; it must not exist [default: the CSV's name with .toml]
    #[arg(short, long, value_name = "FILE", conflicts_with = "skeleton")]
    pub job: Option<PathBuf>,
    /// Print a job file with every member of this operation and its limits instead
    #[arg(long, value_name = "OPERATION", value_parser = operation)]
    pub skeleton: Option<Operation>,
    /// How the CSV is written
    #[command(flatten)]
    pub dialect: DialectArgs,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: a run could start; otherwise that with which it would end.\n\nExamples:\n  \
    connect-import doctor --job tickets.toml\n  \
    connect-import doctor --job tickets.toml --probe-token    makes one contact, which stays"
)]
pub struct DoctorArgs {
    /// Where the job and its ledger are.
    #[command(flatten)]
    pub job: JobArgs,
    /// What is made of a row.
    #[command(flatten)]
    pub made: MadeArgs,
    /// Requests a second that a run would make [default: 2.0, divided among the shards]
    #[arg(long, env = "CONNECT_IMPORT_RATE", value_name = "N|auto", allow_negative_numbers = true)]
    pub rate: Option<Rate>,
    /// Requests that Connect takes at once [default: 5, divided among the shards]
    #[arg(long, env = "CONNECT_IMPORT_BURST", value_name = "N")]
    pub burst: Option<u32>,
    /// Make one completed task and send it again with the same token, to see whether Connect honours it
    #[arg(long)]
    pub probe_token: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: all is as the ledger says, and no row is unknown; 1: something is not.\n\nExamples:\n  \
    connect-import verify --job tickets.toml --sample 500\n  \
    connect-import verify --job tickets.toml --search-attribute legacy_id"
)]
pub struct VerifyArgs {
    /// Where the job and its ledger are.
    #[command(flatten)]
    pub job: JobArgs,
    /// What is made of a row.
    #[command(flatten)]
    pub made: MadeArgs,
    /// Ask for so many created rows, drawn by chance [default: all]
    #[arg(long, env = "CONNECT_IMPORT_SAMPLE", value_name = "N")]
    pub sample: Option<u64>,
    /// Search unknown rows by this attribute, which was registered for search before the import [default: by name]
    #[arg(long, env = "CONNECT_IMPORT_SEARCH_ATTRIBUTE", value_name = "KEY")]
    pub search_attribute: Option<String>,
    /// DescribeContact requests a second [default: 10.0]
    #[arg(long, env = "CONNECT_IMPORT_DESCRIBE_RATE", value_name = "N")]
    pub describe_rate: Option<f64>,
    /// SearchContacts requests a second [default: 0.5]
    #[arg(long, env = "CONNECT_IMPORT_SEARCH_RATE", value_name = "N")]
    pub search_rate: Option<f64>,
    /// Wait so long for another run that holds the ledger, such as 5m [default: 0s]
    #[arg(long, env = "CONNECT_IMPORT_LOCK_WAIT", value_name = "TIME", value_parser = duration)]
    pub lock_wait: Option<Duration>,
    /// How progress is shown.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// Options of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import status --job tickets.toml --output json\n  \
    connect-import status --ledger tickets.0-of-2.ledger.db --ledger tickets.1-of-2.ledger.db --watch")]
pub struct StatusArgs {
    /// Where the job and its ledgers are.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// Show it again and again, every so often [default: 2s], until you stop it
    #[arg(long, env = "CONNECT_IMPORT_WATCH", value_name = "TIME", value_parser = duration)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "2s")]
    pub watch: Option<Duration>,
}

/// Options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import export --job tickets.toml --state rejected,failed,unknown\n  \
    connect-import export --job tickets.toml --format jsonl --since 3 --to new.jsonl\n  \
    connect-import export --job tickets.toml --join tickets.csv --to tickets-with-contacts.csv")]
pub struct ExportArgs {
    /// Where the job and its ledgers are.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// Only rows in this state: pending, in_flight, created, rejected, failed, unknown or all; may be repeated
    /// [default: all]
    #[arg(long, env = "CONNECT_IMPORT_STATE", value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<StateFilter>,
    /// The form of the rows [default: csv; with --output json jsonl]
    #[arg(long, env = "CONNECT_IMPORT_FORMAT", value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Only rows that this run or a later one was the last to see, by its number in status
    #[arg(long, env = "CONNECT_IMPORT_SINCE", value_name = "RUN", value_parser = clap::value_parser!(u32).range(1..))]
    pub since: Option<u32>,
    /// Write this file, which appears when it is whole and is for its owner alone [default: standard output]
    #[arg(long, env = "CONNECT_IMPORT_TO", value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Write the rows of this CSV, as they are, with what the ledger knows of each beside them
    #[arg(long, env = "CONNECT_IMPORT_JOIN", value_name = "CSV")]
    pub join: Option<PathBuf>,
    /// How the CSV of --join is written
    #[command(flatten, next_help_heading = "The CSV of --join")]
    pub dialect: DialectArgs,
}

/// Options of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import completions bash > ~/.local/share/bash-completion/completions/connect-import\n  \
    connect-import completions zsh > ~/.zfunc/_connect-import\n  \
    connect-import completions fish > ~/.config/fish/completions/connect-import.fish")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import man | man -l -\n  \
    connect-import man --to ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write connect-import.1 and a page for each command into this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
}

/// Options of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    connect-import sandbox --port 8080 --rate 2 --burst 5 --latency 40ms --state contacts.jsonl\n  \
    aws connect create-contact --endpoint-url http://127.0.0.1:8080 …")]
pub struct SandboxArgs {
    /// The port on 127.0.0.1; 0 is any free one
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_PORT", value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Write the port into this file once requests are served
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_PORT_FILE", value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// The quota, requests a second; 0 is no quota
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_RATE", value_name = "R", default_value_t = crate::pacing::DEFAULT_RATE)]
    pub rate: f64,
    /// The quota's burst
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_BURST", value_name = "B", default_value_t = crate::pacing::DEFAULT_BURST)]
    pub burst: u32,
    /// How long an answer takes, such as 40ms: half of it before the request arrives, half after
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_LATENCY", value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub latency: Duration,
    /// By which share of itself, from 0 to 1, the latency is longer or shorter, such as 0.3
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_JITTER", value_name = "SHARE", default_value_t = 0.0)]
    pub jitter: f64,
    /// Keep contacts and tokens in this file, so that they survive a restart
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_STATE", value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// How probable a 500 is, from 0 to 1, before anything is done
    #[arg(
        long,
        env = "CONNECT_IMPORT_SANDBOX_FAIL",
        value_name = "P",
        help_heading = "Faults",
        default_value_t = 0.0
    )]
    pub fail: f64,
    /// How probable it is that the connection is closed before anything is done
    #[arg(
        long,
        env = "CONNECT_IMPORT_SANDBOX_RESET",
        value_name = "P",
        help_heading = "Faults",
        default_value_t = 0.0
    )]
    pub reset: f64,
    /// How probable it is that a contact is created and the connection closed without an answer
    #[arg(
        long,
        env = "CONNECT_IMPORT_SANDBOX_LOSE",
        value_name = "P",
        help_heading = "Faults",
        default_value_t = 0.0
    )]
    pub lose: f64,
    /// How probable a late answer is, and how late, such as 0.1:5s
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_SLOW", value_name = "P:TIME", help_heading = "Faults")]
    pub slow: Option<Slow>,
    /// Answer 429 to every request after the first N
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_THROTTLE_AFTER", value_name = "N", help_heading = "Faults")]
    pub throttle_after: Option<u64>,
    /// Answer 403 to every request after the first N
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_DENY_AFTER", value_name = "N", help_heading = "Faults")]
    pub deny_after: Option<u64>,
    /// Answer 402 instead of creating more than N contacts
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_QUOTA", value_name = "N", help_heading = "Faults")]
    pub quota: Option<u64>,
    /// Forget a client token once its contact is older than this, such as 24h
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_TOKEN_WINDOW", value_name = "TIME", help_heading = "Faults", value_parser = duration)]
    pub token_window: Option<Duration>,
    /// Forget the client token of a COMPLETED contact at once
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_FORGET_COMPLETED", help_heading = "Faults", value_parser = BoolishValueParser::new())]
    pub forget_completed: bool,
    /// How old a contact must be before SearchContacts finds it, such as 30s
    #[arg(long, env = "CONNECT_IMPORT_SANDBOX_INDEX_LAG", value_name = "TIME", help_heading = "Faults", default_value = "0s", value_parser = duration)]
    pub index_lag: Duration,
    /// The seed of the random faults and the jitter: the same seed and requests meet the same faults
    #[arg(
        long,
        env = "CONNECT_IMPORT_SANDBOX_SEED",
        value_name = "N",
        help_heading = "Faults",
        default_value_t = 0
    )]
    pub seed: u64,
}

/// The form of results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// JSON Lines.
    Json,
    /// CSV, for `check` and `export`.
    Csv,
}

/// The form of what goes to standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A log: JSON Lines and nothing else.
    Json,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line now and then.
    Plain,
    /// Nothing.
    None,
}

/// `40ms`, `30s`, `5m`; a bare number is seconds, as in the AWS CLI.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text).map_err(|_| "write a time such as 40ms, 30s, 5m or 24h".to_owned())
}

fn operation(name: &str) -> Result<Operation, String> {
    let known = Operation::ALL.map(Operation::name);
    Operation::from_name(name).ok_or_else(|| {
        let hint = did_you_mean(name, known.into_iter()).unwrap_or_default();
        format!("it can be {}{hint}", known.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_units_or_are_seconds() {
        assert_eq!(duration("40ms"), Ok(Duration::from_millis(40)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(duration("-1").is_err());
        assert!(duration("soon").is_err());
    }
}
