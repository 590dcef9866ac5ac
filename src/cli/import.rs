//! Options of the commands that make a job, look at it, and run it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::shared::{DialectArgs, JobArgs, MadeArgs, ReadArgs};
use super::values::{duration, operation};
use crate::pacing::Rate;
use crate::rehearsal::CrashAt;
use crate::request::Operation;

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
    #[arg(
        long,
        hide_short_help = true,
        env = "CONNECT_IMPORT_CONCURRENCY",
        value_name = "N",
        help_heading = "Sending"
    )]
    pub concurrency: Option<usize>,
    /// Attempts a row and run; throttled ones do not count [default: 5]
    #[arg(
        long,
        hide_short_help = true,
        env = "CONNECT_IMPORT_MAX_ATTEMPTS",
        value_name = "N",
        help_heading = "Sending"
    )]
    pub max_attempts: Option<u32>,
    /// How long requests under way are awaited after a signal [default: 30s]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_GRACE", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub grace: Option<Duration>,
    /// Make no further request after this time, such as 7h; the next run goes on [default: never]
    #[arg(long, env = "CONNECT_IMPORT_MAX_DURATION", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub max_duration: Option<Duration>,
    /// Wait so long for another run that holds the ledger, such as 5m [default: 0s]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_LOCK_WAIT", value_name = "TIME", value_parser = duration)]
    #[arg(help_heading = "Sending")]
    pub lock_wait: Option<Duration>,
    /// Where rows that were not created are written [default: LEDGER.rejects.csv]
    #[arg(long, env = "CONNECT_IMPORT_REJECTS", value_name = "FILE", help_heading = "Sending")]
    pub rejects: Option<PathBuf>,
    /// Write metrics for Prometheus into this file every 15s and at the end [default: none]
    #[arg(
        long,
        hide_short_help = true,
        env = "CONNECT_IMPORT_METRICS_FILE",
        value_name = "FILE",
        help_heading = "Sending"
    )]
    pub metrics_file: Option<PathBuf>,
    /// Rehearse a crash: with --sandbox, end as by kill -9 at this point, or when it comes for the Nth time
    #[arg(
        long,
        hide_short_help = true,
        env = "CONNECT_IMPORT_CRASH_AT",
        value_name = "POINT[:N]",
        help_heading = "Sending"
    )]
    pub crash_at: Option<CrashAt>,
    /// Do not map and validate all rows before the first is sent; each is when its turn comes
    #[arg(
        long,
        hide_short_help = true,
        env = "CONNECT_IMPORT_NO_CHECK",
        value_name = "BOOL",
        help_heading = "Sending"
    )]
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
