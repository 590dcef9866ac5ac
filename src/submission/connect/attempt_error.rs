//! From what the SDK says to what may have happened on the wire.

use std::cell::Cell;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Instant;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_connect::config::ConfigBag;
use aws_sdk_connect::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_connect::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_connect::operation::RequestId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use futures_util::FutureExt as _;
use tracing::debug;

use crate::ledger::Cause;
use crate::request::ContactRequest;
use crate::submission::AttemptError;
use crate::submission::answer::{answered, shortened};

/// Sends, and says what came of it. `request` has the texts that an error message may quote.
pub(super) async fn attempted<T, E>(
    sent: Call<impl Future<Output = Result<T, SdkError<E, Response>>>>,
    request: &ContactRequest<'_>,
) -> Result<T, AttemptError>
where
    T: RequestId,
    E: ProvideErrorMetadata + Error + 'static,
{
    let asked = Instant::now();
    // Nothing outlives the call that a panic could leave half done.
    let (answer, departed) = watched(AssertUnwindSafe(sent).catch_unwind()).await;
    let took = asked.elapsed();
    match answer {
        Ok(Ok(output)) => {
            debug!(request_id = output.request_id(), ?took, "answered");
            Ok(output)
        }
        Ok(Err(error)) => {
            let trouble = trouble(&error, departed, request);
            debug!(request_id = request_id(&error), ?took, code = trouble.cause().code, "not done");
            Err(trouble)
        }
        Err(_) => Err(panicked(departed)),
    }
}

fn request_id<E>(error: &SdkError<E, Response>) -> Option<&str> {
    error.raw_response().and_then(|response| response.headers().get("x-amzn-requestid"))
}

tokio::task_local! {
    /// Whether the request of the call that this task waits for was handed to the transport.
    static DEPARTED: Cell<bool>;
}

/// Whether a call's request was handed to the transport. Until then nothing was sent, whatever kind of error the
/// SDK makes of it: it reports missing credentials as a failure to dispatch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Departed(bool);

/// A call of the client. In a box: the SDK's futures have kilobytes, which every future around them would hold and
/// move.
pub(super) type Call<F> = Pin<Box<F>>;

/// Makes a call, and says whether its request departed.
pub(super) async fn watched<T>(call: impl Future<Output = T>) -> (T, Departed) {
    let watching = async { (call.await, Departed(DEPARTED.with(Cell::get))) };
    DEPARTED.scope(Cell::new(false), watching).await
}

/// Notes that the SDK hands a request to the transport. One for the client: an interceptor of a single call makes
/// the SDK put its configuration together anew.
#[derive(Debug)]
pub(super) struct Departure;

#[dyn_dispatch_hint]
impl Intercept for Departure {
    fn name(&self) -> &'static str {
        "Departure"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A request that nobody watches must not leave: it would be taken for one that was never sent.
        Ok(DEPARTED.try_with(|departed| departed.set(true))?)
    }
}

/// What may have happened on the wire.
pub(super) fn trouble<E>(
    error: &SdkError<E, Response>,
    departed: Departed,
    request: &ContactRequest<'_>,
) -> AttemptError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            answered(status, service.err().code(), service.err().message(), request)
        }
        _ if !departed.0 => not_departed(error),
        SdkError::DispatchFailure(_) if never_connected(error) => {
            AttemptError::NotSent(local("OutOfReach", &innermost(error)))
        }
        SdkError::DispatchFailure(_) => AttemptError::MaybeSent(local("NoAnswer", &innermost(error))),
        SdkError::TimeoutError(_) => {
            AttemptError::MaybeSent(local("NoAnswer", "no answer within the read timeout"))
        }
        SdkError::ResponseError(_) => {
            AttemptError::MaybeSent(local("NoAnswer", "an answer that cannot be read"))
        }
        _ => AttemptError::MaybeSent(local("NoAnswer", "an outcome that this version does not know")),
    }
}

/// The SDK panicked, as it does on credentials with a stray line break.
fn panicked(departed: Departed) -> AttemptError {
    if departed.0 {
        AttemptError::MaybeSent(local(
            "NoAnswer",
            "the AWS SDK failed inside, after the request was handed over",
        ))
    } else {
        let message =
            "the AWS SDK failed inside; look for stray characters in the credentials and the Region";
        AttemptError::Denied(local("NotSigned", message))
    }
}

/// The request was not built or signed. Missing credentials stop the run; a provider that did not
/// answer may do so later.
fn not_departed<E: Error + 'static>(error: &SdkError<E, Response>) -> AttemptError {
    let Some(credentials) = find::<CredentialsError>(error) else {
        return match error {
            SdkError::TimeoutError(_) => {
                AttemptError::NoCredentialsYet(local("CredentialsOutOfReach", "no credentials in time"))
            }
            _ => AttemptError::Denied(local("NotSigned", &innermost(error))),
        };
    };
    // Its own words alone: what it was caused by may quote the output of a credential process.
    let words = credentials.to_string();
    match credentials {
        CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_) => {
            AttemptError::NoCredentialsYet(local("CredentialsOutOfReach", &words))
        }
        _ => AttemptError::Denied(local("NoCredentials", &words)),
    }
}

/// Whether the failure lies before the connection was made: then nothing was sent.
fn never_connected<E: Error + 'static>(error: &SdkError<E, Response>) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The last error of the chain, which says what happened; it comes from the transport or from the
/// credentials, and knows nothing of the request.
fn innermost(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .last()
        .map(|error| shortened(&error.to_string(), 300))
        .unwrap_or_default()
}

pub(super) fn local(code: &str, message: &str) -> Cause {
    Cause { code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

    use super::super::testing::{Wire, config};
    use super::*;

    fn client(wire: &Wire, credentials: Option<Credentials>) -> aws_sdk_connect::Client {
        let mut config = config(wire);
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        config.push_interceptor(SharedInterceptor::permanent(Departure));
        aws_sdk_connect::Client::from_conf(config.build())
    }

    #[tokio::test]
    async fn a_call_departs_when_its_request_is_handed_over_and_not_before() {
        let wire = Wire::default();
        let credentials = Credentials::new("A", "B", None, None, "test");
        for (credentials, departs) in [(None, false), (Some(credentials), true)] {
            let client = client(&wire, credentials);
            let (answer, departed) = watched(Box::pin(client.create_contact().send())).await;
            assert_eq!((answer.is_ok(), departed), (departs, Departed(departs)));
            assert_eq!(wire.requests().len(), usize::from(departs));
        }
    }

    #[tokio::test]
    async fn calls_under_way_together_are_told_apart() {
        let wire = Wire::default();
        let able = client(&wire, Some(Credentials::new("A", "B", None, None, "test")));
        let unable = client(&wire, None);
        let call = |client: &aws_sdk_connect::Client| Box::pin(client.create_contact().send());
        let (sent, unsent) = tokio::join!(watched(call(&able)), watched(call(&unable)));
        assert_eq!((sent.1, unsent.1), (Departed(true), Departed(false)));
    }

    #[tokio::test]
    async fn a_request_that_nobody_watches_does_not_leave() {
        let wire = Wire::default();
        let client = client(&wire, Some(Credentials::new("A", "B", None, None, "test")));
        assert!(client.create_contact().send().await.is_err());
        assert!(wire.requests().is_empty());
    }
}
