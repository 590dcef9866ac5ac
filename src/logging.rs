//! Log on standard error: events of `tracing`, as text with `--debug` or as JSON with `--log-format json`.
//!
//! Levels: ERROR ends a run or leaves a row failed or unknown; WARN needs attention; INFO is a milestone; DEBUG is a
//! single step, with Connect's request ids. A failure that a later attempt makes up for is never above DEBUG.
//!
//! Only events of this crate pass, since those of the SDK contain requests and credentials. This crate's events
//! identify a row by file, line and key, and contain no value of it.

use std::io;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::LogFormat;

/// Starts the log, if `debug` or the format asks for one.
pub fn start(format: LogFormat, debug: bool) {
    let level = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let own_events = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = layer().with_writer(io::stderr).with_ansi(false).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text if !debug => return,
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            // The row of an attempt is in its span, so the list of spans stays.
            lines.json().flatten_event(true).with_current_span(false).with_target(false).boxed()
        }
    };
    // A program that embeds this crate may have installed a subscriber; it is kept.
    let _ = tracing_subscriber::registry().with(lines).with(own_events).try_init();
}
