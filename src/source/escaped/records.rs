//! Splits a stream into records.

use std::io::{self, Read};

use memchr::memchr3;

use super::syntax::EscapedSyntax;
use crate::source::error::StreamError;
use crate::source::line_end::{LineEnd, line_ends};
use crate::source::record::MAX_RECORD_BYTES;

/// Bytes to read at once.
const CHUNK: usize = 1 << 16;

/// Splits a stream into records.
#[derive(Debug)]
pub(in crate::source) struct EscapedRecords<R> {
    inner: R,
    syntax: EscapedSyntax,
    /// Bytes that were read; those before `start` belong to earlier records.
    window: Vec<u8>,
    start: usize,
    at_end: bool,
    /// Offset in the stream of the window's first byte.
    offset: u64,
    /// Line of the byte at `start`, from 1.
    line: u64,
    /// End of the first line; none before it is known.
    line_end: Option<LineEnd>,
}

/// A record as the file has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source) struct RawRecord<'a> {
    /// Line on which the record starts.
    pub(in crate::source) line: u64,
    /// Offset in the stream of its first byte.
    pub(in crate::source) offset: u64,
    /// The bytes without the line end.
    pub(in crate::source) text: &'a [u8],
    /// Whether the stream ends within a quoted cell.
    pub(in crate::source) is_unclosed: bool,
    /// Whether the stream ends without a line end after the record.
    pub(in crate::source) is_unterminated: bool,
}

impl<R: Read> EscapedRecords<R> {
    /// `line` is the line on which the stream starts, `line_end` the end of its first line; none to take that of the
    /// first record.
    pub(in crate::source) fn new(
        inner: R,
        line: u64,
        line_end: Option<LineEnd>,
        syntax: EscapedSyntax,
    ) -> Self {
        EscapedRecords {
            inner,
            syntax,
            window: Vec::new(),
            start: 0,
            at_end: false,
            offset: 0,
            line,
            line_end,
        }
    }

    /// Line of the next record or of blank lines before it.
    pub(in crate::source) fn line(&self) -> u64 {
        self.line
    }

    /// The next record that is not a blank line, and not the line `\.` that ends the data of COPY in a dump.
    ///
    /// # Errors
    /// [`StreamError::TooLong`], and the errors of the stream.
    pub(in crate::source) fn next(&mut self) -> io::Result<Option<RawRecord<'_>>> {
        let (start, end, line, is_unclosed, is_unterminated) = loop {
            self.skip_blank_lines()?;
            if self.byte(0)?.is_none() {
                return Ok(None);
            }
            let (length, is_unclosed) = self.length()?;
            let line_end = self.line_end(length)?;
            let (start, end, line) = (self.start, self.start + length, self.line);
            self.line += line_ends(&self.window[start..end + line_end]);
            self.start = end + line_end;
            let is_end_of_data = self.syntax.is_text
                && matches!(&self.window[start..end], [escape, b'.'] if self.syntax.is_escape(*escape));
            if !is_end_of_data {
                break (start, end, line, is_unclosed, line_end == 0);
            }
        };
        let offset = self.offset + start as u64;
        Ok(Some(RawRecord { line, offset, text: &self.window[start..end], is_unclosed, is_unterminated }))
    }

    /// The byte at an offset from the start of the record; none at the end of the stream.
    fn byte(&mut self, offset: usize) -> io::Result<Option<u8>> {
        while self.start + offset >= self.window.len() && !self.at_end {
            self.fill()?;
        }
        Ok(self.window.get(self.start + offset).copied())
    }

    fn fill(&mut self) -> io::Result<()> {
        self.window.drain(..self.start);
        self.offset += self.start as u64;
        self.start = 0;
        if self.window.len() > MAX_RECORD_BYTES {
            return Err(StreamError::TooLong.into());
        }
        let length = self.window.len();
        self.window.resize(length + CHUNK, 0);
        let read = self.inner.read(&mut self.window[length..]);
        self.window.truncate(length + *read.as_ref().unwrap_or(&0));
        self.at_end = read? == 0;
        Ok(())
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let length = match self.byte(0)? {
                Some(b'\n') => 1,
                Some(b'\r') if self.byte(1)? == Some(b'\n') => 2,
                Some(b'\r') if !self.is_carriage_return_text() => 1,
                _ => return Ok(()),
            };
            self.start += length;
            self.line += 1;
        }
    }

    fn is_carriage_return_text(&self) -> bool {
        match self.line_end {
            Some(LineEnd::LineFeed) => true,
            Some(LineEnd::CarriageReturnLineFeed) => self.syntax.is_text,
            Some(LineEnd::CarriageReturn) | None => false,
        }
    }

    /// The length of the record without its line end, and whether the stream ends within a quoted cell.
    fn length(&mut self) -> io::Result<(usize, bool)> {
        let (mut at, mut is_quoted, mut at_cell_start) = (0, false, true);
        loop {
            at = self.skip_plain(at);
            let Some(byte) = self.byte(at)? else { return Ok((at, is_quoted)) };
            let is_escape =
                if is_quoted { self.syntax.is_escape(byte) } else { self.syntax.is_unquoted_escape(byte) };
            if is_escape {
                // Where lines end with LF, only the carriage return is escaped, and the line feed ends the record.
                let is_crlf = self.byte(at + 1)? == Some(b'\r')
                    && self.line_end != Some(LineEnd::LineFeed)
                    && self.byte(at + 2)? == Some(b'\n');
                let length = if is_crlf { 3 } else { 2 };
                at = (at + length).min(self.window.len() - self.start);
                at_cell_start = false;
                continue;
            }
            let is_quote = Some(byte) == self.syntax.quote;
            if is_quoted {
                let is_doubled = is_quote && self.byte(at + 1)? == Some(byte);
                is_quoted = !is_quote || is_doubled;
                at += usize::from(is_doubled);
                at_cell_start = false;
            } else if self.is_line_end(byte, at)? {
                return Ok((at, false));
            } else {
                is_quoted = is_quote && at_cell_start;
                at_cell_start = byte == self.syntax.delimiter;
            }
            at += 1;
        }
    }

    /// Skips bytes that cannot be special in the text format, which has no quotes.
    fn skip_plain(&self, at: usize) -> usize {
        if self.syntax.quote.is_some() {
            return at;
        }
        let rest = self.window.get(self.start + at..).unwrap_or_default();
        at + memchr3(self.syntax.escape.unwrap_or(b'\n'), b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    fn is_line_end(&mut self, byte: u8, at: usize) -> io::Result<bool> {
        Ok(match byte {
            b'\n' => true,
            b'\r' if !self.is_carriage_return_text() => true,
            // In the text format, in which no line is quoted, the last cell may end with a carriage return.
            b'\r' if !self.syntax.is_text || self.line_end == Some(LineEnd::CarriageReturnLineFeed) => {
                self.byte(at + 1)? == Some(b'\n')
            }
            _ => false,
        })
    }

    /// The length of the line end after a record of `length` bytes; 0 at the end of the stream.
    fn line_end(&mut self, length: usize) -> io::Result<usize> {
        let (found, bytes) = match self.byte(length)? {
            None => return Ok(0),
            Some(b'\r') if self.byte(length + 1)? == Some(b'\n') => (LineEnd::CarriageReturnLineFeed, 2),
            Some(b'\r') => (LineEnd::CarriageReturn, 1),
            Some(_) => (LineEnd::LineFeed, 1),
        };
        self.line_end.get_or_insert(found);
        Ok(bytes)
    }
}
