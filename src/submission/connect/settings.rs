//! Settings of the client, and values of the environment and of the profile that cannot be used: refused by their names,
//! before anything is sent.
//!
//! The SDK ignores some values (requests then go to another endpoint than the one that was meant), fails at every
//! request for others, and panics on a few. White space and empty variables are corrected before: `environment`.

use std::env;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use thiserror::Error;

use super::endpoint::{self, CONNECT, SIGN_IN, SSO, SSO_OIDC, STS, setting_of, variable_of};
use super::profile::{ProfileError, SelectedProfile};
use super::trust::{CaBundle, TrustError};
use crate::submission::proxies::ProxyError;
use crate::submission::usable::{
    expect_address_family, expect_endpoint, expect_header, expect_region, expect_secret, expect_switch,
};

/// Settings of the client; most have the name of the AWS CLI's option.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// Profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Region; `None` takes it from the environment or the profile.
    pub region: Option<String>,
    /// Endpoint of Connect instead of the Region's.
    pub endpoint_url: Option<String>,
    /// Certificates to trust; `None` takes them from the environment, the profile or the system.
    pub ca_bundle: Option<CaBundle>,
    /// Whether requests are sent unsigned, for endpoints other than Connect's.
    pub no_sign_request: bool,
    /// Limit for making a connection.
    pub connect_timeout: Duration,
    /// Limit for the time from the start of a request to the first byte of its response.
    pub read_timeout: Duration,
    /// Whether every request is sent on a connection of its own. On one that was used before, a request may meet the server's
    /// closing of an idle connection, and nothing tells whether the server has read it.
    pub separate_connections: bool,
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
    /// The AWS SDK has no endpoint of Connect for the Region.
    #[error(
        "Connect has no endpoint in {region}: {reason}; correct the Region, AWS_USE_FIPS_ENDPOINT or \
         AWS_USE_DUALSTACK_ENDPOINT, or name an endpoint with --endpoint-url"
    )]
    NoEndpoint {
        /// The Region.
        region: String,
        /// Reason of the SDK.
        reason: String,
    },
    /// A value of the environment or of the profile cannot be used.
    #[error("{name} {problem}")]
    Setting {
        /// The variable, or the key and its profile.
        name: String,
        /// The problem and the remedy. It quotes no secret.
        problem: String,
    },
    /// The SDK panicked.
    #[error(
        "the AWS SDK failed while its client was set up; look for unusual values in the environment variables AWS_… and in \
         the profile"
    )]
    Panicked,
    /// The certificates to trust cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The profile does not exist, or the sources of credentials are configured wrongly.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A variable names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// All services that are called.
const SERVICES: [&str; 5] = [CONNECT, STS, SSO, SSO_OIDC, SIGN_IN];

/// Switches, with their keys in a profile.
const SWITCHES: [(&str, &str); 3] = [
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"),
];

pub(super) const METADATA_ENDPOINT: (&str, &str) =
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");

pub(super) const METADATA_MODE: (&str, &str) =
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");

const REGION: (&str, &str) = ("AWS_REGION", "region");

/// Read by the SDK where `AWS_REGION` is not set.
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";

const KEYS: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Variables that the SDK takes for unset if they are not Unicode.
const TEXTS: [&str; 4] = [REGION.0, DEFAULT_REGION, "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Refuses values of the environment and of the profile that cannot be used. Those of flags and of the job file were
/// checked before, by the same rules.
///
/// # Errors
/// [`ConnectError::Setting`]
pub(super) fn expect_usable(
    config: &SdkConfig,
    settings: &AwsSettings,
    profile: &SelectedProfile,
) -> Result<(), ConnectError> {
    for name in TEXTS.into_iter().chain(SWITCHES.map(|(name, _)| name)) {
        text(name)?;
    }
    if let (None, Some(region)) = (&settings.region, config.region()) {
        let of_metadata = "the Region that the metadata service of the EC2 instance names";
        let variable = [REGION.0, DEFAULT_REGION].into_iter().find(|name| env::var(name).is_ok());
        let configured = || configured(config, CONNECT, REGION, &profile.name).map(|(name, _)| name);
        let name = variable.map(str::to_owned).or_else(configured).unwrap_or_else(|| of_metadata.to_owned());
        expect_region(region.as_ref()).map_err(|problem| unusable(&name, problem))?;
    }
    let expect = |service, setting, rule: fn(&str) -> Result<(), &'static str>| {
        let found = configured(config, service, setting, &profile.name);
        found.map_or(Ok(()), |(name, value)| rule(&value).map_err(|problem| unusable(&name, problem)))
    };
    for switch in SWITCHES {
        expect(CONNECT, switch, expect_switch)?;
    }
    // One for Connect would not be used.
    let is_given = |service: &&str| *service == CONNECT && settings.endpoint_url.is_some();
    for service in SERVICES.into_iter().filter(|service| !is_given(service)) {
        for name in [&variable_of(service, endpoint::URL.0), endpoint::URL.0] {
            text(name)?;
        }
        expect(service, endpoint::URL, expect_endpoint)?;
    }
    if !env::var("AWS_EC2_METADATA_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
        expect(CONNECT, METADATA_ENDPOINT, expect_endpoint)?;
        expect(CONNECT, METADATA_MODE, expect_address_family)?;
    }
    if let Some(value) = text("AWS_EXECUTION_ENV")? {
        expect_header(&value).map_err(|problem| unusable("AWS_EXECUTION_ENV", &problem))?;
    }
    // The keys of the environment do not sign for a profile that is named.
    if !profile.is_explicit() && !settings.no_sign_request && env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        for name in KEYS {
            if let Some(value) = text(name)? {
                expect_secret(&value).map_err(|problem| unusable(name, &problem))?;
            }
        }
    }
    Ok(())
}

/// Refuses credentials that no request can be signed with, from whatever source: the SDK panics on some of them.
///
/// # Errors
/// The part at fault and its problem, without its value.
pub(super) fn expect_signable(credentials: &Credentials) -> Result<(), String> {
    for (part, value) in [
        ("access key id", Some(credentials.access_key_id())),
        ("secret access key", Some(credentials.secret_access_key())),
        ("session token", credentials.session_token()),
    ] {
        match value {
            Some("") => return Err(format!("the {part} is empty")),
            Some(value) => expect_secret(value).map_err(|problem| format!("the {part} {problem}"))?,
            None => {}
        }
    }
    Ok(())
}

/// The value of a variable or of a key of the profile, as the SDK finds it for this service, after its name.
fn configured(
    config: &SdkConfig,
    service: &str,
    setting: (&str, &str),
    profile: &str,
) -> Option<(String, String)> {
    let value = setting_of(config, service, setting)?;
    let (variable, key) = setting;
    let own = variable_of(service, variable);
    let name = [&*own, variable].into_iter().find(|name| env::var(name).is_ok());
    Some((name.map_or_else(|| format!("{key} of profile {profile}"), str::to_owned), value))
}

/// The value of a variable, which must be Unicode.
fn text(name: &str) -> Result<Option<String>, ConnectError> {
    let value = env::var_os(name).map(std::ffi::OsString::into_string).transpose();
    value.map_err(|_| unusable(name, "is not Unicode; set it again"))
}

fn unusable(name: &str, problem: &str) -> ConnectError {
    ConnectError::Setting { name: name.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_with_a_line_break_are_refused_by_their_part_and_not_quoted() {
        let credentials = |id: &str, secret: &str, token: Option<&str>| {
            expect_signable(&Credentials::new(id, secret, token.map(str::to_owned), None, "test"))
        };
        assert_eq!(credentials("AKIA", "s/+", Some("t==")), Ok(()));
        for (id, secret, token, part) in [
            ("AK\nIA", "planted", None, "the access key id has a line break as its character 3 of 5"),
            ("AKIA", "plan\rted", None, "the secret access key has a line break"),
            ("AKIA", "planted", Some("plan\nted"), "the session token has a line break"),
            ("AKIA", "planted", Some("plan ted"), "the session token has white space"),
            ("", "planted", None, "the access key id is empty"),
        ] {
            let problem = credentials(id, secret, token).unwrap_err();
            assert!(problem.starts_with(part) && !problem.contains("ted"), "{problem}");
        }
    }
}
