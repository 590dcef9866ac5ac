//! Guesses the texts that stand for no value.

use std::collections::BTreeMap;

use crate::source::looks_like_null;

/// The texts that stand for no value in the rows: those that look so, and repeat or stand in a column of dates or
/// numbers.
pub fn guess_nulls(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut found: BTreeMap<&str, Marker> = BTreeMap::new();
    for column in 0..columns {
        let cells = || rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for cell in cells().filter(|cell| looks_like_null(cell)) {
            *counts.entry(cell).or_default() += 1;
        }
        if counts.is_empty() {
            continue;
        }
        let values = || cells().filter(|cell| !cell.trim().is_empty() && !counts.contains_key(*cell));
        let is_numeric = values().next().is_some() && values().all(is_date_or_number);
        // `NA` among the codes of countries is Namibia.
        let is_code = |cell: &str| cell.len() == 2 && cell.bytes().all(|byte| byte.is_ascii_uppercase());
        let has_codes = values().next().is_some() && values().all(is_code);
        for (text, count) in &counts {
            let marker = found.entry(*text).or_default();
            marker.count += *count;
            marker.is_in_numbers |= is_numeric;
            marker.is_value |= has_codes && is_code(text);
        }
    }
    let is_guessed = |marker: &Marker| !marker.is_value && (marker.count > 1 || marker.is_in_numbers);
    found.into_iter().filter(|(_, marker)| is_guessed(marker)).map(|(text, _)| text.to_owned()).collect()
}

/// Occurrences of one text.
#[derive(Default)]
struct Marker {
    count: usize,
    is_in_numbers: bool,
    /// Whether a column has values of its kind.
    is_value: bool,
}

/// Whether a cell is a number, a date or a time: digits, and little else.
fn is_date_or_number(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && digits * 2 >= cell.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(rows: &[&[&str]]) -> Vec<String> {
        let row = |row: &&[&str]| row.iter().map(|cell| cell.to_string()).collect();
        guess_nulls(&rows.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn a_marker_repeats_or_stands_among_dates_or_numbers() {
        assert_eq!(guessed(&[&["1", "\\N"], &["2", "\\N"]]), ["\\N"]);
        assert_eq!(guessed(&[&["2024-03-05 10:00", "x"], &["NULL", "y"]]), ["NULL"]);
        assert_eq!(guessed(&[&["1.5", "NA"], &["?", "Null"]]), ["?"]);
        assert!(guessed(&[&["a", "None"], &["b", "c"]]).is_empty());
        assert!(guessed(&[]).is_empty());
    }

    #[test]
    fn a_code_of_a_country_is_no_marker() {
        assert!(guessed(&[&["DE"], &["NA"], &["NA"], &["US"]]).is_empty());
        assert_eq!(guessed(&[&["Germany"], &["NA"], &["NA"]]), ["NA"]);
    }
}
