//! Reads a date in one format.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

use super::fault::{DateFault, accept, of_unread};
use super::names::NamePattern;
use super::numbers::{DateNumber, NAMES};
use super::reading::DateReading;
use super::zone_data::zone_data;

/// The name of ISO 8601 among several formats.
const ISO_8601: &str = "iso_8601";

/// Reads the dates of one format.
#[derive(Clone, Debug)]
pub(crate) struct DateReader {
    /// As the user writes it; empty for ISO 8601.
    format: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Iso8601,
    Pattern(NamePattern),
    Number(DateNumber),
}

impl DateReader {
    /// The reader of ISO 8601 dates, the form without a format.
    pub(crate) fn iso_8601() -> Self {
        DateReader { format: String::new(), form: Form::Iso8601 }
    }

    /// The reader of a strtime format, such as `%d/%m/%Y`, or of a form by name, such as `unix_milliseconds` or
    /// `iso_8601`.
    ///
    /// # Errors
    /// A message: the format is none, or does not make a whole date.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        if format == ISO_8601 {
            return Ok(DateReader { format: format.to_owned(), form: Form::Iso8601 });
        }
        if let Some((_, number)) = NAMES.iter().find(|(name, _)| *name == format) {
            return Ok(DateReader { format: format.to_owned(), form: Form::Number(*number) });
        }
        // jiff reads any number under %s: 0, and the day 20240305 as a moment of 1970.
        if format == "%s" {
            return Ok(DateReader { format: format.to_owned(), form: Form::Number(DateNumber::UnixSeconds) });
        }
        if !format.contains('%') {
            let names = NAMES.map(|(name, _)| name).join(", ");
            let remedy = format!("write one such as %d/%m/%Y, or one of {ISO_8601}, {names}");
            return Err(format!("'{format}' is not a date format; {remedy}"));
        }
        let pattern = NamePattern::new(format);
        // A format that cannot write a date cannot read one.
        let moment = jiff::civil::date(2031, 8, 27).at(21, 43, 58, 0);
        let written = moment.to_zoned_datetime(TimeZone::UTC);
        let written = written.and_then(|moment| strtime::format(&pattern.text, &moment));
        let written = written.map_err(|error| format!("'{format}' is not a date format: {error}"))?;
        refuse_contradictions(format)?;
        let reader = DateReader { format: format.to_owned(), form: Form::Pattern(pattern) };
        let read = reader.read(&written).and_then(|reading| reading.in_zone(&TimeZone::UTC));
        match read {
            Ok(read) if read.date() == moment.date() => Ok(reader),
            Ok(_) | Err(_) => Err(format!("'{format}' does not make a whole date")),
        }
    }

    /// The format as the user writes it; none for ISO 8601.
    pub(crate) fn format(&self) -> Option<&str> {
        (!self.format.is_empty()).then_some(&self.format)
    }

    /// Reads a cell.
    ///
    /// # Errors
    /// The cell is not a date of this form, or a date that no ticket has.
    pub(crate) fn read(&self, cell: &str) -> Result<DateReading, DateFault> {
        let text = cell.trim();
        let reading = match &self.form {
            Form::Iso8601 => by_iso_8601(text),
            Form::Pattern(pattern) => match pattern.parse(text) {
                Ok(parsed) => {
                    // Before a zone: the last day of the year 9999 is no moment for jiff.
                    parsed.to_date().ok().map_or(Ok(()), |date| self.accept(date))?;
                    reading(&parsed)
                }
                Err(DateFault::OtherForm) => None,
                Err(fault) => return Err(fault),
            },
            Form::Number(number) => Some(number.read(text)?),
        };
        let reading = reading.ok_or_else(|| of_unread(text))?;
        self.accept(reading.date())?;
        Ok(reading)
    }

    fn accept(&self, date: Date) -> Result<(), DateFault> {
        accept(date).map_err(|fault| match fault {
            // Only %Y and ISO 8601 have a form of two digits.
            DateFault::ShortYear if !self.has_whole_year() => DateFault::Year,
            DateFault::Year if matches!(self.form, Form::Number(_)) => DateFault::OtherUnit,
            fault => fault,
        })
    }

    fn has_whole_year(&self) -> bool {
        matches!(self.form, Form::Iso8601) || ["%Y", "%F"].iter().any(|year| self.format.contains(year))
    }

    /// Whether the start of a cell fits this format, as the date of a cell with a time does.
    pub(crate) fn fits_start(&self, cell: &str) -> bool {
        match &self.form {
            Form::Pattern(pattern) => pattern.fits_start(cell.trim()),
            Form::Iso8601 | Form::Number(_) => self.read(cell).is_ok(),
        }
    }
}

/// # Errors
/// jiff would read another time than the text has.
fn refuse_contradictions(format: &str) -> Result<(), String> {
    let has = |letters: &[char]| {
        // The letter of a directive follows its modifiers, as in %-I.
        format
            .split('%')
            .skip(1)
            .any(|directive| directive.trim_start_matches(['-', '_', '0', '^', '#']).starts_with(letters))
    };
    let (is_half_day, has_half) = (has(&['I', 'l']), has(&['p', 'P']));
    if is_half_day && !has_half {
        return Err(format!("'{format}' has hours of a half day without %p; write %H for hours up to 23"));
    }
    // 13:15 AM would be a quarter past one.
    if has_half && !is_half_day {
        return Err(format!("'{format}' has %p without hours of a half day; write %I for hours up to 12"));
    }
    // %y overwrites the century.
    if has(&['C']) {
        return Err(format!("'{format}' has a century of its own; write %Y for the whole year"));
    }
    Ok(())
}

fn reading(parsed: &BrokenDownTime) -> Option<DateReading> {
    if parsed.iana_time_zone().is_some() || parsed.offset().is_some() {
        return parsed.to_zoned_datetime_with(zone_data().database()).ok().map(DateReading::Zoned);
    }
    match parsed.timestamp() {
        Some(timestamp) => Some(DateReading::Instant(timestamp)),
        None => parsed.to_datetime().ok().map(DateReading::Local),
    }
}

fn by_iso_8601(text: &str) -> Option<DateReading> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    if text.contains('[') {
        return PARSER.parse_zoned_datetime_with(zone_data().database(), text).ok().map(DateReading::Zoned);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(DateReading::Instant(timestamp));
    }
    text.parse().ok().map(DateReading::Local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, cell: &str) -> Result<String, DateFault> {
        let reader =
            if format.is_empty() { DateReader::iso_8601() } else { DateReader::new(format).unwrap() };
        let reading = reader.read(cell)?;
        Ok(match reading {
            DateReading::Zoned(zoned) => zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            DateReading::Instant(timestamp) => timestamp.to_string(),
            DateReading::Local(local) => local.to_string(),
        })
    }

    #[test]
    fn formats_of_databases_and_languages_are_read() {
        for (format, cell, expected) in [
            // Oracle: NLS_TIMESTAMP_FORMAT and NLS_TIMESTAMP_TZ_FORMAT.
            ("%d-%b-%y %I.%M.%S%.f %p", "05-MAR-24 09.15.00.000000 AM", "2024-03-05T09:15:00"),
            ("%d-%b-%y %I.%M.%S%.f %p", "05-MÄRZ-24 09.15.00,500 PM", "2024-03-05T21:15:00.5"),
            ("%d.%m.%y %H:%M:%S%.f", "05.03.24 09:15:00,500000", "2024-03-05T09:15:00.5"),
            (
                "%d-%b-%y %I.%M.%S%.f %p %:z",
                "05-MAR-24 09.15.00.000000000 PM +01:00",
                "2024-03-05T21:15:00+01:00",
            ),
            (
                "%d-%b-%y %I.%M.%S%.f %p %Q",
                "05-JUL-24 09.15.00.000000 AM EUROPE/BERLIN",
                "2024-07-05T09:15:00+02:00",
            ),
            // In French Oracle pads the month to five characters.
            ("%d-%b-%y", "05-MARS -24", "2024-03-05T00:00:00"),
            ("%d-%b-%y", "05-DÉC.-24", "2024-12-05T00:00:00"),
            // SAS: DATE9., DATETIME22.2 and DATETIME.
            ("%d%b%Y", "05MAR2024", "2024-03-05T00:00:00"),
            ("%d%b%Y:%H:%M:%S%.f", "05MAR2024:09:15:00.00", "2024-03-05T09:15:00"),
            ("%d%b%y:%H:%M:%S", "05MAR24:09:15:00", "2024-03-05T09:15:00"),
            // JavaScript's Date.toString and Java's Date.toString.
            (
                "%a %b %d %Y %H:%M:%S GMT%z",
                "Tue Mar 05 2024 09:15:00 GMT+0100 (Central European Standard Time)",
                "2024-03-05T09:15:00+01:00",
            ),
            ("%a %b %d %Y %H:%M:%S GMT%z", "Tue Mar 05 2024 09:15:00 GMT+0100", "2024-03-05T09:15:00+01:00"),
            ("%a %b %d %H:%M:%S %Z %Y", "Tue Mar 05 09:15:00 CET 2024", "2024-03-05T09:15:00+01:00"),
            // RFC 2822.
            ("%a, %d %b %Y %H:%M:%S %z", "Tue, 05 Mar 2024 09:15:00 EST", "2024-03-05T09:15:00-05:00"),
            ("%a, %d %b %Y %H:%M:%S %z", "Tue, 5 Mar 2024 09:15:00 +0100 (CET)", "2024-03-05T09:15:00+01:00"),
            ("%d %b %Y %H:%M:%S %z", "05 Sept 2024 09:15:00 GMT", "2024-09-05T09:15:00+00:00"),
            ("%A %d %B %Y", "mardi 5 mars 2024", "2024-03-05T00:00:00"),
            ("%D", "3/5/24", "2024-03-05T00:00:00"),
            ("%Y%m%d%H%M%S%.f", "20240305091500.5", "2024-03-05T09:15:00.5"),
            ("%d%m%y", "050324", "2024-03-05T00:00:00"),
            ("%-d/%-m/%-y %H%M", "5/3/24 0915", "2024-03-05T09:15:00"),
            ("%a %b %d %Y %H:%M:%S GMT%z", "Tue Mar 05 2024 09:15:00 GMT+1", "2024-03-05T09:15:00+01:00"),
            ("%s", "1709626500", "2024-03-05T08:15:00Z"),
            ("unix_milliseconds", " 1709626500000 ", "2024-03-05T08:15:00Z"),
            ("excel_1900", "45356.5", "2024-03-05T12:00:00"),
            ("", "2024-03-05", "2024-03-05T00:00:00"),
            ("iso_8601", "2024-03-05", "2024-03-05T00:00:00"),
            ("", "2024-03-05 09:15:00.5", "2024-03-05T09:15:00.5"),
            ("", "2024-03-05 09:15:00+01", "2024-03-05T08:15:00Z"),
            ("", "2024-07-05T09:15:00[Europe/Berlin]", "2024-07-05T09:15:00+02:00"),
        ] {
            let expected = if expected.is_empty() { Err(DateFault::OtherForm) } else { Ok(expected) };
            assert_eq!(read(format, cell).as_deref(), expected.as_deref(), "{format} {cell}");
        }
    }

    #[test]
    fn a_year_that_no_ticket_has_is_refused_in_every_form() {
        for (format, cell, fault) in [
            ("%d/%m/%Y", "05/11/22", DateFault::ShortYear),
            ("%d/%m/%Y", "05/11/022", DateFault::ShortYear),
            ("%d/%m/%Y", "05/11/0022", DateFault::ShortYear),
            ("%d/%m/%Y", "05/11/1822", DateFault::Year),
            ("%d/%m/%Y", "05/11/2922", DateFault::Year),
            ("%d/%m/%Y", "05/11/-2022", DateFault::Year),
            ("%d/%m/%Y", "05/11/20222", DateFault::OtherForm),
            ("%d/%m/%y", "05/11/2022", DateFault::OtherForm),
            ("%d/%m/%y", "5/11/2", DateFault::OneDigitYear),
            ("%d/%m/%y %H:%M", "5/11/2 09:15", DateFault::OneDigitYear),
            ("%d-%b-%y", "05-MÄRZ-4", DateFault::OneDigitYear),
            ("%D", "11/5/2", DateFault::OneDigitYear),
            ("%y-%m-%d", "2-11-05", DateFault::OneDigitYear),
            ("%-d/%-m/%-y", "5/11/2", DateFault::OneDigitYear),
            ("%d%b%y", "05MAR4", DateFault::OneDigitYear),
            // A spreadsheet took the first zero.
            ("%Y-%m-%d %H%M", "2024-03-05 115", DateFault::LostDigit),
            ("%d%m%y", "11124", DateFault::LostDigit),
            ("%y%m%d", "10115", DateFault::LostDigit),
            ("%Y%m%d", "2024115", DateFault::LostDigit),
            ("%G-W%V-%u", "22-W10-1", DateFault::Year),
            ("%G-W%V-%u", "1822-W10-1", DateFault::Year),
            ("%Y-%j", "22-100", DateFault::ShortYear),
            ("%Y-%m-%d %z", "0022-11-05 +0100", DateFault::ShortYear),
            ("%s", "-9000000000", DateFault::OtherUnit),
            ("%s", "20240305", DateFault::OtherUnit),
            ("%s", "1709626500000", DateFault::OtherUnit),
            ("%F", "22-11-05", DateFault::ShortYear),
            ("", "0022-11-05", DateFault::ShortYear),
            ("", "0022-11-05T10:00:00Z", DateFault::ShortYear),
            ("", "-000022-11-05", DateFault::Year),
            ("", "+012022-11-05", DateFault::OtherForm),
            ("", "12022-11-05", DateFault::OtherForm),
            ("", "1822-11-05T10:00:00+01:00[Europe/Paris]", DateFault::OtherForm),
            ("unix_seconds", "9999999999", DateFault::OtherUnit),
            ("excel_1900", "200000", DateFault::OtherUnit),
        ] {
            assert_eq!(read(format, cell), Err(fault), "{format} {cell}");
        }
    }

    #[test]
    fn a_null_date_is_a_fault_that_names_the_remedy() {
        for (format, cell) in [
            ("", "0000-00-00"),
            ("", "0000-00-00 00:00:00"),
            ("", "0001-01-01"),
            ("", "0001-01-01T00:00:00"),
            ("", "0001-01-01T00:00:00Z"),
            ("", "1899-12-30"),
            ("", "1899-12-30T00:00:00.000"),
            ("", "9999-12-31"),
            ("", "9999-12-31T23:59:59.999"),
            ("", "9999-12-31T22:00:00Z"),
            ("%d/%m/%Y", "00/00/0000"),
            ("%d.%m.%Y %H:%M", "00.00.0000 00:00"),
            ("%d/%m/%Y %H:%M:%S", "01/01/0001 00:00:00"),
            ("%m/%d/%Y %I:%M:%S %p", "1/1/0001 12:00:00 AM"),
            ("%s", "0"),
            ("%d.%m.%Y", "30.12.1899"),
            ("%d.%m.%Y", "31.12.9999"),
            ("%d%b%Y", "31DEC9999"),
            ("%Y-%m-%d %H:%M:%S %z", "0001-01-01 00:00:00 +0000"),
        ] {
            assert_eq!(read(format, cell), Err(DateFault::NullDate), "{format} {cell}");
        }
        assert!(DateFault::NullDate.to_string().contains("[source] null"));
    }

    #[test]
    fn a_format_that_is_none_is_refused() {
        for (format, problem) in [
            ("%Y-%1", "is not a date format: "),
            (
                "dd/mm/yyyy",
                "is not a date format; write one such as %d/%m/%Y, or one of iso_8601, unix_seconds,",
            ),
            ("%Y-%m", "does not make a whole date"),
            ("%d/%m", "does not make a whole date"),
            ("%H:%M", "does not make a whole date"),
            ("%d/%m/%Y %-I:%M", "has hours of a half day without %p"),
            ("%d/%m/%Y %H:%M %p", "has %p without hours of a half day; write %I"),
            ("%C%y-%m-%d", "has a century of its own; write %Y"),
            ("%Y-%m-%d %M", "does not make a whole date"),
            ("%d/%m/%Y %I:%M", "has hours of a half day without %p"),
        ] {
            let error = DateReader::new(format).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_or_does_not_fit_its_offset_is_refused() {
        for cell in ["2024-07-05T09:15:00[Europe/Berln]", "2024-07-05T09:15:00+05:00[Europe/Berlin]"] {
            assert_eq!(read("", cell), Err(DateFault::OtherForm), "{cell}");
        }
    }

    #[test]
    fn a_skipped_time_is_put_forward_and_a_repeated_one_is_the_first() {
        let london = zone_data().zone("Europe/London").unwrap();
        let moment = |cell: &str| {
            DateReader::iso_8601().read(cell).unwrap().in_zone(&london).unwrap().timestamp().to_string()
        };
        assert_eq!(moment("2024-03-31T01:30:00"), "2024-03-31T01:30:00Z");
        assert_eq!(moment("2024-10-27T01:30:00"), "2024-10-27T00:30:00Z");
    }

    #[test]
    fn the_start_of_a_cell_is_told_for_names_of_any_language() {
        for (format, cell, fits) in [
            ("%d.%m.%Y", "05.03.2024 09:15", true),
            ("%d %B %Y", "5 März 2024 09:15", true),
            ("%d-%b-%y", "05-MÄRZ-24 09.15.00", true),
            ("%d.%m.%Y", "2024-03-05", false),
        ] {
            assert_eq!(DateReader::new(format).unwrap().fits_start(cell), fits, "{format} {cell}");
        }
    }

    proptest::proptest! {
        /// Writing a moment in a format and reading it gives the moment back.
        #[test]
        fn a_written_date_is_read_as_it_was(second in -2_208_900_000i64..7_258_000_000) {
            let zoned = Timestamp::from_second(second).unwrap().to_zoned_datetime(TimeZone::UTC);
            let formats = [
                "%d.%m.%Y %H:%M:%S",
                "%m/%d/%Y %I:%M:%S %p",
                "%d%b%Y:%H:%M:%S",
                "%A, %B %d, %Y %T",
                "%G-W%V-%u %T",
            ];
            for format in formats {
                let cell = zoned.strftime(format).to_string();
                let reading = DateReader::new(format).unwrap().read(&cell);
                proptest::prop_assert_eq!(reading, Ok(DateReading::Local(zoned.datetime())), "{}", cell);
            }
        }
    }
}
