//! Where credentials come from, and why there are none. Pure.

use std::fmt;

use thiserror::Error;

/// A source of credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialsSource {
    /// The variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Variables,
    /// A profile of the AWS configuration files, by its name.
    Profile(String),
    /// The variables `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, as in EKS with IRSA and in CI with OIDC.
    WebIdentity,
    /// The credentials endpoint of a container, as in ECS, AWS Batch and EKS with Pod Identity.
    Container,
    /// The metadata service of an EC2 instance.
    Instance,
}

impl CredentialsSource {
    /// Whether its credentials are renewed before they expire, so that a run may outlast them.
    pub fn is_renewed(&self) -> bool {
        match self {
            CredentialsSource::Variables | CredentialsSource::Profile(_) => false,
            CredentialsSource::WebIdentity | CredentialsSource::Container | CredentialsSource::Instance => {
                true
            }
        }
    }
}

impl fmt::Display for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialsSource::Variables => f.write_str("the variable AWS_ACCESS_KEY_ID"),
            CredentialsSource::Profile(name) => write!(f, "profile {name}"),
            CredentialsSource::WebIdentity => f.write_str("the token of AWS_WEB_IDENTITY_TOKEN_FILE"),
            CredentialsSource::Container => f.write_str("the container's credentials endpoint"),
            CredentialsSource::Instance => f.write_str("the metadata service of the EC2 instance"),
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
