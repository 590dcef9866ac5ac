//! The endpoints of the SDK's clients: a URL that is configured is used as it is; otherwise the SDK's rules find the Region's.
//!
//! The SDK's rules refuse a URL together with FIPS or dual stack, which choose another host of the Region. Where a URL is
//! configured the host is chosen already, such as that of a VPC endpoint, so both are off for that client alone.

use aws_config::SdkConfig;
use aws_sdk_connect::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_types::service_config::ServiceConfigKey;

/// Variable with the URL of every service. With `_` and a service's id it is that of the service's own.
const VARIABLE: &str = "AWS_ENDPOINT_URL";

/// Service ids of the SDK's clients.
pub(super) const CONNECT: &str = "Connect";
pub(super) const STS: &str = "STS";
const SSO: &str = "SSO";
const SSO_OIDC: &str = "SSO OIDC";

/// The URL of a service in the environment or the profile, unless `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` hides it. As in
/// `From<&SdkConfig>` of the SDK's clients, which do not show the endpoint that they chose.
pub(super) fn configured(config: &SdkConfig, service_id: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service_id)
        .env(VARIABLE)
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = config.service_config().and_then(|services| services.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
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
        let in_environment = |service_id: &str| {
            let own = format!("{VARIABLE}_{}", service_id.to_uppercase().replace(' ', "_"));
            is_set(VARIABLE) || is_set(&own)
        };
        let services = [STS, SSO, SSO_OIDC];
        let is_configured = |id: &&str| in_environment(id) || configured(config, id).is_some();
        VariantsOfChain { web_identity: !in_environment(STS), profile: !services.iter().any(is_configured) }
    }
}

/// The endpoint of Connect: `given`, that of the environment or the profile, or the Region's.
pub(super) fn of_connect(config: &SdkConfig, region: &str, given: Option<&str>) -> String {
    if let Some(url) = given.map(str::to_owned).or_else(|| configured(config, CONNECT)) {
        return url;
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
        let host = |region, variants| of_connect(&with_variants(region, variants).build(), region, None);
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
        assert_eq!(of_connect(&config, "us-gov-west-1", None), "https://connect.example");
        let given = "https://vpce-1.connect.us-gov-west-1.vpce.amazonaws.com/prefix";
        assert_eq!(of_connect(&config, "us-gov-west-1", Some(given)), given);
        assert_eq!(configured(&config, STS), None);
        assert!(VariantsOfChain::of(&config).profile && VariantsOfChain::of(&config).web_identity);
        for service in [STS, SSO, SSO_OIDC] {
            let config = with_variants("us-gov-west-1", (true, false)).service_config(UrlOf(service)).build();
            let variants = VariantsOfChain::of(&config);
            assert_eq!((variants.profile, variants.web_identity), (false, true), "{service}");
        }
    }
}
