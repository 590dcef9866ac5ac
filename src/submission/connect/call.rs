//! Makes one call of the SDK and classifies its failure by what may have happened on the wire.

use std::cell::Cell;
use std::error::Error;
use std::pin::Pin;
use std::time::{Duration, Instant};

use aws_runtime::service_clock_skew::DisableClockSkewCorrection;
use aws_sdk_connect::config::ConfigBag;
use aws_sdk_connect::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_connect::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_connect::operation::RequestId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::debug;

use super::caught::caught;
use super::credentials::CredentialsChain;
use super::error_chain::{find, innermost, is_connect_failure};
use super::error_code::error_code;
use super::headers::{is_cached, is_of_aws, retry_after, service_time};
use super::responder::responder;
use super::transport::{AnswerTooLong, is_page};
use super::trust::UntrustedCertificate;
use crate::ledger::Cause;
use crate::request::ContactRequest;
use crate::submission::attempt::AttemptError;
use crate::submission::clock::ClockReading;
use crate::submission::credentials::CredentialsFailure;
use crate::submission::proxy_failure::ProxyFailure;
use crate::submission::response::Responder;
use crate::submission::service_error::ErrorResponse;

/// A call without a usable response.
#[derive(Debug)]
pub(super) struct CallFailure {
    pub(super) error: AttemptError,
    /// Why there are no credentials, if that is the failure.
    pub(super) credentials: Option<CredentialsFailure>,
    /// The response's header `Date`, in seconds since 1970, if there is one.
    pub(super) server_time_s: Option<i64>,
    /// Who answered.
    pub(super) responder: Responder,
}

impl From<CallFailure> for AttemptError {
    fn from(failure: CallFailure) -> Self {
        failure.error
    }
}

/// Awaits `call` and classifies its failure. `request` provides the values to redact from the service's message;
/// without it the message is dropped. The credentials come first, outside of the call's timeouts: a source may take longer
/// than Connect, and would otherwise be asked again at every attempt.
///
/// The call is boxed: the SDK's futures are nested so deeply that rustc gives up on the layout of those around them.
pub(super) async fn make<T, E>(
    credentials: Option<&CredentialsChain>,
    call: Pin<Box<impl Future<Output = Result<T, SdkError<E, Response>>>>>,
    request: Option<&ContactRequest<'_>>,
) -> Result<T, CallFailure>
where
    T: RequestId,
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(chain) = credentials
        && let Err(failure) = chain.resolve().await
    {
        let error = without_credentials(&failure);
        debug!(code = error.cause().code, "not sent");
        let responder = Responder::NoResponse(None);
        return Err(CallFailure { error, credentials: Some(failure), server_time_s: None, responder });
    }
    let start = Instant::now();
    let (result, sent) = with_transmission_record(caught(call)).await;
    let took = start.elapsed();
    match result {
        Some(Ok(output)) => {
            debug!(request_id = output.request_id(), ?took, "answered");
            Ok(output)
        }
        Some(Err(error)) => {
            let request_id = header(&error, "x-amzn-requestid");
            let date = error.raw_response().and_then(|response| service_time(response.headers()));
            let server_time_s = date.map(Timestamp::as_second);
            let credentials = find::<CredentialsFailure>(&error).cloned();
            let responder = responder(&error, sent.is_transmitted);
            let error = attempt_error(&error, sent, took, request);
            debug!(request_id, ?took, code = error.cause().code, "failed");
            Err(CallFailure { error, credentials, server_time_s, responder })
        }
        None => Err(CallFailure {
            error: panicked(sent.is_transmitted),
            credentials: None,
            server_time_s: None,
            responder: Responder::NoResponse(None),
        }),
    }
}

fn header<'a, E>(error: &'a SdkError<E, Response>, name: &'static str) -> Option<&'a str> {
    error.raw_response().and_then(|response| response.headers().get(name))
}

/// What the SDK handed to the transport in one call.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Transmission {
    /// Whether it handed the request over. Until then nothing was sent, whatever the kind of error: the SDK reports
    /// missing credentials as a dispatch failure.
    is_transmitted: bool,
    /// Time of the signature, in seconds since 1970; `None` if the request is not signed.
    signed_s: Option<i64>,
    /// Whether the SDK signs later requests with the service's time.
    has_clock_correction: bool,
}

tokio::task_local! {
    /// The transmission of this task's current call.
    static TRANSMISSION: Cell<Transmission>;
}

/// Awaits `call`; also returns what was handed to the transport.
async fn with_transmission_record<T>(call: impl Future<Output = T>) -> (T, Transmission) {
    let call = async { (call.await, TRANSMISSION.with(Cell::get)) };
    TRANSMISSION.scope(Cell::default(), call).await
}

/// Records that the SDK hands a request to the transport. Registered once on the client: for an interceptor of a single
/// call the SDK would rebuild its configuration on every call.
#[derive(Debug)]
pub(super) struct TransmissionRecorder;

#[dyn_dispatch_hint]
impl Intercept for TransmissionRecorder {
    fn name(&self) -> &'static str {
        "TransmissionRecorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_disabled =
            config.load::<DisableClockSkewCorrection>().is_some_and(DisableClockSkewCorrection::is_disabled);
        let transmission = Transmission {
            is_transmitted: true,
            signed_s: context.request().headers().get("x-amz-date").and_then(signing_time),
            has_clock_correction: !is_disabled,
        };
        // Fails outside of `with_transmission_record`: such a request would be taken for one that was never sent.
        Ok(TRANSMISSION.try_with(|record| record.set(transmission))?)
    }
}

/// The time of a signature, such as `20261130T210000Z`, in seconds since 1970.
fn signing_time(header: &str) -> Option<i64> {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", header).ok()?;
    Some(TimeZone::UTC.to_timestamp(time).ok()?.as_second())
}

/// The clocks at a request that took `took`, if it was signed and the response has the service's time.
fn clock_reading(response: &Response, sent: Transmission, took: Duration) -> Option<ClockReading> {
    // The SDK does not adopt the time of such an answer, either.
    if is_cached(response.headers()) {
        return None;
    }
    let own = Timestamp::now() - took / 2;
    Some(ClockReading {
        signed_s: sent.signed_s?,
        own_s: own.as_second(),
        service_s: service_time(response.headers())?.as_second(),
        is_adopted: sent.has_clock_correction,
    })
}

fn attempt_error<E>(
    error: &SdkError<E, Response>,
    sent: Transmission,
    took: Duration,
    request: Option<&ContactRequest<'_>>,
) -> AttemptError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let no_answer = |message: &str| AttemptError::MaybeSent(local_cause("NoAnswer", message).into());
    if let Some(failure) = find::<ProxyFailure>(error) {
        return failure.attempt_error();
    }
    // That of Connect, or of a source of credentials.
    if let Some(untrusted) = find::<UntrustedCertificate>(error) {
        return AttemptError::Untrusted(local_cause("UntrustedCertificate", &untrusted.to_string()));
    }
    match error {
        SdkError::ServiceError(service) => {
            let code = error_code(service.err(), service.raw());
            let response = ErrorResponse {
                status: service.raw().status().as_u16(),
                code: code.as_deref(),
                message: service.err().message(),
                retry_after: retry_after(service.raw().headers(), Timestamp::now()),
                clock: clock_reading(service.raw(), sent, took),
                is_of_aws: is_of_aws(service.raw().headers()),
            };
            if is_page(service.raw()) { response.classify_page() } else { response.classify(request) }
        }
        _ if !sent.is_transmitted => not_transmitted(error),
        SdkError::DispatchFailure(_) if is_connect_failure(error) => {
            AttemptError::NotSent(local_cause("OutOfReach", &innermost(error)))
        }
        SdkError::DispatchFailure(_) => no_answer(&innermost(error)),
        SdkError::TimeoutError(_) => no_answer("no answer within the read timeout"),
        SdkError::ResponseError(_) => match find::<AnswerTooLong>(error) {
            Some(too_long) => {
                AttemptError::MaybeSent(local_cause("AnswerTooLong", &too_long.to_string()).into())
            }
            None => no_answer("the response cannot be read"),
        },
        // SdkError is non-exhaustive.
        _ => no_answer("the AWS SDK reported an error of an unknown kind"),
    }
}

/// The SDK panics on credentials that contain a line break, among others.
fn panicked(is_transmitted: bool) -> AttemptError {
    if is_transmitted {
        let message = "the AWS SDK panicked after the request was sent";
        AttemptError::MaybeSent(local_cause("NoAnswer", message).into())
    } else {
        let message = "the AWS SDK panicked; look for stray characters in the credentials and the Region";
        AttemptError::Denied(local_cause("NotSigned", message))
    }
}

/// The request was not signed: there are no credentials.
fn without_credentials(failure: &CredentialsFailure) -> AttemptError {
    let cause = |code| local_cause(code, &failure.with_remedy());
    match failure.may_pass {
        true => AttemptError::CredentialsUnavailable(cause("CredentialsOutOfReach")),
        false => AttemptError::NoCredentials(cause("NoCredentials")),
    }
}

/// The request was not built or not signed. Missing credentials stop the run; a source that did not answer may answer
/// later.
fn not_transmitted<E: Error + 'static>(error: &SdkError<E, Response>) -> AttemptError {
    if let Some(failure) = find::<CredentialsFailure>(error) {
        return without_credentials(failure);
    }
    match error {
        SdkError::TimeoutError(_) => AttemptError::CredentialsUnavailable(local_cause(
            "CredentialsOutOfReach",
            "the source of the credentials did not answer within the timeout",
        )),
        _ => AttemptError::Denied(local_cause("NotSigned", &innermost(error))),
    }
}

/// The cause of a failure that this machine detected.
pub(super) fn local_cause(code: &str, message: &str) -> Cause {
    Cause { code: code.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::Region;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_connect::config::{BehaviorVersion, Builder};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    /// A transport that counts requests and answers each with an empty object.
    #[derive(Clone, Debug, Default)]
    struct CountingTransport(Arc<AtomicUsize>);

    impl CountingTransport {
        fn requests(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl HttpConnector for CountingTransport {
        fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::Relaxed);
            let status = StatusCode::try_from(200).unwrap();
            HttpConnectorFuture::ready(Ok(Response::new(status, "{}".into())))
        }
    }

    fn client(transport: &CountingTransport, has_credentials: bool) -> aws_sdk_connect::Client {
        let transport = transport.clone();
        let credentials = has_credentials.then(|| Credentials::new("A", "B", None, None, "test"));
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(transport.clone())));
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        config.push_interceptor(SharedInterceptor::permanent(TransmissionRecorder));
        aws_sdk_connect::Client::from_conf(config.build())
    }

    #[tokio::test]
    async fn a_request_counts_as_transmitted_once_the_transport_has_it() {
        let transport = CountingTransport::default();
        for has_credentials in [false, true] {
            let client = client(&transport, has_credentials);
            let (result, sent) = with_transmission_record(client.create_contact().send()).await;
            assert_eq!((result.is_ok(), sent.is_transmitted), (has_credentials, has_credentials));
            assert_eq!(sent.signed_s.is_some(), has_credentials);
            assert_eq!(transport.requests(), usize::from(has_credentials));
        }
    }

    #[test]
    fn the_time_of_a_signature_is_read_from_its_header() {
        assert_eq!(signing_time("20261130T210000Z"), Some(1_796_072_400));
        assert_eq!(signing_time("20261130"), None);
    }

    #[test]
    fn the_codes_of_throttling_and_of_timeouts_are_the_sdks() {
        use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};

        use crate::submission::service_error::{THROTTLING_CODES, TRANSIENT_CODES};
        assert_eq!((THROTTLING_CODES, TRANSIENT_CODES), (THROTTLING_ERRORS, TRANSIENT_ERRORS));
    }

    #[tokio::test]
    async fn concurrent_calls_of_one_task_have_flags_of_their_own() {
        let transport = CountingTransport::default();
        let (signing, unsigned) = (client(&transport, true), client(&transport, false));
        let (sent, unsent) = tokio::join!(
            with_transmission_record(signing.create_contact().send()),
            with_transmission_record(unsigned.create_contact().send())
        );
        assert_eq!((sent.1.is_transmitted, unsent.1.is_transmitted), (true, false));
    }

    #[tokio::test]
    async fn a_request_outside_of_a_flags_scope_is_not_sent() {
        let transport = CountingTransport::default();
        assert!(client(&transport, true).create_contact().send().await.is_err());
        assert_eq!(transport.requests(), 0);
    }

    #[tokio::test]
    async fn missing_credentials_are_denied_and_not_taken_for_an_unanswered_attempt() {
        let client = client(&CountingTransport::default(), false);
        let failure = make(None, Box::pin(client.create_contact().send()), None).await.unwrap_err();
        assert!(matches!(failure.error, AttemptError::Denied(_)), "{failure:?}");
    }

    #[tokio::test]
    async fn a_panic_before_transmission_is_denied_and_after_it_unanswered() {
        type Output = aws_sdk_connect::operation::create_contact::CreateContactOutput;
        type Failure = aws_sdk_connect::operation::create_contact::CreateContactError;
        for is_transmitted in [false, true] {
            let call = async move {
                TRANSMISSION
                    .with(|record| record.set(Transmission { is_transmitted, ..Transmission::default() }));
                panic!("inside the SDK")
            };
            let failure = make::<Output, Failure>(None, Box::pin(call), None).await.unwrap_err();
            assert_eq!(matches!(failure.error, AttemptError::MaybeSent(_)), is_transmitted);
            assert_eq!(matches!(failure.error, AttemptError::Denied(_)), !is_transmitted);
        }
    }
}
