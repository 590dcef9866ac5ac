//! The cells of a record, and what their escapes stand for.

use memchr::memchr;

use crate::source::dialect::{Dialect, EscapeScope, SourceFormat};

/// Special characters of the records.
#[derive(Clone, Debug)]
pub(in crate::source) struct EscapedSyntax {
    pub(super) delimiter: u8,
    /// None in the text format.
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    /// The escape in cells without quotes.
    unquoted_escape: Option<u8>,
    pub(super) is_text: bool,
    /// Texts that stand for no value, as the file has them.
    null: Vec<Vec<u8>>,
}

impl EscapedSyntax {
    /// The syntax of a dialect that the csv crate cannot read; none if it can.
    pub(in crate::source) fn of(dialect: &Dialect, delimiter: u8) -> Option<Self> {
        let is_text = dialect.format == SourceFormat::Text;
        (is_text || dialect.escape.is_some()).then(|| EscapedSyntax {
            delimiter,
            quote: dialect.quote.filter(|_| !is_text),
            escape: dialect.escape,
            unquoted_escape: dialect.escape.filter(|_| dialect.escape_in == EscapeScope::All),
            is_text,
            null: dialect.null.iter().map(|text| text.as_bytes().to_vec()).collect(),
        })
    }

    /// The quote character; none in the text format.
    pub(in crate::source) fn quote(&self) -> Option<u8> {
        self.quote
    }

    /// Reads the cells of one record, without its line end, and passes each on. Returns whether text follows a closing
    /// quote. `scratch` is memory to reuse.
    pub(in crate::source) fn cells(
        &self,
        record: &[u8],
        has_nulls: bool,
        scratch: &mut Vec<u8>,
        mut cell: impl FnMut(&[u8]),
    ) -> bool {
        let (mut at, mut has_stray_quote) = (0, false);
        loop {
            scratch.clear();
            let start = at;
            if self.quote.is_some() && record.get(at).copied() == self.quote {
                at = self.quoted(record, at + 1, scratch);
                if has_nulls && self.is_null(&record[start..at]) {
                    scratch.clear();
                }
                let end = self.end_of_cell(record, at);
                has_stray_quote |= record[at..end].iter().any(|byte| !matches!(byte, b' ' | b'\t'));
                self.unescape(&record[at..end], self.unquoted_escape, scratch);
                at = end;
                cell(scratch);
            } else {
                at = self.end_of_cell(record, at);
                let raw = &record[start..at];
                if !(has_nulls && self.is_null(raw)) {
                    self.unescape(raw, self.unquoted_escape, scratch);
                }
                cell(scratch);
            }
            if at >= record.len() {
                return has_stray_quote;
            }
            // The delimiter.
            at += 1;
        }
    }

    /// Whether a cell, with its quotes, stands for no value. In the text format `\N` always does.
    fn is_null(&self, raw: &[u8]) -> bool {
        let is_marker =
            |raw: &[u8]| self.is_text && raw.len() == 2 && self.is_escape(raw[0]) && raw[1] == b'N';
        is_marker(raw) || self.null.iter().any(|null| null == raw)
    }

    pub(super) fn is_escape(&self, byte: u8) -> bool {
        self.escape == Some(byte)
    }

    pub(super) fn is_unquoted_escape(&self, byte: u8) -> bool {
        self.unquoted_escape == Some(byte)
    }

    /// The position of the delimiter after an unquoted text, or the end.
    fn end_of_cell(&self, record: &[u8], mut at: usize) -> usize {
        while at < record.len() && record[at] != self.delimiter {
            at += if self.is_unquoted_escape(record[at]) { 2 } else { 1 };
        }
        at.min(record.len())
    }

    /// Reads the text within quotes from `at` on, and returns the position after the closing quote.
    fn quoted(&self, record: &[u8], mut at: usize, text: &mut Vec<u8>) -> usize {
        let start = at;
        let mut plain = start;
        while at < record.len() {
            if self.is_escape(record[at]) {
                at += 2;
            } else if Some(record[at]) != self.quote {
                at += 1;
            } else if record.get(at + 1).copied() == self.quote {
                self.unescape(&record[plain..=at], self.escape, text);
                at += 2;
                plain = at;
            } else {
                self.unescape(&record[plain..at], self.escape, text);
                return at + 1;
            }
        }
        self.unescape(&record[plain.min(record.len())..], self.escape, text);
        record.len()
    }

    /// Appends the text that `raw` stands for.
    fn unescape(&self, raw: &[u8], escape: Option<u8>, text: &mut Vec<u8>) {
        let Some(escape) = escape else { return text.extend_from_slice(raw) };
        let mut rest = raw;
        while let Some(at) = memchr(escape, rest) {
            text.extend_from_slice(&rest[..at]);
            let escaped = &rest[at + 1..];
            let (byte, length) = if self.is_text { text_escape(escaped) } else { self.csv_escape(escaped) };
            match byte {
                Some(byte) => text.push(byte),
                None => text.push(escape),
            }
            rest = &escaped[length..];
        }
        text.extend_from_slice(rest);
    }

    /// The byte that an escape in CSV stands for, and the bytes after the escape that it takes; no byte if the escape
    /// is text. Exporters escape special characters only. Some leave the escape itself alone, such as R, which writes
    /// `C:\temp`.
    fn csv_escape(&self, escaped: &[u8]) -> (Option<u8>, usize) {
        match escaped {
            // MariaDB writes NUL so.
            [b'0', ..] => (Some(0), 1),
            [byte @ (b'\r' | b'\n'), ..] => (Some(*byte), 1),
            [byte, ..] if *byte == self.delimiter || self.is_escape(*byte) || Some(*byte) == self.quote => {
                (Some(*byte), 1)
            }
            _ => (None, 0),
        }
    }
}

/// The byte that an escape in the text format stands for, and the bytes after the escape that it takes; no byte if the
/// cell ends with the escape.
fn text_escape(escaped: &[u8]) -> (Option<u8>, usize) {
    let Some(first) = escaped.first() else { return (None, 0) };
    let digits = |radix: u32, most: usize, digits: &[u8]| {
        let digits = digits.iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix));
        let (value, count) = digits.fold((0, 0), |(value, count), digit| (value * radix + digit, count + 1));
        // PostgreSQL too takes the lower eight bits of `\777`.
        ((value & 0xFF) as u8, count)
    };
    let one = |byte| (Some(byte), 1);
    match first {
        b'b' => one(0x08),
        b'f' => one(0x0C),
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'v' => one(0x0B),
        b'0'..=b'7' => {
            let (byte, count) = digits(8, 3, escaped);
            (Some(byte), count)
        }
        b'x' => match digits(16, 2, &escaped[1..]) {
            (_, 0) => one(b'x'),
            (byte, count) => (Some(byte), count + 1),
        },
        b'\r' if escaped.get(1) == Some(&b'\n') => (Some(b'\n'), 2),
        other => one(*other),
    }
}
