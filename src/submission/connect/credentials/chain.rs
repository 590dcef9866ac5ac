//! The chain of credentials sources: the SDK's providers, tried in the SDK's order.
//!
//! It is built here, since the SDK's own chain tells neither which source gave the credentials nor why another did not.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use tokio::time::Instant;
use tracing::debug;

use super::cache::{CredentialsCache, Resolved};
use super::failure::{expired, failure_of, too_slow, why_nothing};
use super::profile_provider::ProfileProvider;
use crate::file_kind::endless_kind;
use crate::printable::ShownPath as _;
use crate::submission::connect::caught::caught;
use crate::submission::connect::endpoint::VariantsOfChain;
use crate::submission::connect::profile::{
    ConfigFiles, OriginKind, ProfileError, ProfileOrigin, SelectedBy, SelectedProfile, has_variables,
    variable,
};
use crate::submission::connect::settings::{METADATA_ENDPOINT, METADATA_MODE, expect_signable};
use crate::submission::credentials::{CredentialsFailure, CredentialsSource};

/// How long a source may take: a credential process may wait for a person who logs in.
const LIMIT: Duration = Duration::from_secs(120);

/// Longest wait for the answer of a service that gives credentials.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The sources of credentials, in the order in which they are tried: the first that has any gives them.
#[derive(Debug)]
pub(in crate::submission::connect) struct CredentialsChain {
    links: Vec<Link>,
    cache: CredentialsCache,
}

/// One source.
#[derive(Debug)]
enum Link {
    Profile(Box<ProfileProvider>),
    Other(CredentialsSource, Box<dyn ProvideCredentials>),
}

impl CredentialsChain {
    /// The chain for a client with this configuration. As in the AWS CLI, an explicit profile comes before the environment's
    /// keys, and `AWS_WEB_IDENTITY_TOKEN_FILE` is then no source.
    ///
    /// # Errors
    /// Any [`ProfileError`] of the sources that would be asked.
    pub(in crate::submission::connect) fn new(
        config: &SdkConfig,
        profile: &SelectedProfile,
        files: &ConfigFiles,
    ) -> Result<Self, ProfileError> {
        if !profile.is_explicit() && has_variables()? {
            let source = match profile.by {
                SelectedBy::Variable => CredentialsSource::VariablesBeforeProfile(profile.name.clone()),
                SelectedBy::Option | SelectedBy::Nothing => CredentialsSource::Variables,
            };
            // They are there, so no other source is asked.
            let variables = Link::Other(source, Box::new(EnvironmentVariableCredentialsProvider::new()));
            return Ok(CredentialsChain { links: vec![variables], cache: CredentialsCache::default() });
        }
        let mut providers = ProviderConfig::default()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_region(config.region().cloned())
            .with_use_fips(config.use_fips())
            .with_use_dual_stack(config.use_dual_stack())
            // Nothing but a session is created, so the SDK may retry.
            .with_retry_config(RetryConfig::standard());
        if let Some(timeouts) = config.timeout_config() {
            let read = timeouts.read_timeout().map_or(READ_TIMEOUT, |timeout| timeout.min(READ_TIMEOUT));
            let attempt = timeouts.connect_timeout().unwrap_or(READ_TIMEOUT) + read;
            let shorter = timeouts.to_builder().read_timeout(read).operation_attempt_timeout(attempt);
            providers = providers.with_timeout_config(shorter.build());
        }
        if let Some(http) = config.http_client() {
            providers = providers.with_http_client(http);
        }
        // At a configured URL the SDK's rules refuse FIPS and dual stack.
        let variants = VariantsOfChain::of(config);
        let asking = |has_variants: bool| match has_variants {
            true => providers.clone(),
            false => providers.clone().with_use_fips(Some(false)).with_use_dual_stack(Some(false)),
        };
        let of_profile = ProfileProvider::new(profile, files.clone(), asking(variants.profile))?;
        let mut links = vec![Link::Profile(Box::new(of_profile))];
        if !profile.is_explicit() {
            let web = WebIdentityTokenCredentialsProvider::builder()
                .configure(&asking(variants.web_identity))
                .build();
            links.push(Link::Other(CredentialsSource::WebIdentity, Box::new(web)));
        }
        let container = EcsCredentialsProvider::builder().configure(&providers).build();
        links.push(Link::Other(CredentialsSource::Container, Box::new(container)));
        let instance = instance(&providers, profile, files);
        links.push(Link::Other(CredentialsSource::Instance, Box::new(instance)));
        Ok(CredentialsChain { links, cache: CredentialsCache::default() })
    }

    /// The credentials of the first source that has any. They are kept, and renewed before they expire.
    ///
    /// # Errors
    /// [`CredentialsFailure`]: of the first source that is configured and fails, or that no source is configured.
    pub(in crate::submission::connect) async fn resolve(&self) -> Result<Resolved, CredentialsFailure> {
        self.cache.get(self.first()).await
    }

    async fn first(&self) -> Result<Resolved, CredentialsFailure> {
        let mut reasons = Vec::new();
        // They would be the only source, if they were set.
        if self.links.iter().any(|link| matches!(link, Link::Other(CredentialsSource::WebIdentity, _))) {
            reasons.push("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set".to_owned());
        }
        for link in &self.links {
            if let Some(failure) = endless_token(link) {
                return Err(failure);
            }
            let asked = Instant::now();
            let (source, answer) = match link {
                Link::Profile(profile) => {
                    let answer = tokio::time::timeout(LIMIT, profile.ask()).await;
                    let Ok(answer) = answer else {
                        return Err(too_slow(&profile.source(), profile.origin().as_ref(), LIMIT));
                    };
                    answer?
                }
                Link::Other(source, provider) => {
                    let answer = tokio::time::timeout(LIMIT, provider.provide_credentials());
                    match caught(Box::pin(answer)).await {
                        Some(Err(_)) => return Err(too_slow(source, None, LIMIT)),
                        Some(Ok(answer)) => (source.clone(), Some(answer)),
                        None => (source.clone(), None),
                    }
                }
            };
            let has_credentials = matches!(answer, Some(Ok(_)));
            debug!(%source, took = ?asked.elapsed(), has_credentials, "asked");
            let origin = match link {
                Link::Profile(profile) => profile.origin(),
                Link::Other(..) => None,
            };
            let error = match answer {
                Some(Ok(credentials)) => return usable(credentials, &source, origin.as_ref()),
                Some(Err(error)) => error,
                None => return Err(unusable(&source, "the AWS SDK failed on its settings")),
            };
            // The next source may be another role, such as that of the machine.
            if source == CredentialsSource::WebIdentity && is_half_of_web_identity() {
                let problem = "AWS_ROLE_ARN is not set, and AWS_WEB_IDENTITY_TOKEN_FILE is";
                return Err(unusable(&source, problem));
            }
            match (&error, why_nothing(&source, origin.as_ref(), &error)) {
                (CredentialsError::CredentialsNotLoaded(_), Some(reason)) => reasons.push(reason),
                _ => return Err(failure_of(&source, origin.as_ref(), &error)),
            }
        }
        Err(CredentialsFailure {
            reason: format!("no source has credentials: {}", reasons.join("; ")),
            remedy: "log in, set the variables, or name a profile with --profile".to_owned(),
            may_pass: false,
        })
    }
}

/// The failure of a source whose token file is a pipe, a socket or a device: the SDK reads it on the runtime's thread, and
/// to its end.
fn endless_token(link: &Link) -> Option<CredentialsFailure> {
    const CONTAINER: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let named = |name| Some((name, PathBuf::from(variable(name)?)));
    let (source, token) = match link {
        Link::Other(source @ CredentialsSource::WebIdentity, _) => {
            (source.clone(), named("AWS_WEB_IDENTITY_TOKEN_FILE"))
        }
        Link::Other(source @ CredentialsSource::Container, _) => (source.clone(), named(CONTAINER)),
        Link::Other(..) => return None,
        Link::Profile(profile) => {
            let token = match profile.origin()?.kind {
                OriginKind::WebIdentity(file) => Some(("web_identity_token_file", file)),
                OriginKind::Container => named(CONTAINER),
                _ => None,
            };
            (profile.source(), token)
        }
    };
    let (named_by, file) = token?;
    let kind = endless_kind(&file)?;
    Some(CredentialsFailure {
        reason: format!("{source}: {named_by} names {}, which is {kind}", file.shown()),
        remedy: "name an ordinary file".to_owned(),
        may_pass: false,
    })
}

/// Whether the environment names a token and no role. boto3 refuses that, and the SDK goes on to the next source.
fn is_half_of_web_identity() -> bool {
    variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && variable("AWS_ROLE_ARN").is_none()
}

/// The credentials, unless they cannot be used, or have expired. The SDK itself extends those of the metadata service, which
/// then have another expiry.
fn usable(
    credentials: Credentials,
    source: &CredentialsSource,
    origin: Option<&ProfileOrigin>,
) -> Result<Resolved, CredentialsFailure> {
    expect_signable(&credentials).map_err(|problem| unusable(source, &problem))?;
    match credentials.expiry() {
        Some(at) if at <= SystemTime::now() => Err(expired(source, origin, at)),
        _ => Ok(Resolved { credentials, source: source.clone() }),
    }
}

/// The metadata service of the instance, as the profile has it: the SDK reads its settings from the profile of `AWS_PROFILE`
/// only.
fn instance(
    providers: &ProviderConfig,
    profile: &SelectedProfile,
    files: &ConfigFiles,
) -> ImdsCredentialsProvider {
    let mut client = imds::Client::builder().configure(providers);
    let settings = files.profiles().get_profile(&profile.name);
    let setting = |(name, key): (&str, &str)| match variable(name) {
        // The SDK reads the variable.
        Some(_) => None,
        None => settings.and_then(|profile| profile.get(key)),
    };
    let endpoint = setting(METADATA_ENDPOINT);
    if let Some(Ok(set)) = endpoint.map(|url| imds::Client::builder().configure(providers).endpoint(url)) {
        client = set;
    }
    let mode = setting(METADATA_MODE);
    if let Some(Ok(mode)) = mode.map(str::parse) {
        client = client.endpoint_mode(mode);
    }
    ImdsCredentialsProvider::builder().configure(providers).imds_client(client.build()).build()
}

/// A source whose settings or credentials cannot be used. Asking it again would give the same.
fn unusable(source: &CredentialsSource, problem: &str) -> CredentialsFailure {
    let remedy = match source {
        CredentialsSource::Variables | CredentialsSource::VariablesBeforeProfile(_) => {
            "correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"
        }
        CredentialsSource::Profile { .. } => "correct the profile, or what its credential_process prints",
        CredentialsSource::WebIdentity => "correct AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN",
        CredentialsSource::Container => {
            "correct AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        }
        CredentialsSource::Instance => "correct AWS_EC2_METADATA_SERVICE_ENDPOINT, if it is set",
    };
    CredentialsFailure { reason: format!("{source}: {problem}"), remedy: remedy.to_owned(), may_pass: false }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::connect::profile::OriginKind;
    use crate::submission::credentials::ProfileKind;

    /// A source that never answers.
    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_does_not_answer_ends_after_the_limit_and_no_other_is_asked() {
        let silent = |source| Link::Other(source, Box::new(Silent));
        let links = vec![silent(CredentialsSource::Container), silent(CredentialsSource::Instance)];
        let chain = CredentialsChain { links, cache: CredentialsCache::default() };
        let asked = Instant::now();
        let failure = chain.resolve().await.unwrap_err();
        // The clock of tokio counts milliseconds.
        assert_eq!(asked.elapsed().as_secs(), LIMIT.as_secs());
        assert_eq!(failure.reason, "the container's credentials endpoint: no answer within 120 s");
        assert!(failure.may_pass);
    }

    #[test]
    fn a_process_that_does_not_end_is_not_started_again() {
        let source =
            CredentialsSource::Profile { name: "import".to_owned(), kind: Some(ProfileKind::Process) };
        let kind = OriginKind::Process { command: "vault --password hunter2".to_owned() };
        let failure = too_slow(&source, Some(&ProfileOrigin { profile: "import".to_owned(), kind }), LIMIT);
        assert_eq!(failure.reason, "profile import: the credential_process did not end within 120 s");
        assert!(!failure.may_pass);
    }
}
