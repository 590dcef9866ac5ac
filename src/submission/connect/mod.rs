//! Amazon Connect through the AWS SDK. No other folder names the SDK.
//!
//! - `client`: sets up the one client of the process: Region, endpoint, timeouts.
//! - `transport`: TLS, proxies and bounded answers; `tunnel`: why a proxy did not connect; `answer`: what is accepted as an
//!   answer.
//! - `trust`: the certificates that are trusted; `ca_bundle`: reads a file of them; `untrusted`: looks at a certificate that is
//!   not trusted; `certificate_words`: says what is wrong with it.
//! - `settings`: values of the environment and of the profile that cannot be used; `caught`: panics of the SDK.
//! - `credentials`: the sources of credentials.
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
mod create;
mod credentials;
mod doctor;
mod headers;
mod lookup;
mod responder;
mod settings;
mod transport;
mod trust;
mod tunnel;
mod untrusted;

pub use client::{AwsSettings, ConnectClient, ConnectError};
pub use doctor::CredentialsInfo;
pub use trust::{CaBundle, TrustError};
