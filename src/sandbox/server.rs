//! The listener of the sandbox: it accepts connections on loopback until its shutdown.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::config::SandboxConfig;
use super::error::SandboxError;
use super::http;
use super::service::Service;
use super::state::SandboxStats;

/// Time that open connections get to finish after the shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Pause after a failed accept, for instance because the process has no file descriptor left. Without it the
/// loop would use a whole core.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// A sandbox that listens. Requests queue until [`Sandbox::serve`] runs.
#[derive(Debug)]
pub struct Sandbox {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
}

impl Sandbox {
    /// Reads the state file, if one is configured, and listens on 127.0.0.1, never on another address.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Quota`]: the rate is not a number above 0, or the burst is 0.
    /// - [`SandboxError::Probability`]: a fault's probability is not a number from 0 to 1.
    /// - [`SandboxError::Jitter`]: the jitter is not a number from 0 to 1.
    /// - [`SandboxError::Listen`]: the port cannot be bound.
    /// - [`SandboxError::StateOpen`], [`SandboxError::StateInUse`], [`SandboxError::NotAState`]: the state
    ///   file cannot be used.
    pub async fn bind(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
        config.check()?;
        let port = config.port;
        let listen_error = |source| SandboxError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        Ok(Sandbox { listener, address, service: Arc::new(Service::open(config)?) })
    }

    /// The address with the port that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for a client: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A handle that stays usable while [`Sandbox::serve`] owns the sandbox.
    #[must_use]
    pub fn handle(&self) -> SandboxHandle {
        SandboxHandle { service: Arc::clone(&self.service) }
    }

    /// Serves requests until `shutdown` resolves. It then accepts no further connection, gives open requests
    /// one second to finish, closes the rest, and closes the state file.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateWrite`] as soon as a contact cannot be written to the state file. That request
    /// got a 500 and created no contact.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), SandboxError> {
        let Sandbox { listener, service, .. } = self;
        let (closing, closed) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = service.write_failed() => break,
                // Ended connections are removed at once, so that the set does not grow.
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(stream, Arc::clone(&service), closed.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
                },
            }
        }
        drop(listener);
        closing.send_replace(true);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        // After that time the next line closes the connections that are still open.
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, all_ended).await;
        connections.shutdown().await;
        service.close().map_or(Ok(()), Err)
    }
}

/// Access to the counters of a running sandbox; clones share it.
#[derive(Debug, Clone)]
pub struct SandboxHandle {
    pub(super) service: Arc<Service>,
}

impl SandboxHandle {
    /// The counters since the start.
    #[must_use]
    pub fn stats(&self) -> SandboxStats {
        self.service.stats()
    }
}

/// Serves one connection until the client closes it or `closing` turns true. A request in progress is still
/// answered then.
async fn serve_connection(stream: TcpStream, service: Arc<Service>, mut closing: watch::Receiver<bool>) {
    // It only affects speed: a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let respond = service_fn(move |request| http::respond(Arc::clone(&service), request));
    let mut builder = http1::Builder::new();
    // A request that the client has sent is processed even if the client has disconnected since.
    let builder = builder.half_close(true);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), respond));
    // The end of a connection is not reported: the counters show what its requests did.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
