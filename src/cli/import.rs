//! Options of `run`, `check`, `init` and `doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::shared::{DialectArgs, ImportArgs, JobArgs, RequestArgs};
use super::values::{duration, operation};
use crate::crash_plan::CrashAt;
use crate::pacing::Rate;
use crate::request::Operation;

/// Options of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import run --job samples/tickets.toml --sandbox\n  \
    connect-import run 'export-*.csv.gz' --instance-id arn:aws:connect:… --key 'Ticket ID' --rate 2\n  \
    connect-import run --job tickets.toml --limit 10        a pilot of ten rows")]
pub struct RunArgs {
    /// Location of the job file, the input and the ledger.
    #[command(flatten)]
    pub job: JobArgs,
    /// Input, mapping and limits.
    #[command(flatten)]
    pub import: ImportArgs,
    /// Name of the job, for people: in the announcement of the run, in status, and as the title of the report [default: none]
    #[arg(long, hide_short_help = true, value_name = "NAME", help_heading = "Sending")]
    pub name: Option<String>,
    /// Burst of the quota: requests that may leave at once; ignored with --rate auto [default: 5, divided among the shards]
    #[arg(long, value_name = "N", help_heading = "Sending")]
    pub burst: Option<u32>,
    /// Maximum requests in flight; the run uses as many as the rate needs [default: 256]
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = "Sending")]
    pub concurrency: Option<usize>,
    /// Maximum attempts per row in one run; throttled attempts do not count [default: 5]
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = "Sending")]
    pub max_attempts: Option<u32>,
    /// How long to wait for in-flight requests after a signal [default: 30s]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = duration, help_heading = "Sending")]
    pub grace: Option<Duration>,
    /// Stop after this time, such as 7h, also while reading; the next run continues [default: never]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Sending")]
    pub max_duration: Option<Duration>,
    /// How long to wait for the lock if another run holds the ledger, such as 5m [default: 0s]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = duration, help_heading = "Sending")]
    pub lock_wait: Option<Duration>,
    /// Send without asking; on a terminal, the first run of a ledger that sends to a real service asks
    #[arg(long, value_name = "BOOL", help_heading = "Sending")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub yes: Option<bool>,
    /// Create a new ledger although one of the same import lies in the same folder
    #[arg(long, hide_short_help = true, help_heading = "Sending")]
    pub new_ledger: bool,
    /// File for rows that were not created, or may not have been [default: LEDGER.rejects.csv]
    #[arg(long, value_name = "FILE", help_heading = "Sending")]
    pub rejects: Option<PathBuf>,
    /// Replace an existing rejects, metrics or --keep file that connect-import did not write, but never a ledger, the job
    /// file or an input
    #[arg(long, hide_short_help = true, value_parser = BoolishValueParser::new(), help_heading = "Sending")]
    pub force: bool,
    /// File for Prometheus metrics, written every 15s and at the end [default: none]
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Sending")]
    pub metrics_file: Option<PathBuf>,
    /// With --sandbox: keep the sandbox's contacts and client tokens in this file, one JSON object a line [default: in
    /// memory]
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Sending")]
    pub keep: Option<PathBuf>,
    /// With --sandbox: end as if killed (kill -9) when this point is reached, or reached for the Nth time
    #[arg(long, hide_short_help = true, value_name = "POINT[:N]", help_heading = "Sending")]
    pub crash_at: Option<CrashAt>,
    /// Do not map and validate all rows before the first request; validate each row just before it is sent
    #[arg(long, hide_short_help = true, value_name = "BOOL", help_heading = "Sending")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub no_check: Option<bool>,
}

/// Options of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: every row is valid; 1: some rows have faults or, with --strict, there are warnings.\n\nExamples:\n  \
    connect-import check --job tickets.toml\n  \
    connect-import check --job tickets.toml --show 3    prints the first three requests\n  \
    connect-import check --job tickets.toml --output csv >faults.csv"
)]
pub struct CheckArgs {
    /// Location of the job file, the input and the ledger.
    #[command(flatten)]
    pub job: JobArgs,
    /// Input, mapping and limits.
    #[command(flatten)]
    pub import: ImportArgs,
    /// Print the requests of the first N rows as JSON, with the values of the rows
    #[arg(long, value_name = "N", help_heading = "Checking")]
    pub show: Option<u64>,
    /// Print the requests of the rows with this key; repeatable; cells of several key columns are joined by ' / '
    #[arg(long, value_name = "KEY", help_heading = "Checking")]
    pub show_key: Vec<String>,
    /// With --output csv, put an apostrophe before cells that a spreadsheet would run as a formula; without it cells are
    /// exact
    #[arg(long, value_parser = BoolishValueParser::new(), help_heading = "Checking")]
    pub spreadsheet: bool,
    /// Exit with 1 if there is any warning, too
    #[arg(long, value_name = "BOOL", help_heading = "Checking")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub strict: Option<bool>,
}

/// Options of `init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import init tickets.csv                      writes tickets.toml\n  \
    connect-import init --skeleton StartTaskContact      prints every member with its limits")]
pub struct InitArgs {
    /// CSV file to guess from
    #[arg(value_name = "CSV", required_unless_present = "skeleton", conflicts_with = "skeleton")]
    pub csv: Option<PathBuf>,
    /// Job file to write; it must not exist [default: the CSV's name with .toml]
    #[arg(short, long, value_name = "FILE", conflicts_with = "skeleton")]
    pub job: Option<PathBuf>,
    /// Print a job file with every member of this operation and its limits instead
    #[arg(long, value_name = "OPERATION", value_parser = operation)]
    pub skeleton: Option<Operation>,
    /// Format of the CSV
    #[command(flatten)]
    pub dialect: DialectArgs,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: a run could start; otherwise the code that it would end with.\n\nExamples:\n  \
    connect-import doctor --job tickets.toml\n  \
    connect-import doctor --job tickets.toml --probe-token    creates one contact, permanently"
)]
pub struct DoctorArgs {
    /// Location of the job file, the input and the ledger.
    #[command(flatten)]
    pub job: JobArgs,
    /// Instance, operation, key and mapping.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Target rate of the run, requests per second [default: 2.0, divided among the shards]
    #[arg(long, value_name = "N|auto", allow_negative_numbers = true)]
    pub rate: Option<Rate>,
    /// Burst of the quota: requests that may leave at once [default: 5, divided among the shards]
    #[arg(long, value_name = "N")]
    pub burst: Option<u32>,
    /// Create one completed task twice with one client token, to learn whether Connect honours the token; it stays
    #[arg(long)]
    pub probe_token: bool,
    /// Format of the CSVs
    #[command(flatten, next_help_heading = "Format of the CSVs")]
    pub dialect: DialectArgs,
}
