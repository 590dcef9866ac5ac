//! Calls for the command `doctor`: credentials, permission, instance, and a probe contact.

use std::time::SystemTime;

use super::call;
use super::client::ConnectClient;
use super::credentials::Resolved;
use crate::request::{ContactRequest, Operation};
use crate::submission::attempt::{Attempt, AttemptError};
use crate::submission::credentials::{CredentialsFailure, CredentialsSource};
use crate::submission::response::{PermissionProbe, Responder};
use crate::submission::service_error::one_line;

/// Resolved credentials, without their secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialsInfo {
    /// Where they come from.
    pub source: CredentialsSource,
    /// The last four characters of the access key id.
    pub key_suffix: String,
    /// When they expire; `None` if the provider does not say.
    pub expires_at: Option<SystemTime>,
    /// Whether they have a session token, so that they expire at some time.
    pub is_session: bool,
}

/// Characters of an instance's status that are shown; Connect's have at most 20 (API reference, InstanceStatus).
const STATUS_CHARS: usize = 40;

/// Longer than any client token may be (API reference: at most 500 characters).
const TOO_LONG_TOKEN: usize = 501;

/// Longer than any name may be (API reference: at most 1024 characters).
const TOO_LONG_NAME: usize = 1025;

impl ConnectClient {
    /// The profile of the AWS configuration files that the settings or the environment name.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref().filter(|_| !self.is_rehearsal)
    }

    /// Resolves the credentials; `None` if requests are not signed, or signed with constant ones.
    ///
    /// # Errors
    /// [`CredentialsFailure`]
    pub async fn credentials(&self) -> Result<Option<CredentialsInfo>, CredentialsFailure> {
        let Some(chain) = &self.credentials else { return Ok(None) };
        let Resolved { credentials, source } = chain.resolve().await?;
        let id: Vec<char> = credentials.access_key_id().chars().collect();
        let key_suffix = id[id.len().saturating_sub(4)..].iter().collect();
        let is_session = credentials.session_token().is_some();
        Ok(Some(CredentialsInfo { source, key_suffix, expires_at: credentials.expiry(), is_session }))
    }

    /// The source of the credentials that sign the requests; `None` if they are not signed, signed with constant ones, or
    /// if no source gives any.
    pub async fn credentials_source(&self) -> Option<CredentialsSource> {
        self.credentials().await.ok().flatten().map(|info| info.source)
    }

    /// Sends a request that breaks three documented limits, so that no contact can be created: client token and name
    /// are too long, and an attribute's key has a space. The error shows whether the credentials may create contacts.
    /// If Connect refuses the time of the signature, it is sent again with Connect's time, as a run does.
    pub async fn probe_permission(&self, operation: Operation) -> PermissionProbe {
        let probe = self.probe_permission_once(operation).await;
        match &probe.error {
            Some(error) if error.is_clock_corrected() => self.probe_permission_once(operation).await,
            _ => probe,
        }
    }

    async fn probe_permission_once(&self, operation: Operation) -> PermissionProbe {
        let token = "x".repeat(TOO_LONG_TOKEN);
        let name = "x".repeat(TOO_LONG_NAME);
        let request = match operation {
            Operation::CreateContact => ContactRequest::completed_task(&name),
            Operation::StartTaskContact => {
                ContactRequest { name: Some(name.as_str().into()), ..ContactRequest::empty(operation) }
            }
        };
        // The probe has no value of a row, so the message stays as it is.
        let nothing = ContactRequest::empty(operation);
        let failure = match operation {
            Operation::CreateContact => {
                let call = self.create_contact(&request, token).attributes("not a key", "x");
                call::make(self.credentials.as_deref(), Box::pin(call.send()), Some(&nothing)).await.err()
            }
            Operation::StartTaskContact => {
                let call = self.start_task_contact(&request, token).attributes("not a key", "x");
                call::make(self.credentials.as_deref(), Box::pin(call.send()), Some(&nothing)).await.err()
            }
        };
        match failure {
            Some(call::CallFailure { error, server_time_s, responder, .. }) => {
                PermissionProbe { error: Some(error), responder, server_time_s }
            }
            None => PermissionProbe { error: None, responder: Responder::Service, server_time_s: None },
        }
    }

    /// The instance's status, such as `ACTIVE`.
    ///
    /// # Errors
    /// Any [`AttemptError`]; most credentials for an import may not call DescribeInstance.
    pub async fn instance_status(&self) -> Result<String, AttemptError> {
        let call = self.client.describe_instance().instance_id(&self.instance_id);
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let output = call::make(self.credentials.as_deref(), Box::pin(call.send()), Some(&nothing)).await?;
        let status = output.instance.and_then(|instance| instance.instance_status);
        Ok(status
            .map_or_else(|| "of unknown status".to_owned(), |status| one_line(status.as_str(), STATUS_CHARS)))
    }

    /// Creates one completed task with this name and client token.
    pub async fn create_probe_contact(&self, name: &str, token: String) -> Attempt {
        self.create(&ContactRequest::completed_task(name), token).await
    }
}
