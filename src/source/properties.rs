//! Properties of any file, and the cases of csv-spectrum.

use std::io::{self, Write as _};

use encoding_rs::Encoding;
use proptest::collection::vec;
use proptest::prelude::*;

use super::testing::{ChunkedReader, open, read, read_text};
use super::{Dialect, Record, SourceError};

const DELIMITERS: [u8; 4] = *b",;\t|";

fn a_dialect() -> impl Strategy<Value = Dialect> {
    let character =
        |text: &'static str| proptest::option::of(proptest::sample::select(text.as_bytes().to_vec()));
    let labels = vec!["utf-8", "utf-16le", "utf-16be", "windows-1252", "shift_jis", "gb18030", "iso-2022-jp"];
    let encoding = proptest::option::of(proptest::sample::select(labels));
    (character(",;\t|: \x01"), character("\"'|a"), character("\\\"^;"), encoding)
        .prop_map(|(delimiter, quote, escape, label)| {
            let encoding = label.and_then(|label| Encoding::for_label(label.as_bytes()));
            Dialect { delimiter, quote, escape, encoding, ..Dialect::default() }
        })
        .prop_filter("valid", |dialect| dialect.check().is_ok())
}

/// Bytes in which significant sequences are frequent.
fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    let parts = vec![
        "\"", "'", ",", ";", "\t", "|", "\\", "\n", "\r\n", "\r", "\0", "a", "b c", "sep=;", "\u{feff}", "ü",
        "_code",
    ];
    let part = prop_oneof![
        4 => proptest::sample::select(parts).prop_map(|part| part.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
        1 => proptest::sample::select(vec![
            &b"\x1F\x8B\x08"[..], b"\x28\xB5\x2F\xFD", b"\x50\x2A\x4D\x18", b"\xFF\xFE", b"\xFE\xFF", b"\x82",
        ]).prop_map(<[u8]>::to_vec),
    ];
    vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn a_table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let field = "[a-c ,;|\t\"'\r\nü名]{0,6}";
    (1..5_usize).prop_flat_map(move |columns| vec(vec(field, columns), 0..8))
}

/// Writes the table with a quoted header. The names have delimiters in them, which must not be detected.
fn written(table: &[Vec<String>], delimiter: u8, quotes: csv::QuoteStyle) -> (Vec<String>, Vec<u8>) {
    let columns = table.first().map_or(2, Vec::len);
    let header: Vec<String> = (0..columns).map(|index| format!("{index}, a;\tb|c")).collect();
    let mut text = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .delimiter(delimiter)
        .from_writer(Vec::new());
    text.write_record(&header).unwrap();
    let text = text.into_inner().unwrap();
    let mut writer = csv::WriterBuilder::new().quote_style(quotes).delimiter(delimiter).from_writer(text);
    for row in table {
        writer.write_record(row).unwrap();
    }
    (header, writer.into_inner().unwrap())
}

fn without_blank_rows(table: &[Vec<String>]) -> Vec<Vec<String>> {
    table.iter().filter(|row| !row.iter().all(|field| field.trim().is_empty())).cloned().collect()
}

fn fields(rows: Vec<(u64, Vec<String>)>) -> Vec<Vec<String>> {
    rows.into_iter().map(|(_, fields)| fields).collect()
}

/// The lines on which records that are not blank start, and whether the text ends inside quotes: a byte-by-byte
/// implementation of the csv crate's documentation, with escapes.
fn naive_lines(text: &[u8], delimiter: u8, quote: Option<u8>, escape: Option<u8>) -> (Vec<u64>, bool) {
    let (mut lines, mut line, mut at) = (Vec::new(), 1, 0);
    let (mut quoted, mut field_start, mut record_start, mut has_text) = (false, true, None, false);
    while at < text.len() {
        let byte = text[at];
        // The text's first line ends with LF, so a carriage return alone is text. It still ends a line.
        let is_crlf = text[at..].starts_with(b"\r\n");
        let is_break = byte == b'\n' || is_crlf;
        if !is_break || quoted {
            record_start.get_or_insert(line);
        }
        if Some(byte) == escape {
            // An escaped line end is part of the field, and still ends a line. Before other bytes the escape is text.
            at += 1;
            let escaped = text.get(at).copied().unwrap_or(b'x');
            // The lines of the text end with LF, so a carriage return alone is escaped.
            let is_crlf = text.get(at..).is_some_and(|rest| rest.starts_with(b"\r\n"));
            line += u64::from(matches!(escaped, b'\r' | b'\n') && !is_crlf);
            has_text |= !escaped.is_ascii_whitespace() || escaped == b' ';
            field_start = false;
        } else if quoted {
            if Some(byte) == quote {
                if text.get(at + 1) == quote.as_ref() {
                    at += 1;
                    has_text = true;
                } else {
                    quoted = false;
                    field_start = false;
                }
            } else if is_break {
                line += 1;
                at += usize::from(is_crlf);
            } else {
                line += u64::from(byte == b'\r');
                has_text |= !byte.is_ascii_whitespace();
            }
        } else if is_break {
            if has_text {
                lines.extend(record_start);
            }
            (record_start, has_text, field_start) = (None, false, true);
            line += 1;
            at += usize::from(is_crlf);
        } else if field_start && Some(byte) == quote {
            quoted = true;
        } else {
            line += u64::from(byte == b'\r');
            field_start = byte == delimiter;
            has_text |= byte != delimiter && !byte.is_ascii_whitespace();
        }
        at += 1;
    }
    if has_text {
        lines.extend(record_start);
    }
    (lines, quoted)
}

// Failing inputs persist in proptest-regressions/ at the top of the repository, proptest's default: commit them.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop_oneof![some_bytes(), vec(any::<u8>(), 0..200)],
        dialect in a_dialect(),
        chunks in vec(1..9_usize, 1..4),
    ) {
        let whole = read(io::Cursor::new(bytes.clone()), &dialect).map_err(|error| error.to_string());
        let chunked = read(ChunkedReader::new(bytes, chunks), &dialect).map_err(|error| error.to_string());
        prop_assert_eq!(whole, chunked);
    }

    #[test]
    fn output_of_the_csv_crate_reads_back(table in a_table(), which in 0..4_usize, necessary: bool) {
        let quotes = if necessary { csv::QuoteStyle::Necessary } else { csv::QuoteStyle::Always };
        let (header, text) = written(&table, DELIMITERS[which], quotes);
        // The delimiter of a single column cannot be detected.
        let delimiter = (header.len() < 2).then_some(DELIMITERS[which]);
        let dialect = Dialect { delimiter, ..Dialect::default() };
        let source = open(io::Cursor::new(text.clone()), &dialect).unwrap();
        prop_assert_eq!(source.dialect().delimiter, DELIMITERS[which]);
        let (columns, rows) = read(io::Cursor::new(text), &dialect).unwrap();
        prop_assert_eq!(columns, header);
        prop_assert_eq!(fields(rows), without_blank_rows(&table));
    }

    #[test]
    fn encoded_and_compressed_text_reads_as_the_text(
        table in vec(vec("[ -~äöüß€–\n]{0,8}", 3), 0..8),
        encoding in 0..4_usize,
        compression in 0..3_usize,
        chunks in vec(1..9_usize, 1..4),
    ) {
        let (_, utf8) = written(&table, b';', csv::QuoteStyle::Necessary);
        let expected = read_text(utf8.clone());
        let text = String::from_utf8(utf8).unwrap();
        let marked = format!("\u{feff}{text}");
        let bytes = match encoding {
            0 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            1 => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            2 => marked.into_bytes(),
            _ => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        };
        let bytes = match compression {
            0 => bytes,
            1 => zstd::encode_all(bytes.as_slice(), 1).unwrap(),
            _ => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(&bytes).unwrap();
                writer.finish().unwrap()
            }
        };
        let dialect = Dialect { encoding: Some(encoding_rs::WINDOWS_1252), ..Dialect::default() };
        prop_assert_eq!(read(ChunkedReader::new(bytes, chunks), &dialect).unwrap(), expected);
    }

    #[test]
    fn lines_and_open_quotes_are_those_of_a_naive_parser(
        parts in vec(proptest::sample::select(vec!["\"", "'", ",", ";", "\\", "\n", "\r\n", "\r", " ", "x"]), 0..40),
        which in 0..5_usize,
        semicolon: bool,
        chunks in vec(1..9_usize, 1..4),
    ) {
        let (quote, escape) = [
            (Some(b'"'), None),
            (Some(b'"'), Some(b'\\')),
            (Some(b'\''), Some(b'"')),
            (Some(b'\''), None),
            (None, None),
        ][which];
        let delimiter = if semicolon { b';' } else { b',' };
        let columns = vec!["h".to_owned()];
        let dialect =
            Dialect { delimiter: Some(delimiter), quote, escape, columns, ..Dialect::default() };
        let text = format!("h\n{}", parts.concat()).into_bytes();
        let (lines, unclosed) = naive_lines(&text, delimiter, quote, escape);
        let mut source = open(ChunkedReader::new(text, chunks), &dialect).unwrap();
        let (mut found, mut record) = (Vec::new(), Record::default());
        let end = loop {
            match source.read_record(&mut record) {
                Ok(true) => found.push(record.line),
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        match end {
            Ok(()) => {
                prop_assert!(!unclosed);
                prop_assert_eq!(found, lines);
            }
            Err(SourceError::UnclosedQuote { line, .. }) => {
                prop_assert!(unclosed);
                // The naive parser ignores a blank record even if it is never closed.
                found.push(line);
                prop_assert!(found.starts_with(&lines), "{:?} {:?}", found, lines);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

/// The cases of csv-spectrum (<https://github.com/max-mapper/csv-spectrum>) with other data: name, text, columns, rows.
type SpectrumCase = (&'static str, &'static str, &'static [&'static str], &'static [&'static [&'static str]]);

const SPECTRUM: [SpectrumCase; 12] = [
    (
        "a comma in quotes",
        "first,city,zip\nAda,\"Byron, London\",08123\n",
        &["first", "city", "zip"],
        &[&["Ada", "Byron, London", "08123"]],
    ),
    ("empty fields", "a,b,c\n1,\"\",\"\"\n2,,4\n", &["a", "b", "c"], &[&["1", "", ""], &["2", "", "4"]]),
    (
        "empty fields with crlf",
        "a,b,c\r\n1,\"\",\"\"\r\n2,,4\r\n",
        &["a", "b", "c"],
        &[&["1", "", ""], &["2", "", "4"]],
    ),
    (
        "escaped quotes",
        "a,b\n1,\"he \"\"said\"\" so\"\n\"\"\"\",x\n",
        &["a", "b"],
        &[&["1", "he \"said\" so"], &["\"", "x"]],
    ),
    (
        "json in a field",
        "key,val\n1,\"{\"\"kind\"\": \"\"point\"\", \"\"at\"\": [8.5, 47.25]}\"\n",
        &["key", "val"],
        &[&["1", "{\"kind\": \"point\", \"at\": [8.5, 47.25]}"]],
    ),
    (
        "line breaks in quotes",
        "a,b\n1,\"once\nupon\na time\"\n\"x\n\",y\n",
        &["a", "b"],
        &[&["1", "once\nupon\na time"], &["x\n", "y"]],
    ),
    (
        "line breaks in quotes with crlf",
        "a,b\r\n1,\"once\r\nupon\r\na time\"\r\nx,y\r\n",
        &["a", "b"],
        &[&["1", "once\r\nupon\r\na time"], &["x", "y"]],
    ),
    (
        "location lines with quotes and spaces",
        "\"Name\",\"At\"\n\"  Main St 5 \",\"a b  c\"\n x , y\n",
        &["Name", "At"],
        &[&["  Main St 5 ", "a b  c"], &[" x ", " y"]],
    ),
    (
        "quotes and line breaks",
        "a,b\n1,\"he\n\"\"said\"\"\n\"\n2,\"\"\"\n\"\"\"\n",
        &["a", "b"],
        &[&["1", "he\n\"said\"\n"], &["2", "\"\n\""]],
    ),
    ("a simple file", "a,b,c\n1,2,3", &["a", "b", "c"], &[&["1", "2", "3"]]),
    ("a simple file with crlf", "a,b,c\r\n1,2,3\r\n", &["a", "b", "c"], &[&["1", "2", "3"]]),
    (
        "text in utf8",
        "a,größe,名\n1,ʤ,🦀\n4,ß,\"e\u{301}\"\n",
        &["a", "größe", "名"],
        &[&["1", "ʤ", "🦀"], &["4", "ß", "e\u{301}"]],
    ),
];

#[test]
fn the_cases_of_csv_spectrum_are_read_right() {
    for (name, text, columns, rows) in SPECTRUM {
        let (header, read) = read_text(text);
        assert_eq!(header, columns, "{name}");
        assert_eq!(fields(read), rows, "{name}");
    }
}
