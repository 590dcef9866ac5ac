//! The dialect of a CSV: delimiter, quote, escape and encoding.

use std::fmt;

use encoding_rs::Encoding;
use serde::Deserialize;

use crate::suggest::did_you_mean;

/// Names of delimiters in flags and job files. A literal `\t` is one too: no shell expands it.
const DELIMITERS: [(&str, u8); 6] =
    [("tab", b'\t'), ("comma", b','), ("semicolon", b';'), ("pipe", b'|'), ("space", b' '), ("\\t", b'\t')];

/// Common labels, for suggestions. Every label of the WHATWG Encoding Standard is accepted.
const COMMON_ENCODINGS: [&str; 13] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "macintosh",
    "shift_jis",
    "gb18030",
    "euc-kr",
];

/// The dialect that a job declares for its CSVs. [`Dialect::check`] refuses contradictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Field delimiter; none to detect it in each file.
    pub delimiter: Option<u8>,
    /// Quote character; none if fields are never quoted, and so contain no delimiter and no line break.
    pub quote: Option<u8>,
    /// Escape character. A doubled quote is an escaped one in any case.
    pub escape: Option<u8>,
    /// Cells in which the escape applies.
    pub escape_in: EscapeScope,
    /// Encoding; none for UTF-8. A byte order mark overrides it.
    pub encoding: Option<&'static Encoding>,
    /// Syntax of rows and cells.
    pub format: SourceFormat,
    /// Texts that stand for no value. An unquoted cell that is exactly one of these is empty, and a quoted one if the
    /// text has the quotes too.
    pub null: Vec<String>,
    /// Number of lines before the header, or before the first row if `columns` names the columns.
    pub skip_lines: u64,
    /// Names of the columns of a file without a header; empty: the first record names them.
    pub columns: Vec<String>,
    /// Rows with fewer cells than the header.
    pub short_rows: ShortRows,
}

/// Syntax of rows and cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// RFC 4180: cells may be quoted, and a quoted cell may hold delimiters and line ends.
    #[default]
    Csv,
    /// One line a row, without quotes and with backslash escapes, as PostgreSQL's COPY writes it.
    Text,
}

/// Cells in which an escape applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EscapeScope {
    /// Every cell, as MariaDB's OUTFILE and Python's `escapechar` write.
    #[default]
    All,
    /// Quoted cells; in others it is text, as PostgreSQL, DuckDB and csv-stringify write.
    Quoted,
}

/// Treatment of rows with fewer cells than the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortRows {
    /// The row is rejected.
    #[default]
    Reject,
    /// The missing cells are empty.
    Pad,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            delimiter: None,
            quote: Some(b'"'),
            escape: None,
            escape_in: EscapeScope::All,
            encoding: None,
            format: SourceFormat::Csv,
            null: Vec::new(),
            skip_lines: 0,
            columns: Vec::new(),
            short_rows: ShortRows::Reject,
        }
    }
}

impl Dialect {
    /// Whether `delimiter` differs from the quote and the escape.
    pub(super) fn can_use(&self, delimiter: u8) -> bool {
        ![self.quote, self.escape].contains(&Some(delimiter))
    }

    /// The dialect of a rejects file, which this tool writes; a spreadsheet may have changed the delimiter.
    pub(super) fn of_rejects(delimiter: u8) -> Self {
        Dialect { delimiter: Some(delimiter), ..Dialect::default() }
    }

    /// Checks that delimiter, quote and escape differ, and that the escape has cells to apply in.
    ///
    /// # Errors
    /// Two of the characters are the same, or the escape has no effect.
    pub fn check(&self) -> Result<(), String> {
        let same = |a: Option<u8>, b: Option<u8>| a.is_some() && a == b;
        let clash = if same(self.delimiter, self.quote) {
            "delimiter and the quote"
        } else if same(self.delimiter, self.escape) {
            "delimiter and the escape"
        } else if same(self.quote, self.escape) {
            "quote and the escape"
        } else if self.escape_in == EscapeScope::Quoted && (self.quote.is_none() || self.escape.is_none()) {
            return Err(
                "escape_in = \"quoted\" has no effect without a quote and an escape; remove it".into()
            );
        } else {
            return Ok(());
        };
        Err(format!("the {clash} are the same character; they must differ"))
    }

    /// A csv reader for this dialect, without its escape. The header is read as any other record, and records may be ragged.
    pub(super) fn parser(&self, delimiter: u8) -> csv::ReaderBuilder {
        let mut parser = csv::ReaderBuilder::new();
        parser.has_headers(false).flexible(true).buffer_capacity(1 << 16);
        parser.delimiter(delimiter).double_quote(true);
        match self.quote {
            Some(quote) => parser.quote(quote),
            None => parser.quoting(false),
        };
        parser
    }
}

/// The dialect found in a file. Displayed as `semicolon, UTF-16LE, gzip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundDialect {
    /// Syntax of rows and cells, which is declared.
    pub format: SourceFormat,
    /// Field delimiter.
    pub delimiter: u8,
    /// Name of the encoding in the WHATWG Encoding Standard.
    pub encoding: &'static str,
    /// `gzip` or `zstd`; none if the file is not compressed.
    pub compression: Option<&'static str>,
}

impl fmt::Display for FoundDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.format == SourceFormat::Text {
            f.write_str("text format, ")?;
        }
        match DELIMITERS.iter().find(|(_, byte)| *byte == self.delimiter) {
            Some((name, _)) => write!(f, "{name}")?,
            None => write!(f, "'{}'", self.delimiter.escape_ascii())?,
        }
        write!(f, ", {}", self.encoding)?;
        self.compression.map_or(Ok(()), |compression| write!(f, ", {compression}"))
    }
}

/// Whether `character` may be a delimiter at all.
pub(super) fn is_delimiter(character: u8) -> bool {
    character.is_ascii()
        && !character.is_ascii_alphanumeric()
        && !matches!(character, b'"' | b'\'' | b'\r' | b'\n')
}

/// Parses the delimiter of a flag or a job file: one character, a name, `\x01` for the character of this number, or
/// `auto` for none.
///
/// # Errors
/// The text is neither; the message lists the allowed values.
pub fn parse_delimiter(text: &str) -> Result<Option<u8>, String> {
    if text == "auto" {
        return Ok(None);
    }
    let named = DELIMITERS.iter().find(|(name, _)| *name == text).map(|(_, byte)| *byte);
    match named.or(single(text).or_else(|| numbered(text)).filter(|byte| is_delimiter(*byte))) {
        Some(byte) => Ok(Some(byte)),
        None => Err(format!(
            "'{}' is not a delimiter; use one ASCII character other than a letter, digit or quote, its number as in \
             \\x01, or one of auto, comma, semicolon, tab, pipe, space",
            text.escape_debug()
        )),
    }
}

/// Parses the quote of a flag or a job file: one character, or `none`.
///
/// # Errors
/// The text is neither; the message lists the allowed values.
pub fn parse_quote(text: &str) -> Result<Option<u8>, String> {
    one_or_none(text, "quote")
}

/// Parses the escape of a flag or a job file: one character, or `none`.
///
/// # Errors
/// The text is neither; the message lists the allowed values.
pub fn parse_escape(text: &str) -> Result<Option<u8>, String> {
    one_or_none(text, "escape")
}

/// Parses a label of the WHATWG Encoding Standard, such as `latin1` or `Shift_JIS`.
///
/// # Errors
/// There is no such label; the message suggests the nearest one.
pub fn parse_encoding(text: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(text.as_bytes()).ok_or_else(|| {
        let hint = did_you_mean(text.trim(), COMMON_ENCODINGS.into_iter()).unwrap_or_default();
        format!(
            "'{}' is not a known encoding{hint}; use a label such as utf-8, utf-16le, windows-1252 or shift_jis",
            text.escape_debug()
        )
    })
}

fn one_or_none(text: &str, role: &str) -> Result<Option<u8>, String> {
    if text == "none" {
        return Ok(None);
    }
    match single(text).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        Some(byte) => Ok(Some(byte)),
        None => Err(format!(
            "'{}' is not a valid {role}; use one ASCII character other than a line end, or none",
            text.escape_debug()
        )),
    }
}

/// The byte that a text such as `\x01` names, as messages show a control character.
fn numbered(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("\\x")?;
    let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Remedy for a missing column: the separator to set, if the header is one column that holds one.
pub fn delimiter_hint(names: &[String]) -> Option<String> {
    let [name] = names else { return None };
    let may_separate =
        |byte: &u8| matches!(byte, b',' | b';' | b'|') || byte.is_ascii_control() && is_delimiter(*byte);
    let byte = name.bytes().find(may_separate)?;
    let known = DELIMITERS.iter().find(|(word, known)| *known == byte && !word.starts_with('\\'));
    let delimiter =
        known.map_or_else(|| format!("'{}'", byte.escape_ascii()), |(word, _)| (*word).to_owned());
    Some(format!("; the header is one column: set --delimiter {delimiter}, if this separates its cells"))
}

/// Remedy for a missing column that is like no other: the first columns.
pub fn column_listing(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(12).map(|name| format!("'{name}'")).collect();
    let more = if names.len() > first.len() { ", …" } else { "" };
    format!("; it has {}{more}", first.join(", "))
}

/// The byte of a text that is exactly one ASCII character.
fn single(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Some(*byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_a_character_or_a_word() {
        for (text, delimiter) in [
            (";", b';'),
            ("tab", b'\t'),
            ("\\t", b'\t'),
            ("\t", b'\t'),
            ("space", b' '),
            ("^", b'^'),
            ("\\x01", 1),
            ("\\x1F", 0x1f),
            ("\\x2c", b','),
        ] {
            assert_eq!(parse_delimiter(text), Ok(Some(delimiter)), "{text}");
        }
        assert_eq!(parse_delimiter("auto"), Ok(None));
        for text in [
            "",
            "a",
            "7",
            "\"",
            "'",
            "\n",
            "\r",
            "§",
            ";;",
            "tabulator",
            "\\x0a",
            "\\x41",
            "\\xff",
            "\\x1",
            "\\x+1",
        ] {
            let error = parse_delimiter(text).unwrap_err();
            assert!(error.contains("one ASCII character"), "{error}");
        }
    }

    #[test]
    fn a_header_of_one_column_that_holds_a_separator_is_told() {
        for (header, hint) in [
            ("id\u{1}a", r"set --delimiter '\x01', if"),
            ("id,a;b", "set --delimiter comma, if"),
            ("id\ta", "set --delimiter tab, if"),
        ] {
            let found = delimiter_hint(&[header.to_owned()]).unwrap();
            assert!(found.contains(hint), "{found}");
        }
        assert_eq!(delimiter_hint(&["Ticket ID".to_owned()]), None);
        assert_eq!(delimiter_hint(&["a,b".to_owned(), "c".to_owned()]), None);
    }

    #[test]
    fn a_quote_or_an_escape_is_a_character_or_none() {
        assert_eq!(parse_quote("'"), Ok(Some(b'\'')));
        assert_eq!(parse_quote("none"), Ok(None));
        assert_eq!(parse_escape("\\"), Ok(Some(b'\\')));
        assert_eq!(
            parse_escape("\n").unwrap_err(),
            r"'\n' is not a valid escape; use one ASCII character other than a line end, or none"
        );
        assert!(parse_quote("„").is_err());
    }

    #[test]
    fn an_encoding_is_found_by_any_label_in_any_case() {
        assert_eq!(parse_encoding(" Windows-1252 "), Ok(encoding_rs::WINDOWS_1252));
        assert_eq!(parse_encoding("latin1"), Ok(encoding_rs::WINDOWS_1252));
        let error = parse_encoding("windows1252x").unwrap_err();
        assert!(error.contains("did you mean 'windows-1252'?"), "{error}");
        assert!(parse_encoding("replacement").is_err());
    }

    #[test]
    fn equal_characters_are_refused() {
        let ok = Dialect::default();
        assert_eq!(ok.check(), Ok(()));
        let refused = [
            Dialect { delimiter: Some(b'"'), ..ok.clone() },
            Dialect { delimiter: Some(b'\\'), escape: Some(b'\\'), ..ok.clone() },
            Dialect { escape: Some(b'"'), ..ok.clone() },
            Dialect { escape_in: EscapeScope::Quoted, ..ok.clone() },
            Dialect { escape_in: EscapeScope::Quoted, escape: Some(b'\\'), quote: None, ..ok },
        ];
        for dialect in refused {
            assert!(dialect.check().is_err(), "{dialect:?}");
        }
    }

    #[test]
    fn a_found_dialect_is_displayed_by_name() {
        let format = SourceFormat::Csv;
        let found =
            FoundDialect { format, delimiter: b'\t', encoding: "UTF-16LE", compression: Some("gzip") };
        assert_eq!(found.to_string(), "tab, UTF-16LE, gzip");
        let text = FoundDialect { format: SourceFormat::Text, compression: None, ..found };
        assert_eq!(text.to_string(), "text format, tab, UTF-16LE");
        assert_eq!(
            FoundDialect { delimiter: 1, compression: None, ..found }.to_string(),
            r"'\x01', UTF-16LE"
        );
    }
}
