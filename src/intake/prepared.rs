//! Preparation of inputs: form, header, compiled key and compiled mapping.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::error::IntakeError;
use super::non_rows::non_row;
use crate::mapping::{
    KeyRule, MapError, Mapped, Mapping, MappingError, MappingSource, Rejection, RowCondition,
};
use crate::source::{
    CsvSource, Dialect, Header, Input, KeyComparison, MalformedText, Record, RowKey, SourceError,
};

/// An input whose header fits the key and the mapping.
#[derive(Debug)]
pub struct PreparedInput {
    /// File or standard input.
    pub input: Input,
    /// Size in bytes, as stored on disk; none for standard input and pipes.
    pub bytes: Option<u64>,
    /// Detected form, such as `semicolon, UTF-8`.
    pub form: String,
    dialect: Dialect,
    /// The open input, if it cannot be opened a second time.
    open: Option<CsvSource>,
    rules: Arc<Rules>,
}

/// Compiled key and mapping of the rows under one header.
#[derive(Debug)]
pub struct Rules {
    /// Columns of the rows.
    pub header: Header,
    key: KeyRule,
    mapping: Mapping,
    /// Whether the key or a template uses each column.
    used_columns: Vec<bool>,
    /// Cells that are no value, by `[source] null`.
    nulls: Vec<String>,
    /// True for the rows to import; `None`: all rows.
    condition: Option<RowCondition>,
    /// What says how many columns there are.
    columns: ColumnsFrom,
}

/// What names the columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ColumnsFrom {
    /// The first row of the file.
    Header,
    /// `[source] columns` or `--columns`.
    Job,
}

/// Whether a row is imported, by the job's condition.
#[derive(Debug)]
pub enum RowSelection {
    /// It is imported.
    Selected,
    /// The condition is false: the row is neither imported nor a fault.
    PassedOver,
    /// The condition cannot be applied, so the row is rejected.
    Faulty(Rejection),
}

/// Opens every input and compiles the mapping for its header, so that errors in file names, headers and columns are
/// found before anything else happens. Files are closed again: there may be more than the process may have open.
///
/// # Errors
/// - [`IntakeError::Source`]: an input cannot be opened, or lacks a key column.
/// - [`IntakeError::Key`]: a template of the key does not fit a header.
/// - [`IntakeError::Mapping`]: the mapping or the condition does not fit a header.
pub fn prepare(
    inputs: &[Input],
    dialect: &Dialect,
    key: &[String],
    key_comparison: KeyComparison,
    mapping: &MappingSource,
    condition: Option<&str>,
) -> Result<Vec<PreparedInput>, IntakeError> {
    let mut rules_of: HashMap<Rc<[String]>, Arc<Rules>> = HashMap::new();
    let mut prepared = Vec::with_capacity(inputs.len());
    for input in inputs {
        let source = CsvSource::open(input.clone(), dialect)?;
        let columns = source.header().columns();
        let rules = match rules_of.get(columns) {
            Some(rules) => rules.clone(),
            None => {
                let file = input.to_string();
                let header = source.header().clone();
                let key = KeyRule::compile(key, key_comparison, &header, &file)
                    .map_err(|error| IntakeError::of_key(&file, error))?;
                let wrong = |error| IntakeError::Mapping { file: file.clone(), error };
                let condition = condition.map(|text| RowCondition::compile(text, mapping, &header));
                let condition = condition.transpose().map_err(wrong)?;
                let mapping = Mapping::compile(mapping, &header).map_err(wrong)?;
                let rules = Arc::new(Rules::new(header, key, mapping, condition, dialect));
                rules_of.insert(columns.into(), rules.clone());
                rules
            }
        };
        let bytes = source.progress().1;
        prepared.push(PreparedInput {
            input: input.clone(),
            bytes,
            form: source.dialect().to_string(),
            dialect: dialect.clone(),
            // An input with a size is a plain file, which can be opened again.
            open: bytes.is_none().then_some(source),
            rules,
        });
    }
    Ok(prepared)
}

impl PreparedInput {
    /// Names of the columns that neither the key nor a template uses.
    pub fn unused_columns(&self) -> impl Iterator<Item = &str> {
        let Rules { header, used_columns, .. } = &*self.rules;
        let unused = header.names().iter().zip(used_columns).filter(|(_, is_used)| !**is_used);
        unused.map(|(name, _)| name.as_str())
    }

    /// Opens the input at its first row.
    ///
    /// # Errors
    /// - [`SourceError::Changed`]: the header differs from the prepared one.
    /// - Other variants: the input cannot be opened any more.
    pub fn open(self) -> Result<(CsvSource, Arc<Rules>), SourceError> {
        let source = match self.open {
            Some(source) => source,
            None => CsvSource::open(self.input.clone(), &self.dialect)?,
        };
        if *source.header() != self.rules.header {
            return Err(SourceError::Changed(self.input.to_string()));
        }
        Ok((source, self.rules))
    }
}

/// Current time in seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Rules {
    fn new(
        header: Header,
        key: KeyRule,
        mapping: Mapping,
        condition: Option<RowCondition>,
        dialect: &Dialect,
    ) -> Self {
        let mut used_columns = vec![true; header.columns().len()];
        for column in mapping.unused_columns() {
            used_columns[column] = false;
        }
        for column in key.columns() {
            used_columns[column] = true;
        }
        let columns = if dialect.columns.is_empty() { ColumnsFrom::Header } else { ColumnsFrom::Job };
        Rules { header, key, mapping, used_columns, nulls: dialect.null.clone(), condition, columns }
    }

    /// The compiled mapping.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether the key or a template uses each column.
    pub fn used_columns(&self) -> &[bool] {
        &self.used_columns
    }

    /// Texts under `[source] null`.
    pub fn nulls(&self) -> &[String] {
        &self.nulls
    }

    /// Key of the row.
    pub fn key(&self, record: &Record) -> RowKey {
        self.key.key_of(record)
    }

    /// Whether the row is imported. A row whose cells are not whole is: the condition cannot be trusted, and the row is
    /// rejected for its form.
    ///
    /// # Errors
    /// The condition is faulty for every row.
    pub fn select(&self, record: &Record) -> Result<RowSelection, MappingError> {
        let Some(condition) = &self.condition else { return Ok(RowSelection::Selected) };
        let is_whole = record.fields.len() == self.header.columns().len() && !record.has_stray_quote;
        if !is_whole || record.malformed.is_some() {
            return Ok(RowSelection::Selected);
        }
        match condition.is_true(&record.fields) {
            Ok(true) => Ok(RowSelection::Selected),
            Ok(false) => Ok(RowSelection::PassedOver),
            Err(MapError::Row(rejection)) => Ok(RowSelection::Faulty(rejection)),
            Err(MapError::Job(error)) => Err(error),
        }
    }

    /// Validates the row and maps it to its request. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// - [`MapError::Row`]: the row is faulty.
    /// - [`MapError::Job`]: the mapping is faulty.
    pub fn map<'a>(&'a self, record: &'a Record, key: &RowKey, now: i64) -> Result<Mapped<'a>, MapError> {
        self.validate_form(record, key)?;
        self.mapping.map(&record.fields, now)
    }

    /// Checks the row's form: text, number of cells, quotes, key, and faults of an earlier run that are not cleared.
    pub(super) fn validate_form(&self, record: &Record, key: &RowKey) -> Result<(), MapError> {
        let (cells, columns) = (record.fields.len(), self.header.columns().len());
        if let Some(MalformedText { column, expected, .. }) = record.malformed {
            let column = match self.header.names().get(column) {
                Some(name) => format!("column '{name}'"),
                None => format!("cell {}", column + 1),
            };
            let found = format!("has bytes that are not {} in {column}", expected.name);
            let rule = format!("correct them, or {}", expected.remedy);
            return Err(Rejection::of_row(Rejection::MALFORMED, found, rule).into());
        }
        if let Some(rejection) = non_row(record, columns) {
            return Err(rejection.into());
        }
        if record.has_stray_quote {
            let rule = "a stray quote may have swallowed cells or rows; if quotes are escaped, set --escape";
            return Err(Rejection::of_row(Rejection::STRAY, "has text after a closing quote", rule).into());
        }
        if cells != columns {
            let found = format!("has {cells} cell{}", plural(cells));
            return Err(Rejection::of_row(
                Rejection::RAGGED,
                found,
                ragged_rule(cells, columns, self.columns),
            )
            .into());
        }
        // Only the operator can tell whether the cells of the rejects file are correct now: they were padded or joined,
        // or bytes were replaced.
        let earlier = [
            (Rejection::RAGGED, "was ragged"),
            (Rejection::STRAY, "had a stray quote"),
            (Rejection::MALFORMED, "had malformed text"),
            (Rejection::COUNT_ROW, "was no row"),
        ];
        for (code, found) in earlier {
            if record.reject.as_ref().is_some_and(|reject| reject.code == code) {
                return Err(Rejection::of_row(code, found, "correct its cells and clear its _code").into());
            }
        }
        match key {
            RowKey::Unusable(_) => self.key.expect_usable(&record.fields),
            RowKey::Columns(_) | RowKey::Content(_) => Ok(()),
        }
    }
}

/// The probable cause of a wrong number of cells, and the remedy. Rows with one fault have one text, so that they are
/// counted together: exporters that leave trailing empty cells out make many rows that lack the same columns.
fn ragged_rule(cells: usize, columns: usize, from: ColumnsFrom) -> String {
    let s = plural(columns);
    let (names, count_them) = match from {
        ColumnsFrom::Header => ("the header has", ""),
        ColumnsFrom::Job => ("columns names", "name each column of the file, or "),
    };
    match columns.checked_sub(cells) {
        None => format!("{names} {columns} column{s}: {count_them}look for a stray quote or delimiter"),
        Some(missing) => {
            let what = match missing {
                1 => "the last column is missing".to_owned(),
                missing => format!("the last {missing} columns are missing"),
            };
            let pad = "if the exporter leaves empty cells out, set --short-rows pad";
            // A report of Salesforce ends with its name and a copyright. Padded, they would be contacts.
            match cells {
                1 if columns > 3 => format!(
                    "{what} ({names} {columns}): {count_them}delete the line if it is a title or footer of the export; {pad}"
                ),
                _ => format!(
                    "{what} ({names} {columns}): {count_them}{pad}; else look for a line end without quotes"
                ),
            }
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_one_cell_is_not_to_be_padded_unless_the_exporter_leaves_cells_out() {
        let footer = ragged_rule(1, 13, ColumnsFrom::Header);
        assert!(
            footer.starts_with("the last 12 columns are missing (the header has 13): delete the line"),
            "{footer}"
        );
        for (cells, columns) in [(1, 3), (12, 13), (2, 13)] {
            let rule = ragged_rule(cells, columns, ColumnsFrom::Header);
            assert!(
                rule.contains(": if the exporter leaves empty cells out") && !rule.contains("footer"),
                "{rule}"
            );
        }
        assert!(ragged_rule(14, 13, ColumnsFrom::Header).contains("stray quote"));
    }

    #[test]
    fn names_of_the_job_are_not_called_the_header() {
        assert_eq!(
            ragged_rule(4, 3, ColumnsFrom::Job),
            "columns names 3 columns: name each column of the file, or look for a stray quote or delimiter"
        );
        assert!(
            ragged_rule(2, 3, ColumnsFrom::Job)
                .starts_with("the last column is missing (columns names 3): name")
        );
    }
}
