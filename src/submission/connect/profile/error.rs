//! Faults of the AWS configuration that are found before anything is sent.

use std::path::PathBuf;

use thiserror::Error;

use crate::printable::ShownPath as _;

/// The sources of credentials are configured wrongly. Nothing was sent.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ProfileError {
    /// A configuration file exists and cannot be read.
    #[error("cannot read {}: {problem}; correct it, or name another file with {variable}", path.shown())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Error of the operating system, or that it is no text.
        problem: String,
        /// The variable that names another file.
        variable: &'static str,
    },
    /// A configuration file cannot be parsed: file, line and the SDK's reason.
    #[error("cannot parse {0}; correct it")]
    Syntax(String),
    /// The profile does not exist.
    #[error("{named_by}profile '{name}' does not exist; looked in {looked_in}{hint}")]
    NoProfile {
        /// Name of the profile.
        name: String,
        /// The variable that names it, with a colon, or nothing.
        named_by: String,
        /// The files.
        looked_in: String,
        /// What may be meant; it begins with `; `, or is empty.
        hint: String,
    },
    /// One of two variables is missing.
    #[error("{there} is set and {missing} is not; set both, or none of them")]
    HalfOfVariables {
        /// The variable that is set.
        there: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// One of two keys of a profile is missing or empty.
    #[error("profile '{profile}' has no {missing}, only the other half of its keys; add it")]
    HalfOfKeys {
        /// Name of the profile.
        profile: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// The profile's role needs a one-time code.
    #[error(
        "profile '{profile}' needs a one-time code (mfa_serial), and a run asks for none; make a session with `{command}` \
         and put its keys in a profile, or use a profile of SSO or with credential_process"
    )]
    OneTimeCode {
        /// Name of the profile.
        profile: String,
        /// The command that makes a session.
        command: String,
    },
    /// A role with two sources.
    #[error("profile '{profile}' has both source_profile and credential_source; remove one of them")]
    TwoSources {
        /// Name of the profile.
        profile: String,
    },
    /// A role without a source.
    #[error(
        "profile '{profile}' has role_arn and neither source_profile nor credential_source; add one of them"
    )]
    NoSource {
        /// Name of the profile.
        profile: String,
    },
    /// The value of `credential_source` is unknown.
    #[error(
        "profile '{profile}': credential_source is '{value}'; it must be Environment, EcsContainer or \
         Ec2InstanceMetadata"
    )]
    UnknownSource {
        /// Name of the profile.
        profile: String,
        /// Its `credential_source`.
        value: String,
    },
    /// `credential_source` is the environment, which has no keys.
    #[error(
        "profile '{profile}' has credential_source = Environment, and AWS_ACCESS_KEY_ID is not set; set it"
    )]
    NoVariables {
        /// Name of the profile.
        profile: String,
    },
    /// The profile of `source_profile` does not exist.
    #[error("profile '{profile}' has source_profile = {source_profile}, which does not exist{hint}")]
    NoSourceProfile {
        /// Name of the profile.
        profile: String,
        /// Its `source_profile`.
        source_profile: String,
        /// What may be meant; it begins with `; `, or is empty.
        hint: String,
    },
    /// The profile of `source_profile` has no credentials.
    #[error("profile '{source_profile}', the source_profile of '{profile}', has no credentials; add them")]
    EmptySourceProfile {
        /// Name of the profile.
        profile: String,
        /// Its `source_profile`.
        source_profile: String,
    },
    /// Profiles name each other as `source_profile`.
    #[error("the profiles {} are each other's source_profile; one of them needs credentials", .0.join(", "))]
    Loop(
        /// Names of the profiles, in order.
        Vec<String>,
    ),
    /// The section of `sso_session` does not exist.
    #[error(
        "profile '{profile}' has sso_session = {session}, and there is no section [sso-session {session}]{hint}"
    )]
    NoSession {
        /// Name of the profile.
        profile: String,
        /// Its `sso_session`.
        session: String,
        /// What may be meant; it begins with `; `, or is empty.
        hint: String,
    },
    /// A key for SSO is missing.
    #[error("{section} has no {missing}, which SSO needs; add it, for instance with aws configure sso")]
    IncompleteSso {
        /// The profile or the session.
        section: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// A key that belongs into the section of `sso_session` is in the profile.
    #[error("profile '{profile}' has both sso_session and {key}; remove {key}, which the session has")]
    SsoTwice {
        /// Name of the profile.
        profile: String,
        /// The key.
        key: &'static str,
    },
    /// `web_identity_token_file` without `role_arn`.
    #[error("profile '{profile}' has web_identity_token_file and no role_arn; add it")]
    NoRole {
        /// Name of the profile.
        profile: String,
    },
}
