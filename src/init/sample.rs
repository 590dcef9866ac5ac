//! The part of the CSV that the guesses rest on.

use std::collections::HashSet;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use super::header_words::words;

/// The header, the first rows and the dialect of a CSV.
#[derive(Clone, Copy, Debug)]
pub struct CsvSample<'a> {
    /// The file's name for `[source] files`.
    pub file: &'a str,
    /// The unique names of the columns.
    pub columns: &'a [String],
    /// The first rows.
    pub rows: &'a [Vec<String>],
    /// The line of the file on which each row starts; empty if unknown.
    pub lines: &'a [u64],
    /// Whether these are all rows of the file.
    pub is_complete: bool,
    /// The field separator, unless it is a comma that was found.
    pub delimiter: Option<char>,
    /// The quote, if an option set it.
    pub quote: Option<&'a str>,
    /// The escape, if an option set it.
    pub escape: Option<&'a str>,
    /// The encoding, if it was guessed or an option set it.
    pub encoding: Option<&'a str>,
}

/// The most likely encoding of a file that begins with `bytes` and is not UTF-8, by the rules of web
/// browsers.
pub fn guess_encoding(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// A column of the sample.
#[derive(Debug)]
pub(super) struct SampleColumn<'a> {
    pub(super) name: &'a str,
    pub(super) words: Vec<String>,
    /// The trimmed cells that are not empty.
    pub(super) cells: Vec<&'a str>,
    /// The index of each cell's row.
    row_indices: Vec<usize>,
    rows: usize,
}

impl<'a> SampleColumn<'a> {
    pub(super) fn new(index: usize, name: &'a str, rows: &'a [Vec<String>]) -> Self {
        let cells = rows.iter().map(|row| row.get(index).map_or("", |cell| cell.trim())).enumerate();
        let (row_indices, cells) = cells.filter(|(_, cell)| !cell.is_empty()).unzip();
        SampleColumn { name, words: words(name), cells, row_indices, rows: rows.len() }
    }

    /// The column with the cells that pass `test`; the others count as empty.
    pub(super) fn filtered(&self, test: impl Fn(&str) -> bool) -> Self {
        let cells = self.row_indices.iter().copied().zip(self.cells.iter().copied());
        let (row_indices, cells) = cells.filter(|(_, cell)| test(cell)).unzip();
        SampleColumn { name: self.name, words: self.words.clone(), cells, row_indices, rows: self.rows }
    }

    /// The row of a cell, by the cell's index.
    pub(super) fn row(&self, cell: usize) -> Option<usize> {
        self.row_indices.get(cell).copied()
    }

    /// Whether the sample has rows and all cells of this column are empty.
    pub(super) fn is_empty(&self) -> bool {
        self.rows > 0 && self.cells.is_empty()
    }

    /// Whether the column has a cell and all its cells pass `test`.
    pub(super) fn all(&self, test: impl Fn(&str) -> bool) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|cell| test(cell))
    }

    /// Whether every row has a cell here and no two are equal.
    pub(super) fn is_distinct(&self) -> bool {
        let mut seen = HashSet::new();
        self.cells.len() == self.rows && self.cells.iter().all(|cell| seen.insert(cell))
    }

    /// The average length of a cell, in characters.
    pub(super) fn average_chars(&self) -> usize {
        let chars: usize = self.cells.iter().map(|cell| cell.chars().count()).sum();
        chars / self.cells.len().max(1)
    }

    /// The length of the longest cell, in bytes.
    pub(super) fn longest_bytes(&self) -> usize {
        self.cells.iter().map(|cell| cell.len()).max().unwrap_or(0)
    }

    /// Whether a cell has a letter and not all cells are e-mail addresses.
    pub(super) fn is_text(&self) -> bool {
        let is_address = |cell: &str| cell.contains('@') && !cell.contains(char::is_whitespace);
        self.cells.iter().any(|cell| cell.contains(char::is_alphabetic)) && !self.all(is_address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&str]) -> Vec<Vec<String>> {
        cells.iter().map(|cell| vec![cell.to_string()]).collect()
    }

    #[test]
    fn a_cell_keeps_its_row_when_others_are_left_out() {
        let rows = rows(&["a", "", "b", "c"]);
        let column = SampleColumn::new(0, "Column", &rows).filtered(|cell| cell != "b");
        assert_eq!((&column.cells[..], column.row(1), column.row(2)), (&["a", "c"][..], Some(3), None));
    }

    #[test]
    fn distinct_cells_are_neither_repeated_nor_missing() {
        let is_distinct = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).is_distinct();
        assert!(is_distinct(&["a", "b"]));
        assert!(!is_distinct(&["a", "a"]));
        assert!(!is_distinct(&["a", " "]));
    }

    #[test]
    fn addresses_and_numbers_are_not_text() {
        let is_text = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).is_text();
        assert!(is_text(&["a@example.org", "write to a@example.org"]));
        assert!(!is_text(&["a@example.org", "b@example.org"]));
        assert!(!is_text(&["12.50", "7"]));
    }
}
