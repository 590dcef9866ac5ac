//! Inputs whose headers have met the key and the mapping.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::IntakeError;
use crate::mapping::{MapError, Mapped, Mapping, MappingSource, Rejection};
use crate::source::{CsvSource, Dialect, Header, Input, KeyColumns, Record, RowKey, SourceError};

/// An input that is fit to be read.
#[derive(Debug)]
pub struct Prepared {
    /// Where its rows come from.
    pub input: Input,
    /// Its size, where it has one.
    pub bytes: Option<u64>,
    /// What it turned out to be, such as `semicolon, UTF-8`.
    pub form: String,
    dialect: Dialect,
    /// What cannot be opened a second time stays open.
    open: Option<CsvSource>,
    rules: Arc<Rules>,
}

/// What is made of the rows under one header.
#[derive(Debug)]
pub struct Rules {
    /// The header.
    pub header: Header,
    key: KeyColumns,
    mapping: Mapping,
}

/// Looks at every input and compiles the mapping for it, so that what is wrong with a file's name,
/// header or columns is known before anything else happens. Files are closed again: there may be more of
/// them than the system lets a process have open.
///
/// # Errors
/// The first input that does not open or fit.
pub fn prepare(
    inputs: &[Input],
    dialect: &Dialect,
    key: &[String],
    mapping: &MappingSource,
) -> Result<Vec<Prepared>, IntakeError> {
    let mut known: HashMap<Rc<[String]>, Arc<Rules>> = HashMap::new();
    let mut prepared = Vec::with_capacity(inputs.len());
    for input in inputs {
        let source = CsvSource::open(input.clone(), dialect)?;
        let columns = source.header().columns();
        let rules = match known.get(columns) {
            Some(rules) => rules.clone(),
            None => {
                let file = input.to_string();
                let header = source.header().clone();
                let key = header.key_columns(key, &file)?;
                let mapping = Mapping::compile(mapping, &header)
                    .map_err(|error| IntakeError::Mapping { file, error })?;
                let rules = Arc::new(Rules { header, key, mapping });
                known.insert(columns.into(), rules.clone());
                rules
            }
        };
        let bytes = source.progress().1;
        prepared.push(Prepared {
            input: input.clone(),
            bytes,
            form: source.dialect().to_string(),
            dialect: dialect.clone(),
            // Only a plain file has a size, and can be read from its beginning again.
            open: bytes.is_none().then_some(source),
            rules,
        });
    }
    Ok(prepared)
}

impl Prepared {
    /// The input, open at its first row, and what is made of its rows.
    ///
    /// # Errors
    /// It does not open any more, or has another header by now.
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

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Rules {
    /// The row's key.
    pub fn key(&self, record: &Record) -> RowKey {
        self.header.key(&self.key, &record.fields)
    }

    /// The row's request at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// What is wrong with the row, or with the mapping.
    pub fn map<'a>(&'a self, record: &'a Record, key: &RowKey, now: i64) -> Result<Mapped<'a>, MapError> {
        self.check_form(record, key)?;
        self.mapping.map(&record.fields, now)
    }

    /// What is wrong with the row before it is mapped.
    pub(super) fn check_form(&self, record: &Record, key: &RowKey) -> Result<(), Rejection> {
        let (cells, columns) = (record.fields.len(), self.header.columns().len());
        if cells != columns {
            let rule = format!("the header has {columns}: look for a stray quote or delimiter");
            return Err(Rejection::of_row(Rejection::RAGGED, format!("has {cells} cells"), rule));
        }
        if record.has_stray_quote {
            let rule = "a stray quote may have swallowed cells or rows; if quotes are escaped, name what by --escape";
            return Err(Rejection::of_row(Rejection::STRAY, "has text after a closing quote", rule));
        }
        // The rejects file has the cells as they were read, padded or joined, and nobody can tell whether they
        // are mended.
        for (code, found) in [(Rejection::RAGGED, "was ragged"), (Rejection::STRAY, "had a stray quote")] {
            if record.reject.as_ref().is_some_and(|reject| reject.code == code) {
                return Err(Rejection::of_row(code, found, "mend its cells and empty its _code"));
            }
        }
        if matches!(key, RowKey::Unusable(_)) {
            return Err(Rejection::of_row("EmptyKey", "", "has nothing in its key columns"));
        }
        Ok(())
    }
}
