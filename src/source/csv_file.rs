//! One CSV file or standard input, read record by record.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::counted::Counted;
use super::dialect::{Dialect, FoundDialect};
use super::fault::own_fault;
use super::lines::LineCounter;
use super::peek::Whole;
use super::quotes::has_stray_quote;
use super::text::Text;
use super::{Header, Input, REJECT_COLUMNS, Record, Reject, SourceError};

/// An open CSV whose header has been read.
pub struct CsvSource {
    input: Input,
    header: Header,
    is_rejects_file: bool,
    reader: csv::Reader<LineCounter<Whole<Box<dyn Read + Send>>>>,
    parser: csv::ReaderBuilder,
    dialect: Dialect,
    found: FoundDialect,
    /// What to say of cells that are no text.
    problem: String,
    /// The line of the last record.
    line: u64,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl fmt::Debug for CsvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvSource").field("input", &self.input).finish_non_exhaustive()
    }
}

impl CsvSource {
    /// Opens `input`, finds out what `dialect` leaves open, and reads the header.
    ///
    /// # Errors
    /// The file cannot be opened or decompressed, is a directory, has no header or a header that is not
    /// in its encoding.
    pub fn open(input: Input, dialect: &Dialect) -> Result<Self, SourceError> {
        let (bytes, bytes_total): (Box<dyn Read + Send>, _) = match &input {
            Input::Stdin => (Box::new(io::stdin()), None),
            Input::File(path) => {
                let open = |source| SourceError::Open { path: path.clone(), source };
                let file = File::open(path).map_err(open)?;
                let metadata = file.metadata().map_err(open)?;
                if metadata.is_dir() {
                    return Err(SourceError::Directory(path.clone()));
                }
                (Box::new(file), metadata.is_file().then_some(metadata.len()))
            }
        };
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted::new(bytes, bytes_read.clone());
        Self::from_reader(input, counted, bytes_read, bytes_total, dialect)
    }

    pub(super) fn from_reader(
        input: Input,
        bytes: impl Read + Send + 'static,
        bytes_read: Arc<AtomicU64>,
        bytes_total: Option<u64>,
        dialect: &Dialect,
    ) -> Result<Self, SourceError> {
        let text = Text::open(&input.to_string(), bytes, dialect)?;
        let mut source = CsvSource {
            input,
            header: Header::new(Vec::new()),
            is_rejects_file: false,
            reader: text.parser.from_reader(LineCounter::new(text.bytes, text.line)),
            parser: text.parser,
            dialect: text.dialect,
            found: text.found,
            problem: text.problem,
            line: 0,
            bytes_read,
            bytes_total,
        };
        source.read_header()?;
        Ok(source)
    }

    fn read_header(&mut self) -> Result<(), SourceError> {
        let mut cells = csv::StringRecord::new();
        // A file of blank lines has no record at all; one of blank cells names no column either.
        if !self.read_cells(&mut cells)? || is_blank(&cells) {
            return Err(SourceError::NoHeader(self.input.to_string()));
        }
        if self.has_stray_quote() {
            return Err(SourceError::StrayQuote(self.input.to_string()));
        }
        let own = cells.len().saturating_sub(REJECT_COLUMNS.len());
        self.is_rejects_file = cells.iter().skip(own).eq(REJECT_COLUMNS);
        if self.is_rejects_file {
            // What this tool added is not read again; columns of such names elsewhere are the user's.
            cells.truncate(own);
        }
        let mut columns: Vec<String> = cells.iter().map(str::to_owned).collect();
        // A mark may stand inside the first quotes, where nothing took it off.
        if let Some(first) = columns.first_mut()
            && let Some(unmarked) = first.strip_prefix('\u{feff}')
        {
            *first = unmarked.to_owned();
        }
        self.header = Header::new(columns);
        Ok(())
    }

    /// Where the rows come from.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether its header is that of a rejects file.
    pub fn is_rejects_file(&self) -> bool {
        self.is_rejects_file
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How the file turned out to be written.
    pub fn dialect(&self) -> FoundDialect {
        self.found
    }

    /// Bytes read so far, and the file's size where it has one; of a compressed file, compressed bytes.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.bytes_read.load(Ordering::Relaxed), self.bytes_total)
    }

    /// Reads the next row into `record`, whose memory is used again; false at the end. Rows of which every
    /// cell is blank, as spreadsheets export them, are passed over like blank lines.
    ///
    /// # Errors
    /// A cell is not in the file's encoding, the file ends inside a quoted cell, a record is too long to be
    /// one, a compressed file is damaged, or reading fails. There are no rows after an error.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, SourceError> {
        record.reject = None;
        loop {
            if !self.read_cells(&mut record.cells)? {
                return Ok(false);
            }
            if !is_blank(&record.cells) {
                break;
            }
        }
        record.line = self.line;
        record.stray_quote = self.has_stray_quote();
        self.take_off_reject_columns(record);
        Ok(true)
    }

    /// Reads the next record, with all its cells and even if they are blank.
    fn read_cells(&mut self, cells: &mut csv::StringRecord) -> Result<bool, SourceError> {
        let start = self.reader.position().byte();
        self.reader.get_mut().start_record(start);
        let read = self.reader.read_record(cells);
        let line = self.reader.get_mut().line_of_record();
        let file = || self.input.to_string();
        let malformed = match read {
            Ok(false) => return Ok(false),
            Ok(true) => None,
            Err(error) => match error.kind() {
                csv::ErrorKind::Utf8 { err, .. } => Some(err.field()),
                csv::ErrorKind::Io(source)
                    if let Some(fault) = own_fault(source, &file(), self.line, line) =>
                {
                    return Err(fault);
                }
                _ => return Err(SourceError::Read { file: file(), line: self.line, source: error }),
            },
        };
        // The csv crate closes an open quote by itself at the end of the file.
        if self.reader.get_ref().ends_inside_quotes(&self.parser) {
            return Err(SourceError::UnclosedQuote { file: file(), line });
        }
        if let Some(index) = malformed {
            let column = match self.header.names().get(index) {
                Some(name) => format!("'{name}'"),
                None => (index + 1).to_string(),
            };
            return Err(SourceError::Encoding { file: file(), line, column, problem: self.problem.clone() });
        }
        self.line = line;
        Ok(true)
    }

    /// Whether text follows a closing quote in the record in hand.
    fn has_stray_quote(&self) -> bool {
        let end = self.reader.position().byte();
        has_stray_quote(self.reader.get_ref().record(end), self.found.delimiter, &self.dialect)
    }

    fn take_off_reject_columns(&self, record: &mut Record) {
        let own = self.header.columns().len();
        if self.is_rejects_file && record.cells.len() == own + REJECT_COLUMNS.len() {
            record.reject = Some(Reject::after(own, &record.cells));
            record.cells.truncate(own);
        }
    }
}

fn is_blank(cells: &csv::StringRecord) -> bool {
    cells.iter().all(|cell| cell.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::source::testing::{Row, Slowly, open, read, read_text};

    fn source(text: &[u8]) -> Result<CsvSource, SourceError> {
        open(io::Cursor::new(text.to_vec()), &Dialect::default())
    }

    fn rows(text: &[u8]) -> Vec<Row> {
        read_text(text).1
    }

    fn lines(text: &[u8]) -> Vec<u64> {
        rows(text).iter().map(|(line, _)| *line).collect()
    }

    fn error(text: &[u8], dialect: &Dialect) -> SourceError {
        read(io::Cursor::new(text.to_vec()), dialect).unwrap_err()
    }

    fn encoded(encoding: &str) -> Dialect {
        Dialect { encoding: encoding_rs::Encoding::for_label(encoding.as_bytes()), ..Dialect::default() }
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn lines_are_the_files_own_after_multi_line_cells() {
        let text = "a,b\n1,\"two\nlines\"\n2,x\n\n3,\"\r\n\"\n4,y";
        assert_eq!(lines(text.as_bytes()), [2, 4, 6, 8]);
    }

    #[test]
    fn lines_are_right_with_carriage_returns_too() {
        for end in ["\r\n", "\r"] {
            let text = ["a", "1", "\"x", "y\"", "3", ""].join(end);
            assert_eq!(lines(text.as_bytes()), [2, 3, 5]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
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
    fn rows_of_blank_cells_are_passed_over() {
        let text = "a;b\n;\n 1;\n\" \"; \u{a0}\n\t\n;;;;\n2;\n;";
        assert_eq!(lines(text.as_bytes()), [3, 7]);
    }

    #[test]
    fn a_cell_that_is_not_in_its_encoding_is_named_by_line_and_column() {
        let text = b"id, Name \n1,ok\n2,M\xFCller\n";
        assert_eq!(
            error(text, &Dialect::default()).to_string(),
            "standard input, line 3, column 'Name': not UTF-8; name the file's encoding with --encoding, \
             for example windows-1252"
        );
        assert_eq!(
            error(b"id,Name\n1,\x81\n", &encoded("shift_jis")).to_string(),
            "standard input, line 2, column 'Name': not valid Shift_JIS; name the file's encoding with \
             --encoding"
        );
        let text = [&b"\xFF\xFE"[..], &utf16("id,Name\n1,x"), b"\0"].concat();
        assert_eq!(
            error(&text, &Dialect::default()).to_string(),
            "standard input, line 2, column 'Name': not valid UTF-16LE, which its byte order mark says it is"
        );
        let text = b"\nid,N\xFC\n";
        assert!(
            error(text, &Dialect::default()).to_string().starts_with("standard input, line 2, column 2:")
        );
    }

    #[test]
    fn utf16_without_a_mark_is_refused_unless_it_is_named() {
        let text = utf16("id,Name\n1,x\n");
        assert_eq!(
            error(&text, &Dialect::default()).to_string(),
            "standard input looks like UTF-16 without a byte order mark; use --encoding utf-16le"
        );
        let read = read(io::Cursor::new(text), &encoded("utf-16le")).unwrap();
        assert_eq!(read.1, [(2, vec!["1".to_owned(), "x".to_owned()])]);
    }

    #[test]
    fn a_quote_that_swallows_the_rest_of_the_file_is_refused() {
        let fault = error(b"id,Name\n10,\"fine\"\n11,\"first\n12,second\n13,third\n", &Dialect::default());
        assert!(matches!(fault, SourceError::UnclosedQuote { line: 3, .. }), "{fault}");
        let fault = error(b"\nid,\"Name\n1,x\n", &Dialect::default());
        assert!(matches!(fault, SourceError::UnclosedQuote { line: 2, .. }), "{fault}");
    }

    #[test]
    fn a_record_that_never_ends_is_refused_where_it_starts() {
        let text = io::Cursor::new(b"id\n1\n\n\"".to_vec()).chain(io::repeat(b'x'));
        let fault = read(text, &Dialect::default()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "standard input, line 4: the record that starts here is longer than 64 MiB; look for a quote \
             that is never closed"
        );
    }

    #[test]
    fn cells_of_twenty_mebibytes_read_fine_however_many() {
        let cell = "x\n".repeat(10 << 20);
        let text = format!("id,text\n1,\"{cell}\"\n2,\"{cell}\"\n3,\"{cell}\"\n4,\"{cell}\"\n");
        let mut source = open(io::Cursor::new(text.into_bytes()), &Dialect::default()).unwrap();
        let mut record = Record::default();
        for row in 0..4 {
            assert!(source.read_record(&mut record).unwrap());
            assert_eq!((record.line, record.cells[1].len()), (2 + row * ((10 << 20) + 1), 20 << 20));
        }
        assert!(!source.read_record(&mut record).unwrap());
    }

    #[test]
    fn the_columns_of_a_rejects_file_are_not_read_and_others_of_their_names_are() {
        let mut fed_back =
            source(b"id,_state,_file,_line,_key,_state,_code,_message\n1,NY,f,7,1,rejected,C,m\n").unwrap();
        assert_eq!(fed_back.header().columns(), ["id", "_state"]);
        let mut record = Record::default();
        assert!(fed_back.read_record(&mut record).unwrap());
        assert_eq!(record.cells, vec!["1", "NY"]);
        let reject = Reject { file: "f".into(), line: 7, key: "1".into(), code: "C".into() };
        assert_eq!(record.reject, Some(reject));
    }

    #[test]
    fn a_rejects_file_is_this_tools_own_whatever_the_job_says() {
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
        let fault = error(&saved, &job).to_string();
        assert!(fault.ends_with("column 'na|me': not UTF-8; save the rejects file as UTF-8"), "{fault}");
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
    fn a_file_says_what_it_turned_out_to_be() {
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
        let fault = read(Slowly::new(cut, vec![3]), &Dialect::default()).unwrap_err().to_string();
        assert!(fault.starts_with("cannot decompress standard input after line 0: gzip: "), "{fault}");
    }

    #[test]
    fn a_file_that_is_damaged_far_behind_is_an_error_there() {
        let text: String = (0..100_000).map(|row| format!("{row},{}\n", row * 7919 % 10_007)).collect();
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let cut = zstd[..zstd.len() - 1].to_vec();
        let mut source = source(&cut).unwrap();
        let mut record = Record::default();
        let fault = loop {
            match source.read_record(&mut record) {
                Ok(more) => assert!(more),
                Err(fault) => break fault,
            }
        };
        assert!(matches!(fault, SourceError::Damaged { line: 2.., .. }), "{fault}");
    }

    #[test]
    fn ragged_rows_keep_their_cells() {
        let rows = rows(b"a,b\n1\n1,2,3\n");
        assert_eq!(rows[0].1.len(), 1);
        assert_eq!(rows[1].1.len(), 3);
    }

    #[test]
    fn nul_bytes_are_read_as_they_are() {
        assert_eq!(rows(b"a,b\n\x001,\"\0\"\n")[0].1, ["\x001", "\0"]);
    }
}
