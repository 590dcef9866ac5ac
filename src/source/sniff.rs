//! What the front of a file says of its delimiter.

use std::cmp::Reverse;

use super::REJECT_COLUMNS;
use super::dialect::{Dialect, can_delimit};

/// The delimiters that are looked for; an earlier one wins where nothing else tells.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// The front of a file's text.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub(super) text: &'a [u8],
    /// Whether that is all there is; otherwise the last record may be cut off.
    pub(super) is_whole: bool,
}

impl Sample<'_> {
    fn records(&self, dialect: &Dialect, delimiter: u8) -> Vec<csv::ByteRecord> {
        let reader = dialect.parser(delimiter).from_reader(self.text);
        let mut records: Vec<_> = reader.into_byte_records().map_while(Result::ok).collect();
        if !self.is_whole {
            records.pop();
        }
        records
    }
}

/// Excel's first line `sep=;`: the delimiter it names, and its length with its line end.
pub(super) fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let quoted = usize::from(text.starts_with(b"\""));
    let (word, rest) = text.get(quoted..)?.split_at_checked(b"sep=".len())?;
    let (delimiter, rest) = rest.split_first()?;
    if !word.eq_ignore_ascii_case(b"sep=") || (quoted == 1 && !rest.starts_with(b"\"")) {
        return None;
    }
    let end = match &rest[quoted..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    can_delimit(*delimiter).then_some((*delimiter, b"sep=;".len() + 2 * quoted + end))
}

/// The delimiter under which the header has several columns and the other records have as many cells.
pub(super) fn delimiter(sample: Sample<'_>, dialect: &Dialect) -> u8 {
    let fit = |candidate: u8| {
        let records = sample.records(dialect, candidate);
        let header = records.first().filter(|header| header.len() > 1)?;
        // Under a wrong delimiter, quotes that stand around cells become part of them.
        let quotes = header.iter().flatten().filter(|byte| Some(**byte) == dialect.quote).count();
        // Nobody puts a space after a delimiter in one place and not in others, but after a comma in a text.
        let spaced = header.iter().skip(1).filter(|cell| cell.starts_with(b" ")).count();
        let alike = records.iter().filter(|record| record.len() == header.len()).count();
        // Of a million, for a comparison without floating point.
        Some((Reverse(quotes), alike * 1_000_000 / records.len(), Reverse(spaced), header.len()))
    };
    let able: Vec<u8> = CANDIDATES.into_iter().filter(|candidate| dialect.allows(*candidate)).collect();
    // The last of the best is taken, so the order is turned round.
    let best = able.iter().rev().filter_map(|candidate| Some((fit(*candidate)?, *candidate)));
    let none = able.first().copied().unwrap_or(b',');
    best.max_by_key(|(fit, _)| *fit).map_or(none, |(_, candidate)| candidate)
}

/// The delimiter of a rejects file, none if this is not one. This tool writes commas; a spreadsheet
/// may have saved it with another.
pub(super) fn rejects_delimiter(sample: Sample<'_>) -> Option<u8> {
    CANDIDATES.into_iter().find(|candidate| {
        let records = sample.records(&Dialect::own(*candidate), *candidate);
        let columns = REJECT_COLUMNS.map(str::as_bytes);
        records
            .first()
            .is_some_and(|header| header.iter().skip(header.len().saturating_sub(columns.len())).eq(columns))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(text: &str) -> char {
        delimiter(Sample { text: text.as_bytes(), is_whole: true }, &Dialect::default()).into()
    }

    #[test]
    fn the_delimiter_is_the_one_that_splits_all_records_alike() {
        for (text, expected) in [
            ("a;b\n1,5;2\n3,5;4\n", ';'),
            ("a\tb\n1\t2\n", '\t'),
            ("a|b,c|d\n1|2|3\n4|5|6\n", '|'),
            ("id,a;b\n1,x\n2,y\n", ','),
            // Not in the header, however often elsewhere.
            ("name,text\nx,a;b;c\ny,d;e;f\n", ','),
            ("only\n1;2\n3;4\n", ','),
            ("", ','),
            // More columns, then the order.
            ("a,b;c;d\n", ';'),
            ("a;b,c\n", ','),
            ("Name, Vorname;Ort\nM, M;B\n", ';'),
            ("a, b\tc, d\n1, 2\t3, 4\n", '\t'),
        ] {
            assert_eq!(sniffed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn delimiters_inside_quotes_do_not_count() {
        assert_eq!(sniffed("\"a,b,c\";d\n"), ';');
        assert_eq!(sniffed("\"a\";\"b,c\"\n\"x\";\"y,z\"\n"), ';');
        let dialect = Dialect { quote: Some(b'\''), ..Dialect::default() };
        let text = b"'a,b,c';d\n";
        assert_eq!(delimiter(Sample { text, is_whole: true }, &dialect), b';');
    }

    #[test]
    fn a_record_that_is_cut_off_says_nothing() {
        let text = b"a;b,c\n1;2,3\n4;5";
        assert_eq!(delimiter(Sample { text, is_whole: true }, &Dialect::default()), b';');
        assert_eq!(delimiter(Sample { text, is_whole: false }, &Dialect::default()), b',');
    }

    #[test]
    fn a_quote_is_no_delimiter() {
        let dialect = Dialect { quote: Some(b','), escape: Some(b';'), ..Dialect::default() };
        assert_eq!(delimiter(Sample { text: b"a,b;c\n", is_whole: true }, &dialect), b'\t');
    }

    #[test]
    fn excels_line_is_known_by_its_exact_form() {
        assert_eq!(separator_line(b"sep=;\na;b"), Some((b';', 6)));
        assert_eq!(separator_line(b"sep=\t\r\na"), Some((b'\t', 7)));
        assert_eq!(separator_line(b"SEP=;\na"), Some((b';', 6)));
        assert_eq!(separator_line(b"\"sep=;\"\na"), Some((b';', 8)));
        for text in ["sep=;", "sep=\n", "sep=;;\n", "sep=x\n", "\"sep=;\n", "sep=\"\n", "a\nsep=;\n"] {
            assert_eq!(separator_line(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_rejects_file_is_known_under_any_delimiter() {
        for delimiter in CANDIDATES {
            let header = ["id", "\"a;,b\""].into_iter().chain(REJECT_COLUMNS).collect::<Vec<_>>();
            let text = header.join(char::from(delimiter).to_string().as_str());
            let sample = Sample { text: text.as_bytes(), is_whole: true };
            assert_eq!(rejects_delimiter(sample), Some(delimiter));
            assert_eq!(rejects_delimiter(Sample { is_whole: false, ..sample }), None);
        }
        assert_eq!(rejects_delimiter(Sample { text: b"_code,_message\n", is_whole: true }), None);
    }
}
