//! An input that is open, with a mapping that fits its header.

use super::IntakeError;
use crate::mapping::{MapFault, Mapped, Mapping, MappingSource, Rejection};
use crate::source::{CsvSource, Dialect, Input, KeyColumns, Record, RowKey, SourceError};

/// The code of rows with more or fewer cells than the header.
const RAGGED: &str = "RaggedRow";

/// An input whose header has met the key and the mapping.
#[derive(Debug)]
pub struct Prepared {
    source: CsvSource,
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
        let file = input.to_string();
        let columns = source.header().key_columns(key, &file)?;
        let mapping = Mapping::compile(mapping, source.header())
            .map_err(|error| IntakeError::Mapping { file, error })?;
        Ok(Prepared { source, key: columns, mapping })
    };
    inputs.iter().map(prepare).collect()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Prepared {
    /// The open file.
    pub fn source(&self) -> &CsvSource {
        &self.source
    }

    /// Reads the next row into `record`; whether there was one.
    ///
    /// # Errors
    /// The file cannot be read on.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, SourceError> {
        self.source.read_record(record)
    }

    /// The row's key.
    pub fn key(&self, record: &Record) -> RowKey {
        self.source.header().key(&self.key, &record.cells)
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
        let (cells, columns) = (record.cells.len(), self.source.header().columns().len());
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
