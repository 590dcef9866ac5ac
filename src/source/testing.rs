//! Helpers of this folder's tests.

use std::io::{self, Read};

use super::{CsvSource, Dialect, Header, Input, Record, SourceError};

/// A reader whose reads return at most `chunks[i]` bytes, in turn.
pub(crate) struct ChunkedReader {
    bytes: io::Cursor<Vec<u8>>,
    chunks: Vec<usize>,
    turn: usize,
}

impl ChunkedReader {
    pub(crate) fn new(bytes: Vec<u8>, chunks: Vec<usize>) -> Self {
        ChunkedReader { bytes: io::Cursor::new(bytes), chunks, turn: 0 }
    }
}

impl Read for ChunkedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.chunks[self.turn % self.chunks.len()].min(buffer.len());
        self.turn += 1;
        self.bytes.read(&mut buffer[..count])
    }
}

/// A row's line and its fields.
pub(crate) type ReadRow = (u64, Vec<String>);

/// Opens `bytes` as standard input.
pub(crate) fn open(bytes: impl Read + Send + 'static, dialect: &Dialect) -> Result<CsvSource, SourceError> {
    CsvSource::from_reader(Input::Stdin, bytes, None, dialect)
}

/// The columns and all rows.
pub(crate) fn read(
    bytes: impl Read + Send + 'static,
    dialect: &Dialect,
) -> Result<(Vec<String>, Vec<ReadRow>), SourceError> {
    let mut source = open(bytes, dialect)?;
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while source.read_record(&mut record)? {
        rows.push((record.line, record.fields.iter().map(str::to_owned).collect()));
    }
    Ok((source.header().columns().to_vec(), rows))
}

/// The columns and all rows of a text in the default dialect.
pub(crate) fn read_text(text: impl Into<Vec<u8>>) -> (Vec<String>, Vec<ReadRow>) {
    read(io::Cursor::new(text.into()), &Dialect::default()).unwrap()
}

/// A header of these columns.
pub(crate) fn header(names: &[&str]) -> Header {
    Header::new(names.iter().map(|name| name.to_string()).collect())
}

/// The fields of a row.
pub(crate) fn row(fields: &[&str]) -> csv::StringRecord {
    csv::StringRecord::from(fields.to_vec())
}
