//! Options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::values::{
    ProgressKind, duration, escape_in, key_compare, on_too_long, on_unknown, operation, rejection_code,
    retry, shard, short_rows, source_format,
};
use crate::engine::ErrorBudget;
use crate::ledger::Retry;
use crate::mapping::OnTooLong;
use crate::pacing::Rate;
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::{EscapeScope, KeyComparison, ShortRows, SourceFormat};
use crate::submission::OnUnknown;

/// Location of the job file, the input and the ledger.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// CSV files or glob patterns; plain, gzip or zstd; - is standard input [default: the job file's]
    #[arg(value_name = "CSV")]
    pub files: Vec<PathBuf>,
    /// Job file: TOML, or a JSON skeleton of the AWS CLI [default: connect-import.toml in this folder, if no CSV
    /// is named]
    #[arg(short, long, value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// Ledger file [default: NAME.ledger.db beside the job file, or beside the first CSV]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Import only this part of the rows, to split an import over several machines: 0/4 is the first of four, with the
    /// ledger NAME.0-of-4.ledger.db. In an AWS Batch array job --shard aws-batch is the child's index and the number of
    /// children [default: all rows]
    #[arg(long, hide_short_help = true, value_name = "K/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Rehearse against the built-in sandbox, with a separate ledger
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub sandbox: bool,
}

/// Location of the job file and the ledgers, for commands that only read.
#[derive(Debug, Args)]
pub struct LedgersArgs {
    /// Imported CSV files; the ledger lies beside the first [default: the job file's]
    #[arg(value_name = "CSV")]
    pub files: Vec<PathBuf>,
    /// Job file: TOML, or a JSON skeleton of the AWS CLI [default: connect-import.toml in this folder, if no CSV
    /// and no ledger is named]
    #[arg(short, long, value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// Ledger file; may be repeated [default: NAME.ledger.db beside the job file or the first CSV; if there is none, all
    /// shards' NAME.K-of-N.ledger.db]
    #[arg(long, value_name = "FILE")]
    pub ledger: Vec<PathBuf>,
    /// Use the ledger of rehearsals
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub sandbox: bool,
}

/// Input, mapping and limits of `run` and `check`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input and mapping")]
pub struct ImportArgs {
    /// Instance, operation, key and mapping.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Format of the CSVs
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// Import only the rows for which this expression is true, such as "status == 'Closed'" [default: all rows]
    #[arg(long = "where", value_name = "EXPR")]
    pub condition: Option<String>,
    /// Target rate, requests per second: the account's quota, or auto to find it; with --shard the rate of this process
    /// alone [default: 2.0, divided among the shards]
    #[arg(long, value_name = "N|auto", allow_negative_numbers = true)]
    pub rate: Option<Rate>,
    /// Maximum rows to send in this run, for a pilot
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Stop when more rows than this are rejected, failed or unknown, such as 100 or 1% [default: never]
    #[arg(long, value_name = "N|N%")]
    pub max_errors: Option<ErrorBudget>,
    /// Accept rows that are rejected with this code, such as DuplicateKey: they are no errors; may be repeated [default: none]
    #[arg(long, hide_short_help = true, value_name = "CODE", value_delimiter = ',', value_parser = rejection_code)]
    pub accept: Vec<String>,
    /// How long after its first unanswered attempt a row may be sent again, such as 24h [default: 24h]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub idempotency_window: Option<Duration>,
    /// Send an unanswered row again with the same client token, or hold it as unknown [default: resend]
    #[arg(long, hide_short_help = true, value_name = "WHAT", value_parser = on_unknown())]
    pub on_unknown: Option<OnUnknown>,
    /// Send these rows again: rejected (refused by Connect) or unknown (with the same client token); may be repeated
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = retry())]
    pub retry: Vec<Retry>,
    /// Progress display.
    #[command(flatten)]
    pub display: ProgressArgs,
}

/// Instance, operation, key and mapping.
#[derive(Debug, Default, Args)]
pub struct RequestArgs {
    /// Connect instance, by id or ARN
    #[arg(long, value_name = "ID|ARN")]
    pub instance_id: Option<String>,
    /// Operation: CreateContact or StartTaskContact [default: CreateContact]
    #[arg(long, hide_short_help = true, value_name = "NAME", value_parser = operation)]
    pub operation: Option<Operation>,
    /// Column, or template of the row, that uniquely identifies a row; may be repeated [default: the whole row]
    #[arg(long, value_name = "COLUMN")]
    pub key: Vec<String>,
    /// Compare keys without white space at their ends, or exactly [default: trim]
    #[arg(long, hide_short_help = true, value_name = "HOW", value_parser = key_compare())]
    pub key_compare: Option<KeyComparison>,
    /// Name of a second, deliberate import of the same rows; it gives them other client tokens
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Reject or truncate values that exceed Connect's limits [default: reject]
    #[arg(long, hide_short_help = true, value_name = "WHAT", value_parser = on_too_long())]
    pub on_too_long: Option<OnTooLong>,
}

/// Progress display.
#[derive(Debug, Args)]
pub struct ProgressArgs {
    /// Progress display on standard error; none, or -q, leaves only warnings, errors and answers to signals [default: auto]
    #[arg(long, value_name = "KIND")]
    pub progress: Option<ProgressKind>,
    /// Interval between progress lines where no bar is drawn [default: 30s]
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub report_every: Option<Duration>,
}

/// Format of the CSVs.
#[derive(Debug, Default, Args)]
pub struct DialectArgs {
    /// Format of the files: csv, or text (one line a row, no quotes, backslash escapes) [default: csv]
    #[arg(long, hide_short_help = true, value_name = "FORMAT", value_parser = source_format())]
    pub format: Option<SourceFormat>,
    /// Field separator: a character, or comma, semicolon, tab, pipe, space [default: auto]
    #[arg(long, hide_short_help = true, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Quote character, or none [default: "]
    #[arg(long, hide_short_help = true, value_name = "CHAR")]
    pub quote: Option<String>,
    /// Escape character before a separator, quote, line end or itself; or none [default: none; \ with --format text]
    #[arg(long, hide_short_help = true, value_name = "CHAR")]
    pub escape: Option<String>,
    /// Cells in which the escape applies: all, or quoted ones only [default: all]
    #[arg(long, hide_short_help = true, value_name = "CELLS", value_parser = escape_in())]
    pub escape_in: Option<EscapeScope>,
    /// Encoding by its WHATWG name, such as windows-1252 [default: utf-8; a byte order mark takes precedence]
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Text that stands for no value, such as \N or NULL: an unquoted cell that is exactly this text is empty, or a quoted
    /// one if the text has the quotes too; may be repeated [default: none]
    #[arg(long, hide_short_help = true, value_name = "TEXT")]
    pub null: Vec<String>,
    /// Number of lines before the header [default: 0]
    #[arg(long, hide_short_help = true, value_name = "N")]
    pub skip_lines: Option<u64>,
    /// Names of the columns, separated by commas, for files without a header [default: the first row of the file]
    #[arg(long, hide_short_help = true, value_name = "A,B", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Reject rows with fewer cells than the header, or pad them with empty cells [default: reject]
    #[arg(long, hide_short_help = true, value_name = "HOW", value_parser = short_rows())]
    pub short_rows: Option<ShortRows>,
}
