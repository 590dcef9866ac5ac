//! The lines of standard error, by importance, and their copies in the log file.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Level;

use super::log_file::append_to_log;
use super::terminal::print_line;

/// Target of the replies to control signals in the log: they are shown with `--quiet` too, since the user asked for them.
pub(super) const REPLIES: &str = concat!(env!("CARGO_CRATE_NAME"), "::reply");

static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Sets whether only warnings, errors and replies go to standard error. The log file has everything.
pub fn set_quiet(is_quiet: bool) {
    IS_QUIET.store(is_quiet, Ordering::Relaxed);
}

/// Whether a line of this level and target of the log goes to standard error.
pub(crate) fn is_shown(level: Level, target: &str) -> bool {
    level <= Level::WARN || target == REPLIES || !IS_QUIET.load(Ordering::Relaxed)
}

/// Writes printable lines to standard error, if they are important enough, and to the log file.
pub(super) fn print(level: Level, lines: &str) {
    if is_shown(level, "") {
        print_line(lines);
    }
    append_to_log(lines);
}
