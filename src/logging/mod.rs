//! What is logged, and in which form: events of `tracing` on standard error.
//!
//! ERROR is what ends a run or leaves a row failed or unknown; WARN needs attention; INFO are milestones; DEBUG is each
//! step, with Connect's request ids. What fails and then succeeds is never more than DEBUG.
//!
//! Only this crate's own events pass: those of the SDK and of its transport show requests and credentials. Ours
//! name a row by file, line and key, and say nothing of what is in it.

mod json;

use std::io;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::LogFormat;
use json::Json;

/// Writes events from now on, if they were asked for: as text with `debug` alone, as JSON always.
pub fn start(format: LogFormat, debug: bool) {
    let level = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = layer().with_writer(io::stderr).with_ansi(false).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text if !debug => return,
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.event_format(Json).fmt_fields(Json).boxed(),
    };
    // Somebody who embeds the crate may have a subscriber of their own; then that one is told.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}
