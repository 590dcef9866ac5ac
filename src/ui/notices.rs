//! Notices on standard error, the error that ends a command, and the first and last line of a log file.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{Level, enabled, error, info, warn};

use super::json::{ExitError, Message};
use super::log_file::append_to_log;
use super::result_output::to_stdout;
use super::standard_error::print;
use super::terminal::{TerminalColours, leave_status_area, print_line};
use super::words::{count_of, ledger_noticed, rounded};
use crate::cli::Output;
use crate::exit_code::ExitCode;
use crate::ledger::LedgerNotice;
use crate::printable::printable_lines;
use crate::shell_word::shell_path;
use crate::shutdown::Signal;

/// Makes a panic print its location only, since its message may contain a value of a row.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
        let text = format!("internal error in connect-import {}{location}", env!("CARGO_PKG_VERSION"));
        if enabled!(Level::ERROR) { error!("{text}") } else { print(Level::ERROR, &text) }
    }));
}

/// Writes a notice to standard error, or to the log.
pub fn notice(text: &str) {
    if enabled!(Level::INFO) { info!("{text}") } else { print(Level::INFO, &printable_lines(text)) }
}

/// Writes a warning to standard error, or to the log.
pub fn warning(text: &str) {
    if enabled!(Level::WARN) { warn!("{text}") } else { print(Level::WARN, &printable_lines(text)) }
}

/// Warns of what a ledger tells while a command without events goes on.
pub fn tell_of_ledger(notice: LedgerNotice) {
    warning(&ledger_noticed(&notice));
}

/// Tells where a rehearsal's sandbox keeps its contacts, and how to look at them. `stale` is the ledger if it has every row
/// as created, in earlier rehearsals, and the sandbox has none.
pub fn kept_contacts(state: &Path, contacts: u64, stale: Option<&PathBuf>) -> String {
    let file = shell_path(state);
    if let Some(ledger) = stale {
        return format!(
            "the sandbox has received no contact to keep in {file}; to send every row to it, delete {} and rehearse again",
            shell_path(ledger)
        );
    }
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
        print(Level::ERROR, &format!("{label} {}", printable_lines(message)));
    }
    if output == Output::Json {
        let message = Message::ExitError(ExitError { code: code.code(), message });
        // Standard output may be what failed.
        let _ = to_stdout(&format!("{message}\n"));
    }
}

/// Writes an error of the command line itself to standard error. `styled` has escape sequences, which are written where
/// colour is.
pub fn usage_error(styled: &str) {
    let styled = styled.trim_end();
    // The empty lines are for people; in a log every line has the time.
    print_line(&if io::stderr().is_terminal() { format!("{styled}\n") } else { styled.to_owned() });
}

/// Writes the start of a command to the log, or to the log file.
pub fn begin_log(command: &str) {
    let (version, process) = (env!("CARGO_PKG_VERSION"), std::process::id());
    if enabled!(Level::INFO) {
        info!(command, version, process, "begins");
    } else {
        append_to_log(&format!("{command} begins: connect-import {version}, process {process}"));
    }
}

/// Writes the end of a command to the log, or to the log file.
pub fn end_log(exit: ExitCode) {
    let code = exit.code();
    if enabled!(Level::INFO) {
        info!(exit_code = code, "ends");
    } else {
        append_to_log(&format!("ends with exit code {code}"));
    }
}

/// The line of a process that did not end in time after a signal.
pub fn overdue(signal: Signal, allowed: Duration) -> String {
    format!(
        "{}: the command did not end within {}, since a file, a pipe or a service does not answer, and is ended now; nothing \
         is lost: run the same command again",
        signal.name(),
        rounded(allowed)
    )
}

/// Writes the end of a process that a signal ends to the log or the log file, and `text` to standard error, too. That may
/// block, so it comes last.
pub fn end_by_signal(text: Option<&str>, exit: ExitCode) {
    if enabled!(Level::INFO) {
        if let Some(text) = text {
            warn!("{text}");
        }
        return end_log(exit);
    }
    text.iter().for_each(|text| append_to_log(text));
    end_log(exit);
    text.iter().for_each(|text| print_line(text));
}
