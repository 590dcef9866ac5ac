//! Detection of the delimiter from the first records.

use std::cmp::Reverse;

use crate::source::dialect::Dialect;
use crate::source::line_end::LineEnd;
use crate::source::record::{REJECT_COLUMNS, saved_column};
use crate::source::records::RecordReader;

/// Delimiters to detect. Where the file does not decide, the first one wins.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// The beginning of a file's text.
#[derive(Clone, Copy)]
pub(super) struct TextSample<'a> {
    pub(super) text: &'a [u8],
    /// Whether it is the whole text; otherwise its last record may be incomplete.
    pub(super) is_whole: bool,
}

impl TextSample<'_> {
    /// The complete records of the sample.
    pub(super) fn records(&self, dialect: &Dialect, delimiter: u8) -> Vec<csv::ByteRecord> {
        let line_end = LineEnd::of_first(self.text, dialect.quote);
        let mut reader = RecordReader::new(self.text, 1, line_end, dialect, delimiter);
        let (mut records, mut fields) = (Vec::new(), csv::StringRecord::new());
        loop {
            match reader.read(&mut fields, 0) {
                Ok(Some(_)) => records.push(fields.clone().into_byte_record()),
                Ok(None) if self.is_whole => return records,
                Ok(None) => {
                    records.pop();
                    return records;
                }
                // A quote that is never closed in the sample may be closed after it.
                Err(_) => return records,
            }
        }
    }
}

/// The delimiter that splits the header into several columns and most other records into as many fields.
pub(super) fn detect_delimiter(sample: TextSample<'_>, dialect: &Dialect) -> u8 {
    let score = |candidate: u8| {
        let records = sample.records(dialect, candidate);
        let header = records.first().filter(|header| header.len() > 1)?;
        // The number of columns is known if the job names them.
        let width = if dialect.columns.is_empty() { header.len() } else { dialect.columns.len() };
        // With a wrong delimiter, quotes become part of the fields.
        let quotes = header.iter().flatten().filter(|byte| Some(**byte) == dialect.quote).count();
        // A space follows the commas of a text, and hardly ever a delimiter.
        let spaced = header.iter().skip(1).filter(|field| field.starts_with(b" ")).count();
        let regular = records.iter().filter(|record| record.len() == width).count();
        // In millionths, because floating point numbers have no total order.
        Some((Reverse(quotes), regular * 1_000_000 / records.len(), Reverse(spaced), header.len()))
    };
    let usable = usable_candidates(dialect);
    // Reversed, because max_by_key returns the last of several maxima.
    let scored = usable.iter().rev().filter_map(|candidate| Some((score(*candidate)?, *candidate)));
    let default = usable.first().copied().unwrap_or(b',');
    scored.max_by_key(|(score, _)| *score).map_or(default, |(_, candidate)| candidate)
}

/// The delimiters to detect that are neither quote nor escape.
pub(super) fn usable_candidates(dialect: &Dialect) -> Vec<u8> {
    CANDIDATES.into_iter().filter(|candidate| dialect.can_use(*candidate)).collect()
}

/// The delimiter of a rejects file; none if the file is not one. This tool writes commas, but a spreadsheet may have
/// saved the file with another delimiter.
pub(super) fn rejects_delimiter(sample: TextSample<'_>) -> Option<u8> {
    CANDIDATES.into_iter().find(|candidate| {
        let records = sample.records(&Dialect::of_rejects(*candidate), *candidate);
        let columns = REJECT_COLUMNS.map(str::as_bytes);
        records.first().is_some_and(|header| {
            let own = header.len().saturating_sub(columns.len());
            header.iter().skip(own).map(saved_column).eq(columns)
        })
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
    fn a_rejects_file_is_detected_with_any_delimiter() {
        for delimiter in CANDIDATES {
            let header = ["id", "\"a;,b\""].into_iter().chain(REJECT_COLUMNS).collect::<Vec<_>>();
            let text = header.join(char::from(delimiter).to_string().as_str());
            let sample = TextSample { text: text.as_bytes(), is_whole: true };
            assert_eq!(rejects_delimiter(sample), Some(delimiter));
            assert_eq!(rejects_delimiter(TextSample { is_whole: false, ..sample }), None);
        }
        assert_eq!(rejects_delimiter(TextSample { text: b"_message,_row\n", is_whole: true }), None);
    }
}
