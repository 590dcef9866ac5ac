//! Everything that people and programs see: progress, results, rejects, metrics. The only folder that writes
//! to standard output and standard error.
//!
//! - `describe_event` describes every event for people; a new event is added there, and where it is shown in a form of its
//!   own. `describe_finding` has the words of `verify`. Observers: `terminal` (status area, plain lines), `log`, `json`,
//!   `metrics`.
//! - `standard_error` decides which lines are shown, and copies all of them to `log_file`; `details` has those of `--verbose`.
//! - `announcement`: who sends what where, before the first request, and the question whether to.
//! - Results of commands: `run_report`, `check_report` and `check_rows`, `verification_report`, `doctor_report`, `status`,
//!   `rejects`, `job_skeleton`; a long result goes through `result_output`.
//! - `words`, `shell`, `next_step` and `verified` hold what several of them share.
//!
//! It may import everything below it in the flow of data, down to events, and the output options of `cli`;
//! nothing of `job` or `commands`.

mod announcement;
mod check_report;
mod check_rows;
mod describe_event;
mod describe_finding;
mod details;
mod doctor_report;
mod ending;
mod job_skeleton;
mod json;
mod log;
mod log_file;
mod metrics;
mod next_step;
mod notices;
mod period;
mod rejects;
mod result_output;
mod run_report;
mod shared_contacts;
mod shell;
mod standard_error;
mod status;
mod terminal;
mod verification_report;
mod verified;
mod words;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use crate::cli::{LogFormat, Output, ProgressKind};
use crate::event::Observer;

pub use announcement::{has_questioner, is_sending_confirmed, leave_question};
pub use check_report::{CheckReport, ForecastSettings};
pub use check_rows::CheckedRows;
pub use doctor_report::DoctorReport;
pub use ending::{ending_name, exit_code};
pub use job_skeleton::skeleton;
pub(crate) use log_file::append_to_log_as_is;
pub use log_file::open_log_file;
pub use metrics::{Metrics, MetricsTarget};
pub(crate) use next_step::{Step, next_steps, verify_command};
pub use notices::{
    begin_log, end_by_signal, end_log, exit_error, hide_panic_messages, kept_contacts, notice, overdue,
    tell_of_ledger, usage_error, warning,
};
pub use rejects::{RejectsError, WrittenRejects, check_rejects_target, write_rejects};
pub use result_output::{ResultError, ResultOutput, to_stdout, write_cleared, write_stdout};
pub use run_report::{RunReport, RunReportSettings};
pub(crate) use shell::PastedIn;
pub use shell::{ResumeCommand, this_folder, this_program};
pub(crate) use standard_error::is_shown;
pub use standard_error::set_quiet;
pub use status::{LedgerStatus, Status, missing_shards};
pub use terminal::{foreseen_colour, set_colour};
pub use verification_report::VerificationReport;
pub(crate) use verified::verified;
pub(crate) use words::{per_second, rounded, stamped_now};

/// Options of what is shown while a command runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisplayOptions {
    /// Format of results on standard output.
    pub output: Output,
    /// Kind of progress on standard error.
    pub progress: ProgressKind,
    /// Interval of progress lines and status messages.
    pub report_every: Duration,
    /// Format of standard error.
    pub log_format: LogFormat,
    /// Whether the log includes single steps.
    pub debug: bool,
    /// Whether there is a line for each step, each row that is not created and each attempt that is made again.
    pub is_verbose: bool,
}

/// The observers for `display`.
pub fn observers(display: DisplayOptions) -> Vec<Box<dyn Observer>> {
    let DisplayOptions { report_every, is_verbose, .. } = display;
    let is_quiet = display.progress == ProgressKind::None;
    set_quiet(is_quiet);
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    // Results that arrive line by line on the same terminal would interrupt the status area.
    let has_results_on_terminal = display.output != Output::Text && io::stdout().is_terminal();
    let has_status_area = match display.progress {
        ProgressKind::Auto => !has_results_on_terminal && terminal::can_draw(),
        ProgressKind::Bar => terminal::can_draw(),
        ProgressKind::Plain | ProgressKind::None => false,
    };
    if display.log_format == LogFormat::Json || display.debug {
        let has_progress = !is_quiet || log_file::has_log_file();
        observers.push(Box::new(log::LogObserver::new(has_progress.then_some(report_every))));
    } else {
        observers.push(if has_status_area {
            Box::new(terminal::TerminalObserver::new(is_verbose))
        } else {
            Box::new(terminal::PlainLines::new(terminal::print_line, report_every, is_verbose, is_quiet))
        });
        if log_file::has_log_file() {
            let print = log_file::append_to_log;
            observers.push(Box::new(terminal::PlainLines::new(print, report_every, is_verbose, false)));
        }
    }
    if display.output == Output::Json {
        observers.push(Box::new(json::JsonLines::new(display.report_every)));
    }
    observers
}

/// The observers for `display`, and the one that keeps `metrics`.
pub fn observers_of_run(display: DisplayOptions, metrics: Option<&Metrics>) -> Vec<Box<dyn Observer>> {
    let observers = observers(display);
    match metrics {
        Some(metrics) => vec![metrics.observer(observers)],
        None => observers,
    }
}

/// JSON message that the page of an import was written.
pub fn page_message(page: &Path) -> String {
    let page = page.to_string_lossy().into_owned();
    json::Message::Report(json::PageWritten { page }).to_string()
}
