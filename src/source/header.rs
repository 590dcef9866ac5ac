//! The header: the columns' names, and the digest of a row's content under them.

use std::collections::{HashMap, HashSet};

use crate::digest::Digest;

/// The columns of a CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<String>,
    names: Vec<String>,
    /// Indices of the columns, ordered by display name.
    by_name: Vec<usize>,
}

impl Header {
    /// A header of these columns, in file order.
    pub fn new(columns: Vec<String>) -> Self {
        let mut by_name: Vec<usize> = (0..columns.len()).collect();
        let names = display_names(&columns);
        by_name.sort_by(|a, b| names[*a].cmp(&names[*b]));
        Header { columns, names, by_name }
    }

    /// The columns in file order, exactly as in the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The unique display names of the columns, in file order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A digest of the row's content: each field with its column's display name. Empty fields, the order of columns
    /// and white space around column names do not count, so a column that is moved or added empty changes no digest.
    pub fn content(&self, fields: &csv::StringRecord) -> Digest {
        let named = self.by_name.iter().filter_map(|index| {
            let field = fields.get(*index).filter(|field| !field.is_empty())?;
            Some([self.names[*index].as_bytes(), field.as_bytes()])
        });
        let surplus = fields.iter().skip(self.columns.len()).map(|field| [b"".as_slice(), field.as_bytes()]);
        Digest::of(named.chain(surplus).flatten())
    }
}

/// Checks names that a job gives to the columns of a file without a header.
///
/// # Errors
/// A name is empty, or two are equal without the white space at their ends.
pub fn check_column_names(columns: &[String]) -> Result<(), String> {
    let mut seen = HashMap::new();
    for (index, name) in columns.iter().map(|name| name.trim()).enumerate() {
        let number = index + 1;
        if name.is_empty() {
            return Err(format!("has no name for column {number}; give each column of the file a name"));
        }
        if let Some(first) = seen.insert(name, number) {
            return Err(format!(
                "names columns {first} and {number} '{name}'; give each column its own name"
            ));
        }
    }
    Ok(())
}

/// A unique name for each column: its own, trimmed; `column 3` for an empty one; `Labels (1)` and `Labels (2)` for
/// columns of one name.
fn display_names(columns: &[String]) -> Vec<String> {
    let own: Vec<&str> = columns.iter().map(|column| column.trim()).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &own {
        *counts.entry(name).or_default() += 1;
    }
    // A generated name must differ from every column's own, even of one that gets a generated name itself.
    let mut taken: HashSet<String> = own.iter().map(|name| name.to_string()).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::with_capacity(own.len());
    for (index, name) in own.into_iter().enumerate() {
        let nth = seen.entry(name).or_default();
        *nth += 1;
        let mut generated = match counts.get(name) {
            _ if name.is_empty() => format!("column {}", index + 1),
            Some(2..) => format!("{name} ({nth})"),
            Some(_) | None => {
                names.push(name.to_owned());
                continue;
            }
        };
        while !taken.insert(generated.clone()) {
            generated.push_str(&format!(" (column {})", index + 1));
        }
        names.push(generated);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::testing::{header, row};
    use super::*;

    #[test]
    fn content_does_not_depend_on_the_order_of_columns_or_on_empty_ones() {
        let one = header(&["a", "b"]).content(&row(&["1", "2"]));
        assert_eq!(header(&["b", "a", "c"]).content(&row(&["2", "1", ""])), one);
        assert_ne!(header(&["a", "b"]).content(&row(&["2", "1"])), one);
    }

    #[test]
    fn content_depends_on_the_display_names() {
        let digest = |names: &[&str], cells: &[&str]| header(names).content(&row(cells));
        assert_eq!(digest(&[" a "], &["1"]), digest(&["a"], &["1"]));
        assert_eq!(digest(&["a"], &["1"]), Digest::of([b"a".as_slice(), b"1"]));
        assert_ne!(digest(&["L", "L"], &["x", ""]), digest(&["L", "L"], &["", "x"]));
    }

    #[test]
    fn given_names_are_neither_empty_nor_repeated() {
        let check = |names: &[&str]| {
            check_column_names(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(check(&["id", "Id", "column 2"]), Ok(()));
        assert_eq!(
            check(&["id", " "]).unwrap_err(),
            "has no name for column 2; give each column of the file a name"
        );
        assert_eq!(
            check(&["id", "x", "id "]).unwrap_err(),
            "names columns 1 and 3 'id'; give each column its own name"
        );
    }

    fn names(columns: &[&str]) -> Vec<String> {
        display_names(&columns.iter().map(|column| column.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn empty_and_repeated_columns_get_unique_names() {
        assert_eq!(
            names(&[" id ", "", "Labels", " ", "Labels ", "x"]),
            ["id", "column 2", "Labels (1)", "column 4", "Labels (2)", "x"]
        );
    }

    #[test]
    fn a_generated_name_never_equals_a_columns_own() {
        assert_eq!(
            names(&["", "column 1", "a", "a", "a (2)"]),
            ["column 1 (column 1)", "column 1", "a (1)", "a (2) (column 4)", "a (2)"]
        );
        assert_eq!(
            names(&["", "column 1", "column 1"]),
            ["column 1 (column 1)", "column 1 (1)", "column 1 (2)"]
        );
    }

    proptest::proptest! {
        #[test]
        fn display_names_are_unique(
            columns in proptest::collection::vec("(a| ||column [12]|a \\([12]\\)( \\(column [1-4]\\))?)", 0..8),
        ) {
            let names = display_names(&columns);
            proptest::prop_assert_eq!(names.len(), columns.len());
            proptest::prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), columns.len());
        }
    }
}
