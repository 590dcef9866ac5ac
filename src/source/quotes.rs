//! Quotes in the raw bytes of a record without escapes.

use memchr::memchr;

/// Whether text follows a closing quote in the raw bytes of one record, which RFC 4180 does not allow. The csv crate
/// takes the text as part of the field. Most often such a field has swallowed the fields or rows between two quotes
/// that do not belong together.
pub(super) fn has_stray_quote(record: &[u8], delimiter: u8, quote: u8) -> bool {
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
        match after_closing(inside, quote).map(|after| skip_blanks(after, delimiter)) {
            None | Some([] | [b'\r' | b'\n', ..]) => return false,
            Some([next, after @ ..]) if *next == delimiter => (rest, at_start) = (after, true),
            Some(_) => return true,
        }
    }
    false
}

/// Whether the cell at `index` of the raw record is quoted.
pub(super) fn is_quoted_cell(record: &[u8], index: usize, delimiter: u8, quote: u8) -> bool {
    let mut rest = record;
    for _ in 0..index {
        let after = match rest {
            [first, inside @ ..] if *first == quote => after_closing(inside, quote).unwrap_or_default(),
            _ => rest,
        };
        let Some(at) = memchr(delimiter, after) else { return false };
        rest = &after[at + 1..];
    }
    rest.first() == Some(&quote)
}

/// Spaces and tabs between a closing quote and the delimiter are harmless.
fn skip_blanks(text: &[u8], delimiter: u8) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != delimiter;
    let blanks = text.iter().take_while(|byte| is_blank(byte)).count();
    &text[blanks..]
}

/// The text after the quote that closes a field; none if the field is never closed.
fn after_closing(mut inside: &[u8], quote: u8) -> Option<&[u8]> {
    loop {
        let at = memchr(quote, inside)?;
        if inside.get(at + 1) != Some(&quote) {
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
        for (record, expected) in [
            ("a,\"b\",c\r\n", false),
            ("a,\"b\"", false),
            ("\"a \"\"b\"\" c\",d\n", false),
            ("5\" disk,\"b\"\n", false),
            ("5\",6\"\",b\n", false),
            ("5\" disk,\"b\" x\n", true),
            ("1,\"oops\n2,b\n3,\"fine\"\n", true),
            ("\"abc\"def\n", true),
            ("\"a\" ,\"b\"\t\r\n", false),
            ("\"a\" x,b\n", true),
            (r#"1,"a \"q\" b""#, true),
            ("\"never closed", false),
        ] {
            assert_eq!(has_stray_quote(record.as_bytes(), b',', b'"'), expected, "{record}");
        }
    }

    #[test]
    fn a_quoted_cell_starts_with_a_quote() {
        let record = b"NULL,\"NULL\",\"a,\"\"b\nc\",5\",\"x\" ,NULL\n";
        let quoted: Vec<bool> = (0..7).map(|index| is_quoted_cell(record, index, b',', b'"')).collect();
        assert_eq!(quoted, [false, true, true, false, true, false, false]);
    }

    proptest::proptest! {
        #[test]
        fn output_of_the_csv_crate_has_no_stray_quote(fields in proptest::collection::vec("[a\",;\\n ]{0,6}", 1..5)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&fields).unwrap();
            let record = writer.into_inner().unwrap();
            proptest::prop_assert!(!has_stray_quote(&record, b',', b'"'));
        }
    }
}
