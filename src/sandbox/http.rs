//! Request bodies, responses, headers, and the sandbox's own pages.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use serde_json::json;

use super::api_error::{ApiError, ErrorCode};
use super::contact::uuid;
use super::operation::Route;
use super::service::{RequestOutcome, Service};
use crate::submission::{host_of, is_loopback_host};

/// Path prefix of the sandbox's own pages.
const OWN_PAGES: &str = "/_sandbox/";

/// The region of a request that is not signed.
const DEFAULT_REGION: &str = "us-east-1";

/// The longest body that is accepted, in bytes. The service documents no limit; a request with all its
/// members at their limits stays well below it.
const BODY_LIMIT: usize = 1024 * 1024;

/// Bytes beyond the limit that are read and discarded. Closing the connection while the client sends would
/// reset it, and the client would never see the 413.
const DISCARD_LIMIT: usize = 16 * 1024 * 1024;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A response with a short body, or with the list of contacts.
type SandboxResponse = Response<Either<Full<Bytes>, ContactListBody>>;

/// The reason for closing a connection without a response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionClosed {
    /// The client closed the connection while it sent the request.
    #[error("the request ended before its body did")]
    ByClient(#[from] hyper::Error),
    /// A fault closes the connection.
    #[error("a fault closes the connection")]
    ByFault,
}

/// Responds to one request.
///
/// # Errors
///
/// An error closes the connection without a response.
pub(super) async fn respond(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<SandboxResponse, ConnectionClosed> {
    if let Err(other) = expect_loopback(&request) {
        return Ok(short_response(StatusCode::FORBIDDEN, json!({ "Message": other }).to_string()));
    }
    let path = request.uri().path();
    if path.starts_with(OWN_PAGES) {
        return Ok(own_page(service, request.method(), path));
    }
    let (before, after) = service.latency.draw();
    wait(before).await;
    let RequestOutcome::Respond(result, delay) = perform(&service, request).await? else {
        return Err(ConnectionClosed::ByFault);
    };
    wait(after.saturating_add(delay)).await;
    Ok(match result {
        Ok(body) => short_response(StatusCode::OK, body.to_string()),
        Err(error) => error_response(&error),
    })
}

/// Refuses a request whose Host is not loopback, so that no web page reads or creates contacts through a browser on this machine:
/// its own host name may lead here (DNS rebinding). A browser always names the host; only HTTP/1.0 may leave it out.
fn expect_loopback(request: &Request<Incoming>) -> Result<(), String> {
    let headers = request.headers().get_all(HOST).into_iter();
    // A text that is not ASCII is no host of loopback.
    let named = headers.map(|host| host.to_str().unwrap_or("?").to_owned());
    let hosts: Vec<String> = named.chain(request.uri().authority().map(ToString::to_string)).collect();
    let problem = match hosts.iter().find(|host| !is_loopback_host(&host_of(host).to_ascii_lowercase())) {
        Some(other) => format!("the request's Host is {other:?}"),
        None if hosts.is_empty() && request.version() > Version::HTTP_10 => {
            "the request names no Host".to_owned()
        }
        None => return Ok(()),
    };
    Err(format!(
        "{problem}; the sandbox answers only requests to localhost or a loopback address: use http://127.0.0.1:PORT"
    ))
}

/// Sleeps; a zero duration does not wait for the next tick of the timer.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Admits the request and performs its operation.
async fn perform(service: &Service, request: Request<Incoming>) -> Result<RequestOutcome, hyper::Error> {
    let (head, body) = request.into_parts();
    let admitted = service.admit(Route::find(&head.method, head.uri.path()), Instant::now());
    // The body of a throttled request is read too, so that its connection can be reused.
    let body = read_body(body).await?;
    Ok(match admitted {
        Ok(route) => service.perform(route, body, region(&head.headers), SystemTime::now()),
        Err(error) => RequestOutcome::Respond(Err(error), Duration::ZERO),
    })
}

/// Reads a body. The inner error is the response to a body that is too long.
///
/// # Errors
///
/// The outer error: the client closed the connection while sending.
async fn read_body(mut body: Incoming) -> Result<Result<Vec<u8>, ApiError>, hyper::Error> {
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        } else if length > BODY_LIMIT + DISCARD_LIMIT {
            break;
        }
    }
    if length > BODY_LIMIT {
        let message = format!("the body is longer than {BODY_LIMIT} bytes");
        return Ok(Err(ApiError::new(ErrorCode::TooLarge, message)));
    }
    Ok(Ok(bytes))
}

fn own_page(service: Arc<Service>, method: &Method, path: &str) -> SandboxResponse {
    match (method, path) {
        (&Method::GET, "/_sandbox/stats") => {
            short_response(StatusCode::OK, json!(service.stats()).to_string())
        }
        (&Method::GET, "/_sandbox/contacts") => {
            response(StatusCode::OK, Either::Right(ContactListBody::new(service)))
        }
        _ => error_response(&ApiError::new(
            ErrorCode::UnknownOperation,
            "the sandbox's pages are GET /_sandbox/stats and GET /_sandbox/contacts",
        )),
    }
}

fn error_response(error: &ApiError) -> SandboxResponse {
    let (name, status) = error.code.name_and_status();
    // The service model spells this member with a capital letter.
    let mut response = short_response(status, json!({"Message": error.message}).to_string());
    if let Ok(code) = HeaderValue::from_str(&format!("{name}:")) {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn short_response(status: StatusCode, body: String) -> SandboxResponse {
    response(status, Either::Left(Full::new(Bytes::from(body))))
}

fn response(status: StatusCode, body: Either<Full<Bytes>, ContactListBody>) -> SandboxResponse {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(&uuid(fastrand::u128(..))) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The region in the credential scope of the signature, `KEY/DATE/REGION/connect/aws4_request`. The signature
/// itself is not checked.
fn region(headers: &HeaderMap) -> &str {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, scope)| scope.split(',').next()?.split('/').nth(2))
        .filter(|region| !region.is_empty() && region.len() <= 32)
        .filter(|region| region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .unwrap_or(DEFAULT_REGION)
}

/// The body of `GET /_sandbox/contacts`: the contacts at the time of the request, as a JSON array in the
/// order of creation. It is produced while it is sent, so that a list of any length needs the memory of one
/// chunk.
pub(super) struct ContactListBody {
    service: Arc<Service>,
    next: usize,
    end: usize,
    is_done: bool,
}

impl ContactListBody {
    fn new(service: Arc<Service>) -> ContactListBody {
        // Contacts are only ever added: the first `end` of them do not change.
        let end = service.contact_count();
        ContactListBody { service, next: 0, end, is_done: false }
    }
}

impl Body for ContactListBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let (documents, next) = self.service.contact_documents(self.next, self.end);
        let opening = if self.next == 0 { "[" } else { ",\n" };
        self.next = next;
        self.is_done = next >= self.end;
        let closing = if self.is_done { "]\n" } else { "" };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from([opening, &documents, closing].concat())))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region_of(authorization: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(authorization));
        region(&headers).to_owned()
    }

    #[test]
    fn the_region_is_that_of_the_credential_scope() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-2/connect/aws4_request, \
                      SignedHeaders=host, Signature=00";
        assert_eq!(region_of(signed), "eu-west-2");
    }

    #[test]
    fn a_request_without_a_usable_scope_is_in_us_east_1() {
        assert_eq!(region(&HeaderMap::new()), "us-east-1");
        assert_eq!(region_of("Bearer abc"), "us-east-1");
        assert_eq!(region_of("X Credential=AKID/20260101"), "us-east-1");
        assert_eq!(region_of("X Credential=a/b/\"c/d"), "us-east-1");
    }
}
