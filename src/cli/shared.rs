//! Options that several commands have.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::values::{ProgressKind, duration, operation};
use crate::engine::ErrorBudget;
use crate::ledger::Retry;
use crate::mapping::OnTooLong;
use crate::pacing::Rate;
use crate::request::Operation;
use crate::shard::Shard;
use crate::submission::OnUnknown;

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
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_SHARD", value_name = "K/N")]
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
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_IDEMPOTENCY_WINDOW", value_name = "TIME", value_parser = duration)]
    pub idempotency_window: Option<Duration>,
    /// Whether a row that went unanswered is sent again with the same token, or held as unknown [default: resend]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_ON_UNKNOWN", value_name = "WHAT")]
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
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_OPERATION", value_name = "NAME", value_parser = operation)]
    pub operation: Option<Operation>,
    /// A column that makes a row the same row; may be repeated [default: the whole row]
    #[arg(long, env = "CONNECT_IMPORT_KEY", value_name = "COLUMN")]
    pub key: Vec<String>,
    /// Name a second, deliberate import of the same rows
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_NAMESPACE", value_name = "NAME")]
    pub namespace: Option<String>,
    /// What becomes of texts that are longer than Connect takes [default: reject]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_ON_TOO_LONG", value_name = "WHAT")]
    pub on_too_long: Option<OnTooLong>,
}

/// How progress is shown.
#[derive(Debug, Args)]
pub struct ShownArgs {
    /// How progress is shown on standard error [default: auto]
    #[arg(long, env = "CONNECT_IMPORT_PROGRESS", value_name = "KIND")]
    pub progress: Option<ProgressKind>,
    /// How often a line of progress is written where there is no bar [default: 30s]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_REPORT_EVERY", value_name = "TIME", value_parser = duration)]
    pub report_every: Option<Duration>,
}

/// How the CSVs are written.
#[derive(Debug, Default, Args)]
pub struct DialectArgs {
    /// What stands between cells: a character, or comma, semicolon, tab, pipe, space [default: auto]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_DELIMITER", value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// What stands around cells: a character, or none [default: "]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_QUOTE", value_name = "CHAR")]
    pub quote: Option<String>,
    /// What stands before a quote inside a quoted cell, beside a doubled quote [default: none]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_ESCAPE", value_name = "CHAR")]
    pub escape: Option<String>,
    /// The encoding, by its WHATWG name, such as windows-1252 [default: utf-8; a byte order mark wins]
    #[arg(long, hide_short_help = true, env = "CONNECT_IMPORT_ENCODING", value_name = "NAME")]
    pub encoding: Option<String>,
}
