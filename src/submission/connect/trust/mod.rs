//! Certificates: which are trusted, and why a server's is not.
//!
//! - `authorities`: the authorities that are trusted; `ca_bundle`: reads a file of them.
//! - `untrusted`: looks at the certificate of a server that is not trusted; `certificate_words`: says what is wrong with it.
//!
//! Imports `profile` of its parent, for `ca_bundle` of the profile.

mod authorities;
mod ca_bundle;
mod certificate_words;
mod untrusted;

pub use authorities::{CaBundle, TrustError};
pub(super) use authorities::{Trust, chosen, of_profile};
pub(super) use certificate_words::UntrustedCertificate;
pub(super) use untrusted::Inspector;
