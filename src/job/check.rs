//! Settings of `check`.

use std::path::PathBuf;

use super::destination::instance;
use super::file::JobFile;
use super::pace::rate_and_start;
use super::places::ledger_to_write;
use super::{InputSettings, JobError, ResendPolicy, accept, display, option_error, resend_policy};
use crate::cli::{CheckArgs, GlobalArgs, Output, ProgressKind};
use crate::engine::ErrorBudget;
use crate::export::CellStyle;
use crate::pacing::Rate;
use crate::ui::DisplayOptions;

/// Validated settings of `check`, which needs no instance and creates no ledger.
#[derive(Clone, Debug)]
pub struct CheckJob {
    /// Input files and mapping.
    pub input: InputSettings,
    /// Path of the ledger that a run would use; `None` if a run would need `--ledger`.
    pub ledger: Option<PathBuf>,
    /// Instance id without the ARN, if named.
    pub instance_id: Option<String>,
    /// Target rate for the forecast, requests per second, or `Auto`.
    pub rate: Rate,
    /// Requests per second at the start of a run whose ledger has no measured rate.
    pub start: f64,
    /// Maximum rows that a run would send.
    pub limit: Option<u64>,
    /// Error budget of a run.
    pub max_errors: Option<ErrorBudget>,
    /// Codes of rejections that a run accepts.
    pub accept: Vec<String>,
    /// Number of rows from the beginning whose requests are shown.
    pub show: u64,
    /// Keys of further rows whose requests are shown.
    pub show_keys: Vec<String>,
    /// Whether any warning makes the exit code 1.
    pub is_strict: bool,
    /// Attribute that `verify` would search unknown rows by; `None`: by name.
    pub search_attribute: Option<String>,
    /// Rows that a run would send again.
    pub resend_policy: ResendPolicy,
    /// Style of the cells of the faults as CSV.
    pub cells: CellStyle,
    /// Output formats and progress display.
    pub display: DisplayOptions,
}

fn cell_style(args: &CheckArgs, global: &GlobalArgs) -> Result<CellStyle, JobError> {
    match (args.spreadsheet, global.output) {
        (false, _) => Ok(CellStyle::Exact),
        (true, Some(Output::Csv)) => Ok(CellStyle::Spreadsheet),
        (true, _) => Err(option_error("--spreadsheet", "marks cells of a CSV; add --output csv")),
    }
}

/// The display, without a status area where the requests are printed.
fn check_display(args: &CheckArgs, global: &GlobalArgs, file: &JobFile) -> Result<DisplayOptions, JobError> {
    let mut display = display(&args.import.display, global, file);
    if args.show.is_some_and(|rows| rows > 0) || !args.show_key.is_empty() {
        if display.output == Output::Csv {
            let problem = "works with --output text and json; csv lists the faults";
            return Err(option_error("--show", problem));
        }
        if display.progress == ProgressKind::Auto {
            display.progress = ProgressKind::Plain;
        }
    }
    Ok(display)
}

impl CheckJob {
    /// Resolves the settings of `check`.
    ///
    /// # Errors
    /// The job file is unreadable or invalid; a setting is missing or invalid.
    pub fn resolve(args: &CheckArgs, global: &GlobalArgs) -> Result<Self, JobError> {
        let file = JobFile::at(args.job.job.as_deref())?;
        let instance = instance(args.job.sandbox, &args.import.request, &file)?;
        let ledger = ledger_to_write(&args.job, &file);
        let input = InputSettings::resolve(&args.job, &args.import, &file, ledger.as_deref().ok())?;
        let (rate, start) = rate_and_start(&args.job, global, args.import.rate, &file, input.shard)?;
        Ok(CheckJob {
            rate,
            start,
            input,
            ledger: match ledger {
                Err(JobError::LedgerUnnamed) => None,
                ledger => Some(ledger?),
            },
            instance_id: instance.map(|instance| instance.id),
            limit: args.import.limit.or(file.run.limit),
            max_errors: args.import.max_errors.or(file.run.max_errors),
            accept: accept(&args.import, &file),
            show: args.show.unwrap_or_default(),
            show_keys: args.show_key.clone(),
            is_strict: args.strict.or(file.check.strict).unwrap_or(false),
            search_attribute: file.verify.search_attribute.clone(),
            resend_policy: resend_policy(&args.import, &file)?,
            cells: cell_style(args, global)?,
            display: check_display(args, global, &file)?,
        })
    }
}
