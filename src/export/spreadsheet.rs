//! Cells of a CSV for spreadsheets, which run a cell as a formula by its first character, quoted or not.
//!
//! Source of the characters: OWASP, "CSV Injection", and ASVS 1.2.10. Excel where the list separator is `;`, and any
//! program that ignores quotes, begins another cell within one.

use std::borrow::Cow;

/// Makes a text of a cell.
const MARK: char = '\'';

/// `cell` with an apostrophe before everything that a spreadsheet would run as a formula: `=`, `+`, `-`, `@` and their
/// full-width forms, at the beginning, after white space and invisible characters, and after a `;`, a tab or a line end
/// within the cell; and before a control character at the beginning. A negative number is no formula. A number with a plus
/// sign is marked: it is most often a telephone number, which would lose its sign.
pub(crate) fn without_formula(cell: &str) -> Cow<'_, str> {
    let is_found = |c: char| is_trigger(c) || c.is_control();
    // Most cells have none of these characters.
    if !cell.contains(is_found) || is_negative_number(cell) {
        return Cow::Borrowed(cell);
    }
    let mut marked = String::with_capacity(cell.len() + 1);
    let mut is_start = !(cell.starts_with(char::is_control) || begins_a_formula(cell));
    if !is_start {
        marked.push(MARK);
    }
    for c in cell.chars() {
        if is_start && is_trigger(c) {
            marked.push(MARK);
        }
        is_start = ";\t\r\n".contains(c) || is_start && is_blank(c);
        marked.push(c);
    }
    Cow::Owned(marked)
}

fn begins_a_formula(cell: &str) -> bool {
    cell.trim_start_matches(is_blank).starts_with(is_trigger)
}

fn is_trigger(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// White space, and what spreadsheets remove or do not show.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

/// Whether a cell is a number such as `-5` or `-1,234.50`.
fn is_negative_number(cell: &str) -> bool {
    cell.strip_prefix('-').is_some_and(|digits| {
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || ",.".contains(c))
    })
}

/// Whether the cells of a CSV are written for a spreadsheet, or exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CellStyle {
    /// As they are.
    #[default]
    Exact,
    /// With an apostrophe before formulas.
    Spreadsheet,
}

impl CellStyle {
    /// The cell in this style.
    pub(crate) fn cell(self, cell: &str) -> Cow<'_, str> {
        match self {
            CellStyle::Exact => Cow::Borrowed(cell),
            CellStyle::Spreadsheet => without_formula(cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_marked() {
        for (cell, marked) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("+4930", "'+4930"),
            ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
            ("- item", "'- item"),
            ("-", "'-"),
            ("-,", "'-,"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1＋1", "'＝1＋1"),
            ("  =1", "'  =1"),
            ("\u{a0}\u{feff}=1", "'\u{a0}\u{feff}=1"),
            ("\t=1", "'\t'=1"),
            ("\rx", "'\rx"),
            ("\u{0}x", "'\u{0}x"),
            ("a;=1", "a;'=1"),
            ("a; \t+1;b", "a; \t'+1;b"),
            ("two\r\n=lines", "two\r\n'=lines"),
            ("=1;=2", "'=1;'=2"),
        ] {
            assert_eq!(without_formula(cell), marked, "{cell:?}");
        }
    }

    #[test]
    fn other_cells_are_exact() {
        for cell in [
            "",
            "a",
            "a=b",
            "HD-1",
            "1-2",
            "-5",
            "-1,234.50",
            "'=1",
            "\"=1\"",
            "a@b.example",
            "x; y",
            "two\nlines",
        ] {
            assert_eq!(without_formula(cell), cell, "{cell:?}");
            assert_eq!(CellStyle::Spreadsheet.cell(cell), cell);
        }
        assert_eq!(CellStyle::Exact.cell("=1"), "=1");
    }

    proptest::proptest! {
        #[test]
        fn no_cell_begins_with_a_formula_and_no_character_is_lost(cell in "[-=+@;\\t\\n a1,＝']{0,12}") {
            let marked = without_formula(&cell).into_owned();
            proptest::prop_assert!(!begins_a_formula(&marked) || is_negative_number(&marked), "{marked:?}");
            for part in marked.split([';', '\t', '\r', '\n']).skip(1) {
                proptest::prop_assert!(!begins_a_formula(part), "{marked:?}");
            }
            let mut rest = marked.chars();
            proptest::prop_assert!(cell.chars().all(|c| rest.any(|other| other == c)), "{marked:?}");
            proptest::prop_assert_eq!(without_formula(&marked).into_owned(), marked);
        }
    }
}
