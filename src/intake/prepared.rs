//! An input that is open, with a mapping that fits its header.

use super::IntakeError;
use crate::mapping::{MapFault, Mapped, Mapping, MappingSource, Rejection};
use crate::source::{CsvSource, Dialect, Header, Input, KeyColumns, Record, RowKey};

/// The code of rows with more or fewer cells than the header.
const RAGGED: &str = "RaggedRow";

/// An input whose header has met the key and the mapping.
#[derive(Debug)]
pub struct Prepared {
    /// The open file.
    pub source: CsvSource,
    /// What is made of its rows.
    pub rules: Rules,
}

/// What is made of the rows under one header.
#[derive(Debug)]
pub struct Rules {
    /// The input, as messages name it.
    pub file: String,
    /// Its header.
    pub header: Header,
    key: KeyColumns,
    mapping: Mapping,
}

/// Opens every input and compiles the mapping for it, so that what is wrong with a file's name,
/// header or columns is known before anything else happens.
///
/// # Errors
/// The first input that does not open or fit.
pub fn prepare(
    inputs: &[Input],
    dialect: &Dialect,
    key: &[String],
    mapping: &MappingSource,
) -> Result<Vec<Prepared>, IntakeError> {
    let prepare = |input: &Input| {
        let source = CsvSource::open(input.clone(), dialect)?;
        let (file, header) = (input.to_string(), source.header().clone());
        let key = header.key_columns(key, &file)?;
        let mapping = Mapping::compile(mapping, &header)
            .map_err(|error| IntakeError::Mapping { file: file.clone(), error })?;
        Ok(Prepared { source, rules: Rules { file, header, key, mapping } })
    };
    inputs.iter().map(prepare).collect()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Rules {
    /// The row's key.
    pub fn key(&self, record: &Record) -> RowKey {
        self.header.key(&self.key, &record.cells)
    }

    /// The row's request at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// What is wrong with the row, or with the mapping.
    pub fn map<'a>(&'a self, record: &'a Record, key: &RowKey, now: i64) -> Result<Mapped<'a>, MapFault> {
        self.check_form(record, key)?;
        self.mapping.map(&record.cells, now)
    }

    /// What is wrong with the row before it is mapped.
    pub(super) fn check_form(&self, record: &Record, key: &RowKey) -> Result<(), Rejection> {
        let (cells, columns) = (record.cells.len(), self.header.columns().len());
        if cells != columns {
            let rule = format!("the header has {columns}: look for a stray quote or delimiter");
            return Err(Rejection::of_row(RAGGED, format!("has {cells} cells"), rule));
        }
        if record.rejected_with.as_deref() == Some(RAGGED) {
            // The rejects file had to pad or join its cells, and nobody can tell whether they are mended.
            return Err(Rejection::of_row(RAGGED, "was ragged", "mend its cells and empty its _code"));
        }
        if matches!(key, RowKey::Unusable(_)) {
            return Err(Rejection::of_row("EmptyKey", "", "has nothing in its key columns"));
        }
        Ok(())
    }
}
