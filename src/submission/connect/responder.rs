//! Who answered a call of the SDK, or why no connection was made.

use std::error::Error;
use std::io;

use aws_sdk_connect::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::Response;

use super::error_chain::{chain, find, is_connect_failure};
use super::headers::is_of_aws;
use crate::submission::response::{ConnectionFailure, Responder};
use crate::submission::service_error::{is_known_code, one_line};

/// Longest text of another program's response that is shown, characters.
const SHOWN_CHARS: usize = 60;

/// Who answered the call that failed with this error.
pub(super) fn responder<E>(error: &SdkError<E, Response>, is_transmitted: bool) -> Responder
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Some(response) = error.raw_response() else {
        let failure = is_transmitted.then(|| connection_failure(error)).flatten();
        return Responder::NoResponse(failure);
    };
    let header = |name| response.headers().get(name).unwrap_or_default().trim();
    let code = match error {
        SdkError::ServiceError(service) => service.err().code(),
        _ => None,
    };
    if is_of_aws(response.headers()) || code.is_some_and(is_known_code) {
        return Responder::Service;
    }
    let status = format!("HTTP {}", response.status().as_u16());
    let shown = |name| one_line(header(name), SHOWN_CHARS);
    let (kind, program) = (shown("content-type"), shown("server"));
    let kind = kind.split(';').next().unwrap_or_default();
    let of = if program.is_empty() { String::new() } else { format!("from {program}") };
    let parts = [&*status, kind, &of].into_iter().filter(|part| !part.is_empty());
    Responder::Other(parts.collect::<Vec<_>>().join(", "))
}

/// Why no connection was made; `None` if one was, or may have been.
fn connection_failure<E: Error + 'static>(error: &SdkError<E, Response>) -> Option<ConnectionFailure> {
    if !is_connect_failure(error) {
        let is_timeout = find::<ConnectorError>(error).is_some_and(ConnectorError::is_timeout);
        let is_of_connecting = chain(error).any(|error| error.to_string().contains("connect timeout"));
        return (is_timeout && is_of_connecting).then_some(ConnectionFailure::Timeout);
    }
    // The error of a name that does not resolve has no type of its own.
    if chain(error).any(|error| error.to_string() == "dns error") {
        return Some(ConnectionFailure::Name);
    }
    // A server without TLS closes the connection, which rustls tells by a text.
    let is_handshake = chain(error).any(|error| error.to_string().contains("tls handshake"));
    if is_handshake || find::<rustls::Error>(error).is_some() {
        return Some(ConnectionFailure::Tls);
    }
    let mut kinds = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    let failure = kinds.find_map(|kind| match kind {
        io::ErrorKind::ConnectionRefused => Some(ConnectionFailure::Refused),
        io::ErrorKind::TimedOut => Some(ConnectionFailure::Timeout),
        _ => None,
    });
    Some(failure.unwrap_or(ConnectionFailure::Other))
}
