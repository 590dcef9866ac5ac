//! Why a profile that needs a login or a program gives no credentials: IAM Identity Center, `aws login`, `credential_process`.
//!
//! The output of a credential process and parts of a token's file are never quoted.

use std::path::Path;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::http::Response;

use super::process_error::excerpt;
use super::provider_error::{
    QUOTED_CHARS, has_text, is_missing, of_call, passing, permanent, quoted_path, texts, unanswered,
};
use crate::shell_word::shell_word;
use crate::submission::connect::error_chain::find;
use crate::submission::credentials::CredentialsFailure;
use crate::submission::service_error::one_line;

pub(super) fn of_sso(
    session: Option<&str>,
    role: &str,
    profile: &str,
    error: &CredentialsError,
) -> CredentialsFailure {
    const SERVICE: &str = "IAM Identity Center";
    let log_in = match session {
        Some(session) => format!("log in with: aws sso login --sso-session {}", shell_word(session)),
        None => format!("log in with: aws sso login --profile {}", shell_word(profile)),
    };
    if let Some(error) = find::<SdkError<GetRoleCredentialsError, Response>>(error) {
        return of_call(SERVICE, error, |code| match code {
            "UnauthorizedException" => log_in,
            _ => format!("ask for the role {role}, or correct the profile"),
        });
    }
    let texts = texts(error);
    if has_text(error, "the SSO token has expired") {
        return permanent(format!("the login to {SERVICE} has expired"), log_in);
    }
    let missing = texts.iter().find_map(|text| quoted_path(text));
    match (missing, find::<std::io::Error>(error)) {
        (Some(path), cause) if cause.is_none_or(is_missing) && !Path::new(&path).exists() => {
            permanent(format!("not logged in to {SERVICE}: there is no {path}"), log_in)
        }
        (Some(path), _) => permanent(format!("{path} cannot be read"), "allow reading it"),
        // Below it are texts with parts of the token's file.
        (None, _) => permanent(format!("the token of the login to {SERVICE} cannot be used"), log_in),
    }
}

pub(super) fn of_login(profile: &str, error: &CredentialsError) -> CredentialsFailure {
    const SERVICE: &str = "AWS Sign-In";
    const REFRESH: &str = "failed to refresh cached Login token";
    let log_in = format!("log in with: aws login --profile {}", shell_word(profile));
    let texts = texts(error);
    if find::<ConnectorError>(error).is_some() {
        return unanswered(SERVICE, error);
    }
    let refresh = texts.iter().find_map(|text| text.strip_prefix(REFRESH));
    if let Some(reason) = refresh {
        let service_error = texts.last().map(String::as_str).unwrap_or_default();
        let said = one_line(reason.strip_prefix(": ").unwrap_or(service_error), QUOTED_CHARS);
        let may_pass =
            ["InternalServer", "TooManyRequests"].iter().any(|kind| service_error.starts_with(kind));
        return match may_pass {
            true => passing(format!("{SERVICE} fails ({said})")),
            false => permanent(format!("the login cannot be renewed ({said})"), log_in),
        };
    }
    if has_text(error, "cached Login token is expired") {
        return permanent("the login has expired", log_in);
    }
    match texts.iter().find_map(|text| quoted_path(text)) {
        Some(path) if find::<std::io::Error>(error).is_none_or(is_missing) => {
            permanent(format!("not logged in: there is no {path}"), log_in)
        }
        Some(path) => permanent(format!("{path} cannot be read or written"), "allow reading and writing it"),
        None => permanent("the token of the login cannot be used", log_in),
    }
}

pub(super) fn of_process(command: &str, error: &CredentialsError) -> Option<CredentialsFailure> {
    const PROCESS: &str = "the credential_process";
    const FAILED: &str = "Error retrieving credentials: external process exited with code ";
    const UNPARSED: &str = "Error retrieving credentials from external process, could not parse response: ";
    const NOT_UTF8: &str = "Error retrieving credentials from external process: could not decode output";
    const NOT_RUN: &str = "Error retrieving credentials from external process: ";
    const OUTPUT: &str =
        "print the JSON object that the AWS SDKs expect of a credential process to its standard output";
    let text = texts(error).into_iter().next()?;
    if let Some((status, written)) = text.strip_prefix(FAILED).and_then(|text| text.split_once(". Stderr: "))
    {
        // A word of the command line may be a password, and programs repeat their arguments.
        let arguments =
            command.split([' ', '\t', '=', '"', '\'']).skip(1).filter(|word| !word.starts_with('-'));
        let known = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
        let variables = known.into_iter().filter_map(|name| std::env::var(name).ok());
        let secrets: Vec<String> = arguments.map(str::to_owned).chain(variables).collect();
        let written = match excerpt(written, &secrets) {
            written if written.is_empty() => "and wrote nothing to its standard error".to_owned(),
            written => format!("and wrote: {written}"),
        };
        let remedy = "run its command in a shell, and mend it";
        return Some(permanent(format!("{PROCESS} ended with {status} {written}"), remedy));
    }
    if let Some(text) = text.strip_prefix(UNPARSED) {
        let field = text.split('`').nth(1).unwrap_or_default();
        let reason = match (text.starts_with("Expected field"), field) {
            (true, field) => format!("{PROCESS} printed no {field}"),
            (false, field) if field.eq_ignore_ascii_case("version") => {
                format!("{PROCESS} printed a Version other than 1")
            }
            (false, "Expiration") => format!("{PROCESS} printed an Expiration that is no time of RFC 3339"),
            _ => format!("{PROCESS} printed something else than a JSON object"),
        };
        return Some(permanent(reason, OUTPUT));
    }
    if text.starts_with(NOT_UTF8) {
        return Some(permanent(format!("{PROCESS} printed something else than UTF-8"), OUTPUT));
    }
    let problem = one_line(text.strip_prefix(NOT_RUN)?, QUOTED_CHARS);
    Some(permanent(format!("{PROCESS} cannot be run ({problem})"), "make sure that this machine has a shell"))
}
