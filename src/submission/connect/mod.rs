//! Amazon Connect through the AWS SDK. No other folder names the SDK.
//!
//! Each imports what stands above it:
//!
//! - `error_chain`: the causes of an SDK error; `caught`: panics of the SDK.
//! - `profile`: the AWS configuration files and the profile in use.
//! - `trust`: the certificates that are trusted.
//! - `headers`: the headers of an answer: who set them, the service's time, and the pause that it asks for.
//! - `transport`: TLS, proxies and bounded answers.
//! - `endpoint`: the endpoints that the clients use.
//! - `settings`: the client's settings, and values of the environment and of the profile that cannot be used.
//! - `credentials`: the sources of credentials, and why they give none.
//! - `error_code`: the code of an error response; `responder`: who answered a call.
//! - `call`: makes one call and classifies its failure.
//! - `client`: the one client of the process.
//! - `caller`: whose credentials sign the requests.
//! - `create`, `lookup`, `doctor`: the calls for the engine, for verification and for the command `doctor`.

mod call;
mod caller;
mod caught;
mod client;
mod create;
mod credentials;
mod doctor;
mod endpoint;
mod error_chain;
mod error_code;
mod headers;
mod lookup;
mod profile;
mod responder;
mod settings;
mod transport;
mod trust;

pub use client::ConnectClient;
pub use doctor::CredentialsInfo;
pub use profile::ProfileError;
pub use settings::{AwsSettings, ConnectError};
pub use trust::{CaBundle, TrustError};
