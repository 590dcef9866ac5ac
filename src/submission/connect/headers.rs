//! The headers of an answer: who set them, the service's time, and the pause that it asks for.

use std::time::Duration;

use aws_smithy_runtime_api::http::Headers;
use jiff::Timestamp;

/// Whether a service of AWS set the headers: each answer of one has a request id, and an error names its code.
pub(super) fn is_of_aws(headers: &Headers) -> bool {
    ["x-amzn-requestid", "x-amzn-errortype"]
        .into_iter()
        .any(|name| headers.get(name).is_some_and(|value| !value.trim_matches([' ', ':']).is_empty()))
}

/// The service's time: the header `Date`.
pub(super) fn service_time(headers: &Headers) -> Option<Timestamp> {
    http_date(headers.get("date")?)
}

/// Whether a cache answered, so that the `Date` is an old one (RFC 9111, section 5.1).
pub(super) fn is_cached(headers: &Headers) -> bool {
    headers.contains_key("age")
}

/// The pause that the answer asks for, of any length: `x-amz-retry-after` in milliseconds, as the AWS SDKs read it, or
/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3); the longer if there are both.
///
/// A date counts from the answer's own, and from `now` without one: this machine's clock may be off.
pub(super) fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let milliseconds = headers.get("x-amz-retry-after").and_then(number).map(Duration::from_millis);
    let standard = headers.get("retry-after").and_then(|value| match number(value) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => {
            let from = service_time(headers).unwrap_or(now);
            // A date that has passed asks for no pause.
            Duration::try_from(http_date(value.trim())?.duration_since(from)).ok()
        }
    });
    milliseconds.max(standard)
}

/// A number of digits only; the largest if it is too large.
fn number(value: &str) -> Option<u64> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// A date of HTTP in its preferred form (RFC 9110, section 5.6.7).
fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(value).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in of {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn a_pause_is_in_milliseconds_or_in_seconds_or_until_a_date() {
        const DATE: &str = "Mon, 30 Nov 2026 21:00:00 GMT";
        let now: Timestamp = "2026-11-30T20:00:00Z".parse().unwrap();
        let of = |of: &[(&'static str, &'static str)]| retry_after(&headers(of), now);
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("x-amz-retry-after", "1500")]), millis(1500));
        assert_eq!(of(&[("retry-after", " 120 ")]), millis(120_000));
        assert_eq!(of(&[("x-amz-retry-after", "1500"), ("retry-after", "1")]), millis(1500));
        assert_eq!(of(&[("x-amz-retry-after", "500"), ("retry-after", "1")]), millis(1000));
        let date = ("retry-after", "Mon, 30 Nov 2026 21:00:30 GMT");
        assert_eq!(of(&[date, ("date", DATE)]), millis(30_000));
        assert_eq!(of(&[date]), millis(3_630_000));
        assert_eq!(of(&[("retry-after", "Mon, 30 Nov 2026 20:59:00 GMT"), ("date", DATE)]), None);
        for invalid in ["", "-1", "1.5", "soon", "1e3", "+5"] {
            assert_eq!(of(&[("retry-after", invalid), ("x-amz-retry-after", invalid)]), None, "{invalid}");
        }
        assert_eq!(of(&[("retry-after", "99999999999999999999")]), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn the_headers_of_a_service_have_a_request_id_or_a_code() {
        for own in [("x-amzn-requestid", "7"), ("x-amzn-errortype", "AccessDeniedException:")] {
            assert!(is_of_aws(&headers(&[own])), "{own:?}");
        }
        for other in [("x-amzn-requestid", " "), ("x-amzn-errortype", ":"), ("server", "squid")] {
            assert!(!is_of_aws(&headers(&[other])), "{other:?}");
        }
    }

    #[test]
    fn the_services_time_is_the_date_of_an_answer() {
        let answer = headers(&[("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "7")]);
        assert_eq!(service_time(&answer).map(Timestamp::as_second), Some(784_111_777));
        assert!(is_cached(&answer));
        let other = headers(&[("date", "today")]);
        assert_eq!((service_time(&other), is_cached(&other)), (None, false));
    }
}
