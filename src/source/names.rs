//! Names by which people tell the columns apart.

use std::collections::{HashMap, HashSet};

/// A name for each column that no other has: its own without the white space around it, `column 3` for
/// one without a name, and `Labels (1)`, `Labels (2)` for columns of one name.
pub(super) fn display_names(columns: &[String]) -> Vec<String> {
    let own: Vec<&str> = columns.iter().map(|column| column.trim()).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for name in &own {
        *times.entry(name).or_default() += 1;
    }
    // A made-up name must not be that of another column, even of one that gets another name itself.
    let mut taken: HashSet<String> = own.iter().map(|name| name.to_string()).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::with_capacity(own.len());
    for (index, name) in own.into_iter().enumerate() {
        let nth = seen.entry(name).or_default();
        *nth += 1;
        let mut made_up = match times.get(name) {
            _ if name.is_empty() => format!("column {}", index + 1),
            Some(2..) => format!("{name} ({nth})"),
            Some(_) | None => {
                names.push(name.to_owned());
                continue;
            }
        };
        while !taken.insert(made_up.clone()) {
            made_up.push_str(&format!(" (column {})", index + 1));
        }
        names.push(made_up);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[&str]) -> Vec<String> {
        display_names(&columns.iter().map(|column| column.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn columns_without_a_name_or_of_one_name_are_told_apart() {
        assert_eq!(
            names(&[" id ", "", "Labels", " ", "Labels ", "x"]),
            ["id", "column 2", "Labels (1)", "column 4", "Labels (2)", "x"]
        );
    }

    #[test]
    fn a_made_up_name_gives_way_to_a_columns_own() {
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
        fn no_two_columns_have_one_name(
            columns in proptest::collection::vec("(a| ||column [12]|a \\([12]\\)( \\(column [1-4]\\))?)", 0..8),
        ) {
            let names = display_names(&columns);
            proptest::prop_assert_eq!(names.len(), columns.len());
            proptest::prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), columns.len());
        }
    }
}
