//! What is accepted as an answer: its length is bounded, and a page of HTML is of no service of AWS.

use std::error::Error;

use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use thiserror::Error;

use crate::submission::connect::headers::is_of_aws;

/// Longest answer that is read, bytes. Those of CreateContact and StartTaskContact have some hundred, those of AWS STS and
/// of sources of credentials some thousand.
const LIMIT: usize = 64 * 1024;

/// Longest answer to a request for contacts, bytes. A contact has up to 32 KiB of attributes and 4096 characters of
/// description (API reference, DescribeContact), which JSON may double; a page of SearchContacts has up to 100 contacts
/// of 1024 characters of name and 50 tags.
const LIMIT_OF_CONTACTS: usize = 4 * 1024 * 1024;

/// An answer is longer than any of the service. The rest of it was not read.
#[derive(Debug, Error)]
#[error("the answer is longer than {} KiB, which is more than any answer of the service", .limit / 1024)]
pub(in crate::submission::connect) struct AnswerTooLong {
    limit: usize,
}

/// The longest answer to a request to this URL, bytes.
pub(super) fn limit(url: &str) -> usize {
    // The paths of SearchContacts, and of DescribeContact and its kin.
    let is_of_contacts = url.ends_with("/search-contacts") || url.contains("/contacts/");
    if is_of_contacts { LIMIT_OF_CONTACTS } else { LIMIT }
}

/// The response, whose body fails with [`AnswerTooLong`] beyond `limit` bytes.
pub(super) fn bounded(mut response: Response, limit: usize) -> Response {
    // hyper reads no more than the length that the headers tell.
    if response.body().content_length().is_some_and(|length| length <= limit as u64) {
        return response;
    }
    let body = Limited::new(response.take_body(), limit);
    let body = body.map_err(move |error| -> Box<dyn Error + Send + Sync> {
        if error.is::<LengthLimitError>() { Box::new(AnswerTooLong { limit }) } else { error }
    });
    *response.body_mut() = SdkBody::from_body_1_x(body);
    response
}

/// Whether a response is a page of HTML. No service of AWS that is called here answers with one, except for the metadata
/// service of EC2; a proxy, a gateway or a login page does.
pub(in crate::submission::connect) fn is_page(response: &Response) -> bool {
    content_type(response).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
        && !is_of_aws(response.headers())
}

/// Whether a response that came over a proxy, which read the request, is the proxy's own.
pub(super) fn is_of_proxy(response: &Response) -> bool {
    let is_error = response.status().as_u16() >= 400;
    let is_data = content_type(response)
        .is_some_and(|kind| ["json", "xml"].into_iter().any(|form| kind.to_ascii_lowercase().contains(form)));
    response.status().as_u16() == 407
        || is_page(response)
        || is_error && !is_data && !is_of_aws(response.headers())
}

/// The media type without its parameters.
fn content_type(response: &Response) -> Option<&str> {
    response.headers().get("content-type")?.split(';').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&'static str, &'static str)]) -> Response {
        let mut response = Response::new(status.try_into().unwrap(), SdkBody::empty());
        for &(name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }

    #[test]
    fn an_answer_of_a_proxy_is_told_from_one_of_the_service() {
        const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
        const PAGE: (&str, &str) = ("content-type", "text/html; charset=utf-8");
        const TEXT: (&str, &str) = ("content-type", "text/plain");
        const ID: (&str, &str) = ("x-amzn-requestid", "1");
        for (status, headers, is_foreign_page, is_the_proxys) in [
            (200, &[JSON][..], false, false),
            (200, &[], false, false),
            (200, &[PAGE], true, true),
            (403, &[JSON], false, false),
            (403, &[ID], false, false),
            (403, &[ID, PAGE], false, false),
            (403, &[PAGE], true, true),
            (403, &[("content-type", "text/xml")], false, false),
            (503, &[TEXT], false, true),
            (503, &[], false, true),
            (407, &[JSON], false, true),
        ] {
            let response = response(status, headers);
            assert_eq!(
                (is_page(&response), is_of_proxy(&response)),
                (is_foreign_page, is_the_proxys),
                "{status} {headers:?}"
            );
        }
    }

    #[test]
    fn only_answers_with_contacts_may_be_long() {
        for (url, expected) in [
            ("https://connect.eu-west-2.amazonaws.com/contact/create-contact", LIMIT),
            ("https://connect.eu-west-2.amazonaws.com/contact/task", LIMIT),
            ("https://sts.eu-west-2.amazonaws.com/", LIMIT),
            ("https://connect.eu-west-2.amazonaws.com/search-contacts", LIMIT_OF_CONTACTS),
            ("http://127.0.0.1:80/path/contacts/i/c", LIMIT_OF_CONTACTS),
        ] {
            assert_eq!(limit(url), expected, "{url}");
        }
    }
}
