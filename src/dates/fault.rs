//! Why a cell is no date, and the years that are dates.

use jiff::civil::Date;
use thiserror::Error;

/// The reason why a cell is not read as a date, the least specific first. The text names the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub(crate) enum DateFault {
    /// The text does not fit the format.
    #[error("the cell is not a date of this form")]
    OtherForm,
    /// The number is too large or too small for its unit.
    #[error(
        "the number is of another unit: unix_seconds has 9 or 10 digits, unix_milliseconds 12 or 13, \
         unix_microseconds 15 or 16, a spreadsheet's serial of this century 5"
    )]
    OtherUnit,
    /// The year is not between 1900 and 2199.
    #[error(
        "the year is not between 1900 and 2199; if the cell stands for no value, list it in [source] null"
    )]
    Year,
    /// The year has fewer than four digits where the format has a whole year.
    #[error("the year has fewer than four digits; write %y instead of %Y for a year of two digits")]
    ShortYear,
    /// The year has one digit where the format has one of two digits.
    #[error("the year has one digit; %y needs two, as in 02 for 2002")]
    OneDigitYear,
    /// Numbers without a separator have fewer digits than their directives.
    #[error("a digit is missing: numbers without a separator need all of theirs, as in 0115 for %H%M")]
    LostDigit,
    /// An exporter's date for "no value", such as 0000-00-00.
    #[error("the date stands for no value; list it in [source] null as it is in the CSV")]
    NullDate,
}

/// The years of dates that are accepted. No help desk is older, and the sentinels of exporters are outside.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// The epochs of spreadsheets, Delphi and Access, written for an empty date.
const EMPTY_DATES: [Date; 2] = [jiff::civil::date(1899, 12, 30), jiff::civil::date(1899, 12, 31)];

/// Accepts a date of a year that a ticket can have.
///
/// # Errors
/// [`DateFault::NullDate`] for 0001-01-01, 1899-12-30 and dates of the year 9999; otherwise
/// [`DateFault::ShortYear`] below the year 1000 and [`DateFault::Year`].
pub(super) fn accept(date: Date) -> Result<(), DateFault> {
    if YEARS.contains(&date.year()) {
        return Ok(());
    }
    let is_first_day = date.year() <= 1 && date.month() == 1 && date.day() == 1;
    Err(if is_first_day || date.year() >= 9998 || EMPTY_DATES.contains(&date) {
        DateFault::NullDate
    } else if (0..1000).contains(&date.year()) {
        DateFault::ShortYear
    } else {
        DateFault::Year
    })
}

/// The fault of a text that no format reads. MySQL's zero date is a null date in any notation, and the last day
/// of the year 9999 is no moment for jiff.
pub(super) fn of_unread(text: &str) -> DateFault {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let zeros = date.bytes().filter(|byte| *byte == b'0').count();
    let is_zero_date = zeros >= 6 && date.bytes().all(|byte| b"0-/.".contains(&byte));
    if is_zero_date || date == "9999-12-31" { DateFault::NullDate } else { DateFault::OtherForm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_of_tickets_are_accepted_and_sentinels_are_named() {
        for (date, expected) in [
            ("1900-01-01", Ok(())),
            ("2199-12-31", Ok(())),
            ("1899-12-29", Err(DateFault::Year)),
            ("2200-01-01", Err(DateFault::Year)),
            ("0022-11-05", Err(DateFault::ShortYear)),
            ("0999-11-05", Err(DateFault::ShortYear)),
            ("1022-11-05", Err(DateFault::Year)),
            ("-000022-11-05", Err(DateFault::Year)),
            ("0001-01-01", Err(DateFault::NullDate)),
            ("0000-01-01", Err(DateFault::NullDate)),
            ("1899-12-30", Err(DateFault::NullDate)),
            ("1899-12-31", Err(DateFault::NullDate)),
            ("9999-12-31", Err(DateFault::NullDate)),
            ("9999-01-01", Err(DateFault::NullDate)),
        ] {
            assert_eq!(accept(date.parse().unwrap()), expected, "{date}");
        }
    }

    #[test]
    fn a_zero_date_is_a_null_date_in_any_notation() {
        for text in [
            "0000-00-00",
            "00/00/0000",
            "0000-00-00 00:00:00",
            "00000000",
            "00.00.00",
            "0000-00-00T00:00:00Z",
        ] {
            assert_eq!(of_unread(text), DateFault::NullDate, "{text}");
        }
        for text in ["", "0", "00:00", "000-123", "0000-00-01", "2024-00-00", "soon"] {
            assert_eq!(of_unread(text), DateFault::OtherForm, "{text}");
        }
    }
}
