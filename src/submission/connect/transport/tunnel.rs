//! Why a proxy did not connect to the service: the failure of a connection as a [`ProxyFailure`].

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::submission::connect::error_chain::{find, innermost, is_connect_failure};
use crate::submission::proxies::Proxy;
use crate::submission::proxy_failure::{ProxyFailure, ProxyProblem};

/// The error of hyper-util's tunnel, which has no public name.
type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// The error of a request that was to go through a proxy; a [`ProxyFailure`] in it if the proxy is the cause. `target` is
/// host and port of the service. `limit` bounds a second CONNECT, which asks the proxy for its status.
pub(super) async fn explained(
    error: ConnectorError,
    proxy: &Arc<Proxy>,
    target: String,
    is_tunnel: bool,
    limit: Duration,
) -> ConnectorError {
    if !is_connect_failure(&error) {
        return error;
    }
    let problem = if error.is_timeout() {
        ProxyProblem::OutOfReach(format!("it opens no connection to {target} within the connect timeout"))
    } else if !is_tunnel {
        ProxyProblem::OutOfReach(innermost(&error))
    } else {
        match find::<TunnelError>(&error) {
            // The tunnel was opened. What failed in it, such as TLS with the service, is not the proxy's.
            None => return error,
            Some(tunnel) if tunnel.source().is_some() => ProxyProblem::OutOfReach(innermost(&error)),
            Some(TunnelError::ProxyAuthRequired) => ProxyProblem::NoTunnel(Some(407)),
            Some(_) => ProxyProblem::NoTunnel(status(proxy, &target, limit).await),
        }
    };
    as_error(ProxyFailure { proxy: proxy.clone(), target, problem })
}

/// The failure as an error of the SDK's transport. `call` and the sources of credentials find it in the chain. The SDK
/// asks sources of credentials again after an I/O error, and not after a user's.
pub(super) fn as_error(failure: ProxyFailure) -> ConnectorError {
    if failure.is_refusal() {
        ConnectorError::user(failure.into())
    } else {
        ConnectorError::io(failure.into())
    }
}

/// The status with which the proxy answers CONNECT: hyper-util does not tell it. `None` if there is none in time, or if the
/// proxy itself has TLS.
async fn status(proxy: &Proxy, target: &str, limit: Duration) -> Option<u16> {
    /// Length of the part of a status line with the status: `HTTP/1.1 403`.
    const START: usize = 12;
    if proxy.is_tls() {
        return None;
    }
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let asking = async {
        let mut stream = TcpStream::connect(proxy.address()).await.ok()?;
        stream.write_all(&request).await.ok()?;
        let mut start = [0; START];
        stream.read_exact(&mut start).await.ok()?;
        let status = std::str::from_utf8(&start).ok()?.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()?;
        // It changed its mind, or answers otherwise with a success.
        Some(status).filter(|status| *status >= 300)
    };
    tokio::time::timeout(limit, asking).await.ok().flatten()
}
