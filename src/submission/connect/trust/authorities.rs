//! The certificates that the transport trusts.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use thiserror::Error;
use tracing::debug;

use super::ca_bundle::{self, Certificates};
use crate::file_kind::{endless_kind, read_settings};
use crate::printable::ShownPath as _;
use crate::submission::connect::profile::{ConfigFiles, expanded, home};

/// Variables that name a CA bundle, in the AWS CLI's order: the profile's `ca_bundle` stands between them. The second is
/// that of Python's requests, which the AWS CLI and boto3 read too.
const VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

/// Variables that name the system's certificates, as OpenSSL and rustls-native-certs read them.
const SYSTEM_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A file with the certificates to trust instead of the system's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaBundle {
    /// Path, also relative to the working folder.
    pub path: PathBuf,
    /// What names the path, such as `--ca-bundle` or `AWS_CA_BUNDLE`.
    pub origin: String,
}

/// The certificates to trust cannot be used.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The CA bundle cannot be read.
    #[error(
        "cannot read the CA bundle {} ({origin}): {source}; name a PEM file with --ca-bundle",
        path.shown()
    )]
    Unreadable {
        /// Path of the bundle.
        path: PathBuf,
        /// What names it.
        origin: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The CA bundle has no certificate that can be used.
    #[error("the CA bundle {} ({origin}) {problem}", path.shown())]
    Unusable {
        /// Path of the bundle.
        path: PathBuf,
        /// What names it.
        origin: String,
        /// What the file is instead, and the remedy.
        problem: String,
    },
    /// The TLS library refuses the certificates.
    #[error("the certificates to trust cannot be used: {0}")]
    Tls(String),
}

/// The authorities that are trusted.
#[derive(Clone, Debug)]
pub(in crate::submission::connect) struct Trust {
    /// The settings of the transport.
    pub(in crate::submission::connect) context: TlsContext,
    /// Their certificates.
    pub(in crate::submission::connect) roots: Arc<RootCertStore>,
    /// Where they come from.
    pub(in crate::submission::connect) store: TrustedStore,
    /// Certificates of the store that cannot be used.
    pub(in crate::submission::connect) unusable: usize,
}

/// Where trusted certificates come from.
#[derive(Clone, Debug)]
pub(in crate::submission::connect) enum TrustedStore {
    /// A CA bundle.
    Bundle(CaBundle),
    /// The system, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in its place, such as `SSL_CERT_FILE=/ca.pem`.
    System(Option<String>),
}

/// The CA bundle to trust: `given`, or that of the environment or of the profile.
pub(in crate::submission::connect) fn chosen(
    given: Option<&CaBundle>,
    variable: impl Fn(&str) -> Option<OsString>,
    of_profile: Option<CaBundle>,
) -> Option<CaBundle> {
    let [aws, requests] = VARIABLES.map(|name| {
        let path = variable(name).filter(|path| !path.is_empty())?;
        Some(CaBundle { path: path.into(), origin: name.to_owned() })
    });
    given.cloned().or(aws).or(of_profile).or(requests)
}

/// The CA bundle that the profile of this name has, if there is one.
pub(in crate::submission::connect) fn of_profile(files: &ConfigFiles, name: &str) -> Option<CaBundle> {
    let path = files.profiles().get_profile(name)?.get("ca_bundle")?.trim();
    let origin = format!("ca_bundle of profile {name}");
    (!path.is_empty()).then(|| CaBundle { path: path.into(), origin })
}

impl Trust {
    /// Trusts the certificates of `bundle` and no others; without a bundle the system's.
    ///
    /// # Errors
    /// [`TrustError`]: the bundle is not usable. A system without certificates is no error: the endpoint may need none.
    pub(in crate::submission::connect) fn new(bundle: Option<CaBundle>) -> Result<Self, TrustError> {
        let (certificates, store) = match bundle {
            Some(bundle) => (of_bundle(&bundle)?, TrustedStore::Bundle(bundle)),
            None => (of_system()?, TrustedStore::System(system_variables())),
        };
        let Certificates { roots, pem, unusable } = certificates;
        debug!(?store, certificates = roots.len(), unusable, "trusted certificates");
        let context = TlsContext::builder()
            .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
            .build()
            .map_err(|error| TrustError::Tls(error.to_string()))?;
        Ok(Trust { context, roots: Arc::new(roots), store, unusable })
    }
}

fn of_bundle(CaBundle { path, origin }: &CaBundle) -> Result<Certificates, TrustError> {
    let unusable = |problem| TrustError::Unusable { path: path.clone(), origin: origin.clone(), problem };
    let real = expanded(path, home());
    if real.is_dir() {
        let problem = "is a folder; name one PEM file, made by: cat *.pem > bundle.pem in that folder";
        return Err(unusable(problem.to_owned()));
    }
    let bytes = read_settings(&real).map_err(|source| TrustError::Unreadable {
        path: path.clone(),
        origin: origin.clone(),
        source,
    })?;
    ca_bundle::read(&bytes, &real).map_err(unusable)
}

/// # Errors
/// `SSL_CERT_FILE` is a pipe, a socket or a device, which the library would read without end.
fn of_system() -> Result<Certificates, TrustError> {
    let named = std::env::var_os(SYSTEM_VARIABLES[0]).map(PathBuf::from);
    if let Some(path) = &named
        && let Some(kind) = endless_kind(path)
    {
        let (path, origin) = (path.clone(), SYSTEM_VARIABLES[0].to_owned());
        return Err(TrustError::Unusable { path, origin, problem: format!("is {kind}; name a PEM file") });
    }
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        debug!(%error, "certificates of the system that cannot be read");
    }
    // rustls-native-certs passes over certificates that a CA bundle may have, such as one after a byte order mark.
    let file = named.and_then(|path| read_settings(&path).ok());
    let (more, _) = file.map(|bytes| ca_bundle::certificates(&bytes)).unwrap_or_default();
    Ok(Certificates::usable(found.certs.into_iter().chain(more)))
}

/// The variables that name the system's certificates, with their values.
fn system_variables() -> Option<String> {
    let set = SYSTEM_VARIABLES.iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some(format!("{name}={}", value.display()))
    });
    let set: Vec<_> = set.collect();
    (!set.is_empty()).then(|| set.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(path: &str, origin: &str) -> CaBundle {
        CaBundle { path: path.into(), origin: origin.into() }
    }

    #[test]
    fn the_bundle_is_chosen_in_the_aws_clis_order() {
        let both = |name: &str| Some(OsString::from(format!("{name}.pem")));
        let requests = |name: &str| (name == "REQUESTS_CA_BUNDLE").then(|| OsString::from("r.pem"));
        let empty = |_: &str| Some(OsString::new());
        let flag = bundle("f.pem", "--ca-bundle");
        let profile = bundle("p.pem", "ca_bundle of profile corp");
        let aws = bundle("AWS_CA_BUNDLE.pem", "AWS_CA_BUNDLE");
        assert_eq!(chosen(Some(&flag), both, Some(profile.clone())), Some(flag));
        assert_eq!(chosen(None, both, Some(profile.clone())), Some(aws));
        assert_eq!(chosen(None, requests, Some(profile.clone())), Some(profile.clone()));
        assert_eq!(chosen(None, requests, None), Some(bundle("r.pem", "REQUESTS_CA_BUNDLE")));
        assert_eq!(chosen(None, empty, Some(profile.clone())), Some(profile));
        assert_eq!(chosen(None, empty, None), None);
    }

    #[test]
    fn a_folder_and_a_missing_file_are_refused_with_their_origin() {
        let folder = tempfile::tempdir().unwrap();
        for (path, expected) in
            [(folder.path().to_owned(), "is a folder"), ("/no/such.pem".into(), "cannot read")]
        {
            let named = CaBundle { path: path.clone(), origin: "AWS_CA_BUNDLE".into() };
            let error = Trust::new(Some(named)).unwrap_err().to_string();
            for part in [expected, &path.shown(), "(AWS_CA_BUNDLE)"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
