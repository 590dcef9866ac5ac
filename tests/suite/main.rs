//! Tests of the binary. No test depends on the speed of the machine: a test waits for an event, and its time limit only
//! turns a hang into a failure.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![expect(unreachable_pub, reason = "no other crate uses a test binary")]

mod browser;
mod changed_input;
mod check;
mod crash;
mod csv_formats;
mod doctor;
mod export;
mod export_join;
mod handbook;
mod init;
mod log;
mod measured;
mod misuse;
mod model;
mod next_steps;
mod open_tasks;
mod output;
mod output_files;
mod pace;
mod personal_data;
mod published;
mod reading_ledgers;
mod readme;
mod reporting;
mod samples;
mod schedulers;
mod schema;
mod service_errors;
mod sharding;
mod signals;
mod status;
mod storage;
mod support;
mod terminal;
mod truth;
mod unanswered;
mod verifying;
