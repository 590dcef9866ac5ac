//! Where requests go, and whose credentials sign them. Pure.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

/// Region and endpoint of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceTarget {
    /// Region, such as `eu-west-2`.
    pub region: String,
    /// Scheme, host and port of the endpoint, such as `https://connect.eu-west-2.amazonaws.com`.
    pub endpoint: String,
}

impl ServiceTarget {
    /// The target of this endpoint. Other parts of its URL are left out.
    pub fn new(region: String, url: String) -> Self {
        ServiceTarget { region, endpoint: origin(&url).unwrap_or(url) }
    }

    /// Host of the endpoint; the whole URL if it has none.
    pub fn host(&self) -> String {
        let uri = self.endpoint.parse::<hyper::Uri>().unwrap_or_default();
        uri.host().map_or_else(|| self.endpoint.clone(), str::to_owned)
    }

    /// Host of the endpoint, and its port if that is not the scheme's.
    pub fn authority(&self) -> String {
        self.endpoint.split_once("://").map_or(&*self.endpoint, |(_, authority)| authority).to_owned()
    }

    /// Host and port of the endpoint.
    pub fn host_and_port(&self) -> String {
        let uri = self.endpoint.parse::<hyper::Uri>().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 });
        format!("{}:{port}", self.host())
    }

    /// Whether requests are encrypted on their way.
    pub fn is_encrypted(&self) -> bool {
        self.endpoint.starts_with("https://")
    }

    /// Whether the endpoint is on this machine, by its name or address.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host())
    }
}

/// Scheme, host and port of a URL, if it has a scheme and a host. Its other parts may be secrets.
pub(crate) fn origin(url: &str) -> Option<String> {
    let uri = url.parse::<hyper::Uri>().ok()?;
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// The host of `host`, `host:port` or `[address]:port`; the whole text of another form.
pub(crate) fn host_of(authority: &str) -> String {
    let parsed = authority.parse::<hyper::http::uri::Authority>();
    let host = parsed.as_ref().map(|parsed| parsed.host()).unwrap_or(authority);
    // The parser takes `[::1]example` for the host `[::1]`.
    let after = authority.rsplit('@').next().and_then(|rest| rest.strip_prefix(host)).unwrap_or_default();
    if after.is_empty() || after.starts_with(':') { host.to_owned() } else { authority.to_owned() }
}

/// Whether a host is this machine: `localhost`, or a loopback address. Other names are not looked up.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = in_brackets.unwrap_or(host).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Owner of the credentials that sign the requests, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// AWS STS told it.
    Known {
        /// Account, 12 digits.
        account: String,
        /// ARN of the user or of the session of a role.
        arn: String,
    },
    /// AWS STS cannot be asked, or does not tell. The reason.
    Unknown(String),
    /// There are no credentials, so that no request can be signed. The reason.
    NoCredentials(String),
    /// Requests are unsigned, or signed with constant credentials.
    Unused(CallerAbsence),
}

/// Why no credentials of an account are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallerAbsence {
    /// A rehearsal has constant credentials.
    Rehearsal,
    /// Requests are sent unsigned.
    Unsigned,
    /// The endpoint is on loopback, where AWS STS knows nothing about.
    Loopback,
}

/// The credentials belong to another account than the instance.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "the credentials are those of account {found} ({arn}), and the instance's ARN names account {expected}; use \
     credentials of {expected} with --profile, or correct --instance-id"
)]
pub struct WrongAccount {
    /// Account of the credentials.
    pub found: String,
    /// ARN of the caller.
    pub arn: String,
    /// Account of the instance.
    pub expected: String,
}

impl Caller {
    /// Refuses credentials of another account than `expected`, the instance's, if both are known.
    ///
    /// # Errors
    /// [`WrongAccount`]
    pub fn expect_account(&self, expected: Option<&str>) -> Result<(), WrongAccount> {
        match (self, expected) {
            (Caller::Known { account, arn }, Some(expected)) if account != expected => {
                Err(WrongAccount { found: account.clone(), arn: arn.clone(), expected: expected.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Account and ARN, if they are known.
    pub fn known(&self) -> Option<(&str, &str)> {
        match self {
            Caller::Known { account, arn } => Some((account, arn)),
            Caller::Unknown(_) | Caller::NoCredentials(_) | Caller::Unused(_) => None,
        }
    }

    /// Why account and ARN are not known; `None` if they are.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Caller::Known { .. } => None,
            Caller::Unknown(reason) | Caller::NoCredentials(reason) => Some(reason),
            Caller::Unused(CallerAbsence::Rehearsal) => Some("a rehearsal uses no credentials"),
            Caller::Unused(CallerAbsence::Unsigned) => Some("requests are not signed"),
            Caller::Unused(CallerAbsence::Loopback) => Some("the endpoint is on this machine"),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Known { account, arn } => write!(f, "{account}, {arn}"),
            Caller::Unused(_) => write!(f, "none: {}", self.reason().unwrap_or_default()),
            Caller::Unknown(reason) | Caller::NoCredentials(reason) => write!(f, "not known ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_and_addresses_of_loopback_are_this_machine() {
        let target = |url: &str| ServiceTarget::new("eu-west-2".into(), url.to_owned());
        for url in ["http://localhost:4566", "https://127.8.0.1/x", "http://[::1]:80"] {
            assert!(target(url).is_loopback(), "{url}");
        }
        for url in
            ["http://0.0.0.0:80", "https://localhost.example", "https://vpce-1.connect.vpce.amazonaws.com"]
        {
            assert!(!target(url).is_loopback(), "{url}");
        }
        assert_eq!(target("https://host:8443/path?token=secret").endpoint, "https://host:8443");
        assert_eq!(target("https://host:8443/path?token=secret").authority(), "host:8443");
        assert_eq!(
            target("https://connect.eu-west-2.amazonaws.com").host(),
            "connect.eu-west-2.amazonaws.com"
        );
    }

    #[test]
    fn another_account_is_refused_only_if_both_are_known() {
        let known =
            Caller::Known { account: "111122223333".into(), arn: "arn:aws:iam::111122223333:user/me".into() };
        assert_eq!(known.expect_account(Some("111122223333")), Ok(()));
        assert_eq!(known.expect_account(None), Ok(()));
        assert_eq!(Caller::Unknown("no answer".into()).expect_account(Some("1")), Ok(()));
        let error = known.expect_account(Some("444455556666")).unwrap_err().to_string();
        for part in ["111122223333", "arn:aws:iam::111122223333:user/me", "444455556666", "--profile"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
