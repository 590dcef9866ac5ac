//! Classifies an error response of the service by its code and status. Pure; names no type of the SDK.

use std::time::Duration;

use super::attempt::{AttemptError, PoolCause};
use super::clock::{ClockReading, ClockRefusal, SKEW_CODES, TIME_CODES};
use crate::ledger::{Cause, CauseMessage};
use crate::printable::is_unprintable;
use crate::request::{ContactRequest, Operation};

/// Error codes of throttling, at any status: the AWS SDK's list (aws-runtime, `THROTTLING_ERRORS`; a test compares them).
/// CreateContact and StartTaskContact declare `ThrottlingException` alone, and no `LimitExceededException`: for other
/// operations of Connect that is a quota.
pub(super) const THROTTLING_CODES: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

/// Error codes of a request that timed out on its way: the AWS SDK's list (aws-runtime, `TRANSIENT_ERRORS`; a test
/// compares them). The service may have processed it.
pub(super) const TRANSIENT_CODES: &[&str] = &["RequestTimeout", "RequestTimeoutException"];

/// Error codes of a service that failed while it processed the request (botocore's and the AWS API reference's common
/// errors), and of a request that was aborted.
const FAILURE_CODES: &[&str] = &[
    "InternalServiceException",
    "InternalServiceError",
    "InternalServerException",
    "InternalServerError",
    "InternalFailure",
    "InternalFailureException",
    "InternalError",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestAbortedException",
];

/// Error codes of invalid credentials.
const CREDENTIAL_CODES: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "AuthFailure",
];

/// Error codes of missing permissions and of requests that are refused before they are validated.
const DENIAL_CODES: &[&str] = &[
    "AccessDeniedException",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "UnknownOperationException",
];

/// Other error codes of the service and its protocol. They are fixed strings and need no redaction.
const SERVICE_CODES: &[&str] = &[
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

/// An error response of the service.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct ErrorResponse<'a> {
    /// HTTP status.
    pub(super) status: u16,
    /// Error code, without name space.
    pub(super) code: Option<&'a str>,
    /// The service's message.
    pub(super) message: Option<&'a str>,
    /// Pause that the service asks for.
    pub(super) retry_after: Option<Duration>,
    /// Times of the request and of the response, if the request was signed and the response has its time.
    pub(super) clock: Option<ClockReading>,
    /// Whether the headers are those of a service of AWS. Without them an unknown code is that of another program, such as
    /// a gateway, and says nothing of the row.
    pub(super) is_of_aws: bool,
}

impl ErrorResponse<'_> {
    /// Classifies the response by its error code, and by its status where the code is missing or unknown.
    ///
    /// `request` provides the values to redact. Without it the message is dropped, since it may quote any contact.
    pub(super) fn classify(self, request: Option<&ContactRequest<'_>>) -> AttemptError {
        let ErrorResponse { status, retry_after, .. } = self;
        let message = match (self.message.unwrap_or_default(), status) {
            ("", 200..=299) => "an answer with success that cannot be read",
            ("", 300..=399) => "a redirection, which is not followed",
            (message, _) => message,
        };
        let code = self.code.filter(|code| self.is_of_aws || is_known_code(code));
        let code = code.map(|code| sanitized_code(code, request)).unwrap_or_default();
        let cause = Cause {
            code: if code.is_empty() { format!("HTTP{status}") } else { code.clone() },
            message: request.map(|request| cause_message(message, request)).unwrap_or_default(),
        };
        let code = code.as_str();
        let pool = |cause| PoolCause { cause, retry_after };
        // Also 101: what became of the request is not known.
        if status <= 399 {
            return AttemptError::MaybeSent(pool(cause));
        }
        if THROTTLING_CODES.contains(&code) || status == 429 {
            return AttemptError::Throttled(pool(cause));
        }
        let is_failure = FAILURE_CODES.contains(&code) || TRANSIENT_CODES.contains(&code);
        if is_failure || matches!(status, 408 | 500..) {
            return AttemptError::MaybeSent(pool(cause));
        }
        if let Some(refusal) = ClockRefusal::of(&cause, code, message, self.clock) {
            return AttemptError::Clock(refusal);
        }
        match (code, status) {
            ("IdempotencyException", _) => AttemptError::TokenReused(cause),
            ("ConflictException", _) => AttemptError::Conflict(cause),
            ("ServiceQuotaExceededException", _) if is_chained_task(request) => {
                AttemptError::ChainOrQuota(cause)
            }
            ("ServiceQuotaExceededException", _) => AttemptError::QuotaExceeded(cause),
            ("ResourceNotFoundException", _) => AttemptError::NotFound(cause),
            (code, _) if is_denial(code) => AttemptError::Denied(cause),
            (_, 401 | 402 | 403 | 407) => AttemptError::Denied(cause),
            // Connect always sends an error code: this response is a proxy's or another server's.
            ("", _) => AttemptError::Denied(cause),
            _ => AttemptError::Refused(cause),
        }
    }

    /// Classifies a page of HTML by its status.
    pub(super) fn classify_page(self) -> AttemptError {
        const MESSAGE: &str =
            "a page of HTML, which is no answer of the service but of a proxy, a gateway or a login page";
        let page = ErrorResponse { code: None, message: Some(MESSAGE), clock: None, ..self };
        page.classify(Some(&ContactRequest::empty(Operation::CreateContact)))
    }
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
    CREDENTIAL_CODES.contains(&code)
}

fn is_denial(code: &str) -> bool {
    is_credentials_error(code) || DENIAL_CODES.contains(&code)
}

/// Whether an error code is one of the services' and their protocols'.
pub(super) fn is_known_code(code: &str) -> bool {
    known_code(code).is_some()
}

/// The code as the services spell it, if it is one of theirs in any case of its letters.
fn known_code(code: &str) -> Option<&'static str> {
    let known = [
        THROTTLING_CODES,
        TRANSIENT_CODES,
        FAILURE_CODES,
        CREDENTIAL_CODES,
        DENIAL_CODES,
        SERVICE_CODES,
        TIME_CODES,
        SKEW_CODES,
    ];
    known.into_iter().flatten().copied().find(|known| known.eq_ignore_ascii_case(code))
}

/// The code without values of the row and without characters that no AWS error code has: an endpoint that is not
/// Connect may put anything there.
fn sanitized_code(code: &str, request: Option<&ContactRequest<'_>>) -> String {
    let code = match (known_code(code), request) {
        (Some(known), _) => return known.to_owned(),
        (None, Some(request)) => request.redact(code, false),
        (None, None) => code.to_owned(),
    };
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "._#-".contains(*c)).take(100).collect()
}

/// The first `chars` characters, with unprintable characters replaced by spaces.
pub(super) fn one_line(text: &str, chars: usize) -> String {
    text.chars().take(chars).map(|c| if is_unprintable(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::OrderedMap;

    /// The name of the class, and the code of the cause.
    fn class(error: &AttemptError) -> (&'static str, &str) {
        let class = match error {
            AttemptError::Throttled(_) => "throttled",
            AttemptError::MaybeSent(_) => "maybe sent",
            AttemptError::Refused(_) => "refused",
            AttemptError::NotFound(_) => "not found",
            AttemptError::Conflict(_) => "conflict",
            AttemptError::TokenReused(_) => "token reused",
            AttemptError::Clock(_) => "clock",
            AttemptError::Denied(_) => "denied",
            AttemptError::QuotaExceeded(_) => "quota exceeded",
            AttemptError::ChainOrQuota(_) => "chain or quota",
            AttemptError::NotSent(_)
            | AttemptError::Untrusted(_)
            | AttemptError::CredentialsUnavailable(_)
            | AttemptError::NoCredentials(_) => "no response",
        };
        (class, &error.cause().code)
    }

    fn response<'a>(status: u16, code: &'a str, message: &'a str) -> ErrorResponse<'a> {
        let response =
            ErrorResponse { status, code: Some(code), message: Some(message), ..ErrorResponse::default() };
        ErrorResponse { is_of_aws: true, ..response }
    }

    #[test]
    fn responses_are_classified_by_code_and_then_by_status() {
        let cases: [(u16, Option<&str>, &str, &str); 27] = [
            (429, Some("ThrottlingException"), "throttled", "ThrottlingException"),
            (429, Some("SomethingNew"), "throttled", "SomethingNew"),
            (429, None, "throttled", "HTTP429"),
            (500, Some("InternalServiceException"), "maybe sent", "InternalServiceException"),
            (500, Some("InvalidParameterException"), "maybe sent", "InvalidParameterException"),
            (503, None, "maybe sent", "HTTP503"),
            (408, None, "maybe sent", "HTTP408"),
            (400, Some("InvalidRequestException"), "refused", "InvalidRequestException"),
            (400, Some("SomethingNew"), "refused", "SomethingNew"),
            (404, Some("ResourceNotFoundException"), "not found", "ResourceNotFoundException"),
            (404, Some("UnknownOperationException"), "denied", "UnknownOperationException"),
            (404, None, "denied", "HTTP404"),
            (404, Some(""), "denied", "HTTP404"),
            (400, Some("<script>\n"), "refused", "script"),
            (403, Some("AccessDeniedException"), "denied", "AccessDeniedException"),
            (403, Some("SomethingNew"), "denied", "SomethingNew"),
            (401, Some("AuthFailure"), "denied", "AuthFailure"),
            (400, Some("ExpiredTokenException"), "denied", "ExpiredTokenException"),
            (402, Some("ServiceQuotaExceededException"), "quota exceeded", "ServiceQuotaExceededException"),
            (409, Some("IdempotencyException"), "token reused", "IdempotencyException"),
            (409, Some("ConflictException"), "conflict", "ConflictException"),
            (400, Some("RequestExpired"), "clock", "RequestExpired"),
            (407, None, "denied", "HTTP407"),
            (400, None, "denied", "HTTP400"),
            (200, None, "maybe sent", "HTTP200"),
            (302, None, "maybe sent", "HTTP302"),
            (302, Some("ThrottlingException"), "maybe sent", "ThrottlingException"),
        ];
        let request = ContactRequest::empty(Operation::CreateContact);
        for (status, code, expected, stored_code) in cases {
            let response = ErrorResponse { status, code, message: Some("m"), ..ErrorResponse::default() };
            let error = ErrorResponse { is_of_aws: true, ..response }.classify(Some(&request));
            assert_eq!(class(&error), (expected, stored_code), "{status} {code:?}");
            assert_eq!(error.cause().message.as_str(), "m");
        }
    }

    #[test]
    fn an_unknown_code_of_another_program_rejects_no_row() {
        let foreign =
            |status, code| ErrorResponse { is_of_aws: false, ..response(status, code, "m") }.classify(None);
        for (status, code, expected, stored_code) in [
            (400, "BLOCKED", "denied", "HTTP400"),
            (403, "BLOCKED", "denied", "HTTP403"),
            (429, "RATE_LIMITED", "throttled", "HTTP429"),
            (502, "DNS", "maybe sent", "HTTP502"),
            (400, "InvalidRequestException", "refused", "InvalidRequestException"),
            (400, "SlowDown", "throttled", "SlowDown"),
        ] {
            assert_eq!(class(&foreign(status, code)), (expected, stored_code), "{status} {code}");
        }
    }

    #[test]
    fn an_answer_that_is_no_error_leaves_the_row_in_doubt_with_a_reason() {
        let request = ContactRequest::empty(Operation::CreateContact);
        for (status, message) in [
            (101, ""),
            (200, "an answer with success that cannot be read"),
            (307, "a redirection, which is not followed"),
        ] {
            let error = ErrorResponse { status, ..ErrorResponse::default() }.classify(Some(&request));
            assert_eq!(class(&error), ("maybe sent", &*format!("HTTP{status}")));
            assert_eq!(error.cause().message.as_str(), message);
        }
    }

    #[test]
    fn throttling_and_failures_of_the_service_are_no_fault_of_a_row_at_any_status() {
        for status in [400, 402, 403, 404, 409, 413, 418, 500, 503] {
            for code in THROTTLING_CODES {
                assert_eq!(
                    class(&response(status, code, "").classify(None)),
                    ("throttled", *code),
                    "{status}"
                );
            }
            for code in TRANSIENT_CODES.iter().chain(FAILURE_CODES) {
                for spelling in [(*code).to_owned(), code.to_lowercase(), code.to_uppercase()] {
                    let error = response(status, &spelling, "").classify(None);
                    assert_eq!(class(&error), ("maybe sent", *code), "{status}");
                }
            }
        }
        for status in [400, 401, 403] {
            for code in ["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"] {
                assert_eq!(class(&response(status, code, "").classify(None)), ("clock", code), "{status}");
            }
            let error = response(status, "InvalidSignatureException", "Signature expired: x").classify(None);
            assert_eq!(class(&error).0, "clock");
        }
    }

    #[test]
    fn the_pause_that_the_service_asks_for_is_kept_where_it_concerns_the_pool() {
        let retry_after = Some(Duration::from_secs(7));
        let asked = |status, code| match (ErrorResponse { retry_after, ..response(status, code, "") })
            .classify(None)
        {
            AttemptError::Throttled(pool) | AttemptError::MaybeSent(pool) => pool.retry_after,
            _ => None,
        };
        assert_eq!(asked(429, "ThrottlingException"), retry_after);
        assert_eq!(asked(400, "SlowDown"), retry_after);
        assert_eq!(asked(503, ""), retry_after);
        assert_eq!(asked(400, "InvalidRequestException"), None);
    }

    #[test]
    fn a_quota_error_of_a_chained_task_may_be_the_rows_own() {
        let unchained = ContactRequest::empty(Operation::StartTaskContact);
        let chained = ContactRequest { previous_contact_id: Some("p".into()), ..unchained.clone() };
        let error = |request| response(402, "ServiceQuotaExceededException", "").classify(Some(request));
        assert!(matches!(error(&unchained), AttemptError::QuotaExceeded(_)));
        assert!(matches!(error(&chained), AttemptError::ChainOrQuota(_)));
    }

    #[test]
    fn values_of_the_row_are_redacted_from_the_message() {
        let empty = ContactRequest::empty(Operation::CreateContact);
        let request = ContactRequest { name: Some("Jane Roe".into()), ..empty };
        let message = |request| {
            let error = response(400, "InvalidRequestException", "bad name Jane Roe").classify(request);
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
            let error = response(400, "InvalidRequestException", phrase).classify(Some(&request));
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
