//! Columns that hold more than SQLite knows types for. What does not read as it was written is damage.

use rusqlite::Row;
use rusqlite::types::Type;

use super::RowState;
use crate::request::Operation;
use crate::shard::Shard;

/// A column that holds a JSON array of strings.
pub(super) fn json_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(|error| unreadable(index, error))
}

/// A column that holds a row's state.
pub(super) fn state_column(row: &Row<'_>, index: usize) -> rusqlite::Result<RowState> {
    let name = row.get_ref(index)?.as_str()?;
    RowState::from_name(name).ok_or_else(|| unreadable(index, format!("there is no state '{name}'")))
}

/// A column that holds the name of an operation.
pub(super) fn operation_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Operation> {
    let name = row.get_ref(index)?.as_str()?;
    Operation::from_name(name).ok_or_else(|| unreadable(index, format!("there is no operation '{name}'")))
}

/// A column that holds a shard, or nothing.
pub(super) fn shard_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Shard>> {
    let text = row.get_ref(index)?.as_str()?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| unreadable(index, format!("there is no shard '{text}'")))
}

fn unreadable(index: usize, problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, problem.into())
}
