//! Which column becomes what.

use super::Sample;
use super::column::Column;
use super::dates::{Dates, dates};
use super::key::key;
use super::references::{References, references};
use super::text;

/// The guess, in indices of columns.
#[derive(Debug)]
pub(super) struct Roles<'a> {
    pub(super) columns: Vec<Column<'a>>,
    pub(super) key: Option<usize>,
    pub(super) name: Option<Told>,
    pub(super) description: Option<Told>,
    pub(super) attributes: Vec<usize>,
    /// Columns that nothing is made of, since no row has anything there.
    pub(super) empty: Vec<usize>,
    pub(super) references: References,
}

/// A column, and whether its name told what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) column: usize,
    pub(super) by_name: bool,
}

impl<'a> Roles<'a> {
    pub(super) fn guess(sample: &Sample<'a>) -> Self {
        let columns: Vec<Column<'a>> = sample
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| Column::new(index, name, sample.rows))
            .collect();
        let is_empty = |index: &usize| columns.get(*index).is_some_and(Column::is_empty);
        let (unfilled, filled): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(is_empty);

        let dates: Vec<(usize, Dates)> =
            filled.iter().filter_map(|index| Some((*index, dates(columns.get(*index)?)?))).collect();
        let is_date = |index: usize| dates.iter().any(|(date, _)| *date == index);
        let urls: Vec<usize> =
            filled.iter().copied().filter(|index| columns.get(*index).is_some_and(Column::is_url)).collect();
        let texts: Vec<usize> =
            filled.iter().copied().filter(|index| !is_date(*index) && !urls.contains(index)).collect();
        let except = |taken: &[Option<usize>]| -> Vec<usize> {
            texts.iter().copied().filter(|index| !taken.contains(&Some(*index))).collect()
        };

        let named = text::named_name(&columns, &texts);
        let described = text::named_description(&columns, &except(&[named]));
        let key = key(&columns, &except(&[named, described]), sample.rows.len());
        let name = told(named, || {
            let short = text::short_text(&columns, &except(&[key, described]));
            short.or(key).or_else(|| filled.first().copied())
        });
        let description =
            told(described, || text::longest_text(&columns, &except(&[key, name.map(|name| name.column)])));

        let is_told = |index: usize| [name, description].iter().flatten().any(|told| told.column == index);
        let references = references(&columns, dates.clone(), &urls, sample.delimiter);
        let is_linked = |index: usize| references.urls.iter().any(|(url, _)| *url == index);
        let (empty, unfilled) = if sample.complete { (unfilled, vec![]) } else { (vec![], unfilled) };
        let mut attributes: Vec<usize> = filled
            .into_iter()
            .filter(|index| Some(*index) == key || is_date(*index) || !(is_told(*index) || is_linked(*index)))
            .chain(unfilled)
            .collect();
        attributes.sort_unstable();
        Roles { columns, key, name, description, attributes, empty, references }
    }
}

fn told(by_name: Option<usize>, otherwise: impl FnOnce() -> Option<usize>) -> Option<Told> {
    match by_name {
        Some(column) => Some(Told { column, by_name: true }),
        None => otherwise().map(|column| Told { column, by_name: false }),
    }
}
