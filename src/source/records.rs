//! Reads the records of a decoded text, whatever its syntax.

use std::io::{self, Read};

use memchr::memchr;

use super::dialect::Dialect;
use super::error::SourceError;
use super::escaped::{EscapedRecords, EscapedSyntax};
use super::line_end::LineEnd;
use super::lines::LineCounter;
use super::quotes::{has_stray_quote, is_quoted_cell};
use super::swallowed::may_hold_rows;

/// A reader of records in one dialect.
pub(super) struct RecordReader<R> {
    parser: Parser<R>,
    delimiter: u8,
    quote: Option<u8>,
    /// Unquoted cells that stand for no value, and quoted ones.
    null: [Vec<String>; 2],
    line_end: Option<LineEnd>,
    /// Memory to reuse, as `scratch` is.
    spare: csv::StringRecord,
    scratch: Vec<u8>,
}

enum Parser<R> {
    /// Without escapes: through the csv crate, which is several times as fast.
    Csv {
        reader: csv::Reader<LineCounter<R>>,
        builder: csv::ReaderBuilder,
    },
    Escaped {
        records: EscapedRecords<R>,
        syntax: EscapedSyntax,
    },
}

/// Properties of a record in the file, without its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RecordForm {
    /// Line on which the record starts.
    pub(super) line: u64,
    /// Whether text follows a closing quote.
    pub(super) has_stray_quote: bool,
    /// Whether a quoted cell may have swallowed rows.
    pub(super) may_hold_rows: bool,
    /// Index of the first field with malformed text, each piece of which is replaced by U+FFFD.
    pub(super) malformed: Option<usize>,
    /// Whether the stream ends within the record's line, without a line end.
    pub(super) is_unterminated: bool,
    /// Whether a cell stands for no value; with escapes always true, since it is not known.
    pub(super) may_have_null: bool,
}

/// A record that cannot be read.
#[derive(Debug)]
pub(super) enum RecordError {
    /// The stream ends within a quoted cell of the record that starts on this line.
    UnclosedQuote { line: u64 },
    /// The stream failed while the record that starts on this line was read.
    Stream { line: u64, source: io::Error },
}

impl RecordError {
    /// The error in `file`, whose last record was read from the line `last`.
    pub(super) fn in_file(self, file: String, last: u64) -> SourceError {
        match self {
            RecordError::UnclosedQuote { line } => SourceError::UnclosedQuote { file, line },
            RecordError::Stream { line, source } => SourceError::from_stream(&source, &file, last, line)
                .unwrap_or(SourceError::Read { file, line: last, source }),
        }
    }
}

impl<R: Read> RecordReader<R> {
    /// `line` is the line on which `bytes` start, `line_end` the end of their first line.
    pub(super) fn new(
        bytes: R,
        line: u64,
        line_end: Option<LineEnd>,
        dialect: &Dialect,
        delimiter: u8,
    ) -> Self {
        let parser = match EscapedSyntax::of(dialect, delimiter) {
            Some(syntax) => Parser::Escaped {
                records: EscapedRecords::new(bytes, line, line_end, syntax.clone()),
                syntax,
            },
            None => {
                let mut builder = dialect.parser(delimiter);
                if line_end == Some(LineEnd::LineFeed) {
                    builder.terminator(csv::Terminator::Any(b'\n'));
                }
                let reader = builder.from_reader(LineCounter::new(bytes, line, line_end));
                Parser::Csv { reader, builder }
            }
        };
        RecordReader {
            parser,
            delimiter,
            quote: dialect.quote,
            null: by_quotes(&dialect.null, dialect.quote),
            line_end,
            spare: csv::StringRecord::new(),
            scratch: Vec::new(),
        }
    }

    /// Reads the next record, blank or not, into `fields`; none at the end. `columns` is the number of columns of the
    /// header; 0 for the header itself, in which nothing stands for no value.
    pub(super) fn read(
        &mut self,
        fields: &mut csv::StringRecord,
        columns: usize,
    ) -> Result<Option<RecordForm>, RecordError> {
        match self.parser {
            Parser::Csv { .. } => self.read_csv(fields, columns),
            Parser::Escaped { .. } => self.read_escaped(fields, columns),
        }
    }

    fn read_csv(
        &mut self,
        fields: &mut csv::StringRecord,
        columns: usize,
    ) -> Result<Option<RecordForm>, RecordError> {
        let Parser::Csv { reader, builder } = &mut self.parser else { return Ok(None) };
        let position = reader.position().clone();
        reader.get_mut().start_record(position.byte());
        let read = reader.read_record(fields);
        let line = reader.get_mut().skip_blank_lines();
        let malformed = match read.map_err(csv::Error::into_kind) {
            Ok(false) => return Ok(None),
            Ok(true) => None,
            Err(csv::ErrorKind::Utf8 { err, .. }) => Some(err.field()),
            Err(csv::ErrorKind::Io(source)) => return Err(RecordError::Stream { line, source }),
            Err(_) => {
                let source = io::Error::other("the csv parser failed");
                return Err(RecordError::Stream { line, source });
            }
        };
        // Before the text is looked at: the field that is never closed may be most of the file.
        if reader.get_ref().ends_inside_quotes(builder) {
            return Err(RecordError::UnclosedQuote { line });
        }
        let raw = reader.get_ref().record(reader.position().byte());
        if malformed.is_some() {
            // The csv crate drops the fields of a record with malformed text.
            read_malformed(builder, raw, fields);
            fields.set_position(Some(position));
        }
        // The file may have lines of both kinds, such as a header that was put before an export.
        if self.line_end == Some(LineEnd::LineFeed) && raw.ends_with(b"\r\n") {
            self.spare.clear();
            let last = fields.len().saturating_sub(1);
            for (index, field) in fields.iter().enumerate() {
                let is_last = index == last;
                self.spare.push_field(field.strip_suffix('\r').filter(|_| is_last).unwrap_or(field));
            }
            self.spare.set_position(fields.position().cloned());
            std::mem::swap(fields, &mut self.spare);
        }
        let is_unterminated = reader.get_ref().is_unterminated(reader.position().byte());
        let mut form = RecordForm { line, malformed, is_unterminated, ..RecordForm::default() };
        if let Some(quote) = self.quote.filter(|quote| memchr(*quote, raw).is_some()) {
            form.has_stray_quote = has_stray_quote(raw, self.delimiter, quote);
            form.may_hold_rows = may_hold_rows(raw, self.delimiter, columns);
        }
        let [unquoted, quoted] = &self.null;
        let is_null = |field: &str| unquoted.iter().chain(quoted).any(|null| null == field);
        // A column may have the name of a marker.
        if columns > 0 && unquoted.len() + quoted.len() > 0 && fields.iter().any(is_null) {
            self.spare.clear();
            for (index, field) in fields.iter().enumerate() {
                let is_quoted =
                    || self.quote.is_some_and(|quote| is_quoted_cell(raw, index, self.delimiter, quote));
                let is_marker = is_null(field)
                    && if is_quoted() { quoted } else { unquoted }.iter().any(|null| null == field);
                form.may_have_null |= is_marker;
                self.spare.push_field(if is_marker { "" } else { field });
            }
            std::mem::swap(fields, &mut self.spare);
        }
        Ok(Some(form))
    }

    fn read_escaped(
        &mut self,
        fields: &mut csv::StringRecord,
        columns: usize,
    ) -> Result<Option<RecordForm>, RecordError> {
        let Parser::Escaped { records, syntax } = &mut self.parser else { return Ok(None) };
        let line = records.line();
        let raw = records.next().map_err(|source| RecordError::Stream { line, source })?;
        let Some(raw) = raw else { return Ok(None) };
        if raw.is_unclosed {
            return Err(RecordError::UnclosedQuote { line: raw.line });
        }
        let mut form =
            RecordForm { line: raw.line, is_unterminated: raw.is_unterminated, ..RecordForm::default() };
        form.may_have_null = true;
        fields.clear();
        let mut position = csv::Position::new();
        position.set_byte(raw.offset);
        fields.set_position(Some(position));
        form.has_stray_quote = syntax.cells(raw.text, columns > 0, &mut self.scratch, |cell| {
            if !push_text(fields, cell) {
                form.malformed.get_or_insert(fields.len() - 1);
            }
        });
        let has_quote = syntax.quote().is_some_and(|quote| memchr(quote, raw.text).is_some());
        form.may_hold_rows = has_quote && may_hold_rows(raw.text, self.delimiter, columns);
        Ok(Some(form))
    }
}

/// The markers of unquoted cells, and those of quoted ones: a marker that is written with quotes, without them.
fn by_quotes(null: &[String], quote: Option<u8>) -> [Vec<String>; 2] {
    let (mut unquoted, mut quoted) = (Vec::new(), Vec::new());
    for marker in null {
        let within = quote.map(char::from).and_then(|quote| marker.strip_prefix(quote)?.strip_suffix(quote));
        match within {
            Some(within) => quoted.push(within.to_owned()),
            None => unquoted.push(marker.clone()),
        }
    }
    [unquoted, quoted]
}

/// Reads the fields of a raw record with malformed text.
fn read_malformed(parser: &csv::ReaderBuilder, raw: &[u8], fields: &mut csv::StringRecord) {
    // The line end in front prevents the removal of a byte order mark.
    let mut records = parser.from_reader(b"\n".chain(raw)).into_byte_records();
    fields.clear();
    // Reading from memory does not fail.
    if let Some(Ok(record)) = records.next() {
        for field in &record {
            push_text(fields, field);
        }
    }
}

/// Appends a field, and returns whether it is valid UTF-8.
fn push_text(fields: &mut csv::StringRecord, field: &[u8]) -> bool {
    let text = std::str::from_utf8(field);
    match text {
        Ok(text) => fields.push_field(text),
        Err(_) => fields.push_field(&String::from_utf8_lossy(field)),
    }
    text.is_ok()
}
