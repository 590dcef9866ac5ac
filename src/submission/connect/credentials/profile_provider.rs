//! Credentials of a profile. The files are read again each time, so that keys that were replaced are used.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::{self, ProvideCredentials as _};

use crate::submission::connect::caught::caught;
use crate::submission::connect::profile::{
    ConfigFiles, ProfileError, ProfileOrigin, SelectedProfile, origin_of, source_of,
};
use crate::submission::credentials::{CredentialsFailure, CredentialsSource};

/// The provider of a profile's credentials.
#[derive(Debug)]
pub(super) struct ProfileProvider {
    profile: SelectedProfile,
    providers: ProviderConfig,
    current: Mutex<Current>,
}

/// The SDK's provider for one state of the files: it reads them once.
#[derive(Clone, Debug)]
struct Current {
    files: ConfigFiles,
    source: CredentialsSource,
    provider: Arc<ProfileFileCredentialsProvider>,
}

impl ProfileProvider {
    /// The provider for a profile of `files`.
    ///
    /// # Errors
    /// [`ProfileError`]: the profile does not exist or is configured wrongly.
    pub(super) fn new(
        profile: &SelectedProfile,
        files: ConfigFiles,
        providers: ProviderConfig,
    ) -> Result<Self, ProfileError> {
        let current = Mutex::new(current(profile, files, &providers)?);
        Ok(ProfileProvider { profile: profile.clone(), providers, current })
    }

    /// The profile as a source.
    pub(super) fn source(&self) -> CredentialsSource {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).source.clone()
    }

    /// What its credentials begin with; `None` without such a profile.
    pub(super) fn origin(&self) -> Option<ProfileOrigin> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        origin_of(&current.source, current.files.profiles())
    }

    /// The profile as a source, and its credentials; `None` in their place if the SDK panicked.
    ///
    /// # Errors
    /// [`CredentialsFailure`]: the files have changed and are wrong now. They may be half written.
    pub(super) async fn ask(
        &self,
    ) -> Result<(CredentialsSource, Option<provider::Result>), CredentialsFailure> {
        let failure = |error: ProfileError| CredentialsFailure {
            reason: error.to_string(),
            remedy: String::new(),
            may_pass: true,
        };
        let mut known = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let files = known.files.read_again().await.map_err(failure)?;
        if !files.is_same(&known.files) {
            known = current(&self.profile, files, &self.providers).map_err(failure)?;
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
        }
        let credentials = caught(Box::pin(known.provider.provide_credentials())).await;
        Ok((known.source, credentials))
    }
}

fn current(
    profile: &SelectedProfile,
    files: ConfigFiles,
    providers: &ProviderConfig,
) -> Result<Current, ProfileError> {
    profile.expect_exists(&files, true)?;
    files.expect_readable(false)?;
    let source = source_of(&files, &profile.name)?;
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(providers)
        .profile_files(files.for_sdk())
        .profile_name(&profile.name)
        .build();
    Ok(Current { files, source, provider: Arc::new(provider) })
}
