//! Detection of rows that a quote has swallowed.

use memchr::{memchr_iter, memchr2};

/// Whether a record of several lines looks like several rows: each of its lines has as many delimiters as a row without
/// quotes has, the first and the last line included. A file without quoting, such as that of COPY's text format, reads
/// so as CSV where a cell begins with a quote and a later one ends with one.
///
/// A delimiter before a space is prose, unless every one is: `yes, of course`.
pub(super) fn may_hold_rows(record: &[u8], delimiter: u8, columns: usize) -> bool {
    let record = record.trim_ascii_end();
    if columns < 2 || memchr2(b'\n', b'\r', record).is_none() {
        return false;
    }
    let is_row = |line: &[u8]| {
        let mut delimiters = memchr_iter(delimiter, line);
        let is_prose = |at: usize| delimiter != b'\t' && line.get(at + 1) == Some(&b' ');
        memchr_iter(delimiter, line).count() == columns - 1 && !delimiters.all(is_prose)
    };
    // A line end of two bytes makes an empty line, which is passed over.
    let lines = record.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    lines.clone().count() > 1 && { lines }.all(is_row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_each_of_whose_lines_is_a_row_may_hold_rows() {
        for (record, delimiter, columns, expected) in [
            ("3\tc\t\"starts\t3\n4\td\tplain\t4\n5\te\tends\"\tn5\n", b'\t', 4, true),
            ("1,\"a\r\n2,b\"\r\n", b',', 2, true),
            ("1,\"a\n\nb\"", b',', 2, false),
            ("1,\"Dear sir,\nyes\"", b',', 2, false),
            ("1,\"dear\nyes, of course\"", b',', 2, false),
            ("1,\"a b\"\n", b',', 2, false),
            ("\"a\nb\"", b',', 1, false),
            ("3\tc\t\"starts\t3\n4\td\tplain\n5\te\tends\"\tn5", b'\t', 4, false),
        ] {
            assert_eq!(may_hold_rows(record.as_bytes(), delimiter, columns), expected, "{record:?}");
        }
    }
}
