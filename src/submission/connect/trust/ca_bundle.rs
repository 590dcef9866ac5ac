//! Reads the certificates of a CA bundle. Pure.

use std::collections::HashSet;
use std::path::Path;

use aws_smithy_types::base64;
use encoding_rs::UTF_8;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::parse_x509_certificate;

use crate::shell_word::shell_path;

/// PEM labels of a certificate. OpenSSL appends its trust settings to a trusted one; the third is that of old tools.
const LABELS: [&str; 3] = ["CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"];

/// Object identifier of PKCS #7 signed data, in DER (RFC 5652, section 5.1).
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// The usable certificates of a bundle.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Each once, as trust anchors.
    pub(super) roots: RootCertStore,
    /// The same in PEM.
    pub(super) pem: Vec<u8>,
    /// Certificates that the TLS library cannot use.
    pub(super) unusable: usize,
}

impl Certificates {
    /// Those of `ders` that can be used.
    pub(super) fn usable(ders: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut found = Certificates { roots: RootCertStore::empty(), pem: Vec::new(), unusable: 0 };
        let mut seen = HashSet::new();
        for der in ders {
            if !seen.insert(der.clone()) {
                continue;
            }
            match found.roots.add(der.clone()) {
                Ok(()) => {
                    let text = base64::encode(&der);
                    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
                    found.pem.extend_from_slice(pem.as_bytes());
                }
                Err(_) => found.unusable += 1,
            }
        }
        found
    }
}

/// Reads a bundle: PEM with any text between the certificates, or one certificate in DER. `path` is that of the commands
/// in the error.
///
/// # Errors
/// There is no usable certificate: what the bundle is instead, and the remedy.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Certificates, String> {
    let (ders, broken) = certificates(bytes);
    let mut found = Certificates::usable(ders);
    found.unusable += broken;
    if found.roots.is_empty() {
        let (text, _, _) = UTF_8.decode(bytes);
        return Err(instead(bytes, &text, found.unusable, path));
    }
    Ok(found)
}

/// The certificates of a file in DER, and the number of those that are broken.
pub(super) fn certificates(bytes: &[u8]) -> (Vec<CertificateDer<'static>>, usize) {
    // A byte order mark would hide the first certificate; PowerShell writes UTF-16.
    let (text, _, _) = UTF_8.decode(bytes);
    let mut broken = 0;
    let mut ders = Vec::new();
    for section in CertificateDer::pem_slice_iter(normalized(&text).as_bytes()) {
        match section {
            Ok(der) => ders.push(without_trust_settings(der)),
            Err(_) => broken += 1,
        }
    }
    if ders.is_empty() && broken == 0 && parse_x509_certificate(bytes).is_ok() {
        ders.push(without_trust_settings(CertificateDer::from(bytes.to_vec())));
    }
    (ders, broken)
}

/// The text as the PEM parser expects it: one label for all certificates, and no space around a line.
fn normalized(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        let of_certificate = ["-----BEGIN ", "-----END "].into_iter().find(|&marker| {
            let label = line.strip_prefix(marker).and_then(|rest| rest.strip_suffix("-----"));
            label.is_some_and(|label| LABELS.contains(&label))
        });
        match of_certificate {
            Some(marker) => {
                normalized.push_str(marker);
                normalized.push_str("CERTIFICATE-----");
            }
            None => normalized.push_str(line),
        }
        normalized.push('\n');
    }
    normalized
}

/// The certificate alone: OpenSSL's trust settings follow it in a TRUSTED CERTIFICATE.
fn without_trust_settings(der: CertificateDer<'static>) -> CertificateDer<'static> {
    match parse_x509_certificate(&der) {
        Ok((rest, _)) => CertificateDer::from(der[..der.len() - rest.len()].to_vec()),
        Err(_) => der,
    }
}

/// What a bundle without a usable certificate is, and the remedy.
fn instead(bytes: &[u8], text: &str, unusable: usize, path: &Path) -> String {
    let path = shell_path(path);
    let converted = |command: &str| format!("convert it: {command} -out bundle.pem");
    let is_pkcs7_der = bytes.first() == Some(&0x30)
        && bytes
            .iter()
            .take(32)
            .copied()
            .collect::<Vec<_>>()
            .windows(SIGNED_DATA.len())
            .any(|at| at == SIGNED_DATA);
    let holds = |label: &str| text.contains(&format!("-----BEGIN {label}"));
    if bytes.is_empty() {
        "is empty; name a PEM file with certificates of authorities".to_owned()
    } else if holds("PKCS7") || holds("CMS") {
        format!("is a PKCS #7 file; {}", converted(&format!("openssl pkcs7 -print_certs -in {path}")))
    } else if is_pkcs7_der {
        let command = format!("openssl pkcs7 -inform DER -print_certs -in {path}");
        format!("is a PKCS #7 file; {}", converted(&command))
    } else if unusable > 0 {
        "has no certificate that can be read; export the authority's certificate again, as PEM".to_owned()
    } else if text.contains("PRIVATE KEY-----") {
        "has a private key and no certificate; name the authority's certificate".to_owned()
    } else {
        "has no certificate in PEM; name a PEM file, which has lines -----BEGIN CERTIFICATE-----".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
    }

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(der))
    }

    fn utf16(text: &str) -> Vec<u8> {
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    #[test]
    fn certificates_are_found_in_every_form_of_a_bundle() {
        let [one, two] = [authority(), authority()];
        let [one, two] = [one.der().to_vec(), two.der().to_vec()];
        let (first, second) = (pem("CERTIFICATE", &one), pem("CERTIFICATE", &two));
        // OpenSSL's trust settings: a sequence of purposes; here an empty one.
        let trusted = pem("TRUSTED CERTIFICATE", &[&one[..], &[0x30, 0x00]].concat());
        let broken = pem("CERTIFICATE", b"no certificate");
        let cases: [(&str, Vec<u8>, (usize, usize)); 13] = [
            ("two", format!("{first}{second}").into(), (2, 0)),
            ("a byte order mark", format!("\u{feff}{first}{second}").into(), (2, 0)),
            ("UTF-16", utf16(&format!("{first}{second}")), (2, 0)),
            ("CR LF", first.replace('\n', "\r\n").into(), (1, 0)),
            ("CR", first.replace('\n', "\r").into(), (1, 0)),
            ("indented", first.replace('\n', "\n  ").into(), (1, 0)),
            ("text", format!("# Corp Root\nsubject=x\n{first}\nnext\n{second}").into(), (2, 0)),
            ("repeated", format!("{first}{first}").into(), (1, 0)),
            ("trusted", trusted.into(), (1, 0)),
            ("an old label", pem("X509 CERTIFICATE", &one).into(), (1, 0)),
            ("a private key", format!("{}{first}", pem("PRIVATE KEY", b"secret")).into(), (1, 0)),
            ("a broken one", format!("{broken}{first}-----BEGIN CERTIFICATE-----\nMII").into(), (1, 2)),
            ("DER", one.clone(), (1, 0)),
        ];
        for (name, bytes, expected) in cases {
            let found =
                read(&bytes, Path::new("b.pem")).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert_eq!((found.roots.len(), found.unusable), expected, "{name}");
            let again = read(&found.pem, Path::new("b.pem")).unwrap();
            assert_eq!((again.roots.len(), again.unusable), (expected.0, 0), "{name}");
        }
    }

    #[test]
    fn a_bundle_without_a_certificate_is_told_what_it_is() {
        let signed_data = [&[0x30, 0x80][..], &SIGNED_DATA].concat();
        let cases: [(Vec<u8>, &str); 7] = [
            (Vec::new(), "is empty"),
            (pem("PKCS7", b"x").into(), "openssl pkcs7 -print_certs -in 'my b.pem' -out bundle.pem"),
            (signed_data, "openssl pkcs7 -inform DER -print_certs -in 'my b.pem' -out bundle.pem"),
            (pem("CERTIFICATE", b"no certificate").into(), "no certificate that can be read"),
            (pem("EC PRIVATE KEY", b"secret").into(), "a private key and no certificate"),
            (b"<html>".to_vec(), "-----BEGIN CERTIFICATE-----"),
            (vec![0, 255, 3], "-----BEGIN CERTIFICATE-----"),
        ];
        for (bytes, expected) in cases {
            let problem = read(&bytes, Path::new("my b.pem")).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
