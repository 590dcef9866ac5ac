//! The end of a file's lines.

use memchr::memchr2_iter;

/// How the first record of a file ends. Where that is with a line feed alone, a carriage return that no line feed
/// follows is text: `mysql --batch`, pandas and SheetJS write it as it is, without quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LineEnd {
    LineFeed,
    CarriageReturnLineFeed,
    CarriageReturn,
}

impl LineEnd {
    /// The end of the first line of `text` that is not within quotes; none without one.
    pub(super) fn of_first(text: &[u8], quote: Option<u8>) -> Option<Self> {
        let mut is_quoted = false;
        for (at, byte) in text.iter().enumerate() {
            match byte {
                byte if Some(*byte) == quote => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'\n' => return Some(LineEnd::LineFeed),
                b'\r' if text.get(at + 1) == Some(&b'\n') => return Some(LineEnd::CarriageReturnLineFeed),
                b'\r' => return Some(LineEnd::CarriageReturn),
                _ => {}
            }
        }
        None
    }
}

/// Number of line ends in a text: LF, CRLF or a lone CR.
pub(super) fn line_ends(text: &[u8]) -> u64 {
    let is_end = |at: usize| text[at] == b'\r' || at == 0 || text[at - 1] != b'\r';
    memchr2_iter(b'\n', b'\r', text).filter(|at| is_end(*at)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_end_outside_of_quotes_counts() {
        for (text, end) in [
            ("a,b\n1,2\r\n", Some(LineEnd::LineFeed)),
            ("a,b\r\n1,2\n", Some(LineEnd::CarriageReturnLineFeed)),
            ("a,b\r1,2\r", Some(LineEnd::CarriageReturn)),
            ("\"a\rb \"\"c\"\"\",d\n", Some(LineEnd::LineFeed)),
            ("a,b", None),
            ("\"a\n", None),
        ] {
            assert_eq!(LineEnd::of_first(text.as_bytes(), Some(b'"')), end, "{text:?}");
        }
        assert_eq!(LineEnd::of_first(b"5\"\rx\n", None), Some(LineEnd::CarriageReturn));
    }

    #[test]
    fn a_line_end_of_two_bytes_counts_as_one() {
        for (text, count) in [("", 0), ("a", 0), ("a\nb\r\nc\rd", 3), ("\n\r\n\r", 3), ("\r\r\n\n", 3)] {
            assert_eq!(line_ends(text.as_bytes()), count, "{text:?}");
        }
    }
}
