//! What a profile of the AWS configuration files begins with, as far as a failure's reason and remedy depend on it.
//!
//! It follows `source_profile` as the SDK does, aws-config 1.13, `profile/credentials/repr.rs`.

use std::path::PathBuf;

use aws_config::profile::{Profile, ProfileSet};

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
    /// Access keys.
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
    /// `credential_source`, and its value.
    Named(String),
    /// There are none.
    Nothing,
}

/// The origin of the profile's credentials; `None` without such a profile.
pub(in crate::submission::connect) fn origin_in(profiles: &ProfileSet, name: &str) -> Option<ProfileOrigin> {
    let mut visited = Vec::new();
    let mut name = name.to_owned();
    loop {
        let profile = profiles.get_profile(&name)?;
        let is_first = visited.is_empty();
        visited.push(name.clone());
        let has_keys =
            profile.get("aws_access_key_id").is_some() && profile.get("aws_secret_access_key").is_some();
        if !is_first && has_keys {
            return Some(ProfileOrigin { profile: name, kind: OriginKind::Keys });
        }
        let is_role = profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none();
        match profile.get("source_profile") {
            Some(next) if is_role && next != name => {
                if visited.iter().any(|visited| visited == next) {
                    return None;
                }
                name = next.to_owned();
            }
            _ => return Some(ProfileOrigin { kind: kind_of(profile), profile: name }),
        }
    }
}

fn kind_of(profile: &Profile) -> OriginKind {
    let get = |key| profile.get(key).map(str::to_owned);
    let is_sso = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "sso_region"];
    if let Some(source) = get("credential_source") {
        OriginKind::Named(source)
    } else if let (Some(_), Some(file)) = (get("role_arn"), get("web_identity_token_file")) {
        OriginKind::WebIdentity(file.into())
    } else if is_sso.iter().any(|key| profile.get(key).is_some()) {
        let named = |key| get(key).unwrap_or_default();
        let role = format!("{} of account {}", named("sso_role_name"), named("sso_account_id"));
        OriginKind::Sso { session: get("sso_session"), role }
    } else if get("login_session").is_some() {
        OriginKind::Login
    } else if let Some(command) = get("credential_process") {
        OriginKind::Process { command }
    } else if get("aws_access_key_id").is_some() {
        OriginKind::Keys
    } else {
        OriginKind::Nothing
    }
}

#[cfg(test)]
mod tests {
    use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
    use aws_types::os_shim_internal::{Env, Fs};

    use super::*;

    async fn origin(text: &str, name: &str) -> Option<ProfileOrigin> {
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text).build();
        let profiles =
            aws_config::profile::load(&Fs::real(), &Env::from_slice(&[]), &files, None).await.unwrap();
        origin_in(&profiles, name)
    }

    #[tokio::test]
    async fn a_chain_of_roles_begins_with_the_last_source_profile() {
        let text = "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = c\n\
                    [profile c]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\n\
                    [profile loop]\nrole_arn = r\nsource_profile = back\n[profile back]\nrole_arn = r\nsource_profile = loop\n";
        let kind = OriginKind::Sso { session: Some("s".into()), role: "R of account 1".into() };
        assert_eq!(origin(text, "a").await, Some(ProfileOrigin { profile: "c".into(), kind }));
        assert_eq!(origin(text, "loop").await, None);
        assert_eq!(origin(text, "none").await, None);
    }

    #[tokio::test]
    async fn the_kinds_of_credentials_are_told_apart_in_the_sdks_order() {
        let kind =
            async |keys: &str| origin(&format!("[profile p]\n{keys}\n"), "p").await.map(|found| found.kind);
        let expect =
            async |keys: &str, expected: OriginKind| assert_eq!(kind(keys).await, Some(expected), "{keys}");
        expect("region = x", OriginKind::Nothing).await;
        expect("aws_access_key_id = x", OriginKind::Keys).await;
        expect("credential_process = x -y", OriginKind::Process { command: "x -y".into() }).await;
        expect("login_session = arn\ncredential_process = x", OriginKind::Login).await;
        expect("role_arn = r\nweb_identity_token_file = /t", OriginKind::WebIdentity("/t".into())).await;
        expect("role_arn = r\ncredential_source = EcsContainer", OriginKind::Named("EcsContainer".into()))
            .await;
        let own = "role_arn = r\nsource_profile = p\naws_access_key_id = x\naws_secret_access_key = y";
        expect(own, OriginKind::Keys).await;
    }
}
