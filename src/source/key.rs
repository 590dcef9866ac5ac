//! Identification of rows: the key columns of a header, and the key of a row.

use serde::Deserialize;

use super::error::SourceError;
use super::header::Header;
use crate::digest::Digest;
use crate::suggest::did_you_mean;

/// The indices of the key columns in one header. Without key columns, a row's content is its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumns(Vec<usize>);

/// Comparison of the cells of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyComparison {
    /// Without white space at both ends.
    #[default]
    Trim,
    /// Every character counts.
    Exact,
}

/// The key of a row, which identifies it among all rows of an instance, operation and namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowKey {
    /// The fields of the key columns, in the order of the job.
    Columns(Vec<String>),
    /// The digest of all fields, for a job without key columns.
    Content(Digest),
    /// The digest of all fields of a row that is never sent: a ragged one, or one whose key fields are all empty.
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
            RowKey::Columns(fields) => fields.join(" / ").replace(char::is_control, " "),
            RowKey::Content(digest) | RowKey::Unusable(digest) => format!("content {}", &digest.hex()[..12]),
        }
    }
}

impl Header {
    /// Finds the columns of the job's `key` in the header of `file`.
    ///
    /// # Errors
    /// - [`SourceError::NoKeyColumn`]: a column is missing; names a similar one.
    /// - [`SourceError::AmbiguousKeyColumn`]: there are several columns of the name.
    pub fn key_columns(&self, key: &[String], file: &str) -> Result<KeyColumns, SourceError> {
        key.iter().map(|name| self.key_column(name, file)).collect::<Result<_, _>>().map(KeyColumns)
    }

    fn key_column(&self, name: &str, file: &str) -> Result<usize, SourceError> {
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
            let hint = did_you_mean(name, self.names().iter().map(String::as_str)).unwrap_or_default();
            SourceError::NoKeyColumn { file, column, hint }
        } else {
            let choices: Vec<String> =
                same_name.iter().map(|index| format!("'{}'", self.names()[*index])).collect();
            SourceError::AmbiguousKeyColumn { file, column, choices: choices.join(", ") }
        })
    }

    /// The key of a row.
    pub fn key(&self, columns: &KeyColumns, fields: &csv::StringRecord) -> RowKey {
        if fields.len() != self.columns().len() {
            return RowKey::Unusable(self.content(fields));
        }
        if columns.0.is_empty() {
            return RowKey::Content(self.content(fields));
        }
        let key: Vec<String> =
            columns.0.iter().map(|index| fields.get(*index).unwrap_or_default().to_owned()).collect();
        if key.iter().all(|field| field.trim().is_empty()) {
            RowKey::Unusable(self.content(fields))
        } else {
            RowKey::Columns(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{header, row};
    use super::*;

    #[test]
    fn a_missing_key_column_is_named_with_a_suggestion() {
        let error = header(&["Ticket ID"]).key_columns(&["Ticket Id".into()], "t.csv").unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: the key column 'Ticket Id' is not in the header; did you mean 'Ticket ID'?"
        );
    }

    #[test]
    fn a_key_column_is_found_by_its_display_name_or_its_exact_one() {
        let header = header(&[" Ticket ID ", "", "Labels", "x", "Labels "]);
        let found = |name: &str| header.key_columns(&[name.into()], "t.csv");
        for (name, index) in
            [("Ticket ID", 0), (" Ticket ID", 0), ("column 2", 1), ("Labels (2)", 4), ("Labels ", 4)]
        {
            assert_eq!(found(name).unwrap(), KeyColumns(vec![index]), "{name}");
        }
        assert_eq!(
            found(" Labels").unwrap_err().to_string(),
            "t.csv: the key column ' Labels' occurs more than once in the header; choose from \
             'Labels (1)', 'Labels (2)'"
        );
    }

    #[test]
    fn a_key_of_empty_fields_is_unusable() {
        let header = header(&["id", "x"]);
        let columns = header.key_columns(&["id".into()], "t.csv").unwrap();
        assert!(matches!(header.key(&columns, &row(&[" ", "x"])), RowKey::Unusable(_)));
        assert_eq!(header.key(&columns, &row(&["7", "x"])), RowKey::Columns(vec!["7".into()]));
        assert!(matches!(header.key(&columns, &row(&["7"])), RowKey::Unusable(_)));
    }
}
