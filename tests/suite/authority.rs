//! A certificate authority of a company, and TLS servers on loopback with its certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// A certificate authority that no system trusts.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Certificates that a server sends with its own.
    chain: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// An authority with this common name.
    pub fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap());
        Authority { issuer: issuer.unwrap(), chain: Vec::new() }
    }

    /// An authority with a certificate of this one, which its servers send with their own.
    pub fn intermediate(&self, name: &str) -> Self {
        let issuer = CertifiedIssuer::signed_by(authority(name), KeyPair::generate().unwrap(), &self.issuer);
        let issuer = issuer.unwrap();
        let chain = [&[issuer.der().clone()][..], &self.chain].concat();
        Authority { issuer, chain }
    }

    /// Its own certificate, as a CA bundle contains it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its own certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// Settings of a server with a certificate for `127.0.0.1` and these names.
    pub fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(&[names, &["127.0.0.1"]].concat(), |_| {})
    }

    /// Settings of a server with a certificate for these names and no others, which `change` alters.
    pub fn server_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        change(&mut parameters);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let chain = [&[certificate.der().clone()][..], &self.chain].concat();
        with_certificates(chain, &key)
    }
}

/// Settings of a server whose certificate for `127.0.0.1` is signed by itself, and that certificate.
pub fn self_signed(is_authority: bool) -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, "Self");
    if is_authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let certificate = parameters.self_signed(&key).unwrap();
    (with_certificates(vec![certificate.der().clone()], &key), certificate.pem())
}

/// Settings of a server that has the certificate of `first` for so many connections, and then that of `then`.
pub fn rotated(first: &ServerConfig, connections: usize, then: &ServerConfig) -> Arc<ServerConfig> {
    let resolvers = [first.cert_resolver.clone(), then.cert_resolver.clone()];
    let mut config = first.clone();
    config.cert_resolver = Arc::new(Rotation { resolvers, connections, seen: AtomicUsize::new(0) });
    // A resumed session presents no certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

#[derive(Debug)]
struct Rotation {
    resolvers: [Arc<dyn ResolvesServerCert>; 2],
    connections: usize,
    seen: AtomicUsize,
}

impl ResolvesServerCert for Rotation {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_later = self.seen.fetch_add(1, Ordering::Relaxed) >= self.connections;
        self.resolvers[usize::from(is_later)].resolve(hello)
    }
}

/// Lets a certificate end in the year 2001.
pub fn expired(parameters: &mut CertificateParams) {
    parameters.not_before = date_time_ymd(2000, 1, 1);
    parameters.not_after = date_time_ymd(2001, 1, 1);
}

/// Lets a certificate begin in the year 2200.
pub fn not_yet_valid(parameters: &mut CertificateParams) {
    parameters.not_before = date_time_ymd(2200, 1, 1);
    parameters.not_after = date_time_ymd(2201, 1, 1);
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

fn with_certificates(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}
