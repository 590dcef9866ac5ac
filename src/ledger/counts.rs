//! Numbers of rows by run, state and error code, and by input.
//!
//! Those by run, state and code are kept in the table `row_counts`, since counting ten million rows takes seconds.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::row::RunId;
use super::schema::state_column;
use super::state::RowState;
use crate::mapping::Rejection;

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

    /// Number of rows that a person must look at: rejected, failed or unknown.
    pub fn with_errors(&self) -> u64 {
        [RowState::Rejected, RowState::Failed, RowState::Unknown].iter().map(|state| self.of(*state)).sum()
    }

    /// Number of rows of the inputs: in all states but [withdrawn](RowState::Withdrawn).
    pub fn total(&self) -> u64 {
        self.0.iter().sum::<u64>() - self.of(RowState::Withdrawn)
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

/// An error of rows that are not created.
// Published in the messages of `status`, with these descriptions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LedgerCause"))]
pub struct ErrorCount {
    /// State of the rows.
    #[cfg_attr(test, schemars(with = "&str", extend("enum" = ["rejected", "failed", "unknown", "accepted"])))]
    pub state: RowState,
    /// Error code, of this tool or of Connect.
    pub code: String,
    /// Number of rows.
    pub rows: u64,
    /// Error message of the first such row; for people.
    pub message: String,
    /// Input of the first such row.
    #[serde(rename = "file")]
    pub source: String,
    /// Line of the first such row.
    pub line: u64,
}

impl ErrorCount {
    /// The `most` frequent errors of several ledgers, each with the example of the first ledger that has it.
    pub fn merge(errors: impl IntoIterator<Item = ErrorCount>, most: usize) -> Vec<ErrorCount> {
        let mut merged: Vec<ErrorCount> = Vec::new();
        for error in errors {
            match merged.iter_mut().find(|other| other.state == error.state && other.code == error.code) {
                Some(other) => other.rows += error.rows,
                None => merged.push(error),
            }
        }
        merged.sort_by_key(|error| std::cmp::Reverse(error.rows));
        merged.truncate(most);
        merged
    }
}

/// Changes of one transaction to the row counts, added up so that they are written once.
///
/// Statements that move rows from one run to another are counted by the trigger `rows_change_runs` instead.
#[derive(PartialEq, Default)]
pub(super) struct CountChanges(BTreeMap<(RunId, RowState, String), i64>);

impl CountChanges {
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

    /// Adds `by` to the number of rows of a run, state and code.
    pub(super) fn change(&mut self, run: RunId, state: RowState, code: Option<&str>, by: i64) {
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
        counted.change(RunId(row.get(0)?), state_column(row, 1)?, code, 1);
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

/// Condition of a row that a scan entered which did not reach its input's end.
pub(super) const IS_OF_UNFINISHED_SCAN: &str = "EXISTS (SELECT 1 FROM unfinished_scans
    WHERE unfinished_scans.run_id = rows.run_id AND unfinished_scans.source_id = rows.source_id)";

/// Condition of a row that was mended in a rejects file.
pub(super) const IS_MENDED: &str = "EXISTS (SELECT 1 FROM mended_rows WHERE row_id = rows.id)";

/// Condition of a row that was removed from its file: a later run read the file to its end without it. Standard input
/// is different each time, and nothing is removed from it. A mended row is not: the operator asked for it.
pub(super) const IS_REMOVED: &str =
    "(EXISTS (SELECT 1 FROM source_scans JOIN sources AS scanned ON scanned.id = source_scans.source_id
    WHERE source_scans.source_id = rows.source_id AND source_scans.run_id > rows.run_id AND scanned.path <> '-')
    AND NOT EXISTS (SELECT 1 FROM mended_rows WHERE row_id = rows.id))";

/// Rows of an input, as a scan to its end counted them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScanCounts {
    /// Rows in the input.
    pub rows: u64,
    /// Of those, rows of other shards, which this ledger does not have.
    pub other_shards: u64,
    /// Of the others, rows for which the job's condition is false. The ledger does not have them either.
    pub passed_over: u64,
}

/// Result of a scan that reached its input's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceScan {
    /// The run that read the input.
    pub run: RunId,
    /// Its rows.
    pub counts: ScanCounts,
}

/// Rows of one input by state, with its last complete scan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceAccount {
    /// Path of the input, or `-`.
    pub source: String,
    /// Rows that this input was the last to bring, by state.
    pub rows: StateCounts,
    /// Of the rejected rows, those that have the key of an earlier row.
    pub duplicates: u64,
    /// The last scan that reached the input's end.
    pub scan: Option<SourceScan>,
    /// Whether an earlier run read the input too: rows may have been removed from it.
    pub was_read_before: bool,
    /// Whether a later scan did not reach the input's end.
    pub is_unfinished: bool,
    /// Whether another input was read later: it may have brought rows of this one, and has them now.
    pub has_successor: bool,
}

/// Rows of each input, in the order in which the inputs were first read. Reads every row.
pub(super) fn source_accounts(connection: &Connection) -> rusqlite::Result<Vec<SourceAccount>> {
    let mut accounts: BTreeMap<i64, SourceAccount> = BTreeMap::new();
    let mut sources = connection.prepare("SELECT id, path FROM sources")?;
    let mut sources = sources.query([])?;
    while let Some(row) = sources.next()? {
        let account = SourceAccount { source: row.get(1)?, ..SourceAccount::default() };
        accounts.insert(row.get(0)?, account);
    }
    count_rows(connection, &mut accounts)?;
    read_scans(connection, &mut accounts)?;
    // A rejects file without rows of its own is none of the inputs.
    accounts.retain(|_, account| {
        account.scan.is_some() || account.is_unfinished || account.rows != StateCounts::default()
    });
    Ok(accounts.into_values().collect())
}

/// Not GROUP BY: SQLite would sort all rows in a temporary file.
fn count_rows(connection: &Connection, accounts: &mut BTreeMap<i64, SourceAccount>) -> rusqlite::Result<()> {
    let sql = "SELECT source_id, state, state = 'rejected' AND code = ?1 FROM rows";
    let mut rows = connection.prepare(sql)?;
    let mut rows = rows.query([Rejection::DUPLICATE])?;
    while let Some(row) = rows.next()? {
        let account = accounts.entry(row.get(0)?).or_default();
        account.rows.add(state_column(row, 1)?, 1);
        account.duplicates += u64::from(row.get::<_, bool>(2)?);
    }
    Ok(())
}

fn read_scans(connection: &Connection, accounts: &mut BTreeMap<i64, SourceAccount>) -> rusqlite::Result<()> {
    // The latest run that read each input, whether to its end or not.
    let mut latest: BTreeMap<i64, RunId> = BTreeMap::new();
    let mut scans = connection.prepare(
        "SELECT source_id, run_id, rows, other_shards, passed_over FROM source_scans
         UNION ALL SELECT source_id, run_id, NULL, NULL, NULL FROM unfinished_scans ORDER BY run_id",
    )?;
    let mut scans = scans.query([])?;
    while let Some(row) = scans.next()? {
        let (source, run) = (row.get(0)?, RunId(row.get(1)?));
        let account = accounts.entry(source).or_default();
        match row.get(2)? {
            Some(rows) => {
                account.was_read_before = latest.contains_key(&source);
                account.is_unfinished = false;
                let counts = ScanCounts { rows, other_shards: row.get(3)?, passed_over: row.get(4)? };
                account.scan = Some(SourceScan { run, counts });
            }
            None => account.is_unfinished = true,
        }
        latest.insert(source, run);
    }
    for (id, account) in accounts {
        let Some(scan) = account.scan else { continue };
        account.has_successor = latest.iter().any(|(other, run)| other != id && *run > scan.run);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::schema::migrate;
    use super::*;
    use crate::crash_plan::CrashPlan;

    /// Accounts of a ledger after `sql`. Its inputs `/a` and `/b` have the ids 1 and 2, and there are four runs.
    fn accounts(sql: &str) -> Vec<SourceAccount> {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x.db"), &CrashPlan::default()).unwrap();
        let all = format!(
            "INSERT INTO sources VALUES (1, '/a'), (2, '/b');
             INSERT INTO headers VALUES (1, '[]');
             INSERT INTO runs (version, command, folder, mapping, rate, is_auto, started_ms, last_ms, nonce)
             SELECT '0', '', '/', zeroblob(16), 1, 0, 0, 0, 0 FROM (VALUES (1), (2), (3), (4));
             {sql}"
        );
        connection.execute_batch(&all).unwrap();
        source_accounts(&connection).unwrap()
    }

    const ROW: &str =
        "INSERT INTO rows (token, key, source_id, header_id, line, content, run_id, record, state, code)
        SELECT randomblob(16), 'k', source, 1, 1, zeroblob(16), 1, '[]', state, code FROM";

    #[test]
    fn rows_are_counted_by_input_state_and_whether_they_are_duplicates() {
        let found = accounts(&format!(
            "{ROW} (SELECT 1 AS source, 'pending' AS state, NULL AS code UNION ALL SELECT 2, 'pending', NULL
             UNION ALL SELECT 2, 'rejected', 'DuplicateKey' UNION ALL SELECT 2, 'rejected', 'Mapping'
             UNION ALL SELECT 2, 'failed', 'DuplicateKey')"
        ));
        let counts = |index: usize| {
            let account: &SourceAccount = &found[index];
            let of = |state| account.rows.of(state);
            (of(RowState::Pending), of(RowState::Rejected), account.duplicates, account.rows.total())
        };
        assert_eq!((found[0].source.as_str(), counts(0)), ("/a", (1, 0, 0, 1)));
        assert_eq!((found[1].source.as_str(), counts(1)), ("/b", (1, 2, 1, 4)));
    }

    #[test]
    fn the_last_complete_scan_counts_and_scans_before_and_after_it_are_known() {
        let found = accounts(
            "INSERT INTO source_scans VALUES (1, 1, 10, 4, 0), (2, 1, 12, 5, 3), (2, 2, 7, 0, 0);
             INSERT INTO unfinished_scans VALUES (3, 1);",
        );
        let flags = |index: usize| {
            let account: &SourceAccount = &found[index];
            (account.was_read_before, account.is_unfinished, account.has_successor)
        };
        let counts = ScanCounts { rows: 12, other_shards: 5, passed_over: 3 };
        assert_eq!(found[0].scan, Some(SourceScan { run: RunId(2), counts }));
        assert_eq!(flags(0), (true, true, false));
        assert_eq!(found[1].scan.map(|scan| scan.counts.rows), Some(7));
        assert_eq!(flags(1), (false, false, true));
    }

    #[test]
    fn an_unfinished_scan_is_forgotten_after_a_complete_one() {
        let found = accounts(
            "INSERT INTO unfinished_scans VALUES (1, 1), (1, 2); INSERT INTO source_scans VALUES (2, 1, 3, 0, 0);",
        );
        assert_eq!((found[0].was_read_before, found[0].is_unfinished), (true, false));
        assert_eq!((found[1].scan, found[1].is_unfinished), (None, true));
    }
}
