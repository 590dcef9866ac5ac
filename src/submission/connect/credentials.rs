//! The chain of credentials sources: the SDK's providers, tried in the SDK's order.
//!
//! It is built here, since the SDK's own chain tells neither which source gave the credentials nor why another did not.

use std::sync::OnceLock;

use aws_config::BehaviorVersion;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use super::call::find;
use super::caught::caught;
use super::certificate_words::UntrustedCertificate;
use super::settings::expect_signable;
use crate::submission::credentials::{CredentialsFailure, CredentialsSource};
use crate::submission::proxy_failure::ProxyFailure;

/// The sources of credentials, in the order in which they are tried: the first that has any gives them.
#[derive(Debug)]
pub(super) struct CredentialsChain {
    sources: Vec<(CredentialsSource, Box<dyn ProvideCredentials>)>,
    /// A failure that only the user can end. The sources are not asked again after it.
    failure: OnceLock<CredentialsFailure>,
}

/// Credentials and their source.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) credentials: Credentials,
    pub(super) source: CredentialsSource,
}

impl CredentialsChain {
    /// The chain for a client with this configuration. An explicit `profile` is asked before the environment's keys, as
    /// the AWS CLI does.
    pub(super) fn new(config: &SdkConfig, profile: Option<&str>) -> Self {
        let mut providers = ProviderConfig::default()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_region(config.region().cloned())
            .with_use_fips(config.use_fips())
            .with_use_dual_stack(config.use_dual_stack())
            // Nothing but a session is created, so the SDK may retry.
            .with_retry_config(RetryConfig::standard());
        if let Some(timeouts) = config.timeout_config() {
            providers = providers.with_timeout_config(timeouts.clone());
        }
        if let Some(http) = config.http_client() {
            providers = providers.with_http_client(http);
        }
        let mut profiles = ProfileFileCredentialsProvider::builder().configure(&providers);
        if let Some(profile) = profile {
            profiles = profiles.profile_name(profile);
        }
        let name = profile.map(str::to_owned).or_else(|| std::env::var("AWS_PROFILE").ok());
        let name = name.unwrap_or_else(|| "default".to_owned());
        let web = WebIdentityTokenCredentialsProvider::builder().configure(&providers).build();
        let container = EcsCredentialsProvider::builder().configure(&providers).build();
        let instance = ImdsCredentialsProvider::builder().configure(&providers).build();
        let mut sources: Vec<(CredentialsSource, Box<dyn ProvideCredentials>)> = Vec::new();
        if profile.is_none() {
            let variables = EnvironmentVariableCredentialsProvider::new();
            sources.push((CredentialsSource::Variables, Box::new(variables)));
        }
        sources.push((CredentialsSource::Profile(name), Box::new(profiles.build())));
        if profile.is_none() {
            sources.push((CredentialsSource::WebIdentity, Box::new(web)));
        }
        sources.push((CredentialsSource::Container, Box::new(container)));
        sources.push((CredentialsSource::Instance, Box::new(instance)));
        CredentialsChain { sources, failure: OnceLock::new() }
    }

    /// The credentials of the first source that has any.
    ///
    /// # Errors
    /// [`CredentialsFailure`]: of the first source that is configured and fails, or that no source is configured.
    pub(super) async fn resolve(&self) -> Result<Resolved, CredentialsFailure> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        let failure = match self.first().await {
            Ok(resolved) => return Ok(resolved),
            Err(failure) => failure,
        };
        if !failure.may_pass {
            // Another call may have failed meanwhile; one reason is enough.
            let _ = self.failure.set(failure.clone());
        }
        Err(failure)
    }

    async fn first(&self) -> Result<Resolved, CredentialsFailure> {
        for (source, provider) in &self.sources {
            match caught(Box::pin(provider.provide_credentials())).await {
                Some(Ok(credentials)) => {
                    expect_signable(&credentials).map_err(|problem| unusable(source, &problem))?;
                    return Ok(Resolved { credentials, source: source.clone() });
                }
                Some(Err(CredentialsError::CredentialsNotLoaded(_))) => {}
                Some(Err(error)) => return Err(failure_of(source, &error)),
                None => return Err(unusable(source, "the AWS SDK failed on its settings")),
            }
        }
        let tried: Vec<String> = self.sources.iter().map(|(source, _)| source.to_string()).collect();
        Err(CredentialsFailure {
            reason: format!("there are no credentials in {}", tried.join(", ")),
            remedy: "log in, or name a profile with --profile".to_owned(),
            may_pass: false,
        })
    }
}

/// A source whose settings or credentials cannot be used. Asking it again would give the same.
fn unusable(source: &CredentialsSource, problem: &str) -> CredentialsFailure {
    let remedy = match source {
        CredentialsSource::Variables => "correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        CredentialsSource::Profile(_) => "correct the profile, or what its credential_process prints",
        CredentialsSource::WebIdentity => "correct AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN",
        CredentialsSource::Container => {
            "correct AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        }
        CredentialsSource::Instance => "correct AWS_EC2_METADATA_SERVICE_ENDPOINT, if it is set",
    };
    CredentialsFailure { reason: format!("{source}: {problem}"), remedy: remedy.to_owned(), may_pass: false }
}

/// Why a source that is configured gave no credentials.
fn failure_of(source: &CredentialsSource, error: &CredentialsError) -> CredentialsFailure {
    let may_pass =
        matches!(error, CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_));
    if let Some(proxy) = find::<ProxyFailure>(error) {
        let (reason, may_pass) = (format!("{source}: {proxy}"), !proxy.is_refusal());
        return CredentialsFailure { reason, remedy: String::new(), may_pass };
    }
    if let Some(untrusted) = find::<UntrustedCertificate>(error) {
        // Its text ends with the remedy.
        let reason = format!("{source}: {untrusted}");
        return CredentialsFailure { reason, remedy: String::new(), may_pass: false };
    }
    // Without the sources of the error: they may quote the output of a credential process.
    CredentialsFailure { reason: format!("{source}: {error}"), remedy: String::new(), may_pass }
}

impl ProvideCredentials for CredentialsChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.resolve().await.map(|found| found.credentials).map_err(wrapped)
        })
    }
}

/// The failure as an error of the SDK. `call` finds it again in the chain of sources.
fn wrapped(failure: CredentialsFailure) -> provider::error::CredentialsError {
    CredentialsError::provider_error(failure)
}
