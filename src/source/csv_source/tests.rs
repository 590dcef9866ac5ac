//! Rows as they arrive, line numbers, and refusals.

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
fn a_carriage_return_alone_is_text_where_the_first_line_ends_with_a_line_feed() {
    let text = "a,b\n1,x\ry\n\r2,\"z\"\r\n\r\n3,w\r\n4,\"\r\"\n5,v\r";
    let expected =
        [(2, ["1", "x\ry"]), (4, ["\r2", "z"]), (7, ["3", "w"]), (8, ["4", "\r"]), (10, ["5", "v\r"])];
    let expected = expected.map(|(line, cells)| (line, cells.map(str::to_owned).to_vec()));
    assert_eq!(rows(text.as_bytes()), expected);
    let dialect = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    assert_eq!(read(io::Cursor::new(text.as_bytes().to_vec()), &dialect).unwrap().1, expected);
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

/// The rows' lines with the first column of malformed text.
fn malformed(bytes: &[u8], dialect: &Dialect) -> Vec<(u64, Option<MalformedText>)> {
    let mut source = open(io::Cursor::new(bytes.to_vec()), dialect).unwrap();
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while source.read_record(&mut record).unwrap() {
        assert_eq!(record.malformed.is_some(), record.fields.iter().any(|field| field.contains('\u{fffd}')));
        rows.push((record.line, record.malformed));
    }
    rows
}

#[test]
fn malformed_text_is_marked_in_its_row_and_in_no_other() {
    let found = |bytes: &[u8], dialect: &Dialect| {
        let rows = malformed(bytes, dialect);
        let text = rows.iter().map(|(line, text)| match text {
            Some(text) => {
                let ExpectedEncoding { name, remedy } = text.expected;
                format!("{line}: column {}, not {name}; {remedy}", text.column)
            }
            None => line.to_string(),
        });
        text.collect::<Vec<_>>()
    };
    let text = b"id,Name\n1,ok\n2,M\xFCller\n3,\"a\nb\"\n4,\xC3\xBC\n";
    let remedy =
        "set the file's encoding with --encoding, such as windows-1252, if no accented letter is right";
    let expected = ["2".to_owned(), format!("3: column 1, not UTF-8; {remedy}"), "4".into(), "6".into()];
    assert_eq!(found(text, &Dialect::default()), expected);
    let escaped = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    assert_eq!(found(text, &escaped), expected);
    assert_eq!(
        found(b"id,Name\n1,\x81\n", &encoded("shift_jis")),
        ["2: column 1, not Shift_JIS; set the file's encoding with --encoding"]
    );
    let text = [&b"\xFF\xFE"[..], &utf16("id,Name\n1,x"), b"\0"].concat();
    assert_eq!(
        found(&text, &Dialect::default()),
        ["2: column 1, not UTF-16LE; save the file in the encoding of its byte order mark"]
    );
}

#[test]
fn malformed_text_in_the_header_is_an_error() {
    assert_eq!(
        error_of(b"\nid,N\xFC\n", &Dialect::default()).to_string(),
        "standard input, line 2, column 2: not UTF-8; set the file's encoding with --encoding, such as windows-1252, \
         if no accented letter is right"
    );
}

#[test]
fn the_hundredth_malformed_row_is_marked_unless_a_row_before_has_valid_letters() {
    let rows = b"id\n1\n".iter().copied().chain(b"\xFC\n".repeat(300)).collect::<Vec<_>>();
    let marked = |bytes: &[u8]| {
        let rows = malformed(bytes, &Dialect::default()).into_iter();
        rows.filter(|(_, text)| text.is_some_and(|text| text.is_hundredth)).map(|(line, _)| line).collect()
    };
    let found: Vec<u64> = marked(&rows);
    assert_eq!(found, [102]);
    let found: Vec<u64> = marked(&[&b"id\n\xC3\xBC\n"[..], &rows].concat());
    assert!(found.is_empty());
}

#[test]
fn a_cell_is_null_only_if_it_is_exactly_a_marker_and_unquoted() {
    let null = vec!["NULL".to_owned(), "\\N".to_owned()];
    let text = "a,b,c,d\n1,NULL,\"NULL\", NULL\n\\N,\\N,\\N,\\N\n2,\"x\ny\",\\N,\"\\N\"\n";
    let dialect = Dialect { null: null.clone(), ..Dialect::default() };
    let rows = read(io::Cursor::new(text), &dialect).unwrap().1;
    let expected = [(2, vec!["1", "", "NULL", " NULL"]), (4, vec!["2", "x\ny", "", "\\N"])];
    assert_eq!(rows, expected.map(|(line, row)| (line, row.into_iter().map(str::to_owned).collect())));
    let text = "\"a|b\"|b\n\"NULL\"|NULL\n";
    let dialect = Dialect { null, quote: None, delimiter: Some(b'|'), ..Dialect::default() };
    let rows = read(io::Cursor::new(text), &dialect).unwrap().1;
    assert_eq!(rows, [(2, vec!["\"NULL\"".to_owned(), String::new()])]);
}

#[test]
fn a_marker_with_quotes_is_that_of_quoted_cells() {
    let text = "\"a\",\"b\",\"c\"\n\"1\",\"NULL\",NULL\n\"2\",\"\\N\",\"NULL \"\n";
    let null = vec!["\"NULL\"".to_owned(), "\\N".to_owned()];
    let expected = [(2, ["1", "", "NULL"]), (3, ["2", "\\N", "NULL "])];
    let expected = expected.map(|(line, row)| (line, row.map(str::to_owned).to_vec()));
    for escape in [None, Some(b'^')] {
        let dialect = Dialect { null: null.clone(), escape, ..Dialect::default() };
        assert_eq!(read(io::Cursor::new(text), &dialect).unwrap().1, expected);
    }
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
         that is never closed, or a line end that is missing"
    );
}

/// `write.csv(read.csv(file))` of R 4.2 saves a rejects file like this. Taken for an ordinary CSV, its rows of a wrong form
/// would be imported unmended.
#[test]
fn a_rejects_file_is_known_by_the_names_that_r_gives_its_columns() {
    let columns = REJECT_COLUMNS.map(|column| format!("\"X{column}\"")).join(";");
    let cells = REJECT_COLUMNS.map(|column| format!("\"{}\"", &column[1..])).join(";");
    let mut source = source(format!("\"id\";{columns}\n\"1\";{cells}\n").as_bytes()).unwrap();
    assert_eq!(source.header().columns(), ["id"]);
    let mut record = Record::default();
    assert!(source.read_record(&mut record).unwrap());
    assert_eq!(
        (record.fields, record.reject.map(|reject| reject.code)),
        (vec!["1"].into(), Some("code".into()))
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
        source(b"id,_state,_file,_line,_key,_state,_code,_message,_row\n1,NY,f,7,1,rejected,C,m,r\n")
            .unwrap();
    assert_eq!(fed_back.header().columns(), ["id", "_state"]);
    let mut record = Record::default();
    assert!(fed_back.read_record(&mut record).unwrap());
    assert_eq!(record.fields, vec!["1", "NY"]);
    let reject = Reject { file: "f".into(), line: 7, code: "C".into(), origin: None };
    assert_eq!(record.reject, Some(reject));
}

#[test]
fn a_rejects_file_that_lacks_a_column_or_has_them_in_another_order_is_refused() {
    let refused = |header: &str| match source(format!("{header}\n").as_bytes()) {
        Err(error) => error.to_string(),
        Ok(source) => panic!("{:?}", source.header()),
    };
    for header in [
        "id,_file,_line,_key,_state,_code,_message",
        "id,_file,_line,_key,_state,_row",
        "id,_row,_file,_line,_key,_state,_code,_message",
        "id,_file,_line,_key,_state,_code,_message,_row,note",
    ] {
        let error = refused(header);
        assert!(
            error.ends_with("in this order: _file, _line, _key, _state, _code, _message, _row"),
            "{error}"
        );
    }
    for header in ["_file,_line,_row,id", "id,_state,_contact_id,_contact_arn,_code,_message"] {
        assert!(source(format!("{header}\n").as_bytes()).is_ok(), "{header}");
    }
}

#[test]
fn a_rejects_file_is_read_in_its_own_dialect_whatever_the_job_declares() {
    let job = Dialect { delimiter: Some(b'|'), quote: Some(b'\''), ..encoded("windows-1252") };
    let text = "na|me,_file,_line,_key,_state,_code,_message,_row\n\"Müller, 'x'\",f,7,1,rejected,C,m,r\n";
    let semicolons = text.replace(',', ";").replace("Müller;", "Müller,");
    let marked = utf16(&format!("\u{feff}{semicolons}"));
    for bytes in [text.as_bytes(), semicolons.as_bytes(), &marked] {
        let (columns, rows) = read(io::Cursor::new(bytes.to_vec()), &job).unwrap();
        assert_eq!(columns, ["na|me"]);
        assert_eq!(rows, [(2, vec!["Müller, 'x'".to_owned()])]);
    }
    let saved = encoding_rs::WINDOWS_1252.encode(text).0;
    let [(2, Some(text))] = malformed(&saved, &job)[..] else { panic!("one row, malformed") };
    assert_eq!((text.column, text.expected.remedy), (0, "save the rejects file as UTF-8"));
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
    let rows = rows(b"a,b\n1\n1,2,3\n1,2,,3,\n1,2,, ,\n");
    assert_eq!(rows.iter().map(|(_, row)| row.len()).collect::<Vec<_>>(), [1, 3, 5, 2]);
}

#[test]
fn short_rows_are_padded_if_the_dialect_says_so() {
    let dialect = Dialect { short_rows: ShortRows::Pad, ..Dialect::default() };
    let rows = read(io::Cursor::new("a,b,c\n1\n1,2\n1,2,3,4\n"), &dialect).unwrap().1;
    assert_eq!(rows.iter().map(|(_, row)| row.join("|")).collect::<Vec<_>>(), ["1||", "1|2|", "1|2|3|4"]);
}

#[test]
fn nul_bytes_are_read_as_they_are() {
    assert_eq!(rows(b"a,b\n\x001,\"\0\"\n")[0].1, ["\x001", "\0"]);
}
