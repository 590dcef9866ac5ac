//! The file's own line numbers: the csv crate counts a record's start before the line breaks that
//! precede it, and knows line feeds only.

use std::io::{self, Read};

use memchr::memchr2_iter;
use thiserror::Error;

/// The longest record that is read. A quote that is never closed makes one record of the rest of the
/// file, which need not fit into memory.
pub(super) const LONGEST_RECORD: usize = 64 << 20;

/// A record is longer than [`LONGEST_RECORD`]. Inside an [`io::Error`].
#[derive(Debug, Error)]
#[error("a record is longer than {} MiB", LONGEST_RECORD >> 20)]
pub(super) struct TooLong;

/// Passes bytes on and keeps those that no record has used yet, to count line breaks in them.
///
/// A line ends with LF, CRLF or a lone CR. The memory it holds is that of the reader's buffer and of
/// the record in hand.
pub(super) struct LineCounter<R> {
    inner: R,
    /// Bytes passed on but not counted yet.
    window: Vec<u8>,
    /// How much of the window's front is already counted; the rest is moved up now and then.
    counted: usize,
    /// The offset of the window's first uncounted byte in the stream.
    offset: u64,
    /// The line on which that byte stands, from 1.
    line: u64,
    after_carriage_return: bool,
    /// Whether the stream has come to its end.
    at_end: bool,
}

impl<R: Read> LineCounter<R> {
    /// Counts from `line`, on which the stream starts.
    pub(super) fn new(inner: R, line: u64) -> Self {
        LineCounter {
            inner,
            window: Vec::new(),
            counted: 0,
            offset: 0,
            line,
            after_carriage_return: false,
            at_end: false,
        }
    }

    /// The reader is to look for a record from byte `offset` on; what is before it is done with. Offsets
    /// must not decrease from call to call.
    pub(super) fn start_record(&mut self, offset: u64) {
        let done = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.count(done.min(self.window.len() - self.counted));
    }

    /// The line of the record that the reader found, or is in, since [`LineCounter::start_record`];
    /// blank lines before it are passed over.
    pub(super) fn line_of_record(&mut self) -> u64 {
        self.pass_blank_lines();
        self.line
    }

    /// The bytes of the record that the reader found, up to the byte `end` of the stream.
    pub(super) fn record(&self, end: u64) -> &[u8] {
        let length = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let rest = &self.window[self.counted..];
        &rest[..length.min(rest.len())]
    }

    /// Whether the stream has come to its end, and the bytes from the record's start on, read by `parser`,
    /// end inside a quoted cell. The reader sees the end only when it needs more bytes for the record in
    /// hand, so that record is then the last one.
    pub(super) fn ends_inside_quotes(&self, parser: &csv::ReaderBuilder) -> bool {
        if !self.at_end {
            return false;
        }
        // The csv crate closes an open quote by itself at the end, so it is asked whether one more line
        // is a record of its own. The line break in front keeps it from looking for a byte order mark.
        let text = b"\n".chain(&self.window[self.counted..]).chain(b"\nx".as_slice());
        let mut records = parser.from_reader(text).into_byte_records();
        records.next().is_some() && records.next().is_none()
    }

    /// Line breaks before a record belong to none, so any number of them is passed over.
    fn pass_blank_lines(&mut self) {
        let is_break = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        self.count(self.window[self.counted..].iter().take_while(is_break).count());
    }

    /// Counts the lines in the next bytes.
    fn count(&mut self, length: usize) {
        let bytes = &self.window[self.counted..self.counted + length];
        let Some(last) = bytes.last() else { return };
        for at in memchr2_iter(b'\n', b'\r', bytes) {
            let after_carriage_return = match at.checked_sub(1) {
                Some(before) => bytes[before] == b'\r',
                None => self.after_carriage_return,
            };
            let second_half = bytes[at] == b'\n' && after_carriage_return;
            self.line += u64::from(!second_half);
        }
        self.after_carriage_return = *last == b'\r';
        self.counted += length;
        self.offset += length as u64;
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pass_blank_lines();
        self.window.drain(..self.counted);
        self.counted = 0;
        // The reader has used all of the window and asks for more of the same record.
        if self.window.len() > LONGEST_RECORD {
            return Err(io::Error::other(TooLong));
        }
        let count = self.inner.read(buffer)?;
        self.at_end |= count == 0 && !buffer.is_empty();
        self.window.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::dialect::Dialect;

    fn counter(text: &str) -> LineCounter<&[u8]> {
        LineCounter::new(text.as_bytes(), 1)
    }

    fn is_unclosed(text: &[u8], dialect: &Dialect, delimiter: u8) -> bool {
        let mut counter = LineCounter::new(text, 1);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        counter.ends_inside_quotes(&dialect.parser(delimiter))
    }

    #[test]
    fn all_three_line_ends_are_counted_once() {
        let text = "a\nb\r\nc\rd";
        let mut counter = counter(text);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        let lines: Vec<u64> = "abcd"
            .chars()
            .map(|letter| {
                counter.start_record(text.find(letter).unwrap() as u64);
                counter.line_of_record()
            })
            .collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }

    #[test]
    fn a_line_end_between_two_records_is_one_wherever_it_is_cut() {
        let mut counter = counter("a\r\nb");
        io::copy(&mut counter, &mut io::sink()).unwrap();
        for (offset, line) in [(0, 1), (1, 2), (2, 2), (3, 2)] {
            counter.start_record(offset);
            if offset != 1 {
                assert_eq!(counter.line_of_record(), line);
            }
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_seen() {
        for (text, unclosed) in [
            ("a,\"b", true),
            ("a,\"b\"\"", true),
            ("a,\"b\"", false),
            ("a,\"b\"\"\"", false),
            ("a,5\" disk", false),
            ("a,\"b\" c\"", false),
            ("a;\"b", false),
            ("\u{feff}\"a", false),
        ] {
            assert_eq!(is_unclosed(text.as_bytes(), &Dialect::default(), b','), unclosed, "{text}");
        }
        let dialect = Dialect { quote: Some(b'\''), escape: Some(b'\\'), ..Dialect::default() };
        for (text, unclosed) in [("a;'b\\'", true), ("a;'b\\", true), ("a;'b\\\\'", false), ("a,'b", false)] {
            assert_eq!(is_unclosed(text.as_bytes(), &dialect, b';'), unclosed, "{text}");
        }
        let dialect = Dialect { quote: None, ..Dialect::default() };
        assert!(!is_unclosed(b"a,\"b", &dialect, b','));
    }

    #[test]
    fn blank_lines_before_a_record_are_passed_over() {
        let mut counter = counter("\n\r\n\rx");
        io::copy(&mut counter, &mut io::sink()).unwrap();
        assert_eq!(counter.line_of_record(), 4);
    }

    #[test]
    fn blank_lines_take_no_memory() {
        let mut counter = LineCounter::new(io::repeat(b'\n').take(1 << 20), 1);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        assert_eq!(counter.line_of_record(), (1 << 20) + 1);
        assert!(counter.window.capacity() < 1 << 17);
    }
}
