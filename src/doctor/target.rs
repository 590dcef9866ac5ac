//! Where requests go and how: facts that the reader compares with what is meant.

use super::{CheckResult, connect};
use crate::exit_code::ExitCode;
use crate::submission::{AttemptError, ServiceTarget, origin};

const PROXY: &str = "proxy";

/// Option, variable or key that the endpoint's URL comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EndpointSource {
    /// The Region's own.
    Region,
    /// The option, or a variable of the SDK.
    Named(&'static str),
    /// The AWS configuration file.
    Profile,
}

impl EndpointSource {
    /// Source of this target. `is_given`: by an option of this tool. `variable` reads the environment.
    pub(super) fn of(
        target: &ServiceTarget,
        is_given: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        if is_given {
            return EndpointSource::Named("--endpoint-url");
        }
        let is_it =
            |name: &&str| variable(name).and_then(|url| origin(&url)).as_ref() == Some(&target.endpoint);
        if let Some(name) = ["AWS_ENDPOINT_URL_CONNECT", "AWS_ENDPOINT_URL"].into_iter().find(is_it) {
            return EndpointSource::Named(name);
        }
        let host = target.host();
        let of_region = ["connect", "connect-fips"].map(|name| format!("{name}.{}.", target.region));
        match of_region.iter().any(|start| host.starts_with(start)) {
            true => EndpointSource::Region,
            false => EndpointSource::Profile,
        }
    }

    /// Name in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            EndpointSource::Region => "the Region",
            EndpointSource::Named(name) => name,
            EndpointSource::Profile => "endpoint_url of the profile",
        }
    }
}

/// Host, Region, profile and proxy of the requests.
pub(super) fn facts(
    target: &ServiceTarget,
    source: EndpointSource,
    profile: Option<&str>,
    proxy: Option<&str>,
) -> [CheckResult; 4] {
    let host = target.host_and_port();
    let tls = if target.is_encrypted() { "" } else { ", without TLS" };
    let host = match source {
        EndpointSource::Region => format!("{host}{tls}"),
        EndpointSource::Named(_) | EndpointSource::Profile => format!("{host}{tls} ({})", source.name()),
    };
    [
        CheckResult::info("host", host),
        CheckResult::info("Region", &target.region),
        CheckResult::info("profile", profile.unwrap_or("none is named")),
        CheckResult::info(PROXY, proxy.unwrap_or("none")),
    ]
}

/// The failure of a proxy, which did not carry a request to `host`.
pub(super) fn of_proxy(error: &AttemptError, host: &str) -> CheckResult {
    let exit = match error {
        AttemptError::Denied(_) => ExitCode::Fatal,
        _ => ExitCode::TryLater,
    };
    let remedy = format!("check the proxy, or except {host} from it in NO_PROXY");
    CheckResult::fail(PROXY, exit, connect::described(error), &remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_the_endpoint_is_what_the_user_has_to_change() {
        let of = |url: &str, is_given, variable: Option<(&str, &str)>| {
            let target = ServiceTarget::new("us-gov-west-1".into(), url.into());
            let read = |name: &str| variable.filter(|set| set.0 == name).map(|set| set.1.to_owned());
            EndpointSource::of(&target, is_given, read).name()
        };
        for host in ["connect.us-gov-west-1.amazonaws.com", "connect-fips.us-gov-west-1.api.aws"] {
            assert_eq!(of(&format!("https://{host}"), false, None), "the Region");
        }
        let url = "https://vpce-1.connect.us-gov-west-1.vpce.amazonaws.com";
        assert_eq!(of(url, true, None), "--endpoint-url");
        assert_eq!(of(url, false, None), "endpoint_url of the profile");
        let path = format!("{url}/path");
        for name in ["AWS_ENDPOINT_URL_CONNECT", "AWS_ENDPOINT_URL"] {
            assert_eq!(of(url, false, Some((name, &path))), name);
        }
        let other = Some(("AWS_ENDPOINT_URL", "http://localhost:9"));
        assert_eq!(of(url, false, other), "endpoint_url of the profile");
    }

    #[test]
    fn the_host_has_its_port() {
        let facts = |url: &str, proxy| {
            let target = ServiceTarget::new("eu-west-2".into(), url.into());
            facts(&target, EndpointSource::Region, None, proxy)
        };
        let found = |url, proxy| facts(url, proxy).into_iter().map(|fact| fact.found).collect::<Vec<_>>();
        assert_eq!(
            found("https://connect.eu-west-2.amazonaws.com/", Some("proxy.example:3128 (HTTPS_PROXY)")),
            [
                "connect.eu-west-2.amazonaws.com:443",
                "eu-west-2",
                "none is named",
                "proxy.example:3128 (HTTPS_PROXY)"
            ]
        );
        assert_eq!(found("http://[::1]:8080", None)[0], "[::1]:8080, without TLS");
        assert_eq!(found("http://host", None)[0], "host:80, without TLS");
    }
}
