//! Texts that exports write for no value: what `init` proposes as `[source] null` and `check` counts.

/// The markers of common exports, in lower case: PostgreSQL, MariaDB, Hive and ClickHouse (`\N`), SQL clients
/// (`NULL`, `(null)`, `[NULL]`, `<null>`), R (`NA`), pandas (`NaN`, `NaT`, `<NA>`, `None`), Salesforce and
/// spreadsheets (`#N/A`, `N/A`, `-`, `?`), SAS and Stata (`.`), Ruby and Go (`nil`).
const MARKERS: [&str; 17] = [
    "\\n", "null", "(null)", "[null]", "<null>", "na", "n/a", "#n/a", "<na>", "nan", "nat", "none", "nil",
    "-", "--", "?", ".",
];

/// Length of the longest marker, bytes.
const LONGEST: usize = 6;

/// The bytes that markers begin with, in any case.
const FIRST_BYTES: [bool; 256] = {
    let mut first_bytes = [false; 256];
    let mut at = 0;
    while at < MARKERS.len() {
        let first = MARKERS[at].as_bytes()[0];
        first_bytes[first as usize] = true;
        first_bytes[first.to_ascii_uppercase() as usize] = true;
        at += 1;
    }
    first_bytes
};

/// Whether the cell is short and begins as a marker. Most cells are told by this from those that [`looks_like_null`] must
/// compare.
#[inline]
pub fn may_look_like_null(cell: &str) -> bool {
    cell.len() <= LONGEST && cell.bytes().next().is_some_and(|first| FIRST_BYTES[usize::from(first)])
}

/// Whether the trimmed cell is a text that stands for no value in common exports, in any case: `NULL`, `N/A`,
/// `\N`, `-`. It may be a value all the same, such as the surname Null.
pub fn looks_like_null(cell: &str) -> bool {
    let cell = cell.trim();
    !cell.is_empty()
        && cell.len() <= LONGEST
        && MARKERS.iter().any(|marker| cell.eq_ignore_ascii_case(marker))
}

/// Whether the trimmed cell is a date that databases and spreadsheets write for no date, in any order of its
/// parts: `0000-00-00`, `0001-01-01`, `1899-12-30` or `9999-12-31`, with or without a time.
pub fn looks_like_null_date(cell: &str) -> bool {
    let mut numbers = cell.trim().split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().filter(|number| matches!(number.len(), 1 | 2 | 4));
    let (Some(first), Some(middle), Some(third)) = (next(), next(), next()) else { return false };
    let (year, other) = if third.len() == 4 { (third, first) } else { (first, third) };
    let two = |number: &str| number.parse::<u8>().unwrap_or(u8::MAX);
    let (smaller, larger) = (two(middle).min(two(other)), two(middle).max(two(other)));
    matches!((year, smaller, larger), ("0000", 0, 0) | ("0001", 1, 1) | ("1899", 12, 30) | ("9999", 12, 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_recognized_in_any_case_and_nothing_else_is() {
        for marker in [
            "NULL", "null", "NA", "N/A", "NaN", "None", "\\N", "#N/A", "-", "?", " n/a ", "<NA>", "(null)",
            ".",
        ] {
            assert!(looks_like_null(marker), "{marker}");
        }
        for text in ["", " ", "0", "no", "Nina", "nulls", "\n", "--- ", "N / A", "\\\\N"] {
            assert!(!looks_like_null(text), "{text:?}");
        }
    }

    #[test]
    fn every_marker_passes_the_quick_test_in_any_case() {
        for marker in MARKERS {
            assert!(may_look_like_null(marker) && looks_like_null(marker), "{marker}");
            assert!(may_look_like_null(&marker.to_uppercase()), "{marker}");
        }
        for text in ["", " NULL", "a", "0", "\u{2013}"] {
            assert!(!may_look_like_null(text), "{text}");
        }
    }

    #[test]
    fn null_dates_are_recognized_with_a_time_and_in_any_order() {
        for date in [
            "0000-00-00",
            "0000-00-00 00:00:00",
            "0001-01-01T00:00:00",
            "01/01/0001",
            "1899-12-30",
            "30.12.1899 00:00",
            "12/30/1899",
            "9999-12-31 23:59:59.999",
            "31/12/9999",
        ] {
            assert!(looks_like_null_date(date), "{date}");
        }
        for date in ["", "2024-03-05", "1899-12-31", "0001-01-02", "00:00:00", "1-1-1", "9999", "99991-12-31"]
        {
            assert!(!looks_like_null_date(date), "{date}");
        }
    }
}
