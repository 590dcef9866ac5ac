//! What people and programs see: progress, results, rejects. The only place that writes to the
//! terminal.

mod resume_command;
mod attention;
mod bar;
mod causes;
mod cells;
mod check;
mod colour;
mod diagnoses;
mod ending;
mod faults;
mod foot;
mod frame;
mod json;
mod lines;
mod log;
mod messages;
mod metrics;
mod portion;
mod printable;
mod rejects;
mod result_output;
mod shell;
mod skeleton;
mod stage;
mod status;
mod summary;
mod verification;
mod view;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

pub(crate) use bar::{per_second, rounded};
pub use check::CheckReport;
pub use colour::{foreseen_colour, set_colour};
pub use diagnoses::Diagnoses;
pub use ending::{ending_word, exit_code};
pub use faults::FaultLines;
pub use metrics::Metrics;
pub use rejects::{RejectsError, check_rejects_target, write_rejects};
pub use result_output::{ResultError, ResultOutput};
pub use resume_command::ResumeCommand;
pub use shell::{shell_path, this_folder};
pub use skeleton::skeleton;
pub use status::{LedgerStatus, Status, missing_shards};
pub use summary::Summary;
pub use verification::VerificationReport;

use tracing::{Level, enabled, error, info};

use crate::cli::{LogFormat, Output, ProgressKind};
use crate::event::Observer;
use crate::exit_code::ExitCode;
use crate::job::Display;
use messages::{ExitError, Message, PageWritten, SchemaVersion};
use printable::printable_lines;

/// The observers that a run's display asks for.
pub fn observers(display: Display) -> Vec<Box<dyn Observer>> {
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    // A log would tear a bar, and so would results that go to the same terminal line by line.
    let is_log = display.log_format == LogFormat::Json || display.debug;
    let is_shared = display.output != Output::Text && io::stdout().is_terminal();
    match display.progress {
        progress if is_log => {
            let every = (progress != ProgressKind::None).then_some(display.report_every);
            observers.push(Box::new(log::Log::new(every)));
        }
        ProgressKind::None => observers.push(Box::new(lines::Asked)),
        ProgressKind::Auto if can_draw() && !is_shared => observers.push(Box::new(bar::Bar::new())),
        ProgressKind::Bar if can_draw() => observers.push(Box::new(bar::Bar::new())),
        ProgressKind::Auto | ProgressKind::Bar | ProgressKind::Plain => {
            observers.push(Box::new(lines::Lines::new(display.report_every)));
        }
    }
    if display.output == Output::Json {
        observers.push(Box::new(json::JsonLines::new(display.report_every)));
    }
    observers
}

/// The same for a run, which may have metrics to keep as well.
pub fn observers_of_run(display: Display, metrics: Option<&Metrics>) -> Vec<Box<dyn Observer>> {
    let observers = observers(display);
    match metrics {
        Some(metrics) => vec![metrics.watching(observers)],
        None => observers,
    }
}

/// Whether standard error is a terminal whose cursor can be moved.
fn can_draw() -> bool {
    let is_able = || anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
    io::stderr().is_terminal() && anstyle_query::term_supports_color() && is_able()
}

/// Writes a result to standard output.
///
/// # Errors
/// Standard output cannot be written; a reader that went away is no error.
pub fn to_stdout(text: &str) -> io::Result<()> {
    show(text).map(drop)
}

/// The same, and says whether anybody reads it still.
///
/// # Errors
/// It cannot be written, and not because nobody reads it.
pub fn show(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    is_read(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Whoever reads only the beginning need not hear the rest.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    is_read(written).map(drop)
}

/// Whether what was written has still a reader.
fn is_read(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

/// Has a panic say where it happened and no more: its message may quote a cell.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        failure(&format!("connect-import {} failed inside{place}: a bug", env!("CARGO_PKG_VERSION")));
    }));
}

/// Tells people something on standard error, which may be a log.
pub fn notice(text: &str) {
    if enabled!(Level::INFO) { info!("{text}") } else { to_stderr(&printable_lines(text)) }
}

/// Tells people on standard error what failed.
fn failure(text: &str) {
    if enabled!(Level::ERROR) { error!("{text}") } else { to_stderr(text) }
}

/// Writes a line to standard error. If that is gone, there is nobody to tell.
fn to_stderr(line: &str) {
    foot::print(line);
}

/// The message for programs that a page is written.
pub fn page_message(page: &Path) -> String {
    let page = page.display().to_string();
    Message::Report(PageWritten { schema_version: SchemaVersion, page }).to_string()
}

/// Tells people, and programs that read JSON Lines, why the process ends early.
pub fn exit_error(output: Output, code: ExitCode, message: &str) {
    // What stood there last tells how far it came.
    foot::leave();
    if enabled!(Level::ERROR) {
        error!(exit_code = code.code(), "{message}");
    } else {
        let word = colour::Paint::of_stderr().error("error:");
        to_stderr(&format!("{word} {}", printable_lines(message)));
    }
    if output == Output::Json {
        let line =
            Message::ExitError(ExitError { schema_version: SchemaVersion, code: code.code(), message });
        // Standard output may be what failed.
        let _ = to_stdout(&format!("{line}\n"));
    }
}
