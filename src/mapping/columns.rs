//! The columns of a header and the cells of a row, as templates reach them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, Value};

use super::bounds::ROW_BYTES;
use super::error::RenderError;
use crate::source::{Header, column_listing, delimiter_hint};
use crate::suggest::did_you_mean;

/// Columns by exact header and by lower-case identifier.
#[derive(Debug)]
pub(super) struct Columns {
    /// The unique names in file order: columns that share a header are numbered.
    pub(super) names: Vec<String>,
    exact: HashMap<String, usize>,
    /// The numbered names of each header that several columns share.
    repeated: HashMap<String, Vec<String>>,
    /// The column of each identifier; none if several columns share it.
    identifiers: HashMap<String, Option<usize>>,
}

impl Columns {
    pub(super) fn new(header: &Header) -> Self {
        let mut exact = HashMap::new();
        let mut identifiers = HashMap::new();
        let mut repeated: HashMap<String, Vec<String>> = HashMap::new();
        for (index, (name, raw)) in header.names().iter().zip(header.columns()).enumerate() {
            exact.insert(name.clone(), index);
            let column = identifiers.entry(identifier(name));
            column.and_modify(|column| *column = None).or_insert(Some(index));
            if raw.trim() != name {
                repeated.entry(raw.trim().to_owned()).or_default().push(name.clone());
            }
        }
        repeated.retain(|name, _| !exact.contains_key(name) && !name.is_empty());
        // `row` is the whole row; a column of that name is reached as row['RowView'].
        identifiers.remove("row");
        Columns { names: header.names().to_vec(), exact, repeated, identifiers }
    }

    /// The column of exactly this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.exact.get(name).copied()
    }

    fn find_header(&self, name: &str) -> Option<usize> {
        self.exact.get(name).or_else(|| self.exact.get(name.trim())).copied()
    }

    fn find_identifier(&self, name: &str) -> Option<usize> {
        *self.identifiers.get(name)?
    }

    /// The index of the column whose header, without surrounding white space, is `name`.
    ///
    /// # Errors
    /// A message with a suggestion: no column, or more than one, has this header.
    pub(super) fn exact(&self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.find_header(name) {
            return Ok(index);
        }
        if let Some(names) = self.repeated.get(name.trim()) {
            let names: Vec<_> = names.iter().map(|name| format!("row['{name}']")).collect();
            let names = names.join(", ");
            return Err(format!("the CSV has more than one column '{name}'; write one of {names}"));
        }
        let known = self.names.iter().map(String::as_str);
        let hint = self.hint(did_you_mean(name, known));
        Err(format!("the CSV has no column '{name}'{hint}"))
    }

    /// The index of the column with the identifier `name`.
    ///
    /// # Errors
    /// A message with a suggestion: no column, or more than one, has this identifier.
    pub(super) fn identifier(&self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.find_identifier(name) {
            return Ok(index);
        }
        if self.identifiers.contains_key(name) {
            return Err(format!("'{name}' fits more than one column; write row['Exact Header']"));
        }
        let known = self.identifiers.keys().map(String::as_str);
        let hint = self.hint(did_you_mean(name, known));
        Err(format!("the CSV has no column with the identifier '{name}'{hint}"))
    }

    /// The remedy for a missing column.
    fn hint(&self, similar: Option<String>) -> String {
        delimiter_hint(&self.names).or(similar).unwrap_or_else(|| column_listing(&self.names))
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

/// A row while its templates are rendered.
pub(super) struct RowView<'a> {
    pub(super) cells: &'a csv::StringRecord,
    columns: &'a Arc<Columns>,
    /// Paths of the leaves whose texts `truncate` cut.
    cuts: RefCell<Vec<String>>,
    /// Bytes of the texts that templates made of it.
    made: Cell<usize>,
    /// Built for the first template that MiniJinja renders; plain templates need none.
    context: OnceCell<Arc<RowContext>>,
}

impl<'a> RowView<'a> {
    pub(super) fn new(columns: &'a Arc<Columns>, cells: &'a csv::StringRecord) -> Self {
        RowView { cells, columns, cuts: RefCell::default(), made: Cell::default(), context: OnceCell::new() }
    }

    pub(super) fn cell(&self, column: usize) -> &'a str {
        self.cells.get(column).unwrap_or_default()
    }

    /// Notes that a template made a text of so many bytes.
    ///
    /// # Errors
    /// All templates of the row together make more than [`ROW_BYTES`].
    #[inline]
    pub(super) fn charge(&self, bytes: usize) -> Result<(), RenderError> {
        self.made.set(self.made.get().saturating_add(bytes));
        if self.made.get() > ROW_BYTES { Err(RenderError::TooExpensive) } else { Ok(()) }
    }

    /// Notes that `truncate` cut the text of a leaf.
    #[cold]
    pub(super) fn note_cut(&self, leaf: &str) {
        self.cuts.borrow_mut().push(leaf.to_owned());
    }

    /// Takes the paths of the leaves whose texts `truncate` cut.
    pub(super) fn take_cuts(&self) -> Vec<String> {
        self.cuts.take()
    }

    /// The row as MiniJinja's context.
    pub(super) fn context(&self) -> &Arc<RowContext> {
        self.context.get_or_init(|| {
            let (columns, cells) = (self.columns.clone(), self.cells.clone());
            Arc::new(RowContext {
                row: Arc::new(RowObject {
                    columns,
                    cells,
                    long: Mutex::default(),
                    missing: Mutex::default(),
                }),
            })
        })
    }
}

/// MiniJinja's context of one row: the columns by identifier, and `row` by exact header.
#[derive(Debug)]
pub(super) struct RowContext {
    row: Arc<RowObject>,
}

/// The object `row` of a template.
struct RowObject {
    columns: Arc<Columns>,
    cells: csv::StringRecord,
    /// Cells of more than [`LONG`] bytes that templates used, by column. MiniJinja shares them; a loop that keeps a cell a
    /// million times would copy it as often.
    long: Mutex<HashMap<usize, Value>>,
    /// Lookups that found nothing. A filter such as `default` would hide them.
    missing: Mutex<Vec<MissingName>>,
}

/// A name that a template looked up and that the row does not have.
#[derive(Debug)]
pub(super) enum MissingName {
    /// Looked up as a variable.
    Identifier(String),
    /// Looked up in `row`.
    Header(String),
}

impl std::fmt::Debug for RowObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("row")
    }
}

impl RowContext {
    /// Takes the names that were looked up without success since the last call.
    pub(super) fn take_missing(&self) -> Vec<MissingName> {
        std::mem::take(&mut *self.row.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bytes above which the value of a cell is shared. One step of a template pays for as many.
const LONG: usize = 64;

impl RowObject {
    /// The value of a cell.
    fn value(&self, column: usize) -> Value {
        let cell = self.cells.get(column).unwrap_or_default();
        if cell.len() <= LONG {
            return Value::from(cell);
        }
        let mut long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        long.entry(column).or_insert_with(|| Value::from(cell)).clone()
    }

    fn note_missing(&self, name: MissingName) {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }
}

impl Object for RowContext {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "row" {
            return Some(Value::from_dyn_object(self.row.clone()));
        }
        match self.row.columns.find_identifier(name) {
            Some(index) => Some(self.row.value(index)),
            None => {
                self.row.note_missing(MissingName::Identifier(name.to_owned()));
                None
            }
        }
    }
}

impl Object for RowObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        match self.columns.find_header(&name) {
            Some(index) => Some(self.value(index)),
            None => {
                self.note_missing(MissingName::Header(name));
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let columns = self.columns.clone();
        let names = (0..columns.names.len()).map(move |column| Value::from(columns.names[column].as_str()));
        Enumerator::Iter(Box::new(names))
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
    fn columns_that_share_a_header_are_reached_by_number() {
        let header = Header::new(["Labels", "x", "Labels"].map(String::from).to_vec());
        let columns = Columns::new(&header);
        assert_eq!((columns.exact("Labels (2)"), columns.identifier("labels_1")), (Ok(2), Ok(0)));
        let problem = columns.exact("Labels").unwrap_err();
        assert!(problem.ends_with("write one of row['Labels (1)'], row['Labels (2)']"), "{problem}");
    }
}
