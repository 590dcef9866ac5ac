//! Detection of closing quotes that are not at the end of a field.

use memchr::{memchr, memchr2};

use super::dialect::Dialect;

/// Whether text follows a closing quote in the raw bytes of one record, which RFC 4180 does not allow. The csv crate
/// takes the text as part of the field. Most often such a field has swallowed the fields or rows between two quotes
/// that do not belong together.
pub(super) fn has_stray_quote(record: &[u8], delimiter: u8, dialect: &Dialect) -> bool {
    let Some(quote) = dialect.quote else { return false };
    let mut rest = record;
    let mut at_start = true;
    while let Some(at) = memchr(quote, rest) {
        // A quote within an unquoted field is text.
        let opens = if at == 0 { at_start } else { rest[at - 1] == delimiter };
        let inside = &rest[at + 1..];
        if !opens {
            (rest, at_start) = (inside, false);
            continue;
        }
        match after_closing(inside, quote, dialect.escape).map(|after| skip_blanks(after, delimiter)) {
            None | Some([] | [b'\r' | b'\n', ..]) => return false,
            Some([next, after @ ..]) if *next == delimiter => (rest, at_start) = (after, true),
            Some(_) => return true,
        }
    }
    false
}

/// Spaces and tabs between a closing quote and the delimiter are harmless.
fn skip_blanks(text: &[u8], delimiter: u8) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != delimiter;
    let blanks = text.iter().take_while(|byte| is_blank(byte)).count();
    &text[blanks..]
}

/// The text after the quote that closes a field; none if the field is never closed.
fn after_closing(mut inside: &[u8], quote: u8, escape: Option<u8>) -> Option<&[u8]> {
    loop {
        let at = match escape {
            Some(escape) => memchr2(quote, escape, inside)?,
            None => memchr(quote, inside)?,
        };
        let doubled = inside[at] == quote && inside.get(at + 1) == Some(&quote);
        if inside[at] == quote && !doubled {
            return Some(&inside[at + 1..]);
        }
        inside = inside.get(at + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_quote_ends_its_field() {
        let backslash = Dialect { escape: Some(b'\\'), ..Dialect::default() };
        for (record, plain, escaped) in [
            ("a,\"b\",c\r\n", false, false),
            ("a,\"b\"", false, false),
            ("\"a \"\"b\"\" c\",d\n", false, false),
            ("5\" disk,\"b\"\n", false, false),
            ("5\",6\"\"\",b\n", false, false),
            ("5\" disk,\"b\" x\n", true, true),
            ("1,\"oops\n2,b\n3,\"fine\"\n", true, true),
            ("\"abc\"def\n", true, true),
            ("\"a\" ,\"b\"\t\r\n", false, false),
            ("\"a\" x,b\n", true, true),
            (r#"1,"a \"q\" b""#, true, false),
            ("\"never closed", false, false),
        ] {
            assert_eq!(has_stray_quote(record.as_bytes(), b',', &Dialect::default()), plain, "{record}");
            assert_eq!(has_stray_quote(record.as_bytes(), b',', &backslash), escaped, "{record}");
        }
        let none = Dialect { quote: None, ..Dialect::default() };
        assert!(!has_stray_quote(b"\"a\"b", b',', &none));
    }

    proptest::proptest! {
        #[test]
        fn output_of_the_csv_crate_has_no_stray_quote(fields in proptest::collection::vec("[a\",;\\n ]{0,6}", 1..5)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&fields).unwrap();
            let record = writer.into_inner().unwrap();
            proptest::prop_assert!(!has_stray_quote(&record, b',', &Dialect::default()));
        }
    }
}
