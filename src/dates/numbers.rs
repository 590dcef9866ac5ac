//! Dates as numbers: seconds, milliseconds and microseconds since 1970, and the serial days of spreadsheets.

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Span, Timestamp};

use super::fault::DateFault;
use super::reading::DateReading;

/// A unit and origin of dates that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateNumber {
    /// Seconds since 1970 in UTC.
    UnixSeconds,
    /// Milliseconds since 1970 in UTC.
    UnixMilliseconds,
    /// Microseconds since 1970 in UTC.
    UnixMicroseconds,
    /// Days of a spreadsheet's 1900 system, where 1 is 1900-01-01 and 60 the 29th of February 1900, which
    /// never was: Excel repeats an error of Lotus 1-2-3.
    Excel1900,
    /// Days since 1904-01-01, the system of old workbooks of Excel for Mac.
    Excel1904,
}

/// The names, as in `epoch('unix_milliseconds')`.
pub(super) const NAMES: [(&str, DateNumber); 5] = [
    ("unix_seconds", DateNumber::UnixSeconds),
    ("unix_milliseconds", DateNumber::UnixMilliseconds),
    ("unix_microseconds", DateNumber::UnixMicroseconds),
    ("excel_1900", DateNumber::Excel1900),
    ("excel_1904", DateNumber::Excel1904),
];

/// The smallest distance from 1970 that is read, in seconds: March 1973. A smaller number is of a coarser unit,
/// such as seconds under the name of milliseconds.
const NEAREST: i128 = 100_000_000;

const NANOS: i128 = 1_000_000_000;

impl DateNumber {
    /// Reads a decimal number with an optional fraction. An exponent is refused: it has lost digits.
    ///
    /// # Errors
    /// The text is no such number, zero, or a number of another unit.
    pub(super) fn read(self, text: &str) -> Result<DateReading, DateFault> {
        let nanos = billionths(text).ok_or(DateFault::OtherForm)?;
        if nanos == 0 {
            return Err(DateFault::NullDate);
        }
        let unix = |units_a_second: i128| {
            let nanos = nanos.div_euclid(units_a_second);
            if nanos.abs() < NEAREST * NANOS {
                return Err(DateFault::OtherUnit);
            }
            Timestamp::from_nanosecond(nanos).map(DateReading::Instant).map_err(|_| DateFault::OtherUnit)
        };
        match self {
            DateNumber::UnixSeconds => unix(1),
            DateNumber::UnixMilliseconds => unix(1000),
            DateNumber::UnixMicroseconds => unix(1_000_000),
            DateNumber::Excel1900 => {
                let days = nanos.div_euclid(NANOS);
                if days == 60 {
                    return Err(DateFault::OtherForm);
                }
                serial(nanos, if days < 60 { date(1899, 12, 31) } else { date(1899, 12, 30) })
            }
            DateNumber::Excel1904 => serial(nanos, date(1904, 1, 1)),
        }
    }
}

/// The local time of a number of days, in billionths, after `origin`.
fn serial(nanos: i128, origin: Date) -> Result<DateReading, DateFault> {
    // Less than a day is a time without a date.
    if nanos < NANOS {
        return Err(DateFault::OtherUnit);
    }
    let days = i32::try_from(nanos.div_euclid(NANOS)).map_err(|_| DateFault::OtherUnit)?;
    // A fraction of a day is no whole number of seconds in binary or decimal: 9:15 is 0.385416…
    let milliseconds = (nanos.rem_euclid(NANOS) * 86_400_000 + NANOS / 2).div_euclid(NANOS);
    let time = SignedDuration::from_millis(i64::try_from(milliseconds).map_err(|_| DateFault::OtherUnit)?);
    let days = Span::new().try_days(days).map_err(|_| DateFault::OtherUnit)?;
    let start = origin.checked_add(days).map_err(|_| DateFault::OtherUnit)?;
    let moment = DateTime::from(start).checked_add(time).map_err(|_| DateFault::OtherUnit)?;
    Ok(DateReading::Local(moment))
}

/// A decimal number in billionths; none if the text is none or has too many digits.
fn billionths(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut value: i128 = whole.parse().ok()?;
    for place in 0..9 {
        let digit = fraction.as_bytes().get(place).map_or(0, |digit| i128::from(digit - b'0'));
        value = value * 10 + digit;
    }
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: DateNumber, text: &str) -> Result<String, DateFault> {
        number.read(text).map(|reading| match reading {
            DateReading::Instant(timestamp) => timestamp.to_string(),
            DateReading::Local(local) => local.to_string(),
            DateReading::Zoned(zoned) => zoned.to_string(),
        })
    }

    #[test]
    fn numbers_since_1970_are_moments() {
        for (number, text, expected) in [
            (DateNumber::UnixSeconds, "1709626500", "2024-03-05T08:15:00Z"),
            (DateNumber::UnixSeconds, "1709626500.0", "2024-03-05T08:15:00Z"),
            (DateNumber::UnixSeconds, "1709626500.25", "2024-03-05T08:15:00.25Z"),
            (DateNumber::UnixSeconds, "-1709626500", "1915-10-29T15:45:00Z"),
            (DateNumber::UnixMilliseconds, "1709626500123", "2024-03-05T08:15:00.123Z"),
            (DateNumber::UnixMicroseconds, "1709626500123456", "2024-03-05T08:15:00.123456Z"),
        ] {
            assert_eq!(read(number, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_number_of_another_unit_is_refused() {
        for (number, text) in [
            (DateNumber::UnixMilliseconds, "1709626500"),
            (DateNumber::UnixMicroseconds, "1709626500123"),
            (DateNumber::UnixSeconds, "20240305"),
            (DateNumber::UnixSeconds, "45356"),
            (DateNumber::UnixSeconds, "1709626500123"),
            (DateNumber::Excel1900, "0.5"),
            (DateNumber::Excel1900, "-1"),
            (DateNumber::Excel1900, "1709626500123"),
            (DateNumber::Excel1904, "0.385416666666667"),
        ] {
            assert_eq!(read(number, text), Err(DateFault::OtherUnit), "{number:?} {text}");
        }
    }

    #[test]
    fn a_text_that_is_no_plain_number_is_refused() {
        for text in
            ["", "-", ".", "1,709,626,500", "1.7E+09", "1.709.626", "x", "45356,5", " 45356", "+45356"]
        {
            for (_, number) in NAMES {
                assert_eq!(read(number, text), Err(DateFault::OtherForm), "{number:?} {text}");
            }
        }
        for (_, number) in NAMES {
            assert_eq!(read(number, "0"), Err(DateFault::NullDate), "{number:?}");
        }
    }

    #[test]
    fn serial_days_follow_excel_with_its_leap_year_of_1900() {
        for (text, expected) in [
            ("1", Ok("1900-01-01T00:00:00")),
            ("59", Ok("1900-02-28T00:00:00")),
            ("60", Err(DateFault::OtherForm)),
            ("60.5", Err(DateFault::OtherForm)),
            ("61", Ok("1900-03-01T00:00:00")),
            ("45356", Ok("2024-03-05T00:00:00")),
            ("45356.5", Ok("2024-03-05T12:00:00")),
            // 9:15 and 23:59:59 as Excel's file format has them.
            ("45356.385416666664", Ok("2024-03-05T09:15:00")),
            ("45356.999988425923", Ok("2024-03-05T23:59:59")),
            ("45356.9999999999", Ok("2024-03-06T00:00:00")),
        ] {
            assert_eq!(read(DateNumber::Excel1900, text).as_deref(), expected.as_deref(), "{text}");
        }
        assert_eq!(read(DateNumber::Excel1904, "43894.5").as_deref(), Ok("2024-03-05T12:00:00"));
        assert_eq!(read(DateNumber::Excel1904, "1").as_deref(), Ok("1904-01-02T00:00:00"));
    }

    proptest::proptest! {
        /// The two systems of one day differ by 1462 days.
        #[test]
        fn a_serial_number_gives_back_its_day_and_second(day in 1462i32..109_000, second in 0i64..86_400) {
            let expected = date(1899, 12, 30).checked_add(Span::new().days(day)).unwrap();
            let expected = DateTime::from(expected).checked_add(SignedDuration::from_secs(second)).unwrap();
            let fraction = second as f64 / 86_400.0;
            for (number, day) in [(DateNumber::Excel1900, day), (DateNumber::Excel1904, day - 1462)] {
                let text = format!("{}", f64::from(day) + fraction);
                if day > 0 {
                    proptest::prop_assert_eq!(read(number, &text), Ok(expected.to_string()), "{}", text);
                }
            }
        }
    }
}
