//! Options of the commands that look at ledgers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::shared::{DialectArgs, JobArgs, LedgersArgs, MadeArgs, ShownArgs};
use super::values::{duration, pause};
use crate::export::{Format, StateFilter};

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
    #[arg(long, env = "CONNECT_IMPORT_WATCH", value_name = "TIME", value_parser = pause)]
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
    /// Only rows in this state; may be repeated [default: all]
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

/// Options of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import report --job tickets.toml                 writes tickets.ledger.db.report.html\n  \
    connect-import report --job tickets.toml --to tickets.html\n  \
    connect-import report --ledger a.ledger.db --ledger b.ledger.db --to both.html")]
pub struct ReportArgs {
    /// Where the job and its ledgers are.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// Write this file, which appears when it is whole and is for its owner alone; - is standard output
    /// [default: LEDGER.report.html]
    #[arg(long, env = "CONNECT_IMPORT_TO", value_name = "FILE")]
    pub to: Option<PathBuf>,
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
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_DESCRIBE_RATE", value_name = "N")]
    pub describe_rate: Option<f64>,
    /// SearchContacts requests a second [default: 0.5]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_SEARCH_RATE", value_name = "N")]
    pub search_rate: Option<f64>,
    /// Wait so long for another run that holds the ledger, such as 5m [default: 0s]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_LOCK_WAIT", value_name = "TIME", value_parser = duration)]
    pub lock_wait: Option<Duration>,
    /// How progress is shown.
    #[command(flatten)]
    pub shown: ShownArgs,
}
