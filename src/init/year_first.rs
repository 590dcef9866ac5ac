//! Dates such as `22/11/05`, whose year of two digits may be the first number.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// The fewest different dates from which the numbers say where the year is.
const FEWEST_DATES: usize = 3;

/// Whether the dates, which formats with the year last read, are more likely written with the year first: each is a
/// date in that order too, and the first numbers differ less than the last. Tickets are of a few years, and of most
/// days of a month.
pub(super) fn is_year_likely_first<'a>(formats: &[String], dates: impl Iterator<Item = &'a str>) -> bool {
    const YEAR_LAST: [&str; 6] = ["%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y", "%m.%d.%y"];
    if !formats.iter().any(|format| YEAR_LAST.iter().any(|last| format.starts_with(last))) {
        return false;
    }
    let (mut first, mut last) = (BTreeSet::new(), BTreeSet::new());
    let mut different = BTreeSet::new();
    for date in dates {
        let Some(numbers) = year_first(date) else { return false };
        first.insert(numbers.0);
        last.insert(numbers.2);
        different.insert(numbers);
    }
    let spread = |numbers: &BTreeSet<i8>| {
        let span = numbers.last().zip(numbers.first()).map_or(0, |(last, first)| last - first);
        (numbers.len(), span)
    };
    different.len() >= FEWEST_DATES && spread(&first) < spread(&last)
}

/// Year, month and day of a text that begins with three numbers of two digits; none if they are no date.
fn year_first(text: &str) -> Option<(i8, i8, i8)> {
    let mut numbers = text.trim().split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().filter(|number| number.len() == 2)?.parse::<i8>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    Date::new(2000 + i16::from(year), month, day).ok()?;
    Some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_first(format: &str, dates: &[&str]) -> bool {
        is_year_likely_first(&[format.to_owned()], dates.iter().copied())
    }

    #[test]
    fn the_numbers_that_differ_less_are_the_years() {
        assert!(is_first("%d/%m/%y", &["22/11/05", "23/11/06", "24/11/25"]));
        assert!(is_first("%d-%m-%y %H:%M", &["24-03-05 09:15", "24-03-06 10:00", "24-04-25 11:00"]));
        assert!(is_first("%d.%m.%y", &["24.12.01", "25.01.02", "25.02.03", "25.02.28"]));
        assert!(!is_first("%d/%m/%y", &["05/11/22", "06/11/23", "25/11/24"]));
        assert!(!is_first("%d/%m/%y", &["05/11/24", "06/11/24", "25/11/24"]));
        assert!(!is_first("%m/%d/%y", &["11/05/24", "12/06/24", "01/02/25"]));
    }

    #[test]
    fn a_date_that_has_only_the_year_last_decides() {
        for date in ["31/12/32", "5/11/22", "11/25/22"] {
            assert!(!is_first("%d/%m/%y", &["22/11/05", "23/11/06", "24/11/25", date]), "{date}");
        }
        assert!(!is_first("%d/%m/%Y", &["22/11/2005", "23/11/2006", "24/11/2025"]));
        assert!(!is_first("%d/%m/%y", &["22/11/05", "23/11/06"]));
    }
}
