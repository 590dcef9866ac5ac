//! The bytes before the header: byte order marks, Excel's `sep=` line and the lines that `skip_lines` counts.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr2;

use crate::source::decompress::{Peeked, peek};
use crate::source::dialect::is_delimiter;

/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Byte order marks and Excel's `sep=` line.
pub(super) struct Preamble {
    /// Length of both, bytes.
    pub(super) length: usize,
    /// The delimiter of the `sep=` line.
    pub(super) delimiter: Option<u8>,
}

impl Preamble {
    /// Concatenated exports may have several marks. The csv crate removes one, and only if a single read returns it.
    pub(super) fn of(text: &[u8]) -> Self {
        let chunks = text.chunks_exact(BYTE_ORDER_MARK.len());
        let marks = chunks.take_while(|chunk| *chunk == BYTE_ORDER_MARK).count() * BYTE_ORDER_MARK.len();
        match separator_line(&text[marks..]) {
            Some((delimiter, length)) => Preamble { length: marks + length, delimiter: Some(delimiter) },
            None => Preamble { length: marks, delimiter: None },
        }
    }
}

/// A text after its byte order marks, its skipped lines and its `sep=` line.
pub(in crate::source) struct Trimmed {
    /// The first bytes of the rest, at most as many as the sample.
    pub(in crate::source) head: Vec<u8>,
    /// The rest.
    pub(in crate::source) bytes: Peeked<Box<dyn Read + Send>>,
    /// Whether `head` is the whole rest.
    pub(in crate::source) is_whole: bool,
    /// The line of the file on which the rest starts.
    pub(in crate::source) line: u64,
    /// The delimiter of the `sep=` line.
    pub(in crate::source) delimiter: Option<u8>,
    /// Number of lines that were skipped: fewer than asked for if the file ends before.
    pub(in crate::source) skipped: u64,
}

impl Trimmed {
    /// Skips the first `lines` lines of the file. A `sep=` line is one of them, and names the delimiter all the same;
    /// without lines to skip, or after them, it is passed over of itself.
    pub(in crate::source) fn of(bytes: Box<dyn Read + Send>, lines: u64, sample: usize) -> io::Result<Self> {
        let (mut head, mut bytes) = peek(bytes, sample)?;
        let (mut skipped, mut named) = (0, None);
        if lines > 0 {
            named = Preamble::of(&head).delimiter;
            let rest;
            (rest, skipped) = skip_lines(bytes, lines)?;
            (head, bytes) = peek(rest, sample)?;
        }
        let is_whole = head.len() < sample;
        let preamble = Preamble::of(&head);
        bytes.get_mut().0.set_position(preamble.length as u64);
        head.drain(..preamble.length);
        let line = skipped + 1 + u64::from(preamble.delimiter.is_some());
        Ok(Trimmed { head, bytes, is_whole, line, delimiter: preamble.delimiter.or(named), skipped })
    }
}

/// Skips `lines` lines, or fewer if the text ends before; also the number of lines that were skipped.
fn skip_lines(bytes: impl Read + Send + 'static, lines: u64) -> io::Result<(Box<dyn Read + Send>, u64)> {
    let mut bytes = BufReader::with_capacity(1 << 16, bytes);
    let mut skipped = 0;
    while skipped < lines && skip_line(&mut bytes)? {
        skipped += 1;
    }
    Ok((Box::new(bytes), skipped))
}

/// Skips a line, which ends with LF, CRLF or a lone CR. False at the end of the text.
fn skip_line(bytes: &mut impl BufRead) -> io::Result<bool> {
    let mut is_empty = true;
    loop {
        let buffer = fill(bytes)?;
        let Some(last) = buffer.len().checked_sub(1) else { return Ok(!is_empty) };
        let end = memchr2(b'\n', b'\r', buffer);
        let is_carriage_return = end.is_some_and(|at| buffer[at] == b'\r');
        bytes.consume(end.unwrap_or(last) + 1);
        is_empty = false;
        if end.is_some() {
            if is_carriage_return && fill(bytes)?.first() == Some(&b'\n') {
                bytes.consume(1);
            }
            return Ok(true);
        }
    }
}

/// The buffer, filled if it was empty; empty at the end.
fn fill(bytes: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = bytes.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    bytes.fill_buf()
}

/// Excel's first line `sep=;`: its delimiter, and its length with the line end.
fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let quoted = usize::from(text.starts_with(b"\""));
    let (keyword, rest) = text.get(quoted..)?.split_at_checked(b"sep=".len())?;
    let (delimiter, rest) = rest.split_first()?;
    if !keyword.eq_ignore_ascii_case(b"sep=") || (quoted == 1 && !rest.starts_with(b"\"")) {
        return None;
    }
    let end = match &rest[quoted..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    is_delimiter(*delimiter).then_some((*delimiter, b"sep=;".len() + 2 * quoted + end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::ChunkedReader;

    #[test]
    fn only_the_exact_form_of_excels_separator_line_is_one() {
        assert_eq!(separator_line(b"sep=;\na;b"), Some((b';', 6)));
        assert_eq!(separator_line(b"sep=\t\r\na"), Some((b'\t', 7)));
        assert_eq!(separator_line(b"SEP=;\na"), Some((b';', 6)));
        assert_eq!(separator_line(b"\"sep=;\"\na"), Some((b';', 8)));
        for text in ["sep=;", "sep=\n", "sep=;;\n", "sep=x\n", "\"sep=;\n", "sep=\"\n", "a\nsep=;\n"] {
            assert_eq!(separator_line(text.as_bytes()), None, "{text:?}");
        }
    }

    /// The rest, its line and the number of skipped lines.
    fn trimmed(text: &str, lines: u64, chunk: usize) -> (String, u64, u64) {
        let bytes = ChunkedReader::new(text.as_bytes().to_vec(), vec![chunk]);
        let trimmed = Trimmed::of(Box::new(bytes), lines, 16).unwrap();
        (io::read_to_string(trimmed.bytes).unwrap(), trimmed.line, trimmed.skipped)
    }

    #[test]
    fn lines_are_skipped_by_any_line_end_and_however_the_bytes_arrive() {
        for chunk in [1, 2, 3, 100] {
            for end in ["\n", "\r\n", "\r"] {
                let text = ["\u{feff}a long first line", "", "c", "d"].join(end);
                for (lines, rest) in [(1, format!("{end}c{end}d")), (2, format!("c{end}d")), (3, "d".into())]
                {
                    assert_eq!(trimmed(&text, lines, chunk), (rest, lines + 1, lines), "{text:?} {lines}");
                }
                assert_eq!(trimmed(&text, 9, chunk), (String::new(), 5, 4), "{text:?}");
            }
        }
        assert_eq!(trimmed("a\n", 9, 1), (String::new(), 2, 1));
        assert_eq!(trimmed("", 9, 1), (String::new(), 1, 0));
    }

    #[test]
    fn a_separator_line_is_one_of_the_skipped_lines_and_names_the_delimiter() {
        let delimiter = |text: &str, lines| {
            let bytes = io::Cursor::new(text.as_bytes().to_vec());
            Trimmed::of(Box::new(bytes), lines, 64).unwrap().delimiter
        };
        let text = "\u{feff}sep=|\ntitle\na|b\n";
        assert_eq!((delimiter(text, 2), trimmed(text, 2, 9)), (Some(b'|'), ("a|b\n".into(), 3, 2)));
        assert_eq!(trimmed(text, 0, 9), ("title\na|b\n".into(), 2, 0));
        let text = "title\n\u{feff}sep=|\na|b\n";
        assert_eq!((delimiter(text, 1), trimmed(text, 1, 9)), (Some(b'|'), ("a|b\n".into(), 3, 1)));
    }
}
