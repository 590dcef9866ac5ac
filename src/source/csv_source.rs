//! Reads a CSV record by record.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decompress::Peeked;
use super::detect::DetectedCsv;
use super::dialect::{Dialect, FoundDialect};
use super::error::SourceError;
use super::header::Header;
use super::input::{Input, ProgressReader};
use super::lines::LineCounter;
use super::quotes::has_stray_quote;
use super::record::{REJECT_COLUMNS, Record, Reject};

/// An open CSV whose header was read.
pub struct CsvSource {
    input: Input,
    header: Header,
    is_rejects_file: bool,
    reader: csv::Reader<LineCounter<Peeked<Box<dyn Read + Send>>>>,
    parser: csv::ReaderBuilder,
    dialect: Dialect,
    found: FoundDialect,
    /// The message for fields with malformed text.
    encoding_problem: String,
    /// The line of the last record that was read.
    line: u64,
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
    ///   [`SourceError::HeaderIsRow`], [`SourceError::StrayQuote`]: there is no usable header.
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
        let mut source = CsvSource {
            input,
            header: Header::new(Vec::new()),
            is_rejects_file: false,
            reader: csv.parser.from_reader(LineCounter::new(csv.bytes, csv.line)),
            parser: csv.parser,
            dialect: csv.dialect,
            found: csv.found,
            encoding_problem: csv.encoding_problem,
            line: 0,
            bytes_read,
            size,
        };
        source.read_header()?;
        Ok(source)
    }

    fn read_header(&mut self) -> Result<(), SourceError> {
        if !self.dialect.columns.is_empty() {
            self.header = Header::new(self.dialect.columns.clone());
            return Ok(());
        }
        let mut fields = csv::StringRecord::new();
        if !self.read_fields(&mut fields)? || is_blank(&fields) {
            return Err(SourceError::NoHeader(self.input.to_string()));
        }
        if self.has_stray_quote() {
            return Err(SourceError::StrayQuote(self.input.to_string()));
        }
        // Columns of these names at other positions are the user's.
        let own = fields.len().saturating_sub(REJECT_COLUMNS.len());
        self.is_rejects_file = fields.iter().skip(own).eq(REJECT_COLUMNS);
        if self.is_rejects_file {
            fields.truncate(own);
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

    /// Whether the header ends with [`REJECT_COLUMNS`].
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
    /// # Errors
    /// - [`SourceError::Encoding`]: a field is malformed text.
    /// - [`SourceError::UnclosedQuote`], [`SourceError::TooLong`]: the record has no end, or none in reach.
    /// - [`SourceError::Damaged`], [`SourceError::Read`]: the bytes cannot be decompressed or read.
    ///
    /// No row can be read after an error.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, SourceError> {
        record.reject = None;
        loop {
            if !self.read_fields(&mut record.fields)? {
                return Ok(false);
            }
            if !is_blank(&record.fields) {
                break;
            }
        }
        record.line = self.line;
        record.has_stray_quote = self.has_stray_quote();
        let own = self.header.columns().len();
        if self.is_rejects_file && record.fields.len() == own + REJECT_COLUMNS.len() {
            record.reject = Some(Reject::after(own, &record.fields));
            record.fields.truncate(own);
        }
        Ok(true)
    }

    /// Reads the next record, blank or not, with the columns of a rejects file.
    fn read_fields(&mut self, fields: &mut csv::StringRecord) -> Result<bool, SourceError> {
        let start = self.reader.position().byte();
        self.reader.get_mut().start_record(start);
        let read = self.reader.read_record(fields);
        let line = self.reader.get_mut().skip_blank_lines();
        let file = || self.input.to_string();
        let malformed = match read {
            Ok(false) => return Ok(false),
            Ok(true) => None,
            Err(error) => match error.kind() {
                csv::ErrorKind::Utf8 { err, .. } => Some(err.field()),
                csv::ErrorKind::Io(source)
                    if let Some(error) = SourceError::from_stream(source, &file(), self.line, line) =>
                {
                    return Err(error);
                }
                _ => return Err(SourceError::Read { file: file(), line: self.line, source: error }),
            },
        };
        // Before the encoding: the field that is never closed may be most of the file.
        if self.reader.get_ref().ends_inside_quotes(&self.parser) {
            return Err(SourceError::UnclosedQuote { file: file(), line });
        }
        if let Some(index) = malformed {
            let column = match self.header.names().get(index) {
                Some(name) => format!("'{name}'"),
                None => (index + 1).to_string(),
            };
            let problem = self.encoding_problem.clone();
            return Err(SourceError::Encoding { file: file(), line, column, problem });
        }
        self.line = line;
        Ok(true)
    }

    /// Whether text follows a closing quote in the current record.
    fn has_stray_quote(&self) -> bool {
        let end = self.reader.position().byte();
        has_stray_quote(self.reader.get_ref().record(end), self.found.delimiter, &self.dialect)
    }
}

fn is_blank(fields: &csv::StringRecord) -> bool {
    fields.iter().all(|field| field.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use super::*;
    use crate::source::testing::{ChunkedReader, ReadRow, open, read, read_text};

    fn source(text: &[u8]) -> Result<CsvSource, SourceError> {
        open(io::Cursor::new(text.to_vec()), &Dialect::default())
    }

    fn rows(text: &[u8]) -> Vec<ReadRow> {
        read_text(text).1
    }

    fn lines(text: &[u8]) -> Vec<u64> {
        rows(text).iter().map(|(line, _)| *line).collect()
    }

    fn error_of(text: &[u8], dialect: &Dialect) -> SourceError {
        read(io::Cursor::new(text.to_vec()), dialect).unwrap_err()
    }

    fn encoded(encoding: &str) -> Dialect {
        Dialect { encoding: encoding_rs::Encoding::for_label(encoding.as_bytes()), ..Dialect::default() }
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn lines_are_the_files_own_after_multi_line_fields() {
        let text = "a,b\n1,\"two\nlines\"\n2,x\n\n3,\"\r\n\"\n4,y";
        assert_eq!(lines(text.as_bytes()), [2, 4, 6, 8]);
    }

    #[test]
    fn lines_are_right_with_carriage_returns() {
        for end in ["\r\n", "\r"] {
            let text = ["a", "1", "\"x", "y\"", "3", ""].join(end);
            assert_eq!(lines(text.as_bytes()), [2, 3, 5]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_column() {
        for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
            let text = format!("{marks}\"id\",x\n1,2\n");
            assert_eq!(read_text(text.clone()).0, ["id", "x"]);
            assert_eq!(read_text(utf16(&text)).0, ["id", "x"]);
        }
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        for text in ["", "\n\n", "\u{feff}", " , \nid,x\n", "sep=;\n", "\u{a0}\n"] {
            assert!(matches!(source(text.as_bytes()), Err(SourceError::NoHeader(_))), "{text:?}");
        }
    }

    #[test]
    fn rows_of_blank_fields_are_skipped() {
        let text = "a;b\n;\n 1;\n\" \"; \u{a0}\n\t\n;;;;\n2;\n;";
        assert_eq!(lines(text.as_bytes()), [3, 7]);
    }

    #[test]
    fn a_field_with_malformed_text_is_reported_by_line_and_column() {
        let text = b"id, Name \n1,ok\n2,M\xFCller\n";
        assert_eq!(
            error_of(text, &Dialect::default()).to_string(),
            "standard input, line 3, column 'Name': not UTF-8; set the file's encoding with --encoding, \
             for example windows-1252"
        );
        assert_eq!(
            error_of(b"id,Name\n1,\x81\n", &encoded("shift_jis")).to_string(),
            "standard input, line 2, column 'Name': not valid Shift_JIS; set the file's encoding with \
             --encoding"
        );
        let text = [&b"\xFF\xFE"[..], &utf16("id,Name\n1,x"), b"\0"].concat();
        assert_eq!(
            error_of(&text, &Dialect::default()).to_string(),
            "standard input, line 2, column 'Name': not valid UTF-16LE, the encoding of its byte order mark"
        );
        let text = b"\nid,N\xFC\n";
        assert!(
            error_of(text, &Dialect::default()).to_string().starts_with("standard input, line 2, column 2:")
        );
    }

    #[test]
    fn utf16_without_a_mark_is_refused_unless_it_is_declared() {
        let text = utf16("id,Name\n1,x\n");
        assert_eq!(
            error_of(&text, &Dialect::default()).to_string(),
            "standard input looks like UTF-16 without a byte order mark; use --encoding utf-16le"
        );
        let read = read(io::Cursor::new(text), &encoded("utf-16le")).unwrap();
        assert_eq!(read.1, [(2, vec!["1".to_owned(), "x".to_owned()])]);
    }

    #[test]
    fn a_quote_that_swallows_the_rest_of_the_file_is_refused() {
        let error = error_of(b"id,Name\n10,\"fine\"\n11,\"first\n12,second\n13,third\n", &Dialect::default());
        assert!(matches!(error, SourceError::UnclosedQuote { line: 3, .. }), "{error}");
        let error = error_of(b"\nid,\"Name\n1,x\n", &Dialect::default());
        assert!(matches!(error, SourceError::UnclosedQuote { line: 2, .. }), "{error}");
    }

    #[test]
    fn a_record_that_never_ends_is_refused_where_it_starts() {
        let text = io::Cursor::new(b"id\n1\n\n\"".to_vec()).chain(io::repeat(b'x'));
        let error = read(text, &Dialect::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "standard input, line 4: the record that starts here is longer than 64 MiB; look for a quote \
             that is never closed"
        );
    }

    #[test]
    fn any_number_of_fields_of_twenty_mebibytes_can_be_read() {
        let field = "x\n".repeat(10 << 20);
        let text = format!("id,text\n1,\"{field}\"\n2,\"{field}\"\n3,\"{field}\"\n4,\"{field}\"\n");
        let mut source = open(io::Cursor::new(text.into_bytes()), &Dialect::default()).unwrap();
        let mut record = Record::default();
        for row in 0..4 {
            assert!(source.read_record(&mut record).unwrap());
            assert_eq!((record.line, record.fields[1].len()), (2 + row * ((10 << 20) + 1), 20 << 20));
        }
        assert!(!source.read_record(&mut record).unwrap());
    }

    #[test]
    fn the_columns_of_a_rejects_file_are_not_the_users_unless_they_stand_elsewhere() {
        let mut fed_back =
            source(b"id,_state,_file,_line,_key,_state,_code,_message\n1,NY,f,7,1,rejected,C,m\n").unwrap();
        assert_eq!(fed_back.header().columns(), ["id", "_state"]);
        let mut record = Record::default();
        assert!(fed_back.read_record(&mut record).unwrap());
        assert_eq!(record.fields, vec!["1", "NY"]);
        let reject = Reject { file: "f".into(), line: 7, key: "1".into(), code: "C".into() };
        assert_eq!(record.reject, Some(reject));
    }

    #[test]
    fn a_rejects_file_is_read_in_its_own_dialect_whatever_the_job_declares() {
        let job = Dialect { delimiter: Some(b'|'), quote: Some(b'\''), ..encoded("windows-1252") };
        let text = "na|me,_file,_line,_key,_state,_code,_message\n\"Müller, 'x'\",f,7,1,rejected,C,m\n";
        let semicolons = text.replace(',', ";").replace("Müller;", "Müller,");
        let marked = utf16(&format!("\u{feff}{semicolons}"));
        for bytes in [text.as_bytes(), semicolons.as_bytes(), &marked] {
            let (columns, rows) = read(io::Cursor::new(bytes.to_vec()), &job).unwrap();
            assert_eq!(columns, ["na|me"]);
            assert_eq!(rows, [(2, vec!["Müller, 'x'".to_owned()])]);
        }
        let saved = encoding_rs::WINDOWS_1252.encode(text).0;
        let error = error_of(&saved, &job).to_string();
        assert!(error.ends_with("column 'na|me': not UTF-8; save the rejects file as UTF-8"), "{error}");
    }

    #[test]
    fn excels_first_line_names_the_delimiter_and_counts_as_a_line() {
        let (columns, rows) = read_text("sep=|\r\na;b|c\r\n1|2\r\n");
        assert_eq!(columns, ["a;b", "c"]);
        assert_eq!(rows, [(3, vec!["1".to_owned(), "2".to_owned()])]);
        let given = Dialect { delimiter: Some(b';'), ..Dialect::default() };
        let (columns, rows) = read(io::Cursor::new("\u{feff}sep=|\na;b|c\n1;2\n"), &given).unwrap();
        assert_eq!(columns, ["a", "b|c"]);
        assert_eq!(rows[0].0, 3);
        let quoted = Dialect { quote: Some(b'|'), ..Dialect::default() };
        assert_eq!(read(io::Cursor::new("sep=|\na;|b|\n"), &quoted).unwrap().0, ["a", "b"]);
    }

    #[test]
    fn the_dialect_found_includes_encoding_and_compression() {
        let text = utf16("\u{feff}sep=;\n\nid;text\n1;\"a\r\nb\"\n\n2;x\n");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut source = source(&gzip).unwrap();
        assert_eq!(source.dialect().to_string(), "semicolon, UTF-16LE, gzip");
        let (mut lines, mut record) = (Vec::new(), Record::default());
        while source.read_record(&mut record).unwrap() {
            lines.push(record.line);
        }
        assert_eq!(lines, [4, 7]);
        let cut = gzip[..gzip.len() - 9].to_vec();
        let error = read(ChunkedReader::new(cut, vec![3]), &Dialect::default()).unwrap_err().to_string();
        assert!(error.starts_with("cannot decompress standard input after line 0: gzip: "), "{error}");
    }

    #[test]
    fn damage_near_the_end_of_a_file_is_an_error_there() {
        let rows: String = (0..100_000).map(|row| format!("{row},{}\n", row * 7919 % 10_007)).collect();
        let text = format!("id,x\n{rows}");
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let cut = zstd[..zstd.len() - 1].to_vec();
        let mut source = source(&cut).unwrap();
        let mut record = Record::default();
        let error = loop {
            match source.read_record(&mut record) {
                Ok(more) => assert!(more),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, SourceError::Damaged { line: 2.., .. }), "{error}");
    }

    #[test]
    fn ragged_rows_keep_their_fields() {
        let rows = rows(b"a,b\n1\n1,2,3\n");
        assert_eq!(rows[0].1.len(), 1);
        assert_eq!(rows[1].1.len(), 3);
    }

    #[test]
    fn nul_bytes_are_read_as_they_are() {
        assert_eq!(rows(b"a,b\n\x001,\"\0\"\n")[0].1, ["\x001", "\0"]);
    }
}
