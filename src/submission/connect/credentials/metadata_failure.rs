//! Why the credentials endpoint of a container, or the metadata service of an EC2 instance, gives no credentials.

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;

use super::provider_error::{QUOTED_CHARS, has_text, of_file, passing, permanent, texts, unanswered};
use crate::submission::connect::error_chain::find;
use crate::submission::credentials::CredentialsFailure;
use crate::submission::service_error::one_line;
use crate::submission::target::origin;

pub(super) fn of_container(error: &CredentialsError) -> Option<CredentialsFailure> {
    const SERVICE: &str = "the endpoint";
    const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const STATUS: &str = "Non-success status from HTTP credential provider: ";
    const ERROR: &str = "failed to load credentials ";
    const NO_CREDENTIALS: &str = "it answers with something else than credentials";
    if let Some(error) = find::<SdkError<CredentialsError, Response>>(error) {
        return Some(unanswered(SERVICE, error));
    }
    let variable = |name| std::env::var(name).unwrap_or_default();
    let text = texts(error).into_iter().next()?;
    if let Some(status) = text.strip_prefix(STATUS) {
        let status: String = status.chars().filter(char::is_ascii_digit).collect();
        let reason = format!("it answers with HTTP status {status}");
        return Some(match status.as_bytes().first() {
            Some(b'5') => passing(reason),
            _ if status == "429" => passing(reason),
            _ => permanent(reason, format!("check the role of the task or pod, and {TOKEN_FILE}")),
        });
    }
    if let Some(said) = text.strip_prefix(ERROR) {
        let reason = format!("it answers {}", one_line(said, QUOTED_CHARS));
        return Some(permanent(reason, "check the role of the task or pod"));
    }
    if text.contains("auth token could not be used") {
        let reason = "the authorization token has characters that no HTTP header may have";
        return Some(permanent(reason, format!("correct AWS_CONTAINER_AUTHORIZATION_TOKEN or {TOKEN_FILE}")));
    }
    if text.starts_with("invalid full URI") {
        let host = origin(&variable(FULL_URI)).unwrap_or_else(|| "no URL".to_owned());
        let remedy =
            "use https, or an address of this machine, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]";
        return Some(permanent(format!("{FULL_URI} names {host}, which is not allowed"), remedy));
    }
    if text.starts_with("invalid relative URI") {
        let variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        return Some(permanent(format!("{variable} is no path"), format!("correct {variable}")));
    }
    if find::<std::io::Error>(error).is_some() {
        return of_file(error, &variable(TOKEN_FILE), TOKEN_FILE);
    }
    Some(permanent(NO_CREDENTIALS, format!("check {FULL_URI}")))
}

pub(super) fn of_instance(error: &CredentialsError) -> Option<CredentialsFailure> {
    const ROLE: &str = "attach a role to the instance, or name a profile with --profile";
    // The text of its answer may have credentials in it.
    if let Some(found) = find::<ImdsError>(error) {
        return Some(match found {
            ImdsError::ErrorResponse(answer) => match answer.response().status().as_u16() {
                404 => permanent("no role is attached to the instance", ROLE),
                status @ (429 | 500..) => passing(format!("it answers with HTTP status {status}")),
                status => permanent(format!("it answers with HTTP status {status}"), ROLE),
            },
            ImdsError::FailedToLoadToken(_) if has_text(found, "request forbidden") => permanent(
                "it is disabled, or forbids this machine to ask",
                "enable it in the instance's options",
            ),
            _ => unanswered("it", found),
        });
    }
    let text = texts(error).into_iter().next()?;
    for prefix in ["Error retrieving credentials from IMDS: ", "Incorrect IMDS/IAM configuration: "] {
        if let Some(said) = text.strip_prefix(prefix) {
            let remedy = "check the instance's role, and that its trust policy names ec2.amazonaws.com";
            return Some(permanent(format!("it answers {}", one_line(said, QUOTED_CHARS)), remedy));
        }
    }
    no_instance(error).map(|reason| permanent(reason, ROLE))
}

/// Why the metadata service is no source, in a few words. `None` if the SDK does not say.
pub(super) fn no_instance(error: &CredentialsError) -> Option<&'static str> {
    let reasons = [
        ("IMDS disabled", "the metadata service of EC2 is disabled by AWS_EC2_METADATA_DISABLED"),
        ("404 from IMDS", "no role is attached to the EC2 instance"),
        ("could not communicate with IMDS", "no metadata service of EC2 answers"),
    ];
    reasons.into_iter().find(|(text, _)| has_text(error, text)).map(|(_, reason)| reason)
}
