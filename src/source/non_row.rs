//! Records that are no rows: a repeated header, a rule of dashes, a count of rows, the end mark of PostgreSQL's COPY,
//! and totals.

use super::header::Header;

/// A record that a program printed around or between the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NonRow {
    /// Every cell is the name of its column, as in concatenated files.
    Header,
    /// Dashes, as sqlcmd and psql print them below the header.
    Rule,
    /// The number of rows alone: `(3 rows affected)`, `3 rows in set`, `Total: 3`.
    Count,
    /// The line `\.`, which ends the data of PostgreSQL's COPY.
    EndMark,
    /// A total with its sums, such as `Total,,12`. It may be a row.
    Total,
    /// Words in the first of several cells and nothing in the others, such as `Report of 5 March,,`. It may be a row.
    Title,
}

/// Columns that a header must have for words in the first cell alone to be a title: a row of two may have one cell.
const TITLE_COLUMNS: usize = 3;

/// Words that begin a row of totals, in lower case.
const TOTALS: [&str; 26] = [
    "total",
    "totals",
    "grand total",
    "sub total",
    "subtotal",
    "sum",
    "overall total",
    "report total",
    "summe",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "gesamtergebnis",
    "total général",
    "somme",
    "totale",
    "totale complessivo",
    "suma",
    "total general",
    "soma",
    "totaal",
    "eindtotaal",
    "celkem",
    "итого",
    "合計",
    "总计",
];

impl NonRow {
    /// Kind of a record that is no row; none for a row. Takes no memory.
    pub(super) fn of(cells: &csv::StringRecord, header: &Header) -> Option<Self> {
        let columns = header.columns();
        if is_evident_row(cells, columns) {
            return None;
        }
        let mut filled = cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
        let (index, first) = filled.next()?;
        let first = first.trim();
        if index == 0 && is_header(cells, columns) {
            return Some(NonRow::Header);
        }
        // Only a rule begins with one of these, or with what surrounds a number of rows.
        if first.starts_with(is_rule) && is_rule_row(cells) {
            return Some(NonRow::Rule);
        }
        let mut filled = filled.peekable();
        if filled.peek().is_none() {
            let is_alone = columns.len() > 1;
            if first == r"\." {
                return Some(NonRow::EndMark);
            }
            if is_count_in_parentheses(first) || is_alone && is_count(first) {
                return Some(NonRow::Count);
            }
        }
        let is_title = filled.peek().is_none()
            && index == 0
            && columns.len() >= TITLE_COLUMNS
            && first.contains(char::is_whitespace);
        // In this order: the second cell of most rows is no number, which is found out at once.
        let is_total = columns.len() > 1
            && filled.all(|(_, cell)| is_amount(cell.trim()))
            && is_total(first.trim_end_matches(':').trim_end());
        is_total.then_some(NonRow::Total).or(is_title.then_some(NonRow::Title))
    }
}

/// Whether the first bytes alone show a row: the first cell does not begin as its column's name does, and a word follows it.
/// Most rows are such, and trimming their cells would take longer than parsing them.
fn is_evident_row(cells: &csv::StringRecord, columns: &[String]) -> bool {
    const PREFIX: usize = 4;
    let (Some(first), Some(second), Some(column)) = (cells.get(0), cells.get(1), columns.first()) else {
        return false;
    };
    let column = &column.as_bytes()[..column.len().min(PREFIX)];
    let begins_with = |text: &[u8], test: fn(&u8) -> bool| text.first().is_some_and(test);
    begins_with(first.as_bytes(), u8::is_ascii_alphanumeric)
        && begins_with(column, u8::is_ascii_alphanumeric)
        && !first.as_bytes().starts_with(column)
        && begins_with(second.as_bytes(), u8::is_ascii_alphabetic)
}

fn is_header(cells: &csv::StringRecord, columns: &[String]) -> bool {
    if cells.len() != columns.len() || cells[0].len() < columns[0].trim().len() {
        return false;
    }
    // The byte order mark of a file that was appended.
    let first = cells[0].trim_start_matches('\u{feff}').trim_matches('"').trim();
    first == columns[0].trim()
        && cells.iter().zip(columns).skip(1).all(|(cell, column)| cell.trim() == column.trim())
}

fn is_rule(c: char) -> bool {
    matches!(c, '-' | '=' | '_' | '+' | '|' | ':' | ' ' | '─' | '━' | '═' | '┼' | '│' | '├' | '┤')
}

/// Whether the cells are dashes, with at least two in one of them: single ones stand for no value.
fn is_rule_row(cells: &csv::StringRecord) -> bool {
    let dashes = |cell: &str| cell.chars().filter(|c| "-=_─━═".contains(*c)).count();
    let longest = cells.iter().map(dashes).max().unwrap_or_default();
    let all = || cells.iter().map(dashes).sum::<usize>();
    longest > 1 && all() > 2 && cells.iter().all(|cell| cell.chars().all(is_rule))
}

/// `(3 rows affected)`, `(1 row)`, `(3 Zeilen)`, `(3 row(s) affected)`.
fn is_count_in_parentheses(text: &str) -> bool {
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or_default();
    let words = inside.trim_start_matches(|c: char| c.is_ascii_digit());
    let has_number = words.len() < inside.len();
    let words_only = words.chars().all(|c| c.is_alphabetic() || "() ".contains(c));
    has_number && words_only && words.starts_with(' ') && words.split_whitespace().count() <= 2
}

/// `3 rows in set (0.01 sec)`, `3 rows selected.`, `3 record(s) selected`, `SELECT 3`, `COPY 3`, `Total: 3`,
/// `Row count: 3`.
fn is_count(text: &str) -> bool {
    let is_number =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    let is_rows = |word: &str| {
        let word = word.trim_end_matches([',', '.', ':']);
        ["row", "rows", "row(s)", "record", "records", "record(s)"]
            .iter()
            .any(|rows| word.eq_ignore_ascii_case(rows))
    };
    let mut words = text.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let third = words.next().unwrap_or_default().trim_end_matches(['.', ',']);
    const VERBS: [&str; 10] = [
        "",
        "in",
        "affected",
        "selected",
        "returned",
        "fetched",
        "retrieved",
        "exported",
        "found",
        "inserted",
    ];
    if (is_number(first) || first.eq_ignore_ascii_case("no")) && is_rows(second) {
        return VERBS.iter().any(|verb| third.eq_ignore_ascii_case(verb));
    }
    if (first == "SELECT" || first == "COPY") && third.is_empty() {
        return is_number(second);
    }
    let Some((name, number)) = text.rsplit_once(':') else { return false };
    is_number(number.trim()) && (is_total(name.trim_end()) || name.split_whitespace().any(is_rows))
}

fn is_total(text: &str) -> bool {
    const LONGEST: usize = 24;
    if text.len() > LONGEST {
        false
    } else if text.is_ascii() {
        TOTALS.iter().any(|total| text.eq_ignore_ascii_case(total))
    } else {
        TOTALS.iter().any(|total| text.chars().flat_map(char::to_lowercase).eq(total.chars()))
    }
}

/// Whether a cell beside a total is empty or a number.
fn is_amount(cell: &str) -> bool {
    cell.chars().all(|c| c.is_ascii_digit() || ".,'%+-€$£ \u{a0}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::{header, row};

    fn kind(cells: &[&str]) -> Option<NonRow> {
        NonRow::of(&row(cells), &header(&["id", " Subject", "Created"]))
    }

    #[test]
    fn records_around_the_rows_are_told_from_rows() {
        for (expected, records) in [
            (
                NonRow::Header,
                &[&["id", "Subject", "Created"][..], &["\u{feff}id", "Subject ", " Created"]][..],
            ),
            (
                NonRow::Rule,
                &[
                    &["---------", "-------", "-------"],
                    &["--", "-", "-"],
                    &["----+-----+----"],
                    &["+-----+-----+"],
                    &["", "---", "===", ""],
                    &["___", "", ""],
                    &["───┼───"],
                ],
            ),
            (
                NonRow::Count,
                &[
                    &["(3 rows affected)"],
                    &["(3 rows)", "", ""],
                    &["(1 row)"],
                    &["(3 row(s) affected)"],
                    &["(3 Zeilen)"],
                    &["3 rows in set (0.01 sec)"],
                    &["3 rows selected."],
                    &["no rows selected"],
                    &["1,204 rows"],
                    &["2 record(s) selected."],
                    &["SELECT 3"],
                    &["COPY 12"],
                    &["Total: 3", "", ""],
                    &["Grand Total: 3"],
                    &["Row count: 3"],
                    &["", "(3 rows)", ""],
                ],
            ),
            (NonRow::EndMark, &[&[r"\."], &[r"\.", "", ""]]),
            (
                NonRow::Total,
                &[
                    &["Total", "", "3"],
                    &["Summe:", "", "1.234,50 €"],
                    &["", "Grand Total", "7"],
                    &["ИТОГО", "1", "2"],
                    &["Total"],
                    &["合計", "", "12"],
                ],
            ),
            (
                NonRow::Title,
                &[&["Report generated by X", "", ""], &["Total failure", "", ""], &["(call back)"]],
            ),
        ] {
            for cells in records {
                assert_eq!(kind(cells), Some(expected), "{cells:?}");
            }
        }
    }

    #[test]
    fn rows_that_only_look_like_it_are_rows() {
        for cells in [
            &["id", "Subject", "2024"][..],
            &["id", "Subject"],
            &["-", "-", "-"],
            &["--", "", ""],
            &["T-1", "---", "--"],
            &["(3 rows)", "are missing", ""],
            &["3 rows of seats are broken", "", "2"],
            &["", "two words", ""],
            &["HD-1", "", ""],
            &["Total", "loss of data", "3"],
            &["SELECT 3", "", "2024-03-05"],
            &["Sum: see text", "x", ""],
            &["", "", ""],
            &[],
        ] {
            assert_eq!(kind(cells), None, "{cells:?}");
        }
        let one = |cell: &str| NonRow::of(&row(&[cell]), &header(&["Text"]));
        assert_eq!(one("3 rows selected"), None);
        assert_eq!(one("Total"), None);
        assert_eq!(one("(3 rows)"), Some(NonRow::Count));
        assert_eq!(one("-----"), Some(NonRow::Rule));
        assert_eq!(one("Text"), Some(NonRow::Header));
    }
}
