//! The date formats that exports write, and the cells that each of them reads.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// ISO 8601, which the filters read without a format.
pub(super) const ISO: &str = "";

/// Date formats, the likelier ones first, separated by semicolons. Both orders of day and month are tried.
const DATES: &str = "\
    %d.%m.%Y; %d/%m/%Y; %m/%d/%Y; %d-%m-%Y; %m-%d-%Y; %Y/%m/%d; %Y-%m-%d; %Y.%m.%d; \
    %d.%m.%y; %d/%m/%y; %m/%d/%y; %d-%m-%y; %m-%d-%y; \
    %d-%b-%Y; %d-%b-%y; %d/%b/%Y; %d/%b/%y; %d %b %Y; %d %B %Y; %b %d, %Y; %B %d, %Y; %b %d %Y; \
    %a, %d %b %Y; %a %b %d %Y; %A, %B %d, %Y; %Y年%m月%d日";

/// Formats of digits alone, which are dates only by the header.
const DIGITS: &[&str] = &["%s", "%Y%m%d%H%M%S", "%Y%m%d%H%M"];

/// Time formats, after a date and a separator.
const TIMES: &[&str] = &["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p"];

const SEPARATORS: &[&str] = &[" ", ", ", "T"];

/// Offset formats, after a time.
const OFFSETS: &[&str] = &["", " %z", " %:z", "%z", " UTC", " GMT"];

/// The most cells of a column for which formats are searched. A column of texts has no format for any.
const MOST_SEARCHES: usize = 200;

/// A date as a filter reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadDate {
    pub(super) civil: DateTime,
    /// The instant, if the cell states its offset from UTC.
    pub(super) instant: Option<Timestamp>,
}

/// A format and what it reads of each cell of a column.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) format: String,
    /// Position among all formats; a lower one is likelier.
    rank: usize,
    pub(super) dates: Vec<Option<ReadDate>>,
}

/// The formats that read at least one of the cells, the likelier ones first.
pub(super) fn candidates(cells: &[&str], is_named: bool) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut failed: HashSet<&str> = HashSet::new();
    for (index, cell) in cells.iter().enumerate() {
        let is_read = found.iter().any(|candidate| candidate.dates[index].is_some());
        if is_read || failed.len() >= MOST_SEARCHES || failed.contains(cell) {
            continue;
        }
        let known = found.len();
        for (rank, format) in formats(cell) {
            let is_known = found.iter().any(|candidate| candidate.format == format);
            if !is_known && read(&format, cell, is_named).is_some() {
                let dates = cells.iter().map(|cell| read(&format, cell, is_named)).collect();
                found.push(Candidate { format, rank, dates });
            }
        }
        if found.len() == known {
            failed.insert(cell);
        }
    }
    found.sort_by_key(|candidate| candidate.rank);
    found
}

/// The formats whose date part fits the start of the cell, with their rank.
fn formats(cell: &str) -> impl Iterator<Item = (usize, String)> {
    let is_prefix = move |date: &&str| BrokenDownTime::parse_prefix(date, cell).is_ok();
    let dated = DATES.split("; ").filter(is_prefix).flat_map(|date| {
        let timed = SEPARATORS.iter().flat_map(move |separator| {
            TIMES.iter().flat_map(move |time| {
                OFFSETS.iter().map(move |offset| format!("{date}{separator}{time}{offset}"))
            })
        });
        std::iter::once(date.to_owned()).chain(timed)
    });
    let digits = DIGITS.iter().map(|format| (*format).to_owned());
    std::iter::once(ISO.to_owned()).chain(digits).chain(dated).enumerate()
}

/// The date that a filter with this format reads. None if the text only looks like a date: its year is not
/// between 1900 and 2100, or it is more likely a number or a version.
fn read(format: &str, cell: &str, is_named: bool) -> Option<ReadDate> {
    let looks_otherwise = match format {
        // Eight digits are more likely a number.
        ISO => !is_named && !cell.contains('-'),
        _ if DIGITS.contains(&format) => {
            let is_long = if format == "%s" { (9..=10).contains(&cell.len()) } else { cell.len() >= 12 };
            !is_named || !is_long || !cell.bytes().all(|byte| byte.is_ascii_digit())
        }
        // `1.2.10` is more likely a version.
        _ => !is_named && cell.len() < 8 && ["%d.%m.%y", "%d-%m-%y", "%m-%d-%y"].contains(&format),
    };
    let date = if looks_otherwise { None } else { by_format(format, cell) };
    date.filter(|date| is_plausible(date.civil.date()))
}

fn by_format(format: &str, cell: &str) -> Option<ReadDate> {
    let at = |instant: Timestamp| ReadDate {
        civil: instant.to_zoned_datetime(TimeZone::UTC).datetime(),
        instant: Some(instant),
    };
    let civil = |civil: DateTime| ReadDate { civil, instant: None };
    if format == ISO {
        let instant = cell.parse::<ZonedDateTime>().map(|zoned| zoned.timestamp()).or_else(|_| cell.parse());
        return instant.ok().map(at).or_else(|| cell.parse().ok().map(civil));
    }
    let parsed = strtime::parse(format, cell).ok()?;
    if let Ok(instant) = parsed.to_timestamp() {
        return Some(at(instant));
    }
    parsed.to_datetime().or_else(|_| parsed.to_date().map(DateTime::from)).ok().map(|read| {
        // A text that names UTC needs no tz, whose default is UTC.
        let names_utc = ["UTC", "GMT"].iter().any(|end| format.ends_with(end));
        let instant = names_utc.then(|| TimeZone::UTC.to_timestamp(read).ok()).flatten();
        ReadDate { civil: read, instant }
    })
}

/// Whether the year is between 1900 and 2100.
fn is_plausible(date: Date) -> bool {
    (1900..=2100).contains(&date.year())
}

/// Whether the day or the month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayMonthOrder {
    DayFirst,
    MonthFirst,
}

impl DayMonthOrder {
    pub(super) fn other(self) -> Self {
        match self {
            DayMonthOrder::DayFirst => DayMonthOrder::MonthFirst,
            DayMonthOrder::MonthFirst => DayMonthOrder::DayFirst,
        }
    }
}

/// The order of day and month of a format that begins with both as numbers.
pub(super) fn numeric_order(format: &str) -> Option<DayMonthOrder> {
    match (format.get(..2)?, format.get(3..5)?) {
        ("%d", "%m") => Some(DayMonthOrder::DayFirst),
        ("%m", "%d") => Some(DayMonthOrder::MonthFirst),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats_of(cells: &[&str]) -> Vec<String> {
        candidates(cells, true).into_iter().map(|candidate| candidate.format).collect()
    }

    #[test]
    fn each_cell_contributes_the_formats_that_read_it() {
        assert_eq!(formats_of(&["31.12.2022", "soon", "2022/01/02"]), ["%d.%m.%Y", "%Y/%m/%d"]);
        assert_eq!(formats_of(&["01/02/2022"]), ["%d/%m/%Y", "%m/%d/%Y"]);
        assert!(formats_of(&["soon", ""]).is_empty());
        let found = candidates(&["31.12.2022", "soon"], false);
        assert_eq!(
            found[0].dates[0].map(|date| date.civil.to_string()).as_deref(),
            Some("2022-12-31T00:00:00")
        );
        assert_eq!(found[0].dates[1], None);
    }

    #[test]
    fn digits_are_dates_only_by_the_header() {
        for (cell, format) in [("1700000000", "%s"), ("20240305091500", "%Y%m%d%H%M%S"), ("20240305", ISO)] {
            assert_eq!(formats_of(&[cell]), [format], "{cell}");
            assert!(candidates(&[cell], false).is_empty(), "{cell}");
        }
        assert!(formats_of(&["12345", "170000000000"]).is_empty());
    }

    #[test]
    fn the_order_of_day_and_month_is_told_of_numbers_only() {
        assert_eq!(numeric_order("%d/%m/%y %H:%M"), Some(DayMonthOrder::DayFirst));
        assert_eq!(numeric_order("%m-%d-%Y"), Some(DayMonthOrder::MonthFirst));
        for format in ["%d/%b/%Y", "%Y-%m-%d", "%b %d, %Y", ISO, "%s"] {
            assert_eq!(numeric_order(format), None, "{format}");
        }
    }
}
