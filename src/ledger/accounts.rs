//! What became of the rows of each input, for accounting for them.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::columns::state_column;
use super::migrate::sqlite;
use super::store::withdrawn_by_source;
use super::{LedgerError, LedgerReader, RunId, StateCounts};
use crate::mapping::Rejection;

/// The rows of one input that a ledger has, and what its last complete reading found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceAccount {
    /// The input's path, or `-`.
    pub source: String,
    /// The rows that this input was the last to bring up, by state.
    pub rows: StateCounts,
    /// Of those that wait or failed, the ones that have left the input since, and are not sent any more.
    pub withdrawn: StateCounts,
    /// Of the rejected ones, those that have the key of an earlier row.
    pub duplicates: u64,
    /// The last reading that came to the input's end; none if none has, or if it was not noted.
    pub reading: Option<Reading>,
    /// Whether it was read before that: rows may have left it since then.
    pub was_read_before: bool,
    /// Whether a later reading has not come to its end.
    pub is_open: bool,
    /// Whether another input was read later: it may have brought up rows of this one, and has them now.
    pub has_successor: bool,
}

/// What a reading found that came to the input's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The run that read.
    pub run: RunId,
    /// Rows in the input.
    pub rows: u64,
    /// Of those, the rows of other shards, which this ledger has not.
    pub elsewhere: u64,
}

impl LedgerReader {
    /// What became of the rows of each input, in the order in which the inputs were first read. Every row is looked at:
    /// that takes a second or less for two million.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn accounts(&self) -> Result<Vec<SourceAccount>, LedgerError> {
        accounts(&self.connection).map_err(|source| sqlite(&self.path, source))
    }
}

fn accounts(connection: &Connection) -> rusqlite::Result<Vec<SourceAccount>> {
    let mut accounts: BTreeMap<i64, SourceAccount> = BTreeMap::new();
    let mut sources = connection.prepare("SELECT id, path FROM sources")?;
    let mut sources = sources.query([])?;
    while let Some(row) = sources.next()? {
        let account = SourceAccount { source: row.get(1)?, ..SourceAccount::default() };
        accounts.insert(row.get(0)?, account);
    }
    count(connection, &mut accounts)?;
    for (source, withdrawn) in withdrawn_by_source(connection)? {
        accounts.entry(source).or_default().withdrawn = withdrawn;
    }
    note_readings(connection, &mut accounts)?;
    Ok(accounts.into_values().collect())
}

/// Counts the rows one by one: SQLite would sort them all, for which it needs room.
fn count(connection: &Connection, accounts: &mut BTreeMap<i64, SourceAccount>) -> rusqlite::Result<()> {
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

/// Every reading, in the order of the runs: its rows if it came to its end, and is on record. Of runs before there was
/// a record it is known that they read, but not what.
const READINGS: &str = "SELECT source_id, run_id, rows, elsewhere FROM readings
    UNION ALL SELECT source_id, run_id, NULL, NULL FROM open_readings
    UNION ALL SELECT NULL, id, NULL, NULL FROM runs
        WHERE checked = 1 AND NOT EXISTS (SELECT 1 FROM readings WHERE run_id = runs.id)
    ORDER BY 2";

fn note_readings(
    connection: &Connection,
    accounts: &mut BTreeMap<i64, SourceAccount>,
) -> rusqlite::Result<()> {
    let mut unrecorded = None;
    // The latest run that read each input, whether to its end or not.
    let mut latest: BTreeMap<i64, RunId> = BTreeMap::new();
    let mut readings = connection.prepare(READINGS)?;
    let mut readings = readings.query([])?;
    while let Some(row) = readings.next()? {
        let run = RunId(row.get(1)?);
        let Some(source) = row.get::<_, Option<i64>>(0)? else {
            unrecorded.get_or_insert(run);
            continue;
        };
        let account = accounts.entry(source).or_default();
        match row.get(2)? {
            Some(rows) => {
                let before = latest.contains_key(&source) || unrecorded.is_some();
                account.was_read_before = before;
                account.is_open = false;
                account.reading = Some(Reading { run, rows, elsewhere: row.get(3)? });
            }
            None => account.is_open = true,
        }
        latest.insert(source, run);
    }
    for (id, account) in accounts {
        let Some(reading) = account.reading else { continue };
        account.has_successor = latest.iter().any(|(other, run)| other != id && *run > reading.run);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Identity, Ledger, RowState};
    use super::*;
    use crate::crash_plan::CrashPlan;
    use crate::request::Operation;

    /// A ledger to which `sql` is done by hand: its inputs `/a` and `/b` are numbers 1 and 2, and there are four runs.
    fn reader(folder: &tempfile::TempDir, sql: &str) -> LedgerReader {
        let path = folder.path().join("x.db");
        let identity = Identity {
            instance_id: "i".to_owned(),
            operation: Operation::CreateContact,
            namespace: String::new(),
            key: Vec::new(),
            shard: None,
        };
        let open = Ledger::open(&path, &identity, Duration::ZERO, &mut |_| {}, &CrashPlan::default());
        open.unwrap().close().unwrap();
        let connection = Connection::open(&path).unwrap();
        let all = format!(
            "INSERT INTO sources VALUES (1, '/a'), (2, '/b');
             INSERT INTO headers VALUES (1, '[]');
             INSERT INTO runs (version, mapping, rate, started_ms)
             SELECT '0', zeroblob(16), 1, 0 FROM (VALUES (1), (2), (3), (4));
             {sql}"
        );
        connection.execute_batch(&all).unwrap();
        LedgerReader::open(&path).unwrap()
    }

    fn accounts(sql: &str) -> Vec<SourceAccount> {
        reader(&tempfile::tempdir().unwrap(), sql).accounts().unwrap()
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
    fn waiting_and_failed_rows_that_a_later_reading_did_not_find_are_withdrawn() {
        let found = accounts(&format!(
            "{ROW} (SELECT 1 AS source, 'pending' AS state, NULL AS code UNION ALL SELECT 1, 'failed', 'x'
             UNION ALL SELECT 1, 'rejected', 'Mapping' UNION ALL SELECT 2, 'pending', NULL);
             INSERT INTO tallies VALUES (1, 'pending', '', 2), (1, 'failed', 'x', 1), (1, 'rejected', 'Mapping', 1);
             INSERT INTO readings VALUES (1, 1, 3, 0), (1, 2, 1, 0), (2, 1, 0, 0);"
        ));
        let withdrawn = |index: usize| {
            let account: &SourceAccount = &found[index];
            [RowState::Pending, RowState::Failed, RowState::Rejected].map(|state| account.withdrawn.of(state))
        };
        assert_eq!((withdrawn(0), withdrawn(1)), ([1, 1, 0], [0, 0, 0]));
    }

    #[test]
    fn the_last_complete_reading_counts_and_what_came_before_and_after_it_is_known() {
        let found = accounts(
            "INSERT INTO readings VALUES (1, 1, 10, 4), (2, 1, 12, 5), (2, 2, 7, 0);
             INSERT INTO open_readings VALUES (3, 1);",
        );
        assert_eq!(found[0].reading, Some(Reading { run: RunId(2), rows: 12, elsewhere: 5 }));
        assert_eq!((found[0].was_read_before, found[0].is_open, found[0].has_successor), (true, true, false));
        assert_eq!(found[1].reading.map(|reading| reading.rows), Some(7));
        assert_eq!(
            (found[1].was_read_before, found[1].is_open, found[1].has_successor),
            (false, false, true)
        );
    }

    #[test]
    fn a_reading_that_was_broken_off_before_is_forgotten_when_one_is_complete() {
        let found = accounts(
            "INSERT INTO open_readings VALUES (1, 1), (1, 2); INSERT INTO readings VALUES (2, 1, 3, 0);",
        );
        assert_eq!((found[0].was_read_before, found[0].is_open), (true, false));
        assert_eq!((found[1].reading, found[1].is_open), (None, true));
    }

    #[test]
    fn a_run_that_noted_no_readings_may_have_read_anything() {
        let found = accounts(
            "UPDATE runs SET checked = 1; INSERT INTO readings SELECT id, 1, 3, 0 FROM runs WHERE id > 1;",
        );
        assert!(found[0].was_read_before && !found[0].is_open);
        assert_eq!((found[1].reading, found[1].is_open), (None, false));
    }
}
