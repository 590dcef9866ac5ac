//! The endpoints of the SDK's clients: a URL that is configured is used as it is; otherwise the SDK's rules find the Region's.
//!
//! The SDK's rules refuse a URL together with FIPS or dual stack, which choose another host of the Region. Where a URL is
//! configured the host is chosen already, such as that of a VPC endpoint, so both are off for that client alone.

use aws_config::SdkConfig;
use aws_sdk_connect::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_types::service_config::ServiceConfigKey;
use futures_util::FutureExt as _;

use crate::submission::service_error::one_line;

/// Variable and key of a profile with the URL of every service. With `_` and a service's id the variable is that of the
/// service alone.
pub(super) const URL: (&str, &str) = ("AWS_ENDPOINT_URL", "endpoint_url");

/// Service ids of the SDK for all that is called: Connect, and the services that credentials come from.
pub(super) const CONNECT: &str = "Connect";
pub(super) const STS: &str = "STS";
pub(super) const SSO: &str = "SSO";
pub(super) const SSO_OIDC: &str = "SSO OIDC";
pub(super) const SIGN_IN: &str = "Signin";

/// Maximum length of a reason of the SDK's rules, characters.
const REASON_CHARS: usize = 200;

/// The variable that sets this for one service, such as `AWS_ENDPOINT_URL_SSO_OIDC`.
pub(super) fn variable_of(service_id: &str, variable: &str) -> String {
    format!("{variable}_{}", service_id.to_uppercase().replace(' ', "_"))
}

/// The value of a variable or of a key of the profile, as the SDK finds it for this service. `None` if it is a URL and
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` hides it.
pub(super) fn setting_of(
    config: &SdkConfig,
    service_id: &str,
    (variable, key): (&str, &str),
) -> Option<String> {
    let wanted =
        ServiceConfigKey::builder().service_id(service_id).env(variable).profile(key).build().ok()?;
    config.service_config()?.load_config(wanted)
}

/// The URL of a service in the environment or the profile. As in `From<&SdkConfig>` of the SDK's clients, which do not show
/// the endpoint that they chose.
pub(super) fn configured(config: &SdkConfig, service_id: &str) -> Option<String> {
    setting_of(config, service_id, URL).or_else(|| config.endpoint_url().map(str::to_owned))
}

/// Whether a credentials source may use FIPS and dual-stack endpoints: it asks no service at a configured URL.
///
/// The chain's providers have one setting for all their services, and do not heed `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`
/// (aws-config 1.13.0, `ProviderConfig::client_config`).
pub(super) struct VariantsOfChain {
    /// For web identities, which ask AWS STS, at the URL of the environment alone.
    pub(super) web_identity: bool,
    /// For profiles, which ask AWS STS and IAM Identity Center.
    pub(super) profile: bool,
}

impl VariantsOfChain {
    pub(super) fn of(config: &SdkConfig) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|url| !url.is_empty());
        let in_environment = |service_id: &str| is_set(URL.0) || is_set(&variable_of(service_id, URL.0));
        let services = [STS, SSO, SSO_OIDC];
        let is_configured = |id: &&str| in_environment(id) || configured(config, id).is_some();
        VariantsOfChain { web_identity: !in_environment(STS), profile: !services.iter().any(is_configured) }
    }
}

/// The endpoint of Connect: `given`, that of the environment or the profile, or the Region's.
///
/// # Errors
/// The SDK's rules have no endpoint for the Region: their reason. Those of aws-sdk-connect 1.220 have one for every Region.
pub(super) fn of_connect(config: &SdkConfig, region: &str, given: Option<&str>) -> Result<String, String> {
    if let Some(url) = given.map(str::to_owned).or_else(|| configured(config, CONNECT)) {
        return Ok(url);
    }
    let parameters = Params::builder()
        .region(region)
        .use_fips(config.use_fips().unwrap_or(false))
        .use_dual_stack(config.use_dual_stack().unwrap_or(false))
        .build();
    let reason = |error: &dyn std::error::Error| one_line(&error.to_string(), REASON_CHARS);
    let parameters = parameters.map_err(|error| reason(&error))?;
    match DefaultResolver::new().resolve_endpoint(&parameters).now_or_never() {
        Some(Ok(endpoint)) => Ok(endpoint.url().to_owned()),
        Some(Err(error)) => Err(reason(&*error)),
        None => Err("the AWS SDK does not tell at once".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    /// A profile or an environment with the URL of one service.
    #[derive(Debug)]
    struct UrlOf(&'static str);

    impl LoadServiceConfig for UrlOf {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == self.0).then(|| format!("https://{}.example", self.0.to_lowercase()))
        }
    }

    fn with_variants(region: &str, (fips, dual_stack): (bool, bool)) -> aws_types::sdk_config::Builder {
        SdkConfig::builder().region(Region::new(region.to_owned())).use_fips(fips).use_dual_stack(dual_stack)
    }

    #[test]
    fn the_host_of_fips_and_dual_stack_is_named_without_a_request() {
        let host =
            |region, variants| of_connect(&with_variants(region, variants).build(), region, None).unwrap();
        assert_eq!(host("eu-west-2", (false, false)), "https://connect.eu-west-2.amazonaws.com");
        assert_eq!(host("us-east-1", (true, false)), "https://connect-fips.us-east-1.amazonaws.com");
        // GovCloud's only host is the one with FIPS.
        assert_eq!(host("us-gov-west-1", (true, false)), "https://connect.us-gov-west-1.amazonaws.com");
        assert_eq!(host("us-east-1", (false, true)), "https://connect.us-east-1.api.aws");
        assert_eq!(host("us-east-1", (true, true)), "https://connect-fips.us-east-1.api.aws");
    }

    #[test]
    fn a_url_is_shown_as_it_is_and_only_the_clients_own() {
        let config = with_variants("us-gov-west-1", (true, true)).service_config(UrlOf(CONNECT)).build();
        assert_eq!(of_connect(&config, "us-gov-west-1", None).as_deref(), Ok("https://connect.example"));
        let given = "https://vpce-1.connect.us-gov-west-1.vpce.amazonaws.com/prefix";
        assert_eq!(of_connect(&config, "us-gov-west-1", Some(given)).as_deref(), Ok(given));
        assert_eq!(configured(&config, STS), None);
        assert!(VariantsOfChain::of(&config).profile && VariantsOfChain::of(&config).web_identity);
        for service in [STS, SSO, SSO_OIDC] {
            let config = with_variants("us-gov-west-1", (true, false)).service_config(UrlOf(service)).build();
            let variants = VariantsOfChain::of(&config);
            assert_eq!((variants.profile, variants.web_identity), (false, true), "{service}");
        }
    }
}
