//! The failure of a proxy, by what may have happened on the wire. Pure.

use std::fmt;
use std::sync::Arc;

use super::attempt::AttemptError;
use super::proxies::Proxy;
use crate::ledger::Cause;

/// Start of the codes below.
const PREFIX: &str = "Proxy";

/// The proxy cannot be reached, or opens no tunnel in time.
const OUT_OF_REACH: &str = "ProxyOutOfReach";

/// The proxy asks for a user and password, or does not allow the request.
const REFUSED: &str = "ProxyRefused";

/// The proxy has no connection to the service.
const FAILED: &str = "ProxyFailed";

/// Whether a code says that a proxy is the cause of a failure.
pub fn is_proxy_code(code: &str) -> bool {
    code.starts_with(PREFIX)
}

/// A request that a proxy did not carry to the service.
#[derive(Clone, Debug)]
pub(super) struct ProxyFailure {
    pub(super) proxy: Arc<Proxy>,
    /// Host and port of the service.
    pub(super) target: String,
    pub(super) problem: ProxyProblem,
}

/// What a proxy did in the place of carrying a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ProxyProblem {
    /// There is no connection to it, for this reason. Nothing was sent.
    OutOfReach(String),
    /// It answered CONNECT with this status, if that is known. Nothing was sent.
    NoTunnel(Option<u16>),
    /// It answered with this status in the place of the service. The service may have the request.
    Answered(u16),
}

impl ProxyFailure {
    /// The effect on an attempt.
    pub(super) fn attempt_error(&self) -> AttemptError {
        let cause = |code: &str| Cause { code: code.to_owned(), message: self.to_string().into() };
        match self.problem {
            ProxyProblem::OutOfReach(_) => AttemptError::NotSent(cause(OUT_OF_REACH)),
            _ if self.is_refusal() => AttemptError::Denied(cause(REFUSED)),
            ProxyProblem::NoTunnel(_) => AttemptError::NotSent(cause(FAILED)),
            ProxyProblem::Answered(_) => AttemptError::MaybeSent(cause(FAILED).into()),
        }
    }

    /// Whether the proxy would refuse every other request too, until its settings or the variable change.
    pub(super) fn is_refusal(&self) -> bool {
        match self.problem {
            ProxyProblem::NoTunnel(Some(status)) | ProxyProblem::Answered(status) => {
                (400..500).contains(&status) && !matches!(status, 408 | 425 | 429)
            }
            ProxyProblem::NoTunnel(None) | ProxyProblem::OutOfReach(_) => false,
        }
    }
}

impl fmt::Display for ProxyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProxyFailure { proxy, target, problem } = self;
        let (variable, address) = (proxy.variable(), proxy.address());
        write!(f, "the proxy {proxy} ")?;
        match problem {
            ProxyProblem::OutOfReach(reason) => write!(f, "cannot be reached: {reason}"),
            ProxyProblem::NoTunnel(Some(407)) | ProxyProblem::Answered(407) => {
                if proxy.authorization().is_some() {
                    write!(f, "does not accept the user and password of {variable} (407)")
                } else {
                    write!(f, "asks for a user and password (407); set {variable} to ")?;
                    write!(f, "http://USER:PASSWORD@{address}, with special characters as %XX")
                }
            }
            ProxyProblem::NoTunnel(Some(status)) | ProxyProblem::Answered(status) if self.is_refusal() => {
                write!(f, "does not allow requests to {target} ({status})")
            }
            ProxyProblem::NoTunnel(Some(status)) => write!(f, "has no connection to {target} ({status})"),
            ProxyProblem::NoTunnel(None) => write!(f, "opens no connection to {target}"),
            ProxyProblem::Answered(status) => {
                write!(f, "answers in the place of {target} ({status}), which may have the request")
            }
        }
    }
}

impl std::error::Error for ProxyFailure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::proxies::Proxies;

    #[test]
    fn nothing_was_sent_unless_the_proxy_read_the_request() {
        let variable = |name: &str| (name == "HTTPS_PROXY").then(|| "http://me:secret@p:1".into());
        let proxies = Proxies::of_variables(variable).unwrap();
        let proxy = proxies.proxy_for("https://a.example").unwrap();
        type Kind = fn(Cause) -> AttemptError;
        let cases: [(ProxyProblem, Kind, &str); 9] = [
            (ProxyProblem::OutOfReach("refused".into()), AttemptError::NotSent, OUT_OF_REACH),
            (ProxyProblem::NoTunnel(None), AttemptError::NotSent, FAILED),
            (ProxyProblem::NoTunnel(Some(502)), AttemptError::NotSent, FAILED),
            (ProxyProblem::NoTunnel(Some(407)), AttemptError::Denied, REFUSED),
            (ProxyProblem::NoTunnel(Some(403)), AttemptError::Denied, REFUSED),
            (ProxyProblem::Answered(403), AttemptError::Denied, REFUSED),
            (ProxyProblem::Answered(407), AttemptError::Denied, REFUSED),
            (ProxyProblem::Answered(504), |cause| AttemptError::MaybeSent(cause.into()), FAILED),
            (ProxyProblem::Answered(200), |cause| AttemptError::MaybeSent(cause.into()), FAILED),
        ];
        for (problem, kind, code) in cases {
            let failure = ProxyFailure { proxy: proxy.clone(), target: "a.example:443".into(), problem };
            let error = failure.attempt_error();
            let message = error.cause().message.to_string();
            assert_eq!(error, kind(Cause { code: code.into(), message: message.as_str().into() }));
            assert!(is_proxy_code(code) && message.contains("the proxy p:1 (HTTPS_PROXY)"), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
