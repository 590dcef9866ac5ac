//! Guesses the references: dates and URLs, up to the service's limits.

use super::dates::DateFormat;
use super::sample::SampleColumn;
use crate::slug::UsedKeys;

/// The most references of one type.
const MOST_OF_A_TYPE: usize = 5;

/// The service's limit for all references of a contact together, in bytes.
const MOST_BYTES: usize = 4096;

/// The length of a date's value, which is epoch seconds.
const DATE_BYTES: usize = 11;

/// The references, each with its column and key.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) dates: Vec<(usize, String, DateReference)>,
    pub(super) urls: Vec<(usize, String)>,
    /// Date and URL columns beyond the limits.
    pub(super) left_out: Vec<usize>,
}

/// A date column's format with one order of day and month.
#[derive(Debug)]
pub(super) struct DateReference {
    pub(super) format: Option<String>,
    pub(super) has_offset: bool,
    pub(super) order: DayMonthOrder,
}

/// The evidence for the order of day and month.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DayMonthOrder {
    /// No other order fits.
    Certain,
    /// The order of the file's other date columns. With the format of the other order.
    AsInOtherColumns(String),
    /// Day first, since the field separator is a semicolon. With the format of the other order.
    BySemicolon(String),
    /// No evidence. With the format of the other order.
    Unknown(String),
}

/// Makes references of date and URL columns in file order until a limit is reached.
pub(super) fn references(
    columns: &[SampleColumn<'_>],
    dates: Vec<(usize, DateFormat)>,
    urls: &[usize],
    delimiter: Option<char>,
) -> References {
    let mut references = References::default();
    let mut keys = UsedKeys::default();
    let mut room = MOST_BYTES;
    let mut reserve = |bytes: usize| room.checked_sub(bytes).map(|left| room = left).is_some();
    let name = |index: usize| columns[index].name;
    let is_day_first_elsewhere = is_day_first(&dates);
    for (index, dates) in dates {
        let key = keys.reference(name(index), index + 1);
        if references.dates.len() < MOST_OF_A_TYPE && reserve(key.len() + "DATE".len() + DATE_BYTES) {
            let date = in_order(dates, is_day_first_elsewhere, delimiter);
            references.dates.push((index, key, date));
        } else {
            references.left_out.push(index);
        }
    }
    for index in urls.iter().copied() {
        let key = keys.reference(name(index), index + 1);
        let longest = columns[index].longest_bytes();
        if references.urls.len() < MOST_OF_A_TYPE && reserve(key.len() + "URL".len() + longest) {
            references.urls.push((index, key));
        } else {
            references.left_out.push(index);
        }
    }
    references
}

/// Whether the day comes first in the columns with a certain order; none if they disagree.
fn is_day_first(dates: &[(usize, DateFormat)]) -> Option<bool> {
    let certain = dates.iter().filter(|(_, dates)| dates.other_order.is_none());
    let mut orders = certain.filter_map(|(_, dates)| match dates.format.as_deref()?.get(..2)? {
        "%d" => Some(true),
        "%m" | "%b" | "%B" => Some(false),
        _ => None,
    });
    let first = orders.next()?;
    orders.all(|order| order == first).then_some(first)
}

fn in_order(
    dates: DateFormat,
    is_day_first_elsewhere: Option<bool>,
    delimiter: Option<char>,
) -> DateReference {
    let DateFormat { format, has_offset, other_order } = dates;
    let (format, order) = match (format, other_order) {
        (Some(day_first), Some(month_first)) => {
            let (format, order) = match (is_day_first_elsewhere, delimiter) {
                (Some(true), _) => (day_first, DayMonthOrder::AsInOtherColumns(month_first)),
                (Some(false), _) => (month_first, DayMonthOrder::AsInOtherColumns(day_first)),
                (None, Some(';')) => (day_first, DayMonthOrder::BySemicolon(month_first)),
                (None, _) => (month_first, DayMonthOrder::Unknown(day_first)),
            };
            (Some(format), order)
        }
        (format, _) => (format, DayMonthOrder::Certain),
    };
    DateReference { format, has_offset, order }
}
