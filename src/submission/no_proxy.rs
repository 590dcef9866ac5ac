//! `NO_PROXY`: the hosts that are reached without a proxy. Pure.

use std::collections::BTreeMap;
use std::fmt;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// The entries of `NO_PROXY`.
///
/// hyper-util compares names and addresses. It knows no entry with a port, which Python and so the AWS CLI have, so there
/// is a list for each port that occurs: the entries without a port, and those with this one.
#[derive(Default)]
pub(super) struct NoProxy {
    any_port: Entries,
    of_port: BTreeMap<u16, Entries>,
}

/// Entries without ports. `None` if there are none.
#[derive(Default)]
struct Entries(Option<Matcher>);

impl Entries {
    fn new(hosts: &[&str]) -> Self {
        // It says whether a proxy of any name would be used, so the name does not matter.
        let matcher = || Matcher::builder().all("http://proxy").no(hosts.join(",")).build();
        Entries((!hosts.is_empty()).then(matcher))
    }

    fn contains(&self, url: &Uri) -> bool {
        self.0.as_ref().is_some_and(|matcher| matcher.intercept(url).is_none())
    }
}

impl NoProxy {
    /// Parses entries separated by commas or white space:
    ///
    /// - a name: the host and its subdomains, also with a dot or `*.` before it;
    /// - an IPv4 or IPv6 address, also in brackets, or a network such as `10.0.0.0/8`;
    /// - `*`: every host;
    /// - each of them with a port: requests to this port only.
    ///
    /// An entry of another form matches nothing.
    pub(super) fn new(list: &str) -> Self {
        let separated = list.split(|c: char| c == ',' || c.is_whitespace());
        let entries: Vec<_> = separated.filter(|entry| !entry.is_empty()).map(host_and_port).collect();
        let of = |wanted: Option<u16>| {
            let chosen = entries.iter().filter(|(_, port)| port.is_none() || *port == wanted);
            Entries::new(&chosen.map(|&(host, _)| host).collect::<Vec<_>>())
        };
        let ports = entries.iter().filter_map(|&(_, port)| port);
        NoProxy { any_port: of(None), of_port: ports.map(|port| (port, of(Some(port)))).collect() }
    }

    /// Whether a URL with a scheme and a host is reached without a proxy.
    pub(super) fn contains(&self, url: &Uri) -> bool {
        let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
        let port = url.port_u16().unwrap_or(default);
        self.of_port.get(&port).unwrap_or(&self.any_port).contains(url)
    }
}

impl fmt::Debug for NoProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoProxy")
    }
}

/// Host and port of an entry. The host has no brackets, and no star before a dot.
fn host_and_port(entry: &str) -> (&str, Option<u16>) {
    let (host, port) = match entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => match entry.split_once(':') {
            // More than one colon: an IPv6 address.
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (entry, None),
        },
    };
    let host = if host.starts_with("*.") { &host[1..] } else { host };
    match port.map(str::parse) {
        None => (host, None),
        Some(Ok(port)) => (host, Some(port)),
        Some(Err(_)) => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_direct(list: &str, url: &str) -> bool {
        NoProxy::new(list).contains(&url.parse().unwrap())
    }

    #[test]
    fn entries_are_names_addresses_and_networks_with_or_without_a_port() {
        const CONNECT: &str = "https://connect.eu-west-2.amazonaws.com";
        for (list, url) in [
            ("connect.eu-west-2.amazonaws.com", CONNECT),
            ("amazonaws.com", CONNECT),
            (".amazonaws.com", CONNECT),
            ("*.amazonaws.com", CONNECT),
            ("AMAZONAWS.COM", CONNECT),
            ("a.example , amazonaws.com", CONNECT),
            ("a.example amazonaws.com", CONNECT),
            ("amazonaws.com:443", CONNECT),
            ("a.example:8443,amazonaws.com", CONNECT),
            ("a.example:443,amazonaws.com", CONNECT),
            ("*", CONNECT),
            ("*:443", CONNECT),
            ("vpce.example:8443", "https://vpce.example:8443/contact/task"),
            ("vpce.example:80", "http://vpce.example"),
            ("10.0.0.0/8", "http://10.1.2.3:8080"),
            ("10.1.2.3:8080", "http://10.1.2.3:8080"),
            ("fd12::/16", "https://[fd12::1]"),
            ("fd12::1", "https://[fd12::1]"),
            ("[fd12::1]", "https://[fd12::1]:8443"),
            ("[fd12::1]:8443", "https://[fd12::1]:8443"),
        ] {
            assert!(is_direct(list, url), "{list}: {url}");
        }
        for (list, url) in [
            ("", CONNECT),
            (",", CONNECT),
            ("aws.com", CONNECT),
            ("a.connect.eu-west-2.amazonaws.com", CONNECT),
            ("amazonaws.com:8443", CONNECT),
            ("amazonaws.com:x", CONNECT),
            ("vpce.example:8443", "https://vpce.example"),
            ("vpce.example:8443", "https://vpce.example:8444"),
            ("10.0.0.0/8", "http://11.1.2.3"),
            ("10.0.0.0/8", "http://ten.example"),
            ("[fd12::1]:8443", "https://[fd12::1]"),
            ("https://amazonaws.com", CONNECT),
        ] {
            assert!(!is_direct(list, url), "{list}: {url}");
        }
    }
}
