//! The errors the service answers with: code, HTTP status and message.

use hyper::StatusCode;

/// An error's code, as the header `x-amzn-errortype` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// The body is no JSON object, or a member has the wrong type.
    Serialization,
    /// No operation has this method and path.
    UnknownOperation,
    /// The body is longer than the sandbox takes.
    TooLarge,
    /// A member is missing, or members do not go together.
    InvalidRequest,
    /// A member's value breaks its own constraint.
    InvalidParameter,
    /// The contact does not exist in the instance.
    NotFound,
    /// The throttling quota is used up.
    Throttling,
    /// The caller may not do this.
    AccessDenied,
    /// There is no room for another contact.
    QuotaExceeded,
    /// The client token was used before with another request.
    Idempotency,
    /// The sandbox could not keep the contact, or fails on purpose.
    Internal,
}

impl Code {
    /// The code on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Code::Serialization => "SerializationException",
            Code::UnknownOperation => "UnknownOperationException",
            Code::TooLarge => "RequestEntityTooLargeException",
            Code::InvalidRequest => "InvalidRequestException",
            Code::InvalidParameter => "InvalidParameterException",
            Code::NotFound => "ResourceNotFoundException",
            Code::Throttling => "ThrottlingException",
            Code::AccessDenied => "AccessDeniedException",
            Code::QuotaExceeded => "ServiceQuotaExceededException",
            Code::Idempotency => "IdempotencyException",
            Code::Internal => "InternalServiceException",
        }
    }

    /// The HTTP status of the code, from the service model (connect, 2017-08-08). The first three
    /// codes are none of its own: they are those of the protocol and of HTTP.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Code::Serialization | Code::InvalidRequest | Code::InvalidParameter => StatusCode::BAD_REQUEST,
            Code::UnknownOperation | Code::NotFound => StatusCode::NOT_FOUND,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::Throttling => StatusCode::TOO_MANY_REQUESTS,
            Code::AccessDenied => StatusCode::FORBIDDEN,
            Code::QuotaExceeded => StatusCode::PAYMENT_REQUIRED,
            Code::Idempotency => StatusCode::CONFLICT,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// One error reply. Its message names members and limits, never a member's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into() }
    }
}
