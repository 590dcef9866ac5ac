//! Says what is wrong with a server's certificate, who issued it, and what to do. Pure.

use jiff::Timestamp;
use rustls::CertificateError;
use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Name;

use super::authorities::{Trust, TrustedStore};
use crate::printable::ShownPath as _;
use crate::submission::service_error::one_line;

/// Maximum length of a name in a certificate where it is shown, characters.
const NAME_CHARS: usize = 100;

/// A server's certificate is not trusted: nothing was sent. The text has the host, the issuer, the cause and the remedy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub(in crate::submission::connect) struct UntrustedCertificate(String);

/// Names of the certificate that a server presented. Anybody may have written them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Presented {
    subject: String,
    /// Who signed it.
    issuer: String,
    /// Who signed the last of the certificates that the server sent with it.
    topmost: String,
}

impl Presented {
    /// The names in a chain; `None` if there is none or it cannot be parsed.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (_, leaf) = parse_x509_certificate(chain.first()?).ok()?;
        let (_, last) = parse_x509_certificate(chain.last()?).ok()?;
        let subject = shown(leaf.subject());
        Some(Presented { subject, issuer: shown(leaf.issuer()), topmost: shown(last.issuer()) })
    }

    fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

/// Common name and organisation, or the whole name if it has neither.
fn shown(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    let organization = name.iter_organization().next().and_then(|name| name.as_str().ok());
    let whole = name.to_string();
    let (first, second) = match (common, organization) {
        (Some(common), organization) => (common, organization),
        (None, Some(organization)) => (organization, None),
        (None, None) => (&*whole, None),
    };
    let first = format!("'{}'", one_line(first, NAME_CHARS));
    match second {
        Some(second) => format!("{first} ({})", one_line(second, NAME_CHARS)),
        None => first,
    }
}

/// Why the certificate of `host` is not trusted, with its issuer and the remedy.
pub(super) fn problem(
    host: &str,
    error: &CertificateError,
    presented: Option<&Presented>,
    trust: &Trust,
) -> UntrustedCertificate {
    let issued = presented.map_or_else(String::new, |presented| {
        let Presented { issuer, topmost, .. } = presented;
        match (presented.is_self_signed(), topmost == issuer) {
            (true, _) => format!(", issued by itself, {issuer},"),
            (false, true) => format!(", issued by {issuer},"),
            (false, false) => format!(", issued by {issuer} under {topmost},"),
        }
    });
    let (cause, remedy) = cause_and_remedy(host, error, presented, trust);
    UntrustedCertificate(format!("the certificate of {host}{issued} {cause}; {remedy}"))
}

fn cause_and_remedy(
    host: &str,
    error: &CertificateError,
    presented: Option<&Presented>,
    trust: &Trust,
) -> (String, String) {
    let renew = "have it renewed, or set this machine's clock if that is wrong".to_owned();
    let other_server = "check --endpoint-url and any proxy; --ca-bundle does not help here".to_owned();
    match error {
        CertificateError::UnknownIssuer => unknown_issuer(presented, trust),
        CertificateError::ExpiredContext { time, not_after } => {
            (format!("expired on {}, and it is now {}", date(*not_after), date(*time)), renew)
        }
        CertificateError::Expired => ("has expired".to_owned(), renew),
        CertificateError::NotValidYetContext { time, not_before } => {
            let cause =
                format!("is valid from {}, and this machine's clock says {}", date(*not_before), date(*time));
            (cause, "set the clock, for instance by NTP".to_owned())
        }
        CertificateError::NotValidYet => {
            ("is not valid yet".to_owned(), "set this machine's clock, for instance by NTP".to_owned())
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // Debug output of the names' types: `DnsName("a.example")`, `IpAddress(127.0.0.1)`.
            let names = presented.iter().take(5).map(|name| one_line(bare(name), NAME_CHARS));
            let names = names.collect::<Vec<_>>().join(", ");
            (format!("is for {names} and not for {host}"), other_server)
        }
        CertificateError::NotValidForNameContext { .. } | CertificateError::NotValidForName => {
            (format!("is not for {host}"), other_server)
        }
        other => unusual(&other.to_string()),
    }
}

fn unknown_issuer(presented: Option<&Presented>, trust: &Trust) -> (String, String) {
    let mut cause = match &trust.store {
        TrustedStore::Bundle(bundle) => {
            format!("is of no authority in the CA bundle {} ({})", bundle.path.shown(), bundle.origin)
        }
        TrustedStore::System(_) if trust.roots.is_empty() => "is not trusted".to_owned(),
        TrustedStore::System(None) => "is of no authority that this system trusts".to_owned(),
        TrustedStore::System(Some(variables)) => format!("is of no authority of {variables}"),
    };
    if trust.unusable > 0 {
        cause.push_str(&format!(" ({} certificates there cannot be used)", trust.unusable));
    }
    let authority = match presented {
        Some(presented) if presented.is_self_signed() => "this certificate",
        _ => "that authority's certificate",
    };
    let remedy = match &trust.store {
        TrustedStore::Bundle(_) => {
            format!("add {authority} to the bundle, or name another PEM file with --ca-bundle")
        }
        TrustedStore::System(Some(variables)) if trust.roots.is_empty() => {
            format!("{variables} has no certificates; correct it, or name a PEM file with --ca-bundle")
        }
        TrustedStore::System(None) if trust.roots.is_empty() => {
            "this system has no certificates: install its package ca-certificates, or name a PEM file with --ca-bundle"
                .to_owned()
        }
        TrustedStore::System(_) => {
            format!("name a PEM file with {authority} with --ca-bundle; a proxy that inspects TLS has such an authority")
        }
    };
    (cause, remedy)
}

/// Errors that the TLS library gives no kind of their own, by their texts.
fn unusual(text: &str) -> (String, String) {
    if text.contains("CaUsedAsEndEntity") {
        let remedy = "give the server a certificate of its own, or make it with: openssl req -x509 -addext \
                      basicConstraints=critical,CA:FALSE; --ca-bundle does not help here";
        return ("is that of an authority (CA:TRUE), which no server may use".to_owned(), remedy.to_owned());
    }
    let cause = format!("cannot be used ({})", one_line(text, 200));
    (cause, "have the server's certificate replaced; --ca-bundle does not help here".to_owned())
}

/// The name in its debug output: between quotes, or else in parentheses.
fn bare(name: &str) -> &str {
    let in_parentheses = || name.split_once('(')?.1.strip_suffix(')');
    name.split('"').nth(1).or_else(in_parentheses).unwrap_or(name)
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::super::authorities::CaBundle;
    use super::*;

    fn trust(store: TrustedStore) -> Trust {
        let bundle = tempfile::NamedTempFile::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let pem = CertificateParams::default().self_signed(&key).unwrap().pem();
        std::fs::write(bundle.path(), pem).unwrap();
        let named = CaBundle { path: bundle.path().to_owned(), origin: "--ca-bundle".into() };
        Trust { store, ..Trust::new(Some(named)).unwrap() }
    }

    #[test]
    fn names_of_a_certificate_are_one_line_and_short() {
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, format!("Corp\u{1b}[31m\nRoot{}", "x".repeat(200)));
        parameters.distinguished_name.push(DnType::OrganizationName, "Corp Ltd");
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let presented = Presented::of(&[certificate.der().clone()]).unwrap();
        assert!(presented.is_self_signed());
        assert!(presented.issuer.starts_with("'Corp [31m Rootxxx"), "{}", presented.issuer);
        assert!(presented.issuer.ends_with("xxx' (Corp Ltd)") && presented.issuer.chars().count() < 120);
        assert_eq!(Presented::of(&[]), None);
        assert_eq!(Presented::of(&[CertificateDer::from(vec![0])]), None);
    }

    #[test]
    fn every_cause_has_its_remedy() {
        let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let system = trust(TrustedStore::System(None));
        let presented =
            Presented { subject: "'a'".into(), issuer: "'I'".into(), topmost: "'Root' (Corp)".into() };
        let cases = [
            (CertificateError::UnknownIssuer, "this system trusts; name a PEM file with that authority's"),
            (
                CertificateError::ExpiredContext { time: time(86_400), not_after: time(0) },
                "expired on 1970-01-01T00:00:00Z, and it is now 1970-01-02T00:00:00Z; have it renewed",
            ),
            (
                CertificateError::NotValidYetContext { time: time(0), not_before: time(86_400) },
                "valid from 1970-01-02T00:00:00Z, and this machine's clock says 1970-01-01T00:00:00Z; set",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: "h.example".try_into().unwrap(),
                    presented: vec!["DnsName(\"a.example\")".into(), "IpAddress(127.0.0.1)".into()],
                },
                "is for a.example, 127.0.0.1 and not for h.example; check --endpoint-url",
            ),
            (CertificateError::BadEncoding, "cannot be used"),
        ];
        for (error, expected) in cases {
            let text = problem("h.example", &error, Some(&presented), &system).to_string();
            assert!(
                text.starts_with("the certificate of h.example, issued by 'I' under 'Root' (Corp), "),
                "{text}"
            );
            assert!(text.contains(expected), "{text}");
        }
        let bundle = CaBundle { path: "corp.pem".into(), origin: "AWS_CA_BUNDLE".into() };
        let text = problem("h", &CertificateError::UnknownIssuer, None, &trust(TrustedStore::Bundle(bundle)));
        assert_eq!(
            text.to_string(),
            "the certificate of h is of no authority in the CA bundle corp.pem (AWS_CA_BUNDLE); add that authority's \
             certificate to the bundle, or name another PEM file with --ca-bundle"
        );
    }
}
