//! The HTTP transport of the SDK's clients: TLS, trusted certificates and proxies.

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use hyper_util::client::proxy::matcher::Matcher;

use crate::submission::target::origin;

/// A transport for loopback, which ignores the proxy variables of the environment.
pub(super) fn without_tls() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings, components).proxy_config(ProxyConfig::disabled()).build_http()
    })
}

/// A transport that heeds the proxy variables of the environment, as the SDK's default transport does.
pub(super) fn with_tls(trusted: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        connector(settings, components)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(trusted.clone())
            .build()
    })
}

/// URL of the proxy of requests to this URL, without user and password.
pub(super) fn proxy_of(url: &str) -> Option<String> {
    let intercept = Matcher::from_env().intercept(&url.parse().ok()?)?;
    origin(&intercept.uri().to_string())
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
