//! Classifies an error response of the service by its code and status. Pure; names no type of the SDK.

use super::attempt::AttemptError;
use crate::ledger::{Cause, CauseMessage};
use crate::request::{ContactRequest, Operation};

/// Error codes of invalid credentials.
const CREDENTIAL_CODES: &str = "\
    ExpiredToken ExpiredTokenException UnrecognizedClientException InvalidSignatureException \
    InvalidClientTokenId SignatureDoesNotMatch IncompleteSignature";

/// Error codes of missing permissions and of requests that are refused before they are validated.
const DENIAL_CODES: &str = "\
    AccessDeniedException MissingAuthenticationTokenException MissingAuthenticationToken RequestExpired \
    NotAuthorized OptInRequired UnknownOperationException";

/// Error codes of the service and its protocol. They are fixed strings and need no redaction.
const SERVICE_CODES: &str = "\
    ThrottlingException TooManyRequestsException Throttling RequestLimitExceeded InternalServiceException \
    RequestAbortedException IdempotencyException ConflictException ServiceQuotaExceededException \
    ResourceNotFoundException InvalidRequestException InvalidParameterException SerializationException \
    ValidationException RequestEntityTooLargeException";

/// Classifies a response by its error code, and by its status where the code is missing or unknown.
///
/// `request` provides the values to redact. Without it the message is dropped, since it may quote any contact.
pub(super) fn classify(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    request: Option<&ContactRequest<'_>>,
) -> AttemptError {
    let code = code.map(|code| sanitized_code(code, request)).unwrap_or_default();
    let cause = Cause {
        code: if code.is_empty() { format!("HTTP{status}") } else { code.clone() },
        message: request
            .map(|request| cause_message(message.unwrap_or_default(), request))
            .unwrap_or_default(),
    };
    let kind = match (code.as_str(), status) {
        (_, 200..=399) => AttemptError::MaybeSent,
        ("ThrottlingException" | "TooManyRequestsException" | "Throttling" | "RequestLimitExceeded", _)
        | (_, 429) => AttemptError::Throttled,
        // Aborted, or timed out at a gateway: the service may have processed it.
        ("InternalServiceException" | "RequestAbortedException", _) | (_, 408 | 500..) => {
            AttemptError::MaybeSent
        }
        ("IdempotencyException", _) => AttemptError::TokenReused,
        ("ConflictException", _) => AttemptError::Conflict,
        ("ServiceQuotaExceededException", _) if is_chained_task(request) => AttemptError::ChainOrQuota,
        ("ServiceQuotaExceededException", _) => AttemptError::QuotaExceeded,
        ("ResourceNotFoundException", _) => AttemptError::NotFound,
        (code, _) if is_denial(code) => AttemptError::Denied,
        (_, 401 | 402 | 403 | 407) => AttemptError::Denied,
        // Connect always sends an error code: this response is a proxy's or another server's.
        ("", _) => AttemptError::Denied,
        _ => AttemptError::Refused,
    };
    kind(cause)
}

/// Classifies a page of HTML by its status.
pub(super) fn classify_page(status: u16) -> AttemptError {
    const MESSAGE: &str =
        "a page of HTML, which is no answer of the service but of a proxy, a gateway or a login page";
    classify(status, None, Some(MESSAGE), Some(&ContactRequest::empty(Operation::CreateContact)))
}

/// Maximum length of a message, characters; Connect's have a few hundred.
const MESSAGE_CHARS: usize = 2000;

/// Maximum length of a message where it is shown, characters.
const SHOWN_CHARS: usize = 500;

/// The message without values of the row, and the whole message for the rejects file.
fn cause_message(message: &str, request: &ContactRequest<'_>) -> CauseMessage {
    let full = one_line(message, MESSAGE_CHARS);
    let is_cut = message.chars().nth(MESSAGE_CHARS).is_some();
    CauseMessage::redacted(one_line(&request.redact(&full, is_cut), SHOWN_CHARS), full)
}

fn is_chained_task(request: Option<&ContactRequest<'_>>) -> bool {
    request.is_some_and(|request| {
        request.operation == Operation::StartTaskContact && request.previous_contact_id.is_some()
    })
}

/// Whether an error code says that the credentials are invalid, as opposed to missing permissions.
pub fn is_credentials_error(code: &str) -> bool {
    is_one_of(code, CREDENTIAL_CODES)
}

/// Whether an error code is one of the services' and their protocols'.
pub(super) fn is_known_code(code: &str) -> bool {
    is_one_of(code, SERVICE_CODES) || is_denial(code)
}

fn is_denial(code: &str) -> bool {
    is_credentials_error(code) || is_one_of(code, DENIAL_CODES)
}

fn is_one_of(code: &str, codes: &str) -> bool {
    codes.split(' ').any(|known| known == code)
}

/// The code without values of the row and without characters that no AWS error code has: an endpoint that is not
/// Connect may put anything there.
fn sanitized_code(code: &str, request: Option<&ContactRequest<'_>>) -> String {
    let code = match request {
        Some(request) if !is_known_code(code) => request.redact(code, false),
        _ => code.to_owned(),
    };
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "._#-".contains(*c)).take(100).collect()
}

/// The first `chars` characters, with control characters replaced by spaces.
pub(super) fn one_line(text: &str, chars: usize) -> String {
    text.chars().take(chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::OrderedMap;

    #[test]
    fn responses_are_classified_by_code_and_then_by_status() {
        type Kind = fn(Cause) -> AttemptError;
        let cases: [(u16, Option<&str>, Kind, &str); 22] = [
            (429, Some("ThrottlingException"), AttemptError::Throttled, "ThrottlingException"),
            (400, Some("TooManyRequestsException"), AttemptError::Throttled, "TooManyRequestsException"),
            (429, None, AttemptError::Throttled, "HTTP429"),
            (500, Some("InternalServiceException"), AttemptError::MaybeSent, "InternalServiceException"),
            (503, None, AttemptError::MaybeSent, "HTTP503"),
            (400, Some("InvalidRequestException"), AttemptError::Refused, "InvalidRequestException"),
            (404, Some("ResourceNotFoundException"), AttemptError::NotFound, "ResourceNotFoundException"),
            (404, Some("UnknownOperationException"), AttemptError::Denied, "UnknownOperationException"),
            (404, None, AttemptError::Denied, "HTTP404"),
            (404, Some(""), AttemptError::Denied, "HTTP404"),
            (400, Some("<script>\n"), AttemptError::Refused, "script"),
            (403, Some("AccessDeniedException"), AttemptError::Denied, "AccessDeniedException"),
            (403, Some("SomethingNew"), AttemptError::Denied, "SomethingNew"),
            (
                402,
                Some("ServiceQuotaExceededException"),
                AttemptError::QuotaExceeded,
                "ServiceQuotaExceededException",
            ),
            (409, Some("IdempotencyException"), AttemptError::TokenReused, "IdempotencyException"),
            (409, Some("ConflictException"), AttemptError::Conflict, "ConflictException"),
            (400, Some("RequestExpired"), AttemptError::Denied, "RequestExpired"),
            (400, Some("RequestAbortedException"), AttemptError::MaybeSent, "RequestAbortedException"),
            (407, None, AttemptError::Denied, "HTTP407"),
            (400, None, AttemptError::Denied, "HTTP400"),
            (200, None, AttemptError::MaybeSent, "HTTP200"),
            (302, None, AttemptError::MaybeSent, "HTTP302"),
        ];
        let request = ContactRequest::empty(Operation::CreateContact);
        for (status, code, kind, stored_code) in cases {
            let expected = kind(Cause { code: stored_code.into(), message: "m".into() });
            assert_eq!(classify(status, code, Some("m"), Some(&request)), expected);
        }
    }

    #[test]
    fn a_quota_error_of_a_chained_task_may_be_the_rows_own() {
        let unchained = ContactRequest::empty(Operation::StartTaskContact);
        let chained = ContactRequest { previous_contact_id: Some("p".into()), ..unchained.clone() };
        let error = |request| classify(402, Some("ServiceQuotaExceededException"), None, Some(request));
        assert!(matches!(error(&unchained), AttemptError::QuotaExceeded(_)));
        assert!(matches!(error(&chained), AttemptError::ChainOrQuota(_)));
    }

    #[test]
    fn values_of_the_row_are_redacted_from_the_message() {
        let empty = ContactRequest::empty(Operation::CreateContact);
        let request = ContactRequest { name: Some("Jane Roe".into()), ..empty };
        let message = |request| {
            let error = classify(400, Some("InvalidRequestException"), Some("bad name Jane Roe"), request);
            error.cause().message.to_string()
        };
        assert_eq!(message(Some(&request)), "bad name …");
        assert_eq!(message(None), "");
    }

    /// Messages as Connect and other AWS services word them.
    const SERVICE_PHRASES: [&str; 9] = [
        "Contact flow is not published",
        "Contact flow is not of the right type",
        "Invalid reference value. Reference type URL must be a valid URL",
        "Attribute key contains invalid characters",
        "You do not have access to the resource.",
        "Instance id is not valid",
        "The resource was not found.",
        "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must have length less than or \
         equal to 512",
        "Request contains an idempotency token that was used with other parameters",
    ];

    #[test]
    fn the_services_reason_survives_tickets_that_speak_of_the_same_things() {
        let everything = SERVICE_PHRASES.join(". ");
        let words: Vec<&str> = everything.split(' ').collect();
        let value = |at: usize| format!("{} {} to do", words[at], words[(at + 1) % words.len()]);
        let attributes = (0..words.len()).map(|at| (format!("a{at}").into(), value(at).into())).collect();
        let request = ContactRequest {
            description: Some(everything.clone().into()),
            attributes: OrderedMap(attributes),
            ..ContactRequest::completed_task("Contact flow and reference of the instance")
        };
        for phrase in SERVICE_PHRASES {
            let error = classify(400, Some("InvalidRequestException"), Some(phrase), Some(&request));
            assert_eq!(error.cause().message.as_str(), phrase);
        }
    }

    #[test]
    fn a_message_beyond_the_maximum_may_end_within_a_value() {
        let request = ContactRequest::completed_task("Jane Roe of Leeds");
        let long = format!("{}Jane Roe of Leeds", "x".repeat(MESSAGE_CHARS - 10));
        let message = cause_message(&long, &request);
        assert_eq!(message.as_str().chars().count(), SHOWN_CHARS);
        let shown = request.redact(&one_line(&long, MESSAGE_CHARS), true);
        assert!(shown.ends_with("x…"), "{shown}");
    }
}
