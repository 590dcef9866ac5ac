//! Servers whose certificate is not trusted: what is wrong with it, and who issued it.
//!
//! The TLS library's error does not have the certificate. After such an error one more connection is made to the same
//! host by the same path, which records the certificate and refuses it: nothing is sent on it.

use std::collections::HashMap;
use std::error::Error;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::authorities::Trust;
use super::certificate_words::{Presented, problem};
use crate::submission::connect::error_chain::find;
use crate::submission::proxies::{Proxies, Proxy};

/// Finds out what is wrong with certificates.
#[derive(Debug)]
pub(in crate::submission::connect) struct Inspector {
    trust: Trust,
    proxies: Arc<Proxies>,
    /// What is known of the servers' certificates, by the servers' URLs, so that requests at the same time make one
    /// connection.
    seen: Mutex<HashMap<String, Arc<tokio::sync::OnceCell<Seen>>>>,
}

/// What a server presented.
#[derive(Clone, Debug)]
struct Seen {
    /// Host of the server, or of the proxy.
    host: String,
    /// Its certificate and those that it sent with it; empty if it could not be read.
    chain: Vec<CertificateDer<'static>>,
    /// Why they are not trusted; `None` if they could not be read or are trusted now.
    error: Option<CertificateError>,
}

impl Inspector {
    /// `proxies` are those of the transport.
    pub(in crate::submission::connect) fn new(trust: Trust, proxies: Arc<Proxies>) -> Self {
        Inspector { trust, proxies, seen: Mutex::default() }
    }

    /// The error itself, or an `UntrustedCertificate` if a certificate is its cause. `limit` bounds one more connection, so
    /// that the failure is not taken for an attempt without an answer.
    pub(in crate::submission::connect) async fn with_certificate(
        &self,
        error: ConnectorError,
        url: &str,
        limit: Duration,
    ) -> ConnectorError {
        let Some(cause) = certificate_error(&error).cloned() else { return error };
        let Ok(uri) = url.parse::<Uri>() else { return error };
        let key = uri.authority().map(ToString::to_string).unwrap_or_default();
        let cell = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry(key).or_default().clone()
        };
        let seen = cell.get_or_init(|| self.inspect(&uri, limit)).await;
        let presented = Presented::of(&seen.chain);
        let cause = seen.error.as_ref().unwrap_or(&cause);
        let problem = problem(&seen.host, cause, presented.as_ref(), &self.trust);
        // Of no kind that the SDK retries: another connection gets the same certificate.
        ConnectorError::other(problem.into(), None).never_connected()
    }

    /// The certificate of the server of `uri`, or that of its proxy if that has TLS and is not trusted.
    async fn inspect(&self, uri: &Uri, limit: Duration) -> Seen {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let proxy = self.proxies.proxy_for(&uri.to_string());
        let proxy_host = proxy.as_deref().filter(|proxy| proxy.is_tls()).map(Proxy::host);
        let recorder = Recorder::new(&self.trust.roots);
        let handshake = async {
            match proxy.as_deref() {
                Some(proxy) if proxy.is_tls() => {
                    let stream = TcpStream::connect(proxy.address()).await.ok()?;
                    shake_hands(proxy.host(), stream, recorder.clone()).await
                }
                Some(proxy) => {
                    let url = format!("http://{}", proxy.address()).parse().ok()?;
                    let mut tunnel = Tunnel::new(url, HttpConnector::new());
                    if let Some(authorization) = proxy.authorization() {
                        tunnel = tunnel.with_auth(authorization.clone());
                    }
                    poll_fn(|context| tunnel.poll_ready(context)).await.ok()?;
                    let stream = tunnel.call(uri.clone()).await.ok()?;
                    shake_hands(&host, TokioIo::new(stream), recorder.clone()).await
                }
                None => {
                    let port = uri.port_u16().unwrap_or(443);
                    let stream = TcpStream::connect((&*host, port)).await.ok()?;
                    shake_hands(&host, stream, recorder.clone()).await
                }
            }
        };
        // Whatever ends it, what was recorded counts.
        let _ = tokio::time::timeout(limit, handshake).await;
        let (chain, error) = recorder.take();
        match (proxy_host, error) {
            (Some(proxy), error @ Some(_)) => Seen { host: format!("the proxy {proxy}"), chain, error },
            // The proxy is trusted, so that the server behind it is not.
            (Some(_), None) => Seen { host, chain: Vec::new(), error: None },
            (None, error) => Seen { host, chain, error },
        }
    }
}

/// The certificate's error that made a request fail, if one did.
fn certificate_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// Begins TLS, for the recorder to see the certificate. The handshake never ends well: the recorder refuses it.
async fn shake_hands(
    host: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    recorder: Arc<Recorder>,
) -> Option<()> {
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let config = ClientConfig::builder_with_provider(recorder.provider.clone())
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(recorder)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    None
}

/// Records a server's certificates and why they are not trusted, and refuses every server.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    /// `None` if nothing is trusted.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    recorded: Mutex<(Vec<CertificateDer<'static>>, Option<CertificateError>)>,
}

impl Recorder {
    fn new(roots: &Arc<RootCertStore>) -> Arc<Self> {
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone()).build().ok();
        Arc::new(Recorder { provider, verifier, recorded: Mutex::default() })
    }

    fn take(&self) -> (Vec<CertificateDer<'static>>, Option<CertificateError>) {
        std::mem::take(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |verifier: &Arc<WebPkiServerVerifier>| {
            verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
        };
        let error = match self.verifier.as_ref().map(verify) {
            None => Some(CertificateError::UnknownIssuer),
            Some(Err(rustls::Error::InvalidCertificate(error))) => Some(error),
            Some(_) => None,
        };
        let chain = std::iter::once(certificate).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = (chain, error);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
