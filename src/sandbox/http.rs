//! Answers and their headers.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::body;
use super::contacts::Contacts;
use super::model::Created;
use super::operation::Creation;
use super::refusal::{Code, Refusal};
use super::route::Route;
use super::service::{Outcome, Reply, Service};
use super::uuid::uuid;

/// Where the sandbox's own pages are.
const OWN_PAGES: &str = "/_sandbox/";

/// The region of a request that names none.
const DEFAULT_REGION: &str = "us-east-1";

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// An answer: a short one made at once, or the list of contacts.
type Answer = Response<Either<Full<Bytes>, Contacts>>;

/// Why a request gets no answer: its connection is closed instead.
#[derive(Debug, thiserror::Error)]
pub(super) enum Hangup {
    /// The client went away while it sent the request.
    #[error("the request ended before its body did")]
    Cut(#[from] hyper::Error),
    /// A fault wants it so.
    #[error("a fault closes the connection")]
    Fault,
}

/// Answers one request.
///
/// # Errors
///
/// An error closes the connection without an answer, as a network does.
pub(super) async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Result<Answer, Hangup> {
    let path = request.uri().path();
    if path.starts_with(OWN_PAGES) {
        return Ok(own_page(service, request.method(), path));
    }
    let way = service.way();
    pass(way.there).await;
    let (answer, late) = match connect(&service, request).await? {
        Outcome::Answer(answer, late) => (answer, late),
        Outcome::OutageDetector => return Err(Hangup::Fault),
    };
    pass(way.back.saturating_add(late)).await;
    Ok(match answer {
        Ok(reply) => short(StatusCode::OK, success(reply).to_string()),
        Err(refusal) => refused(&refusal),
    })
}

/// Lets time pass. No time costs no turn of the timer.
async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The service's own part: the quota at arrival, then the operation.
async fn connect(service: &Service, request: Request<Incoming>) -> Result<Outcome, Hangup> {
    let (head, body) = request.into_parts();
    let route = Route::of(&head.method, head.uri.path());
    let arrival = match route {
        Some(route) => service.arrive(route.operation(), Instant::now()).map(|()| route),
        None => Err(service.arrive_unknown()),
    };
    // A throttled request's body is read as well, so that its connection can be used again.
    let body = body::read(body).await?;
    Ok(match arrival {
        Ok(route) => service.perform(route, body, region(&head.headers), SystemTime::now()),
        Err(refusal) => Outcome::Answer(Err(refusal), Duration::ZERO),
    })
}

/// The sandbox's own pages.
fn own_page(service: Arc<Service>, method: &Method, path: &str) -> Answer {
    match (method, path) {
        (&Method::GET, "/_sandbox/stats") => match serde_json::to_string(&service.stats()) {
            Ok(stats) => short(StatusCode::OK, stats),
            Err(error) => refused(&Refusal::new(Code::Internal, error.to_string())),
        },
        (&Method::GET, "/_sandbox/contacts") => headed(StatusCode::OK, Either::Right(Contacts::of(service))),
        _ => refused(&Refusal::new(
            Code::UnknownOperation,
            "the sandbox's pages are GET /_sandbox/stats and GET /_sandbox/contacts",
        )),
    }
}

/// The members that the service model gives the operation's answer.
fn success(reply: Reply) -> Value {
    match reply {
        Reply::Created(Created { creation: Creation::CreateContact, id, arn, .. }) => {
            json!({"ContactId": id, "ContactArn": arn})
        }
        Reply::Created(Created { creation: Creation::StartTaskContact, id, .. }) => json!({"ContactId": id}),
        Reply::Read(body) => body,
    }
}

fn refused(refusal: &Refusal) -> Answer {
    // `Message`, in this spelling, is the member the service model gives its errors.
    let body = json!({"Message": refusal.message}).to_string();
    let mut answer = short(refusal.code.status(), body);
    if let Ok(code) = HeaderValue::from_str(&format!("{}:", refusal.code.name())) {
        answer.headers_mut().insert(ERROR_TYPE, code);
    }
    answer
}

fn short(status: StatusCode, body: String) -> Answer {
    headed(status, Either::Left(Full::new(Bytes::from(body))))
}

/// The headers of every answer.
fn headed(status: StatusCode, body: Either<Full<Bytes>, Contacts>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(&uuid(fastrand::u128(..))) {
        headers.insert(REQUEST_ID, id);
    }
    answer
}

/// The region of the signature's credential scope, `KEY/DATE/REGION/connect/aws4_request`. The
/// signature itself is not looked at.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn region_of(authorization: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(authorization));
        region(&headers).to_owned()
    }

    #[test]
    fn the_region_is_the_credential_scopes() {
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
