//! Amazon Connect through the AWS SDK. No other folder names the SDK.
//!
//! - `client`: sets up the one client of the process: endpoint, timeouts, TLS, proxy, credentials.
//! - `call`: makes one call and classifies its failure.
//! - `caller`: whose credentials sign the requests.
//! - `create`, `lookup`, `doctor`: the calls for the engine, for verification and for the command `doctor`.

mod call;
mod caller;
mod client;
mod create;
mod doctor;
mod lookup;

pub use client::{AwsSettings, ConnectClient, ConnectError};
pub use doctor::{CredentialsInfo, PermissionProbe};
