//! The SDK's client: its settings, and the transport with TLS, trusted certificates and proxy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_connect::Client;
use aws_sdk_connect::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::service_config::ServiceConfigKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;

use super::call::TransmissionFlag;
use crate::submission::target::ServiceTarget;

/// Settings of the client; most have the name of the AWS CLI's option.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// Profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Region; `None` takes it from the environment or the profile.
    pub region: Option<String>,
    /// Endpoint of Connect instead of the Region's.
    pub endpoint_url: Option<String>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Whether requests are sent unsigned, for endpoints other than Connect's.
    pub no_sign_request: bool,
    /// Limit for making a connection.
    pub connect_timeout: Duration,
    /// Limit for the time from the start of a request to the first byte of its response.
    pub read_timeout: Duration,
    /// Whether the endpoint is a sandbox on loopback: constant credentials, no proxy, no TLS.
    pub sandbox: bool,
}

/// The client cannot be set up. Nothing was sent.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Neither the settings nor the environment nor the profile names a Region.
    #[error(
        "no Region is set; use --region, AWS_REGION, the profile, or the instance's ARN as --instance-id"
    )]
    NoRegion,
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

/// A client of Amazon Connect for one instance. Every call makes one attempt.
#[derive(Debug)]
pub struct ConnectClient {
    pub(super) client: Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) instance_id: String,
    pub(super) target: ServiceTarget,
    /// Whether the endpoint is a sandbox, which is used with constant credentials.
    pub(super) is_rehearsal: bool,
    /// `None` if requests are not signed.
    pub(super) credentials: Option<SharedCredentialsProvider>,
}

impl ConnectClient {
    /// Sets up the one client of the process. Sends nothing; credentials are resolved with the first request.
    ///
    /// # Errors
    /// [`ConnectError::NoRegion`], or one of the errors of the CA bundle.
    pub async fn new(instance_id: &str, settings: &AwsSettings) -> Result<Self, ConnectError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            // The read timeout covers the first byte only; this ends a response that arrives slowly.
            .operation_attempt_timeout(settings.connect_timeout + settings.read_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            // The engine paces, counts and records every attempt, so the SDK must not retry.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // It measures throughput, which means nothing for bodies of 100 bytes; the timeouts above apply.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if settings.sandbox {
            // FIPS and dual-stack endpoints may be set in the environment; loopback has neither.
            loader = loader.http_client(without_tls()).use_fips(false).use_dual_stack(false);
            let name = "connect-import sandbox";
            loader = loader.credentials_provider(Credentials::new("SANDBOX", "SANDBOX", None, None, name));
        } else {
            let trusted = match &settings.ca_bundle {
                Some(bundle) => only_certificates_of(bundle)?,
                None => TlsContext::default(),
            };
            loader = loader.http_client(with_tls(trusted));
        }
        if settings.no_sign_request {
            loader = loader.no_credentials();
        }
        let config = loader.load().await;
        let region = config.region().ok_or(ConnectError::NoRegion)?.to_string();
        let endpoint = endpoint(&config, &region, settings.endpoint_url.as_deref());
        let mut client = aws_sdk_connect::config::Builder::from(&config);
        // Not in the loader: it is the endpoint of Connect, and not that of STS.
        if let Some(url) = &settings.endpoint_url {
            client = client.endpoint_url(url);
        }
        if settings.no_sign_request {
            client = client.allow_no_auth();
        }
        client.push_interceptor(SharedInterceptor::permanent(TransmissionFlag));
        let mut sts = aws_sdk_sts::config::Builder::from(&config);
        sts.push_interceptor(SharedInterceptor::permanent(TransmissionFlag));
        Ok(ConnectClient {
            client: Client::from_conf(client.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            instance_id: instance_id.to_owned(),
            target: ServiceTarget::new(region, endpoint),
            is_rehearsal: settings.sandbox,
            credentials: config.credentials_provider().filter(|_| !settings.no_sign_request),
        })
    }

    /// Region and endpoint of the requests.
    pub fn target(&self) -> &ServiceTarget {
        &self.target
    }
}

/// The endpoint that the SDK chooses: `given`, that of the environment or the profile, or the Region's.
fn endpoint(config: &SdkConfig, region: &str, given: Option<&str>) -> String {
    // As in `From<&SdkConfig>` of the SDK's Connect client, which does not show the endpoint that it chose.
    let configured = || {
        let key = ServiceConfigKey::builder()
            .service_id("Connect")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    if let Some(url) = given.map(str::to_owned).or_else(configured) {
        return url;
    }
    if let Some(url) = config.endpoint_url() {
        return url.to_owned();
    }
    let parameters = Params::builder()
        .region(region)
        .use_fips(config.use_fips().unwrap_or(false))
        .use_dual_stack(config.use_dual_stack().unwrap_or(false))
        .build();
    let of_region = parameters.ok().and_then(|parameters| {
        use futures_util::FutureExt as _;
        DefaultResolver::new().resolve_endpoint(&parameters).now_or_never()?.ok()
    });
    // The Region may be impossible; the first request then says so.
    of_region.map_or_else(|| format!("Connect in {region}"), |endpoint| endpoint.url().to_owned())
}

/// A transport for loopback, which ignores the proxy variables of the environment.
fn without_tls() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings, components).proxy_config(ProxyConfig::disabled()).build_http()
    })
}

/// A transport that heeds the proxy variables of the environment, as the SDK's default transport does.
fn with_tls(trusted: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        connector(settings, components)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(trusted.clone())
            .build()
    })
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

/// Trusts the certificates of `bundle` and no others.
fn only_certificates_of(bundle: &Path) -> Result<TlsContext, ConnectError> {
    let pem =
        std::fs::read(bundle).map_err(|source| ConnectError::CaBundle { path: bundle.to_owned(), source })?;
    // Checked here, since the SDK panics on a PEM file that it cannot parse.
    let mut roots = rustls::RootCertStore::empty();
    let is_valid = CertificateDer::pem_slice_iter(&pem)
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !is_valid || roots.is_empty() {
        return Err(ConnectError::NoCertificates(bundle.to_owned()));
    }
    let store = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| ConnectError::Tls(error.to_string()))
}
