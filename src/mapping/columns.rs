//! The columns of a header, as templates reach them.

use std::cell::OnceCell;
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
    /// Unique: of columns that share a name, each has its number.
    names: Vec<String>,
    exact: HashMap<String, usize>,
    /// What to write for a header that several columns have.
    repeated: HashMap<String, Vec<String>>,
    identifiers: HashMap<String, Reach>,
}

/// Where an identifier leads.
#[derive(Clone, Copy, Debug)]
enum Reach {
    Column(usize),
    Ambiguous,
}

impl Columns {
    pub(super) fn new(header: &Header) -> Self {
        let mut exact = HashMap::new();
        let mut identifiers = HashMap::new();
        let mut repeated: HashMap<String, Vec<String>> = HashMap::new();
        for (index, (name, raw)) in header.names().iter().zip(header.columns()).enumerate() {
            exact.insert(name.clone(), index);
            let reach = Reach::Column(index);
            let enter = identifiers.entry(identifier(name));
            enter.and_modify(|reach| *reach = Reach::Ambiguous).or_insert(reach);
            if raw.trim() != name {
                repeated.entry(raw.trim().to_owned()).or_default().push(name.clone());
            }
        }
        repeated.retain(|name, _| !exact.contains_key(name) && !name.is_empty());
        // `row` is the whole row; a column of that name is reached as row['Row'].
        identifiers.remove("row");
        Columns(Arc::new(Index { names: header.names().to_vec(), exact, repeated, identifiers }))
    }

    /// The names, in file order.
    pub(super) fn names(&self) -> &[String] {
        &self.0.names
    }

    /// The column whose header is exactly `name`, but for white space around it; or what to say.
    pub(super) fn exact(&self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.0.exact.get(name).or_else(|| self.0.exact.get(name.trim())) {
            return Ok(*index);
        }
        if let Some(names) = self.0.repeated.get(name.trim()) {
            let names: Vec<_> = names.iter().map(|name| format!("row['{name}']")).collect();
            return Err(format!(
                "the CSV has more than one column '{name}'; say which: {}",
                names.join(", ")
            ));
        }
        let known = self.0.names.iter().map(String::as_str);
        let hint = did_you_mean(name, known).unwrap_or_else(|| self.listing());
        Err(format!("the CSV has no column '{name}'{hint}"))
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

/// One row on its way through the templates.
pub(super) struct Row<'a> {
    pub(super) cells: &'a csv::StringRecord,
    columns: &'a Columns,
    /// Made for the first template that needs the engine.
    context: OnceCell<Arc<RowContext>>,
}

impl<'a> Row<'a> {
    pub(super) fn new(columns: &'a Columns, cells: &'a csv::StringRecord) -> Self {
        Row { cells, columns, context: OnceCell::new() }
    }

    pub(super) fn cell(&self, column: usize) -> &'a str {
        self.cells.get(column).unwrap_or_default()
    }

    /// The row as the engine sees it.
    pub(super) fn context(&self) -> &Arc<RowContext> {
        self.context.get_or_init(|| RowContext::new(self.columns, self.cells))
    }
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
    fn new(columns: &Columns, cells: &csv::StringRecord) -> Arc<Self> {
        let row = RowObject { columns: columns.clone(), cells: cells.clone(), missed: Mutex::new(None) };
        Arc::new(RowContext { row: Arc::new(row) })
    }

    /// The first column that a template asked for in vain since the last call, and what to say.
    pub(super) fn missed(&self) -> Option<(String, String)> {
        self.row.missed.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        Enumerator::Values(self.columns.names().iter().map(|name| Value::from(name.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn of_columns_that_share_a_name_each_is_reached_by_its_number() {
        let header = Header::new(["Labels", "x", "Labels"].map(String::from).to_vec());
        let columns = Columns::new(&header);
        assert_eq!((columns.exact("Labels (2)"), columns.identifier("labels_1")), (Ok(2), Ok(0)));
        let problem = columns.exact("Labels").unwrap_err();
        assert!(problem.ends_with("say which: row['Labels (1)'], row['Labels (2)']"), "{problem}");
    }
}
