//! What a doctor wants to know before a migration.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_connect::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::{Headers, Response};

use super::ConnectClient;
use super::attempt_error::{Departed, attempted, trouble, watched};
use crate::request::{ContactRequest, Operation};
use crate::submission::{Attempt, AttemptError};

/// Credentials, without what is secret about them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownCredentials {
    /// The last four characters of the access key's id.
    pub key_ends: String,
    /// When they expire; none if they do not say.
    pub expiry: Option<SystemTime>,
    /// Whether they are of a session, which ends some time.
    pub is_session: bool,
}

/// What Connect said to a request that was made to be refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// How it was refused; none if it was taken, which no such request should be.
    pub trouble: Option<AttemptError>,
    /// The server's clock, in seconds since 1970, if it told.
    pub server_s: Option<i64>,
}

/// How long a provider of credentials may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any client token may be (API reference: at most 500 characters).
const TOKEN_CHARS: usize = 501;

/// Longer than any name may be (API reference: at most 1024 characters).
const NAME_CHARS: usize = 1025;

impl ConnectClient {
    /// Asks the provider of the credentials; none if requests are not signed.
    ///
    /// # Errors
    /// Why there are none, for people.
    pub async fn credentials(&self) -> Result<Option<KnownCredentials>, String> {
        let Some(provider) = &self.credentials else { return Ok(None) };
        // Its own words alone: what it was caused by may quote the output of a credential process.
        let found = tokio::time::timeout(PATIENCE, provider.provide_credentials()).await;
        let found = found.map_err(|_| format!("no credentials within {} s", PATIENCE.as_secs()))?;
        let found = found.map_err(|error| error.to_string())?;
        let id: Vec<char> = found.access_key_id().chars().collect();
        let key_ends = id[id.len().saturating_sub(4)..].iter().collect();
        let is_session = found.session_token().is_some();
        Ok(Some(KnownCredentials { key_ends, expiry: found.expiry(), is_session }))
    }

    /// Sends a request that breaks several documented limits at once - its token, its name and a key of its
    /// attributes - so that nothing can be created, and hears whether it is denied or judged.
    pub async fn provoke_refusal(&self, operation: Operation) -> Refusal {
        let token = "x".repeat(TOKEN_CHARS);
        let name = "x".repeat(NAME_CHARS);
        let nothing = ContactRequest::empty(operation);
        let (server_s, trouble) = match operation {
            Operation::CreateContact => {
                let request = ContactRequest::completed_task(&name);
                let call = self.create_contact(&request, token).attributes("not a key", "x");
                let (answer, departed) = watched(Box::pin(call.send())).await;
                heard(answer, departed, &nothing)
            }
            Operation::StartTaskContact => {
                let call =
                    self.client.start_task_contact().instance_id(&self.instance_id).client_token(token);
                let call = call.name(name).attributes("not a key", "x");
                let (answer, departed) = watched(Box::pin(call.send())).await;
                heard(answer, departed, &nothing)
            }
        };
        Refusal { trouble, server_s }
    }

    /// The instance's status, such as `ACTIVE`.
    ///
    /// # Errors
    /// What kept Connect from telling; most credentials for an import may not ask.
    pub async fn instance(&self) -> Result<String, AttemptError> {
        let call = self.client.describe_instance().instance_id(&self.instance_id);
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let output = attempted(Box::pin(call.send()), &nothing).await?;
        let status = output.instance.and_then(|instance| instance.instance_status);
        Ok(status.map_or_else(|| "of unknown status".to_owned(), |status| status.as_str().to_owned()))
    }

    /// Makes one completed task of this name and token.
    pub async fn probe(&self, name: &str, token: String) -> Attempt {
        self.create(&ContactRequest::completed_task(name), token).await
    }
}

/// The server's clock, if it told, and how it refused.
fn heard<T, E>(
    answer: Result<T, SdkError<E, Response>>,
    departed: Departed,
    request: &ContactRequest<'_>,
) -> (Option<i64>, Option<AttemptError>)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let heard = answer.err().map(|error| (date(&error), trouble(&error, departed, request)));
    let (server_s, trouble) = heard.unzip();
    (server_s.flatten(), trouble)
}

/// The header `Date` of an answer, in seconds since 1970.
fn date<E>(error: &SdkError<E, Response>) -> Option<i64> {
    let headers: &Headers = error.raw_response()?.headers();
    let date = jiff::fmt::rfc2822::parse(headers.get("date")?).ok()?;
    Some(date.timestamp().as_second())
}
