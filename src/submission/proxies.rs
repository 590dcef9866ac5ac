//! Proxies: the variables that name them, and the requests that go through them.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use thiserror::Error;

use super::no_proxy::NoProxy;
use super::target::is_loopback_host;

/// An HTTP proxy. User and password are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Host and port of the proxy; an IPv6 address is in brackets.
    host: String,
    port: u16,
    /// Whether the connection to the proxy itself has TLS.
    is_tls: bool,
    /// Variable that names it.
    variable: &'static str,
    /// Its URL with user and password.
    url: String,
    /// Value of Proxy-Authorization.
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Host and port.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Host, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Name of the variable that names it.
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Whether the connection to the proxy itself has TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Its URL with user and password: a secret.
    pub(super) fn url_with_password(&self) -> &str {
        &self.url
    }

    /// The header Proxy-Authorization, a secret, if the URL has a user.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The proxy of a variable's value.
    fn parse(variable: &'static str, value: &str) -> Result<Self, ProxyError> {
        let invalid = || ProxyError::Invalid { variable };
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        if scheme.to_ascii_lowercase().starts_with("socks") {
            return Err(ProxyError::Socks { variable });
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains('@') {
            return Err(invalid());
        }
        // The last at sign ends the password, as for curl and Python.
        let (login, host_and_port) = match authority.rsplit_once('@') {
            Some((login, host_and_port)) => (format!("{}@", login.replace('@', "%40")), host_and_port),
            None => (String::new(), authority),
        };
        let given = format!("{scheme}://{login}{host_and_port}");
        // hyper-util decodes user and password, and takes what it cannot parse for no proxy.
        let any = Uri::from_static("https://service");
        let found = Matcher::builder().all(given).build().intercept(&any).ok_or_else(invalid)?;
        let host = found.uri().host().filter(|host| !host.is_empty()).ok_or_else(invalid)?.to_owned();
        let is_tls = found.uri().scheme_str() == Some("https");
        let port = match host_and_port.strip_prefix(&host).ok_or_else(invalid)?.strip_prefix(':') {
            None | Some("") if is_tls => 443,
            None | Some("") => 80,
            Some(port) => port.parse().ok().filter(|&port| port > 0).ok_or_else(invalid)?,
        };
        let scheme = if is_tls { "https" } else { "http" };
        let url = format!("{scheme}://{login}{host}:{port}");
        Ok(Proxy { host, port, is_tls, variable, url, authorization: found.basic_auth().cloned() })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.host, self.port, self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A variable names no proxy that can be used. The message quotes no part of its value, which may be a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ProxyError {
    /// The value is no URL.
    #[error(
        "the variable {variable} is not the URL of a proxy such as http://proxy.example.com:3128; write special \
         characters of its user and password as %XX (/ is %2F), or unset it"
    )]
    Invalid {
        /// Name of the variable.
        variable: &'static str,
    },
    /// The value is the URL of a SOCKS proxy.
    #[error(
        "the variable {variable} names a SOCKS proxy, which is not supported; name an HTTP proxy in HTTPS_PROXY and \
         HTTP_PROXY, or unset {variable}"
    )]
    Socks {
        /// Name of the variable.
        variable: &'static str,
    },
}

/// The way of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProxyRoute<'a> {
    /// To the service.
    Direct,
    /// To the proxy, which reads it and passes it on: plain HTTP.
    Forward(&'a Arc<Proxy>),
    /// Through a tunnel of the proxy, which cannot read it: HTTPS.
    Tunnel(&'a Arc<Proxy>),
}

/// The proxies of the environment.
#[derive(Debug, Default)]
pub struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    exceptions: NoProxy,
}

/// Variables with the proxy of HTTPS requests, the first that is set. Lower case wins, as for curl and Python.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Variables with the proxy of HTTP requests, the first that is set.
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

impl Proxies {
    /// The proxies of the process's environment. A variable that is set to nothing is as unset.
    ///
    /// # Errors
    /// [`ProxyError`]: a request would go through a proxy that cannot be used.
    pub fn from_environment() -> Result<Self, ProxyError> {
        Proxies::of_variables(|name| std::env::var_os(name))
    }

    /// The proxies of variables with these values.
    pub(super) fn of_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let value = |name| variable(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        // A web server passes the header `Proxy` of a request to CGI scripts as HTTP_PROXY (httpoxy).
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let proxy = |names: [&'static str; 4]| {
            let names = names.into_iter().filter(|&name| name != "HTTP_PROXY" || !is_cgi);
            let Some((name, value)) = names.filter_map(|name| Some((name, value(name)?))).next() else {
                return Ok(None);
            };
            let value = value.to_str().ok_or(ProxyError::Invalid { variable: name })?;
            Proxy::parse(name, value.trim()).map(|proxy| Some(Arc::new(proxy)))
        };
        let exceptions = value("no_proxy").or_else(|| value("NO_PROXY")).unwrap_or_default();
        Ok(Proxies {
            http: proxy(HTTP)?,
            https: proxy(HTTPS)?,
            exceptions: NoProxy::new(&exceptions.to_string_lossy()),
        })
    }

    /// The proxies that there are: of HTTP and of HTTPS requests.
    pub(super) fn all(&self) -> [Option<&Arc<Proxy>>; 2] {
        [self.http.as_ref(), self.https.as_ref()]
    }

    /// The way of a request to this URL.
    pub(super) fn route(&self, url: &str) -> ProxyRoute<'_> {
        if self.http.is_none() && self.https.is_none() {
            return ProxyRoute::Direct;
        }
        let Ok(url) = url.parse::<Uri>() else { return ProxyRoute::Direct };
        let Some(host) = url.host() else { return ProxyRoute::Direct };
        let route = match (url.scheme_str(), &self.http, &self.https) {
            (Some("http"), Some(proxy), _) => ProxyRoute::Forward(proxy),
            (Some("https"), _, Some(proxy)) => ProxyRoute::Tunnel(proxy),
            _ => return ProxyRoute::Direct,
        };
        if is_of_this_machine(host) || self.exceptions.contains(&url) { ProxyRoute::Direct } else { route }
    }

    /// The proxy of requests to this URL, if they go through one.
    pub fn proxy_for(&self, url: &str) -> Option<Arc<Proxy>> {
        match self.route(url) {
            ProxyRoute::Direct => None,
            ProxyRoute::Forward(proxy) | ProxyRoute::Tunnel(proxy) => Some(proxy.clone()),
        }
    }
}

/// Whether no proxy can reach a host in the place of this machine: loopback, and link-local addresses. Those are the
/// metadata of instances and the credentials of containers: 169.254.169.254, 169.254.170.2, 169.254.170.23,
/// fd00:ec2::254 and fd00:ec2::23 (EC2 and EKS user guides).
fn is_of_this_machine(host: &str) -> bool {
    is_loopback_host(host)
        || match host.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(address)) => address.is_link_local(),
            Ok(IpAddr::V6(address)) => {
                address.segments().starts_with(&[0xfd00, 0x0ec2]) || address.is_unicast_link_local()
            }
            Err(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::of_variables(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn shown(variables: &[(&str, &str)], url: &str) -> Option<String> {
        proxies(variables).unwrap().proxy_for(url).map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_scheme_of_the_request_chooses_the_variable_and_lower_case_wins() {
        let (plain, tls) = ("http://a.example", "https://a.example");
        let of_both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2")];
        assert_eq!(shown(&of_both, tls).unwrap(), "s:1 (HTTPS_PROXY)");
        assert_eq!(shown(&of_both, plain).unwrap(), "p:2 (HTTP_PROXY)");
        assert_eq!(shown(&[("HTTPS_PROXY", "http://s:1")], plain), None);
        assert_eq!(shown(&[("ALL_PROXY", "http://s:1")], plain).unwrap(), "s:1 (ALL_PROXY)");
        let lower = [("HTTPS_PROXY", "http://s:1"), ("https_proxy", "http://lower:1")];
        assert_eq!(shown(&lower, tls).unwrap(), "lower:1 (https_proxy)");
        let nothing = [("HTTPS_PROXY", "http://s:1"), ("https_proxy", " ")];
        assert_eq!(shown(&nothing, tls).unwrap(), "s:1 (HTTPS_PROXY)");
        let cgi = [("HTTP_PROXY", "http://p:2"), ("HTTPS_PROXY", "http://s:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!((shown(&cgi, plain), shown(&cgi, tls).unwrap().as_str()), (None, "s:1 (HTTPS_PROXY)"));
        let excepted = [("HTTPS_PROXY", "http://s:1"), ("NO_PROXY", "a.example"), ("no_proxy", "b.example")];
        assert_eq!(shown(&excepted, "https://b.example"), None);
        assert!(shown(&excepted, tls).is_some());
    }

    #[test]
    fn addresses_of_this_machine_never_go_through_a_proxy() {
        let variables = [("ALL_PROXY", "http://p:2")];
        for host in [
            "localhost",
            "127.0.0.1:8080",
            "[::1]:80",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
        ] {
            assert_eq!(shown(&variables, &format!("http://{host}/x")), None, "{host}");
        }
        assert!(shown(&variables, "http://0.0.0.0:80").is_some());
    }

    #[test]
    fn an_url_is_understood_with_and_without_scheme_port_and_login() {
        let parsed = |value| Proxy::parse("HTTPS_PROXY", value).unwrap();
        for (value, address, url) in [
            ("http://proxy.example:3128/", "proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example:3128", "proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "proxy.example:80", "http://proxy.example:80"),
            ("HTTP://proxy.example", "proxy.example:80", "http://proxy.example:80"),
            ("https://proxy.example", "proxy.example:443", "https://proxy.example:443"),
            ("http://[::1]:3128", "[::1]:3128", "http://[::1]:3128"),
            ("http://me:p%40ss@p:1", "p:1", "http://me:p%40ss@p:1"),
            ("http://me:p@ss@p:1", "p:1", "http://me:p%40ss@p:1"),
            ("me:p%40ss@p:1", "p:1", "http://me:p%40ss@p:1"),
        ] {
            let proxy = parsed(value);
            assert_eq!((proxy.address().as_str(), proxy.url_with_password()), (address, url), "{value}");
            assert!(!format!("{proxy} {proxy:?}").contains("ss"), "{proxy:?}");
            // Basic me:p@ss
            let login = url.contains('@').then_some("Basic bWU6cEBzcw==");
            let found = proxy.authorization().map(|value| value.to_str().unwrap());
            assert_eq!(found, login, "{value}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_without_a_part_of_its_value() {
        for value in [
            "http://",
            "http://me:12/se@p:1",
            "http://me:12#se@p:1",
            "http://p:secret",
            "http://p:0",
            "http://p:99999",
            "http://me:sec ret@p:1",
            "ftp://secret",
        ] {
            let refused = proxies(&[("ALL_PROXY", value)]).unwrap_err();
            assert_eq!(refused, ProxyError::Invalid { variable: "ALL_PROXY" }, "{value}");
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
        let refused = proxies(&[("https_proxy", "socks5h://me:secret@p:1")]).unwrap_err();
        assert_eq!(refused, ProxyError::Socks { variable: "https_proxy" });
        // Nothing would go through it.
        let both =
            [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2"), ("ALL_PROXY", "socks5://p:1")];
        assert!(proxies(&both).is_ok());
    }
}
