//! Where requests go and how: facts that the reader compares with what is meant.

use super::{CheckResult, connect};
use crate::exit_code::ExitCode;
use crate::submission::{AttemptError, ServiceTarget};

const PROXY: &str = "proxy";

/// Host, Region, profile and proxy of the requests; and a failure if no request can be sent there.
pub(super) fn facts(target: &ServiceTarget, profile: Option<&str>, proxy: Option<&str>) -> Vec<CheckResult> {
    let Some(host) = target.host_and_port() else {
        let found = format!("'{}' is no endpoint", target.endpoint);
        let remedy = "correct the Region, or the URL of --endpoint-url, AWS_ENDPOINT_URL_CONNECT, AWS_ENDPOINT_URL or \
                      endpoint_url in the profile: https://HOST";
        return vec![CheckResult::fail("endpoint", ExitCode::Fatal, found, remedy)];
    };
    let host = if target.is_encrypted() { host } else { format!("{host}, without TLS") };
    vec![
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
    use crate::doctor::CheckStatus;

    #[test]
    fn the_host_has_its_port_and_an_endpoint_that_is_none_fails() {
        let facts =
            |url: &str, proxy| facts(&ServiceTarget::new("eu-west-2".into(), url.into()), None, proxy);
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
        for wrong in ["localhost:8080", "Connect in eu west 2", "connect", ""] {
            let facts = facts(wrong, None);
            assert_eq!(facts.len(), 1, "{wrong}");
            assert_eq!(facts[0].status, CheckStatus::Fail(ExitCode::Fatal), "{wrong}");
        }
    }
}
