//! Transports other than the SDK's own: plain for loopback, and one that trusts a bundle of certificates.

use std::path::Path;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::ConnectError;

/// An HTTP client for loopback: without TLS, and without the proxy that the environment names.
pub(super) fn plain() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings, components).proxy_config(ProxyConfig::disabled()).build_http()
    })
}

/// An HTTP client that trusts the system's certificates.
pub(super) fn system_trust() -> SharedHttpClient {
    secured(TlsContext::default())
}

fn connector(
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> ConnectorBuilder {
    let mut connector = Connector::builder();
    connector.set_connector_settings(settings.cloned());
    connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    connector
}

/// An HTTP client that trusts the certificates of `bundle` and no others, and heeds the proxy
/// variables as the default client does.
pub(super) fn trusting(bundle: &Path) -> Result<SharedHttpClient, ConnectError> {
    let read = std::fs::read(bundle);
    let pem = read.map_err(|source| ConnectError::CaBundle { path: bundle.to_owned(), source })?;
    // The SDK panics on a bad PEM, so it is looked at first.
    let mut roots = rustls::RootCertStore::empty();
    let sound = CertificateDer::pem_slice_iter(&pem)
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !sound || roots.is_empty() {
        return Err(ConnectError::NoCertificates(bundle.to_owned()));
    }
    let store = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| ConnectError::Tls(error.to_string()))?;
    Ok(secured(context))
}

/// An HTTPS client that uses the proxy variables of the environment, as the SDK's own client does.
fn secured(context: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        connector(settings, components)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .build()
    })
}
