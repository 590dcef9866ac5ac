//! Imports CSV rows into Amazon Connect as completed tasks (CreateContact) or open tasks (StartTaskContact).
//!
//! The modules are listed in data-flow order, and imports run downwards. `CONTRIBUTING.md` follows one row through them;
//! [`handbook`] holds the chapters of the documentation.

pub mod commands;
pub mod cli;
pub mod job;

mod printable;
pub mod environment;
mod paths;
mod file_kind;
mod suggest;
mod slug;
mod shell_word;
mod dates;
mod atomic_file;
mod permissions;
mod kept_file;
pub mod open_files;
pub mod temporary_folder;
mod mounts;
pub mod file_system;
pub mod digest;
pub mod source;
pub mod request;
pub mod mapping;
pub mod init;
pub mod token;
pub mod shard;
pub mod crash_plan;
pub mod ledger;
pub mod warning;
pub mod intake;
pub mod check;
pub mod pacing;
pub mod submission;
pub mod engine;
pub mod verification;
pub mod doctor;
pub mod export;
pub mod output_file;

pub mod time_budget;
pub mod shutdown;
pub mod control_signals;
pub mod event;
pub mod ui;
pub mod html_report;
pub mod exit_code;
pub mod handbook;
pub mod logging;

pub mod sandbox;
