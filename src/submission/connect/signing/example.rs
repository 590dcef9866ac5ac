//! A signed request that others are signed after.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_runtime::auth::{
    PayloadSigningOverride, SigV4OperationSigningConfig, SigV4SessionTokenNameOverride, SigningOptions,
};
use aws_runtime::content_encoding::DeferredSignerSender;
use aws_sdk_connect::config::ConfigBag;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_runtime_api::client::auth::AuthSchemeEndpointConfig;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::HttpError;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use sha2::{Digest as _, Sha256};

const HOST: &str = "host";
const DATE: &str = "x-amz-date";
const AUTHORIZATION: &str = "authorization";
const TOKEN: &str = "x-amz-security-token";

/// What is not taken from the request's headers; a request that brings one of them along is no example.
const ADDED: [&str; 4] = [HOST, DATE, AUTHORIZATION, TOKEN];

/// By these an endpoint has itself signed for otherwise.
const ENDPOINT_TERMS: [&str; 4] =
    ["signingName", "signingRegion", "disableDoubleEncoding", "disableNormalizePath"];

/// All that bears on a signature besides the request and the time.
#[derive(PartialEq)]
pub(super) struct Terms<'a> {
    credentials: &'a Credentials,
    operation: &'a SigV4OperationSigningConfig,
    name: Option<&'a SigningName>,
    region: Option<&'a SigningRegion>,
}

impl<'a> Terms<'a> {
    /// None if there are more of them than are understood here.
    pub(super) fn of(
        identity: &'a Identity,
        endpoint: &AuthSchemeEndpointConfig<'_>,
        config: &'a ConfigBag,
    ) -> Option<Self> {
        let operation = config.load::<SigV4OperationSigningConfig>()?;
        let are_usual = operation.signing_options == SigningOptions::default()
            && ENDPOINT_TERMS.into_iter().all(|term| endpoint.get(term).is_none())
            && config.load::<SigV4SessionTokenNameOverride>().is_none()
            && config.load::<PayloadSigningOverride>().is_none()
            && config.load::<DeferredSignerSender>().is_none();
        if !are_usual {
            return None;
        }
        let (name, region) = (config.load::<SigningName>(), config.load::<SigningRegion>());
        Some(Terms { credentials: identity.data()?, operation, name, region })
    }
}

/// A request that the SDK signed, and what it takes to sign another of its kind in the same second.
pub(super) struct Example {
    credentials: Credentials,
    operation: SigV4OperationSigningConfig,
    name: Option<SigningName>,
    region: Option<SigningRegion>,
    method: String,
    uri: String,
    /// Of all headers before it was signed, in their order.
    names: Vec<String>,
    /// Of the signed headers, in the order of the signature.
    signed: Vec<String>,
    /// With the service's clock, as far as the SDK knows it.
    date: String,
    host: String,
    key: Vec<u8>,
    /// The canonical request up to its headers.
    canonical_head: String,
    /// The string to sign up to the digest of the canonical request.
    to_sign_head: String,
    /// The value of the header up to the signature.
    authorization_head: String,
}

impl Example {
    /// The request has been signed by the SDK; `names` are its headers before that. None if other requests cannot
    /// be signed after it.
    pub(super) fn of(
        request: &HttpRequest,
        names: Vec<String>,
        terms: &Terms<'_>,
        now: SystemTime,
    ) -> Option<Self> {
        if names.iter().any(|name| ADDED.contains(&name.as_str())) {
            return None;
        }
        let authorization = request.headers().get(AUTHORIZATION)?;
        let date = request.headers().get(DATE)?;
        let (head, signature) = authorization.rsplit_once('=')?;
        let (credential, signed) = head.strip_suffix(", Signature")?.split_once(", SignedHeaders=")?;
        let (algorithm, credential) = credential.split_once(" Credential=")?;
        let scope = credential.strip_prefix(terms.credentials.access_key_id())?.strip_prefix('/')?;
        let (_, place) = scope.split_once('/')?;
        let (place, _) = place.rsplit_once('/')?;
        let (region, service) = place.rsplit_once('/')?;
        let key = generate_signing_key(terms.credentials.secret_access_key(), now, region, service);
        let (_, address) = request.uri().split_once("://")?;
        let (host, path) = address.split_at(address.find('/')?);
        let example = Example {
            credentials: terms.credentials.clone(),
            operation: terms.operation.clone(),
            name: terms.name.cloned(),
            region: terms.region.cloned(),
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            names,
            signed: signed.split(';').map(str::to_owned).collect(),
            date: date.to_owned(),
            host: host.to_owned(),
            key: key.as_ref().to_owned(),
            canonical_head: format!("{}\n{path}\n\n", request.method()),
            to_sign_head: format!("{algorithm}\n{date}\n{scope}\n"),
            authorization_head: format!("{head}="),
        };
        (example.signature(request)? == signature).then_some(example)
    }

    /// The header for another request, if it is of the same kind.
    pub(super) fn authorization(&self, request: &HttpRequest, terms: &Terms<'_>) -> Option<String> {
        let is_alike = self.terms() == *terms
            && self.uri == request.uri()
            && self.method == request.method()
            && self.names.iter().map(String::as_str).eq(names(request));
        let signature = if is_alike { self.signature(request)? } else { return None };
        Some(format!("{}{signature}", self.authorization_head))
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            credentials: &self.credentials,
            operation: &self.operation,
            name: self.name.as_ref(),
            region: self.region.as_ref(),
        }
    }

    /// None if the body is not at hand or a header is not plain.
    fn signature(&self, request: &HttpRequest) -> Option<String> {
        let headers = request.headers();
        let mut canonical = String::with_capacity(1024);
        canonical.push_str(&self.canonical_head);
        for name in &self.signed {
            let value = match name.as_str() {
                HOST => &self.host,
                DATE => &self.date,
                TOKEN => self.credentials.session_token()?,
                other => headers.get(other).filter(|value| is_plain(value))?,
            };
            canonical.extend([name, ":", value, "\n"]);
        }
        for (place, name) in self.signed.iter().enumerate() {
            canonical.push_str(if place == 0 { "\n" } else { ";" });
            canonical.push_str(name);
        }
        canonical.push('\n');
        push_digest(&mut canonical, request.body().bytes()?);
        let mut to_sign = String::with_capacity(self.to_sign_head.len() + 64);
        to_sign.push_str(&self.to_sign_head);
        push_digest(&mut to_sign, canonical.as_bytes());
        Some(calculate_signature(&self.key, to_sign.as_bytes()))
    }

    /// Adds what the SDK adds, in its order.
    pub(super) fn apply(&self, authorization: String, request: &mut HttpRequest) -> Result<(), HttpError> {
        let headers = request.headers_mut();
        headers.try_insert(DATE, self.date.clone())?;
        headers.try_insert(AUTHORIZATION, authorization)?;
        if let Some(token) = self.credentials.session_token() {
            headers.try_insert(TOKEN, token.to_owned())?;
        }
        Ok(())
    }
}

/// The names of the headers, with repetition.
pub(super) fn names(request: &HttpRequest) -> impl Iterator<Item = &str> {
    request.headers().iter().map(|(name, _)| name)
}

/// Whether the value is signed as it stands: only graphic ASCII, and single spaces within.
fn is_plain(value: &str) -> bool {
    let is_common = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    value.bytes().all(is_common) && value.trim_matches(' ').len() == value.len() && !value.contains("  ")
}

/// Appends the 64 lower-case hexadecimal digits of a SHA-256.
fn push_digest(text: &mut String, bytes: &[u8]) {
    for byte in Sha256::digest(bytes) {
        let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
        text.extend(digits.into_iter().flatten());
    }
}
