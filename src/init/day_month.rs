//! Chooses between day first and month first where a column's cells allow both.

use super::date_names::is_day_first_language;
use super::dates::DateFormats;
use super::literals;
use super::sample::SampleColumn;
use crate::dates::{DayMonthOrder, numeric_order};

/// The evidence in a file for the order of day and month in its dates.
#[derive(Debug)]
pub(super) struct OrderEvidence<'a> {
    /// Columns of numeric dates of which only one order reads the cells.
    certain: Vec<CertainColumn<'a>>,
    /// The order in dates with names of months; none if there are both.
    with_names: Option<DayMonthOrder>,
    is_day_first_language: bool,
    has_am_pm: bool,
    has_semicolons: bool,
}

#[derive(Debug)]
struct CertainColumn<'a> {
    name: &'a str,
    separator: char,
    order: DayMonthOrder,
}

/// The order of a column's day and month, and the comment about it, which ends before the formats of the
/// other order.
#[derive(Debug)]
pub(super) struct ChosenOrder {
    pub(super) order: DayMonthOrder,
    pub(super) comment: String,
}

impl<'a> OrderEvidence<'a> {
    pub(super) fn new(
        columns: &[SampleColumn<'a>],
        dates: &[(usize, DateFormats)],
        delimiter: Option<char>,
    ) -> Self {
        let mut certain = Vec::new();
        let mut with_names = Vec::new();
        for (column, dates) in dates {
            for format in &dates.formats {
                if let Some(order) = numeric_order(format) {
                    let separator = format.chars().nth(2).unwrap_or_default();
                    if dates.other_order.is_none() {
                        certain.push(CertainColumn { name: columns[*column].name, separator, order });
                    }
                } else {
                    with_names.extend(order_with_names(format));
                }
            }
        }
        let is_numeric =
            |dates: &DateFormats| dates.formats.iter().any(|format| numeric_order(format).is_some());
        let ambiguous = || dates.iter().filter(|(_, dates)| is_numeric(dates));
        OrderEvidence {
            certain,
            with_names: agreed(with_names.into_iter()),
            is_day_first_language: columns.iter().any(|column| is_day_first_language(&column.words)),
            has_am_pm: ambiguous().any(|(_, dates)| dates.formats.iter().any(|format| format.contains("%p"))),
            has_semicolons: delimiter == Some(';'),
        }
    }

    /// The likelier order of a column whose cells allow both.
    pub(super) fn choose(&self, dates: &DateFormats) -> ChosenOrder {
        let separators: Vec<char> = dates
            .formats
            .iter()
            .filter(|format| numeric_order(format).is_some())
            .filter_map(|f| f.chars().nth(2))
            .collect();
        let alike = |column: &&CertainColumn<'_>| separators.contains(&column.separator);
        if let Some(order) = agreed(self.certain.iter().filter(alike).map(|column| column.order)) {
            let name = self.certain.iter().find(alike).map_or("", |column| column.name);
            let comment = format!(
                "Guessed: {}, as in '{}', where only this order is possible. With {}:",
                first(order),
                literals::comment(name),
                first(order.other()),
            );
            return ChosenOrder { order, comment };
        }
        let (order, reason) = self.likelier();
        let comment =
            format!("AMBIGUOUS: guessed {}, {reason}. With {}:", first(order), first(order.other()));
        ChosenOrder { order, comment }
    }

    /// The order of dates of which nothing in the file is certain, and the reason.
    fn likelier(&self) -> (DayMonthOrder, &'static str) {
        use DayMonthOrder::{DayFirst, MonthFirst};
        let elsewhere = agreed(self.certain.iter().map(|column| column.order));
        let named = if self.certain.is_empty() { self.with_names } else { None };
        if let Some(order) = elsewhere.or(named) {
            (order, "as in the file's other dates")
        } else if self.is_day_first_language {
            (DayFirst, "as is usual in the language of the header")
        } else if self.has_am_pm {
            (MonthFirst, "as is usual with AM and PM")
        } else if self.has_semicolons {
            (DayFirst, "as is usual in files with semicolons")
        } else if self.certain.is_empty() {
            (MonthFirst, "without evidence")
        } else {
            (MonthFirst, "although the file's other dates are in both orders")
        }
    }
}

/// The order that all agree on.
fn agreed(mut orders: impl Iterator<Item = DayMonthOrder>) -> Option<DayMonthOrder> {
    let order = orders.next()?;
    orders.all(|other| other == order).then_some(order)
}

/// The order of a format with a month's name: `%d %b %Y` or `%b %d, %Y`.
fn order_with_names(format: &str) -> Option<DayMonthOrder> {
    let month = format.find("%b")?;
    let day = format.find("%d")?;
    // The year comes first in no such format that has an order of day and month.
    Some(if day < month { DayMonthOrder::DayFirst } else { DayMonthOrder::MonthFirst })
}

fn first(order: DayMonthOrder) -> &'static str {
    match order {
        DayMonthOrder::DayFirst => "the day first",
        DayMonthOrder::MonthFirst => "the month first",
    }
}

#[cfg(test)]
mod tests {
    use super::super::dates::{DateColumn, date_column};
    use super::*;

    /// The order of the first of the columns, and the comment.
    fn chosen(columns: &[(&str, &str)], delimiter: Option<char>) -> (DayMonthOrder, String) {
        let rows = vec![columns.iter().map(|(_, cell)| cell.to_string()).collect::<Vec<_>>()];
        let columns: Vec<SampleColumn<'_>> = columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| SampleColumn::new(index, name, &rows))
            .collect();
        let dates: Vec<(usize, DateFormats)> = columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| match date_column(column)? {
                DateColumn::Dates(dates) => Some((index, dates)),
                DateColumn::TooFew(_) | DateColumn::BothOrders | DateColumn::YearFirst => None,
            })
            .collect();
        assert!(dates[0].1.other_order.is_some());
        let ChosenOrder { order, comment } =
            OrderEvidence::new(&columns, &dates, delimiter).choose(&dates[0].1);
        (order, comment)
    }

    #[track_caller]
    fn assert_chosen(columns: &[(&str, &str)], delimiter: Option<char>, order: DayMonthOrder, reason: &str) {
        let (chosen, comment) = chosen(columns, delimiter);
        assert_eq!(chosen, order, "{comment}");
        assert!(comment.contains(reason), "{comment}");
    }

    use DayMonthOrder::{DayFirst, MonthFirst};

    const OPENED: (&str, &str) = ("Opened", "03/04/2022");

    #[test]
    fn a_certain_column_of_the_same_separator_decides() {
        let columns = [OPENED, ("Closed", "30/04/2022"), ("Due", "12-25-2022")];
        assert_chosen(&columns, None, DayFirst, "Guessed: the day first, as in 'Closed'");
        assert_chosen(
            &[OPENED, ("Closed", "4/30/22 9:15")],
            Some(';'),
            MonthFirst,
            "Guessed: the month first",
        );
    }

    #[test]
    fn certain_columns_that_disagree_decide_nothing() {
        let columns = [OPENED, ("Closed", "30/04/2022"), ("Due", "12/25/2022")];
        assert_chosen(&columns, None, MonthFirst, "AMBIGUOUS: guessed the month first, although");
        assert_chosen(&columns, Some(';'), DayFirst, "files with semicolons");
    }

    #[test]
    fn other_dates_are_weaker_evidence() {
        assert_chosen(
            &[OPENED, ("Closed", "30.04.2022")],
            None,
            DayFirst,
            "AMBIGUOUS: guessed the day first, as in",
        );
        assert_chosen(&[OPENED, ("Closed", "30-Apr-2022")], None, DayFirst, "the file's other dates");
        assert_chosen(&[OPENED, ("Closed", "Apr 30, 2022")], Some(';'), MonthFirst, "the file's other dates");
        assert_chosen(&[OPENED, ("Closed", "2022-04-30")], None, MonthFirst, "without evidence");
    }

    #[test]
    fn language_clock_and_delimiter_follow() {
        assert_chosen(&[("Erstellt am", "03/04/2022 9:15 AM")], None, DayFirst, "language of the header");
        assert_chosen(&[("Opened", "03/04/2022 9:15 AM")], Some(';'), MonthFirst, "AM and PM");
        // One file has one order: the clock of another column counts.
        assert_chosen(&[OPENED, ("Closed", "03/04/2022 9:15 AM")], Some(';'), MonthFirst, "AM and PM");
        assert_chosen(&[OPENED], Some(';'), DayFirst, "semicolons");
        assert_chosen(
            &[OPENED],
            None,
            MonthFirst,
            "AMBIGUOUS: guessed the month first, without evidence. With the day first:",
        );
    }
}
