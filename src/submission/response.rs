//! Who answered a request, or why no connection was made. Pure.

use super::attempt::AttemptError;

/// The program that answered a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Responder {
    /// An AWS service: the response has a request id, or an error code, of the protocol.
    Service,
    /// Another program, such as a proxy or a web server. Its response in a phrase: status, type and name of the program.
    Other(String),
    /// No response came. Why no connection was made, if none was.
    NoResponse(Option<ConnectionFailure>),
}

/// Why no connection was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionFailure {
    /// The name of the host, or of the proxy, has no address.
    Name,
    /// The host refused it: no program listens at the port.
    Refused,
    /// The host did not answer within the connect timeout.
    Timeout,
    /// The host answered, and the TLS handshake failed.
    Tls,
    /// Another reason.
    Other,
}

/// Connect's response to a request that it must refuse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PermissionProbe {
    /// How it was refused; `None` if it was accepted, which Connect does not do.
    pub error: Option<AttemptError>,
    /// Who refused it.
    pub responder: Responder,
    /// The responder's clock, in seconds since 1970, if the response has one.
    pub server_time_s: Option<i64>,
}
