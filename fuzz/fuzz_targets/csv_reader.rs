//! Reads any bytes as a CSV, once in large reads and once in small ones.

#![no_main]

use std::io::{Cursor, Read};

use connect_import::source::{CsvSource, Dialect, Input, Record, SourceFormat};
use encoding_rs::Encoding;
use libfuzzer_sys::fuzz_target;

/// A reader whose reads return at most `size` bytes.
struct ChunkedReader {
    bytes: Cursor<Vec<u8>>,
    size: usize,
}

impl Read for ChunkedReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

/// The lines and fields of all rows, or the error after them.
type Rows = (Vec<(u64, Vec<String>)>, Result<(), String>);

fn read(bytes: impl Read + Send + 'static, dialect: &Dialect) -> Rows {
    let mut rows = Vec::new();
    let mut source = match CsvSource::from_reader(Input::Stdin, bytes, None, dialect) {
        Ok(source) => source,
        Err(error) => return (rows, Err(error.to_string())),
    };
    let mut record = Record::default();
    loop {
        match source.read_record(&mut record) {
            Ok(true) => rows.push((record.line, record.fields.iter().map(str::to_owned).collect())),
            Ok(false) => return (rows, Ok(())),
            Err(error) => return (rows, Err(error.to_string())),
        }
    }
}

/// A dialect from a byte: two bits for each of its parts.
fn dialect(choice: u8) -> Dialect {
    let of = |shift: u8, values: [Option<u8>; 4]| values[usize::from(choice >> shift & 3)];
    let encodings = ["", "utf-16le", "shift_jis", "iso-2022-jp"];
    Dialect {
        delimiter: of(0, [None, Some(b';'), Some(b'\t'), Some(1)]),
        quote: of(2, [Some(b'"'), Some(b'\''), None, Some(b'|')]),
        escape: of(4, [None, Some(b'\\'), Some(b'"'), None]),
        encoding: Encoding::for_label(encodings[usize::from(choice >> 6)].as_bytes()),
        // The separator of the fourth choice is that of Hive.
        format: if choice & 3 == 2 { SourceFormat::Text } else { SourceFormat::Csv },
        null: vec!["\\N".into(), "a".into()],
        ..Dialect::default()
    }
}

fuzz_target!(|input: (u8, u8, Vec<u8>)| {
    let (choice, size, bytes) = input;
    let dialect = dialect(choice);
    if dialect.check().is_err() {
        return;
    }
    let whole = read(Cursor::new(bytes.clone()), &dialect);
    let chunked = read(ChunkedReader { bytes: Cursor::new(bytes), size: usize::from(size).max(1) }, &dialect);
    assert_eq!(whole, chunked);
    assert!(whole.0.windows(2).all(|rows| rows[0].0 < rows[1].0), "{:?}", whole.0);
});
