//! What the errors of the SDK's credentials providers have in common: calls, texts and files.
//!
//! The SDK tells a reason in a chain of errors. Where their types are public they are asked; the texts are those of
//! aws-config 1.13.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::request::{ContactRequest, Operation};
use crate::submission::attempt::AttemptError;
use crate::submission::connect::error_chain::{chain, find, innermost};
use crate::submission::connect::trust::UntrustedCertificate;
use crate::submission::credentials::CredentialsFailure;
use crate::submission::proxy_failure::ProxyFailure;
use crate::submission::service_error::{ErrorResponse, one_line};

/// Maximum length of a quoted text, characters.
pub(super) const QUOTED_CHARS: usize = 500;

/// A failure that only the user can end.
pub(super) fn permanent(reason: impl Into<String>, remedy: impl Into<String>) -> CredentialsFailure {
    CredentialsFailure { reason: reason.into(), remedy: remedy.into(), may_pass: false }
}

/// A failure that may pass.
pub(super) fn passing(reason: impl Into<String>) -> CredentialsFailure {
    let remedy = "try again later, and check the network between this machine and it";
    CredentialsFailure { reason: reason.into(), remedy: remedy.into(), may_pass: true }
}

/// The failure of a call of `service`. `remedy` is asked with the code of a refusal.
pub(super) fn of_call<E: ProvideErrorMetadata + Error + 'static>(
    service: &str,
    error: &SdkError<E, Response>,
    remedy: impl FnOnce(&str) -> String,
) -> CredentialsFailure {
    let SdkError::ServiceError(answer) = error else { return unanswered(service, error) };
    let (code, message) = (answer.err().code(), answer.err().message());
    // No value of a row is sent to the service, so its message stays as it is.
    let nothing = ContactRequest::empty(Operation::CreateContact);
    let status = answer.raw().status().as_u16();
    let error = ErrorResponse { status, code, message, retry_after: None, clock: None, is_of_aws: true }
        .classify(Some(&nothing));
    let cause = error.cause();
    let said = match cause.message.as_str() {
        "" => cause.code.clone(),
        message => format!("{}: {message}", cause.code),
    };
    // STS asks to repeat a call whose identity provider did not answer (API reference, AssumeRoleWithWebIdentity).
    let is_temporary = cause.code == "IDPCommunicationError";
    match error {
        AttemptError::Throttled(_) => passing(format!("{service} throttles this account ({said})")),
        AttemptError::MaybeSent(_) => passing(format!("{service} fails ({said})")),
        _ if is_temporary => passing(format!("{service} fails ({said})")),
        _ => permanent(format!("{service} refuses ({said})"), remedy(&cause.code)),
    }
}

/// What failed on the way to any service: a proxy, or the service's certificate.
pub(super) fn of_transport(error: &CredentialsError) -> Option<CredentialsFailure> {
    if let Some(proxy) = find::<ProxyFailure>(error) {
        let reason = proxy.to_string();
        return Some(match proxy.is_refusal() {
            true => permanent(reason, "let the proxy connect, or except the host with NO_PROXY"),
            false => passing(reason),
        });
    }
    // Its text ends with the remedy.
    find::<UntrustedCertificate>(error).map(|untrusted| permanent(untrusted.to_string(), ""))
}

/// A call without a usable answer. `error` is that of the SDK.
pub(super) fn unanswered(service: &str, error: &(dyn Error + 'static)) -> CredentialsFailure {
    if find::<rustls::Error>(error).is_some() {
        let reason = format!("no trusted connection to {service} ({})", innermost(error));
        return permanent(
            reason,
            "check the endpoint, and the authority of its certificate with --ca-bundle",
        );
    }
    match find::<ConnectorError>(error) {
        Some(connector) if connector.is_timeout() => passing(format!("{service} does not answer in time")),
        Some(connector) if connector.is_user() => {
            permanent(format!("{service} cannot be asked ({})", innermost(error)), "check its endpoint")
        }
        Some(_) => passing(format!("{service} is out of reach ({})", innermost(error))),
        None if has_text(error, "timed out") => passing(format!("{service} does not answer in time")),
        None => {
            permanent(format!("{service} cannot be asked ({})", innermost(error)), "check the configuration")
        }
    }
}

/// Whether an error of the chain has this text.
pub(super) fn has_text(error: &(dyn Error + 'static), text: &str) -> bool {
    chain(error).any(|error| error.to_string().contains(text))
}

/// The texts of the chain below the SDK's general ones.
pub(super) fn texts(error: &CredentialsError) -> Vec<String> {
    let is_specific = |error: &&(dyn Error + 'static)| !error.is::<CredentialsError>();
    let mut texts: Vec<String> = chain(error).filter(is_specific).map(ToString::to_string).collect();
    // This error of the SDK has its source in a method that is deprecated, so that no chain has it.
    #[expect(deprecated, reason = "the SDK implements cause, and not source")]
    let hidden = chain(error).last().and_then(|last| last.cause().map(ToString::to_string));
    texts.extend(hidden);
    texts
}

/// The file of a token cannot be read.
pub(super) fn of_file(error: &CredentialsError, file: &str, named_by: &str) -> Option<CredentialsFailure> {
    if has_text(error, "was not valid UTF-8") {
        return Some(permanent(format!("the token in {file} is not UTF-8"), "renew the token"));
    }
    let problem = find::<std::io::Error>(error)?;
    let reason = match is_missing(problem) {
        true => format!("there is no file {file}, which {named_by} names"),
        false => format!("cannot read {file}, which {named_by} names: {problem}"),
    };
    Some(permanent(reason, format!("correct {named_by}, or write the token to that file")))
}

/// Whether the file does not exist.
pub(super) fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// The path in a text of the SDK: ``failed to read `PATH` ``.
pub(super) fn quoted_path(text: &str) -> Option<String> {
    let (_, path) = text.split_once("failed to read `").or_else(|| text.split_once("failed to write `"))?;
    Some(one_line(path.strip_suffix('`')?, QUOTED_CHARS))
}
