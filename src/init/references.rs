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

/// The evidence for an order of day and month where the other order also fits.
const BY_OTHER_COLUMNS: &str =
    "Guessed: day and month are in the order of the file's other dates. The other order also fits:";
const BY_SEMICOLON: &str =
    "AMBIGUOUS: guessed day first, as is usual in files with semicolons. With the month first:";
const NO_EVIDENCE: &str =
    "AMBIGUOUS: the day or the month may be first; guessed month first. With the day first:";

/// The references, each with its column and key.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) dates: Vec<DateReference>,
    pub(super) urls: Vec<(usize, String)>,
    /// Date and URL columns beyond the limits.
    pub(super) left_out: Vec<usize>,
}

/// A date column with one order of day and month.
#[derive(Debug)]
pub(super) struct DateReference {
    pub(super) column: usize,
    pub(super) key: String,
    pub(super) date: DateFormat,
    /// The evidence for the order, for a comment; it says nothing if no other order fits.
    pub(super) evidence: &'static str,
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
    for (column, mut date) in dates {
        let key = keys.reference(name(column), column + 1);
        if references.dates.len() < MOST_OF_A_TYPE && reserve(key.len() + "DATE".len() + DATE_BYTES) {
            let evidence = choose_order(&mut date, is_day_first_elsewhere, delimiter);
            references.dates.push(DateReference { column, key, date, evidence });
        } else {
            references.left_out.push(column);
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

/// Puts the order of day and month that is more likely into the format, and returns the evidence.
fn choose_order(
    date: &mut DateFormat,
    is_day_first_elsewhere: Option<bool>,
    delimiter: Option<char>,
) -> &'static str {
    let (is_day_first, evidence) = match (is_day_first_elsewhere, delimiter) {
        (Some(is_day_first), _) => (is_day_first, BY_OTHER_COLUMNS),
        (None, Some(';')) => (true, BY_SEMICOLON),
        (None, _) => (false, NO_EVIDENCE),
    };
    if date.other_order.is_some() && !is_day_first {
        std::mem::swap(&mut date.format, &mut date.other_order);
    }
    evidence
}
