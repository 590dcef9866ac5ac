//! The profile in use, and whether the environment's keys come before it.

use super::config_files::{ConfigFiles, variable};
use super::error::ProfileError;

/// The profile that the client uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::submission::connect) struct SelectedProfile {
    pub(in crate::submission::connect) name: String,
    pub(in crate::submission::connect) by: SelectedBy,
}

/// What selects the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::submission::connect) enum SelectedBy {
    /// `--profile`, its variable or its key of the job file. Its credentials come before the environment's keys, as in
    /// the AWS CLI.
    Option,
    /// `AWS_PROFILE`. The environment's keys come before its credentials.
    Variable,
    /// Nothing: it is `default`, which need not exist.
    Nothing,
}

impl SelectedProfile {
    /// The profile in use, with `option` as the value of `--profile`.
    pub(in crate::submission::connect) fn new(option: Option<&str>) -> Self {
        let (name, by) = match (option.map(str::to_owned), variable("AWS_PROFILE")) {
            (Some(name), _) => (name, SelectedBy::Option),
            (None, Some(name)) => (name, SelectedBy::Variable),
            (None, None) => ("default".to_owned(), SelectedBy::Nothing),
        };
        SelectedProfile { name, by }
    }

    /// Whether `--profile` names it.
    pub(in crate::submission::connect) fn is_explicit(&self) -> bool {
        self.by == SelectedBy::Option
    }

    /// Its name, if an option or a variable names it.
    pub(in crate::submission::connect) fn named(self) -> Option<String> {
        (self.by != SelectedBy::Nothing).then_some(self.name)
    }

    /// Refuses a profile that is named and does not exist. That of `AWS_PROFILE` may be missing if it is not used for
    /// credentials, as in the SDK.
    ///
    /// # Errors
    /// [`ProfileError::Unreadable`], [`ProfileError::NoProfile`]
    pub(in crate::submission::connect) fn expect_exists(
        &self,
        files: &ConfigFiles,
        has_credentials: bool,
    ) -> Result<(), ProfileError> {
        let named_by = match self.by {
            SelectedBy::Option => None,
            // The name that boto3 prefers sets the other one: `environment`.
            SelectedBy::Variable if has_credentials => {
                let is_default = variable("AWS_DEFAULT_PROFILE").is_some();
                Some(if is_default { "AWS_DEFAULT_PROFILE" } else { "AWS_PROFILE" })
            }
            SelectedBy::Variable | SelectedBy::Nothing => return Ok(()),
        };
        if files.profiles().get_profile(&self.name).is_some() {
            return Ok(());
        }
        files.expect_readable(true)?;
        Err(files.no_profile(&self.name, named_by))
    }
}

/// Whether the environment has keys.
///
/// # Errors
/// [`ProfileError::HalfOfVariables`]
pub(in crate::submission::connect) fn has_variables() -> Result<bool, ProfileError> {
    let id = variable("AWS_ACCESS_KEY_ID").is_some();
    // The SDK reads the second name as well.
    let secret =
        ["AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"].into_iter().any(|name| variable(name).is_some());
    let half = |there, missing| Err(ProfileError::HalfOfVariables { there, missing });
    match (id, secret) {
        (true, false) => half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        (false, true) if variable("AWS_SECRET_ACCESS_KEY").is_some() => {
            half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
        }
        (id, _) => Ok(id),
    }
}
