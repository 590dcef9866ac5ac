//! Options of the commands that read ledgers: `status`, `export`, `report`, `verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::shared::{DialectArgs, JobArgs, LedgersArgs, ProgressArgs, RequestArgs};
use super::values::{StateFilter, duration, state, watch_interval};

/// Options of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import status --job tickets.toml --output json\n  \
    connect-import status --ledger tickets.0-of-2.ledger.db --ledger tickets.1-of-2.ledger.db --watch")]
pub struct StatusArgs {
    /// Location of the job file and the ledgers.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// Refresh at this interval until interrupted [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = watch_interval)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "2s")]
    pub watch: Option<Duration>,
}

/// Options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import export --job tickets.toml --state rejected,failed,unknown\n  \
    connect-import export --job tickets.toml --output json --since 3 --to new.jsonl\n  \
    connect-import export --job tickets.toml --join tickets.csv --to tickets-with-contacts.csv\n  \
    connect-import export --job tickets.toml --spreadsheet --to for-excel.csv")]
pub struct ExportArgs {
    /// Location of the job file and the ledgers.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// Only rows in this state; may be repeated [default: all]
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state())]
    pub state: Vec<StateFilter>,
    /// Only rows last seen by this run or a later one, by its number in status
    #[arg(long, value_name = "RUN", value_parser = clap::value_parser!(u32).range(1..))]
    pub since: Option<u32>,
    /// File to write, atomically and with mode 0600 [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Replace an existing file that connect-import did not write, but never a ledger, the job file or an input
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub force: bool,
    /// Write the rows of this CSV unchanged, followed by the ledger's columns for each
    #[arg(long, value_name = "CSV")]
    pub join: Option<PathBuf>,
    /// Put an apostrophe before cells that a spreadsheet would run as a formula; without it cells are exact
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub spreadsheet: bool,
    /// Format of the CSV of --join
    #[command(flatten, next_help_heading = "Format of the CSV of --join")]
    pub dialect: DialectArgs,
}

/// Options of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import report --job tickets.toml                 writes tickets.ledger.db.report.html\n  \
    connect-import report --job tickets.toml --to tickets.html\n  \
    connect-import report --ledger a.ledger.db --ledger b.ledger.db --to both.html")]
pub struct ReportArgs {
    /// Location of the job file and the ledgers.
    #[command(flatten)]
    pub ledgers: LedgersArgs,
    /// File to write, atomically and with mode 0600; - is standard output [default: LEDGER.report.html]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Replace an existing file that connect-import did not write, but never a ledger, the job file or an input
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub force: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: Connect agrees with the ledger and no row is unknown; 1: otherwise.\n\nExamples:\n  \
    connect-import verify --job tickets.toml --sample 500\n  \
    connect-import verify --job tickets.toml --search-attribute legacy_id"
)]
pub struct VerifyArgs {
    /// Location of the job file, the input and the ledger.
    #[command(flatten)]
    pub job: JobArgs,
    /// Instance, operation, key and mapping.
    #[command(flatten)]
    pub request: RequestArgs,
    /// With --sandbox: verify against the contacts that run --sandbox --keep FILE has kept in this file
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// Look up this many created rows, drawn at random [default: all]
    #[arg(long, value_name = "N")]
    pub sample: Option<u64>,
    /// Search unknown rows by this attribute, registered as searchable before the import [default: by name]
    #[arg(long, value_name = "KEY")]
    pub search_attribute: Option<String>,
    /// DescribeContact requests per second [default: 10.0]
    #[arg(long, hide_short_help = true, value_name = "N")]
    pub describe_rate: Option<f64>,
    /// SearchContacts requests per second [default: 0.5]
    #[arg(long, hide_short_help = true, value_name = "N")]
    pub search_rate: Option<f64>,
    /// How long to wait for the lock if another run holds the ledger, such as 5m [default: 0s]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub lock_wait: Option<Duration>,
    /// Progress display.
    #[command(flatten)]
    pub display: ProgressArgs,
}
