//! A wire that answers at once, and shows what was put on it.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::Region;
use aws_sdk_connect::config::{BehaviorVersion, Builder};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::{Response, StatusCode};

/// The headers of a request.
type Headers = Vec<(String, String)>;

/// Answers every request with an empty object.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire(Arc<Mutex<Vec<Headers>>>);

impl Wire {
    /// What has been sent.
    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<Headers>> {
        self.0.lock().unwrap()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        self.requests().push(request.headers().iter().map(owned).collect());
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(Response::new(status, "{}".into())))
    }
}

/// A client's configuration that has no credentials and sends to `wire`.
pub(super) fn config(wire: &Wire) -> Builder {
    let wire = wire.clone();
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(wire.clone())))
}
