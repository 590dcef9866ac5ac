//! From what the SDK says to what may have happened on the wire.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::submission::Trouble;
use crate::submission::answer::{answered, shortened};

/// Sends, and says what came of it. `request` has the texts that an error message may quote.
pub(super) async fn attempted<T, E>(
    sent: impl Future<Output = Result<T, SdkError<E, Response>>>,
    departure: &Departure,
    request: &ContactRequest<'_>,
) -> Result<T, Trouble>
where
    T: RequestId,
    E: ProvideErrorMetadata + Error + 'static,
{
    let asked = Instant::now();
    // Nothing outlives the call that a panic could leave half done.
    let answer = AssertUnwindSafe(sent).catch_unwind().await;
    let took = asked.elapsed();
    match answer {
        Ok(Ok(output)) => {
            debug!(request_id = output.request_id(), ?took, "answered");
            Ok(output)
        }
        Ok(Err(error)) => {
            let trouble = trouble(&error, departure, request);
            debug!(request_id = request_id(&error), ?took, code = trouble.cause().code, "not done");
            Err(trouble)
        }
        Err(_) => Err(panicked(departure)),
    }
}

fn request_id<E>(error: &SdkError<E, Response>) -> Option<&str> {
    error.raw_response().and_then(|response| response.headers().get("x-amzn-requestid"))
}

/// Notes that the SDK hands a request to the transport. Until then nothing was sent, whatever kind of
/// error the SDK makes of it: it reports missing credentials as a failure to dispatch.
#[derive(Clone, Debug, Default)]
pub(super) struct Departure(Arc<AtomicBool>);

impl Departure {
    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

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
        self.0.store(true, Ordering::Release);
        Ok(())
    }
}

/// What may have happened on the wire.
pub(super) fn trouble<E>(
    error: &SdkError<E, Response>,
    departure: &Departure,
    request: &ContactRequest<'_>,
) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            answered(status, service.err().code(), service.err().message(), request)
        }
        _ if !departure.has_begun() => not_departed(error),
        SdkError::DispatchFailure(_) if never_connected(error) => {
            Trouble::NotSent(local("OutOfReach", &innermost(error)))
        }
        SdkError::DispatchFailure(_) => Trouble::MaybeSent(local("NoAnswer", &innermost(error))),
        SdkError::TimeoutError(_) => {
            Trouble::MaybeSent(local("NoAnswer", "no answer within the read timeout"))
        }
        SdkError::ResponseError(_) => Trouble::MaybeSent(local("NoAnswer", "an answer that cannot be read")),
        _ => Trouble::MaybeSent(local("NoAnswer", "an outcome that this version does not know")),
    }
}

/// The SDK panicked, as it does on credentials with a stray line break.
fn panicked(departure: &Departure) -> Trouble {
    if departure.has_begun() {
        Trouble::MaybeSent(local("NoAnswer", "the AWS SDK failed inside, after the request was handed over"))
    } else {
        let message =
            "the AWS SDK failed inside; look for stray characters in the credentials and the Region";
        Trouble::Denied(local("NotSigned", message))
    }
}

/// The request was not built or signed. Missing credentials stop the run; a provider that did not
/// answer may do so later.
fn not_departed<E: Error + 'static>(error: &SdkError<E, Response>) -> Trouble {
    let Some(credentials) = find::<CredentialsError>(error) else {
        return match error {
            SdkError::TimeoutError(_) => {
                Trouble::NoCredentialsYet(local("CredentialsOutOfReach", "no credentials in time"))
            }
            _ => Trouble::Denied(local("NotSigned", &innermost(error))),
        };
    };
    // Its own words alone: what it was caused by may quote the output of a credential process.
    let words = credentials.to_string();
    match credentials {
        CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_) => {
            Trouble::NoCredentialsYet(local("CredentialsOutOfReach", &words))
        }
        _ => Trouble::Denied(local("NoCredentials", &words)),
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
