//! Numbers of rows by run, state and error code, kept in the table `row_counts`: counting ten million rows takes seconds.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::row::RunId;
use super::schema::state_column;
use super::state::RowState;

/// Number of rows in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateCounts([u64; RowState::ALL.len()]);

impl StateCounts {
    /// Number of rows in `state`.
    pub fn of(&self, state: RowState) -> u64 {
        self.0[state as usize]
    }

    /// Adds `rows` rows in `state`.
    pub fn add(&mut self, state: RowState, rows: u64) {
        self.0[state as usize] += rows;
    }

    /// Number of rows in all states.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl std::iter::Sum for StateCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        let mut sum = StateCounts::default();
        for StateCounts(each) in counts {
            sum.0.iter_mut().zip(each).for_each(|(sum, count)| *sum += count);
        }
        sum
    }
}

/// Number of rows of one state and error code, with the first of them as an example.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorCount {
    /// `rejected`, `failed` or `unknown`.
    pub state: RowState,
    /// Error code.
    pub code: String,
    /// Number of rows.
    pub rows: u64,
    /// Message of the first row.
    pub message: String,
    /// Input of the first row.
    pub source: String,
    /// Line of the first row.
    pub line: u64,
}

/// Changes of one transaction to the row counts, added up so that they are written once.
///
/// Statements that move rows from one run to another are counted by the trigger `rows_change_runs` instead.
#[derive(PartialEq, Default)]
pub(super) struct CountChanges(BTreeMap<(RunId, RowState, String), i64>);

impl CountChanges {
    /// Counts a new row.
    pub(super) fn insert(&mut self, run: RunId, state: RowState, code: Option<&str>) {
        self.change(run, state, code, 1);
    }

    /// Counts a row of `run` that changes its state or code.
    pub(super) fn transition(
        &mut self,
        run: RunId,
        (old, old_code): (RowState, Option<&str>),
        (new, new_code): (RowState, Option<&str>),
    ) {
        self.change(run, old, old_code, -1);
        self.change(run, new, new_code, 1);
    }

    fn change(&mut self, run: RunId, state: RowState, code: Option<&str>, by: i64) {
        let cause = if state.has_cause() { code.unwrap_or_default() } else { "" };
        *self.0.entry((run, state, cause.to_owned())).or_default() += by;
    }

    /// Adds the changes to the table, and forgets them.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for ((run, state, cause), by) in std::mem::take(&mut self.0) {
            if by == 0 {
                continue;
            }
            // Not an upsert: it checks the constraint on the difference, and not on the sum.
            let change = params![run.0, state.name(), cause, by];
            let add = "UPDATE row_counts SET rows = rows + ?4 WHERE run_id = ?1 AND state = ?2 AND code = ?3";
            if connection.prepare_cached(add)?.execute(change)? == 0 {
                let insert = "INSERT INTO row_counts (run_id, state, code, rows) VALUES (?1, ?2, ?3, ?4)";
                connection.prepare_cached(insert)?.execute(change)?;
            }
        }
        Ok(())
    }
}

/// Corrects the row counts if another program has changed rows.
pub(super) fn recount(connection: &Connection) -> rusqlite::Result<()> {
    let mut counted = counted(connection)?;
    if counted == stored_counts(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM row_counts")?;
    counted.write(connection)?;
    connection.execute_batch("COMMIT")
}

/// Rows that `run` was the last to read or send, by state.
pub(super) fn counts_of_run(connection: &Connection, run: RunId) -> rusqlite::Result<StateCounts> {
    count(connection, "SELECT state, sum(rows) FROM row_counts WHERE run_id = ?1 GROUP BY state", [run.0])
}

/// All rows of the ledger by state.
pub(super) fn state_counts(connection: &Connection) -> rusqlite::Result<StateCounts> {
    count(connection, "SELECT state, sum(rows) FROM row_counts GROUP BY state", [])
}

fn count(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<StateCounts> {
    let mut counts = StateCounts::default();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        counts.0[state_column(row, 0)? as usize] = row.get(1)?;
    }
    Ok(counts)
}

/// The most frequent error codes of rejected, failed and unknown rows.
pub(super) fn error_counts(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<ErrorCount>> {
    let mut statement = connection.prepare(
        "SELECT state, code, sum(rows) AS all_rows FROM row_counts WHERE code <> ''
         GROUP BY state, code HAVING all_rows > 0 ORDER BY all_rows DESC, state, code LIMIT ?1",
    )?;
    let causes = statement.query_map([limit], |row| Ok((state_column(row, 0)?, row.get(1)?, row.get(2)?)))?;
    let causes: Vec<(RowState, String, u64)> = causes.collect::<Result<_, _>>()?;
    // A run may have changed the last row of a code since it was counted.
    let shown = causes.into_iter().map(|(state, code, rows)| with_example(connection, state, code, rows));
    shown.filter_map(Result::transpose).collect()
}

fn with_example(
    connection: &Connection,
    state: RowState,
    code: String,
    rows: u64,
) -> rusqlite::Result<Option<ErrorCount>> {
    // SQLite uses the partial index rows_by_cause only if the state is a literal.
    let sql = format!(
        "SELECT message, (SELECT path FROM sources WHERE id = source_id), line FROM rows
         WHERE state = '{}' AND code = ?1 ORDER BY id LIMIT 1",
        state.name()
    );
    let example = connection.query_row(&sql, [&code], |row| {
        Ok(ErrorCount {
            state,
            code: code.clone(),
            rows,
            message: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
            source: row.get(1)?,
            line: row.get(2)?,
        })
    });
    example.optional()
}

/// Whether the row counts are right. Reads every row.
pub(super) fn are_counts_right(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(counted(connection)? == stored_counts(connection)?)
}

/// Counts every row. Not GROUP BY: SQLite would sort all rows in a temporary file.
fn counted(connection: &Connection) -> rusqlite::Result<CountChanges> {
    let mut counted = CountChanges::default();
    let mut rows = connection.prepare("SELECT run_id, state, code FROM rows")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let code = row.get_ref(2)?.as_str_or_null()?;
        counted.insert(RunId(row.get(0)?), state_column(row, 1)?, code);
    }
    Ok(counted)
}

/// The content of the table.
fn stored_counts(connection: &Connection) -> rusqlite::Result<CountChanges> {
    let mut counts = CountChanges::default();
    let mut rows = connection.prepare("SELECT run_id, state, code, rows FROM row_counts WHERE rows > 0")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        counts.0.insert((RunId(row.get(0)?), state_column(row, 1)?, row.get(2)?), row.get(3)?);
    }
    Ok(counts)
}
