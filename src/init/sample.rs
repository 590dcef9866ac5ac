//! The part of the CSV that the guesses rest on.

use std::collections::{HashMap, HashSet};

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
    /// Lines for `[source]` about the file's form: comments and keys.
    pub source_lines: &'a [String],
    /// Texts that stand for no value; they are empty in `rows`.
    pub null: &'a [String],
}

#[cfg(test)]
impl<'a> CsvSample<'a> {
    /// A sample that is the whole of `export.csv`.
    pub(super) fn whole(columns: &'a [String], rows: &'a [Vec<String>]) -> Self {
        CsvSample {
            file: "export.csv",
            columns,
            rows,
            lines: &[],
            is_complete: true,
            source_lines: &[],
            null: &[],
            delimiter: None,
            quote: None,
            escape: None,
            encoding: None,
        }
    }
}

/// The most likely encoding of a file that begins with `bytes`, by the rules of web browsers; none for UTF-8. A file
/// most of whose letters outside of ASCII are valid UTF-8 is UTF-8 with broken bytes: in any other encoding, all of
/// these letters would be wrong. None also after a byte order mark, which names the encoding of a file that is broken.
pub fn guess_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    if Encoding::for_bom(bytes).is_some() {
        return None;
    }
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if valid >= broken {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    Some(detector.guess(None, Utf8Detection::Deny))
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
    index: usize,
    all_rows: &'a [Vec<String>],
    rows: usize,
}

/// Cells of a column that keep it from identifying every row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyGaps {
    pub(super) empty: usize,
    pub(super) repeated: usize,
    /// Index of the first row without a cell.
    pub(super) first_empty: Option<usize>,
    /// Indices of the first row that repeats a cell, and of the row that has it first.
    pub(super) first_repeated: Option<(usize, usize)>,
}

impl KeyGaps {
    /// How many rows the column does not identify.
    pub(super) fn rows(&self) -> usize {
        self.empty + self.repeated
    }
}

impl<'a> SampleColumn<'a> {
    pub(super) fn new(index: usize, name: &'a str, rows: &'a [Vec<String>]) -> Self {
        let cells = rows.iter().map(|row| row.get(index).map_or("", |cell| cell.trim())).enumerate();
        let (row_indices, cells) = cells.filter(|(_, cell)| !cell.is_empty()).unzip();
        SampleColumn { name, words: words(name), cells, row_indices, index, all_rows: rows, rows: rows.len() }
    }

    /// The column with the cells that pass `test`; the others count as empty.
    pub(super) fn filtered(&self, test: impl Fn(&str) -> bool) -> Self {
        let cells = self.row_indices.iter().copied().zip(self.cells.iter().copied());
        let (row_indices, cells) = cells.filter(|(_, cell)| test(cell)).unzip();
        SampleColumn { words: self.words.clone(), cells, row_indices, ..*self }
    }

    /// The cells that pass `test`, with the white space at their ends.
    pub(super) fn untrimmed(&self, test: impl Fn(&str) -> bool) -> impl Iterator<Item = &'a str> {
        let cells = self.row_indices.iter().zip(&self.cells).filter(move |(_, cell)| test(cell));
        cells.filter_map(|(row, _)| Some(self.all_rows.get(*row)?.get(self.index)?.as_str()))
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

    /// The trimmed cell of each row.
    pub(super) fn every_cell(&self) -> impl Iterator<Item = &'a str> {
        let mut filled = self.row_indices.iter().zip(&self.cells).peekable();
        (0..self.rows).map(move |row| filled.next_if(|(at, _)| **at == row).map_or("", |(_, cell)| *cell))
    }

    /// The number of rows of the sample.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows have no cell here.
    pub(super) fn empty_cells(&self) -> usize {
        self.rows - self.cells.len()
    }

    /// The empty and the repeated cells.
    pub(super) fn key_gaps(&self) -> KeyGaps {
        let mut first_rows = HashMap::with_capacity(self.cells.len());
        let mut gaps = KeyGaps::default();
        for (row, cell) in self.every_cell().enumerate() {
            if cell.is_empty() {
                gaps.empty += 1;
                gaps.first_empty.get_or_insert(row);
            } else if let Some(first) = first_rows.get(cell) {
                gaps.repeated += 1;
                gaps.first_repeated.get_or_insert((row, *first));
            } else {
                first_rows.insert(cell, row);
            }
        }
        gaps
    }

    /// How many cells hold the most common text.
    pub(super) fn most_common(&self) -> usize {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for cell in &self.cells {
            *counts.entry(*cell).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// How many different texts the cells hold.
    pub(super) fn distinct_cells(&self) -> usize {
        self.cells.iter().collect::<HashSet<_>>().len()
    }

    /// Whether every row has a cell and the cells count the rows from 0 or 1.
    pub(super) fn is_row_number(&self) -> bool {
        let counts_from = |start: usize| {
            self.rows > 0 && self.every_cell().zip(start..).all(|(cell, row)| cell.parse() == Ok(row))
        };
        counts_from(1) || counts_from(0)
    }

    /// Whether every cell is an e-mail address, or a telephone number with a plus, spaces or parentheses.
    pub(super) fn is_address(&self) -> bool {
        self.all(|cell| is_email(cell) || is_telephone(cell))
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
        self.cells.iter().any(|cell| cell.contains(char::is_alphabetic)) && !self.all(is_email)
    }
}

fn is_email(cell: &str) -> bool {
    cell.contains('@') && !cell.contains(char::is_whitespace)
}

fn is_telephone(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let is_written_out = cell.starts_with('+') || cell.contains([' ', '(', '/']);
    digits >= 3 && is_written_out && cell.chars().all(|c| c.is_ascii_digit() || "+-()/. ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&str]) -> Vec<Vec<String>> {
        cells.iter().map(|cell| vec![cell.to_string()]).collect()
    }

    #[test]
    fn a_byte_order_mark_leaves_no_encoding_to_guess() {
        let text: Vec<u8> = "\u{feff}id,é\n1,ü\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(guess_encoding(&[&text[..], b"\0"].concat()), None);
        assert_eq!(guess_encoding(b"id,Caf\xE9\n1,M\xFCller\n").map(Encoding::name), Some("windows-1252"));
    }

    #[test]
    fn a_cell_keeps_its_row_when_others_are_left_out() {
        let rows = rows(&["a", "", "b", "c "]);
        let column = SampleColumn::new(0, "Column", &rows).filtered(|cell| cell != "b");
        assert_eq!((&column.cells[..], column.row(1), column.row(2)), (&["a", "c"][..], Some(3), None));
        assert_eq!(column.untrimmed(|cell| cell == "c").collect::<Vec<_>>(), ["c "]);
    }

    #[test]
    fn the_first_empty_and_repeated_cells_are_found() {
        let gaps = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).key_gaps();
        assert_eq!(gaps(&["a", "b"]), KeyGaps::default());
        let expected = KeyGaps { empty: 2, repeated: 1, first_empty: Some(1), first_repeated: Some((3, 0)) };
        assert_eq!(gaps(&["a", " ", "b", "a ", ""]), expected);
        assert_eq!(expected.rows(), 3);
    }

    #[test]
    fn cells_that_count_the_rows_are_row_numbers() {
        let is_row_number = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).is_row_number();
        assert!(is_row_number(&["1", "2", "3"]) && is_row_number(&["0", "1"]));
        assert!(!is_row_number(&["501", "502"]) && !is_row_number(&["1", "3"]) && !is_row_number(&[]));
    }

    #[test]
    fn e_mail_addresses_and_telephone_numbers_are_addresses() {
        let is_address = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).is_address();
        assert!(is_address(&["a@example.org", "", "b@example.org"]));
        assert!(is_address(&["+44 20 7946 0000", "(0)30 / 901820"]));
        assert!(!is_address(&["4711", "4712"]) && !is_address(&["HD-10001"]) && !is_address(&["", ""]));
    }

    #[test]
    fn addresses_and_numbers_are_not_text() {
        let is_text = |cells: &[&str]| SampleColumn::new(0, "Column", &rows(cells)).is_text();
        assert!(is_text(&["a@example.org", "write to a@example.org"]));
        assert!(!is_text(&["a@example.org", "b@example.org"]));
        assert!(!is_text(&["12.50", "7"]));
    }
}
