//! Credentials of the SDK's clients: which source gives them, and why another does not.
//!
//! - `chain`: the sources in their order; `profile_provider`: a profile as one of them.
//! - `cache`: when they are asked.
//! - `failure`: why a source gave none. It asks `login_failure`, `metadata_failure` and, for what these have in common,
//!   `provider_error`; `process_error` quotes a credential process without secrets.
//!
//! Imports `profile`, `trust`, `endpoint` and `settings` of its parent.

mod cache;
mod chain;
mod failure;
mod login_failure;
mod metadata_failure;
mod process_error;
mod profile_provider;
mod provider_error;

pub(super) use cache::Resolved;
pub(super) use chain::CredentialsChain;
