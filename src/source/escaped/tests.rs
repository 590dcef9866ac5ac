//! Both formats: every escape, lines, and what reference encoders write.

use std::io;

use proptest::prelude::*;

use super::{EscapedRecords, EscapedSyntax};
use crate::source::dialect::{Dialect, EscapeScope, SourceFormat};
use crate::source::error::StreamError;
use crate::source::testing::ChunkedReader;

fn text_dialect() -> Dialect {
    Dialect { format: SourceFormat::Text, escape: Some(b'\\'), quote: None, ..Dialect::default() }
}

/// Each record's line and cells, and whether it has a stray quote.
fn read(bytes: &[u8], dialect: &Dialect, delimiter: u8, chunk: usize) -> Vec<(u64, Vec<Vec<u8>>, bool)> {
    let syntax = EscapedSyntax::of(dialect, delimiter).unwrap();
    let bytes = ChunkedReader::new(bytes.to_vec(), vec![chunk]);
    let mut records = EscapedRecords::new(bytes, 1, None, syntax.clone());
    let mut rows = Vec::new();
    while let Some(raw) = records.next().unwrap() {
        assert!(!raw.is_unclosed);
        let mut cells = Vec::new();
        let has_stray_quote = syntax.cells(raw.text, true, &mut Vec::new(), |cell| cells.push(cell.to_vec()));
        rows.push((raw.line, cells, has_stray_quote));
    }
    rows
}

fn cells(text: &str, dialect: &Dialect, delimiter: u8) -> Vec<Vec<String>> {
    let text_of = |cell: &Vec<u8>| String::from_utf8_lossy(cell).into_owned();
    let rows = read(text.as_bytes(), dialect, delimiter, 7);
    rows.iter().map(|(_, cells, _)| cells.iter().map(text_of).collect()).collect()
}

#[test]
fn escapes_of_the_text_format_are_those_of_copy() {
    for (raw, text) in [
        (r"a\nb\tc\rd", "a\nb\tc\rd"),
        (r"\b\f\v\\", "\u{8}\u{c}\u{b}\\"),
        (r"\\N", r"\N"),
        (r"\N", ""),
        (r"a\N", "aN"),
        (r"C:\\temp\\new", r"C:\temp\new"),
        (r"\q\'", "q'"),
        (r"\0\101\1018", "\0AA8"),
        (r"\x41\x4\xyz", "A\u{4}xyz"),
        ("one\\\ntwo", "one\ntwo"),
        ("one\\\r\ntwo", "one\ntwo"),
        ("a\\\tb", "a\tb"),
        ("\"quoted\"", "\"quoted\""),
        ("end\\", "end\\"),
    ] {
        assert_eq!(cells(raw, &text_dialect(), b'\t'), [[text]], "{raw:?}");
    }
    let bytes = read(br"\303\274", &text_dialect(), b'\t', 9);
    assert_eq!(bytes[0].1, ["ü".as_bytes()]);
}

#[test]
fn another_escape_or_none_can_be_set() {
    let caret = Dialect { escape: Some(b'^'), ..text_dialect() };
    assert_eq!(cells("a^nb\t\\n\t^N\t^^", &caret, b'\t'), [["a\nb", "\\n", "", "^"]]);
    let none = Dialect { escape: None, null: vec!["\\N".into()], ..text_dialect() };
    assert_eq!(cells("C:\\new\t\\N", &none, b'\t'), [["C:\\new", ""]]);
}

#[test]
fn null_is_compared_before_escapes_are_read() {
    let dialect = Dialect { null: vec!["NULL".into(), "a\\\\b".into()], ..text_dialect() };
    assert_eq!(cells("NULL\tN\\ULL\ta\\\\b\t NULL", &dialect, b'\t'), [["", "NULL", "", " NULL"]]);
}

#[test]
fn lines_are_the_files_own_with_escaped_line_ends() {
    let text = b"id\tx\n1\ta\\\nb\n\n2\tc\n\\.\n3\td";
    for chunk in [1, 2, 100] {
        let rows = read(text, &text_dialect(), b'\t', chunk);
        assert_eq!(rows.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 2, 5, 7]);
    }
}

#[test]
fn a_carriage_return_is_text_unless_the_first_line_ends_with_one() {
    assert_eq!(cells("a\tb\n1\tx\ry\n2\tz\r\n", &text_dialect(), b'\t')[1..], [["1", "x\ry"], ["2", "z\r"]]);
    assert_eq!(
        cells("a\tb\r\n1\tx\ry\r\n2\tz\r\n", &text_dialect(), b'\t')[1..],
        [["1", "x\ry"], ["2", "z"]]
    );
    assert_eq!(cells("a\tb\r1\tx\r2\tz\r", &text_dialect(), b'\t')[1..], [["1", "x"], ["2", "z"]]);
}

#[test]
fn an_escape_in_csv_applies_in_and_outside_of_quotes() {
    let dialect = Dialect { escape: Some(b'\\'), null: vec!["\\N".into()], ..Dialect::default() };
    for (raw, expected) in [
        (r#""a \"q\" b",c"#, &["a \"q\" b", "c"][..]),
        (r#""a ""q"" b",c"#, &["a \"q\" b", "c"]),
        (r"a\,b,c", &["a,b", "c"]),
        ("a\\\nb,c", &["a\nb", "c"]),
        ("a\\\r\nb,\"c\\\r\nd\"", &["a\r\nb", "c\r\nd"]),
        ("a\\\r\\\nb", &["a\r\nb"]),
        (r#"\N,"\N",\\N,x\N"#, &["", "\\N", "\\N", "x\\N"]),
        (r#"C:\\temp,C:\temp,"C:\temp""#, &["C:\\temp", "C:\\temp", "C:\\temp"]),
        (r"\0,\00", &["\0", "\u{0}0"]),
        (r#"\"a,b"#, &["\"a", "b"]),
        (r#""a\\",b"#, &["a\\", "b"]),
    ] {
        assert_eq!(cells(raw, &dialect, b','), [expected], "{raw:?}");
    }
    let line_feeds = "h\na\\\r\nb\n";
    assert_eq!(cells(line_feeds, &dialect, b','), [["h"], ["a\r"], ["b"]]);
    let unquoted = Dialect { quote: None, ..dialect };
    assert_eq!(cells("\"a,b\\,\"", &unquoted, b','), [["\"a", "b,\""]]);
}

#[test]
fn an_escape_may_apply_in_quoted_cells_only() {
    let null = vec!["\\N".into(), "\"NULL\"".into()];
    let dialect = Dialect { escape: Some(b'\\'), escape_in: EscapeScope::Quoted, null, ..Dialect::default() };
    for (raw, expected) in [
        (r#""a \"q\" b",c"#, &["a \"q\" b", "c"][..]),
        (r#""a\\",b\\"#, &["a\\", "b\\\\"]),
        (r"ends\,\\server\share", &["ends\\", "\\\\server\\share"]),
        (r#"\N,"\N",NULL,"NULL","\NULL""#, &["", "\\N", "NULL", "", "\\NULL"]),
        ("\"a\\\nb\",c\\\n", &["a\nb", "c\\"]),
    ] {
        assert_eq!(cells(raw, &dialect, b','), [expected], "{raw:?}");
    }
}

#[test]
fn text_after_a_closing_quote_is_found() {
    let dialect = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    for (raw, has_stray_quote) in
        [(r#""a" ,"b""#, false), (r#""a" x,b"#, true), (r#""a\" x",b"#, false), (r#"5" disk,6"#, false)]
    {
        assert_eq!(read(raw.as_bytes(), &dialect, b',', 3)[0].2, has_stray_quote, "{raw}");
    }
}

#[test]
fn a_record_that_never_ends_is_an_error() {
    let syntax = EscapedSyntax::of(&text_dialect(), b'\t').unwrap();
    let mut records = EscapedRecords::new(io::repeat(b'x'), 1, None, syntax);
    let error = records.next().unwrap_err();
    assert!(matches!(error.get_ref().unwrap().downcast_ref(), Some(StreamError::TooLong)), "{error}");
}

/// Writes a cell as PostgreSQL's `CopyAttributeOutText` does.
fn encode_text(cell: &str, delimiter: char) -> String {
    let mut text = String::new();
    for c in cell.chars() {
        match c {
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{b}' => text.push_str("\\v"),
            c if c == '\\' || c == delimiter => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    text
}

/// Writes a cell as Python's csv module does with QUOTE_NONE, or as MariaDB does with OPTIONALLY ENCLOSED.
fn encode_csv(cell: &str, is_quoted: bool) -> String {
    let mut text = String::new();
    for c in cell.chars() {
        match c {
            '\0' => text.push_str("\\0"),
            '\\' | '"' | ',' | '\n' | '\r' => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    if is_quoted { format!("\"{text}\"") } else { text }
}

fn a_table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell = "[a-c0N.x ,;|\t\"'\\\\\r\n\u{8}\u{b}\u{c}ü名]{0,7}";
    (2..5_usize).prop_flat_map(move |columns| {
        proptest::collection::vec(proptest::collection::vec(cell, columns), 1..8)
    })
}

proptest! {
    #[test]
    fn text_of_a_reference_encoder_reads_back(table in a_table(), tab: bool, crlf: bool, chunk in 1..9_usize) {
        let (delimiter, end) = (if tab { '\t' } else { '|' }, if crlf { "\r\n" } else { "\n" });
        let separator = delimiter.to_string();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| encode_text(cell, delimiter)).collect();
            cells.join(&separator) + end
        };
        let text: String = table.iter().map(line).collect();
        let rows = read(text.as_bytes(), &text_dialect(), delimiter as u8, chunk);
        prop_assert_eq!(rows.len(), table.len());
        for (number, ((at, cells, _), row)) in rows.iter().zip(&table).enumerate() {
            prop_assert_eq!(*at, number as u64 + 1);
            let row: Vec<Vec<u8>> = row.iter().map(|cell| cell.clone().into_bytes()).collect();
            prop_assert_eq!(cells, &row);
        }
    }

    #[test]
    fn escaped_csv_of_a_reference_encoder_reads_back(table in a_table(), quoted: bool, chunk in 1..9_usize) {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| encode_csv(cell, quoted)).collect();
            cells.join(",") + "\n"
        };
        // The first line shows how lines end.
        let text: String = std::iter::once("header\n".to_owned()).chain(table.iter().map(line)).collect();
        let dialect = Dialect { escape: Some(b'\\'), null: vec!["\\N".into()], ..Dialect::default() };
        let rows = read(text.as_bytes(), &dialect, b',', chunk).split_off(1);
        prop_assert_eq!(rows.len(), table.len());
        for ((_, cells, has_stray_quote), row) in rows.iter().zip(&table) {
            let row: Vec<Vec<u8>> = row.iter().map(|cell| cell.clone().into_bytes()).collect();
            prop_assert_eq!(cells, &row);
            prop_assert!(!has_stray_quote);
        }
    }
}
