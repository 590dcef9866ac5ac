//! Where credentials come from, and why there are none. Pure.

use std::fmt;

use thiserror::Error;

/// A source of credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialsSource {
    /// The variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Variables,
    /// The same variables, while `AWS_PROFILE` names this profile: then they sign, as in the SDKs.
    VariablesBeforeProfile(String),
    /// A profile of the AWS configuration files.
    Profile {
        /// Its name.
        name: String,
        /// How it gets credentials; `None` if it has none.
        kind: Option<ProfileKind>,
    },
    /// The variables `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, as in EKS with IRSA and in CI with OIDC.
    WebIdentity,
    /// The credentials endpoint of a container, as in ECS, AWS Batch and EKS with Pod Identity.
    Container,
    /// The metadata service of an EC2 instance.
    Instance,
}

/// How a profile gets credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileKind {
    /// `aws_access_key_id` and `aws_secret_access_key`.
    Keys,
    /// `role_arn` with `source_profile` or `credential_source`.
    Role {
        /// ARN of the role.
        arn: String,
        /// Source of the credentials that assume it.
        source: Box<CredentialsSource>,
    },
    /// `credential_source` without a role: the credentials of this source.
    Source(Box<CredentialsSource>),
    /// `role_arn` with `web_identity_token_file`; the ARN of the role.
    WebIdentity(String),
    /// A login to IAM Identity Center, with `aws sso login`.
    Sso,
    /// `login_session`, a login to the console with `aws login`.
    Login,
    /// `credential_process`. Its command line may hold secrets.
    Process,
}

impl CredentialsSource {
    /// Name of the profile, if it is one.
    pub fn profile(&self) -> Option<&str> {
        match self {
            CredentialsSource::Profile { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether its credentials are renewed before they expire, so that a run may outlast them.
    pub fn is_renewed(&self) -> bool {
        match self {
            CredentialsSource::Variables
            | CredentialsSource::VariablesBeforeProfile(_)
            | CredentialsSource::Profile { kind: None | Some(ProfileKind::Keys), .. } => false,
            CredentialsSource::Profile { kind: Some(ProfileKind::Source(source)), .. } => source.is_renewed(),
            CredentialsSource::Profile { .. }
            | CredentialsSource::WebIdentity
            | CredentialsSource::Container
            | CredentialsSource::Instance => true,
        }
    }
}

impl fmt::Display for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialsSource::Variables => f.write_str("the variable AWS_ACCESS_KEY_ID"),
            CredentialsSource::VariablesBeforeProfile(name) => {
                write!(f, "the variable AWS_ACCESS_KEY_ID, which comes before AWS_PROFILE ({name})")
            }
            CredentialsSource::Profile { name, kind: None } => write!(f, "profile {name}"),
            CredentialsSource::Profile { name, kind: Some(kind) } => write!(f, "profile {name} ({kind})"),
            CredentialsSource::WebIdentity => f.write_str("the token of AWS_WEB_IDENTITY_TOKEN_FILE"),
            CredentialsSource::Container => f.write_str("the container's credentials endpoint"),
            CredentialsSource::Instance => f.write_str("the metadata service of the EC2 instance"),
        }
    }
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProfileKind::Keys => f.write_str("keys"),
            ProfileKind::Role { arn, source } => write!(f, "role {arn}, assumed with {source}"),
            ProfileKind::Source(source) => source.fmt(f),
            ProfileKind::WebIdentity(arn) => write!(f, "role {arn}, assumed with a web identity token"),
            ProfileKind::Sso => f.write_str("SSO"),
            ProfileKind::Login => f.write_str("aws login"),
            ProfileKind::Process => f.write_str("credential process"),
        }
    }
}

/// Why there are no credentials. It quotes no secret.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{reason}")]
pub struct CredentialsFailure {
    /// The reason in a sentence, with the source.
    pub reason: String,
    /// What to do, such as a command to log in; empty if that depends on the reason.
    pub remedy: String,
    /// Whether the source may answer later without a change by the user.
    pub may_pass: bool,
}

impl CredentialsFailure {
    /// The reason, and the remedy at its end, such as a command to paste.
    pub fn with_remedy(&self) -> String {
        if self.remedy.is_empty() { self.reason.clone() } else { format!("{}; {}", self.reason, self.remedy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_with_the_kind_of_its_credentials() {
        let base = CredentialsSource::Profile { name: "base".into(), kind: Some(ProfileKind::Sso) };
        assert_eq!(base.to_string(), "profile base (SSO)");
        let arn = "arn:aws:iam::111122223333:role/Import";
        let role = ProfileKind::Role { arn: arn.into(), source: Box::new(base) };
        let role = CredentialsSource::Profile { name: "import".into(), kind: Some(role) };
        assert_eq!(role.to_string(), format!("profile import (role {arn}, assumed with profile base (SSO))"));
    }
}
