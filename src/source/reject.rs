//! What a rejects file says of a row.

/// The columns that a rejects file has after the original ones.
pub const REJECT_COLUMNS: [&str; 6] = ["_file", "_line", "_key", "_state", "_code", "_message"];

/// What a rejects file says of a row beside its cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// The input that it came from, as the ledger knows it.
    pub file: String,
    /// The line there on which it starts; 0 if somebody has put something else into the cell.
    pub line: u64,
    /// The key that it had, as people see it.
    pub key: String,
    /// The code that it was rejected with; empty if somebody says that it is mended.
    pub code: String,
}

impl Reject {
    /// What the cells after the first `own` say, which are those of the row itself.
    pub(super) fn after(own: usize, cells: &csv::StringRecord) -> Self {
        let cell = |name| {
            let at = REJECT_COLUMNS.iter().position(|column| *column == name);
            at.and_then(|at| cells.get(own + at)).unwrap_or_default().to_owned()
        };
        Reject {
            file: cell("_file"),
            line: cell("_line").parse().unwrap_or_default(),
            key: cell("_key"),
            code: cell("_code"),
        }
    }
}
