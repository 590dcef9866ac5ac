//! Which Regions, endpoints and credentials requests can be made with, whatever they come from. Pure.
//!
//! The SDK takes most values as they are: one that is none of these fails at every request, or panics.

/// Checks the form of a Region: letters, digits and hyphens within one part of a host name (RFC 1123). boto3 has the same
/// rule. New Regions need no new version.
///
/// # Errors
/// The problem and the remedy, to be read after the name of the setting.
pub(crate) fn expect_region(region: &str) -> Result<(), &'static str> {
    let is_label = (1..=63).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !region.starts_with('-')
        && !region.ends_with('-');
    if is_label && !region.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err("must be a Region such as eu-west-2")
}

/// Checks that requests can be sent to `url`.
///
/// # Errors
/// As [`expect_region`].
pub(crate) fn expect_endpoint(url: &str) -> Result<(), &'static str> {
    let uri = url.parse::<hyper::Uri>().unwrap_or_default();
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().unwrap_or_default().is_empty() {
        return Err("must be a URL such as https://host or http://127.0.0.1:8080");
    }
    // No request would carry them, and the ledger, logs and printed commands would.
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(
            "must name no user and no password: they would not be sent; leave out what stands before the @",
        );
    }
    // Of a port beyond 65535 the scheme's own would take the place.
    let port = uri.authority().and_then(|authority| authority.as_str().strip_prefix(authority.host()));
    if port.is_some_and(|port| !port.is_empty()) && uri.port_u16().is_none_or(|port| port == 0) {
        return Err("must have a port from 1 to 65535, or none");
    }
    if url.contains(['?', '#']) {
        return Err("must have no ? and no #: what follows them would not be sent");
    }
    Ok(())
}

/// Checks a switch of the SDK, which ignores values other than `true` and `false`.
///
/// # Errors
/// As [`expect_region`].
pub(crate) fn expect_switch(text: &str) -> Result<(), &'static str> {
    match text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        true => Ok(()),
        false => Err("must be true or false"),
    }
}

/// Checks the kind of addresses that the metadata service of an EC2 instance is asked at.
///
/// # Errors
/// As [`expect_region`].
pub(crate) fn expect_address_family(text: &str) -> Result<(), &'static str> {
    match text.eq_ignore_ascii_case("IPv4") || text.eq_ignore_ascii_case("IPv6") {
        true => Ok(()),
        false => Err("must be IPv4 or IPv6"),
    }
}

/// Checks a key or a token: it is sent in a header, and none that AWS gives has a quotation mark, or a character other than
/// visible ASCII.
///
/// # Errors
/// As [`expect_region`]. The text is not quoted, since it is a secret.
pub(crate) fn expect_secret(text: &str) -> Result<(), String> {
    // Docker's --env-file keeps the quotation marks of its values.
    expect_characters(text, "white space or an unusual character", |character| {
        character.is_ascii_graphic() && !matches!(character, '"' | '\'')
    })
}

/// Checks a text that is sent in a header, in which spaces are allowed.
///
/// # Errors
/// As [`expect_secret`].
pub(crate) fn expect_header(text: &str) -> Result<(), String> {
    expect_characters(text, "an unusual character", |character| {
        character.is_ascii_graphic() || character == ' '
    })
}

fn expect_characters(text: &str, what: &str, is_usual: impl Fn(char) -> bool) -> Result<(), String> {
    let Some((before, found)) = text.chars().enumerate().find(|(_, character)| !is_usual(*character)) else {
        return Ok(());
    };
    let what = match found {
        '\n' | '\r' => "a line break",
        '"' | '\'' => "a quotation mark",
        _ => what,
    };
    Err(format!("has {what} as its character {} of {}; copy it again", before + 1, text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_one_part_of_a_host_name() {
        for region in ["eu-west-2", "us-gov-west-1", "cn-north-1", "local", "x"] {
            assert_eq!(expect_region(region), Ok(()), "{region}");
        }
        let long = "a".repeat(64);
        for region in ["", "eu west 2", "eu-west-2.example", "eu/west", "-a", "a-", "123", "é", "a\nb", &long]
        {
            assert_eq!(expect_region(region), Err("must be a Region such as eu-west-2"), "{region}");
        }
    }

    #[test]
    fn an_endpoint_is_a_url_without_a_password() {
        for url in
            ["https://connect.example", "http://127.0.0.1:8080", "https://[::1]:443/path", "https://[::1]"]
        {
            assert_eq!(expect_endpoint(url), Ok(()), "{url}");
        }
        for url in
            ["", "connect.example", "ftp://host", "not a url", "https://", "https://u:p@host", "//host"]
        {
            assert!(expect_endpoint(url).is_err(), "{url}");
        }
        for url in ["http://127.0.0.1:99999", "https://[::1]:99999/p", "http://host:", "http://host:0/"] {
            assert_eq!(expect_endpoint(url), Err("must have a port from 1 to 65535, or none"), "{url}");
        }
        for url in ["https://host?a=b", "https://host/p#f", "https://host#f"] {
            assert!(expect_endpoint(url).unwrap_err().starts_with("must have no ? and no #"), "{url}");
        }
    }

    #[test]
    fn a_secret_is_named_by_the_place_of_its_fault_and_never_quoted() {
        assert_eq!(expect_secret("AKIA/+=%~"), Ok(()));
        let line = expect_secret("ab\ncd").unwrap_err();
        assert_eq!(line, "has a line break as its character 3 of 5; copy it again");
        let quoted = expect_secret("\"AKIA\"").unwrap_err();
        assert_eq!(quoted, "has a quotation mark as its character 1 of 6; copy it again");
        assert!(expect_secret("AKIA'").is_err());
        for text in ["a b", "a\u{200b}b", "é", "a\tb", "a\u{1}b"] {
            let problem = expect_secret(text).unwrap_err();
            assert!(
                problem.starts_with("has white space or an unusual character as its character "),
                "{problem}"
            );
            assert!(!problem.contains(text), "{problem}");
        }
        assert_eq!(expect_header("Basic abc="), Ok(()));
        assert!(expect_header("a\tb").is_err() && expect_header("a\r\nb").is_err());
        assert_eq!((expect_switch("TRUE"), expect_switch("false")), (Ok(()), Ok(())));
        assert_eq!((expect_address_family("ipv4"), expect_address_family("IPv6")), (Ok(()), Ok(())));
        assert!(expect_address_family("IPv5").is_err());
        assert!(expect_switch("maybe").is_err() && expect_switch("1").is_err() && expect_switch("").is_err());
    }
}
