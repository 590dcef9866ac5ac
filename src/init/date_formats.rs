//! The date formats that exports write, and the cells that each of them reads.
//!
//! Sources of the formats: the default formats of Oracle (NLS_TIMESTAMP_FORMAT, NLS_TIMESTAMP_TZ_FORMAT) and
//! SAS (DATE9., DATETIME18.), ECMA-262 (Date.prototype.toString), RFC 2822, the C library's asctime, and the
//! CLDR's dates of the languages in `dates`.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::date_names::DateName;
use crate::dates::DateReader;

/// ISO 8601, which the filters also read without a format.
pub(super) const ISO: &str = "iso_8601";

/// Date formats, the likelier ones first, separated by semicolons. Both orders of day and month are tried.
/// `%a` and `%b` also read whole names.
const DATES: &str = "\
    %d.%m.%Y; %d/%m/%Y; %m/%d/%Y; %d-%m-%Y; %m-%d-%Y; %Y/%m/%d; %Y-%m-%d; %Y.%m.%d; \
    %d.%m.%y; %d/%m/%y; %m/%d/%y; %d-%m-%y; %m-%d-%y; \
    %d-%b-%Y; %d-%b-%y; %d/%b/%Y; %d/%b/%y; %d%b%Y; %d%b%y; %d.%b.%Y; %d %b %Y; %d %b %y; %d. %b %Y; \
    %d de %b de %Y; %b %d, %Y; %b %d %Y; %Y-%b-%d; %a, %d %b %Y; %a %d %b %Y; %a, %d. %b %Y; \
    %a, %d de %b de %Y; %a %b %d %Y; %a, %b %d, %Y; %a, %d-%b-%Y; %a, %d-%b-%y; %d. %m. %Y; %Y. %m. %d.; \
    %Y年%m月%d日; %Y%m%d; \
    %a %b %d %H:%M:%S %Y; %a %b %d %H:%M:%S %z %Y";

/// Time formats, after a date and a separator.
const TIMES: &[&str] = &[
    "%H:%M",
    "%H:%M:%S",
    "%H:%M:%S%.f",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%I:%M:%S%.f %p",
    "%I.%M.%S%.f %p",
    "%H.%M",
    "%H.%M.%S",
    "%H.%M.%S%.f",
    "%Hh%M",
];

const SEPARATORS: &[&str] =
    &[" ", ", ", "T", ":", " at ", " um ", " à ", " às ", " a las ", " alle ore ", " - ", "-"];

/// Offset formats, after a time. `%z` also reads the names of zones.
const OFFSETS: &[&str] = &["", " GMT%z", " %z", " %:z", "%z", "%:z", " %z UTC", " %Q", " Uhr"];

/// Formats of digits alone, which are dates only by the header.
const DIGITS: &[&str] =
    &["%Y%m%d%H%M%S", "%Y%m%d%H%M", "unix_seconds", "unix_milliseconds", "unix_microseconds", SERIAL];

/// The format of a spreadsheet's days.
const SERIAL: &str = "excel_1900";

/// The most cells of a column for which formats are searched. A column of texts has no format for any.
const MOST_SEARCHES: usize = 200;

/// The longest date, in bytes: JavaScript's with the zone's name in parentheses.
const LONGEST: usize = 100;

static DATE_READERS: LazyLock<Vec<DateReader>> =
    LazyLock::new(|| DATES.split("; ").filter_map(|date| DateReader::new(date).ok()).collect());

/// A date as a filter reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadDate {
    /// In UTC if the cell has an offset.
    pub(super) civil: DateTime,
    pub(super) has_offset: bool,
}

/// A format and what it reads of each cell of a column.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) format: String,
    /// Position among all formats; a lower one is likelier.
    rank: FormatRank,
    pub(super) dates: Vec<Option<ReadDate>>,
}

/// The positions of the parts of a format in their lists.
type FormatRank = [usize; 4];

/// The formats that read at least one of the cells, the likelier ones first.
pub(super) fn candidates(cells: &[&str], name: Option<DateName>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut failed: HashSet<&str> = HashSet::new();
    for (index, cell) in cells.iter().enumerate() {
        let is_read = found.iter().any(|candidate| candidate.dates[index].is_some());
        if is_read || failed.len() >= MOST_SEARCHES || failed.contains(cell) {
            continue;
        }
        let known = found.len();
        for (rank, reader) in readers(cell, name) {
            let format = reader.format().unwrap_or(ISO);
            if found.iter().all(|candidate| candidate.format != format) {
                let dates = cells.iter().map(|cell| read(&reader, cell, name)).collect();
                found.push(Candidate { format: format.to_owned(), rank, dates });
            }
        }
        if found.len() == known {
            failed.insert(cell);
        }
    }
    found.sort_by_key(|candidate| candidate.rank);
    found
}

/// The readers of all formats that read the cell.
fn readers(cell: &str, name: Option<DateName>) -> Vec<(FormatRank, DateReader)> {
    let mut found = Vec::new();
    if cell.len() > LONGEST || !cell.contains(|c: char| c.is_ascii_digit()) {
        return found;
    }
    let mut add = |rank: FormatRank, reader: DateReader| {
        if read(&reader, cell, name).is_some() {
            found.push((rank, reader));
        }
    };
    DateReader::new(ISO).into_iter().for_each(|reader| add([0, 0, 0, 0], reader));
    for (position, format) in DIGITS.iter().enumerate() {
        DateReader::new(format).into_iter().for_each(|reader| add([1, position, 0, 0], reader));
    }
    for (date, reader) in DATE_READERS.iter().enumerate().filter(|(_, reader)| reader.fits_start(cell)) {
        add([2 + date, 0, 0, 0], reader.clone());
        let date_format = reader.format().unwrap_or(ISO);
        for (separator, text) in SEPARATORS.iter().enumerate().filter(|(_, text)| cell.contains(*text)) {
            for (time, time_format) in TIMES.iter().enumerate() {
                let timed = format!("{date_format}{text}{time_format}");
                if !DateReader::new(&timed).is_ok_and(|reader| reader.fits_start(cell)) {
                    continue;
                }
                for (offset, offset_format) in OFFSETS.iter().enumerate() {
                    let whole = DateReader::new(&format!("{timed}{offset_format}"));
                    whole.into_iter().for_each(|reader| add([2 + date, 1 + separator, time, offset], reader));
                }
            }
        }
    }
    found
}

/// The date that a filter reads. None if the text is more likely a number or a version.
fn read(reader: &DateReader, cell: &str, name: Option<DateName>) -> Option<ReadDate> {
    let is_named = name.is_some();
    let is_digits = || cell.bytes().all(|byte| byte.is_ascii_digit());
    let looks_otherwise = match reader.format().unwrap_or(ISO) {
        // Eight digits are more likely a number.
        ISO => !is_named && !cell.contains('-'),
        // A duration can be as large.
        SERIAL => !matches!(name, Some(DateName::Certain | DateName::Event)) || !is_serial(cell),
        "%Y%m%d%H%M%S" => !is_named || cell.len() != 14 || !is_digits(),
        "%Y%m%d%H%M" => !is_named || cell.len() != 12 || !is_digits(),
        format if DIGITS.contains(&format) => !is_named,
        format if format.starts_with("%Y%m%d") => !is_named && !cell.contains([' ', ':', 'T']),
        // `1.2.10` is more likely a version.
        "%d.%m.%y" | "%d-%m-%y" | "%m-%d-%y" => !is_named && cell.len() < 8,
        _ => false,
    };
    if looks_otherwise {
        return None;
    }
    let reading = reader.read(cell).ok()?;
    let has_offset = reading.has_offset();
    let civil = reading.in_zone(&TimeZone::UTC).ok()?.with_time_zone(TimeZone::UTC).datetime();
    Some(ReadDate { civil, has_offset })
}

/// Whether the cell is a spreadsheet's day between 1970 and 2099, with or without a time of the day.
fn is_serial(cell: &str) -> bool {
    const DAYS: std::ops::RangeInclusive<f64> = 25_569.0..=73_050.0;
    cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && cell.parse().is_ok_and(|days: f64| DAYS.contains(&days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cells: &[&str]) -> Vec<(String, Option<ReadDate>)> {
        let found = candidates(cells, Some(DateName::Certain));
        found.into_iter().map(|candidate| (candidate.format, candidate.dates[0])).collect()
    }

    fn formats_of(cells: &[&str]) -> Vec<String> {
        found(cells).into_iter().map(|(format, _)| format).collect()
    }

    #[test]
    fn each_cell_contributes_the_formats_that_read_it() {
        assert_eq!(formats_of(&["31.12.2022", "soon", "2022/01/02"])[..2], ["%d.%m.%Y", "%Y/%m/%d"]);
        assert_eq!(formats_of(&["01/02/2022"]), ["%d/%m/%Y", "%m/%d/%Y"]);
        assert!(formats_of(&["soon", ""]).is_empty());
        let found = candidates(&["31.12.2022", "soon"], None);
        assert_eq!(
            found[0].dates[0].map(|date| date.civil.to_string()).as_deref(),
            Some("2022-12-31T00:00:00")
        );
        assert_eq!(found[0].dates[1], None);
    }

    /// The likeliest format of each cell, and the date that it reads.
    #[test]
    fn exports_of_programs_and_languages_are_read() {
        for (cell, format, date) in [
            // Oracle: NLS_DATE_FORMAT, NLS_TIMESTAMP_FORMAT and NLS_TIMESTAMP_TZ_FORMAT of AMERICA.
            ("05-MAR-24", "%d-%b-%y", "2024-03-05T00:00:00"),
            ("05-MAR-24 09.15.00.000000 AM", "%d-%b-%y %I.%M.%S%.f %p", "2024-03-05T09:15:00"),
            ("05-MAR-24 09.15.00.000000 PM +01:00", "%d-%b-%y %I.%M.%S%.f %p %:z", "2024-03-05T20:15:00Z"),
            (
                "05-JUL-24 09.15.00.000000000 AM EUROPE/BERLIN",
                "%d-%b-%y %I.%M.%S%.f %p %Q",
                "2024-07-05T07:15:00Z",
            ),
            // SAS: DATE9., DATE7., DATETIME18. and DATETIME22.2.
            ("05MAR2024", "%d%b%Y", "2024-03-05T00:00:00"),
            ("05MAR24", "%d%b%y", "2024-03-05T00:00:00"),
            ("05MAR2024:09:15:00", "%d%b%Y:%H:%M:%S", "2024-03-05T09:15:00"),
            ("05MAR2024:09:15:00.25", "%d%b%Y:%H:%M:%S%.f", "2024-03-05T09:15:00.25"),
            ("05MAR24:09:15:00", "%d%b%y:%H:%M:%S", "2024-03-05T09:15:00"),
            // Node 20: Date's toString, toUTCString and toDateString.
            (
                "Tue Mar 05 2024 09:15:00 GMT+0100 (Central European Standard Time)",
                "%a %b %d %Y %H:%M:%S GMT%z",
                "2024-03-05T08:15:00Z",
            ),
            ("Tue, 05 Mar 2024 08:15:00 GMT", "%a, %d %b %Y %H:%M:%S %z", "2024-03-05T08:15:00Z"),
            ("Tue Mar 05 2024", "%a %b %d %Y", "2024-03-05T00:00:00"),
            // RFC 2822, with and without the weekday; the names of zones are those of section 4.3.
            ("Tue, 5 Mar 2024 09:15:00 +0100", "%a, %d %b %Y %H:%M:%S %z", "2024-03-05T08:15:00Z"),
            ("Tue, 5 Mar 2024 09:15:00 EST", "%a, %d %b %Y %H:%M:%S %z", "2024-03-05T14:15:00Z"),
            ("5 Mar 2024 09:15 PDT", "%d %b %Y %H:%M %z", "2024-03-05T16:15:00Z"),
            ("Tue Mar 05 2024 09:15:00 GMT+1", "%a %b %d %Y %H:%M:%S GMT%z", "2024-03-05T08:15:00Z"),
            // Go's Time.String in UTC, and DB2's timestamps.
            ("2024-03-05 09:15:00.5 +0000 UTC", "%Y-%m-%d %H:%M:%S%.f %z UTC", "2024-03-05T09:15:00.5Z"),
            ("2024-03-05-09.15.00.000000", "%Y-%m-%d-%H.%M.%S%.f", "2024-03-05T09:15:00"),
            ("25.03.2024 09:15 Uhr", "%d.%m.%Y %H:%M Uhr", "2024-03-25T09:15:00"),
            ("25/03/2024 9h15", "%d/%m/%Y %Hh%M", "2024-03-25T09:15:00"),
            // C's asctime and Java's Date.toString.
            ("Tue Mar  5 09:15:00 2024", "%a %b %d %H:%M:%S %Y", "2024-03-05T09:15:00"),
            ("Tue Mar 05 09:15:00 CET 2024", "%a %b %d %H:%M:%S %z %Y", "2024-03-05T08:15:00Z"),
            // SQL Server: CONVERT with style 100.
            ("Mar  5 2024  9:15AM", "%b %d %Y %I:%M %p", "2024-03-05T09:15:00"),
            // Node 20: toLocaleString of en-US, en-GB, de-DE, fr-FR, es-ES, pt-BR and it-IT.
            ("3/25/2024, 9:15:00 AM", "%m/%d/%Y, %I:%M:%S %p", "2024-03-25T09:15:00"),
            ("Mar 5, 2024, 9:15 AM", "%b %d, %Y, %I:%M %p", "2024-03-05T09:15:00"),
            ("25 Sept 2024, 21:05", "%d %b %Y, %H:%M", "2024-09-25T21:05:00"),
            ("Sept 25, 2024", "%b %d, %Y", "2024-09-25T00:00:00"),
            ("5 March 2024 at 09:15:00 CET", "%d %b %Y at %H:%M:%S %z", "2024-03-05T08:15:00Z"),
            ("Tuesday, March 5, 2024", "%a, %b %d, %Y", "2024-03-05T00:00:00"),
            ("5. März 2024 um 09:15:00 MEZ", "%d. %b %Y um %H:%M:%S %z", "2024-03-05T08:15:00Z"),
            ("Dienstag, 5. März 2024", "%a, %d. %b %Y", "2024-03-05T00:00:00"),
            ("25. Sept. 2024", "%d. %b %Y", "2024-09-25T00:00:00"),
            ("5 mars 2024, 09:15", "%d %b %Y, %H:%M", "2024-03-05T09:15:00"),
            ("25 août 2024", "%d %b %Y", "2024-08-25T00:00:00"),
            ("mardi 5 mars 2024", "%a %d %b %Y", "2024-03-05T00:00:00"),
            ("25 sept 2024, 21:05", "%d %b %Y, %H:%M", "2024-09-25T21:05:00"),
            ("25/3/2024, 9:15:00 p.\u{a0}m.", "%d/%m/%Y, %I:%M:%S %p", "2024-03-25T21:15:00"),
            ("3/25/24, 9:15\u{202f}AM", "%m/%d/%y, %I:%M %p", "2024-03-25T09:15:00"),
            (
                "5 de enero de 2024 a las 9:15:00 CET",
                "%d de %b de %Y a las %H:%M:%S %z",
                "2024-01-05T08:15:00Z",
            ),
            ("martes, 5 de marzo de 2024", "%a, %d de %b de %Y", "2024-03-05T00:00:00"),
            ("25 de set. de 2024, 21:05", "%d de %b de %Y, %H:%M", "2024-09-25T21:05:00"),
            ("terça-feira, 5 de março de 2024", "%a, %d de %b de %Y", "2024-03-05T00:00:00"),
            ("5 gen 2024, 09:15", "%d %b %Y, %H:%M", "2024-01-05T09:15:00"),
            ("martedì 5 marzo 2024", "%a %d %b %Y", "2024-03-05T00:00:00"),
            ("2024年3月5日 9:15", "%Y年%m月%d日 %H:%M", "2024-03-05T09:15:00"),
            ("2024-03-05 09:15:00 UTC", "%Y-%m-%d %H:%M:%S %z", "2024-03-05T09:15:00Z"),
            // Numbers.
            ("1709626500", "unix_seconds", "2024-03-05T08:15:00Z"),
            ("1709626500000", "unix_milliseconds", "2024-03-05T08:15:00Z"),
            ("1709626500000000", "unix_microseconds", "2024-03-05T08:15:00Z"),
            ("45356", "excel_1900", "2024-03-05T00:00:00"),
            ("45356.385416666664", "excel_1900", "2024-03-05T09:15:00"),
            ("20240305091500", "%Y%m%d%H%M%S", "2024-03-05T09:15:00"),
            ("20240305", ISO, "2024-03-05T00:00:00"),
        ] {
            let formats = found(&[cell]);
            let Some((likeliest, Some(read))) = formats.first() else { panic!("{cell} is not read") };
            let zone = if read.has_offset { "Z" } else { "" };
            assert_eq!((&**likeliest, format!("{}{zone}", read.civil)), (format, date.to_owned()), "{cell}");
        }
    }

    #[test]
    fn digits_are_dates_only_by_the_header() {
        for cell in ["1709626500", "20240305091500", "20240305", "45356", "45356.5", "1709626500000"] {
            assert!(candidates(&[cell], None).is_empty(), "{cell}");
        }
        // A duration can be as large.
        assert!(candidates(&["45356"], Some(DateName::Likely)).is_empty());
        assert!(formats_of(&["12345", "99999", "1234", "45356kg"]).is_empty());
    }
}
