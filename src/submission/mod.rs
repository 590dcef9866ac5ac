//! Sends requests to Amazon Connect and decides what their results mean for the row and the run.
//!
//! - `attempt`: the trait [`Submitter`], which makes one attempt, and the attempt's result.
//! - `outcome`: from a result to the row's next state. Pure.
//! - `clock`: refused times of signatures. Pure.
//! - `service_error`: from an error response to an [`AttemptError`], by code and status. Pure.
//! - `response`: who answered a request. Pure.
//! - `service`: names of the services that answer. Pure.
//! - `credentials`: where credentials come from, and why there are none. Pure.
//! - `usable`: which Regions, endpoints and credentials requests can be made with. Pure.
//! - `target`: where requests go, and whose credentials sign them. Pure.
//! - `proxies`, `no_proxy`: which requests go through a proxy; `proxy_failure`: what a proxy did instead.
//! - `lookup`: the trait [`ContactLookup`], which reads contacts.
//! - `connect`: both traits on the AWS SDK. No other folder names the SDK.
//! - `fake`: a scripted [`Submitter`] for tests.
//!
//! Imports `request`, the value types of `ledger`, and `pacing::PoolFailure`.

mod attempt;
mod clock;
mod connect;
mod credentials;
#[cfg(test)]
pub(crate) mod fake;
mod lookup;
mod no_proxy;
mod outcome;
mod proxies;
mod proxy_failure;
mod response;
mod service;
mod service_error;
mod target;
mod usable;

pub use attempt::{Attempt, AttemptError, PoolCause, Submitter};
pub use clock::{ClockOffset, ClockRefusal};
pub use connect::{
    AwsSettings, CaBundle, ConnectClient, ConnectError, CredentialsInfo, ProfileError, TrustError,
};
pub use credentials::{CredentialsFailure, CredentialsSource, ProfileKind};
pub use lookup::{ContactDetails, ContactLookup, ContactPage, ContactSearch, FoundContact, SearchBy};
pub use outcome::{
    AttemptContext, Decision, InstanceEvidence, OnUnknown, Policy, StopReason, decide, decide_interrupted,
};
pub use proxies::{Proxies, Proxy, ProxyError};
pub use proxy_failure::is_proxy_code;
pub use response::{ConnectionFailure, PermissionProbe, Responder};
pub(crate) use service::Service;
pub use service_error::is_credentials_error;
pub use target::{Caller, CallerAbsence, ServiceTarget, WrongAccount};
pub(crate) use target::{is_loopback_host, origin};
pub(crate) use usable::{expect_endpoint, expect_region};
