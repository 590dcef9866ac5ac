//! Where the credentials of a profile come from.
//!
//! [`source_of`] follows a profile as the SDK does (aws-config 1.13, `profile/credentials/repr.rs`), without asking for
//! credentials: the SDK takes several faults for a profile without credentials, and would go on to the next source.

use aws_config::profile::{Profile, ProfileSet};

use super::config_files::ConfigFiles;
use super::error::ProfileError;
use super::selected::has_variables;
use crate::shell_word::shell_word;
use crate::submission::credentials::{CredentialsSource, ProfileKind};
use crate::suggest::did_you_mean;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// The profile as a source of credentials.
///
/// # Errors
/// Any [`ProfileError`] but those of files.
pub(in crate::submission::connect) fn source_of(
    files: &ConfigFiles,
    name: &str,
) -> Result<CredentialsSource, ProfileError> {
    let walk = Walk { files, profiles: files.profiles() };
    let kind = match walk.profiles.get_profile(name) {
        Some(profile) => walk.kind(profile, &mut Vec::new())?,
        None => None,
    };
    Ok(CredentialsSource::Profile { name: name.to_owned(), kind })
}

struct Walk<'a> {
    files: &'a ConfigFiles,
    profiles: &'a ProfileSet,
}

impl Walk<'_> {
    /// How a profile gets credentials; `visited` are the profiles whose `source_profile` leads to it.
    fn kind(
        &self,
        profile: &Profile,
        visited: &mut Vec<String>,
    ) -> Result<Option<ProfileKind>, ProfileError> {
        let name = profile.name().to_owned();
        if visited.contains(&name) {
            return Err(ProfileError::Loop(visited.clone()));
        }
        // As a source, a profile gives its keys even if it has a role.
        if !visited.is_empty() && value(profile, ID).is_some() && value(profile, SECRET).is_some() {
            return Ok(Some(ProfileKind::Keys));
        }
        visited.push(name.clone());
        let role = profile.get("role_arn").filter(|_| profile.get("web_identity_token_file").is_none());
        let Some(arn) = role else { return self.own_kind(profile) };
        let source = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(_), Some(_)) => return Err(ProfileError::TwoSources { profile: name }),
            (None, None) => return Err(ProfileError::NoSource { profile: name }),
            (None, Some(value)) => named_source(&name, value)?,
            (Some(source), None) => self.source_profile(profile, source, visited)?,
        };
        if let Some(serial) = value(profile, "mfa_serial") {
            let source =
                profile.get("source_profile").map(|source| format!(" --profile {}", shell_word(source)));
            let command = format!(
                "aws sts get-session-token{} --serial-number {} --token-code CODE",
                source.unwrap_or_default(),
                shell_word(serial)
            );
            return Err(ProfileError::OneTimeCode { profile: name, command });
        }
        Ok(Some(ProfileKind::Role { arn: arn.to_owned(), source: Box::new(source) }))
    }

    /// The profile that assumes the role of `profile`.
    fn source_profile(
        &self,
        profile: &Profile,
        source: &str,
        visited: &mut Vec<String>,
    ) -> Result<CredentialsSource, ProfileError> {
        let (of, source_profile) = (profile.name().to_owned(), source.to_owned());
        let kind = if source == profile.name() {
            self.own_kind(profile)?
        } else {
            let Some(found) = self.profiles.get_profile(source) else {
                let hint = self.files.hint(source);
                return Err(ProfileError::NoSourceProfile { profile: of, source_profile, hint });
            };
            self.kind(found, visited)?
        };
        if kind.is_none() {
            return Err(ProfileError::EmptySourceProfile { profile: of, source_profile });
        }
        Ok(CredentialsSource::Profile { name: source_profile, kind })
    }

    /// How the profile gets credentials without a role that another source assumes.
    fn own_kind(&self, profile: &Profile) -> Result<Option<ProfileKind>, ProfileError> {
        let name = || profile.name().to_owned();
        if let Some(source) = profile.get("credential_source") {
            return Ok(Some(ProfileKind::Source(Box::new(named_source(profile.name(), source)?))));
        }
        if profile.get("web_identity_token_file").is_some() {
            let arn = profile.get("role_arn").ok_or(ProfileError::NoRole { profile: name() })?;
            return Ok(Some(ProfileKind::WebIdentity(arn.to_owned())));
        }
        if self.is_sso(profile)? {
            return Ok(Some(ProfileKind::Sso));
        }
        if profile.get("login_session").is_some() {
            return Ok(Some(ProfileKind::Login));
        }
        if profile.get("credential_process").is_some() {
            return Ok(Some(ProfileKind::Process));
        }
        if [ID, SECRET, "aws_session_token"].iter().all(|key| profile.get(key).is_none()) {
            return Ok(None);
        }
        match [ID, SECRET].into_iter().find(|key| value(profile, key).is_none()) {
            Some(missing) => Err(ProfileError::HalfOfKeys { profile: name(), missing }),
            None => Ok(Some(ProfileKind::Keys)),
        }
    }

    fn is_sso(&self, profile: &Profile) -> Result<bool, ProfileError> {
        const OF_PROFILE: [&str; 2] = ["sso_account_id", "sso_role_name"];
        const OF_SESSION: [&str; 2] = ["sso_region", "sso_start_url"];
        let name = profile.name();
        let session = profile.get("sso_session");
        if session.is_none() && OF_PROFILE.iter().chain(&OF_SESSION).all(|key| profile.get(key).is_none()) {
            return Ok(false);
        }
        let incomplete = |section: String, missing| Err(ProfileError::IncompleteSso { section, missing });
        let of_profile = format!("profile '{name}'");
        if let Some(missing) = OF_PROFILE.into_iter().find(|key| value(profile, key).is_none()) {
            return incomplete(of_profile, missing);
        }
        let Some(session) = session else {
            return match OF_SESSION.into_iter().find(|key| value(profile, key).is_none()) {
                Some(missing) => incomplete(of_profile, missing),
                None => Ok(true),
            };
        };
        if let Some(key) = OF_SESSION.into_iter().find(|key| profile.get(key).is_some()) {
            return Err(ProfileError::SsoTwice { profile: name.to_owned(), key });
        }
        let Some(found) = self.profiles.sso_session(session) else {
            let hint = did_you_mean(session, self.profiles.sso_sessions()).unwrap_or_default();
            return Err(ProfileError::NoSession {
                profile: name.to_owned(),
                session: session.to_owned(),
                hint,
            });
        };
        match OF_SESSION.into_iter().find(|key| found.get(key).is_none_or(|value| value.trim().is_empty())) {
            Some(missing) => incomplete(format!("sso-session '{session}'"), missing),
            None => Ok(true),
        }
    }
}

/// The value of a key that is set and not blank.
fn value<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    profile.get(key).filter(|value| !value.trim().is_empty())
}

/// The source that `credential_source` of this profile names, in any case as in the SDK.
fn named_source(profile: &str, value: &str) -> Result<CredentialsSource, ProfileError> {
    match value.to_ascii_lowercase().as_str() {
        "environment" if has_variables()? => Ok(CredentialsSource::Variables),
        "environment" => Err(ProfileError::NoVariables { profile: profile.to_owned() }),
        "ecscontainer" => Ok(CredentialsSource::Container),
        "ec2instancemetadata" => Ok(CredentialsSource::Instance),
        _ => Err(ProfileError::UnknownSource { profile: profile.to_owned(), value: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config_files::testing::config_files;
    use super::*;

    const ROLE: &str = "role_arn = arn:aws:iam::1:role/R\n";
    const KEYS: &str = "aws_access_key_id = A\naws_secret_access_key = B\n";
    const SSO: &str = "sso_session = s\nsso_account_id = 1\nsso_role_name = R\n";
    const SESSION: &str =
        "[sso-session s]\nsso_region = eu-west-2\nsso_start_url = https://corp.example/start\n";

    /// The source that profile `p` of this configuration is, or the error.
    async fn source(config: &str) -> String {
        let files = config_files(config, "").await.unwrap();
        source_of(&files, "p").map_or_else(|error| error.to_string(), |source| source.to_string())
    }

    #[tokio::test]
    async fn each_kind_of_credentials_is_told_in_the_sdks_order() {
        for (keys, kind) in [
            ("region = eu-west-2\n".to_owned(), "profile p"),
            (KEYS.to_owned(), "profile p (keys)"),
            (format!("credential_process = x\n{KEYS}"), "profile p (credential process)"),
            ("login_session = arn\ncredential_process = x\n".to_owned(), "profile p (aws login)"),
            (format!("login_session = arn\n{SSO}{SESSION}"), "profile p (SSO)"),
            (
                format!("web_identity_token_file = /t\n{ROLE}"),
                "profile p (role arn:aws:iam::1:role/R, assumed with a web identity token)",
            ),
            (
                format!("{ROLE}credential_source = ecscontainer\n"),
                "profile p (role arn:aws:iam::1:role/R, assumed with the container's credentials endpoint)",
            ),
            (
                "credential_source = EcsContainer\n".to_owned(),
                "profile p (the container's credentials endpoint)",
            ),
            (
                format!("{ROLE}source_profile = p\n{KEYS}"),
                "profile p (role arn:aws:iam::1:role/R, assumed with profile p (keys))",
            ),
            (
                format!("{ROLE}source_profile = base\n[profile base]\n{SSO}{SESSION}"),
                "profile p (role arn:aws:iam::1:role/R, assumed with profile base (SSO))",
            ),
        ] {
            assert_eq!(source(&format!("[profile p]\n{keys}")).await, kind, "{keys}");
        }
    }

    #[tokio::test]
    async fn a_fault_of_the_configuration_names_the_profile_and_the_remedy() {
        let mut texts = Vec::new();
        for keys in [
            "aws_access_key_id = A\n".to_owned(),
            "aws_access_key_id =\naws_secret_access_key = B\n".to_owned(),
            format!(
                "{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n[profile base]\n{KEYS}"
            ),
            format!("{ROLE}source_profile = base\ncredential_source = Environment\n"),
            ROLE.to_owned(),
            format!("{ROLE}credential_source = Lambda\n"),
            format!("{ROLE}source_profile = bsae\n[profile base]\n{KEYS}"),
            format!("{ROLE}source_profile = base\n[profile base]\nregion = x\n"),
            format!("{ROLE}source_profile = q\n[profile q]\n{ROLE}source_profile = p\n"),
            format!("{SSO}[sso-session t]\nsso_region = x\n"),
            "sso_session = s\n".to_owned(),
            format!("{SSO}sso_region = x\n{SESSION}"),
            format!("{SSO}[sso-session s]\nsso_region = x\n"),
            "web_identity_token_file = /t\n".to_owned(),
        ] {
            texts.push(source(&format!("[profile p]\n{keys}")).await);
        }
        insta::assert_snapshot!(texts.join("\n"));
    }
}
