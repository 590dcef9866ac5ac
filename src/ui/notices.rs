//! Notices on standard error, and the error that ends a command.

use std::path::Path;

use tracing::{Level, enabled, error, info};

use super::json::{ExitError, Message};
use super::result_output::to_stdout;
use super::terminal::{TerminalColours, leave_status_area, print_line};
use super::words::{count_of, printable_lines};
use crate::cli::Output;
use crate::exit_code::ExitCode;
use crate::shell_word::shell_path;

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

/// Tells where a rehearsal's sandbox keeps its contacts, and how to look at them.
pub fn kept_contacts(state: &Path, contacts: u64) -> String {
    let file = shell_path(state);
    format!(
        "the sandbox keeps {} in {file}; to see them:\n  jq .contact {file}",
        count_of(contacts, "contact")
    )
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
        let message = Message::ExitError(ExitError { code: code.code(), message });
        // Standard output may be what failed.
        let _ = to_stdout(&format!("{message}\n"));
    }
}
