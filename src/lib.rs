//! connect-import takes CSV rows to Amazon Connect as contacts.
//!
//! The modules stand in the order in which a row meets them, between those that start and those that
//! show; imports run down the flow. The README's chapter "How it is built" walks a row through them.

pub mod commands;
pub mod cli;
pub mod job;

mod suggest;
mod paths;
mod slug;
mod draft;
mod modes;
mod open_files;
pub mod digest;
pub mod source;
pub mod request;
pub mod mapping;
pub mod guess;
pub mod token;
pub mod shard;
pub mod rehearsal;
pub mod ledger;
pub mod intake;
pub mod check;
pub mod pacing;
pub mod submission;
pub mod engine;
pub mod verification;
pub mod doctor;
pub mod export;

pub mod shutdown;
pub mod wishes;
pub mod event;
pub mod report;
pub mod page;
pub mod exit_code;
pub mod handbook;
pub mod logging;

pub mod sandbox;
