//! Guesses the references: dates and URLs, up to the service's limits.

use std::collections::BTreeSet;

use super::dates::{DateColumn, DateFormats, date_column, is_null};
use super::day_month::OrderEvidence;
use super::misfits::Misfits;
use super::sample::SampleColumn;
use super::urls::{UrlColumn, url_column};
use crate::dates::DayMonthOrder;
use crate::slug::UsedKeys;
use crate::source::looks_like_null;

/// The most references of one type.
const MOST_OF_A_TYPE: usize = 5;

/// The service's limit for all references of a contact together, in bytes.
const MOST_BYTES: usize = 4096;

/// The length of a date's value, which is epoch seconds.
const DATE_BYTES: usize = 11;

/// The columns of dates and URLs, by index.
#[derive(Debug, Default)]
pub(super) struct ReferenceColumns {
    pub(super) dates: Vec<(usize, DateFormats)>,
    pub(super) urls: Vec<(usize, Misfits)>,
    /// Columns that are dates or URLs by their name, or in part, but get no reference.
    pub(super) refused: Vec<(usize, Refused)>,
}

/// Why a column is no reference.
#[derive(Debug)]
pub(super) enum Refused {
    FewDates(Misfits),
    /// Dates with the day first and dates with the month first.
    BothOrders,
    /// Dates whose year of two digits may be the first number.
    YearFirst,
    FewUrls(Misfits),
}

impl ReferenceColumns {
    /// Examines the columns with the given indices.
    pub(super) fn find(columns: &[SampleColumn<'_>], indices: &[usize]) -> Self {
        let mut found = ReferenceColumns::default();
        for index in indices.iter().copied() {
            let column = &columns[index];
            match (date_column(column), url_column(column)) {
                (Some(DateColumn::Dates(dates)), _) => found.dates.push((index, dates)),
                (_, Some(UrlColumn::Urls(misfits))) => found.urls.push((index, misfits)),
                (Some(DateColumn::BothOrders), _) => found.refused.push((index, Refused::BothOrders)),
                (Some(DateColumn::YearFirst), _) => found.refused.push((index, Refused::YearFirst)),
                (Some(DateColumn::TooFew(misfits)), _) => {
                    found.refused.push((index, Refused::FewDates(misfits)));
                }
                (None, Some(UrlColumn::TooFew(misfits))) => {
                    found.refused.push((index, Refused::FewUrls(misfits)));
                }
                (None, None) => {}
            }
        }
        found
    }

    /// Whether the column is of dates or URLs, at least by its name, so that it names and identifies no row.
    pub(super) fn has(&self, column: usize) -> bool {
        self.dates.iter().any(|(index, _)| *index == column)
            || self.urls.iter().any(|(index, _)| *index == column)
            || self.refused.iter().any(|(index, _)| *index == column)
    }
}

/// The references, each with its column and key.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) dates: Vec<DateReference>,
    pub(super) urls: Vec<UrlReference>,
    /// Date and URL columns beyond the limits.
    pub(super) left_out: Vec<usize>,
    pub(super) refused: Vec<(usize, Refused)>,
    /// The cells of these columns that stand for no value.
    pub(super) nulls: BTreeSet<String>,
}

/// A date column with one order of day and month.
#[derive(Debug)]
pub(super) struct DateReference {
    pub(super) column: usize,
    pub(super) key: String,
    pub(super) dates: DateFormats,
    /// The evidence for the order; none if no other order fits.
    pub(super) evidence: Option<String>,
}

/// A column of URLs.
#[derive(Debug)]
pub(super) struct UrlReference {
    pub(super) column: usize,
    pub(super) key: String,
    pub(super) misfits: Misfits,
}

/// Makes references of date and URL columns in file order until a limit is reached.
pub(super) fn references(
    columns: &[SampleColumn<'_>],
    found: ReferenceColumns,
    delimiter: Option<char>,
) -> References {
    let mut references = References { refused: found.refused, ..References::default() };
    let mut keys = UsedKeys::default();
    let mut room = MOST_BYTES;
    let mut reserve = |bytes: usize| room.checked_sub(bytes).map(|left| room = left).is_some();
    let name = |index: usize| columns[index].name;
    // `[source] null` lists cells exactly as they stand.
    let nulls =
        |index: usize, is_null: fn(&str) -> bool| columns[index].untrimmed(is_null).map(str::to_owned);
    let order = OrderEvidence::new(columns, &found.dates, delimiter);
    for (column, mut dates) in found.dates {
        let key = keys.reference(name(column), column + 1);
        if references.dates.len() < MOST_OF_A_TYPE && reserve(key.len() + "DATE".len() + DATE_BYTES) {
            references.nulls.extend(nulls(column, is_null));
            let chosen = dates.other_order.is_some().then(|| order.choose(&dates));
            if let (Some(chosen), Some(other)) = (&chosen, &mut dates.other_order)
                && chosen.order == DayMonthOrder::MonthFirst
            {
                std::mem::swap(&mut dates.formats, other);
            }
            let evidence = chosen.map(|chosen| chosen.comment);
            references.dates.push(DateReference { column, key, dates, evidence });
        } else {
            references.left_out.push(column);
        }
    }
    for (column, misfits) in found.urls {
        let key = keys.reference(name(column), column + 1);
        let longest = columns[column].longest_bytes();
        if references.urls.len() < MOST_OF_A_TYPE && reserve(key.len() + "URL".len() + longest) {
            references.nulls.extend(nulls(column, looks_like_null));
            references.urls.push(UrlReference { column, key, misfits });
        } else {
            references.left_out.push(column);
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use super::super::{CsvSample, job_file};

    /// The job file of a CSV without quotes.
    fn guessed(csv: &str) -> String {
        let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let columns = lines.next().unwrap();
        let rows: Vec<_> = lines.collect();
        let lines: Vec<u64> = (2..).take(rows.len()).collect();
        let sample = CsvSample { lines: &lines, ..CsvSample::whole(&columns, &rows) };
        job_file(&sample, "export.toml").text
    }

    #[test]
    fn cells_that_are_no_dates_or_urls_are_told_and_the_references_stay() {
        let job = guessed(
            "id,opened_at,closed_at,resolved_at,Due,Link,Website\n\
             1,2024-03-05,2024-03-05,soon,12/25/2024,https://a.example/1,https://b.example/1\n\
             2,2024-03-06,NULL,later,25/12/2024,https://a.example/2,b.example/2\n\
             3,2024-03-07,2024-03-06,never,03/04/2024,on paper,b.example/3\n\
             4,yesterday,0000-00-00,2024-03-06,,https://a.example/4,\n\
             5,?,2024-03-08,,,,\n",
        );
        insta::assert_snapshot!(job);
    }

    #[test]
    fn a_file_without_bad_cells_has_no_comment_about_them() {
        let job = guessed("id,opened_at,Link\n1,2024-03-05,https://a.example\n2,,\n");
        assert!(!job.contains(" no date") && !job.contains(" no URL") && !job.contains("null ="), "{job}");
    }
}
