//! One column of the sample.

use std::collections::HashSet;

use super::words::words;

/// A column: its name, and what the sample's rows have in it.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) name: &'a str,
    pub(super) words: Vec<String>,
    /// The cells with more in them than white space, trimmed.
    pub(super) cells: Vec<&'a str>,
    rows: usize,
}

impl<'a> Column<'a> {
    pub(super) fn new(index: usize, name: &'a str, rows: &'a [Vec<String>]) -> Self {
        let cells = rows.iter().filter_map(|row| row.get(index).map(|cell| cell.trim()));
        Column {
            name,
            words: words(name),
            cells: cells.filter(|cell| !cell.is_empty()).collect(),
            rows: rows.len(),
        }
    }

    /// Rows were looked at, and none has anything here.
    pub(super) fn is_empty(&self) -> bool {
        self.rows > 0 && self.cells.is_empty()
    }

    /// There is a cell, and all cells are such.
    pub(super) fn all(&self, test: impl Fn(&str) -> bool) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|cell| test(cell))
    }

    /// No row is without a cell, and no two rows share one.
    pub(super) fn is_distinct(&self) -> bool {
        let mut seen = HashSet::new();
        self.cells.len() == self.rows && self.cells.iter().all(|cell| seen.insert(cell))
    }

    /// The characters of a cell, on average.
    pub(super) fn average_chars(&self) -> usize {
        let chars: usize = self.cells.iter().map(|cell| cell.chars().count()).sum();
        chars / self.cells.len().max(1)
    }

    /// The bytes of the longest cell.
    pub(super) fn longest_bytes(&self) -> usize {
        self.cells.iter().map(|cell| cell.len()).max().unwrap_or(0)
    }

    /// Every cell is a web address.
    pub(super) fn is_url(&self) -> bool {
        self.all(|cell| {
            let scheme =
                |scheme: &str| cell.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
            scheme("http://") || scheme("https://")
        })
    }

    /// Some cell has a letter, and it is not all e-mail addresses.
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
    fn urls_are_urls_in_every_cell_that_is_not_empty() {
        let is_url = |cells: &[&str]| Column::new(0, "Column", &rows(cells)).is_url();
        assert!(is_url(&["https://a.example", "", " HTTP://b.example"]));
        assert!(!is_url(&["https://a.example", "none"]));
        assert!(!is_url(&["", ""]));
    }

    #[test]
    fn distinct_cells_are_neither_repeated_nor_missing() {
        let is_distinct = |cells: &[&str]| Column::new(0, "Column", &rows(cells)).is_distinct();
        assert!(is_distinct(&["a", "b"]));
        assert!(!is_distinct(&["a", "a"]));
        assert!(!is_distinct(&["a", " "]));
    }

    #[test]
    fn addresses_and_numbers_are_not_text() {
        let is_text = |cells: &[&str]| Column::new(0, "Column", &rows(cells)).is_text();
        assert!(is_text(&["a@example.org", "write to a@example.org"]));
        assert!(!is_text(&["a@example.org", "b@example.org"]));
        assert!(!is_text(&["12.50", "7"]));
    }
}
