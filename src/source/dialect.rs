//! How a CSV is written: what stands between cells and around them, and in which encoding.

use std::fmt;

use encoding_rs::Encoding;

use crate::suggest::did_you_mean;

/// The words for delimiters; `\t` is what people type who know the tab by its escape.
const DELIMITERS: [(&str, u8); 6] =
    [("tab", b'\t'), ("comma", b','), ("semicolon", b';'), ("pipe", b'|'), ("space", b' '), ("\\t", b'\t')];

/// The encodings that exports come in, for suggestions. Every label of the WHATWG is known.
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

/// How the CSVs of a job are written, as far as it says so; [`Dialect::check`] says whether it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between cells; none: each file shows it.
    pub delimiter: Option<u8>,
    /// What stands around a cell; none: nothing does, and no cell holds a delimiter or a line break.
    pub quote: Option<u8>,
    /// What makes a quote within quotes an ordinary character; a doubled quote is one with and without it.
    pub escape: Option<u8>,
    /// The encoding; none: UTF-8. A byte order mark beats both.
    pub encoding: Option<&'static Encoding>,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: None, quote: Some(b'"'), escape: None, encoding: None }
    }
}

impl Dialect {
    /// Whether a delimiter that a file shows can be told from the other characters.
    pub(super) fn allows(&self, delimiter: u8) -> bool {
        ![self.quote, self.escape].contains(&Some(delimiter))
    }

    /// What this tool writes, apart from the delimiter.
    pub(super) fn own(delimiter: u8) -> Self {
        Dialect { delimiter: Some(delimiter), ..Dialect::default() }
    }

    /// Makes sure that the characters can be told apart.
    ///
    /// # Errors
    /// Two of them are the same, or an escape has no quotes to stand in.
    pub fn check(&self) -> Result<(), String> {
        let same = |a: Option<u8>, b: Option<u8>| a.is_some() && a == b;
        let clash = if same(self.delimiter, self.quote) {
            "delimiter and the quote"
        } else if same(self.delimiter, self.escape) {
            "delimiter and the escape"
        } else if same(self.quote, self.escape) {
            "quote and the escape"
        } else if self.escape.is_some() && self.quote.is_none() {
            return Err("an escape works within quotes only; name the quote too, or no escape".into());
        } else {
            return Ok(());
        };
        Err(format!("the {clash} are the same character; they must differ"))
    }

    /// The csv crate's reader for a file of this dialect. Headers are read as records are, and a record
    /// may have any number of cells.
    pub(super) fn parser(&self, delimiter: u8) -> csv::ReaderBuilder {
        let mut parser = csv::ReaderBuilder::new();
        parser.has_headers(false).flexible(true).buffer_capacity(1 << 16);
        parser.delimiter(delimiter).double_quote(true).escape(self.escape);
        match self.quote {
            Some(quote) => parser.quote(quote),
            None => parser.quoting(false),
        };
        parser
    }
}

/// What a file turned out to be, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundDialect {
    /// What stands between its cells.
    pub delimiter: u8,
    /// The name of its encoding.
    pub encoding: &'static str,
    /// What it is compressed with.
    pub compression: Option<&'static str>,
}

impl fmt::Display for FoundDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DELIMITERS.iter().find(|(_, byte)| *byte == self.delimiter) {
            Some((word, _)) => write!(f, "{word}")?,
            None => write!(f, "'{}'", self.delimiter.escape_ascii())?,
        }
        write!(f, ", {}", self.encoding)?;
        self.compression.map_or(Ok(()), |compression| write!(f, ", {compression}"))
    }
}

/// Whether a character may stand between cells.
pub(super) fn can_delimit(character: u8) -> bool {
    character.is_ascii()
        && !character.is_ascii_alphanumeric()
        && !matches!(character, b'"' | b'\'' | b'\r' | b'\n')
}

/// The delimiter that a flag or the job file names; none means that each file shows it.
///
/// # Errors
/// The text is no delimiter; says what may stand there.
pub fn parse_delimiter(text: &str) -> Result<Option<u8>, String> {
    if text == "auto" {
        return Ok(None);
    }
    let word = DELIMITERS.iter().find(|(word, _)| *word == text).map(|(_, byte)| *byte);
    match word.or(single(text).filter(|byte| can_delimit(*byte))) {
        Some(byte) => Ok(Some(byte)),
        None => Err(format!(
            "'{}' is no delimiter; give one ASCII character that is no letter, digit or quote, or one of \
             auto, comma, semicolon, tab, pipe, space",
            text.escape_debug()
        )),
    }
}

/// The quote that a flag or the job file names; none means that cells are not quoted.
///
/// # Errors
/// The text is no quote; says what may stand there.
pub fn parse_quote(text: &str) -> Result<Option<u8>, String> {
    one_or_none(text, "quote")
}

/// The escape that a flag or the job file names; none means that a quote is doubled.
///
/// # Errors
/// The text is no escape; says what may stand there.
pub fn parse_escape(text: &str) -> Result<Option<u8>, String> {
    one_or_none(text, "escape")
}

/// The encoding of a label of the WHATWG, such as `latin1` or `Shift_JIS`.
///
/// # Errors
/// There is no such label; says what may stand there.
pub fn parse_encoding(text: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(text.as_bytes()).ok_or_else(|| {
        let hint = did_you_mean(text.trim(), COMMON_ENCODINGS.into_iter()).unwrap_or_default();
        format!(
            "'{}' is no known encoding{hint}; give a label such as utf-8, utf-16le, windows-1252 or shift_jis",
            text.escape_debug()
        )
    })
}

fn one_or_none(text: &str, what: &str) -> Result<Option<u8>, String> {
    if text == "none" {
        return Ok(None);
    }
    match single(text).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        Some(byte) => Ok(Some(byte)),
        None => Err(format!(
            "'{}' is no {what}; give one ASCII character that is no line end, or none",
            text.escape_debug()
        )),
    }
}

/// The only byte of a text that is one ASCII character.
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
        for (text, delimiter) in
            [(";", b';'), ("tab", b'\t'), ("\\t", b'\t'), ("\t", b'\t'), ("space", b' '), ("^", b'^')]
        {
            assert_eq!(parse_delimiter(text), Ok(Some(delimiter)), "{text}");
        }
        assert_eq!(parse_delimiter("auto"), Ok(None));
        for text in ["", "a", "7", "\"", "'", "\n", "\r", "§", ";;", "tabulator"] {
            let error = parse_delimiter(text).unwrap_err();
            assert!(error.contains("one ASCII character"), "{error}");
        }
    }

    #[test]
    fn a_quote_or_an_escape_is_a_character_or_none() {
        assert_eq!(parse_quote("'"), Ok(Some(b'\'')));
        assert_eq!(parse_quote("none"), Ok(None));
        assert_eq!(parse_escape("\\"), Ok(Some(b'\\')));
        assert_eq!(
            parse_escape("\n").unwrap_err(),
            r"'\n' is no escape; give one ASCII character that is no line end, or none"
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
    fn characters_that_cannot_be_told_apart_are_refused() {
        let ok = Dialect::default();
        assert_eq!(ok.check(), Ok(()));
        let refused = [
            Dialect { delimiter: Some(b'"'), ..ok.clone() },
            Dialect { delimiter: Some(b'\\'), escape: Some(b'\\'), ..ok.clone() },
            Dialect { escape: Some(b'"'), ..ok.clone() },
            Dialect { quote: None, escape: Some(b'\\'), ..ok },
        ];
        for dialect in refused {
            assert!(dialect.check().is_err(), "{dialect:?}");
        }
    }

    #[test]
    fn what_was_found_is_said_in_words() {
        let found = FoundDialect { delimiter: b'\t', encoding: "UTF-16LE", compression: Some("gzip") };
        assert_eq!(found.to_string(), "tab, UTF-16LE, gzip");
        assert_eq!(
            FoundDialect { delimiter: 1, compression: None, ..found }.to_string(),
            r"'\x01', UTF-16LE"
        );
    }
}
