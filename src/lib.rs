//! connect-import takes CSV rows to Amazon Connect as contacts.
//!
//! The modules in the order in which a row meets them; imports run the same way.

pub mod cli;
pub mod commands;
pub mod engine;
pub mod event;
pub mod exit_code;
pub mod job;
pub mod ledger;
pub mod mapping;
pub mod pacing;
pub mod report;
pub mod request;
pub mod sandbox;
pub mod shutdown;
pub mod source;
pub mod submission;
mod suggest;
pub mod token;
