//! Sends requests to Amazon Connect and decides what their results mean for the row and the run.
//!
//! - `attempt`: the trait [`Submitter`], which makes one attempt, and the attempt's result.
//! - `answered_contact`: the contact that an answer names. Pure.
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

mod answered_contact;
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

pub(crate) use answered_contact::contact_arn;
pub use answered_contact::is_contact_unnamed;
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
pub(crate) use target::{host_of, is_loopback_host, origin};
pub(crate) use usable::{expect_endpoint, expect_region};
