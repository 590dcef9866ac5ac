//! Reads a CSV record by record.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cut_off::LastCells;
use super::decompress::Peeked;
use super::detect::DetectedCsv;
use super::dialect::{Dialect, FoundDialect, ShortRows};
use super::error::SourceError;
use super::header::Header;
use super::input::{Input, ProgressReader};
use super::non_row::NonRow;
use super::record::{
    ExpectedEncoding, MOST_COLUMNS, MalformedText, REJECT_COLUMNS, Record, Reject, saved_column,
};
use super::records::{RecordForm, RecordReader};

/// Rows with malformed text after which the encoding is probably another, unless a row before had valid letters outside
/// of ASCII.
const SUSPECT_ROWS: u8 = 100;

/// Columns of a rejects file that show that a header without the others was one. Exports have up to three of the names:
/// `_file` and `_line` of Fivetran, `_state`, `_code` and `_message` of `export --join`.
const TELLING_COLUMNS: usize = 4;

/// An open CSV whose header was read.
pub struct CsvSource {
    input: Input,
    header: Header,
    is_rejects_file: bool,
    reader: RecordReader<Peeked<Box<dyn Read + Send>>>,
    short_rows: ShortRows,
    found: FoundDialect,
    encoding: ExpectedEncoding,
    /// Rows with malformed text so far; none once a row had valid letters outside of ASCII.
    malformed_rows: Option<u8>,
    /// The line of the last record that was read.
    line: u64,
    last_cells: LastCells,
    bytes_read: Arc<AtomicU64>,
    size: Option<u64>,
}

impl fmt::Debug for CsvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvSource").field("input", &self.input).finish_non_exhaustive()
    }
}

impl CsvSource {
    /// Opens `input`, detects what `dialect` leaves open, and reads the header.
    ///
    /// # Errors
    /// - [`SourceError::Open`], [`SourceError::Directory`]: the file cannot be opened.
    /// - The errors of [`CsvSource::from_reader`].
    pub fn open(input: Input, dialect: &Dialect) -> Result<Self, SourceError> {
        let (bytes, size) = input.open()?;
        CsvSource::from_reader(input, bytes, size, dialect)
    }

    /// Reads `bytes` instead of those of `input`, which messages name. `size` is their number, if known.
    ///
    /// # Errors
    /// - [`SourceError::NoHeader`], [`SourceError::AllSkipped`], [`SourceError::Preamble`],
    ///   [`SourceError::HeaderIsRow`], [`SourceError::StrayQuote`], [`SourceError::PartOfRejects`]: there is no usable header.
    /// - [`SourceError::Foreign`], [`SourceError::Damaged`], [`SourceError::Utf16`]: the bytes are not a CSV, not
    ///   intact, or in an undeclared encoding.
    /// - Those of [`CsvSource::read_record`], for the header.
    pub fn from_reader(
        input: Input,
        bytes: impl Read + Send + 'static,
        size: Option<u64>,
        dialect: &Dialect,
    ) -> Result<Self, SourceError> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let bytes = ProgressReader { inner: bytes, bytes_read: bytes_read.clone() };
        let csv = DetectedCsv::open(&input.to_string(), bytes, dialect)?;
        let named = csv.dialect.columns.clone();
        let mut source = CsvSource {
            input,
            header: Header::new(Vec::new()),
            is_rejects_file: false,
            reader: RecordReader::new(csv.bytes, csv.line, csv.line_end, &csv.dialect, csv.found.delimiter),
            short_rows: csv.dialect.short_rows,
            found: csv.found,
            encoding: csv.encoding,
            malformed_rows: Some(0),
            line: 0,
            last_cells: LastCells::default(),
            bytes_read,
            size,
        };
        if named.is_empty() {
            source.read_header()?;
        } else {
            source.header = Header::new(named);
        }
        Ok(source)
    }

    fn read_header(&mut self) -> Result<(), SourceError> {
        let mut fields = csv::StringRecord::new();
        let file = self.input.to_string();
        let Some(form) = self.read_fields(&mut fields)? else { return Err(SourceError::NoHeader(file)) };
        if let Some(index) = form.malformed {
            let (line, column, expected) = (form.line, index + 1, self.encoding);
            return Err(SourceError::Encoding { file, line, column, expected });
        }
        if is_blank(&fields) {
            return Err(SourceError::NoHeader(file));
        }
        if form.has_stray_quote {
            return Err(SourceError::StrayQuote(file));
        }
        // Columns of these names at other positions are the user's.
        let own = fields.len().saturating_sub(REJECT_COLUMNS.len());
        let last = fields.iter().skip(own).map(|field| saved_column(field.as_bytes()));
        self.is_rejects_file = last.eq(REJECT_COLUMNS.map(str::as_bytes));
        if self.is_rejects_file {
            fields.truncate(own);
        } else if telling_columns(&fields) >= TELLING_COLUMNS {
            return Err(SourceError::PartOfRejects { file });
        }
        if fields.len() > MOST_COLUMNS {
            return Err(SourceError::TooManyColumns { file, columns: fields.len() });
        }
        let mut columns: Vec<String> = fields.iter().map(str::to_owned).collect();
        // A byte order mark within the first field's quotes is not at the beginning of the file.
        if let Some(first) = columns.first_mut()
            && let Some(name) = first.strip_prefix('\u{feff}')
        {
            *first = name.to_owned();
        }
        self.header = Header::new(columns);
        Ok(())
    }

    /// The input that is read.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether the header ends with [`REJECT_COLUMNS`], also if R has saved it.
    pub fn is_rejects_file(&self) -> bool {
        self.is_rejects_file
    }

    /// The header, without [`REJECT_COLUMNS`].
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The dialect that was declared or detected.
    pub fn dialect(&self) -> FoundDialect {
        self.found
    }

    /// Bytes read so far, and the file's size if it is known. Both count compressed bytes of a compressed file.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.bytes_read.load(Ordering::Relaxed), self.size)
    }

    /// Reads the next row into `record`, whose memory is reused. Returns false at the end. Rows of blank fields, which
    /// spreadsheets export, are skipped as blank lines are.
    ///
    /// A row with more cells than the header loses those if they are blank; one with fewer gets empty ones if the
    /// dialect says so.
    ///
    /// # Errors
    /// - [`SourceError::UnclosedQuote`], [`SourceError::TooLong`]: the record has no end, or none in reach.
    /// - [`SourceError::Damaged`], [`SourceError::Read`]: the bytes cannot be decompressed or read.
    ///
    /// No row can be read after an error.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, SourceError> {
        record.reject = None;
        let form = loop {
            let Some(form) = self.read_fields(&mut record.fields)? else { return Ok(false) };
            if !is_blank(&record.fields) {
                break form;
            }
        };
        record.line = form.line;
        record.has_stray_quote = form.has_stray_quote;
        record.may_hold_rows = form.may_hold_rows;
        record.may_have_null = form.may_have_null;
        record.malformed = self.malformed_text(form, &record.fields);
        let own = self.header.columns().len();
        let is_short = record.fields.len() < own;
        self.fit(&mut record.fields, own);
        if self.is_rejects_file && record.fields.len() == own + REJECT_COLUMNS.len() {
            record.reject = Some(Reject::after(own, &record.fields));
            record.fields.truncate(own);
        }
        record.non_row = NonRow::of(&record.fields, &self.header);
        record.is_unterminated = form.is_unterminated;
        let last = record.fields.iter().next_back().filter(|_| record.fields.len() == own);
        let is_shorter = last.is_some_and(|cell| self.last_cells.is_shorter(cell));
        record.has_short_end = form.is_unterminated && (is_short || is_shorter);
        Ok(true)
    }

    /// Drops blank cells after the last column, and adds cells that may be missing.
    fn fit(&self, fields: &mut csv::StringRecord, own: usize) {
        let columns = if self.is_rejects_file { own + REJECT_COLUMNS.len() } else { own };
        if fields.len() > columns && fields.iter().skip(columns).all(|field| field.trim().is_empty()) {
            fields.truncate(columns);
        }
        if self.short_rows == ShortRows::Pad {
            while fields.len() < columns {
                fields.push_field("");
            }
        }
    }

    /// The malformed text of a row.
    fn malformed_text(&mut self, form: RecordForm, fields: &csv::StringRecord) -> Option<MalformedText> {
        let Some(column) = form.malformed else {
            if self.malformed_rows.is_some() && !fields.as_slice().is_ascii() {
                self.malformed_rows = None;
            }
            return None;
        };
        let rows = self.malformed_rows.map(|rows| rows.saturating_add(1));
        self.malformed_rows = rows;
        Some(MalformedText { column, expected: self.encoding, is_hundredth: rows == Some(SUSPECT_ROWS) })
    }

    /// Reads the next record, blank or not, with the columns of a rejects file.
    fn read_fields(&mut self, fields: &mut csv::StringRecord) -> Result<Option<RecordForm>, SourceError> {
        let columns = self.header.columns().len();
        let form = self.reader.read(fields, columns);
        let form = form.map_err(|error| error.in_file(self.input.to_string(), self.line))?;
        self.line = form.map_or(self.line, |form| form.line);
        Ok(form)
    }
}

/// Number of the columns of a rejects file that a header has.
fn telling_columns(fields: &csv::StringRecord) -> usize {
    let has = |name: &&&str| fields.iter().any(|field| saved_column(field.as_bytes()) == name.as_bytes());
    REJECT_COLUMNS.iter().filter(has).count()
}

fn is_blank(fields: &csv::StringRecord) -> bool {
    fields.iter().all(|field| field.trim().is_empty())
}

#[cfg(test)]
mod tests;
