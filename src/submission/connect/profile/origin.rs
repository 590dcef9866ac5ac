//! What the credentials of a profile begin with, as far as a failure's reason and remedy depend on it.

use std::path::PathBuf;

use aws_config::profile::{Profile, ProfileSet};

use crate::submission::credentials::{CredentialsSource, ProfileKind};

/// The first credentials of a profile. Those of a role come from them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::submission::connect) struct ProfileOrigin {
    /// Profile that has them: the profile itself, or one that `source_profile` leads to.
    pub(in crate::submission::connect) profile: String,
    pub(in crate::submission::connect) kind: OriginKind,
}

/// Kind of the first credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::submission::connect) enum OriginKind {
    /// Access keys, also those in variables.
    Keys,
    /// `credential_process`.
    Process {
        /// Its command line, which may hold secrets.
        command: String,
    },
    /// A login to IAM Identity Center.
    Sso {
        /// Name of the `sso-session`; the older form has none.
        session: Option<String>,
        /// Account and role that the portal is asked for.
        role: String,
    },
    /// `login_session`, a login with `aws login`.
    Login,
    /// `web_identity_token_file`, and its path.
    WebIdentity(PathBuf),
    /// The credentials endpoint of a container.
    Container,
    /// The metadata service of an EC2 instance.
    Instance,
    /// There are none.
    Nothing,
}

/// The origin of the credentials of `source`; `None` if it is no profile, or one that does not exist.
pub(in crate::submission::connect) fn origin_of(
    source: &CredentialsSource,
    profiles: &ProfileSet,
) -> Option<ProfileOrigin> {
    let CredentialsSource::Profile { name, kind } = source else { return None };
    let profile = profiles.get_profile(name)?;
    let kind = match kind {
        Some(ProfileKind::Role { source, .. } | ProfileKind::Source(source)) => match &**source {
            CredentialsSource::Profile { .. } => return origin_of(source, profiles),
            CredentialsSource::Container => OriginKind::Container,
            CredentialsSource::Instance => OriginKind::Instance,
            CredentialsSource::Variables
            | CredentialsSource::VariablesBeforeProfile(_)
            | CredentialsSource::WebIdentity => OriginKind::Keys,
        },
        Some(ProfileKind::Keys) => OriginKind::Keys,
        Some(ProfileKind::WebIdentity(_)) => {
            OriginKind::WebIdentity(value(profile, "web_identity_token_file").into())
        }
        Some(ProfileKind::Sso) => OriginKind::Sso {
            session: profile.get("sso_session").map(str::to_owned),
            role: format!(
                "{} of account {}",
                value(profile, "sso_role_name"),
                value(profile, "sso_account_id")
            ),
        },
        Some(ProfileKind::Login) => OriginKind::Login,
        Some(ProfileKind::Process) => OriginKind::Process { command: value(profile, "credential_process") },
        None => OriginKind::Nothing,
    };
    Some(ProfileOrigin { profile: name.clone(), kind })
}

fn value(profile: &Profile, key: &str) -> String {
    profile.get(key).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::config_files::testing::config_files;
    use super::super::source::source_of;
    use super::*;

    async fn origin(text: &str, name: &str) -> Option<ProfileOrigin> {
        let files = config_files(text, "").await.unwrap();
        origin_of(&source_of(&files, name).unwrap(), files.profiles())
    }

    #[tokio::test]
    async fn a_chain_of_roles_begins_with_the_last_source_profile() {
        let text = "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = c\n\
                    [profile c]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\n\
                    [sso-session s]\nsso_region = eu-west-2\nsso_start_url = https://corp.example/start\n";
        let kind = OriginKind::Sso { session: Some("s".into()), role: "R of account 1".into() };
        assert_eq!(origin(text, "a").await, Some(ProfileOrigin { profile: "c".into(), kind }));
        assert_eq!(origin(text, "none").await, None);
    }

    #[tokio::test]
    async fn each_kind_of_credentials_has_what_a_failure_names() {
        let expect = async |keys: &str, expected: OriginKind| {
            let found = origin(&format!("[profile p]\n{keys}\n"), "p").await;
            assert_eq!(found.map(|found| found.kind), Some(expected), "{keys}");
        };
        expect("region = x", OriginKind::Nothing).await;
        expect("aws_access_key_id = x\naws_secret_access_key = y", OriginKind::Keys).await;
        expect("credential_process = x -y", OriginKind::Process { command: "x -y".into() }).await;
        expect("login_session = arn\ncredential_process = x", OriginKind::Login).await;
        expect("role_arn = r\nweb_identity_token_file = /t", OriginKind::WebIdentity("/t".into())).await;
        expect("role_arn = r\ncredential_source = EcsContainer", OriginKind::Container).await;
        expect("credential_source = ec2instancemetadata", OriginKind::Instance).await;
        let own = "role_arn = r\nsource_profile = p\naws_access_key_id = x\naws_secret_access_key = y";
        expect(own, OriginKind::Keys).await;
    }
}
