//! The errors of the service: code, HTTP status and message.

use hyper::StatusCode;

/// Error code, as the header `x-amzn-errortype` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorCode {
    /// The body is not a JSON object, or a member has the wrong type.
    Serialization,
    /// No operation has this method and path.
    UnknownOperation,
    /// The body is longer than the sandbox accepts.
    TooLarge,
    /// A member is missing, or members exclude each other.
    InvalidRequest,
    /// A member's value violates its own constraint.
    InvalidParameter,
    /// The contact does not exist in the instance.
    NotFound,
    /// The throttling quota is used up.
    Throttling,
    /// The caller lacks the permission.
    AccessDenied,
    /// There is no room for another contact.
    QuotaExceeded,
    /// The client token was used before with another request.
    Idempotency,
    /// The contact could not be written to the state file, or a fault applies.
    Internal,
}

impl ErrorCode {
    /// The name of the exception in the service model, and its HTTP status. Source: service model connect,
    /// 2017-08-08. `Serialization`, `UnknownOperation` and `TooLarge` are not in it: they come from the protocol
    /// and from HTTP.
    pub(super) fn name_and_status(self) -> (&'static str, StatusCode) {
        match self {
            ErrorCode::Serialization => ("SerializationException", StatusCode::BAD_REQUEST),
            ErrorCode::UnknownOperation => ("UnknownOperationException", StatusCode::NOT_FOUND),
            ErrorCode::TooLarge => ("RequestEntityTooLargeException", StatusCode::PAYLOAD_TOO_LARGE),
            ErrorCode::InvalidRequest => ("InvalidRequestException", StatusCode::BAD_REQUEST),
            ErrorCode::InvalidParameter => ("InvalidParameterException", StatusCode::BAD_REQUEST),
            ErrorCode::NotFound => ("ResourceNotFoundException", StatusCode::NOT_FOUND),
            ErrorCode::Throttling => ("ThrottlingException", StatusCode::TOO_MANY_REQUESTS),
            ErrorCode::AccessDenied => ("AccessDeniedException", StatusCode::FORBIDDEN),
            ErrorCode::QuotaExceeded => ("ServiceQuotaExceededException", StatusCode::PAYMENT_REQUIRED),
            ErrorCode::Idempotency => ("IdempotencyException", StatusCode::CONFLICT),
            ErrorCode::Internal => ("InternalServiceException", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// One error response. Its message names members and limits, never a member's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name_and_status().0)]
pub(super) struct ApiError {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into() }
    }
}
