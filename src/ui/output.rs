//! Writing to standard output and standard error: results, notices, and the error that ends a command.

use std::io::{self, Write as _};

use tracing::{Level, enabled, error, info};

use super::json::{ExitError, Message, SchemaVersion};
use super::terminal::{TerminalColours, leave_status_area, print_line};
use super::words::printable_lines;
use crate::cli::Output;
use crate::exit_code::ExitCode;

/// Writes a result to standard output. A closed pipe is no error.
///
/// # Errors
/// Any other error of standard output.
pub fn to_stdout(text: &str) -> io::Result<()> {
    write_stdout(text).map(drop)
}

/// Writes to standard output; returns false if it is a closed pipe.
///
/// # Errors
/// Any other error of standard output.
pub fn write_stdout(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    is_open(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The result of a write, with a closed pipe as success: a reader such as `head` may stop early.
pub(super) fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    is_open(written).map(drop)
}

fn is_open(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Makes a panic print its location only, since its message may contain a value of a row.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
        let text = format!("internal error in connect-import {}{location}", env!("CARGO_PKG_VERSION"));
        if enabled!(Level::ERROR) { error!("{text}") } else { print_line(&text) }
    }));
}

/// Writes a notice to standard error, or to the log.
pub fn notice(text: &str) {
    if enabled!(Level::INFO) { info!("{text}") } else { print_line(&printable_lines(text)) }
}

/// Writes the error that ends a command to standard error or the log, and with JSON output to standard output.
pub fn exit_error(output: Output, code: ExitCode, message: &str) {
    leave_status_area();
    if enabled!(Level::ERROR) {
        error!(exit_code = code.code(), "{message}");
    } else {
        let label = TerminalColours::of_stderr().error("error:");
        print_line(&format!("{label} {}", printable_lines(message)));
    }
    if output == Output::Json {
        let message =
            Message::ExitError(ExitError { schema_version: SchemaVersion, code: code.code(), message });
        // Standard output may be what failed.
        let _ = to_stdout(&format!("{message}\n"));
    }
}
