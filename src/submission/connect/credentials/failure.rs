//! Why a source of credentials gave none: from the error of an SDK's provider to a reason and a remedy.
//!
//! A text of the SDK is quoted only where it is known to hold no secret: not the output of a credential process, and not an
//! answer with credentials that cannot be parsed.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;

use super::login_failure::{of_login, of_process, of_sso};
use super::metadata_failure::{no_instance, of_container, of_instance};
use super::provider_error::{QUOTED_CHARS, of_call, of_file, of_transport, passing, permanent, texts};
use crate::file_kind::{MAX_SETTINGS, open_ordinary};
use crate::printable::ShownPath as _;
use crate::submission::connect::error_chain::find;
use crate::submission::connect::profile::{OriginKind, ProfileOrigin};
use crate::submission::credentials::{CredentialsFailure, CredentialsSource};
use crate::submission::service_error::one_line;

/// What a provider of the SDK does, which its error does not tell.
enum Provider<'a> {
    Sso {
        session: Option<&'a str>,
        role: &'a str,
        profile: &'a str,
    },
    Login {
        profile: &'a str,
    },
    Process {
        command: &'a str,
    },
    /// The file of the token, and the key or variable that names it.
    WebIdentity {
        file: String,
        named_by: &'a str,
    },
    Container,
    Instance,
    Other,
}

/// Why the `source` failed with `error`. `origin` is that of its profile.
pub(super) fn failure_of(
    source: &CredentialsSource,
    origin: Option<&ProfileOrigin>,
    error: &CredentialsError,
) -> CredentialsFailure {
    let provider = provider(source, origin);
    let found =
        of_transport(error).or_else(|| of_role(&provider, error)).or_else(|| of_provider(&provider, error));
    let found = found.unwrap_or_else(|| of_text(error));
    CredentialsFailure { reason: format!("{}: {}", name(source), found.reason), ..found }
}

/// The source without the way in which a profile gets its credentials, which the reason names.
fn name(source: &CredentialsSource) -> String {
    source.profile().map_or_else(|| source.to_string(), |name| format!("profile {name}"))
}

fn provider<'a>(source: &CredentialsSource, origin: Option<&'a ProfileOrigin>) -> Provider<'a> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    match (source, origin) {
        (CredentialsSource::Container, _) => Provider::Container,
        (CredentialsSource::Instance, _) => Provider::Instance,
        (CredentialsSource::WebIdentity, _) => {
            let named_by = "AWS_WEB_IDENTITY_TOKEN_FILE";
            Provider::WebIdentity { file: variable(named_by), named_by }
        }
        (CredentialsSource::Profile { .. }, Some(ProfileOrigin { profile, kind })) => match kind {
            OriginKind::Process { command } => Provider::Process { command },
            OriginKind::Sso { session, role } => Provider::Sso { session: session.as_deref(), role, profile },
            OriginKind::Login => Provider::Login { profile },
            OriginKind::WebIdentity(file) => {
                Provider::WebIdentity { file: file.shown(), named_by: "web_identity_token_file" }
            }
            OriginKind::Container => Provider::Container,
            OriginKind::Instance => Provider::Instance,
            OriginKind::Keys | OriginKind::Nothing => Provider::Other,
        },
        _ => Provider::Other,
    }
}

/// The refusal of a role by AWS STS, or its absence.
fn of_role(provider: &Provider<'_>, error: &CredentialsError) -> Option<CredentialsFailure> {
    const STS: &str = "AWS STS";
    if let Some(error) = find::<SdkError<AssumeRoleError, Response>>(error) {
        return Some(of_call(STS, error, |code| match code {
            "ExpiredToken" | "ExpiredTokenException" => "log in again with the source of the role".to_owned(),
            "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => {
                "check the access keys that the role is assumed with".to_owned()
            }
            _ => "allow sts:AssumeRole on the role, and name this identity in the role's trust policy"
                .to_owned(),
        }));
    }
    let error = find::<SdkError<AssumeRoleWithWebIdentityError, Response>>(error)?;
    Some(of_call(STS, error, |code| match code {
        "ExpiredTokenException" | "ExpiredToken" => "renew the token".to_owned(),
        "InvalidIdentityToken" => match provider {
            Provider::WebIdentity { file, .. } if is_padded(file) => {
                format!("write {file} without white space at its ends: AWS STS got that as part of the token")
            }
            _ => "check the identity provider in IAM, and the token's audience".to_owned(),
        },
        _ => "allow sts:AssumeRoleWithWebIdentity for the token's subject in the role's trust policy"
            .to_owned(),
    }))
}

/// Whether the text of the file has white space at its ends. The SDK sends the text as it is.
fn is_padded(file: &str) -> bool {
    let text = open_ordinary(Path::new(file)).and_then(|file| io::read_to_string(file.take(MAX_SETTINGS)));
    text.is_ok_and(|token| token != token.trim())
}

fn of_provider(provider: &Provider<'_>, error: &CredentialsError) -> Option<CredentialsFailure> {
    match provider {
        Provider::Sso { session, role, profile } => Some(of_sso(*session, role, profile, error)),
        Provider::Login { profile } => Some(of_login(profile, error)),
        Provider::Process { command } => of_process(command, error),
        Provider::WebIdentity { file, named_by } => of_file(error, file, named_by),
        Provider::Container => of_container(error),
        Provider::Instance => of_instance(error),
        Provider::Other => None,
    }
}

/// An error of another kind: what the SDK says of the configuration.
fn of_text(error: &CredentialsError) -> CredentialsFailure {
    const PREFIX: &str = "ProfileFile provider could not be built: ";
    if let CredentialsError::ProviderTimedOut(_) = error {
        return passing("no answer in time");
    }
    let text = texts(error).into_iter().next().unwrap_or_else(|| error.to_string());
    let text = text.strip_prefix(PREFIX).unwrap_or(&text);
    permanent(one_line(text, QUOTED_CHARS), "correct the configuration of this source")
}

/// The source gave no credentials within `limit`.
pub(super) fn too_slow(
    source: &CredentialsSource,
    origin: Option<&ProfileOrigin>,
    limit: Duration,
) -> CredentialsFailure {
    let (name, seconds) = (name(source), limit.as_secs());
    match provider(source, origin) {
        // It still runs, and would be started once more.
        Provider::Process { .. } => {
            let reason = format!("{name}: the credential_process did not end within {seconds} s");
            permanent(reason, "run its command in a shell, and mend it")
        }
        _ => passing(format!("{name}: no answer within {seconds} s")),
    }
}

/// The source gave credentials that have expired.
pub(super) fn expired(
    source: &CredentialsSource,
    origin: Option<&ProfileOrigin>,
    at: SystemTime,
) -> CredentialsFailure {
    let at = jiff::Timestamp::try_from(at).map_or_else(|_| "some time".to_owned(), |at| format!("{at:.0}"));
    let remedy = match provider(source, origin) {
        Provider::Process { .. } => "make the credential_process renew them, or set this machine's clock",
        _ => "log in again, or set this machine's clock",
    };
    permanent(format!("{}: gives credentials that expired at {at}", name(source)), remedy)
}

/// Why a source that is not configured has no credentials, in a few words. `None` if the SDK does not say.
pub(super) fn why_nothing(
    source: &CredentialsSource,
    origin: Option<&ProfileOrigin>,
    error: &CredentialsError,
) -> Option<String> {
    let reason = match source {
        CredentialsSource::Variables | CredentialsSource::VariablesBeforeProfile(_) => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set".to_owned()
        }
        CredentialsSource::Profile { name, .. } => match (texts(error).first(), origin) {
            // Such as a source profile that does not exist.
            (Some(text), _) if !text.contains("the root profile") => one_line(text, QUOTED_CHARS),
            (_, None) => format!("there is no profile {name}"),
            (_, Some(_)) => format!("profile {name} has no keys, role, login or credential_process"),
        },
        CredentialsSource::WebIdentity => "AWS_WEB_IDENTITY_TOKEN_FILE is not set".to_owned(),
        CredentialsSource::Container => {
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set"
                .to_owned()
        }
        CredentialsSource::Instance => return no_instance(error).map(str::to_owned),
    };
    Some(reason)
}
