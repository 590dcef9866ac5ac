//! What `--debug` writes to standard error.
//!
//! Only this crate's own events pass: those of the SDK and of its transport show requests and credentials. Ours
//! name a row by file and line, and say nothing of what is in it.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Writes events from now on.
pub fn start() {
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::DEBUG);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    // Somebody who embeds the crate may have a subscriber of their own; then that one is told.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}
