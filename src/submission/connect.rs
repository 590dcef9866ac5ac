//! Amazon Connect through the AWS SDK: the only file that names it.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_connect::Client;
use aws_sdk_connect::config::ConfigBag;
use aws_sdk_connect::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_connect::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_connect::operation::create_contact::CreateContactOutput;
use aws_sdk_connect::operation::create_contact::builders::CreateContactFluentBuilder;
use aws_sdk_connect::operation::start_task_contact::StartTaskContactOutput;
use aws_sdk_connect::operation::start_task_contact::builders::StartTaskContactFluentBuilder;
use aws_sdk_connect::primitives::DateTime;
use aws_sdk_connect::types;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder, proxy::ProxyConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;

use super::answer::{answered, shortened};
use super::{Attempt, Submitter, Trouble};
use crate::ledger::{Cause, Contact, InFlight};
use crate::request::{Attachment, ContactRequest, Named, Operation, Reference, SegmentValue, Text};

/// The options that the AWS CLI has too.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// A profile of the AWS configuration.
    pub profile: Option<String>,
    /// The Region; otherwise the environment's or the profile's.
    pub region: Option<String>,
    /// Another endpoint than the Region's.
    pub endpoint_url: Option<String>,
    /// A PEM file of certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Send requests unsigned; for endpoints such as the sandbox.
    pub no_sign_request: bool,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub read_timeout: Duration,
    /// A rehearsal on loopback: meaningless credentials, no proxy, no TLS.
    pub sandbox: bool,
}

/// The client cannot be set up; nothing is sent.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No Region is known.
    #[error(
        "no Region is set; use --region, AWS_REGION, the profile, or the instance's ARN as --instance-id"
    )]
    NoRegion,
    /// The CA bundle cannot be read.
    #[error("cannot read the CA bundle {}: {source}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The CA bundle holds no usable certificate, or an unusable one among others.
    #[error("the CA bundle {} holds no PEM certificate, or one that cannot be read", .0.display())]
    NoCertificates(PathBuf),
    /// The TLS library refuses the bundle.
    #[error("the CA bundle cannot be used: {0}")]
    Tls(String),
}

/// Sends requests to Amazon Connect, one attempt a call.
#[derive(Debug)]
pub struct ConnectSubmitter {
    client: Client,
    instance_id: String,
}

impl ConnectSubmitter {
    /// Sets the one client of the process up. Sends nothing; credentials are fetched with the first
    /// request.
    ///
    /// # Errors
    /// No Region is known, or the CA bundle is unusable.
    pub async fn new(instance_id: &str, settings: &AwsSettings) -> Result<Self, ConnectError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            // An answer that trickles in must not hold a worker for ever.
            .operation_attempt_timeout(settings.connect_timeout + settings.read_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            // Every attempt is paced, counted and recorded by this project, so the SDK makes one.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // It measures throughput, which bodies of 100 bytes do not have; the timeout above holds.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if settings.sandbox {
            // Whatever else the environment asks for is not meant for a rehearsal.
            loader = loader.http_client(plain()).credentials_provider(dummy_credentials());
            loader = loader.use_fips(false).use_dual_stack(false);
        } else if let Some(bundle) = &settings.ca_bundle {
            loader = loader.http_client(trusting(bundle)?);
        }
        if settings.no_sign_request {
            loader = loader.no_credentials();
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(ConnectError::NoRegion);
        }
        let mut client = aws_sdk_connect::config::Builder::from(&config);
        if settings.no_sign_request {
            client = client.allow_no_auth();
        }
        let client = Client::from_conf(client.build());
        Ok(ConnectSubmitter { client, instance_id: instance_id.to_owned() })
    }
}

fn dummy_credentials() -> Credentials {
    Credentials::new("SANDBOX", "SANDBOX", None, None, "connect-import sandbox")
}

/// An HTTP client for loopback: a proxy from the environment would lead astray, and there is no TLS.
fn plain() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings, components).proxy_config(ProxyConfig::disabled()).build_http()
    })
}

fn connector(
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> ConnectorBuilder {
    let mut connector = Connector::builder();
    connector.set_connector_settings(settings.cloned());
    connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    connector
}

/// An HTTP client that trusts the certificates of `bundle` and no others, and heeds the proxy
/// variables as the default client does.
fn trusting(bundle: &Path) -> Result<SharedHttpClient, ConnectError> {
    let read = std::fs::read(bundle);
    let pem = read.map_err(|source| ConnectError::CaBundle { path: bundle.to_owned(), source })?;
    // The SDK panics on a bad PEM, so it is looked at first.
    let mut roots = rustls::RootCertStore::empty();
    let sound = CertificateDer::pem_slice_iter(&pem)
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !sound || roots.is_empty() {
        return Err(ConnectError::NoCertificates(bundle.to_owned()));
    }
    let store = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| ConnectError::Tls(error.to_string()))?;
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        connector(settings, components)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .build()
    });
    Ok(client)
}

impl Submitter for ConnectSubmitter {
    async fn submit(&self, in_flight: &InFlight) -> Attempt {
        let departure = Departure::default();
        let request = in_flight.request();
        let token = in_flight.token().text();
        match request.operation {
            Operation::CreateContact => {
                let call = self.create_contact(request, token).customize().interceptor(departure.clone());
                let created = |output: CreateContactOutput| (output.contact_id, output.contact_arn);
                attempted(call.send(), created, &departure, request).await
            }
            Operation::StartTaskContact => {
                let call = self.start_task_contact(request, token).customize().interceptor(departure.clone());
                let created = |output: StartTaskContactOutput| (output.contact_id, None);
                attempted(call.send(), created, &departure, request).await
            }
        }
    }
}

impl ConnectSubmitter {
    fn create_contact(&self, request: &ContactRequest<'_>, token: String) -> CreateContactFluentBuilder {
        let user_info = request.user_info.as_ref();
        self.client
            .create_contact()
            .instance_id(&self.instance_id)
            .client_token(token)
            .set_channel(request.channel.as_deref().map(Into::into))
            .set_initiation_method(request.initiation_method.as_deref().map(Into::into))
            .set_initiate_as(request.initiate_as.as_deref().map(Into::into))
            .set_name(owned(request.name.as_ref()))
            .set_description(owned(request.description.as_ref()))
            .set_attributes(some(&request.attributes, |value| value.to_string()))
            .set_references(try_some(&request.references, reference))
            .set_segment_attributes(some(&request.segment_attributes, segment_value))
            .set_user_info(user_info.map(|info| types::UserInfo::builder().user_id(&*info.user_id).build()))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
            .set_expiry_duration_in_minutes(request.expiry_duration_in_minutes.and_then(narrowed))
    }

    fn start_task_contact(
        &self,
        request: &ContactRequest<'_>,
        token: String,
    ) -> StartTaskContactFluentBuilder {
        let attachments: Vec<_> = request.attachments.iter().filter_map(attachment).collect();
        self.client
            .start_task_contact()
            .instance_id(&self.instance_id)
            .client_token(token)
            .set_name(owned(request.name.as_ref()))
            .set_description(owned(request.description.as_ref()))
            .set_contact_flow_id(owned(request.contact_flow_id.as_ref()))
            .set_quick_connect_id(owned(request.quick_connect_id.as_ref()))
            .set_task_template_id(owned(request.task_template_id.as_ref()))
            .set_scheduled_time(request.scheduled_time.map(DateTime::from_secs))
            .set_attributes(some(&request.attributes, |value| value.to_string()))
            .set_references(try_some(&request.references, reference))
            .set_segment_attributes(some(&request.segment_attributes, segment_value))
            .set_attachments((!attachments.is_empty()).then_some(attachments))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
    }
}

/// Sends, and says what came of it.
async fn attempted<T, E>(
    sent: impl Future<Output = Result<T, SdkError<E, Response>>>,
    created: impl FnOnce(T) -> (Option<String>, Option<String>),
    departure: &Departure,
    request: &ContactRequest<'_>,
) -> Attempt
where
    E: ProvideErrorMetadata + Error + 'static,
{
    // Nothing outlives the call that a panic could leave half done.
    match AssertUnwindSafe(sent).catch_unwind().await {
        Ok(Ok(output)) => contact(created(output)),
        Ok(Err(error)) => Err(trouble(&error, departure, request)),
        Err(_) => Err(panicked(departure)),
    }
}

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.to_string())
}

/// The mapping has made sure that it fits.
fn narrowed(number: i64) -> Option<i32> {
    i32::try_from(number).ok()
}

/// A map of the request, or none where it is empty.
fn some<V, T>(map: &Named<'_, V>, convert: impl Fn(&V) -> T) -> Option<std::collections::HashMap<String, T>> {
    (!map.is_empty()).then(|| map.iter().map(|(key, value)| (key.to_owned(), convert(value))).collect())
}

/// The same for values that may not convert; the mapping has made sure that they do.
fn try_some<V, T>(
    map: &Named<'_, V>,
    convert: impl Fn(&V) -> Option<T>,
) -> Option<std::collections::HashMap<String, T>> {
    let entries = map.iter().filter_map(|(key, value)| Some((key.to_owned(), convert(value)?)));
    (!map.is_empty()).then(|| entries.collect())
}

fn reference(reference: &Reference<'_>) -> Option<types::Reference> {
    types::Reference::builder()
        .r#type(reference.r#type.as_deref().unwrap_or_default().into())
        .value(reference.value.as_deref().unwrap_or_default())
        .set_status(reference.status.as_deref().map(Into::into))
        .set_arn(owned(reference.arn.as_ref()))
        .set_status_reason(owned(reference.status_reason.as_ref()))
        .build()
        .ok()
}

fn attachment(attachment: &Attachment<'_>) -> Option<types::TaskAttachment> {
    types::TaskAttachment::builder()
        .set_file_name(owned(attachment.file_name.as_ref()))
        .set_s3_url(owned(attachment.s3_url.as_ref()))
        .build()
        .ok()
}

fn segment_value(value: &SegmentValue<'_>) -> types::SegmentAttributeValue {
    types::SegmentAttributeValue::builder()
        .set_value_string(owned(value.value_string.as_ref()))
        .set_value_integer(value.value_integer.and_then(narrowed))
        .set_value_map(value.value_map.as_ref().and_then(|map| some(map, segment_value)))
        .set_value_list(value.value_list.as_ref().map(|list| list.iter().map(segment_value).collect()))
        .set_value_arn(owned(value.value_arn.as_ref()))
        .build()
}

/// An answer of success is one only with a contact id in it.
fn contact((id, arn): (Option<String>, Option<String>)) -> Attempt {
    match id {
        Some(id) if !id.is_empty() => Ok(Contact { id, arn }),
        _ => Err(Trouble::MaybeSent(Cause {
            code: "NoContactId".into(),
            message: "Connect answered with success and without a contact id".into(),
        })),
    }
}

/// Notes that the SDK hands a request to the transport. Until then nothing was sent, whatever kind of
/// error the SDK makes of it: it reports missing credentials as a failure to dispatch.
#[derive(Clone, Debug, Default)]
struct Departure(Arc<AtomicBool>);

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
fn trouble<E>(error: &SdkError<E, Response>, departure: &Departure, request: &ContactRequest<'_>) -> Trouble
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

fn local(code: &str, message: &str) -> Cause {
    Cause { code: code.to_owned(), message: message.to_owned() }
}
