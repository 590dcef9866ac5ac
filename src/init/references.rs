//! Dates and web addresses as references, as many as have room.

use super::column::Column;
use super::dates::Dates;
use super::keys::Keys;

/// References of one type at most.
const OF_A_TYPE: usize = 5;

/// What the service allows for all references together, in bytes.
const BYTES: usize = 4096;

/// A date's value: epoch seconds.
const DATE_BYTES: usize = 11;

/// The references, by column and key.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) dates: Vec<(usize, String, DateReference)>,
    pub(super) urls: Vec<(usize, String)>,
    /// Columns for which there is no room.
    pub(super) without: Vec<usize>,
}

/// A date with day and month in an order.
#[derive(Debug)]
pub(super) struct DateReference {
    pub(super) format: Option<String>,
    pub(super) has_offset: bool,
    pub(super) order: Order,
}

/// Why day and month stand in this order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// No other order fits.
    Sure,
    /// Another date column of the file is sure. The other format.
    AsElsewhere(String),
    /// Files with semicolons come from where the day is first. The other format.
    Semicolon(String),
    /// Nothing tells. The other format.
    Unknown(String),
}

pub(super) fn references(
    columns: &[Column<'_>],
    dates: Vec<(usize, Dates)>,
    urls: &[usize],
    delimiter: Option<char>,
) -> References {
    let mut references = References::default();
    let mut keys = Keys::default();
    let mut room = BYTES;
    let mut takes = |bytes: usize| match room.checked_sub(bytes) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let name = |index: usize| columns.get(index).map_or("", |column| column.name);
    let day_first_elsewhere = elsewhere(&dates);
    for (index, dates) in dates {
        let key = keys.reference(name(index), index + 1);
        if references.dates.len() < OF_A_TYPE && takes(key.len() + "DATE".len() + DATE_BYTES) {
            let date = in_order(dates, day_first_elsewhere, delimiter);
            references.dates.push((index, key, date));
        } else {
            references.without.push(index);
        }
    }
    for index in urls.iter().copied() {
        let key = keys.reference(name(index), index + 1);
        let longest = columns.get(index).map_or(0, Column::longest_bytes);
        if references.urls.len() < OF_A_TYPE && takes(key.len() + "URL".len() + longest) {
            references.urls.push((index, key));
        } else {
            references.without.push(index);
        }
    }
    references
}

/// Whether the columns that are sure have the day before the month, if they agree.
fn elsewhere(dates: &[(usize, Dates)]) -> Option<bool> {
    let sure = dates.iter().filter(|(_, dates)| dates.other_order.is_none());
    let mut orders = sure.filter_map(|(_, dates)| match dates.format.as_deref()?.get(..2)? {
        "%d" => Some(true),
        "%m" | "%b" | "%B" => Some(false),
        _ => None,
    });
    let first = orders.next()?;
    orders.all(|order| order == first).then_some(first)
}

fn in_order(dates: Dates, elsewhere: Option<bool>, delimiter: Option<char>) -> DateReference {
    let Dates { format, has_offset, other_order } = dates;
    let (format, order) = match (format, other_order) {
        (Some(day_first), Some(month_first)) => {
            let (format, order) = match (elsewhere, delimiter) {
                (Some(true), _) => (day_first, Order::AsElsewhere(month_first)),
                (Some(false), _) => (month_first, Order::AsElsewhere(day_first)),
                (None, Some(';')) => (day_first, Order::Semicolon(month_first)),
                (None, _) => (month_first, Order::Unknown(day_first)),
            };
            (Some(format), order)
        }
        (format, _) => (format, Order::Sure),
    };
    DateReference { format, has_offset, order }
}
