//! The AWS configuration files and the profile in use. Nothing is asked for credentials.
//!
//! - `config_files`: the files, read once and handed to the SDK.
//! - `selected`: which profile is in use.
//! - `source`: where its credentials come from; `origin`: the first of them, for reasons and remedies of failures.
//! - `error`: faults that end a command before anything is sent.
//!
//! Imports nothing of its parent.

mod config_files;
mod error;
mod origin;
mod selected;
mod source;

pub(super) use config_files::{ConfigFiles, expanded, home, variable};
pub use error::ProfileError;
pub(super) use origin::{OriginKind, ProfileOrigin, origin_of};
pub(super) use selected::{SelectedBy, SelectedProfile, has_variables};
pub(super) use source::source_of;
