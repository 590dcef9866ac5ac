//! Detection of a file's compression, encoding and delimiter from its first 64 KiB.

use std::cmp::Reverse;
use std::io::{self, Read};
use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_8};

use super::decode::{decoded, encoding_of, looks_like_utf16};
use super::decompress::{Peeked, decompressed, peek};
use super::dialect::{Dialect, FoundDialect, is_delimiter};
use super::error::SourceError;
use super::record::REJECT_COLUMNS;

/// Bytes of a file to detect its dialect from.
const SAMPLE_BYTES: usize = 64 << 10;

/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Delimiters to detect. Where the file does not decide, the first one wins.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// The text of a file, and how to parse it.
pub(super) struct DetectedCsv {
    /// UTF-8 from the header on; malformed text is found by the csv crate.
    pub(super) bytes: Peeked<Box<dyn Read + Send>>,
    /// The line of the file on which the bytes start.
    pub(super) line: u64,
    pub(super) parser: csv::ReaderBuilder,
    /// The dialect of the parser: the declared one, or that of a rejects file.
    pub(super) dialect: Dialect,
    pub(super) found: FoundDialect,
    /// The message for fields with malformed text.
    pub(super) encoding_problem: String,
}

impl DetectedCsv {
    /// Detects what `dialect` leaves open, and skips what precedes the header.
    pub(super) fn open(
        file: &str,
        bytes: impl Read + Send + 'static,
        dialect: &Dialect,
    ) -> Result<Self, SourceError> {
        let failed = |source: io::Error| {
            let path = PathBuf::from(file);
            SourceError::from_stream(&source, file, 0, 1).unwrap_or(SourceError::Open { path, source })
        };
        let (bytes, compression) = decompressed(bytes).map_err(failed)?;
        let (head, mut bytes) = peek(bytes, SAMPLE_BYTES).map_err(failed)?;

        // A rejects file is written by this tool, whatever dialect the job declares for its CSVs.
        let rejects = rejects_dialect(&head);
        let is_rejects_file = rejects.is_some();
        let dialect = &rejects.unwrap_or_else(|| dialect.clone());
        let (encoding, mark) = encoding_of(&head, dialect.encoding);
        if dialect.encoding.is_none()
            && mark == 0
            && let Some(label) = looks_like_utf16(&head)
        {
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let encoding_problem = match (mark, dialect.encoding) {
            _ if mark > 0 => format!("{}, the encoding of its byte order mark", not_valid(encoding)),
            _ if is_rejects_file => "not UTF-8; save the rejects file as UTF-8".into(),
            (_, Some(_)) => format!("{}; set the file's encoding with --encoding", not_valid(encoding)),
            (_, None) => {
                "not UTF-8; set the file's encoding with --encoding, for example windows-1252".into()
            }
        };

        bytes.get_mut().0.set_position(mark as u64);
        let (head, mut bytes) = peek(decoded(bytes, encoding), SAMPLE_BYTES).map_err(failed)?;
        let preamble = Preamble::of(&head);
        bytes.get_mut().0.set_position(preamble.length as u64);
        let text = &head[preamble.length..];
        if let Some(at) = nul_in_first_line(text) {
            // Undecoded UTF-16: the position of a Latin letter's NUL tells the byte order.
            let label = if at % 2 == 1 { "utf-16le" } else { "utf-16be" };
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let sample = TextSample { text, is_whole: head.len() < SAMPLE_BYTES };
        let separator = preamble.delimiter.filter(|named| dialect.can_use(*named));
        let delimiter = dialect.delimiter.or(separator).unwrap_or_else(|| detect_delimiter(sample, dialect));
        Ok(DetectedCsv {
            bytes,
            line: if preamble.delimiter.is_some() { 2 } else { 1 },
            parser: dialect.parser(delimiter),
            dialect: dialect.clone(),
            found: FoundDialect { delimiter, encoding: encoding.name(), compression },
            encoding_problem,
        })
    }
}

/// Position of a NUL in the header's line; text that is decoded correctly has none there.
fn nul_in_first_line(text: &[u8]) -> Option<usize> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.iter().position(|byte| *byte == 0)
}

fn not_valid(encoding: &'static Encoding) -> String {
    if encoding == UTF_8 { "not UTF-8".into() } else { format!("not valid {}", encoding.name()) }
}

/// Byte order marks and Excel's `sep=` line, which precede the header.
struct Preamble {
    length: usize,
    /// The delimiter of the `sep=` line.
    delimiter: Option<u8>,
}

impl Preamble {
    /// Concatenated exports may have several marks. The csv crate removes one, and only if a single read returns it.
    fn of(text: &[u8]) -> Self {
        let chunks = text.chunks_exact(BYTE_ORDER_MARK.len());
        let marks = chunks.take_while(|chunk| *chunk == BYTE_ORDER_MARK).count() * BYTE_ORDER_MARK.len();
        match separator_line(&text[marks..]) {
            Some((delimiter, length)) => Preamble { length: marks + length, delimiter: Some(delimiter) },
            None => Preamble { length: marks, delimiter: None },
        }
    }
}

/// Excel's first line `sep=;`: its delimiter, and its length with the line end.
fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let quoted = usize::from(text.starts_with(b"\""));
    let (keyword, rest) = text.get(quoted..)?.split_at_checked(b"sep=".len())?;
    let (delimiter, rest) = rest.split_first()?;
    if !keyword.eq_ignore_ascii_case(b"sep=") || (quoted == 1 && !rest.starts_with(b"\"")) {
        return None;
    }
    let end = match &rest[quoted..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    is_delimiter(*delimiter).then_some((*delimiter, b"sep=;".len() + 2 * quoted + end))
}

/// The dialect of a rejects file; none if the file is not one.
fn rejects_dialect(head: &[u8]) -> Option<Dialect> {
    let (text, _, _) = UTF_8.decode(head);
    let text = &text.as_bytes()[Preamble::of(text.as_bytes()).length..];
    rejects_delimiter(TextSample { text, is_whole: head.len() < SAMPLE_BYTES }).map(Dialect::of_rejects)
}

/// The beginning of a file's text.
#[derive(Clone, Copy)]
struct TextSample<'a> {
    text: &'a [u8],
    /// Whether it is the whole text; otherwise its last record may be incomplete.
    is_whole: bool,
}

impl TextSample<'_> {
    /// The complete records of the sample.
    fn records(&self, dialect: &Dialect, delimiter: u8) -> Vec<csv::ByteRecord> {
        let reader = dialect.parser(delimiter).from_reader(self.text);
        let mut records: Vec<_> = reader.into_byte_records().map_while(Result::ok).collect();
        if !self.is_whole {
            records.pop();
        }
        records
    }
}

/// The delimiter that splits the header into several columns and most other records into as many fields.
fn detect_delimiter(sample: TextSample<'_>, dialect: &Dialect) -> u8 {
    let score = |candidate: u8| {
        let records = sample.records(dialect, candidate);
        let header = records.first().filter(|header| header.len() > 1)?;
        // With a wrong delimiter, quotes become part of the fields.
        let quotes = header.iter().flatten().filter(|byte| Some(**byte) == dialect.quote).count();
        // A space follows the commas of a text, and hardly ever a delimiter.
        let spaced = header.iter().skip(1).filter(|field| field.starts_with(b" ")).count();
        let regular = records.iter().filter(|record| record.len() == header.len()).count();
        // In millionths, because floating point numbers have no total order.
        Some((Reverse(quotes), regular * 1_000_000 / records.len(), Reverse(spaced), header.len()))
    };
    let usable: Vec<u8> = CANDIDATES.into_iter().filter(|candidate| dialect.can_use(*candidate)).collect();
    // Reversed, because max_by_key returns the last of several maxima.
    let scored = usable.iter().rev().filter_map(|candidate| Some((score(*candidate)?, *candidate)));
    let default = usable.first().copied().unwrap_or(b',');
    scored.max_by_key(|(score, _)| *score).map_or(default, |(_, candidate)| candidate)
}

/// The delimiter of a rejects file; none if the file is not one. This tool writes commas, but a spreadsheet may have
/// saved the file with another delimiter.
fn rejects_delimiter(sample: TextSample<'_>) -> Option<u8> {
    CANDIDATES.into_iter().find(|candidate| {
        let records = sample.records(&Dialect::of_rejects(*candidate), *candidate);
        let columns = REJECT_COLUMNS.map(str::as_bytes);
        records
            .first()
            .is_some_and(|header| header.iter().skip(header.len().saturating_sub(columns.len())).eq(columns))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(text: &str) -> char {
        detect_delimiter(TextSample { text: text.as_bytes(), is_whole: true }, &Dialect::default()).into()
    }

    #[test]
    fn the_delimiter_splits_all_records_into_as_many_fields() {
        for (text, expected) in [
            ("a;b\n1,5;2\n3,5;4\n", ';'),
            ("a\tb\n1\t2\n", '\t'),
            ("a|b,c|d\n1|2|3\n4|5|6\n", '|'),
            ("id,a;b\n1,x\n2,y\n", ','),
            // Not in the header, though often elsewhere.
            ("name,text\nx,a;b;c\ny,d;e;f\n", ','),
            ("only\n1;2\n3;4\n", ','),
            ("", ','),
            // More columns win, then the order of the candidates.
            ("a,b;c;d\n", ';'),
            ("a;b,c\n", ','),
            ("Name, Vorname;Ort\nM, M;B\n", ';'),
            ("a, b\tc, d\n1, 2\t3, 4\n", '\t'),
        ] {
            assert_eq!(detected(text), expected, "{text:?}");
        }
    }

    #[test]
    fn delimiters_inside_quotes_do_not_count() {
        assert_eq!(detected("\"a,b,c\";d\n"), ';');
        assert_eq!(detected("\"a\";\"b,c\"\n\"x\";\"y,z\"\n"), ';');
        let dialect = Dialect { quote: Some(b'\''), ..Dialect::default() };
        let text = b"'a,b,c';d\n";
        assert_eq!(detect_delimiter(TextSample { text, is_whole: true }, &dialect), b';');
    }

    #[test]
    fn an_incomplete_record_is_ignored() {
        let text = b"a;b,c\n1;2,3\n4;5";
        assert_eq!(detect_delimiter(TextSample { text, is_whole: true }, &Dialect::default()), b';');
        assert_eq!(detect_delimiter(TextSample { text, is_whole: false }, &Dialect::default()), b',');
    }

    #[test]
    fn a_quote_or_an_escape_is_not_detected_as_delimiter() {
        let dialect = Dialect { quote: Some(b','), escape: Some(b';'), ..Dialect::default() };
        assert_eq!(detect_delimiter(TextSample { text: b"a,b;c\n", is_whole: true }, &dialect), b'\t');
    }

    #[test]
    fn only_the_exact_form_of_excels_separator_line_is_one() {
        assert_eq!(separator_line(b"sep=;\na;b"), Some((b';', 6)));
        assert_eq!(separator_line(b"sep=\t\r\na"), Some((b'\t', 7)));
        assert_eq!(separator_line(b"SEP=;\na"), Some((b';', 6)));
        assert_eq!(separator_line(b"\"sep=;\"\na"), Some((b';', 8)));
        for text in ["sep=;", "sep=\n", "sep=;;\n", "sep=x\n", "\"sep=;\n", "sep=\"\n", "a\nsep=;\n"] {
            assert_eq!(separator_line(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_rejects_file_is_detected_with_any_delimiter() {
        for delimiter in CANDIDATES {
            let header = ["id", "\"a;,b\""].into_iter().chain(REJECT_COLUMNS).collect::<Vec<_>>();
            let text = header.join(char::from(delimiter).to_string().as_str());
            let sample = TextSample { text: text.as_bytes(), is_whole: true };
            assert_eq!(rejects_delimiter(sample), Some(delimiter));
            assert_eq!(rejects_delimiter(TextSample { is_whole: false, ..sample }), None);
        }
        assert_eq!(rejects_delimiter(TextSample { text: b"_code,_message\n", is_whole: true }), None);
    }
}
