//! The columns of a header, as templates reach them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, Value};

use crate::source::Header;
use crate::suggest::did_you_mean;

/// Columns by exact header and by lower-case identifier.
#[derive(Clone, Debug)]
pub(super) struct Columns(Arc<Index>);

#[derive(Debug)]
struct Index {
    names: Vec<String>,
    exact: HashMap<String, Reach>,
    identifiers: HashMap<String, Reach>,
}

/// Where a name leads.
#[derive(Clone, Copy, Debug)]
enum Reach {
    Column(usize),
    Ambiguous,
}

impl Columns {
    pub(super) fn new(header: &Header) -> Self {
        let mut exact = HashMap::new();
        let mut identifiers = HashMap::new();
        for (index, name) in header.columns().iter().enumerate() {
            enter(&mut exact, name.clone(), index);
            enter(&mut identifiers, identifier(name), index);
        }
        // `row` is the whole row; a column of that name is reached as row['Row'].
        identifiers.remove("row");
        Columns(Arc::new(Index { names: header.columns().to_vec(), exact, identifiers }))
    }

    /// The column whose header is exactly `name`; or what to say.
    pub(super) fn exact(&self, name: &str) -> Result<usize, String> {
        match self.0.exact.get(name) {
            Some(Reach::Column(index)) => Ok(*index),
            Some(Reach::Ambiguous) => Err(format!("the CSV has more than one column '{name}'; rename one")),
            None => {
                let known = self.0.names.iter().map(String::as_str);
                let hint = did_you_mean(name, known.clone()).unwrap_or_else(|| self.listing());
                Err(format!("the CSV has no column '{name}'{hint}"))
            }
        }
    }

    /// The column reached by the identifier `name`; or what to say.
    pub(super) fn identifier(&self, name: &str) -> Result<usize, String> {
        match self.0.identifiers.get(name) {
            Some(Reach::Column(index)) => Ok(*index),
            Some(Reach::Ambiguous) => {
                Err(format!("'{name}' fits more than one column; write row['Exact Header']"))
            }
            None => {
                let known = self.0.identifiers.keys().map(String::as_str);
                let hint = did_you_mean(name, known).unwrap_or_else(|| self.listing());
                Err(format!("no column is reached as '{name}'{hint}"))
            }
        }
    }

    fn listing(&self) -> String {
        let names: Vec<_> = self.0.names.iter().take(12).map(|name| format!("'{name}'")).collect();
        let more = if self.0.names.len() > names.len() { ", …" } else { "" };
        format!("; it has {}{more}", names.join(", "))
    }
}

fn enter(map: &mut HashMap<String, Reach>, name: String, index: usize) {
    map.entry(name).and_modify(|reach| *reach = Reach::Ambiguous).or_insert(Reach::Column(index));
}

/// `Ticket ID (old)` becomes `ticket_id_old`.
fn identifier(header: &str) -> String {
    let mut word = String::with_capacity(header.len());
    for c in header.trim().chars() {
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else if !word.ends_with('_') && !word.is_empty() {
            word.push('_');
        }
    }
    let word = word.trim_end_matches('_').to_owned();
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word }
}

/// One row as a template sees it: the columns by identifier, and `row` by exact header.
#[derive(Debug)]
pub(super) struct RowContext {
    row: Arc<RowObject>,
}

/// The object behind `row`.
struct RowObject {
    columns: Columns,
    cells: csv::StringRecord,
    /// What was asked for and is not there. A filter such as `default` would hide it.
    missed: Mutex<Option<(String, String)>>,
}

impl std::fmt::Debug for RowObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("row")
    }
}

impl RowContext {
    pub(super) fn new(columns: &Columns, cells: &csv::StringRecord) -> Arc<Self> {
        let row = RowObject { columns: columns.clone(), cells: cells.clone(), missed: Mutex::new(None) };
        Arc::new(RowContext { row: Arc::new(row) })
    }

    /// The first column that a template asked for in vain, and what to say.
    pub(super) fn missed(&self) -> Option<(String, String)> {
        self.row.missed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Object for RowContext {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "row" {
            return Some(Value::from_dyn_object(self.row.clone()));
        }
        let index = self.row.columns.identifier(name).ok()?;
        Some(Value::from(self.row.cells.get(index).unwrap_or_default()))
    }
}

impl Object for RowObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        match self.columns.exact(&name) {
            Ok(index) => Some(Value::from(self.cells.get(index).unwrap_or_default())),
            Err(problem) => {
                let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
                missed.get_or_insert((name, problem));
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.columns.0.names.iter().map(|name| Value::from(name.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn identifiers_are_lower_case_words_joined_by_underscores() {
        for (header, expected) in [
            ("Ticket ID", "ticket_id"),
            (" Größe (cm) ", "größe_cm"),
            ("2nd.line", "_2nd_line"),
            ("a--b", "a_b"),
        ] {
            assert_eq!(identifier(header), expected);
        }
    }
}
