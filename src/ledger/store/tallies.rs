//! How many rows there are of each kind. The ledger keeps count itself, so that nobody waits for ten million
//! rows to be counted.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::RunId;
use super::intake::LEFT_ITS_FILE;
use crate::ledger::RowState;
use crate::ledger::columns::state_column;

/// How many rows are in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateCounts([u64; RowState::ALL.len()]);

impl StateCounts {
    /// Rows in `state`.
    pub fn of(&self, state: RowState) -> u64 {
        self.0[state as usize]
    }

    /// Counts so many more rows in `state`.
    pub fn add(&mut self, state: RowState, rows: u64) {
        self.0[state as usize] += rows;
    }

    /// All rows.
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

/// How often a cause stands on rows of a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorCount {
    /// The rows' state.
    pub state: RowState,
    /// The cause.
    pub code: String,
    /// How many rows.
    pub rows: u64,
    /// The first such row's message.
    pub message: String,
    /// The first such row's input.
    pub source: String,
    /// The first such row's line.
    pub line: u64,
}

/// What a transaction changes about the counts: added up, and written down once for all of its rows.
///
/// Statements that take rows from one run to another are counted by a trigger (migration 8).
#[derive(PartialEq, Default)]
pub(super) struct Tallies(BTreeMap<(RunId, RowState, String), i64>);

impl Tallies {
    /// A row was entered.
    pub(super) fn entered(&mut self, run: RunId, state: RowState, code: Option<&str>) {
        self.change(run, state, code, 1);
    }

    /// A row of a run went from one state to another.
    pub(super) fn moved(
        &mut self,
        run: RunId,
        (old, old_code): (RowState, Option<&str>),
        (new, new_code): (RowState, Option<&str>),
    ) {
        self.change(run, old, old_code, -1);
        self.change(run, new, new_code, 1);
    }

    fn change(&mut self, run: RunId, state: RowState, code: Option<&str>, by: i64) {
        // An empty String takes no memory.
        let cause = if state.has_cause() { code.unwrap_or_default() } else { "" };
        *self.0.entry((run, state, cause.to_owned())).or_default() += by;
    }

    /// Writes down what has changed.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for ((run, state, cause), by) in std::mem::take(&mut self.0) {
            if by == 0 {
                continue;
            }
            // An upsert would hold the difference against the constraint, and not the sum.
            let place = params![run.0, state.name(), cause, by];
            let add = "UPDATE tallies SET rows = rows + ?4 WHERE run_id = ?1 AND state = ?2 AND code = ?3";
            if connection.prepare_cached(add)?.execute(place)? == 0 {
                let begin = "INSERT INTO tallies (run_id, state, code, rows) VALUES (?1, ?2, ?3, ?4)";
                connection.prepare_cached(begin)?.execute(place)?;
            }
        }
        Ok(())
    }
}

/// Counts all rows anew, if the counts are not theirs: somebody else has written to the ledger.
pub(in crate::ledger) fn count_anew(connection: &Connection) -> rusqlite::Result<()> {
    let mut counted = counted(connection)?;
    if counted == kept(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM tallies")?;
    counted.write(connection)?;
    connection.execute_batch("COMMIT")
}

/// The rows that a run was the last to touch, by state.
pub(super) fn counts_of_run(connection: &Connection, run: RunId) -> rusqlite::Result<StateCounts> {
    count(connection, "SELECT state, sum(rows) FROM tallies WHERE run_id = ?1 GROUP BY state", [run.0])
}

/// All rows of the ledger by state.
pub(in crate::ledger) fn state_counts(connection: &Connection) -> rusqlite::Result<StateCounts> {
    count(connection, "SELECT state, sum(rows) FROM tallies GROUP BY state", [])
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

/// How many rows wait or failed and have left their files since, by state.
pub(in crate::ledger) fn withdrawn_counts(connection: &Connection) -> rusqlite::Result<StateCounts> {
    Ok(withdrawn_by_source(connection)?.into_values().sum())
}

/// The same for each input, by its number.
pub(in crate::ledger) fn withdrawn_by_source(
    connection: &Connection,
) -> rusqlite::Result<BTreeMap<i64, StateCounts>> {
    // The counts say in which runs there is nothing to look for, where each row would have to be looked at.
    let withdrawn = format!(
        "SELECT source_id, state, count(*) FROM rows
         WHERE record IS NOT NULL AND may_exist = 0 AND +state IN ('pending', 'failed') AND {LEFT_ITS_FILE}
            AND run_id IN (SELECT run_id FROM tallies WHERE state IN ('pending', 'failed') AND rows > 0
                           AND run_id < (SELECT max(run_id) FROM readings))
         GROUP BY source_id, state"
    );
    let mut counts: BTreeMap<i64, StateCounts> = BTreeMap::new();
    let mut statement = connection.prepare(&withdrawn)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        counts.entry(row.get(0)?).or_default().add(state_column(row, 1)?, row.get(2)?);
    }
    Ok(counts)
}

/// The causes on rows that are rejected, failed or unknown, most frequent first.
pub(in crate::ledger) fn error_counts(
    connection: &Connection,
    limit: u32,
) -> rusqlite::Result<Vec<ErrorCount>> {
    let mut statement = connection.prepare(
        "SELECT state, code, sum(rows) AS all_rows FROM tallies WHERE code <> ''
         GROUP BY state, code HAVING all_rows > 0 ORDER BY all_rows DESC, state, code LIMIT ?1",
    )?;
    let causes = statement.query_map([limit], |row| Ok((state_column(row, 0)?, row.get(1)?, row.get(2)?)))?;
    let causes: Vec<(RowState, String, u64)> = causes.collect::<Result<_, _>>()?;
    // A run may have taken a cause's last row up again since it was counted.
    let shown = causes.into_iter().map(|(state, code, rows)| with_example(connection, state, code, rows));
    shown.filter_map(Result::transpose).collect()
}

/// A cause with the first row that it stands on.
fn with_example(
    connection: &Connection,
    state: RowState,
    code: String,
    rows: u64,
) -> rusqlite::Result<Option<ErrorCount>> {
    // The state as a literal: only so SQLite sees that its index of causes will do.
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

/// Whether the counts are those of the rows; all of them are read.
pub(in crate::ledger) fn are_true(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(counted(connection)? == kept(connection)?)
}

/// The rows, counted one by one: SQLite would sort them all, for which it needs room.
fn counted(connection: &Connection) -> rusqlite::Result<Tallies> {
    let mut counted = Tallies::default();
    let mut rows = connection.prepare("SELECT run_id, state, code FROM rows")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let code = row.get_ref(2)?.as_str_or_null()?;
        counted.entered(RunId(row.get(0)?), state_column(row, 1)?, code);
    }
    Ok(counted)
}

/// The counts as they are written down.
fn kept(connection: &Connection) -> rusqlite::Result<Tallies> {
    let mut kept = Tallies::default();
    let mut tallies = connection.prepare("SELECT run_id, state, code, rows FROM tallies WHERE rows > 0")?;
    let mut tallies = tallies.query([])?;
    while let Some(row) = tallies.next()? {
        kept.0.insert((RunId(row.get(0)?), state_column(row, 1)?, row.get(2)?), row.get(3)?);
    }
    Ok(kept)
}
