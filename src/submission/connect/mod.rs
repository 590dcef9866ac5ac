//! Amazon Connect through the AWS SDK: the only folder that names it.
//!
//! `create` sends what makes contacts, `ask` what only asks, `inspect` what a doctor wants to know; `http` has the
//! transports, and `attempt_error` says what may have happened on the wire.

mod ask;
mod create;
mod http;
mod inspect;
#[cfg(test)]
mod testing;
mod attempt_error;

use std::path::PathBuf;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_connect::Client;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use thiserror::Error;

use attempt_error::Departure;

pub use inspect::{KnownCredentials, Refusal};

/// The options that the AWS CLI has too.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// A profile of the AWS configuration.
    pub profile: Option<String>,
    /// The Region; otherwise the environment's or the profile's.
    pub region: Option<String>,
    /// Another endpoint than the Region's.
    pub endpoint_url: Option<String>,
    /// A PEM file of certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Send requests unsigned; for endpoints such as the sandbox.
    pub no_sign_request: bool,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub read_timeout: Duration,
    /// A rehearsal on loopback: meaningless credentials, no proxy, no TLS.
    pub sandbox: bool,
}

/// The client cannot be set up; nothing is sent.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No Region is known.
    #[error(
        "no Region is set; use --region, AWS_REGION, the profile, or the instance's ARN as --instance-id"
    )]
    NoRegion,
    /// The CA bundle cannot be read.
    #[error("cannot read the CA bundle {}: {source}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The CA bundle holds no usable certificate, or an unusable one among others.
    #[error("the CA bundle {} holds no PEM certificate, or one that cannot be read", .0.display())]
    NoCertificates(PathBuf),
    /// The TLS library refuses the bundle.
    #[error("the CA bundle cannot be used: {0}")]
    Tls(String),
}

/// A client of Amazon Connect, for one instance. Every call makes one attempt.
#[derive(Debug)]
pub struct ConnectClient {
    client: Client,
    instance_id: String,
    /// None if requests are not signed.
    credentials: Option<SharedCredentialsProvider>,
}

impl ConnectClient {
    /// Sets the one client of the process up. Sends nothing; credentials are fetched with the first
    /// request.
    ///
    /// # Errors
    /// No Region is known, or the CA bundle is unusable.
    pub async fn new(instance_id: &str, settings: &AwsSettings) -> Result<Self, ConnectError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            // An answer that trickles in must not hold a worker for ever.
            .operation_attempt_timeout(settings.connect_timeout + settings.read_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            // Every attempt is paced, counted and recorded by this project, so the SDK makes one.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // It measures throughput, which bodies of 100 bytes do not have; the timeout above holds.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if settings.sandbox {
            // Whatever else the environment asks for is not meant for a rehearsal.
            loader = loader.http_client(http::plain()).credentials_provider(dummy_credentials());
            loader = loader.use_fips(false).use_dual_stack(false);
        } else if let Some(bundle) = &settings.ca_bundle {
            loader = loader.http_client(http::trusting(bundle)?);
        } else {
            loader = loader.http_client(http::system_trust());
        }
        if settings.no_sign_request {
            loader = loader.no_credentials();
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(ConnectError::NoRegion);
        }
        let mut client = aws_sdk_connect::config::Builder::from(&config);
        if settings.no_sign_request {
            client = client.allow_no_auth();
        }
        client.push_interceptor(SharedInterceptor::permanent(Departure));
        let client = Client::from_conf(client.build());
        let credentials = config.credentials_provider().filter(|_| !settings.no_sign_request);
        Ok(ConnectClient { client, instance_id: instance_id.to_owned(), credentials })
    }
}

fn dummy_credentials() -> Credentials {
    Credentials::new("SANDBOX", "SANDBOX", None, None, "connect-import sandbox")
}
