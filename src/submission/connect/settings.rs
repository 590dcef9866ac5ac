//! Values of the environment and of the profile that cannot be used: refused by their names, before anything is sent.
//!
//! The SDK ignores some of them (requests then go to another endpoint than the one that was meant), fails at every
//! request for others, and panics on a few. White space and empty variables are corrected before: `environment`.

use std::env;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_types::service_config::ServiceConfigKey;

use super::client::{AwsSettings, ConnectError};
use crate::submission::usable::{
    expect_endpoint, expect_header, expect_region, expect_secret, expect_switch,
};

/// Service ids of the SDK for all that is called: Connect, and what credentials come from.
const SERVICES: [&str; 5] = ["Connect", "STS", "SSO", "SSO OIDC", "Signin"];

/// Switches, with their keys in a profile.
const SWITCHES: [(&str, &str); 3] = [
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"),
];

const ENDPOINT: (&str, &str) = ("AWS_ENDPOINT_URL", "endpoint_url");

const KEYS: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Variables that the SDK takes for unset if they are not Unicode.
const TEXTS: [&str; 4] = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Refuses values of the environment and of the profile that cannot be used. Those of flags and of the job file were
/// checked before, by the same rules.
///
/// # Errors
/// [`ConnectError::Setting`]
pub(super) fn expect_usable(config: &SdkConfig, settings: &AwsSettings) -> Result<(), ConnectError> {
    let profile = settings.profile.clone().or_else(|| env::var("AWS_PROFILE").ok());
    let profile = profile.unwrap_or_else(|| "default".to_owned());
    let of_profile = |key: &str| format!("{key} of profile {profile}");
    for name in TEXTS.iter().chain(&KEYS).copied().chain(SWITCHES.map(|(name, _)| name)) {
        text(name)?;
    }
    if let (None, Some(region)) = (&settings.region, config.region()) {
        let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find(|name| is_set(name));
        let name = variable.map_or_else(|| of_profile("region"), str::to_owned);
        expect_region(region.as_ref()).map_err(|problem| unusable(&name, problem))?;
    }
    for (name, key) in SWITCHES {
        if let Some(value) = configured(config, "Connect", (name, key)) {
            let name = if is_set(name) { name.to_owned() } else { of_profile(key) };
            expect_switch(&value).map_err(|problem| unusable(&name, problem))?;
        }
    }
    // One for Connect would not be used.
    let is_given = |service: &&str| *service == "Connect" && settings.endpoint_url.is_some();
    for service in SERVICES.into_iter().filter(|service| !is_given(service)) {
        let own = format!("{}_{}", ENDPOINT.0, service.to_uppercase().replace(' ', "_"));
        for name in [&own, ENDPOINT.0] {
            text(name)?;
        }
        if let Some(url) = configured(config, service, ENDPOINT) {
            let variable = [&*own, ENDPOINT.0].into_iter().find(|name| is_set(name));
            let name = variable.map_or_else(|| of_profile(ENDPOINT.1), str::to_owned);
            expect_endpoint(&url).map_err(|problem| unusable(&name, problem))?;
        }
    }
    if let Some(value) = text("AWS_EXECUTION_ENV")? {
        expect_header(&value).map_err(|problem| unusable("AWS_EXECUTION_ENV", &problem))?;
    }
    // The keys of the environment do not sign for a profile that is named.
    if settings.profile.is_none() && !settings.no_sign_request && is_set("AWS_ACCESS_KEY_ID") {
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

/// The value of a variable or of a key of the profile, as the SDK finds it for this service.
fn configured(config: &SdkConfig, service: &str, (variable, key): (&str, &str)) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env(variable).profile(key).build().ok()?;
    config.service_config()?.load_config(key)
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some()
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
