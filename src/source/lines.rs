//! The file's own line numbers: the csv crate counts a record's start before the line breaks that
//! precede it, and knows line feeds only.

use std::io::{self, Read};

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
    pub(super) fn new(inner: R) -> Self {
        LineCounter {
            inner,
            window: Vec::new(),
            counted: 0,
            offset: 0,
            line: 1,
            after_carriage_return: false,
            at_end: false,
        }
    }

    /// The line on which the record starts that the reader found from byte `offset` on; blank lines
    /// before it are passed over. Offsets must not decrease from call to call.
    pub(super) fn line_of_record(&mut self, offset: u64) -> u64 {
        while self.offset < offset && self.step(|_| true) {}
        while self.step(|byte| byte == b'\n' || byte == b'\r') {}
        self.line
    }

    /// Whether the stream has come to its end, and the bytes from the last record's start on, read as
    /// the csv crate reads them, end inside a quoted cell. The reader sees the end only when it needs more
    /// bytes for the record in hand, so that record is then the last one.
    pub(super) fn ends_inside_quotes(&self) -> bool {
        #[derive(PartialEq)]
        enum At {
            CellStart,
            Quoted,
            QuoteInQuoted,
            Unquoted,
        }
        if !self.at_end {
            return false;
        }
        let mut at = At::CellStart;
        for byte in &self.window[self.counted..] {
            at = match (at, byte) {
                (At::CellStart, b'"') | (At::QuoteInQuoted, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::QuoteInQuoted,
                (At::Quoted, _) => At::Quoted,
                (_, b',' | b'\n' | b'\r') => At::CellStart,
                (_, _) => At::Unquoted,
            };
        }
        at == At::Quoted
    }

    /// Counts one byte if there is one and it is `wanted`.
    fn step(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let Some(byte) = self.window.get(self.counted).copied().filter(|byte| wanted(*byte)) else {
            return false;
        };
        let second_half = byte == b'\n' && self.after_carriage_return;
        if (byte == b'\n' || byte == b'\r') && !second_half {
            self.line += 1;
        }
        self.after_carriage_return = byte == b'\r';
        self.counted += 1;
        self.offset += 1;
        true
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.at_end |= count == 0 && !buffer.is_empty();
        self.window.drain(..self.counted);
        self.counted = 0;
        self.window.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_line_ends_are_counted_once() {
        let text = "a\nb\r\nc\rd";
        let mut counter = LineCounter::new(text.as_bytes());
        io::copy(&mut counter, &mut io::sink()).unwrap();
        let line_of = |text: &str, letter: char| text.find(letter).unwrap() as u64;
        let lines: Vec<u64> =
            "abcd".chars().map(|letter| counter.line_of_record(line_of(text, letter))).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
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
        ] {
            let mut counter = LineCounter::new(text.as_bytes());
            io::copy(&mut counter, &mut io::sink()).unwrap();
            assert_eq!(counter.ends_inside_quotes(), unclosed, "{text}");
        }
    }

    #[test]
    fn blank_lines_before_a_record_are_passed_over() {
        let mut counter = LineCounter::new("\n\r\n\rx".as_bytes());
        io::copy(&mut counter, &mut io::sink()).unwrap();
        assert_eq!(counter.line_of_record(0), 4);
    }
}
