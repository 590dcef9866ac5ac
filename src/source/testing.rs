//! What the tests of this room share.

use std::io::{self, Read};
use std::sync::Arc;

use super::{CsvSource, Dialect, Input, Record, SourceError};

/// Gives as many bytes at a time as it is told, in turn.
pub(crate) struct Slowly {
    bytes: io::Cursor<Vec<u8>>,
    chunks: Vec<usize>,
    turn: usize,
}

impl Slowly {
    pub(crate) fn new(bytes: Vec<u8>, chunks: Vec<usize>) -> Self {
        Slowly { bytes: io::Cursor::new(bytes), chunks, turn: 0 }
    }
}

impl Read for Slowly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.chunks[self.turn % self.chunks.len()].min(buffer.len());
        self.turn += 1;
        self.bytes.read(&mut buffer[..count])
    }
}

/// A row's line and its cells.
pub(crate) type Row = (u64, Vec<String>);

/// The source of `bytes`.
pub(crate) fn open(bytes: impl Read + Send + 'static, dialect: &Dialect) -> Result<CsvSource, SourceError> {
    CsvSource::from_reader(Input::Stdin, bytes, Arc::default(), None, dialect)
}

/// The header and all rows, or what is wrong.
pub(crate) fn read(
    bytes: impl Read + Send + 'static,
    dialect: &Dialect,
) -> Result<(Vec<String>, Vec<Row>), SourceError> {
    let mut source = open(bytes, dialect)?;
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while source.read_record(&mut record)? {
        rows.push((record.line, record.cells.iter().map(str::to_owned).collect()));
    }
    Ok((source.header().columns().to_vec(), rows))
}

/// The header and all rows of a text of which nothing is said.
pub(crate) fn read_text(text: impl Into<Vec<u8>>) -> (Vec<String>, Vec<Row>) {
    read(io::Cursor::new(text.into()), &Dialect::default()).unwrap()
}
