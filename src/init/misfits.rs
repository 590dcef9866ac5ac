//! Cells that are not what most of their column is.

use super::sample::SampleColumn;

/// The cells of a column that are no dates or no URLs. Empty cells and null markers do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Misfits {
    pub(super) count: usize,
    /// The number of cells.
    pub(super) of: usize,
    /// The row of the first of them.
    first_row: Option<usize>,
}

impl Misfits {
    /// Counts the cells of which `fits` is false, by their index in `column.cells`.
    pub(super) fn new(column: &SampleColumn<'_>, fits: impl Fn(usize) -> bool) -> Self {
        let mut indices = (0..column.cells.len()).filter(|index| !fits(*index));
        let first = indices.next();
        Misfits {
            count: first.iter().count() + indices.count(),
            of: column.cells.len(),
            first_row: first.and_then(|index| column.row(index)),
        }
    }

    /// `8 of 12 cells are no dates, the first in line 3`. `lines` has the line of each row, or is empty.
    pub(super) fn described(&self, one: &str, several: &str, lines: &[u64]) -> String {
        let Misfits { count, of, first_row } = self;
        let (verb, kind) = if *count == 1 { ("is", one) } else { ("are", several) };
        let cells = if *of == 1 { "cell" } else { "cells" };
        let line = match first_row.and_then(|row| lines.get(row)) {
            Some(line) if *count == 1 => format!(", in line {line}"),
            Some(line) => format!(", the first in line {line}"),
            None => String::new(),
        };
        format!("{count} of {of} {cells} {verb} no {kind}{line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_that_of_the_first_cell_that_does_not_fit() {
        let rows: Vec<Vec<String>> = ["a", "", "b", "c"].iter().map(|cell| vec![cell.to_string()]).collect();
        let column = SampleColumn::new(0, "Column", &rows);
        let lines = [2, 3, 4, 7];
        let described = |misfit: &str, lines: &[u64]| {
            Misfits::new(&column, |index| !misfit.contains(column.cells[index]))
                .described("date", "dates", lines)
        };
        assert_eq!(described("bc", &lines), "2 of 3 cells are no dates, the first in line 4");
        assert_eq!(described("c", &lines), "1 of 3 cells is no date, in line 7");
        assert_eq!(described("c", &[]), "1 of 3 cells is no date");
        assert_eq!(Misfits::new(&column, |_| true).count, 0);
    }
}
