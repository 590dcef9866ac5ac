//! Rejections of records that are no rows, and of rows that a file ends in.

use crate::mapping::Rejection;
use crate::source::{NonRow, Record};

/// Why a record cannot be a row of `columns` columns; none if it may be one.
pub(super) fn non_row(record: &Record, columns: usize) -> Option<Rejection> {
    let cells = record.fields.len();
    let (code, found, rule) = match record.non_row {
        Some(NonRow::Header) => (
            Rejection::HEADER_ROW,
            "repeats the header",
            "it is no row; files that are joined have it once each: remove the line",
        ),
        Some(NonRow::Rule) => (Rejection::RULE_ROW, "is a line of dashes", "it is no row; remove the line"),
        Some(NonRow::Count) => (Rejection::COUNT_ROW, "is a number of rows", "it is no row; remove the line"),
        Some(NonRow::EndMark) => {
            (Rejection::COUNT_ROW, "is the end mark of COPY", "it is no row; remove the line")
        }
        // A total with all cells may be a row, and is only warned of.
        Some(NonRow::Total) if cells != columns => {
            (Rejection::COUNT_ROW, "is a total", "it is no row; remove the line")
        }
        Some(NonRow::Total | NonRow::Title) | None if record.is_unterminated && cells < columns => (
            Rejection::RAGGED,
            "is the last row and has no line end",
            "the file ends within this row: it may be cut off; export or download it again",
        ),
        Some(NonRow::Total | NonRow::Title) | None => return None,
    };
    Some(Rejection::of_row(code, found, rule))
}
