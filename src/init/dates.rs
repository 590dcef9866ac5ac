//! Finds date columns, the formats that read them, and the cells that no format reads.

use super::date_formats::{Candidate, ISO, candidates};
use super::date_names::DateName;
use super::misfits::Misfits;
use super::sample::SampleColumn;
use super::year_first::is_year_likely_first;
use crate::dates::{DateFault, DateReader, DayMonthOrder, numeric_order, swapped};
use crate::source::{looks_like_null, looks_like_null_date};

/// The most formats of one column.
const MOST_FORMATS: usize = 3;

/// How a column's dates are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateFormats {
    /// The strtime formats in the order in which they are tried; none for ISO 8601.
    pub(super) formats: Vec<String>,
    /// Whether every date has an offset from UTC.
    pub(super) has_offset: bool,
    /// The formats with day and month exchanged, if they read the same cells.
    pub(super) other_order: Option<Vec<String>>,
    /// The cells that are no dates of these formats.
    pub(super) misfits: Misfits,
}

/// A column whose name or cells are those of dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DateColumn {
    /// Most cells are dates.
    Dates(DateFormats),
    /// The name says that these are dates, or more than half of the cells are; but too many are not.
    TooFew(Misfits),
    /// Some cells are dates only with the day first, others only with the month first. Which of both a cell
    /// such as 03/04/2024 has is unknown.
    BothOrders,
    /// The first number may be a year of two digits, although formats with the year last read the cells.
    YearFirst,
}

/// The formats of a date column. Null markers and null dates count as empty cells. If both orders of day and
/// month read the same cells, `formats` has the day first.
pub(super) fn date_column(column: &SampleColumn<'_>) -> Option<DateColumn> {
    let column = &column.filtered(|cell| !is_null(cell));
    let name = DateName::of(&column.words);
    let found = candidates(&column.cells, name);
    let day = cover(&found, column.cells.len(), DayMonthOrder::MonthFirst);
    let month = cover(&found, column.cells.len(), DayMonthOrder::DayFirst);
    let only_day = count(&day, |index| !month.is_read[index]);
    let only_month = count(&month, |index| !day.is_read[index]);
    let (best, fewer) = if only_month > only_day { (month, only_day) } else { (day.clone(), only_month) };

    let misfits = Misfits::new(column, |index| best.is_read[index]);
    let read = column.cells.len() - misfits.count;
    // A clear majority outweighs a few typing errors.
    if fewer > 0 && fewer * 10 > only_day.max(only_month) {
        return Some(DateColumn::BothOrders);
    }
    // Only the name makes a column of which a quarter of the cells are texts a column of dates.
    let is_date =
        if name.is_some() { read * 2 > column.cells.len() } else { read * 4 >= column.cells.len() * 3 };
    if read == 0 || !is_date {
        let is_told = match name {
            Some(DateName::Certain) => !column.cells.is_empty(),
            Some(DateName::Event | DateName::Likely) => read > 0,
            None => read * 2 > column.cells.len(),
        };
        return is_told.then_some(DateColumn::TooFew(misfits));
    }
    let read_cells = column.cells.iter().zip(&best.is_read).filter(|(_, is_read)| **is_read);
    if is_year_likely_first(&best.formats, read_cells.map(|(cell, _)| *cell)) {
        return Some(DateColumn::YearFirst);
    }
    let other_order = (only_day == 0 && only_month == 0).then(|| other_order(&best.formats)).flatten();
    let mut formats = best.formats;
    if formats == [ISO] {
        formats.clear();
    }
    Some(DateColumn::Dates(DateFormats { formats, has_offset: best.has_offset, other_order, misfits }))
}

/// Whether a cell of a date column stands for no date.
pub(super) fn is_null(cell: &str) -> bool {
    let is_refused = || DateReader::iso_8601().read(cell) == Err(DateFault::NullDate);
    looks_like_null(cell) || looks_like_null_date(cell) || is_refused()
}

/// Formats that together read the cells of a column.
#[derive(Clone, Debug)]
struct Cover {
    formats: Vec<String>,
    /// By cell.
    is_read: Vec<bool>,
    has_offset: bool,
}

fn count(cover: &Cover, test: impl Fn(usize) -> bool) -> usize {
    (0..cover.is_read.len()).filter(|index| cover.is_read[*index] && test(*index)).count()
}

/// Chooses formats, each reading the most of the cells that the ones before do not read.
fn cover(found: &[Candidate], cells: usize, without: DayMonthOrder) -> Cover {
    let allowed: Vec<&Candidate> =
        found.iter().filter(|candidate| numeric_order(&candidate.format) != Some(without)).collect();
    // ISO 8601 alone needs no format; among others it is the least specific.
    let (iso, mut others): (Vec<&Candidate>, Vec<&Candidate>) =
        allowed.into_iter().partition(|candidate| candidate.format == ISO);
    let alone = choose(&iso, cells);
    others.extend(iso);
    let several = choose(&others, cells);
    if count(&alone, |_| true) >= count(&several, |_| true) { alone } else { several }
}

fn choose(found: &[&Candidate], cells: usize) -> Cover {
    let mut chosen: Vec<&Candidate> = Vec::new();
    let mut is_read = vec![false; cells];
    while chosen.len() < MOST_FORMATS {
        let added = |candidate: &Candidate| {
            (0..cells).filter(|index| !is_read[*index] && candidate.dates[*index].is_some()).count()
        };
        let agrees = |candidate: &&&Candidate| {
            chosen.iter().all(|earlier| {
                earlier
                    .dates
                    .iter()
                    .zip(&candidate.dates)
                    .all(|(one, other)| one.is_none() || other.is_none() || one == other)
            })
        };
        // Of equal ones, the likelier comes first.
        let best = found.iter().filter(agrees).rev().max_by_key(|candidate| added(candidate));
        let Some(best) = best.filter(|candidate| added(candidate) > 0) else { break };
        for (is_read, date) in is_read.iter_mut().zip(&best.dates) {
            *is_read |= date.is_some();
        }
        chosen.push(best);
    }
    let has_offset = (0..cells).filter(|index| is_read[*index]).all(|index| {
        let first = chosen.iter().find_map(|candidate| candidate.dates[index]);
        first.is_some_and(|date| date.has_offset)
    });
    Cover { formats: chosen.iter().map(|candidate| candidate.format.clone()).collect(), is_read, has_offset }
}

/// The formats with day and month exchanged; none if no format has both as numbers, or if one has no other
/// order.
fn other_order(formats: &[String]) -> Option<Vec<String>> {
    let has_other = |format: &String| !format.starts_with("%d.");
    let mut numeric = formats.iter().filter(|format| numeric_order(format).is_some()).peekable();
    numeric.peek()?;
    let exchanged = |format: &String| swapped(format).unwrap_or_else(|| format.clone());
    numeric.all(has_other).then(|| formats.iter().map(exchanged).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(name: &str, cells: &[&str]) -> Option<DateColumn> {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![cell.to_string()]).collect();
        date_column(&SampleColumn::new(0, name, &rows))
    }

    fn dates(name: &str, cells: &[&str]) -> DateFormats {
        match guessed(name, cells) {
            Some(DateColumn::Dates(dates)) => dates,
            other => panic!("{cells:?}: {other:?}"),
        }
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
            (&["November 5, 2022"], "%b %d, %Y"),
            (&["Sat, 5 Nov 2022 10:00:00 +0100"], "%a, %d %b %Y %H:%M:%S %z"),
            (&["2022-11-09 14:30:07 +0100"], "%Y-%m-%d %H:%M:%S %z"),
            (&["2022-11-09 14:30:07 UTC"], "%Y-%m-%d %H:%M:%S %z"),
            (&["2022年11月5日"], "%Y年%m月%d日"),
        ] {
            let dates = dates("Column", cells);
            assert_eq!((dates.formats, dates.other_order), (vec![format.to_owned()], None), "{cells:?}");
            assert_eq!(dates.misfits.count, 0);
        }
    }

    #[test]
    fn iso_dates_need_no_format() {
        let has_offset = |cells: &[&str]| {
            let dates = dates("x", cells);
            assert!(dates.formats.is_empty() && dates.other_order.is_none(), "{cells:?}");
            dates.has_offset
        };
        assert!(has_offset(&["2022-11-09T14:30:07Z", "2022-11-09T14:30:07+01:00"]));
        assert!(has_offset(&["2024-03-05 09:15:00+00"]));
        assert!(!has_offset(&["2022-11-09", ""]));
        assert!(!has_offset(&["2022-11-09 14:30", "2022-11-09T14:30:07.123"]));
        assert!(!has_offset(&["2022-11-09T14:30:07Z", "2022-11-09"]));
    }

    #[test]
    fn both_possible_orders_of_day_and_month_are_returned() {
        let ambiguous = dates("x", &["03/04/2022 10:00", "11/12/2022 9:15"]);
        assert_eq!(ambiguous.formats, ["%d/%m/%Y %H:%M"]);
        assert_eq!(ambiguous.other_order, Some(vec!["%m/%d/%Y %H:%M".to_owned()]));
        assert_eq!(dates("x", &["03.04.2022"]).other_order, None);
    }

    #[test]
    fn several_formats_are_tried_in_order_and_share_one_order_of_day_and_month() {
        let mixed = dates("Closed", &["31/12/2022", "2023-01-05", "30/01/2023", "2023-01-06", "13/02/2023"]);
        assert_eq!(mixed.formats, ["%d/%m/%Y", "%Y-%m-%d"]);
        assert_eq!((mixed.other_order, mixed.misfits.count), (None, 0));
        // Only the cell with a time is certain.
        let timed = dates("Closed", &["03/04/2022", "05/04/2022", "04/25/2022 10:00"]);
        assert_eq!(
            (&timed.formats[..], timed.other_order),
            (&["%m/%d/%Y".into(), "%m/%d/%Y %H:%M".into()][..], None)
        );
        // No strtime format reads all of these ISO 8601 dates.
        let iso = dates("Closed", &["2024-03-05", "2024-03-05 09:15", "2024-03-05T09:15:00.5", "31/12/2022"]);
        assert_eq!(iso.formats, ["iso_8601", "%d/%m/%Y"]);
        let neither = dates("Closed", &["03/04/2022", "05/04/2022 10:00"]);
        assert_eq!(neither.other_order, Some(vec!["%m/%d/%Y".into(), "%m/%d/%Y %H:%M".into()]));
    }

    #[test]
    fn a_few_bad_cells_are_counted() {
        let cells = ["31/12/2022", "soon", "30/01/2023", "", "13/02/2023", "tbd"];
        let named = dates("Closed at", &cells);
        assert_eq!(
            (&named.formats[..], named.misfits.count, named.misfits.of),
            (&["%d/%m/%Y".into()][..], 2, 5)
        );
        // Without the name, two of five texts are too many.
        assert!(matches!(guessed("Note", &cells), Some(DateColumn::TooFew(misfits)) if misfits.count == 2));
        let iso = dates("x", &["2022-11-09", "2022-11-10", "2022-11-11", "2022-11-12", "soon"]);
        assert_eq!((iso.formats.len(), iso.misfits.count), (0, 1));
    }

    #[test]
    fn null_markers_are_no_bad_dates() {
        let cells = ["NULL", "2022-11-09", "-", "0000-00-00", "\\N", "0001-01-01T00:00:00", "9999-01-01"];
        let nulls = dates("Closed", &cells);
        assert_eq!((nulls.formats.len(), nulls.misfits.count, nulls.misfits.of), (0, 0, 1));
        assert_eq!(guessed("closed_at", &["NULL", "-"]), None);
    }

    #[test]
    fn a_column_in_both_orders_has_no_format_unless_one_of_them_is_an_exception() {
        let mut cells = vec!["12/25/2022", "25/12/2022", "03/04/2022"];
        assert!(matches!(guessed("Opened", &cells), Some(DateColumn::BothOrders)));
        cells.extend(["12/26/2022"; 10]);
        let dates = dates("Opened", &cells);
        assert_eq!((&dates.formats[..], dates.misfits.count), (&["%m/%d/%Y".into()][..], 1));
    }

    #[test]
    fn a_column_whose_year_is_likely_first_has_no_format() {
        let cells = ["22/11/05", "", "23/11/06", "24/11/25"];
        assert_eq!(guessed("Opened", &cells), Some(DateColumn::YearFirst));
        assert_eq!(dates("Opened", &["05/11/22", "06/11/23", "25/11/24"]).formats, ["%d/%m/%y"]);
    }

    #[test]
    fn epoch_seconds_are_dates_only_by_the_header() {
        assert_eq!(dates("created_at", &["1700000000"]).formats, ["unix_seconds"]);
        assert!(dates("created_at", &["1700000000"]).has_offset);
        assert_eq!(guessed("Account", &["1700000000"]), None);
    }

    #[test]
    fn a_column_that_is_a_date_by_name_alone_is_told() {
        let is_told = |cells: &[&str], name| matches!(guessed(name, cells), Some(DateColumn::TooFew(_)));
        assert!(is_told(&["soon", "later", "31/12/2022"], "closed_at"));
        assert!(is_told(&["soon"], "closed_at"));
        assert!(!is_told(&["00:23:11", "00:10:11"], "Resolution time"));
        assert!(!is_told(&["true", "false"], "Closed"));
        assert!(!is_told(&[], "closed_at"));
    }

    #[test]
    fn other_texts_are_not_dates() {
        for cells in
            [&["10001231"][..], &["1.2.10"], &["12:30"], &["7"], &["", ""], &["31.12.2022", "a", "b"]]
        {
            assert_eq!(guessed("Version", cells), None, "{cells:?}");
        }
    }
}
