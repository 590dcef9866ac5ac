//! The header, and what it says about a row: its key and its content.

use super::{RowKey, SourceError};
use crate::digest::Digest;
use crate::suggest::did_you_mean;

/// The columns that a rejects file has after the original ones.
pub const REJECT_COLUMNS: [&str; 6] = ["_file", "_line", "_key", "_state", "_code", "_message"];

/// The names of a CSV's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<String>,
    /// Indices of the columns, ordered by name.
    content: Vec<usize>,
}

/// The positions of the key's columns in one header; none means that the content is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumns(Vec<usize>);

impl Header {
    /// The header with these column names.
    pub fn new(columns: Vec<String>) -> Self {
        let mut content: Vec<usize> = (0..columns.len()).collect();
        content.sort_by(|a, b| columns[*a].cmp(&columns[*b]));
        Header { columns, content }
    }

    /// The column names in file order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Finds the key's columns.
    ///
    /// # Errors
    /// [`SourceError::NoKeyColumn`], with a suggestion, if one is missing;
    /// [`SourceError::AmbiguousKeyColumn`] if there are two of it.
    pub fn key_columns(&self, key: &[String], file: &str) -> Result<KeyColumns, SourceError> {
        let find = |name: &String| {
            let mut matches = (0..self.columns.len()).filter(|index| self.columns[*index] == *name);
            match (matches.next(), matches.next()) {
                (Some(index), None) => Ok(index),
                (Some(_), Some(_)) => {
                    Err(SourceError::AmbiguousKeyColumn { file: file.to_owned(), column: name.clone() })
                }
                (None, _) => Err(SourceError::NoKeyColumn {
                    file: file.to_owned(),
                    column: name.clone(),
                    hint: did_you_mean(name, self.columns.iter().map(String::as_str)).unwrap_or_default(),
                }),
            }
        };
        key.iter().map(find).collect::<Result<_, _>>().map(KeyColumns)
    }

    /// A digest of the row's cells by column name. Empty cells and the order of columns do not count,
    /// so a column that is moved, or added empty, leaves every row what it was.
    pub fn content(&self, cells: &csv::StringRecord) -> Digest {
        let named = self.content.iter().filter_map(|index| {
            let cell = cells.get(*index).filter(|cell| !cell.is_empty())?;
            Some([self.columns[*index].as_bytes(), cell.as_bytes()])
        });
        let beyond = cells.iter().skip(self.columns.len()).map(|cell| [b"".as_slice(), cell.as_bytes()]);
        Digest::of(named.chain(beyond).flatten())
    }

    /// The row's key; `content` is its [`Header::content`]. A key whose cells are all empty is
    /// unusable, and so is any row that is ragged.
    pub fn key(&self, columns: &KeyColumns, cells: &csv::StringRecord, content: Digest) -> RowKey {
        if cells.len() != self.columns.len() {
            return RowKey::Unusable(content);
        }
        if columns.0.is_empty() {
            return RowKey::Content(content);
        }
        let key: Vec<String> =
            columns.0.iter().map(|index| cells.get(*index).unwrap_or_default().to_owned()).collect();
        if key.iter().all(|cell| cell.trim().is_empty()) {
            RowKey::Unusable(content)
        } else {
            RowKey::Columns(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Header {
        Header::new(names.iter().map(|name| name.to_string()).collect())
    }

    fn row(cells: &[&str]) -> csv::StringRecord {
        csv::StringRecord::from(cells.to_vec())
    }

    #[test]
    fn content_does_not_depend_on_the_order_of_columns_or_on_empty_ones() {
        let one = header(&["a", "b"]).content(&row(&["1", "2"]));
        assert_eq!(header(&["b", "a", "c"]).content(&row(&["2", "1", ""])), one);
        assert_ne!(header(&["a", "b"]).content(&row(&["2", "1"])), one);
    }

    #[test]
    fn a_missing_key_column_is_named_with_a_suggestion() {
        let error = header(&["Ticket ID"]).key_columns(&["Ticket Id".into()], "t.csv").unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: the key names column 'Ticket Id', which the header does not have; did you mean 'Ticket ID'?"
        );
    }

    #[test]
    fn a_key_of_empty_cells_is_no_key() {
        let header = header(&["id", "x"]);
        let columns = header.key_columns(&["id".into()], "t.csv").unwrap();
        let content = Digest([0; 16]);
        assert_eq!(header.key(&columns, &row(&[" ", "x"]), content), RowKey::Unusable(content));
        assert_eq!(header.key(&columns, &row(&["7", "x"]), content), RowKey::Columns(vec!["7".into()]));
        assert_eq!(header.key(&columns, &row(&["7"]), content), RowKey::Unusable(content));
    }
}
