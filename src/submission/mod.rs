//! Sending one request, and saying honestly what may have become of it.

mod answer;
mod connect;
#[cfg(test)]
pub(crate) mod fake;
mod inquirer;
mod outcome;

pub use connect::{AwsSettings, ConnectClient, ConnectError, KnownCredentials, Refusal};
pub use inquirer::{Described, Inquirer, Page, Search, SearchBy, Summary};
pub use outcome::{
    Attempt, AttemptContext, AttemptError, Decision, Instance, OnUnknown, Policy, Stop, abandon, decide,
};

use crate::ledger::InFlight;

/// Sends requests. An implementation makes exactly one attempt a call: pacing, retries and records
/// are the engine's.
pub trait Submitter: Send + Sync + 'static {
    /// Makes one attempt for a row whose intent is durable.
    ///
    /// If the process dies inside this call, the row is in flight in the ledger, and the next run
    /// takes it that its contact may exist.
    fn submit(&self, in_flight: &InFlight) -> impl Future<Output = Attempt> + Send;
}
