//! The HTTP transport of the SDK's clients: TLS, proxies, and a bound for the length of answers.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper::Uri;

use super::answer::{bounded, is_of_proxy, limit};
use super::tunnel::{as_error, explained};
use crate::submission::connect::trust::{Inspector, Trust};
use crate::submission::proxies::{Proxies, Proxy, ProxyError, ProxyRoute};
use crate::submission::proxy_failure::{ProxyFailure, ProxyProblem};

/// Whether connections are used for several requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::submission::connect) enum Pooling {
    /// A connection waits for the next request.
    Reused,
    /// A connection ends with its request.
    None,
}

/// A transport for loopback, which ignores the proxy variables of the environment.
pub(in crate::submission::connect) fn without_tls(pooling: Pooling) -> SharedHttpClient {
    let none = ProxyConfig::disabled;
    client(Routes { proxies: Arc::default(), forward: none(), tunnel: none(), tls: None }, pooling)
}

/// A transport that sends requests through these proxies.
///
/// # Errors
/// [`ProxyError`]: the SDK refuses the URL of a proxy.
pub(in crate::submission::connect) fn with_tls(
    trust: Trust,
    proxies: Arc<Proxies>,
    pooling: Pooling,
) -> Result<SharedHttpClient, ProxyError> {
    let config = |proxy: Option<&Arc<Proxy>>| match proxy {
        None => Ok(ProxyConfig::disabled()),
        Some(proxy) => ProxyConfig::all(proxy.url_with_password())
            .map_err(|_| ProxyError::Invalid { variable: proxy.variable() }),
    };
    let [forward, tunnel] = proxies.all().map(config);
    let tls = Some((trust.context.clone(), Inspector::new(trust, proxies.clone())));
    Ok(client(Routes { forward: forward?, tunnel: tunnel?, proxies, tls }, pooling))
}

fn client(routes: Routes, pooling: Pooling) -> SharedHttpClient {
    let routes = Arc::new(routes);
    // A transport for each pair of timeouts: sources of credentials have others.
    let transports = RwLock::new(Vec::<(Timeouts, SharedHttpConnector)>::new());
    http_client_fn(move |settings, components| {
        let timeouts = Timeouts { connect: settings.connect_timeout(), read: settings.read_timeout() };
        let find = |known: &[(Timeouts, SharedHttpConnector)]| {
            known.iter().find(|(of, _)| *of == timeouts).map(|(_, transport)| transport.clone())
        };
        if let Some(known) = find(&transports.read().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let mut known = transports.write().unwrap_or_else(PoisonError::into_inner);
        find(&known).unwrap_or_else(|| {
            let mut builder = Connector::builder().connector_settings(settings.clone());
            builder.set_sleep_impl(components.sleep_impl());
            if pooling == Pooling::None {
                builder.set_pool_max_idle_per_host(Some(0));
            }
            let transport = SharedHttpConnector::new(Transport {
                routes: routes.clone(),
                builder,
                read_timeout: settings.read_timeout(),
                direct: OnceLock::new(),
                forward: OnceLock::new(),
                tunnel: OnceLock::new(),
            });
            known.push((timeouts, transport.clone()));
            transport
        })
    })
}

/// Limits of a connection and of an answer.
#[derive(PartialEq, Eq)]
struct Timeouts {
    connect: Option<Duration>,
    read: Option<Duration>,
}

/// The routes of requests, for the SDK.
struct Routes {
    proxies: Arc<Proxies>,
    forward: ProxyConfig,
    tunnel: ProxyConfig,
    /// Certificates to trust, and what looks at others; `None` without TLS.
    tls: Option<(TlsContext, Inspector)>,
}

impl Routes {
    /// The error, with the certificate of the server if that is its cause. `limit` bounds one more connection.
    async fn with_certificate(&self, error: ConnectorError, url: &str, limit: Duration) -> ConnectorError {
        match &self.tls {
            Some((_, inspector)) => inspector.with_certificate(error, url, limit).await,
            None => error,
        }
    }
}

/// Sends each request on its route. Each route has a pool of connections, which is made with its first request.
struct Transport {
    routes: Arc<Routes>,
    /// Builds the connectors, without their proxies.
    builder: ConnectorBuilder,
    read_timeout: Option<Duration>,
    direct: OnceLock<Connector>,
    forward: OnceLock<Connector>,
    tunnel: OnceLock<Connector>,
}

impl Transport {
    fn connector(&self, proxy: ProxyConfig) -> Connector {
        let builder = self.builder.clone().proxy_config(proxy);
        match &self.routes.tls {
            None => builder.build_http(),
            Some((trusted, _)) => {
                builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(trusted.clone()).build()
            }
        }
    }

    /// How long a proxy or a server is asked again after a failure: within what remains of the attempt.
    fn limit_of_explanation(&self) -> Duration {
        /// Longer than one takes that has answered just before.
        const MAX: Duration = Duration::from_secs(5);
        self.read_timeout.map_or(MAX, |read| MAX.min(read / 2))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The SDK's settings have the passwords of proxies.
        f.debug_struct("Transport").field("proxies", &self.routes.proxies).finish_non_exhaustive()
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let limit = limit(request.uri());
        let limit_of_explanation = self.limit_of_explanation();
        let (routes, url) = (self.routes.clone(), request.uri().to_owned());
        let (proxy, is_tunnel) = match self.routes.proxies.route(request.uri()) {
            ProxyRoute::Direct => {
                let direct = self.direct.get_or_init(|| self.connector(ProxyConfig::disabled()));
                let call = direct.call(request);
                return HttpConnectorFuture::new(async move {
                    match call.await {
                        Ok(response) => Ok(bounded(response, limit)),
                        Err(error) => Err(routes.with_certificate(error, &url, limit_of_explanation).await),
                    }
                });
            }
            ProxyRoute::Forward(proxy) => (proxy.clone(), false),
            ProxyRoute::Tunnel(proxy) => (proxy.clone(), true),
        };
        let target = target(&url);
        let connector = match is_tunnel {
            true => self.tunnel.get_or_init(|| self.connector(self.routes.tunnel.clone())),
            false => self.forward.get_or_init(|| self.connector(self.routes.forward.clone())),
        };
        let call = connector.call(request);
        HttpConnectorFuture::new(async move {
            match call.await {
                Ok(response) if !is_tunnel && is_of_proxy(&response) => {
                    let problem = ProxyProblem::Answered(response.status().as_u16());
                    Err(as_error(ProxyFailure { proxy, target, problem }))
                }
                Ok(response) => Ok(bounded(response, limit)),
                Err(error) => {
                    let error = routes.with_certificate(error, &url, limit_of_explanation).await;
                    Err(explained(error, &proxy, target, is_tunnel, limit_of_explanation).await)
                }
            }
        })
    }
}

/// Host and port of a URL, as a CONNECT names them.
fn target(url: &str) -> String {
    let url = url.parse::<Uri>().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    format!("{}:{port}", url.host().unwrap_or_default())
}
