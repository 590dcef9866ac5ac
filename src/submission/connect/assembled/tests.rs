//! Ours against the SDK's own call: what is sent, and what comes of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_connect::config::Builder;
use aws_sdk_connect::error::ProvideErrorMetadata as _;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_types::sdk_config::TimeSource;

use super::super::agent::UserAgent;
use super::super::signing::Signing;
use super::super::testing::{Seen, Wire, config};
use super::*;

/// What is left out: metrics, what is told of retries and of features, what the transport sees to itself, and what
/// is given or disabled here.
const LEFT_OUT: [&str; 14] = [
    "CreateContactTelemetryInputCaptureInterceptor",
    "EndpointOverrideFeatureTrackerInterceptor",
    "EnforceContentLength",
    "IdempotencyTokenInterceptor",
    "InvocationIdInterceptor",
    "MetricsInterceptor",
    "ObservabilityFeatureTrackerInterceptor",
    "RecursionDetectionInterceptor",
    "RequestInfoInterceptor",
    "RetryModeFeatureTrackerInterceptor",
    "StalledStreamProtectionInterceptor",
    "TelemetryBytesInterceptor",
    "TokenBucketProvider",
    "UserAgentInterceptor",
];

/// A clock that stands.
#[derive(Debug)]
struct Still;

impl TimeSource for Still {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_789_948_798)
    }
}

fn call(name: &str) -> CreateContactInputBuilder {
    CreateContactInputBuilder::default().instance_id("i").client_token("t").name(name)
}

/// A client that is set up as the tool's.
fn client(mut config: Builder) -> (Assembled, Client) {
    let assembled = Assembled::default();
    config.push_interceptor(SharedInterceptor::permanent(UserAgent::default()));
    config.push_interceptor(SharedInterceptor::permanent(assembled.clone()));
    config = config.retry_config(RetryConfig::disabled());
    config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    (assembled, Client::from_conf(config.build()))
}

/// Signed by a clock that stands, so that the signature speaks for the address and the body too.
async fn sent(settings: fn(Builder) -> Builder, is_assembled: bool) -> Vec<Vec<(String, String)>> {
    let wire = Wire::default();
    let credentials = Credentials::new("A", "B", Some("token".to_owned()), None, "test");
    let config = config(&wire).time_source(Still).credentials_provider(credentials);
    let (assembled, client) = client(settings(config));
    for name in ["one", "two", "\u{fc}"] {
        if is_assembled {
            assembled.send(call(name), &client).await.unwrap();
        } else {
            call(name).send_with(&client).await.unwrap();
        }
    }
    wire.requests().clone()
}

#[tokio::test]
async fn a_call_sends_what_the_sdk_would_have_sent_but_for_what_it_tells_of_retries() {
    let settings: [fn(Builder) -> Builder; 6] = [
        |config| config,
        |config| config.region(Region::new("eu-west-2")).use_fips(true),
        |config| config.region(Region::new("us-gov-west-1")).use_dual_stack(true),
        |config| config.endpoint_url("http://127.0.0.1:1/path/"),
        |config| config.app_name(AppName::new("app").unwrap()),
        |config| config.push_auth_scheme(Signing::default()),
    ];
    for settings in settings {
        let retries = ["amz-sdk-invocation-id", "amz-sdk-request"];
        let [mut ours, mut sdk] = [sent(settings, true).await, sent(settings, false).await];
        let tells = |request: &Vec<(String, String)>| {
            request.iter().filter(|(name, _)| retries.contains(&name.as_str())).count()
        };
        assert_eq!(ours.iter().map(tells).collect::<Vec<_>>(), [2, 0, 0]);
        assert_eq!(sdk.iter().map(tells).collect::<Vec<_>>(), [2, 2, 2]);
        for request in ours.iter_mut().chain(&mut sdk) {
            request.retain(|(name, _)| !retries.contains(&name.as_str()));
        }
        assert_eq!(ours, sdk);
    }
}

#[tokio::test]
async fn a_call_may_be_unsigned() {
    let wire = Wire::default();
    let (assembled, client) = client(config(&wire).allow_no_auth());
    for _ in 0..2 {
        assembled.send(call("one"), &client).await.unwrap();
    }
    assert_eq!(wire.requests().len(), 2);
    assert!(wire.requests().iter().flatten().all(|(name, _)| name != "authorization"));
}

/// Ends a call in one of several ways.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Refused,
    Garbled,
    Broken,
    Never,
}

impl HttpConnector for Ending {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let answer = |status: u16, body: &'static str| {
            let mut answer = Response::new(StatusCode::try_from(status).unwrap(), body.into());
            answer.headers_mut().insert("x-amzn-errortype", "ThrottlingException");
            HttpConnectorFuture::ready(Ok(answer))
        };
        match self {
            Ending::Refused => answer(429, r#"{"message":"slow"}"#),
            Ending::Garbled => answer(200, "{"),
            Ending::Broken => HttpConnectorFuture::ready(Err(ConnectorError::io("broken".into()))),
            Ending::Never => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn a_call_fails_as_the_sdks_own() {
    for ending in [Ending::Refused, Ending::Garbled, Ending::Broken, Ending::Never] {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(50)).build();
        let config = config(&Wire::default()).timeout_config(timeouts);
        let config = config.credentials_provider(Credentials::new("A", "B", None, None, "test"));
        let http = http_client_fn(move |_, _| SharedHttpConnector::new(ending));
        let (assembled, client) = client(config.http_client(http));
        let mut told = Vec::new();
        for _ in 0..2 {
            let error = assembled.send(call("one"), &client).await.unwrap_err();
            let status = error.raw_response().map(|response| response.status().as_u16());
            let kind = format!("{error} {:?} {:?} {status:?}", error.code(), error.message());
            told.push((std::mem::discriminant(&error), kind));
        }
        assert_eq!(told[0], told[1], "{ending:?}");
    }
}

#[tokio::test]
async fn whatever_the_sdk_runs_is_kept_or_left_out_on_purpose() {
    let (wire, seen) = (Wire::default(), Seen::default());
    let mut config = config(&wire).credentials_provider(Credentials::new("A", "B", None, None, "test"));
    config.push_interceptor(SharedInterceptor::permanent(seen.clone()));
    let (assembled, client) = client(config);
    assembled.send(call("one"), &client).await.unwrap();
    let components = seen.components();
    let mut ran: Vec<_> = components.interceptors().map(|one| one.name()).collect();
    ran.sort_unstable();
    let mut known = [&KEPT[..], &LEFT_OUT, &["Assembled", "Seen"]].concat();
    known.retain(|name| *name != "Departure");
    known.sort_unstable();
    assert_eq!(ran, known);
}
