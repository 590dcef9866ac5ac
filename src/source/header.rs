//! The header, and what it says about a row: its key and its content.

use super::names::display_names;
use super::{RowKey, SourceError};
use crate::digest::Digest;
use crate::suggest::did_you_mean;

/// The names of a CSV's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<String>,
    names: Vec<String>,
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
        let names = display_names(&columns);
        content.sort_by(|a, b| names[*a].cmp(&names[*b]));
        Header { columns, names, content }
    }

    /// The columns in file order, named exactly as the file names them.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns in file order, each under a name of its own.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Finds the key's columns.
    ///
    /// # Errors
    /// [`SourceError::NoKeyColumn`], with a suggestion, if one is missing;
    /// [`SourceError::AmbiguousKeyColumn`] if there are two of it.
    pub fn key_columns(&self, key: &[String], file: &str) -> Result<KeyColumns, SourceError> {
        key.iter().map(|name| self.key_column(name, file)).collect::<Result<_, _>>().map(KeyColumns)
    }

    fn key_column(&self, name: &str, file: &str) -> Result<usize, SourceError> {
        let sought = name.trim();
        if let Some(index) = self.names.iter().position(|known| known == sought) {
            return Ok(index);
        }
        let called = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..self.columns.len()).filter(|index| is(&self.columns[*index])).collect()
        };
        // White space may be all that tells two columns apart.
        if let [index] = called(&|column| column == name)[..] {
            return Ok(index);
        }
        let choices = called(&|column| column.trim() == sought);
        let (file, column) = (file.to_owned(), name.to_owned());
        Err(if choices.is_empty() {
            let hint = did_you_mean(name, self.names.iter().map(String::as_str)).unwrap_or_default();
            SourceError::NoKeyColumn { file, column, hint }
        } else {
            let choices: Vec<String> =
                choices.iter().map(|index| format!("'{}'", self.names[*index])).collect();
            SourceError::AmbiguousKeyColumn { file, column, choices: choices.join(", ") }
        })
    }

    /// A digest of the row's cells, each under its column's own name. Empty cells, the order of columns and
    /// white space around headers do not count, so a column that is moved, or added empty, leaves every row
    /// what it was.
    pub fn content(&self, cells: &csv::StringRecord) -> Digest {
        let named = self.content.iter().filter_map(|index| {
            let cell = cells.get(*index).filter(|cell| !cell.is_empty())?;
            Some([self.names[*index].as_bytes(), cell.as_bytes()])
        });
        let beyond = cells.iter().skip(self.columns.len()).map(|cell| [b"".as_slice(), cell.as_bytes()]);
        Digest::of(named.chain(beyond).flatten())
    }

    /// The row's key. A key whose cells are all empty is unusable, and so is any row that is ragged.
    pub fn key(&self, columns: &KeyColumns, cells: &csv::StringRecord) -> RowKey {
        if cells.len() != self.columns.len() {
            return RowKey::Unusable(self.content(cells));
        }
        if columns.0.is_empty() {
            return RowKey::Content(self.content(cells));
        }
        let key: Vec<String> =
            columns.0.iter().map(|index| cells.get(*index).unwrap_or_default().to_owned()).collect();
        if key.iter().all(|cell| cell.trim().is_empty()) {
            RowKey::Unusable(self.content(cells))
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
    fn a_key_column_is_found_by_the_name_that_people_see() {
        let header = header(&[" Ticket ID ", "", "Labels", "x", "Labels "]);
        let found = |name: &str| header.key_columns(&[name.into()], "t.csv");
        for (name, index) in
            [("Ticket ID", 0), (" Ticket ID", 0), ("column 2", 1), ("Labels (2)", 4), ("Labels ", 4)]
        {
            assert_eq!(found(name).unwrap(), KeyColumns(vec![index]), "{name}");
        }
        assert_eq!(
            found(" Labels").unwrap_err().to_string(),
            "t.csv: the key names column ' Labels', and the header has more than one of that name; \
             choose from 'Labels (1)', 'Labels (2)'"
        );
    }

    #[test]
    fn the_content_goes_by_the_names_that_tell_columns_apart() {
        let digest = |names: &[&str], cells: &[&str]| header(names).content(&row(cells));
        assert_eq!(digest(&[" a "], &["1"]), digest(&["a"], &["1"]));
        assert_eq!(digest(&["a"], &["1"]), Digest::of([b"a".as_slice(), b"1"]));
        assert_ne!(digest(&["L", "L"], &["x", ""]), digest(&["L", "L"], &["", "x"]));
    }

    #[test]
    fn a_key_of_empty_cells_is_no_key() {
        let header = header(&["id", "x"]);
        let columns = header.key_columns(&["id".into()], "t.csv").unwrap();
        assert!(matches!(header.key(&columns, &row(&[" ", "x"])), RowKey::Unusable(_)));
        assert_eq!(header.key(&columns, &row(&["7", "x"])), RowKey::Columns(vec!["7".into()]));
        assert!(matches!(header.key(&columns, &row(&["7"])), RowKey::Unusable(_)));
    }
}
