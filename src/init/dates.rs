//! Finds date columns and their formats.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::header_words::is_listed;
use super::sample::SampleColumn;

/// The format of a column's dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateFormat {
    /// The strtime format; none for ISO 8601.
    pub(super) format: Option<String>,
    /// Whether every cell has an offset from UTC.
    pub(super) has_offset: bool,
    /// The format with day and month exchanged, if it fits too.
    pub(super) other_order: Option<String>,
}

/// Date formats, the likelier ones first, separated by semicolons. Both orders of day and month are tried.
const DATES: &str = "\
    %d.%m.%Y; %d/%m/%Y; %m/%d/%Y; %d-%m-%Y; %m-%d-%Y; %Y/%m/%d; %Y-%m-%d; %Y.%m.%d; \
    %d.%m.%y; %d/%m/%y; %m/%d/%y; %d-%m-%y; %m-%d-%y; \
    %d-%b-%Y; %d-%b-%y; %d/%b/%Y; %d/%b/%y; %d %b %Y; %d %B %Y; %b %d, %Y; %B %d, %Y; %b %d %Y; \
    %a, %d %b %Y; %a %b %d %Y; %A, %B %d, %Y; %Y年%m月%d日";

fn dates() -> impl Iterator<Item = &'static str> {
    DATES.split("; ")
}

/// Time formats, after a date and a separator.
const TIMES: &[&str] = &["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p"];

const SEPARATORS: &[&str] = &[" ", ", ", "T"];

/// Offset formats, after a time.
const OFFSETS: &[&str] = &["", " %z", " %:z", "%z", " UTC", " GMT"];

/// Words anywhere in a header that make plain numbers epoch seconds.
const ANYWHERE: &str = "\
    date, time, datetime, timestamp, datum, zeit, zeitpunkt, fecha, hora, heure, data, dato, 日付, 日時";

/// Words that do so at the end of a header.
const LAST: &str = "at, on";

/// The date format that fits every cell of a column. If both orders of day and month fit, it is the one with
/// the day first.
pub(super) fn date_format(column: &SampleColumn<'_>) -> Option<DateFormat> {
    let is_named = is_named_as_date(&column.words);
    let unambiguous = |format: Option<&str>, has_offset| {
        Some(DateFormat { format: format.map(str::to_owned), has_offset, other_order: None })
    };
    // Eight digits are more likely a number.
    let is_iso = |cell: &str| is_iso(cell) && (is_named || cell.contains('-'));
    if column.all(is_iso) {
        return unambiguous(None, column.all(|cell| instant(cell).is_some()));
    }
    let is_seconds =
        |cell: &str| cell.len() >= 9 && cell.len() <= 10 && cell.bytes().all(|b| b.is_ascii_digit());
    if is_named && column.all(is_seconds) {
        return unambiguous(Some("%s"), true);
    }
    let first = column.cells.first()?;
    let format = formats(first).find(|format| fits(column, format, is_named))?;
    let other_order = Some(swapped(&format)).filter(|other| is_known(other) && fits(column, other, is_named));
    // A text that names UTC needs no tz, whose default is UTC.
    let has_offset = ["%z", "%:z", "UTC", "GMT"].iter().any(|end| format.ends_with(end));
    Some(DateFormat { format: Some(format), has_offset, other_order })
}

/// The formats whose date part fits the start of a cell.
fn formats(cell: &str) -> impl Iterator<Item = String> {
    let is_prefix = move |date: &&str| BrokenDownTime::parse_prefix(date, cell).is_ok();
    dates().filter(is_prefix).flat_map(|date| {
        let timed = SEPARATORS.iter().flat_map(move |separator| {
            TIMES.iter().flat_map(move |time| {
                OFFSETS.iter().map(move |offset| format!("{date}{separator}{time}{offset}"))
            })
        });
        std::iter::once(date.to_owned()).chain(timed)
    })
}

/// The format with day and month exchanged; empty unless it starts with one of them.
fn swapped(format: &str) -> String {
    let (Some(rest), "%d" | "%m") = (format.get(2..), format.get(..2).unwrap_or_default()) else {
        return String::new();
    };
    let (old, new) = if format.starts_with("%d") { ("%m", "%d") } else { ("%d", "%m") };
    format!("{old}{}", rest.replacen(old, new, 1))
}

fn is_known(format: &str) -> bool {
    dates().any(|date| format.starts_with(date))
}

fn fits(column: &SampleColumn<'_>, format: &str, is_named: bool) -> bool {
    // `1.2.10` is more likely a version.
    let needs_eight =
        !is_named && ["%d.%m.%y", "%d-%m-%y", "%m-%d-%y"].iter().any(|date| format.starts_with(date));
    column.all(|cell| {
        let date = strtime::parse(format, cell).and_then(|parsed| parsed.to_date());
        date.is_ok_and(is_plausible) && !(needs_eight && cell.len() < 8)
    })
}

/// Whether the year is between 1900 and 2100; other texts only look like dates.
fn is_plausible(date: Date) -> bool {
    (1900..=2100).contains(&date.year())
}

/// Whether the filter `epoch` reads the cell without a format.
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

    fn guessed(name: &str, cells: &[&str]) -> Option<DateFormat> {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![cell.to_string()]).collect();
        date_format(&SampleColumn::new(0, name, &rows))
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
        let iso = |has_offset| Some(DateFormat { format: None, has_offset, other_order: None });
        assert_eq!(guessed("x", &["2022-11-09T14:30:07Z", "2022-11-09T14:30:07+01:00"]), iso(true));
        assert_eq!(guessed("x", &["2022-11-09", ""]), iso(false));
        assert_eq!(guessed("x", &["2022-11-09 14:30", "2022-11-09T14:30:07.123"]), iso(false));
    }

    #[test]
    fn both_possible_orders_of_day_and_month_are_returned() {
        let dates = guessed("x", &["03/04/2022 10:00", "11/12/2022 9:15"]).unwrap();
        assert_eq!(dates.format.as_deref(), Some("%d/%m/%Y %H:%M"));
        assert_eq!(dates.other_order.as_deref(), Some("%m/%d/%Y %H:%M"));
        assert_eq!(guessed("x", &["03.04.2022"]).unwrap().other_order, None);
    }

    #[test]
    fn epoch_seconds_are_dates_only_by_the_header() {
        assert_eq!(guessed("created_at", &["1700000000"]).unwrap().format.as_deref(), Some("%s"));
        assert_eq!(guessed("Account", &["1700000000"]), None);
    }

    #[test]
    fn other_texts_are_not_dates() {
        for cells in [&["31.12.2022", "soon"][..], &["10001231"], &["1.2.10"], &["12:30"], &["7"], &["", ""]]
        {
            assert_eq!(guessed("Version", cells), None, "{cells:?}");
        }
    }
}
