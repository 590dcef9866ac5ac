//! Columns of dates whose day and month are numbers, for the warning that a wrong order would read as well.

use super::columns::Columns;
use super::filters::FilterStep;
use super::template::{PlainPart, Template};
use super::tree::Children;
use crate::dates::{DateReader, numeric_order, swapped};

/// A column that a plain template reads by a format such as `%m/%d/%Y`.
#[derive(Debug)]
pub struct DayMonthColumn {
    column: usize,
    /// Name of the column.
    pub name: String,
    /// The format with the numbers, as the job has it.
    pub format: String,
    /// The format with day and month exchanged.
    pub other_format: String,
    readers: Vec<DateReader>,
    other_readers: Vec<DateReader>,
}

/// The orders of day and month that a cell allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedOrder {
    /// Only that of the format.
    Own,
    /// Only the other one, so that the format does not read the cell.
    Other,
    /// Both.
    Either,
}

impl DayMonthColumn {
    /// None if the cell is empty, or no date with numbers for day and month.
    pub fn allowed_order(&self, cells: &csv::StringRecord) -> Option<AllowedOrder> {
        let cell = cells.get(self.column).map(str::trim).filter(|cell| !cell.is_empty())?;
        for reader in &self.readers {
            let Ok(date) = reader.read(cell) else { continue };
            // Any day up to 12 is a month as well. If both are equal, the order does not matter.
            let (day, month) = date.day_and_month();
            return match reader.format().and_then(numeric_order) {
                Some(_) if day > 12 => Some(AllowedOrder::Own),
                // With dots the day is first wherever such dates are written.
                Some(_) if reader.format().is_some_and(|format| format.contains("%d.%m")) => {
                    Some(AllowedOrder::Own)
                }
                Some(_) if day != month => Some(AllowedOrder::Either),
                Some(_) | None => None,
            };
        }
        self.other_readers.iter().any(|reader| reader.read(cell).is_ok()).then_some(AllowedOrder::Other)
    }
}

/// The columns below `root`, each once.
pub(super) fn day_month_columns(root: &Children, columns: &Columns) -> Vec<DayMonthColumn> {
    let mut found: Vec<DayMonthColumn> = Vec::new();
    for (_, node) in root {
        node.for_each_leaf(&mut |leaf| {
            let Template::Plain(parts) = &leaf.template else { return };
            for part in parts {
                let PlainPart::Cell(column, steps) = part else { continue };
                let Some(FilterStep::Date(form)) = steps.first() else { continue };
                let new = new_column(*column, &columns.names[*column], form.readers());
                found.extend(new.filter(|new| {
                    found.iter().all(|known| (known.column, &known.format) != (new.column, &new.format))
                }));
            }
        });
    }
    found
}

fn new_column(column: usize, name: &str, readers: &[DateReader]) -> Option<DayMonthColumn> {
    let (format, other_format) =
        readers.iter().find_map(|reader| Some((reader.format()?.to_owned(), swapped(reader.format()?)?)))?;
    let other_readers =
        readers.iter().filter_map(|reader| DateReader::new(&swapped(reader.format()?)?).ok()).collect();
    let (name, readers) = (name.to_owned(), readers.to_vec());
    Some(DayMonthColumn { column, name, format, other_format, readers, other_readers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_allows_the_orders_that_read_it() {
        let readers = ["%m/%d/%Y", "%Y-%m-%d"].map(|format| DateReader::new(format).unwrap());
        let column = new_column(0, "Opened", &readers).unwrap();
        assert_eq!((&*column.format, &*column.other_format), ("%m/%d/%Y", "%d/%m/%Y"));
        for (cell, expected) in [
            ("12/25/2024", Some(AllowedOrder::Own)),
            ("25/12/2024", Some(AllowedOrder::Other)),
            (" 03/04/2024 ", Some(AllowedOrder::Either)),
            ("03/03/2024", None),
            ("2024-03-04", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(column.allowed_order(&csv::StringRecord::from(vec![cell])), expected, "{cell}");
        }
        assert!(new_column(0, "Opened", &readers[1..]).is_none());
        for (format, cell, expected) in [
            ("%d.%m.%Y", "03.04.2024", AllowedOrder::Own),
            ("%d.%m.%y %H:%M", "03.04.24 09:15", AllowedOrder::Own),
            ("%d.%m.%Y", "04.25.2024", AllowedOrder::Other),
            ("%m.%d.%Y", "03.04.2024", AllowedOrder::Either),
            ("%d-%m-%Y", "03-04-2024", AllowedOrder::Either),
        ] {
            let column = new_column(0, "Opened", &[DateReader::new(format).unwrap()]).unwrap();
            let cells = csv::StringRecord::from(vec![cell]);
            assert_eq!(column.allowed_order(&cells), Some(expected), "{format} {cell}");
        }
    }
}
