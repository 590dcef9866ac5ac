//! Which columns are dates, and how they are written.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::column::Column;
use super::words::is_listed;

/// How a column's dates are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dates {
    /// None is ISO 8601, which is read without a format.
    pub(super) format: Option<String>,
    /// The cells themselves say at what offset they are.
    pub(super) has_offset: bool,
    /// The format with day and month in the other order, if it fits as well.
    pub(super) other_order: Option<String>,
}

/// Dates, the likelier ones first, but for day and month: there both orders are looked at.
const DATES: &[&str] = &[
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y-%m-%d",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d/%b/%Y",
    "%d/%b/%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%a, %d %b %Y",
    "%a %b %d %Y",
    "%A, %B %d, %Y",
    "%Y年%m月%d日",
];

/// Times, after a date and a joint.
const TIMES: &[&str] = &["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p"];

const JOINTS: &[&str] = &[" ", ", ", "T"];

/// Offsets, after a time.
const OFFSETS: &[&str] = &["", " %z", " %:z", "%z", " UTC", " GMT"];

/// Words that make seconds of mere numbers, wherever they stand in a header.
const ANYWHERE: &str = "\
    date, time, datetime, timestamp, datum, zeit, zeitpunkt, fecha, hora, heure, data, dato, 日付, 日時";

/// Words that do so at its end.
const LAST: &str = "at, on";

/// How the dates of `column` are written, if every cell is one. Of two orders of day and month the one with
/// the day first comes back.
pub(super) fn dates(column: &Column<'_>) -> Option<Dates> {
    let named = is_named_as_date(&column.words);
    let plain = |format: Option<&str>, has_offset| {
        Some(Dates { format: format.map(str::to_owned), has_offset, other_order: None })
    };
    // Eight digits are rather a number.
    let is_iso = |cell: &str| is_iso(cell) && (named || cell.contains('-'));
    if column.all(is_iso) {
        return plain(None, column.all(|cell| instant(cell).is_some()));
    }
    let is_seconds =
        |cell: &str| cell.len() >= 9 && cell.len() <= 10 && cell.bytes().all(|b| b.is_ascii_digit());
    if named && column.all(is_seconds) {
        return plain(Some("%s"), true);
    }
    let first = column.cells.first()?;
    let format = formats(first).find(|format| fits(column, format, named))?;
    let other_order = Some(swapped(&format)).filter(|other| is_known(other) && fits(column, other, named));
    // Where the text is UTC by its own words, tz is UTC too, and nothing is left to be set.
    let has_offset = ["%z", "%:z", "UTC", "GMT"].iter().any(|end| format.ends_with(end));
    Some(Dates { format: Some(format), has_offset, other_order })
}

/// The formats that the cell may have, by its beginning.
fn formats(cell: &str) -> impl Iterator<Item = String> {
    let begins = move |date: &&&str| BrokenDownTime::parse_prefix(date, cell).is_ok();
    DATES.iter().filter(begins).flat_map(|date| {
        let timed = JOINTS.iter().flat_map(move |joint| {
            TIMES.iter().flat_map(move |time| {
                OFFSETS.iter().map(move |offset| format!("{date}{joint}{time}{offset}"))
            })
        });
        std::iter::once((*date).to_owned()).chain(timed)
    })
}

/// The format with day and month exchanged, where both are numbers in front.
fn swapped(format: &str) -> String {
    let (Some(rest), "%d" | "%m") = (format.get(2..), format.get(..2).unwrap_or_default()) else {
        return String::new();
    };
    let (old, new) = if format.starts_with("%d") { ("%m", "%d") } else { ("%d", "%m") };
    format!("{old}{}", rest.replacen(old, new, 1))
}

fn is_known(format: &str) -> bool {
    DATES.iter().any(|date| format.starts_with(date))
}

fn fits(column: &Column<'_>, format: &str, named: bool) -> bool {
    // `1.2.10` is rather a version.
    let needs_eight =
        !named && ["%d.%m.%y", "%d-%m-%y", "%m-%d-%y"].iter().any(|date| format.starts_with(date));
    column.all(|cell| {
        let date = strtime::parse(format, cell).and_then(|parsed| parsed.to_date());
        date.is_ok_and(is_plausible) && !(needs_eight && cell.len() < 8)
    })
}

/// Other years are rather something else that looks like a date.
fn is_plausible(date: Date) -> bool {
    (1900..=2100).contains(&date.year())
}

/// What the filter `epoch` reads without a format.
fn is_iso(cell: &str) -> bool {
    let civil = || cell.parse::<DateTime>().ok();
    let date =
        instant(cell).map(|instant| instant.to_zoned_datetime(TimeZone::UTC).datetime()).or_else(civil);
    date.is_some_and(|date| is_plausible(date.date()))
}

fn instant(cell: &str) -> Option<Timestamp> {
    cell.parse::<ZonedDateTime>().map(|zoned| zoned.timestamp()).or_else(|_| cell.parse()).ok()
}

fn is_named_as_date(words: &[String]) -> bool {
    words.iter().any(|word| is_listed(word, ANYWHERE))
        || words.last().is_some_and(|word| is_listed(word, LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(name: &str, cells: &[&str]) -> Option<Dates> {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![cell.to_string()]).collect();
        dates(&Column::new(0, name, &rows))
    }

    #[test]
    fn one_format_fits_every_cell() {
        for (cells, format) in [
            (&["31.12.2022", "", "1.2.2023"][..], "%d.%m.%Y"),
            (&["05.11.2022 14:30"], "%d.%m.%Y %H:%M"),
            (&["05.11.2022, 14:30:59"], "%d.%m.%Y, %H:%M:%S"),
            (&["05.11.2022 14:30:00.000"], "%d.%m.%Y %H:%M:%S%.f"),
            (&["12/31/2022 2:30 PM", "1/2/2022 11:30 AM"], "%m/%d/%Y %I:%M %p"),
            (&["31/12/22"], "%d/%m/%y"),
            (&["2022/12/31 23:59:00"], "%Y/%m/%d %H:%M:%S"),
            (&["19/Jan/24 3:45 PM"], "%d/%b/%y %I:%M %p"),
            (&["5-MAY-2022"], "%d-%b-%Y"),
            (&["November 5, 2022"], "%B %d, %Y"),
            (&["Sat, 5 Nov 2022 10:00:00 +0100"], "%a, %d %b %Y %H:%M:%S %z"),
            (&["2022-11-09 14:30:07 +0100"], "%Y-%m-%d %H:%M:%S %z"),
            (&["2022-11-09 14:30:07 UTC"], "%Y-%m-%d %H:%M:%S UTC"),
            (&["2022年11月5日"], "%Y年%m月%d日"),
        ] {
            let dates = guessed("Column", cells).unwrap_or_else(|| panic!("{cells:?}"));
            assert_eq!((dates.format.as_deref(), dates.other_order), (Some(format), None), "{cells:?}");
        }
    }

    #[test]
    fn iso_dates_need_no_format() {
        let iso = |has_offset| Some(Dates { format: None, has_offset, other_order: None });
        assert_eq!(guessed("x", &["2022-11-09T14:30:07Z", "2022-11-09T14:30:07+01:00"]), iso(true));
        assert_eq!(guessed("x", &["2022-11-09", ""]), iso(false));
        assert_eq!(guessed("x", &["2022-11-09 14:30", "2022-11-09T14:30:07.123"]), iso(false));
    }

    #[test]
    fn two_orders_of_day_and_month_are_both_told() {
        let dates = guessed("x", &["03/04/2022 10:00", "11/12/2022 9:15"]).unwrap();
        assert_eq!(dates.format.as_deref(), Some("%d/%m/%Y %H:%M"));
        assert_eq!(dates.other_order.as_deref(), Some("%m/%d/%Y %H:%M"));
        assert_eq!(guessed("x", &["03.04.2022"]).unwrap().other_order, None);
    }

    #[test]
    fn seconds_are_dates_only_by_their_name() {
        assert_eq!(guessed("created_at", &["1700000000"]).unwrap().format.as_deref(), Some("%s"));
        assert_eq!(guessed("Account", &["1700000000"]), None);
    }

    #[test]
    fn other_things_are_no_dates() {
        for cells in [&["31.12.2022", "soon"][..], &["10001231"], &["1.2.10"], &["12:30"], &["7"], &["", ""]]
        {
            assert_eq!(guessed("Version", cells), None, "{cells:?}");
        }
    }
}
