//! What the service that the requests went to is called: not every endpoint is Amazon Connect. Pure.

use super::target::{host_of, is_loopback_host};
use crate::ledger::RunRecord;

/// A service by its endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Service {
    /// An endpoint of AWS; also one that is not known.
    #[default]
    Connect,
    /// A sandbox, which has the reserved instance.
    Sandbox,
    /// Another endpoint on loopback.
    Local,
    /// Another host, such as a proxy: its name.
    Other(String),
}

/// Ends of the names of AWS's hosts.
const OF_AWS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

impl Service {
    /// The service at an endpoint, a host with or without a port. `is_rehearsal`: the instance is that of sandboxes.
    pub(crate) fn of(is_rehearsal: bool, endpoint: Option<&str>) -> Self {
        match endpoint.map(host_of) {
            _ if is_rehearsal => Service::Sandbox,
            Some(host) if is_loopback_host(&host) => Service::Local,
            Some(host) if !OF_AWS.iter().any(|end| host.ends_with(end)) => Service::Other(host),
            Some(_) | None => Service::Connect,
        }
    }

    /// The service of runs, newest first: that of the latest whose endpoint is known.
    pub(crate) fn of_runs(is_rehearsal: bool, runs: &[RunRecord]) -> Self {
        Service::of(is_rehearsal, runs.iter().find_map(|run| run.endpoint.as_deref()))
    }

    /// Name within a sentence.
    pub(crate) fn name(&self) -> String {
        match self {
            Service::Connect => "Amazon Connect".to_owned(),
            Service::Sandbox => "the sandbox".to_owned(),
            Service::Local => "the local endpoint".to_owned(),
            Service::Other(host) => format!("the service at {host}"),
        }
    }

    /// Name at its first mention.
    pub(crate) fn introduced(&self) -> String {
        match self {
            Service::Local => "a local endpoint".to_owned(),
            Service::Sandbox | Service::Connect | Service::Other(_) => self.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_by_its_endpoint() {
        let name = |endpoint| Service::of(false, endpoint).name();
        for aws in
            [None, Some("connect.eu-west-2.amazonaws.com"), Some("connect.cn-north-1.amazonaws.com.cn:8443")]
        {
            assert_eq!(name(aws), "Amazon Connect");
        }
        for local in ["127.0.0.1:8080", "localhost", "[::1]:80", "[::1]"] {
            assert_eq!(name(Some(local)), "the local endpoint", "{local}");
        }
        assert_eq!(name(Some("amazonaws.com.example.org:80")), "the service at amazonaws.com.example.org");
        assert_eq!(Service::of(true, Some("127.0.0.1:1")).name(), "the sandbox");
        assert_eq!(Service::of(false, Some("127.0.0.1:1")).introduced(), "a local endpoint");
    }
}
