//! Amazon Connect through the AWS SDK. No other folder names the SDK.
//!
//! - `client`: sets up the one client of the process: Region, endpoint, timeouts.
//! - `endpoint`: the endpoints that the clients use.
//! - `transport`: TLS, proxies and bounded answers; `tunnel`: why a proxy did not connect; `answer`: what is accepted as an
//!   answer.
//! - `trust`: the certificates that are trusted; `ca_bundle`: reads a file of them; `untrusted`: looks at a certificate that is
//!   not trusted; `certificate_words`: says what is wrong with it.
//! - `settings`: values of the environment and of the profile that cannot be used; `caught`: panics of the SDK.
//! - `config_files`, `profile`, `profile_error`: the AWS configuration files, the profile in use, and their faults.
//! - `credentials`: the chain of credentials sources; `profile_provider`: a profile as one of them; `credentials_cache`: when
//!   they are asked; `credentials_failure`: why one of them gave none, on `login_failure`, `metadata_failure`,
//!   `process_error`, `profile_origin` and `provider_error`.
//! - `call`: makes one call and classifies its failure; `headers`: the service's time and the pause that an answer asks
//!   for; `responder`: who answered it.
//! - `caller`: whose credentials sign the requests.
//! - `create`, `lookup`, `doctor`: the calls for the engine, for verification and for the command `doctor`.

mod answer;
mod ca_bundle;
mod call;
mod caller;
mod caught;
mod certificate_words;
mod client;
mod config_files;
mod create;
mod credentials;
mod credentials_failure;
mod credentials_cache;
mod doctor;
mod endpoint;
mod headers;
mod login_failure;
mod lookup;
mod metadata_failure;
mod process_error;
mod profile_origin;
mod provider_error;
mod profile;
mod profile_error;
mod profile_provider;
mod responder;
mod settings;
mod transport;
mod trust;
mod tunnel;
mod untrusted;

pub use client::{AwsSettings, ConnectClient, ConnectError};
pub use doctor::CredentialsInfo;
pub use profile_error::ProfileError;
pub use trust::{CaBundle, TrustError};
