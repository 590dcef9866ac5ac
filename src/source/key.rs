//! Identification of rows: the key of a row, its comparison, and the key columns of a header.

use serde::Deserialize;

use super::dialect::{column_listing, delimiter_hint};
use super::error::SourceError;
use super::header::Header;
use crate::digest::Digest;
use crate::suggest::did_you_mean;

/// Separator of the parts of a key in its label.
pub(super) const SEPARATOR: &str = " / ";

/// Comparison of the cells of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyComparison {
    /// White space (Unicode's White_Space) at both ends of a cell does not count.
    #[default]
    Trim,
    /// Every character counts.
    Exact,
}

impl KeyComparison {
    const ALL: [KeyComparison; 2] = [KeyComparison::Trim, KeyComparison::Exact];

    /// Name in job files and ledgers.
    pub fn name(self) -> &'static str {
        match self {
            KeyComparison::Trim => "trim",
            KeyComparison::Exact => "exact",
        }
    }

    /// The comparison of this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        KeyComparison::ALL.into_iter().find(|comparison| comparison.name() == name)
    }

    /// The part of a cell that goes into the key.
    pub fn counted(self, cell: &str) -> &str {
        match self {
            KeyComparison::Trim => cell.trim(),
            KeyComparison::Exact => cell,
        }
    }
}

/// The key of a row, which identifies it among all rows of an instance, operation and namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowKey {
    /// The cells of the key columns and the texts of the key's templates, in the order of the job, as far as they are
    /// compared.
    Columns(Vec<String>),
    /// The digest of all fields, for a job without key columns.
    Content(Digest),
    /// The digest of all fields of a row that is never sent: a ragged one, one whose key is empty in every part, one for which
    /// a template of the key fails, or one whose key has malformed text.
    Unusable(Digest),
}

impl RowKey {
    /// A digest of the key alone, before it is bound to an instance.
    pub fn digest(&self) -> Digest {
        match self {
            RowKey::Columns(fields) => Digest::of(fields.iter().map(String::as_bytes)),
            RowKey::Content(digest) | RowKey::Unusable(digest) => *digest,
        }
    }

    /// The key in messages, rejects files and exports, such as `HD-1 / 2` or `content 0123456789ab`.
    pub fn label(&self) -> String {
        match self {
            // Control characters could change what a terminal shows.
            RowKey::Columns(fields) => fields.join(SEPARATOR).replace(char::is_control, " "),
            RowKey::Content(digest) | RowKey::Unusable(digest) => format!("content {}", &digest.hex()[..12]),
        }
    }
}

impl Header {
    /// Index of the column `name` of the job's `key` in the header of `file`.
    ///
    /// # Errors
    /// - [`SourceError::NoKeyColumn`]: the column is missing; names a similar one.
    /// - [`SourceError::AmbiguousKeyColumn`]: there are several columns of the name.
    pub fn key_column(&self, name: &str, file: &str) -> Result<usize, SourceError> {
        let trimmed = name.trim();
        if let Some(index) = self.names().iter().position(|display_name| display_name == trimmed) {
            return Ok(index);
        }
        let indices_where = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..self.columns().len()).filter(|index| test(&self.columns()[*index])).collect()
        };
        // White space may be the only difference between two columns.
        if let [index] = indices_where(&|column| column == name)[..] {
            return Ok(index);
        }
        let same_name = indices_where(&|column| column.trim() == trimmed);
        let (file, column) = (file.to_owned(), name.to_owned());
        Err(if same_name.is_empty() {
            let similar = || did_you_mean(name, self.names().iter().map(String::as_str));
            let hint =
                delimiter_hint(self.names()).or_else(similar).unwrap_or_else(|| column_listing(self.names()));
            SourceError::NoKeyColumn { file, column, hint }
        } else {
            let choices: Vec<String> =
                same_name.iter().map(|index| format!("'{}'", self.names()[*index])).collect();
            SourceError::AmbiguousKeyColumn { file, column, choices: choices.join(", ") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::header;
    use super::*;

    #[test]
    fn a_missing_key_column_is_named_with_a_suggestion() {
        let error = header(&["Ticket ID"]).key_column("Ticket Id", "t.csv").unwrap_err();
        assert_eq!(error.to_string(), "t.csv has no key column 'Ticket Id'; did you mean 'Ticket ID'?");
        let error = header(&["a", "b"]).key_column("Ticket Id", "t.csv").unwrap_err();
        assert_eq!(error.to_string(), "t.csv has no key column 'Ticket Id'; it has 'a', 'b'");
    }

    #[test]
    fn a_key_column_is_found_by_its_display_name_or_its_exact_one() {
        let header = header(&[" Ticket ID ", "", "Labels", "x", "Labels "]);
        let found = |name: &str| header.key_column(name, "t.csv");
        for (name, index) in
            [("Ticket ID", 0), (" Ticket ID", 0), ("column 2", 1), ("Labels (2)", 4), ("Labels ", 4)]
        {
            assert_eq!(found(name).unwrap(), index, "{name}");
        }
        assert_eq!(
            found(" Labels").unwrap_err().to_string(),
            "t.csv has more than one key column ' Labels'; choose from 'Labels (1)', 'Labels (2)'"
        );
    }

    #[test]
    fn a_comparison_has_one_name() {
        for comparison in KeyComparison::ALL {
            assert_eq!(KeyComparison::from_name(comparison.name()), Some(comparison));
        }
        assert_eq!(KeyComparison::from_name("Trim"), None);
    }

    #[test]
    fn trim_takes_off_every_white_space_of_unicode_and_no_other_character() {
        let padded = "\u{a0}\u{3000} HD-\u{a0}1 \u{202f}\t\r\n";
        assert_eq!(KeyComparison::Trim.counted(padded), "HD-\u{a0}1");
        assert_eq!(KeyComparison::Trim.counted("\u{200b}1"), "\u{200b}1");
        assert_eq!(KeyComparison::Exact.counted(padded), padded);
    }
}
