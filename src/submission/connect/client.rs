//! The SDK's client.

use std::sync::Arc;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_connect::Client;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

use super::call::TransmissionRecorder;
use super::caught::caught;
use super::credentials::CredentialsChain;
use super::endpoint;
use super::profile::{ConfigFiles, SelectedProfile};
use super::settings::{AwsSettings, ConnectError, expect_usable};
use super::transport::{self, Pooling};
use super::trust::{Trust, chosen, of_profile};
use crate::submission::proxies::{Proxies, Proxy};
use crate::submission::target::ServiceTarget;

/// A client of Amazon Connect for one instance. Every call makes one attempt.
#[derive(Debug)]
pub struct ConnectClient {
    pub(super) client: Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) instance_id: String,
    pub(super) target: ServiceTarget,
    /// The profile that is named by the settings or the environment.
    pub(super) profile: Option<String>,
    /// Whether the endpoint is a sandbox, which is used with constant credentials.
    pub(super) is_rehearsal: bool,
    /// `None` if requests are not signed.
    pub(super) credentials: Option<Arc<CredentialsChain>>,
    /// The proxies of its requests, also of those to AWS STS and to sources of credentials.
    pub(super) proxies: Arc<Proxies>,
}

impl ConnectClient {
    /// Sets up the one client of the process. Sends nothing; credentials are resolved with the first request.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn new(instance_id: &str, settings: &AwsSettings) -> Result<Self, ConnectError> {
        caught(Box::pin(Self::set_up(instance_id, settings))).await.unwrap_or(Err(ConnectError::Panicked))
    }

    async fn set_up(instance_id: &str, settings: &AwsSettings) -> Result<Self, ConnectError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            // The read timeout covers the first byte only; this ends a response that arrives slowly.
            .operation_attempt_timeout(settings.connect_timeout + settings.read_timeout)
            .build();
        let profile = SelectedProfile::new(settings.profile.as_deref());
        // A rehearsal needs nothing of them.
        let files = if settings.sandbox { ConfigFiles::empty() } else { ConfigFiles::read().await? };
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .profile_files(files.for_sdk())
            // The chain keeps credentials for all clients.
            .identity_cache(IdentityCache::no_cache())
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
        let pooling = match settings.separate_connections {
            true => Pooling::None,
            false => Pooling::Reused,
        };
        let mut proxies = Arc::new(Proxies::default());
        if settings.sandbox {
            // FIPS and dual-stack endpoints may be set in the environment; loopback has neither.
            loader =
                loader.http_client(transport::without_tls(pooling)).use_fips(false).use_dual_stack(false);
        } else {
            proxies = Arc::new(Proxies::from_environment()?);
            let of_profile = of_profile(&files, &profile.name);
            let bundle = chosen(settings.ca_bundle.as_ref(), |name| std::env::var_os(name), of_profile);
            loader = loader.http_client(transport::with_tls(Trust::new(bundle)?, proxies.clone(), pooling)?);
        }
        let mut config = loader.no_credentials().load().await;
        if !settings.sandbox {
            expect_usable(&config, settings, &profile)?;
        }
        let mut credentials = None;
        if settings.sandbox {
            let constant = Credentials::new("SANDBOX", "SANDBOX", None, None, "connect-import sandbox");
            config = with_credentials(config, SharedCredentialsProvider::new(constant));
        } else if settings.no_sign_request {
            profile.expect_exists(&files, false)?;
        } else {
            let chain = Arc::new(CredentialsChain::new(&config, &profile, &files)?);
            config = with_credentials(
                config,
                SharedCredentialsProvider::from(chain.clone() as Arc<dyn ProvideCredentials>),
            );
            credentials = Some(chain);
        }
        let region = config.region().ok_or(ConnectError::NoRegion)?.to_string();
        let shown_endpoint = endpoint::of_connect(&config, &region, settings.endpoint_url.as_deref())
            .map_err(|reason| ConnectError::NoEndpoint { region: region.clone(), reason })?;
        let mut client = aws_sdk_connect::config::Builder::from(&config);
        // Not in the loader: it is the endpoint of Connect, and not that of STS.
        if let Some(url) = &settings.endpoint_url {
            client = client.endpoint_url(url);
        }
        if settings.endpoint_url.is_some() || endpoint::configured(&config, endpoint::CONNECT).is_some() {
            client = client.use_fips(false).use_dual_stack(false);
        }
        if settings.no_sign_request {
            client = client.allow_no_auth();
        }
        client.push_interceptor(SharedInterceptor::permanent(TransmissionRecorder));
        let mut sts = aws_sdk_sts::config::Builder::from(&config);
        if endpoint::configured(&config, endpoint::STS).is_some() {
            sts = sts.use_fips(false).use_dual_stack(false);
        }
        sts.push_interceptor(SharedInterceptor::permanent(TransmissionRecorder));
        Ok(ConnectClient {
            client: Client::from_conf(client.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            instance_id: instance_id.to_owned(),
            target: ServiceTarget::new(region, shown_endpoint),
            profile: profile.named(),
            is_rehearsal: settings.sandbox,
            credentials,
            proxies,
        })
    }

    /// The proxy of the requests to Connect, if they go through one.
    pub fn proxy(&self) -> Option<Arc<Proxy>> {
        self.proxies.proxy_for(&self.target.endpoint)
    }

    /// Region and endpoint of the requests.
    pub fn target(&self) -> &ServiceTarget {
        &self.target
    }
}

fn with_credentials(config: SdkConfig, credentials: SharedCredentialsProvider) -> SdkConfig {
    config.into_builder().credentials_provider(credentials).build()
}
