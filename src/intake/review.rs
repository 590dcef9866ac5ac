//! Warnings about mapped rows, which `check` prints and `run` shows before its first request.

use crate::mapping::Mapped;
use crate::warning::{WarnedRow, WarningCode, Warnings};

/// Warns of what the request of a row shows.
pub fn review(warnings: &mut Warnings, row: WarnedRow<'_>, mapped: &Mapped<'_>) {
    for member in &mapped.cuts {
        warnings.warn_of_row(WarningCode::TextCut, member, row, || {
            [
                "is cut to fit".to_owned(),
                "the rest of the text is not sent; shorten it, or map it elsewhere".to_owned(),
            ]
        });
    }
}
