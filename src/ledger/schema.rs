//! Tables of a ledger: their versions, and the columns of other types than SQLite's.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::error::LedgerError;
use super::state::RowState;
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::KeyComparison;
use crate::source::LEDGER_APPLICATION_ID;

/// Application id in the SQLite file's header.
pub(super) const APPLICATION_ID: i32 = LEDGER_APPLICATION_ID;

/// Migrations in order; `user_version` is the number of those applied. A released migration is never edited.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_ledger.sql")];

/// Schema version that this program reads and writes.
pub(super) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Applies the missing migrations, each in a transaction.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    crash_plan: &CrashPlan,
) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::sqlite(path, source);
    let applied = schema_version(connection).map_err(failed)?;
    if applied > SCHEMA_VERSION {
        return Err(LedgerError::Newer(path.to_owned()));
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(applied) {
        let transaction = connection.transaction().map_err(failed)?;
        let apply = || {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version + 1)
        };
        apply().map_err(failed)?;
        crash_plan.reach(CrashPoint::Migration);
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// Number of migrations applied to a ledger.
pub(super) fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Application id in the file's header; 0 for a new or foreign SQLite file.
pub(super) fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Column with a JSON array of strings.
pub(super) fn json_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(|error| unreadable(index, error))
}

/// Column with the name of a row's state.
pub(super) fn state_column(row: &Row<'_>, index: usize) -> rusqlite::Result<RowState> {
    let name = row.get_ref(index)?.as_str()?;
    RowState::from_name(name).ok_or_else(|| unreadable(index, format!("there is no state '{name}'")))
}

/// Column with the name of an operation.
pub(super) fn operation_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Operation> {
    let name = row.get_ref(index)?.as_str()?;
    Operation::from_name(name).ok_or_else(|| unreadable(index, format!("there is no operation '{name}'")))
}

/// Column with the comparison of keys.
pub(super) fn key_comparison_column(row: &Row<'_>, index: usize) -> rusqlite::Result<KeyComparison> {
    let name = row.get_ref(index)?.as_str()?;
    let unknown = || unreadable(index, format!("there is no key_compare '{name}'"));
    KeyComparison::from_name(name).ok_or_else(unknown)
}

/// Column with a shard; empty for all rows.
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

/// Milliseconds since 1970-01-01 UTC, as the ledger stores times.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use rusqlite::ErrorCode;

    use super::*;

    fn tables() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x.db"), &CrashPlan::default()).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        connection
    }

    fn insert(connection: &Connection, token: u8, values: &str, more: &str) -> rusqlite::Result<usize> {
        let sql = format!(
            "INSERT INTO rows (token, key, source_id, header_id, line, content, run_id, state, record{more})
             SELECT ?1, 'k', 1, 1, 1, zeroblob(16), 1, {values}"
        );
        connection.execute(&sql, [[token; 16]])
    }

    #[test]
    fn sqlite_refuses_rows_that_contradict_themselves() {
        let connection = tables();
        assert!(insert(&connection, 1, "'pending', '[]'", "").is_ok());
        for (values, more) in [
            ("'lost', '[]'", ""),
            ("'created', NULL", ""),
            ("'rejected', '[]'", ""),
            ("'unknown', '[]', 'X', 1", ", code, doubt_ms"),
            ("'failed', '[]', 'X', 1, 1", ", code, doubt_ms, may_exist"),
            ("'pending', '[]', 1", ", operator_retry"),
            ("'unknown', '[]', 'X', 1, 1, 1", ", code, doubt_ms, may_exist, operator_retry"),
        ] {
            let refused = insert(&connection, 2, values, more).unwrap_err();
            assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{values}");
        }
    }

    #[test]
    fn sqlite_refuses_a_second_row_of_a_token() {
        let connection = tables();
        assert!(insert(&connection, 7, "'pending', '[]'", "").is_ok());
        let refused = insert(&connection, 7, "'pending', '[]'", "").unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ConstraintViolation));
        assert!(insert(&connection, 8, "'pending', '[]'", "").is_ok());
    }

    #[test]
    fn the_constraints_of_rows_have_no_lists_of_values() {
        let sql = "SELECT sql FROM sqlite_schema WHERE name = 'rows' AND type = 'table'";
        let sql: String = tables().query_row(sql, [], |row| row.get(0)).unwrap();
        assert!(!sql.contains("state IN (") && !sql.contains("NOT IN ("), "{sql}");
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_refused() {
        let mut connection = tables();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let refused = migrate(&mut connection, Path::new("x.db"), &CrashPlan::default());
        assert!(matches!(refused, Err(LedgerError::Newer(_))));
    }
}
