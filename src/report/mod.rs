//! What people and programs see: progress, results, rejects. The only place that writes to the
//! terminal.

mod attention;
mod bar;
mod check;
mod delivery;
mod diagnoses;
mod ending;
mod faults;
mod json;
mod lines;
mod rejects;
mod shell;
mod skeleton;
mod status;
mod summary;
mod verification;

use std::io::{self, IsTerminal as _, Write as _};

pub(crate) use bar::{per_second, rounded};
pub use check::CheckReport;
pub use delivery::{Delivery, DeliveryError};
pub use diagnoses::Diagnoses;
pub use ending::{ending_word, exit_code};
pub use faults::FaultLines;
pub use rejects::{RejectsError, check_rejects_target, write_rejects};
pub use shell::{same_command, shell_word};
pub use skeleton::skeleton;
pub use status::Status;
pub use summary::Summary;
pub use verification::VerificationReport;

use crate::cli::{Output, ProgressKind};
use crate::event::Observer;
use crate::exit_code::ExitCode;
use crate::job::Display;

/// The observers that a run's display asks for.
pub fn observers(display: Display) -> Vec<Box<dyn Observer>> {
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    let progress = match display.progress {
        ProgressKind::Auto if io::stderr().is_terminal() && !display.debug => ProgressKind::Bar,
        ProgressKind::Auto => ProgressKind::Plain,
        chosen @ (ProgressKind::Bar | ProgressKind::Plain | ProgressKind::None) => chosen,
    };
    match progress {
        ProgressKind::Bar => observers.push(Box::new(bar::Bar::new())),
        ProgressKind::Plain => observers.push(Box::new(lines::Lines::new(display.report_every))),
        ProgressKind::None | ProgressKind::Auto => observers.push(Box::new(lines::Asked)),
    }
    if display.output == Output::Json {
        observers.push(Box::new(json::JsonLines::new(display.report_every)));
    }
    observers
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
        to_stderr(&format!("connect-import {} failed inside{place}: a bug", env!("CARGO_PKG_VERSION")));
    }));
}

/// Writes a line to standard error. If that is gone, there is nobody to tell.
pub fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Tells people, and programs that read JSON Lines, why the process ends early.
pub fn exit_error(output: Output, code: ExitCode, message: &str) {
    to_stderr(&format!("error: {message}"));
    if output == Output::Json {
        let line = serde_json::json!({"message_type": "exit_error", "code": code.code(), "message": message});
        // Standard output may be what failed.
        let _ = to_stdout(&format!("{line}\n"));
    }
}
