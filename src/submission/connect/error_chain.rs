//! The causes of an SDK error, which wraps those of the transport and of the sources of credentials.

use std::error::Error;
use std::io;

use crate::submission::service_error::one_line;

/// The error and its sources. The error within an `io::Error` is one of them, although `io::Error::source` passes it over.
pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        within.map(|within| within as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The first error of this type in the chain.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The last error of the chain. It comes from the transport or the credentials, so it quotes no value of the row.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(|error| one_line(&error.to_string(), 300)).unwrap_or_default()
}

/// Whether the failure happened before the connection was made, so that nothing was sent.
pub(super) fn is_connect_failure(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_within_io_errors_is_found() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let nested = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls.clone()));
        assert_eq!(find::<rustls::Error>(&nested), Some(&tls));
        assert_eq!(chain(&nested).count(), 3);
    }
}
