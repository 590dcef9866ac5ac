//! A data row, and the columns that a rejects file adds to it.

use std::borrow::Cow;

use super::non_row::NonRow;
use crate::digest::Digest;

/// Maximum length of a record, bytes. A quote that is never closed turns the rest of the file into one record, which
/// need not fit into memory.
pub(super) const MAX_RECORD_BYTES: usize = 64 << 20;

/// Maximum number of columns: four times those of a sheet of Excel. A header with more has no line end, or is no header.
pub(super) const MOST_COLUMNS: usize = 1 << 16;

/// The columns that a rejects file has after the original ones.
pub const REJECT_COLUMNS: [&str; 7] = ["_file", "_line", "_key", "_state", "_code", "_message", "_row"];

/// One data row of a CSV.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The line of the file on which the record starts, from 1.
    pub line: u64,
    /// The fields, unescaped. A ragged row has fewer or more of them than the header.
    pub fields: csv::StringRecord,
    /// Whether text follows a closing quote, which means that a quote may have swallowed fields or rows.
    pub has_stray_quote: bool,
    /// Kind of the record, if it is no row.
    pub non_row: Option<NonRow>,
    /// Whether the file ends within the record's line, without a line end.
    pub is_unterminated: bool,
    /// Whether the file ends so, and the record has fewer cells than the header, or a last cell that is shorter than
    /// those of all rows before, which have one length.
    pub has_short_end: bool,
    /// Whether the row has several lines each of which looks like a row, which means that a quote may have swallowed
    /// rows.
    pub may_hold_rows: bool,
    /// Whether a cell is one of the texts under `[source] null`; with escapes always true, since it is not known.
    pub may_have_null: bool,
    /// Malformed text, each piece of which is U+FFFD in the fields.
    pub malformed: Option<MalformedText>,
    /// The content of a rejects file's additional columns; none in any other file.
    pub reject: Option<Reject>,
}

impl Record {
    /// Whether its form is a reason to warn, even of a row that can be sent.
    pub fn is_suspect(&self) -> bool {
        self.may_hold_rows
            || self.has_short_end
            || matches!(self.non_row, Some(NonRow::Total | NonRow::Title))
            || self.malformed.is_some_and(|text| text.is_hundredth)
    }
}

/// Bytes that are not text in the encoding of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MalformedText {
    /// Index of the first column with such bytes.
    pub column: usize,
    /// The encoding.
    pub expected: ExpectedEncoding,
    /// Whether this is the hundredth such row and no row of the file had valid letters outside of ASCII before it, so
    /// that the encoding is probably another.
    pub is_hundredth: bool,
}

/// The encoding of a file, and what to do if it is another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedEncoding {
    /// Its name in the WHATWG Encoding Standard.
    pub name: &'static str,
    /// The remedy.
    pub remedy: &'static str,
}

/// A row as it was first read: what identifies it in a rejects file, however often it is mended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RowOrigin {
    /// Client token that the row had then.
    pub token: Digest,
    /// Digest of the cells that it had then.
    pub content: Digest,
}

impl RowOrigin {
    /// The cell of the column `_row`: 64 hexadecimal digits.
    pub fn text(&self) -> String {
        self.token.hex() + &self.content.hex()
    }

    /// The origin that [`text`](Self::text) wrote; none of an empty cell or any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (token, content) = text.trim().split_at_checked(32)?;
        Some(RowOrigin { token: Digest::from_hex(token)?, content: Digest::from_hex(content)? })
    }
}

/// The additional columns of a row that is read from a rejects file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// [`super::Input::identity`] of the input that held the row.
    pub file: String,
    /// The line on which the row started there; 0 if the field was edited and holds no number.
    pub line: u64,
    /// The code of the rejection. The user empties it to have the row imported.
    pub code: String,
    /// The row that it is; none of a row that was added by hand.
    pub origin: Option<RowOrigin>,
}

impl Reject {
    /// Reads the columns that follow the first `own` fields.
    pub(super) fn after(own: usize, fields: &csv::StringRecord) -> Self {
        let field = |name| {
            let at = REJECT_COLUMNS.iter().position(|column| *column == name);
            at.and_then(|at| fields.get(own + at)).unwrap_or_default().to_owned()
        };
        Reject {
            file: field("_file"),
            // pandas saves whole numbers of a column with empty cells as 3.0.
            line: field("_line").trim_end_matches(".0").parse().unwrap_or_default(),
            code: field("_code"),
            origin: RowOrigin::parse(&field("_row")),
        }
    }
}

/// Brings a ragged row to exactly `columns` fields, so that columns written after it stay in their place. Missing
/// fields are empty; surplus ones are joined to the last field with commas, so that no text is lost.
pub fn fit_to_columns<'a>(fields: impl IntoIterator<Item = &'a str>, columns: usize) -> Vec<Cow<'a, str>> {
    let mut fields = fields.into_iter();
    let mut fitted: Vec<Cow<'_, str>> = fields.by_ref().take(columns).map(Cow::Borrowed).collect();
    fitted.resize(columns, Cow::Borrowed(""));
    if let Some(last) = fitted.last_mut() {
        for surplus in fields {
            let last = last.to_mut();
            last.push(',');
            last.push_str(surplus);
        }
    }
    fitted
}

/// The name of a column of a rejects file that a program may have saved: `read.csv` of R 4.2 renames `_code` to `X_code`,
/// unless it is told `check.names = FALSE`.
pub(super) fn saved_column(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"X").filter(|rest| rest.starts_with(b"_")).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ragged_row_is_padded_or_joined_and_loses_no_text() {
        let fitted = |fields: &[&'static str]| fit_to_columns(fields.iter().copied(), 2).join("|");
        assert_eq!(fitted(&[]), "|");
        assert_eq!(fitted(&["1"]), "1|");
        assert_eq!(fitted(&["1", "2"]), "1|2");
        assert_eq!(fitted(&["1", "2", "3", ""]), "1|2,3,");
    }

    #[test]
    fn a_line_of_a_rejects_file_that_is_no_number_is_zero() {
        let fields = csv::StringRecord::from(vec!["a", "t.csv", "seven", "K", "rejected", "C", "m", ""]);
        let expected = Reject { file: "t.csv".into(), line: 0, code: "C".into(), origin: None };
        assert_eq!(Reject::after(1, &fields), expected);
    }

    #[test]
    fn a_line_of_a_rejects_file_may_be_written_as_a_float() {
        for (text, line) in [("3", 3), ("3.0", 3), ("30", 30), ("100.0", 100), ("3.5", 0), ("", 0)] {
            let fields = csv::StringRecord::from(vec!["a", "t.csv", text, "K", "rejected", "C", "m", ""]);
            assert_eq!(Reject::after(1, &fields).line, line, "{text}");
        }
    }

    #[test]
    fn the_origin_of_a_row_is_read_as_it_was_written_and_no_other_text_is_one() {
        let origin = RowOrigin { token: Digest([1; 16]), content: Digest([0xab; 16]) };
        assert_eq!(RowOrigin::parse(&origin.text()), Some(origin));
        let (one, text) = (origin.text()[1..].to_owned(), origin.text());
        for wrong in ["", "7", &one, &format!("{text}0"), &text.replace("ab", "+b"), &"é".repeat(32)] {
            assert_eq!(RowOrigin::parse(wrong), None, "{wrong}");
        }
    }
}
