//! Ours against the SDK's own signer: the whole signed request, header by header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_runtime::auth::sigv4::SigV4Signer;
use aws_runtime::auth::{PayloadSigningOverride, SigV4OperationSigningConfig, SigningOptions};
use aws_sdk_connect::Client;
use aws_sdk_connect::config::{Builder, ConfigBag, Layer, Region};
use aws_sdk_connect::types::{SearchContactsTimeRange, SearchContactsTimeRangeType};
use aws_sigv4::http_request::SignableBody;
use aws_smithy_runtime_api::client::auth::{AuthSchemeEndpointConfig, Sign};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::Document;
use aws_smithy_types::body::SdkBody;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::sdk_config::TimeSource;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::testing::{Seen, Wire, config};
use super::{Signer, Signing};

type Headers = Vec<(String, String)>;

/// A clock that stands.
#[derive(Clone, Copy, Debug)]
struct At(SystemTime);

impl TimeSource for At {
    fn now(&self) -> SystemTime {
        self.0
    }
}

fn at(ms: u64) -> At {
    // Two seconds before a midnight: the date of the key changes within the tests.
    At(UNIX_EPOCH + Duration::from_secs(1_789_948_798) + Duration::from_millis(ms))
}

fn credentials(secret: &str, token: Option<&str>) -> Credentials {
    Credentials::new("AKIDEXAMPLE", secret, token.map(str::to_owned), None, "test")
}

/// The components of a call, which nobody else can put together.
fn components() -> RuntimeComponents {
    let seen = Seen::default();
    let mut config = config(&Wire::default()).credentials_provider(credentials("s", None));
    config.push_interceptor(SharedInterceptor::permanent(seen.clone()));
    let call = Client::from_conf(config.build()).create_contact();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(call.send()).unwrap();
    seen.components()
}

/// A request and all that it is signed by.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    uri: String,
    headers: Headers,
    /// None if it is not at hand.
    body: Option<String>,
    credentials: Credentials,
    ms: u64,
    operation: SigV4OperationSigningConfig,
    name: Option<&'static str>,
    region: &'static str,
    payload: Option<PayloadSigningOverride>,
    endpoint: Option<Document>,
}

impl Case {
    fn usual() -> Self {
        let headers = [
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("user-agent", "aws-sdk-rust/1.3  os/linux"),
            ("x-amz-user-agent", "aws-sdk-rust/1.3 ua/2.1 api/connect#1.220.0"),
        ];
        Case {
            method: "PUT",
            uri: "https://connect.eu-west-2.amazonaws.com/contact/create-contact".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: Some("{}".to_owned()),
            credentials: credentials("secret", None),
            ms: 0,
            operation: SigV4OperationSigningConfig::default(),
            name: Some("connect"),
            region: "eu-west-2",
            payload: None,
            endpoint: None,
        }
    }

    /// None if there can be no such request.
    fn request(&self) -> Option<HttpRequest> {
        let body = self.body.as_ref().map_or_else(SdkBody::taken, |body| SdkBody::from(body.as_str()));
        let mut request = HttpRequest::new(body);
        request.set_method(self.method).ok()?;
        request.set_uri(self.uri.as_str()).ok()?;
        for (name, value) in &self.headers {
            request.headers_mut().try_append(name.clone(), value.clone()).ok()?;
        }
        Some(request)
    }

    /// What the signer makes of it; an error is as good as another.
    fn signed(&self, signer: &impl Sign, components: &RuntimeComponents) -> Option<(String, Headers)> {
        let mut layer = Layer::new("case");
        layer.store_put(self.operation.clone());
        layer.store_or_unset(self.name.map(SigningName::from));
        layer.store_put(SigningRegion::from(Region::new(self.region)));
        layer.store_or_unset(self.payload.clone());
        let endpoint = AuthSchemeEndpointConfig::from(self.endpoint.as_ref());
        let components = components.to_builder().with_time_source(Some(at(self.ms))).build().unwrap();
        let identity = Identity::from(self.credentials.clone());
        let mut request = self.request()?;
        let bag = ConfigBag::of_layers(vec![layer]);
        signer.sign_http_request(&mut request, &identity, endpoint, &components, &bag).ok()?;
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some((request.uri().to_owned(), headers.collect()))
    }
}

/// Whether the signer has an example that it signs this request after.
fn follows(signer: &Signer, case: &Case) -> bool {
    let latest = signer.latest.read().unwrap();
    let mut layer = Layer::new("case");
    layer.store_put(case.operation.clone());
    layer.store_or_unset(case.name.map(SigningName::from));
    layer.store_put(SigningRegion::from(Region::new(case.region)));
    let (identity, bag) = (Identity::from(case.credentials.clone()), ConfigBag::of_layers(vec![layer]));
    let terms = super::Terms::of(&identity, &AuthSchemeEndpointConfig::empty(), &bag).unwrap();
    let example = latest.example.as_ref();
    example.is_some_and(|example| example.authorization(&case.request().unwrap(), &terms).is_some())
}

/// Mostly the usual, so that most requests of a sequence are of one kind.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    odd: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![9 => Just(usual), 1 => odd]
}

fn uri() -> impl Strategy<Value = String> {
    let known = select(vec![
        "https://connect.eu-west-2.amazonaws.com:443/contact/create-contact",
        "https://connect.eu-west-2.amazonaws.com/contact/create-contact?",
        "https://connect.eu-west-2.amazonaws.com",
        "https://connect.eu-west-2.amazonaws.com?a",
        "http://127.0.0.1:18080/contact/create-contact",
        "http://127.0.0.1:80/contact/create-contact",
        "http://user@[::1]:8/a//b/../c/./d.e/",
        "https://h/contacts/11111111-2222-3333-4444-555555555555/a%2Fb%20c~_-",
        "https://h/contacts?b=2&a=1&a=0&c&d=%2f+%20",
    ]);
    let drawn =
        "https://H[a-z]{1,3}(:[0-9]{1,4})?/[a-zA-Z0-9/._~%!$&'()*+,;=:@-]{0,12}(\\?[a-zA-Z0-9%&=+/?]{0,9})?";
    prop_oneof![known.prop_map(str::to_owned), drawn]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let names = [
        "content-type",
        "content-length",
        "x-amz-user-agent",
        "user-agent",
        "transfer-encoding",
        "host",
        "x-amz-date",
        "authorization",
        "x-amz-security-token",
        "x-amzn-trace-id",
        "x-a",
        "x-b",
    ];
    let value = "[!-~]{0,8}|[ -~]{0,8}| {0,2}[a-c ]{0,6}|\\PC{0,4}|[a-c\t ]{0,4}";
    (select(names.to_vec()).prop_map(str::to_owned), value)
}

fn operation() -> impl Strategy<Value = SigV4OperationSigningConfig> {
    let with = |change: fn(&mut SigningOptions)| {
        let mut operation = SigV4OperationSigningConfig::default();
        change(&mut operation.signing_options);
        operation
    };
    let elsewhere = SigningRegion::from(Region::new("us-west-2"));
    select(vec![
        with(|options| options.double_uri_encode = false),
        with(|options| options.content_sha256_header = true),
        with(|options| options.normalize_uri_path = false),
        with(|options| options.omit_session_token = true),
        with(|options| options.payload_override = Some(SignableBody::UnsignedPayload)),
        SigV4OperationSigningConfig { region: Some(elsewhere), ..Default::default() },
        SigV4OperationSigningConfig { name: Some(SigningName::from_static("other")), ..Default::default() },
    ])
}

fn endpoint() -> impl Strategy<Value = Option<Document>> {
    let terms = vec![
        ("signingName", Document::from("other".to_owned())),
        ("signingRegion", Document::from("us-west-2".to_owned())),
        ("signingRegion", Document::from(true)),
        ("disableDoubleEncoding", Document::from(true)),
        ("disableNormalizePath", Document::from(true)),
        ("name", Document::from("sigv4".to_owned())),
    ];
    let object = |(term, value): (&str, Document)| Document::Object([(term.to_owned(), value)].into());
    select(terms).prop_map(object).prop_map(Some)
}

prop_compose! {
    fn case()(
        method in mostly("PUT", select(vec!["GET", "POST"])),
        uri in mostly(Case::usual().uri, uri()),
        headers in mostly(Case::usual().headers, vec(header(), 0..5)),
        length in prop_oneof![9 => "[1-9][0-9]{0,4}", 1 => " ?[1-9 ]{0,4}"],
        body in mostly(None, Just(Some(()))).prop_flat_map(|gone| gone.map_or_else(
            || "\\PC{0,40}".prop_map(Some).boxed(),
            |()| Just(None).boxed(),
        )),
        credentials in mostly(credentials("secret", Some("a//token+of==")), select(vec![
            credentials("secret", None),
            credentials("another", Some("a//token+of==")),
            credentials("secret", Some(" a  token of spaces ")),
        ])),
        ms in select(vec![0, 400, 999, 1000, 1500, 2000, 2400, 3000]),
        operation in mostly(SigV4OperationSigningConfig::default(), operation()),
        name in mostly(Some("connect"), select(vec![None, Some("other")])),
        region in mostly("eu-west-2", Just("us-east-1")),
        payload in mostly(None, Just(Some(PayloadSigningOverride::unsigned_payload()))),
        endpoint in mostly(None, endpoint()),
    ) -> Case {
        let mut headers = headers;
        let length_at = headers.iter_mut().find(|(name, _)| name == "content-length");
        if let Some((_, value)) = length_at {
            *value = length;
        }
        Case { method, uri, headers, body, credentials, ms, operation, name, region, payload, endpoint }
    }
}

#[test]
fn whatever_is_signed_is_signed_as_by_the_sdk() {
    let components = components();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1000));
    let sequences = vec(case(), 1..16);
    let outcome = runner.run(&sequences, |cases| {
        let (ours, sdk) = (Signer::default(), SigV4Signer::new());
        for case in cases {
            prop_assert_eq!(case.signed(&ours, &components), case.signed(&sdk, &components), "{:?}", case);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn odd_texts_in_the_body_and_in_a_header_are_signed_as_by_the_sdk() {
    let components = components();
    let (ours, sdk) = (Signer::default(), SigV4Signer::new());
    let odd = (0..0x250).chain(0x2000..0x2030).chain(0x1f600..0x1f610).filter_map(char::from_u32);
    let with = |text: &str| {
        let mut case = Case { body: Some(text.to_owned()), ..Case::usual() };
        case.headers.push(("x-odd".to_owned(), text.to_owned()));
        case
    };
    with("first").signed(&ours, &components).unwrap();
    let (mut texts, mut followed) = (0, 0);
    for odd in odd {
        for text in
            [format!("{odd}"), format!("a{odd}b"), format!("{odd} {odd}"), format!("\u{301}{odd}\"\\")]
        {
            let case = with(&text);
            texts += 1;
            followed += usize::from(case.request().is_some() && follows(&ours, &case));
            assert_eq!(case.signed(&ours, &components), case.signed(&sdk, &components), "{case:?}");
        }
    }
    // The graphic characters of ASCII, each in three of the texts, and one single space.
    assert_eq!((texts, followed), (4 * (0x250 + 0x30 + 0x10), 3 * 94 + 1));
}

#[test]
fn requests_of_one_kind_follow_an_example_and_others_do_not() {
    let components = components();
    let ours = Signer::default();
    assert!(!follows(&ours, &Case::usual()));
    Case::usual().signed(&ours, &components).unwrap();
    let with = |change: fn(&mut Case)| {
        let mut case = Case::usual();
        change(&mut case);
        case
    };
    let alike: [fn(&mut Case); 3] = [
        |_| {},
        |case| case.body = Some("another".to_owned()),
        |case| case.headers[1].1 = "12345".to_owned(),
    ];
    for change in alike {
        assert!(follows(&ours, &with(change)), "{:?}", with(change));
    }
    let other: [fn(&mut Case); 10] = [
        |case| case.method = "POST",
        |case| case.uri.push('x'),
        |case| case.credentials = credentials("secret2", None),
        |case| case.credentials = credentials("secret", Some("token")),
        |case| case.region = "us-east-1",
        |case| case.name = None,
        |case| case.body = None,
        |case| case.headers[0].1 = "two  spaces".to_owned(),
        |case| case.headers.swap(0, 1),
        |case| case.headers.push(("content-type".to_owned(), "again".to_owned())),
    ];
    for change in other {
        assert!(!follows(&ours, &with(change)), "{:?}", with(change));
    }
    // A second later the SDK is asked anew.
    let later = with(|case| {
        case.ms = 1000;
        case.headers.clear();
    });
    later.signed(&ours, &components).unwrap();
    assert!(follows(&ours, &later) && !follows(&ours, &Case::usual()));
}

/// What the client sends for each operation of this folder, twice.
async fn sent(change: impl Fn(Builder) -> Builder, token: Option<&str>) -> Vec<Headers> {
    let wire = Wire::default();
    let config = config(&wire).time_source(at(0)).credentials_provider(credentials("secret", token));
    let client = Client::from_conf(change(config).build());
    let kind = SearchContactsTimeRangeType::InitiationTimestamp;
    let (start, end) = (UNIX_EPOCH.into(), at(0).0.into());
    let range =
        SearchContactsTimeRange::builder().r#type(kind).start_time(start).end_time(end).build().unwrap();
    for turn in ["1", "two", "\u{fc}"] {
        client.create_contact().instance_id("i").client_token(turn).name(turn).send().await.unwrap();
        client.start_task_contact().instance_id("i").client_token(turn).name(turn).send().await.unwrap();
        client.describe_contact().instance_id("i").contact_id(turn).send().await.unwrap();
        client.describe_instance().instance_id("a/b c").send().await.unwrap();
        client.search_contacts().instance_id("i").time_range(range.clone()).send().await.unwrap();
    }
    let mut requests = wire.requests().clone();
    for request in &mut requests {
        request.retain(|(name, _)| name != "amz-sdk-invocation-id");
    }
    requests
}

#[tokio::test]
async fn the_client_sends_what_it_would_send_with_the_sdks_signer() {
    for token in [None, Some("a//token+of==")] {
        let ours = sent(|config| config.push_auth_scheme(Signing::default()), token).await;
        let sdk = sent(|config| config, token).await;
        assert_eq!(ours, sdk);
        let is_signed = |request: &Headers| request.iter().any(|(name, _)| name == "authorization");
        assert_eq!(ours.iter().filter(|request| is_signed(request)).count(), 15);
    }
}

#[test]
fn a_signer_keeps_its_key_to_itself() {
    let signer = Signer::default();
    Case::usual().signed(&signer, &components()).unwrap();
    assert_eq!(format!("{signer:?}"), "Signer { .. }");
}
