//! Warns of dates that would be read with day and month exchanged as well.

use crate::mapping::{AllowedOrder, DayMonthColumn};
use crate::warning::{WarnedRow, Warning, WarningCode};

/// The orders of day and month that the cells of each column of dates allow.
#[derive(Debug, Default)]
pub(super) struct DayMonthTally {
    columns: Vec<ColumnTally>,
}

#[derive(Debug)]
struct ColumnTally {
    name: String,
    format: String,
    /// Whether a cell allows the order of the format only.
    is_decided: bool,
    /// Cells that allow both orders, until it is decided, and the first row with one.
    either: u64,
    open: Option<Warning>,
    /// Cells that allow the other order only, and the first row with one.
    other: u64,
    contrary: Option<Warning>,
}

impl DayMonthTally {
    /// Counts a row's cell of this column. Once a cell has decided the order, only rejected rows can tell
    /// more, so a large file costs no second reading of its dates.
    pub(super) fn record(
        &mut self,
        column: &DayMonthColumn,
        cells: &csv::StringRecord,
        row: WarnedRow<'_>,
        is_rejected: bool,
    ) {
        let tally = self.of(column);
        if tally.is_decided && !is_rejected {
            return;
        }
        let warning = |text: String| {
            let remedy = "compare one with the source system, and correct the format or the export";
            let warning = Warning::new(WarningCode::DayMonthOrder, text, remedy).about(&column.name);
            warning.at(row.file, row.line, &row.key.label(), "")
        };
        let (format, other) = (&column.format, &column.other_format);
        match column.allowed_order(cells) {
            Some(AllowedOrder::Own) => tally.is_decided = true,
            Some(AllowedOrder::Either) => {
                tally.either += 1;
                tally.open.get_or_insert_with(|| {
                    warning(format!(
                        "has only dates that '{format}' and '{other}' both read, as different days"
                    ))
                });
            }
            Some(AllowedOrder::Other) => {
                tally.other += 1;
                tally.contrary.get_or_insert_with(|| {
                    let text = "does not; those that both read may be wrong";
                    warning(format!("has dates that '{other}' reads and '{format}' {text}"))
                });
            }
            None => {}
        }
    }

    /// Inputs of one job share a column's tally.
    fn of(&mut self, column: &DayMonthColumn) -> &mut ColumnTally {
        let is_same = |tally: &ColumnTally| tally.name == column.name && tally.format == column.format;
        let index = self.columns.iter().position(is_same).unwrap_or(self.columns.len());
        if index == self.columns.len() {
            self.columns.push(ColumnTally {
                name: column.name.clone(),
                format: column.format.clone(),
                is_decided: false,
                either: 0,
                open: None,
                other: 0,
                contrary: None,
            });
        }
        &mut self.columns[index]
    }

    /// A warning for each column whose dates may be wrong: no cell decides the order, or some contradict the
    /// format.
    pub(super) fn warnings(self) -> impl Iterator<Item = Warning> {
        self.columns.into_iter().filter_map(|tally| match (tally.contrary, tally.open) {
            (Some(contrary), _) => Some(contrary.times(tally.other)),
            (None, Some(open)) if !tally.is_decided => Some(open.times(tally.either)),
            (None, _) => None,
        })
    }
}
