//! An Amazon Connect endpoint on loopback, to rehearse an import against.
//!
//! It speaks `CreateContact` (`PUT /contact/create-contact`), `StartTaskContact` (`PUT
//! /contact/task`), `DescribeContact` (`GET /contacts/{InstanceId}/{ContactId}`) and
//! `SearchContacts` (`POST /search-contacts`) as the service does (restJson1, any signature or
//! none), so the importer, the AWS CLI and boto3 work against it unchanged. It keeps a throttling
//! quota for each operation, remembers client tokens, and validates by the service's documented
//! limits. It can be made to go wrong as a network and a service do: see [`Faults`].
//! It shares no code with the importer, on purpose: a mistake in one is then seen by the other.
//!
//! A request's way through the files:
//!
//! | file | holds |
//! |---|---|
//! | `http` | answers and headers; an `Err` closes the connection without an answer |
//! | `route` | which operation a method and a path ask for; pure |
//! | `body` | a request's body, up to its limit |
//! | `service` | what one request does to everything the sandbox remembers, under one lock |
//! | `operation` | the operations there are |
//! | `latency` | how long a request and its answer are on their way; pure |
//! | `faults` | what goes wrong on purpose, as configured; pure |
//! | `fate`, `arrivals` | which random faults meet a request; pure |
//! | `quota`, `bucket` | a token bucket for each operation; pure |
//! | `wire` | restJson1 to a typed input; pure |
//! | `limits` | the service's documented limits; pure |
//! | `model` | the contacts, the client tokens, and how a contact is shown; pure |
//! | `search` | which contacts a search finds, and in which pages; pure |
//! | `journal` | the state file: every contact is in it before its answer leaves |
//! | `refusal` | the errors the service answers with |
//! | `contacts` | the body of `GET /_sandbox/contacts`, made piece by piece |
//! | `stats`, `error`, `uuid` | counters, the sandbox's own errors, identifiers |
//!
//! Two pages are the sandbox's own, neither throttled nor delayed, and no fault meets them:
//! `GET /_sandbox/stats` (see [`Stats`]) and `GET /_sandbox/contacts`, a JSON array of every
//! contact in the order of creation: `ContactId`, `ContactArn`, `InitiationTimestamp` (epoch
//! seconds), `Operation` unless it was `CreateContact`, then the members of the request as they
//! were sent.
//!
//! What it does not imitate:
//!
//! - permissions, and the existence of instances, users, related contacts, flows, quick connects,
//!   task templates and attachments;
//! - the quotas on open and on linked tasks (a fault gives one on all contacts), and the wait for a
//!   scheduled time;
//! - any lifetime of a client token, unless a fault gives it one; the service documents none;
//! - what happens to a contact after its creation: it is never changed or ended, and only one that
//!   was initiated as COMPLETED has a `DisconnectTimestamp`, that of its initiation;
//! - `References` and segment attributes in a description, which `ListContactReferences` and the
//!   service's own additions would show, and the end of a contact's 24 months;
//! - the registration of attributes for search: every attribute counts as registered;
//! - other searches than by instance, by the time of initiation or disconnection, by name, channel,
//!   initiation method and attributes; they are refused with 400, and so is sorting by anything but
//!   `INITIATION_TIMESTAMP`, which is taken to be the order of creation;
//! - the service's reading of words, letters' case and combinations in a search, which is not
//!   documented: see `search`.

mod arrivals;
mod body;
mod bucket;
mod contacts;
mod error;
mod fate;
mod faults;
mod http;
mod journal;
mod latency;
mod limits;
mod model;
mod operation;
mod quota;
mod refusal;
mod route;
mod search;
mod service;
mod stats;
mod uuid;
mod wire;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use latency::Latency;
use quota::Quota;
use service::Service;

pub use error::SandboxError;
pub use faults::{Faults, NotSlow, Slow};
pub use stats::Stats;

/// How long open connections may take to finish once the sandbox is told to stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long to wait after a connection could not be accepted, for instance because the process
/// has no file descriptor left: trying again at once would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The quota of each operation that creates contacts, in requests a second, above 0. Connect's
    /// documented default is 2 (Amazon Connect administrator guide, API throttling quotas). The
    /// reading operations keep their documented quotas: `DescribeContact` 10 a second and burst 15,
    /// `SearchContacts` 0.5 and 1. `None` is no quota for any operation.
    pub rate: Option<f64>,
    /// How many requests a rested quota lets through at once, 1 or more; without a rate it means
    /// nothing. Connect's documented default is 5.
    pub burst: u32,
    /// How long every request takes, to the millisecond: half of it passes before the request
    /// arrives at the quota, and half after what it asks for is done. The contact exists before the
    /// second half, so a client that dies in it leaves one behind.
    pub latency: Duration,
    /// By which share of itself, from 0 to 1, the latency of a request is longer or shorter, evenly
    /// spread. It is drawn by the seed and the request's number, so the same seed draws the same.
    pub jitter: f64,
    /// Where contacts and tokens are kept between runs, as JSON Lines; `None` forgets them with
    /// the process. The file holds the contacts' names, descriptions, attributes and links to
    /// attachments.
    pub state: Option<PathBuf>,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What the random faults and the jitter are decided by: the same seed and the same requests meet
    /// the same faults.
    pub seed: u64,
}

impl Default for SandboxConfig {
    /// Any free port, Connect's documented default quota (2 a second, burst 5), no latency, nothing
    /// kept, no faults, and the seed 0.
    fn default() -> Self {
        SandboxConfig {
            port: 0,
            rate: Some(2.0),
            burst: 5,
            latency: Duration::ZERO,
            jitter: 0.0,
            state: None,
            faults: Faults::default(),
            seed: 0,
        }
    }
}

/// A sandbox that listens. Requests queue until [`Sandbox::serve`] runs.
#[derive(Debug)]
pub struct Sandbox {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
}

impl Sandbox {
    /// Reads the state file, if there is one, and listens on 127.0.0.1, never on another address.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Quota`] if the rate is not a number above 0 or the burst is 0;
    /// [`SandboxError::Probability`] if a fault's probability is not a number from 0 to 1;
    /// [`SandboxError::Jitter`] if the jitter is none;
    /// [`SandboxError::Listen`] if the port cannot be had; and what is wrong with the state file:
    /// [`SandboxError::StateOpen`], [`SandboxError::StateInUse`], [`SandboxError::NotAState`].
    pub async fn bind(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
        let SandboxConfig { port, rate, burst, .. } = config;
        let quota = match rate {
            None => None,
            Some(rate) if rate.is_finite() && rate > 0.0 && burst > 0 => {
                Some(Quota::new(rate, burst, Instant::now()))
            }
            Some(rate) => return Err(SandboxError::Quota { rate, burst }),
        };
        config.faults.check()?;
        let latency = Latency::new(config.latency, config.jitter, config.seed)?;
        let unheard = |source| SandboxError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let service = Service::open(config, quota, latency)?;
        Ok(Sandbox { listener, address, service: Arc::new(service) })
    }

    /// The address the sandbox listens on, with the port it got.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a client's endpoint URL: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the sandbox has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.service.stats()
    }

    /// A view of the sandbox that can be kept while [`Sandbox::serve`] owns it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { service: Arc::clone(&self.service) }
    }

    /// Answers requests until `shutdown` resolves. Then nothing more is accepted, requests under
    /// way have at most a second to finish, what is open after that is closed, and the state file
    /// is let go of.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateWrite`] as soon as a contact could not be written to the state file;
    /// the request got a 500 and left no contact.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), SandboxError> {
        let Sandbox { listener, service, .. } = self;
        let (closing, closed) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = service.broken() => break,
                // Finished connections are taken out as they end, so the set does not grow.
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(attend(stream, Arc::clone(&service), closed.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        drop(listener);
        closing.send_replace(true);
        let farewell = async { while connections.join_next().await.is_some() {} };
        // Past the deadline what is still open is closed.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        connections.shutdown().await;
        service.close().map_or(Ok(()), Err)
    }
}

/// A cheap view of a running sandbox; clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    service: Arc<Service>,
}

impl Handle {
    /// What the sandbox has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.service.stats()
    }
}

/// Serves one connection until the client closes it or `closing` turns true; then the request
/// under way is still answered.
async fn attend(stream: TcpStream, service: Arc<Service>, mut closing: watch::Receiver<bool>) {
    // Only a matter of speed: a socket that refuses it still works.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| http::answer(Arc::clone(&service), request));
    let mut http = http1::Builder::new();
    // What has left a client arrives, even if the client is gone by then.
    let http = http.half_close(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    // How a connection ends is the client's affair: what its requests did is in the counters.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
