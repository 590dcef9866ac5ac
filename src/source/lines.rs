//! Line numbers of records, as an editor shows them. Those of the csv crate differ: it counts line feeds only, and
//! counts a record's start before the blank lines in front of it.

use std::io::{self, Read};

use memchr::memchr2_iter;

use super::error::StreamError;
use super::line_end::LineEnd;
use super::record::MAX_RECORD_BYTES;

/// A reader that keeps the bytes of the current record, to count line ends in them and to look at its raw text.
///
/// A line ends with LF, CRLF or a lone CR. The memory used is that of the csv reader's buffer and of the current
/// record.
pub(super) struct LineCounter<R> {
    inner: R,
    /// Bytes that were read; the first `counted` of them belong to earlier records.
    window: Vec<u8>,
    counted: usize,
    /// Offset in the stream of the window's first byte that is not counted.
    offset: u64,
    /// Line of that byte, from 1.
    line: u64,
    after_carriage_return: bool,
    /// Whether a line may be blank but for a carriage return; otherwise that is text.
    has_carriage_returns: bool,
    /// Whether the end of the stream was read.
    at_end: bool,
}

impl<R: Read> LineCounter<R> {
    /// `line` is the line on which the stream starts, `line_end` the end of its first line.
    pub(super) fn new(inner: R, line: u64, line_end: Option<LineEnd>) -> Self {
        LineCounter {
            inner,
            window: Vec::new(),
            counted: 0,
            offset: 0,
            line,
            after_carriage_return: false,
            has_carriage_returns: line_end != Some(LineEnd::LineFeed),
            at_end: false,
        }
    }

    /// Starts a record at byte `offset` of the stream. Bytes before it are counted and dropped. Offsets must not
    /// decrease from call to call.
    pub(super) fn start_record(&mut self, offset: u64) {
        let done = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.count(done.min(self.window.len() - self.counted));
    }

    /// Counts the blank lines in front of the record, and returns the line on which the record starts.
    pub(super) fn skip_blank_lines(&mut self) -> u64 {
        let is_line_end = |byte: &&u8| **byte == b'\n' || **byte == b'\r' && self.has_carriage_returns;
        self.count(self.window[self.counted..].iter().take_while(is_line_end).count());
        self.line
    }

    /// The raw bytes of the record, from its start to byte `end` of the stream.
    pub(super) fn record(&self, end: u64) -> &[u8] {
        let length = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let rest = &self.window[self.counted..];
        &rest[..length.min(rest.len())]
    }

    /// Whether the stream ends within the record, whose end is byte `end` of the stream, and not with a line end.
    pub(super) fn is_unterminated(&self, end: u64) -> bool {
        self.at_end && !matches!(self.record(end).last(), None | Some(b'\n' | b'\r'))
    }

    /// Whether the stream ends inside a quoted field of the record. The csv reader reads up to the end only if the
    /// current record needs more bytes, so the record is then the last one.
    pub(super) fn ends_inside_quotes(&self, parser: &csv::ReaderBuilder) -> bool {
        if !self.at_end {
            return false;
        }
        // The csv crate closes an open quote at the end without an error. A line appended to the text is a record of
        // its own only if no quote is open. The line end in front prevents the removal of a byte order mark.
        let text = b"\n".chain(&self.window[self.counted..]).chain(b"\nx".as_slice());
        let mut records = parser.from_reader(text).into_byte_records();
        records.next().is_some() && records.next().is_none()
    }

    /// Counts the line ends in the next `length` bytes.
    fn count(&mut self, length: usize) {
        let bytes = &self.window[self.counted..self.counted + length];
        let Some(last) = bytes.last() else { return };
        for at in memchr2_iter(b'\n', b'\r', bytes) {
            let after_carriage_return = match at.checked_sub(1) {
                Some(before) => bytes[before] == b'\r',
                None => self.after_carriage_return,
            };
            let is_end_of_crlf = bytes[at] == b'\n' && after_carriage_return;
            self.line += u64::from(!is_end_of_crlf);
        }
        self.after_carriage_return = *last == b'\r';
        self.counted += length;
        self.offset += length as u64;
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.skip_blank_lines();
        self.window.drain(..self.counted);
        self.counted = 0;
        // The csv reader has used the whole window, so all of it belongs to the current record.
        if self.window.len() > MAX_RECORD_BYTES {
            return Err(StreamError::TooLong.into());
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
        LineCounter::new(text.as_bytes(), 1, None)
    }

    fn is_unclosed(text: &[u8], dialect: &Dialect, delimiter: u8) -> bool {
        let mut counter = LineCounter::new(text, 1, None);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        counter.ends_inside_quotes(&dialect.parser(delimiter))
    }

    #[test]
    fn every_kind_of_line_end_counts_as_one() {
        let text = "a\nb\r\nc\rd";
        let mut counter = counter(text);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        let lines: Vec<u64> = "abcd"
            .chars()
            .map(|letter| {
                counter.start_record(text.find(letter).unwrap() as u64);
                counter.skip_blank_lines()
            })
            .collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }

    #[test]
    fn a_line_end_that_two_records_share_counts_as_one() {
        let mut counter = counter("a\r\nb");
        io::copy(&mut counter, &mut io::sink()).unwrap();
        for (offset, line) in [(0, 1), (1, 2), (2, 2), (3, 2)] {
            counter.start_record(offset);
            if offset != 1 {
                assert_eq!(counter.skip_blank_lines(), line);
            }
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_detected() {
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
        let dialect = Dialect { quote: Some(b'\''), ..Dialect::default() };
        for (text, unclosed) in [("a;'b''", true), ("a;'b'", false), ("a,'b", false)] {
            assert_eq!(is_unclosed(text.as_bytes(), &dialect, b';'), unclosed, "{text}");
        }
        let dialect = Dialect { quote: None, ..Dialect::default() };
        assert!(!is_unclosed(b"a,\"b", &dialect, b','));
    }

    #[test]
    fn blank_lines_before_a_record_are_counted() {
        let mut counter = counter("\n\r\n\rx");
        io::copy(&mut counter, &mut io::sink()).unwrap();
        assert_eq!(counter.skip_blank_lines(), 4);
    }

    #[test]
    fn blank_lines_take_no_memory() {
        let mut counter = LineCounter::new(io::repeat(b'\n').take(1 << 20), 1, None);
        io::copy(&mut counter, &mut io::sink()).unwrap();
        assert_eq!(counter.skip_blank_lines(), (1 << 20) + 1);
        assert!(counter.window.capacity() < 1 << 17);
    }
}
