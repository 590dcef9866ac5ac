//! Tests of the binary. No test depends on the speed of the machine: a test waits for an event, and its time limit only
//! turns a hang into a failure.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "no test has a path with control characters in a message of its own"
)]
#![expect(unreachable_pub, reason = "no other crate uses a test binary")]

mod accept;
mod after_sending;
mod announcement;
#[cfg(target_os = "linux")]
mod attacks;
mod authority;
mod aws_services;
mod around_the_table;
mod bounds;
mod browser;
mod changed_input;
mod check;
mod check_show;
mod check_warnings;
mod clock;
mod consistency;
mod copies;
mod crash;
mod credentials;
mod credentials_failures;
mod credentials_renewal;
mod csv_formats;
mod dates;
mod doctor;
mod doctor_disk;
mod ending_by_signal;
mod endpoint;
mod environment_variables;
mod environments;
mod export;
mod export_join;
mod field_files;
mod handbook;
mod hostile_answers;
mod hostile_names;
mod html_report;
mod init;
mod init_dates;
mod invalid_arguments;
mod job_at_hand;
mod keys;
mod ledger_place;
mod log;
mod log_file;
mod long_answers;
mod mended_rows;
mod mended_selection;
mod mending;
mod message_schema;
mod metrics;
mod model;
mod new_ledger;
mod not_a_csv;
mod open_tasks;
mod other_programs;
mod output;
mod output_files;
mod pacing;
mod personal_data;
mod printed_commands;
mod printed_texts;
mod proxies;
mod read_only;
mod readme;
mod rehearsal;
mod profiles;
mod rejects_file;
mod samples;
mod schedulers;
mod service_errors;
mod second_view;
mod sharding;
mod shared_contacts;
mod signals;
mod skeletons;
mod special_files;
mod spreadsheet;
mod status;
mod storage;
mod support;
mod terminal;
mod trust;
mod unanswered;
mod verify;
mod where_condition;
