//! The code of an error response where the SDK reads none from it.

use std::borrow::Cow;

use aws_sdk_connect::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::http::Response;
use serde::Deserialize;

/// The members of an error's body that name its code (Smithy, AWS restJson1, operation error serialization).
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "__type")]
    kind: Option<Cow<'a, str>>,
}

/// The code of an error response: the SDK's, except that it takes an empty header for a code, and the scheme of a name
/// space that is a URL (`http://…#Code`).
pub(super) fn error_code<'a>(
    error: &'a impl ProvideErrorMetadata,
    response: &'a Response,
) -> Option<Cow<'a, str>> {
    match error.code() {
        Some(code) if !matches!(code, "" | "http" | "https") => Some(code.into()),
        _ => read_code(response),
    }
}

fn read_code(response: &Response) -> Option<Cow<'_, str>> {
    let header = response.headers().get("x-amzn-errortype").map(without_name_space);
    if let Some(code) = header.filter(|code| !code.is_empty()) {
        return Some(code.into());
    }
    let body: Body<'_> = serde_json::from_slice(response.body().bytes()?).ok()?;
    let code = body.code.or(body.kind)?;
    let code = without_name_space(&code);
    (!code.is_empty()).then(|| code.to_owned().into())
}

/// The code without a name space before `#` and without a URI after `:`.
fn without_name_space(code: &str) -> &str {
    // Only a name space has a scheme before its first `#`: in `a#Code:http://…` the code is first.
    let code = match (code.find("://"), code.find('#')) {
        (Some(scheme), Some(end)) if scheme < end && !code[..scheme].contains(':') => &code[end + 1..],
        _ => code,
    };
    let code = code.split(':').next().unwrap_or_default();
    code.split_once('#').map_or(code, |(_, code)| code).trim()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn a_code_is_read_without_name_space_and_uri() {
        for (text, expected) in [
            ("SlowDown", "SlowDown"),
            ("a.b#SlowDown", "SlowDown"),
            ("SlowDown:http://internal.amazon.com/coral/#x", "SlowDown"),
            ("a.b#SlowDown:http://internal.amazon.com/coral/", "SlowDown"),
            ("http://internal.amazon.com/coral/#SlowDown", "SlowDown"),
            ("https://internal.amazon.com:443/coral/#SlowDown:http://x/", "SlowDown"),
            (" SlowDown ", "SlowDown"),
            ("http://internal.amazon.com/", "http"),
            (":", ""),
            ("", ""),
        ] {
            assert_eq!(without_name_space(text), expected, "{text}");
        }
    }

    #[test]
    fn a_code_that_the_sdk_does_not_read_is_that_of_the_header_or_of_the_body() {
        let code = |sdk: &str, header: Option<&'static str>, body: &'static str| {
            let error = ErrorMetadata::builder().code(sdk).build();
            let mut response = Response::new(400.try_into().unwrap(), SdkBody::from(body));
            if let Some(header) = header {
                response.headers_mut().insert("x-amzn-errortype", header);
            }
            error_code(&error, &response).map(Cow::into_owned)
        };
        let body = r#"{"__type":"http://a/#SlowDown","Message":"m"}"#;
        assert_eq!(code("http", None, body).as_deref(), Some("SlowDown"));
        assert_eq!(code("", Some(""), body).as_deref(), Some("SlowDown"));
        assert_eq!(code("http", Some("http://a/#SlowDown"), "{}").as_deref(), Some("SlowDown"));
        assert_eq!(code("SlowDown", Some("http://a/#RequestTimeout"), "{}").as_deref(), Some("SlowDown"));
        assert_eq!(code("", Some(""), r#"{"code":7}"#), None);
        assert_eq!(code("", Some(""), "<html>"), None);
    }
}
