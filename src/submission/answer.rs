//! An answer of the service, told by its code. Pure, and knows nothing of the SDK.

use super::AttemptError;
use crate::ledger::Cause;
use crate::request::{ContactRequest, Operation};

/// Codes that blame credentials, permission, the clock or the address, whatever the status.
const CREDENTIAL_CODES: [&str; 14] = [
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "IncompleteSignature",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "NotAuthorized",
    "OptInRequired",
    "UnknownOperationException",
];

/// Codes of the service's and the protocol's own, in which no value can hide.
const SERVICE_CODES: [&str; 15] = [
    "ThrottlingException",
    "TooManyRequestsException",
    "Throttling",
    "RequestLimitExceeded",
    "InternalServiceException",
    "RequestAbortedException",
    "IdempotencyException",
    "ConflictException",
    "ServiceQuotaExceededException",
    "ResourceNotFoundException",
    "InvalidRequestException",
    "InvalidParameterException",
    "SerializationException",
    "ValidationException",
    "RequestEntityTooLargeException",
];

/// An answer of the service, by its code and, where that is unknown, by its status.
pub(super) fn answered(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    request: &ContactRequest<'_>,
) -> AttemptError {
    let code = code.map(|code| plain(code, request)).filter(|code| !code.is_empty());
    let cause = Cause {
        code: code.clone().unwrap_or_else(|| format!("HTTP{status}")),
        // The service may quote what it refuses.
        message: shortened(&request.redact(&shortened(message.unwrap_or_default(), 2000)), 500),
    };
    let kind = match (code.as_deref().unwrap_or_default(), status) {
        (_, 200..=399) => AttemptError::MaybeSent,
        ("ThrottlingException" | "TooManyRequestsException" | "Throttling" | "RequestLimitExceeded", _)
        | (_, 429) => AttemptError::Throttled,
        // Broken off before a reply, or a gateway's time-out: whether it went through is not known.
        ("InternalServiceException" | "RequestAbortedException", _) | (_, 408 | 500..) => {
            AttemptError::MaybeSent
        }
        ("IdempotencyException", _) => AttemptError::TokenReused,
        ("ConflictException", _) => AttemptError::Conflict,
        ("ServiceQuotaExceededException", _) if is_chained_task(request) => AttemptError::ChainOrQuota,
        ("ServiceQuotaExceededException", _) => AttemptError::QuotaExceeded,
        ("ResourceNotFoundException", _) => AttemptError::NotFound,
        // Credentials, permission, a clock that is off, or a path that is not known there.
        (code, _) if CREDENTIAL_CODES.contains(&code) => AttemptError::Denied,
        (_, 401 | 402 | 403 | 407) => AttemptError::Denied,
        // An answer without an error code is not Connect's: a proxy, or the wrong address.
        ("", _) => AttemptError::Denied,
        _ => AttemptError::Refused,
    };
    kind(cause)
}

fn is_chained_task(request: &ContactRequest<'_>) -> bool {
    request.operation == Operation::StartTaskContact && request.previous_contact_id.is_some()
}

/// A code as codes are written: an endpoint that is not Connect may put anything there.
fn plain(code: &str, request: &ContactRequest<'_>) -> String {
    let code = if SERVICE_CODES.contains(&code) || CREDENTIAL_CODES.contains(&code) {
        code.to_owned()
    } else {
        request.redact(code)
    };
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "._#-".contains(*c)).take(100).collect()
}

/// At most so many characters of a text, on one line.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    text.chars().take(chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: Option<&str>) -> AttemptError {
        answered(status, code, Some("m"), &ContactRequest::empty(Operation::CreateContact))
    }

    #[test]
    fn answers_are_told_apart_by_code_and_then_by_status() {
        let cause = |code: &str| Cause { code: code.into(), message: "m".into() };
        let cases = [
            (429, Some("ThrottlingException"), AttemptError::Throttled(cause("ThrottlingException"))),
            (
                400,
                Some("TooManyRequestsException"),
                AttemptError::Throttled(cause("TooManyRequestsException")),
            ),
            (429, None, AttemptError::Throttled(cause("HTTP429"))),
            (
                500,
                Some("InternalServiceException"),
                AttemptError::MaybeSent(cause("InternalServiceException")),
            ),
            (503, None, AttemptError::MaybeSent(cause("HTTP503"))),
            (400, Some("InvalidRequestException"), AttemptError::Refused(cause("InvalidRequestException"))),
            (
                404,
                Some("ResourceNotFoundException"),
                AttemptError::NotFound(cause("ResourceNotFoundException")),
            ),
            (
                404,
                Some("UnknownOperationException"),
                AttemptError::Denied(cause("UnknownOperationException")),
            ),
            (404, None, AttemptError::Denied(cause("HTTP404"))),
            (404, Some(""), AttemptError::Denied(cause("HTTP404"))),
            (400, Some("<script>\n"), AttemptError::Refused(cause("script"))),
            (403, Some("AccessDeniedException"), AttemptError::Denied(cause("AccessDeniedException"))),
            (403, Some("SomethingNew"), AttemptError::Denied(cause("SomethingNew"))),
            (
                402,
                Some("ServiceQuotaExceededException"),
                AttemptError::QuotaExceeded(cause("ServiceQuotaExceededException")),
            ),
            (409, Some("IdempotencyException"), AttemptError::TokenReused(cause("IdempotencyException"))),
            (409, Some("ConflictException"), AttemptError::Conflict(cause("ConflictException"))),
            (400, Some("RequestExpired"), AttemptError::Denied(cause("RequestExpired"))),
            (400, Some("RequestAbortedException"), AttemptError::MaybeSent(cause("RequestAbortedException"))),
            (407, None, AttemptError::Denied(cause("HTTP407"))),
            (400, None, AttemptError::Denied(cause("HTTP400"))),
            (200, None, AttemptError::MaybeSent(cause("HTTP200"))),
            (302, None, AttemptError::MaybeSent(cause("HTTP302"))),
        ];
        for (status, code, expected) in cases {
            assert_eq!(kind(status, code), expected);
        }
    }

    #[test]
    fn a_full_chain_may_be_the_rows_own_fault() {
        let empty = ContactRequest::empty(Operation::StartTaskContact);
        let chained = ContactRequest { previous_contact_id: Some("p".into()), ..empty.clone() };
        let kind = |request| answered(402, Some("ServiceQuotaExceededException"), None, request);
        assert!(matches!(kind(&empty), AttemptError::QuotaExceeded(_)));
        assert!(matches!(kind(&chained), AttemptError::ChainOrQuota(_)));
    }

    #[test]
    fn a_message_that_quotes_the_row_is_blanked() {
        let empty = ContactRequest::empty(Operation::CreateContact);
        let request = ContactRequest { name: Some("Jane Roe".into()), ..empty };
        let trouble = answered(400, Some("InvalidRequestException"), Some("bad name Jane Roe"), &request);
        assert_eq!(trouble.cause().message, "bad name …");
    }
}
