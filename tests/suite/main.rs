//! The binary as its users meet it. Nothing here depends on how fast the machine is: waits end on
//! what happens, and time limits are only there so that a hang fails.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod amended_input;
mod any_csv;
mod beginning;
mod browser;
mod checking;
mod crash;
mod endpoint_trouble;
mod examined;
mod exporting;
mod handbook;
mod joining;
mod logged;
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
mod sharding;
mod signals;
mod status;
mod storage;
mod support;
mod terminal;
mod truth;
mod unanswered;
mod verifying;
