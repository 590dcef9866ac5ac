//! One CSV file or standard input, read record by record.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lines::LineCounter;
use super::{Header, REJECT_COLUMNS, Record, SourceError};
use crate::paths::resolved;

/// Where the code stands among the columns of a rejects file.
const CODE: usize = 4;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The input that an argument names; `-` is standard input.
    pub fn from_argument(argument: &Path) -> Self {
        if argument == Path::new("-") { Input::Stdin } else { Input::File(argument.to_owned()) }
    }

    /// What the ledger knows the input by: the absolute path, so that another working directory
    /// makes no difference.
    pub fn identity(&self) -> String {
        match self {
            Input::File(path) => resolved(path).display().to_string(),
            Input::Stdin => "-".into(),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(f, "{}", path.display()),
            Input::Stdin => f.write_str("standard input"),
        }
    }
}

/// An open CSV whose header has been read.
pub struct CsvSource {
    input: Input,
    header: Header,
    is_rejects_file: bool,
    reader: csv::Reader<LineCounter<Box<dyn Read + Send>>>,
    buffer: csv::ByteRecord,
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
    /// Opens `input` and reads its header.
    ///
    /// # Errors
    /// The file cannot be opened, is a directory, has no header or a header that is not UTF-8.
    pub fn open(input: Input) -> Result<Self, SourceError> {
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
        let counted = Counted { inner: bytes, read: bytes_read.clone() };
        Self::from_reader(input, counted, bytes_read, bytes_total)
    }

    fn from_reader(
        input: Input,
        bytes: impl Read + Send + 'static,
        bytes_read: Arc<AtomicU64>,
        bytes_total: Option<u64>,
    ) -> Result<Self, SourceError> {
        let open = |source| SourceError::Open { path: PathBuf::from(input.to_string()), source };
        let bytes = without_bom(bytes).map_err(open)?;
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(LineCounter::new(bytes));
        let mut buffer = csv::ByteRecord::new();
        let file = input.to_string();
        let read = reader.read_byte_record(&mut buffer);
        let found = read.map_err(|source| SourceError::Read { file: file.clone(), line: 0, source })?;
        // A file of blank lines has no record at all; one blank quoted cell names no column either.
        if !found || buffer.iter().all(|cell| cell.trim_ascii().is_empty()) {
            return Err(SourceError::NoHeader(file));
        }
        let names = utf8(&buffer).map_err(|index| SourceError::Encoding {
            file,
            line: 1,
            column: (index + 1).to_string(),
        })?;
        let mut names: Vec<String> = names.iter().map(str::to_owned).collect();
        let is_rejects_file = names.iter().rev().take(6).eq(REJECT_COLUMNS.iter().rev());
        if is_rejects_file {
            // What this tool added is not read again; columns of such names elsewhere are the user's.
            names.truncate(names.len() - REJECT_COLUMNS.len());
        }
        let header = Header::new(names);
        Ok(CsvSource { input, header, is_rejects_file, reader, buffer, line: 1, bytes_read, bytes_total })
    }

    /// Where the rows come from.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far, and the file's size where it has one.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.bytes_read.load(Ordering::Relaxed), self.bytes_total)
    }

    /// The next row, or none at the end.
    ///
    /// # Errors
    /// A cell is not UTF-8, the file ends inside a quoted cell, or reading fails.
    pub fn next_record(&mut self) -> Result<Option<Record>, SourceError> {
        let found = self.reader.read_byte_record(&mut self.buffer).map_err(|source| SourceError::Read {
            file: self.input.to_string(),
            line: self.line,
            source,
        })?;
        if !found {
            return Ok(None);
        }
        let start = self.buffer.position().map_or(0, csv::Position::byte);
        let line = self.reader.get_mut().line_of_record(start);
        self.line = line;
        // The csv crate closes an open quote by itself at the end of the file.
        if self.reader.get_ref().ends_inside_quotes() {
            return Err(SourceError::UnclosedQuote { file: self.input.to_string(), line });
        }
        let cells = utf8(&self.buffer).map_err(|index| SourceError::Encoding {
            file: self.input.to_string(),
            line,
            column: match self.header.columns().get(index) {
                Some(name) => format!("'{name}'"),
                None => (index + 1).to_string(),
            },
        })?;
        Ok(Some(self.record(line, cells)))
    }
}

impl CsvSource {
    /// The record without the columns of a rejects file.
    fn record(&self, line: u64, mut cells: csv::StringRecord) -> Record {
        let own = self.header.columns().len();
        let mut rejected_with = None;
        if self.is_rejects_file && cells.len() == own + REJECT_COLUMNS.len() {
            rejected_with = cells.get(own + CODE).filter(|code| !code.is_empty()).map(str::to_owned);
            cells.truncate(own);
        }
        Record { line, cells, rejected_with }
    }
}

/// The record as text; or the index of the first cell that is not UTF-8.
fn utf8(record: &csv::ByteRecord) -> Result<csv::StringRecord, usize> {
    csv::StringRecord::from_byte_record(record.clone()).map_err(|error| error.utf8_error().field())
}

/// Takes a byte order mark off the front.
fn without_bom(mut bytes: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut first = Vec::with_capacity(BOM.len());
    bytes.by_ref().take(BOM.len() as u64).read_to_end(&mut first)?;
    if first == BOM {
        first.clear();
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, io::Cursor::new(first).chain(bytes))))
}

/// Counts what is read, for the progress of a check.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &[u8]) -> Result<CsvSource, SourceError> {
        CsvSource::from_reader(Input::Stdin, io::Cursor::new(text.to_vec()), Arc::default(), None)
    }

    fn rows(text: &[u8]) -> Vec<(u64, Vec<String>)> {
        let mut source = source(text).unwrap();
        let mut rows = Vec::new();
        while let Some(record) = source.next_record().unwrap() {
            rows.push((record.line, record.cells.iter().map(str::to_owned).collect()));
        }
        rows
    }

    #[test]
    fn lines_are_the_files_own_after_multi_line_cells() {
        let text = "a,b\n1,\"two\nlines\"\n2,x\n\n3,\"\r\n\"\n4,y";
        let lines: Vec<u64> = rows(text.as_bytes()).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 6, 8]);
    }

    #[test]
    fn lines_are_right_with_carriage_returns_too() {
        for end in ["\r\n", "\r"] {
            let text = ["a", "1", "\"x", "y\"", "3", ""].join(end);
            let lines: Vec<u64> = rows(text.as_bytes()).iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 3, 5]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
        assert_eq!(source(b"\xEF\xBB\xBFid,x\n1,2\n").unwrap().header().columns(), ["id", "x"]);
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        for text in ["", "\n\n", "\u{feff}"] {
            assert!(matches!(source(text.as_bytes()), Err(SourceError::NoHeader(_))), "{text:?}");
        }
    }

    #[test]
    fn a_cell_that_is_not_utf8_is_named_by_line_and_column() {
        let mut source = source(b"id,Name\n1,ok\n2,M\xFCller\n").unwrap();
        source.next_record().unwrap();
        let error = source.next_record().unwrap_err().to_string();
        assert!(error.starts_with("standard input, line 3, column 'Name': not UTF-8"), "{error}");
    }

    #[test]
    fn a_quote_that_swallows_the_rest_of_the_file_is_refused() {
        let mut source = source(b"id,Name\n10,\"fine\"\n11,\"first\n12,second\n13,third\n").unwrap();
        source.next_record().unwrap();
        let error = source.next_record().unwrap_err();
        assert!(matches!(error, SourceError::UnclosedQuote { line: 3, .. }), "{error}");
    }

    #[test]
    fn the_columns_of_a_rejects_file_are_not_read_and_others_of_their_names_are() {
        let mut fed_back =
            source(b"id,_state,_file,_line,_key,_state,_code,_message\n1,NY,f,7,1,rejected,C,m\n").unwrap();
        assert_eq!(fed_back.header().columns(), ["id", "_state"]);
        let record = fed_back.next_record().unwrap().unwrap();
        assert_eq!(record.cells, vec!["1", "NY"]);
        assert_eq!(record.rejected_with.as_deref(), Some("C"));
    }

    #[test]
    fn ragged_rows_keep_their_cells() {
        let rows = rows(b"a,b\n1\n1,2,3\n");
        assert_eq!(rows[0].1.len(), 1);
        assert_eq!(rows[1].1.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn what_the_csv_crate_writes_reads_back(table in proptest::collection::vec(proptest::collection::vec(".*", 3), 0..8)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let read: Vec<Vec<String>> = rows(&writer.into_inner().unwrap()).into_iter().map(|(_, cells)| cells).collect();
            proptest::prop_assert_eq!(read, table);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok(mut source) = source(&bytes) {
                while let Ok(Some(_)) = source.next_record() {}
            }
        }
    }
}
