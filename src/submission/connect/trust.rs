//! The certificates that the transport trusts.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;

/// The certificates to trust cannot be used.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The CA bundle cannot be read.
    #[error("cannot read the CA bundle {}: {source}", path.display())]
    CaBundle {
        /// Path of the bundle.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The CA bundle has no certificate, or one that cannot be parsed.
    #[error("the CA bundle {} holds no PEM certificate, or one that cannot be read", .0.display())]
    NoCertificates(PathBuf),
    /// The TLS library refuses the CA bundle.
    #[error("the CA bundle cannot be used: {0}")]
    Tls(String),
}

/// Trusts the certificates of `bundle` and no others; the system's without a bundle.
///
/// # Errors
/// [`TrustError`]
pub(super) fn trusted(bundle: Option<&Path>) -> Result<TlsContext, TrustError> {
    let Some(bundle) = bundle else { return Ok(TlsContext::default()) };
    let pem =
        std::fs::read(bundle).map_err(|source| TrustError::CaBundle { path: bundle.to_owned(), source })?;
    // Checked here, since the SDK panics on a PEM file that it cannot parse.
    let mut roots = rustls::RootCertStore::empty();
    let is_valid = CertificateDer::pem_slice_iter(&pem)
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !is_valid || roots.is_empty() {
        return Err(TrustError::NoCertificates(bundle.to_owned()));
    }
    let store = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder().with_trust_store(store).build().map_err(|error| TrustError::Tls(error.to_string()))
}
