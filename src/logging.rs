//! The log on standard error and in the log file: events of `tracing`, as text with `--debug` or as JSON with
//! `--log-format json`.
//!
//! Levels: ERROR ends a run or leaves a row failed or unknown; WARN needs attention; INFO is a milestone; DEBUG is a
//! single step, with Connect's request ids. A failure that a later attempt makes up for is never above DEBUG.
//!
//! Only events of this crate pass, since those of the SDK contain requests and credentials. This crate's events
//! identify a row by file, line and key, and contain no value of it.

use std::io::{self, Write};

use tracing::Metadata;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::LogFormat;
use crate::printable::{printable_json, printable_lines};
use crate::ui::{append_to_log_as_is, is_shown, stamped_now};

/// Starts the log, if `debug` or the format asks for one. With `is_verbose` it has the details that plain lines have.
pub fn start(format: LogFormat, debug: bool, is_verbose: bool) {
    const CRATE: &str = env!("CARGO_CRATE_NAME");
    let level = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let mut own_events = Targets::new().with_target(CRATE, level);
    if is_verbose {
        own_events = own_events.with_target(format!("{CRATE}::ui"), LevelFilter::DEBUG);
    }
    let lines = layer().with_writer(LogWriter { format }).with_ansi(false).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text if !debug => return,
        LogFormat::Text => lines.without_time().boxed(),
        LogFormat::Json => {
            // The row of an attempt is in its span, so the list of spans stays.
            lines.json().flatten_event(true).with_current_span(false).with_target(false).boxed()
        }
    };
    // A program that embeds this crate may have installed a subscriber; it is kept.
    let _ = tracing_subscriber::registry().with(lines).with(own_events).try_init();
}

/// Makes the writer of each event.
#[derive(Debug)]
struct LogWriter {
    format: LogFormat,
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = EventWriter;

    fn make_writer(&'a self) -> EventWriter {
        EventWriter { format: self.format, is_shown: true }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> EventWriter {
        EventWriter { format: self.format, is_shown: is_shown(*event.level(), event.target()) }
    }
}

/// Writes one event to standard error, if it is shown there, and to the log file.
#[derive(Debug)]
struct EventWriter {
    format: LogFormat,
    is_shown: bool,
}

impl Write for EventWriter {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // A text may have several lines, each of which needs the time.
        let lines = match self.format {
            LogFormat::Text => stamped_now(&printable_lines(&text)),
            LogFormat::Json => printable_json(&text).into_owned(),
        };
        append_to_log_as_is(&lines);
        if self.is_shown {
            io::stderr().write_all(lines.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
