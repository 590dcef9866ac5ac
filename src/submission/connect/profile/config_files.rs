//! The AWS configuration files: where they are, their contents, and their profiles as the SDK parses them.
//!
//! They are read here and handed to the SDK, which takes a file that it cannot read for an empty one.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::source;
use aws_runtime::fs_util::{Os, home_dir};
use aws_types::os_shim_internal::{Env, Fs};

use super::error::ProfileError;
use crate::file_kind::read_settings;
use crate::printable::ShownPath as _;
use crate::suggest::did_you_mean;

/// Both files, as they were read together.
#[derive(Clone, Debug)]
pub(in crate::submission::connect) struct ConfigFiles {
    config: ConfigFile,
    credentials: ConfigFile,
    profiles: ProfileSet,
}

#[derive(Clone, PartialEq, Eq)]
struct ConfigFile {
    kind: Kind,
    path: PathBuf,
    contents: Contents,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Config,
    Credentials,
}

#[derive(Clone, PartialEq, Eq)]
enum Contents {
    Text(String),
    Missing,
    /// The file cannot be read. Whether it is meant to be read: it is named by a variable, or seen in its folder.
    Unreadable {
        problem: String,
        is_meant: bool,
    },
}

/// The name of a file only: its contents are secrets.
impl std::fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ConfigFile").field(&self.path).finish()
    }
}

impl Kind {
    /// The variable that names another file than the default, and the default.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::Config => ("AWS_CONFIG_FILE", "config"),
            Kind::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        }
    }
}

/// The user's home, as the SDK finds it; an empty one would be the working directory.
pub(in crate::submission::connect) fn home() -> Option<PathBuf> {
    home_dir(&Env::real(), Os::real()).filter(|home| !home.trim().is_empty()).map(PathBuf::from)
}

/// The value of a variable that is set and not blank.
pub(in crate::submission::connect) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The path with the home folder in the place of a `~` at its start, as the AWS CLI has it.
pub(in crate::submission::connect) fn expanded(path: &Path, home: Option<PathBuf>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

impl ConfigFiles {
    /// Reads the files of `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, or those in `~/.aws`. A file that is missing is
    /// empty.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`]. Files that cannot be read are an error of [`ConfigFiles::expect_readable`] only.
    pub(in crate::submission::connect) async fn read() -> Result<Self, ProfileError> {
        ConfigFiles::of(ConfigFile::read(Kind::Config), ConfigFile::read(Kind::Credentials)).await
    }

    /// Reads the files again, except those that are no regular files: a pipe gives its contents once.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`]
    pub(in crate::submission::connect) async fn read_again(&self) -> Result<Self, ProfileError> {
        let again = |file: &ConfigFile| match file.path.metadata() {
            Ok(metadata) if !metadata.is_file() => file.clone(),
            _ => ConfigFile::read(file.kind),
        };
        ConfigFiles::of(again(&self.config), again(&self.credentials)).await
    }

    /// No profiles at all.
    pub(in crate::submission::connect) fn empty() -> Self {
        let none = |kind| ConfigFile { kind, path: PathBuf::new(), contents: Contents::Missing };
        ConfigFiles {
            config: none(Kind::Config),
            credentials: none(Kind::Credentials),
            profiles: ProfileSet::default(),
        }
    }

    async fn of(config: ConfigFile, credentials: ConfigFile) -> Result<Self, ProfileError> {
        // The SDK's parser names the file, so it gets the files by their paths.
        let mut contents: HashMap<OsString, Vec<u8>> = HashMap::new();
        let mut variables = Vec::new();
        for file in [&config, &credentials] {
            let path = file.path.to_string_lossy().into_owned();
            contents.insert(path.clone().into(), file.text().into());
            variables.push((file.kind.names().0, path));
        }
        let variables: Vec<_> = variables.iter().map(|(name, path)| (*name, &**path)).collect();
        let env = Env::from_slice(&variables);
        let loaded = source::load(&env, &Fs::from_raw_map(contents), &EnvConfigFiles::default()).await;
        let syntax = |error: &dyn std::error::Error| {
            let text = error.to_string();
            let place = text.strip_prefix("error parsing ").unwrap_or(&text);
            ProfileError::Syntax(place.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let loaded = loaded.map_err(|error| syntax(&error))?;
        let profiles = ProfileSet::parse(loaded).map_err(|error| syntax(&error))?;
        Ok(ConfigFiles { config, credentials, profiles })
    }

    /// The profiles of both files.
    pub(in crate::submission::connect) fn profiles(&self) -> &ProfileSet {
        &self.profiles
    }

    /// The files for the SDK, with their contents.
    pub(in crate::submission::connect) fn for_sdk(&self) -> EnvConfigFiles {
        EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, self.config.text())
            .with_contents(EnvConfigFileKind::Credentials, self.credentials.text())
            .build()
    }

    /// Whether the files have the same contents as these.
    pub(in crate::submission::connect) fn is_same(&self, other: &ConfigFiles) -> bool {
        self.config == other.config && self.credentials == other.credentials
    }

    /// Refuses files that cannot be read. Without a profile that is named, a default file in a folder that is closed to
    /// this user is no error: a service often has another user's home.
    ///
    /// # Errors
    /// [`ProfileError::Unreadable`]
    pub(in crate::submission::connect) fn expect_readable(
        &self,
        is_profile_named: bool,
    ) -> Result<(), ProfileError> {
        for file in [&self.config, &self.credentials] {
            if let Contents::Unreadable { problem, is_meant } = &file.contents
                && (*is_meant || is_profile_named)
            {
                let (variable, _) = file.kind.names();
                let (path, problem) = (file.path.clone(), problem.clone());
                return Err(ProfileError::Unreadable { path, problem, variable });
            }
        }
        Ok(())
    }

    /// The error that there is no profile of this name. `named_by` is the variable that names it, if one does.
    pub(in crate::submission::connect) fn no_profile(
        &self,
        name: &str,
        named_by: Option<&'static str>,
    ) -> ProfileError {
        let looked_in = [&self.config, &self.credentials].map(|file| match file.contents {
            Contents::Missing => format!("{} (does not exist)", file.path.shown()),
            _ => file.path.shown(),
        });
        ProfileError::NoProfile {
            name: name.to_owned(),
            named_by: named_by.map(|variable| format!("{variable}: ")).unwrap_or_default(),
            looked_in: looked_in.join(" and "),
            hint: self.hint(name),
        }
    }

    /// What may be meant by the name of a missing profile.
    pub(in crate::submission::connect) fn hint(&self, name: &str) -> String {
        /// Names that are listed.
        const SHOWN: usize = 10;
        let plain = format!("[{name}]");
        let prefixed = format!("[profile {name}]");
        for (file, there, right) in
            [(&self.config, &plain, &prefixed), (&self.credentials, &prefixed, &plain)]
        {
            if let Some(line) = file.text().lines().position(|line| line.trim() == there) {
                let path = file.path.shown();
                return format!("; write {right} instead of {there} in line {} of {path}", line + 1);
            }
        }
        let mut names: Vec<&str> = self.profiles.profiles().collect();
        names.sort_unstable();
        if let Some(similar) = did_you_mean(name, names.iter().copied()) {
            return similar;
        }
        match names.len() {
            0 if home().is_none() => "; HOME is not set: set it, or AWS_CONFIG_FILE".to_owned(),
            0 => "; there are no profiles: create one, for instance with aws configure sso".to_owned(),
            1..=SHOWN => format!("; the profiles are: {}", names.join(", ")),
            more => format!("; the profiles are: {} and {} more", names[..SHOWN].join(", "), more - SHOWN),
        }
    }
}

impl ConfigFile {
    fn read(kind: Kind) -> Self {
        let (variable_name, name) = kind.names();
        let named = variable(variable_name);
        let home = home();
        let path = match &named {
            Some(path) => expanded(Path::new(path), home),
            None => expanded(&Path::new("~/.aws").join(name), home),
        };
        let is_meant = named.is_some() || path.metadata().is_ok();
        let contents = match read_settings(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Contents::Text(text),
                Err(_) => Contents::Unreadable { problem: "it is not UTF-8".to_owned(), is_meant },
            },
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Contents::Missing
            }
            Err(error) => Contents::Unreadable { problem: error.to_string(), is_meant },
        };
        ConfigFile { kind, path, contents }
    }

    fn text(&self) -> &str {
        match &self.contents {
            Contents::Text(text) => text,
            Contents::Missing | Contents::Unreadable { .. } => "",
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// Files with these contents.
    pub(in crate::submission::connect) async fn config_files(
        config: &str,
        credentials: &str,
    ) -> Result<ConfigFiles, ProfileError> {
        let file = |kind: Kind, text: &str| ConfigFile {
            kind,
            path: PathBuf::from("/home/me/.aws").join(kind.names().1),
            contents: Contents::Text(text.to_owned()),
        };
        ConfigFiles::of(file(Kind::Config, config), file(Kind::Credentials, credentials)).await
    }
}

#[cfg(test)]
mod tests {
    use super::testing::config_files;
    use super::*;

    #[test]
    fn a_tilde_at_the_start_is_the_home_folder() {
        let home = || Some(PathBuf::from("/home/me"));
        assert_eq!(expanded(Path::new("~/ca.pem"), home()), Path::new("/home/me/ca.pem"));
        assert_eq!(expanded(Path::new("~/ca.pem"), None), Path::new("~/ca.pem"));
        for path in ["a/~/ca.pem", "~you/ca.pem", "ca.pem"] {
            assert_eq!(expanded(Path::new(path), home()), Path::new(path));
        }
    }

    #[tokio::test]
    async fn a_syntax_error_is_named_with_file_and_line() {
        let error = config_files("[default]\nregion = x\n", "[default]\nnothing\n").await.unwrap_err();
        insta::assert_snapshot!(error);
    }

    #[tokio::test]
    async fn a_missing_profile_is_named_with_what_may_be_meant() {
        let files = config_files(
            "[profile import]\nregion = x\n[staging]\nregion = x\n",
            "[base]\naws_access_key_id = secret\n[profile other]\n",
        );
        let files = files.await.unwrap();
        let texts = ["imprt", "staging", "other", "zzz"].map(|name| files.no_profile(name, None).to_string());
        insta::assert_snapshot!(texts.join("\n"));
        let none = config_files("", "").await.unwrap();
        insta::assert_snapshot!(none.no_profile("import", Some("AWS_PROFILE")));
    }
}
