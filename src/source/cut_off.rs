//! Signs that a file was cut off, such as by a download that was interrupted.

/// The lengths of the rows' last cells, to see that the last one is shorter.
#[derive(Debug, Default)]
pub(super) struct LastCells {
    rows: u64,
    /// The length of all of them so far, bytes.
    length: usize,
    is_uniform: bool,
}

impl LastCells {
    /// Fewest rows whose last cells show a length that all have.
    const FEWEST: u64 = 2;

    /// Adds the last cell of a row. True if it is shorter than those of all rows before, which have one length.
    pub(super) fn is_shorter(&mut self, cell: &str) -> bool {
        if self.rows == 0 {
            (self.length, self.is_uniform) = (cell.len(), true);
        }
        let is_shorter = self.rows >= Self::FEWEST && self.is_uniform && cell.len() < self.length;
        self.is_uniform &= cell.len() == self.length;
        self.rows += 1;
        is_shorter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_shorter_only_than_others_of_one_length() {
        let last = |cells: &[&str]| {
            let mut lengths = LastCells::default();
            cells.iter().fold(false, |_, cell| lengths.is_shorter(cell))
        };
        assert!(last(&["2024-03-05", "2024-03-06", "2024-0"]));
        assert!(last(&["x", "y", ""]));
        assert!(!last(&["2024-03-05", "2024-0"]));
        assert!(!last(&["2024-03-05", "2024-3-6", "2024-0"]));
        assert!(!last(&["a", "b", "cc"]));
        assert!(!last(&["", "", ""]));
    }
}
