//! Resumption of earlier runs: a run recognises created rows that it reads again, settles rows that a dead run left,
//! and takes up rows that its inputs did not bring.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, Row, params};

use super::counts::{IS_MENDED, IS_OF_UNFINISHED_SCAN, IS_REMOVED};
use super::error::{LedgerError, Stored};
use super::file::use_cache_for_sending;
use super::handle::Ledger;
use super::mended_rows::MendedRow;
use super::row::RowId;
use super::runs::{RunRecord, is_refused_by_connect};
use super::schema::state_column;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;
use crate::digest::Digest;
use crate::token::ClientToken;

/// Digests of a row of the input that is compared with the ledger.
#[derive(Clone, Copy, Debug)]
pub struct RowFingerprint {
    /// Token of the first row that has the same key.
    pub token: ClientToken,
    /// Digest of the cells.
    pub content: Digest,
    /// Line on which the row starts.
    pub line: u64,
    /// Kind of the row.
    pub kind: RowKind,
}

/// Kind of a row of the current input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    /// A row of the input, of this ledger.
    Own,
    /// A row with a key of another shard. This ledger has it only if it was mended.
    OfOtherShard,
    /// A row of a rejects file, which is always taken in.
    Reject,
}

/// State in the ledger of a row of the input before it is taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recognition {
    /// It is new, or its contact is not created.
    Waiting,
    /// The row of its key is created, from another place or with other content.
    Created,
    /// It is created with the same content and from the same line, or it was mended and left to another shard.
    Unchanged,
    /// It was mended, and the input has it as it was. It keeps its mended content.
    Mended,
}

/// Totals of the inputs, for the end of the intake.
#[derive(Clone, Debug, Default)]
pub struct IntakeTotals {
    /// Ids of the files that were read to their end; never standard input.
    pub files_read: Vec<i64>,
    /// Rows read.
    pub rows_read: u64,
}

/// A row of the ledger as far as a fingerprint is compared with it.
struct StoredRow {
    row: RowId,
    token: Digest,
    content: Digest,
    source: i64,
    line: u64,
    is_created: bool,
}

const STORED_ROW: &str = "SELECT id, token, content, source_id, line, state FROM rows";

const OF_OTHER_RUNS: &str = "record IS NOT NULL AND run_id IN (SELECT id FROM runs WHERE id <> ?1)";

const OF_FILES_READ: &str = "source_id IN (SELECT value FROM json_each(?2))";

const IN_DOUBT: RowStatus = RowStatus { state: RowState::Pending, may_exist: true };

impl Ledger {
    /// Compares rows of `source`, in file order, with those of the ledger. Those that are [unchanged](Recognition::Unchanged)
    /// count as read, and need not be taken in.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn recognise(&self, source: i64, rows: Vec<RowFingerprint>) -> Result<Vec<Recognition>, LedgerError> {
        self.call_uncommitted(move |session| session.recognise(source, &rows))
    }

    /// Ends the intake. Rows that were removed from their file are withdrawn. Other pending and failed rows of earlier runs
    /// are taken up too, unless their file was not read to its end.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn finish_intake(&self, totals: IntakeTotals) -> Result<RunRecord, LedgerError> {
        self.call_blocking(move |session| session.finish_intake(totals))
    }
}

impl Session {
    fn recognise(&mut self, source: i64, rows: &[RowFingerprint]) -> Stored<Vec<Recognition>> {
        let mut recognised = vec![Recognition::Waiting; rows.len()];
        if self.progress.last_row_before == RowId(0) && self.progress.mended.is_empty() {
            return Ok(recognised);
        }
        // Found first, since the rows that are compared are then seen.
        let mended: Vec<Option<MendedRow>> = match self.progress.mended.is_empty() {
            true => Vec::new(),
            false => rows.iter().map(|row| self.mended_of_fingerprint(row)).collect(),
        };
        let mended = |index: usize| mended.get(index).copied().flatten();
        let found = self.find_in_order(rows, mended)?;
        // The first row of a key is the row, even if a later one has more in common with the ledger's.
        let mut unrecognised = HashSet::new();
        let mut is_mended_token = HashSet::new();
        for (index, (stored, row)) in found.into_iter().zip(rows).enumerate() {
            let Some(stored) = stored else { continue };
            self.progress.last_matched = stored.row;
            if let Some(mended) = mended(index)
                && !self.progress.is_seen(mended.row)
                && !unrecognised.contains(&mended.row)
            {
                is_mended_token.insert(row.token);
                recognised[index] = self.recognise_mended(mended, &stored, (source, row))?;
                if recognised[index] == Recognition::Mended {
                    unrecognised.insert(mended.row);
                }
                continue;
            }
            // Its number among the rows of its key is not known here.
            if is_mended_token.contains(&row.token) || self.progress.mended_first.contains_key(&row.token) {
                continue;
            }
            let is_unchanged = stored.is_created
                && stored.content == row.content
                && (stored.source, stored.line) == (source, row.line);
            let is_first = !unrecognised.contains(&stored.row) && !self.progress.is_seen(stored.row);
            if is_unchanged && is_first {
                recognised[index] = Recognition::Unchanged;
                self.progress.created += u64::from(self.progress.see(stored.row));
            } else {
                if stored.is_created {
                    recognised[index] = Recognition::Created;
                }
                unrecognised.insert(stored.row);
            }
        }
        Ok(recognised)
    }

    fn mended_of_fingerprint(&self, row: &RowFingerprint) -> Option<MendedRow> {
        match row.kind {
            RowKind::Own => self.mended_of(row.token, row.content, false),
            RowKind::OfOtherShard => self.mended_of(row.token, row.content, true),
            RowKind::Reject => None,
        }
    }

    /// Recognises a row of `source` that was mended, and is in it as it was.
    fn recognise_mended(
        &mut self,
        mended: MendedRow,
        stored: &StoredRow,
        (source, row): (i64, &RowFingerprint),
    ) -> Stored<Recognition> {
        let place = (source, row.line);
        if mended.left_to.is_none() && !(stored.is_created && (stored.source, stored.line) == place) {
            return Ok(Recognition::Mended);
        }
        if row.kind == RowKind::Own {
            self.progress.mended_first.insert(row.token, place);
        }
        self.take_in_mended(mended, place)?;
        Ok(Recognition::Unchanged)
    }

    /// The ledger has its rows in the order in which they were first read, so the next row of the input is most often
    /// the next row of the ledger. Only where it is not, it is looked up by its token.
    fn find_in_order(
        &self,
        rows: &[RowFingerprint],
        mended: impl Fn(usize) -> Option<MendedRow>,
    ) -> rusqlite::Result<Vec<Option<StoredRow>>> {
        let in_order = format!("{STORED_ROW} WHERE id > ?1 AND id <= ?2 ORDER BY id");
        let mut in_order = self.connection.prepare_cached(&in_order)?;
        let mut by_token = self.connection.prepare_cached(&format!("{STORED_ROW} WHERE token = ?1"))?;
        let mut by_id = self.connection.prepare_cached(&format!("{STORED_ROW} WHERE id = ?1"))?;
        let mut found = Vec::with_capacity(rows.len());
        let mut after = self.progress.last_matched;
        while found.len() < rows.len() {
            let mut stored = in_order.query(params![after.0, self.progress.last_row_before.0])?;
            let mut next = stored.next()?.map(stored_row).transpose()?;
            while let Some(row) = rows.get(found.len()) {
                if row.kind == RowKind::Reject {
                    found.push(None);
                    continue;
                }
                let mended = mended(found.len());
                let is_same = |next: &mut StoredRow| match mended {
                    Some(mended) => next.row == mended.row,
                    None => next.token == row.token.0,
                };
                if let Some(same) = next.take_if(is_same) {
                    after = same.row;
                    found.push(Some(same));
                    next = stored.next()?.map(stored_row).transpose()?;
                    continue;
                }
                let moved = match mended {
                    Some(mended) => by_id.query_row([mended.row.0], stored_row).optional()?,
                    None => by_token.query_row([row.token.0.0], stored_row).optional()?,
                };
                let moved_to = moved.as_ref().map(|stored| stored.row);
                found.push(moved);
                if let Some(row) = moved_to {
                    after = row;
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Settles rows that dead runs left in flight, and pending rows whose tokens are too old: those whose first
    /// unanswered attempt is not in `young`, or all if there is none. What becomes unknown is moved to this run, which
    /// reports it.
    pub(super) fn recover(&self, young: Option<(i64, i64)>) -> Stored<()> {
        self.end_operator_retries()?;
        let (oldest_ms, newest_ms) = young.unwrap_or((i64::MAX, i64::MIN));
        let in_flight = "SELECT EXISTS (SELECT 1 FROM row_counts WHERE state = 'in_flight' AND rows > 0)";
        let has_in_flight: bool = self.connection.query_row(in_flight, [], |row| row.get(0))?;
        const NO_ANSWER: &str =
            "code = 'NoAnswer', message = 'the run ended before Connect answered', full_message = NULL";
        const KEPT: &str = "code = coalesce(code, 'NoAnswer')";
        let in_flight = ("rows_not_created", RowStatus { state: RowState::InFlight, may_exist: false });
        let cases = [
            (in_flight, RowEvent::Expired, "doubt_ms NOT BETWEEN ?2 AND ?3", NO_ANSWER),
            (in_flight, RowEvent::Recovered, "doubt_ms BETWEEN ?2 AND ?3", NO_ANSWER),
            (
                ("rows_in_doubt", IN_DOUBT),
                RowEvent::Expired,
                "may_exist = 1 AND doubt_ms NOT BETWEEN ?2 AND ?3",
                KEPT,
            ),
        ];
        for ((index, from), event, condition, error) in cases {
            // Without this every row that is not created would be read.
            if from.state == RowState::InFlight && !has_in_flight {
                continue;
            }
            let next = transition(from, event)?;
            let run = if next.state == RowState::Unknown { "?1" } else { "run_id" };
            self.connection.execute(
                &format!(
                    "UPDATE rows INDEXED BY {index}
                     SET state = ?5, may_exist = ?6, run_id = {run}, {error}
                     WHERE {OF_OTHER_RUNS} AND state = ?4 AND {condition}"
                ),
                params![
                    self.run.0,
                    oldest_ms,
                    newest_ms,
                    from.state.name(),
                    next.state.name(),
                    next.may_exist
                ],
            )?;
        }
        Ok(())
    }

    /// Makes rows unknown again that `--retry unknown` was to send and that were not sent: the operator's request is for
    /// one run.
    pub(super) fn end_operator_retries(&self) -> Stored<()> {
        let next = transition(IN_DOUBT, RowEvent::LeftInDoubt)?;
        self.connection.execute(
            "UPDATE rows INDEXED BY rows_in_doubt
             SET state = ?2, operator_retry = 0, code = coalesce(code, 'NoAnswer'), run_id = ?3
             WHERE may_exist = 1 AND state = ?1 AND operator_retry = 1",
            params![IN_DOUBT.state.name(), next.state.name(), self.run.0],
        )?;
        Ok(())
    }

    fn finish_intake(&mut self, totals: IntakeTotals) -> Stored<RunRecord> {
        // The trigger subtracts from the row counts. They also exclude runs without rows of a state, so that not every
        // row is read.
        self.counts.write(&self.connection)?;
        let files = serde_json::Value::from(totals.files_read).to_string();
        self.leave_removed_in_doubt(&files)?;
        self.withdraw_removed(&files)?;
        let adopted = self.adopt(&files)?;
        self.connection.execute(
            "UPDATE runs SET rows_read = ?2, already_created = ?3, changed_created = ?4, identical_rows = ?5
             WHERE id = ?1",
            params![
                self.run.0,
                totals.rows_read,
                self.progress.created,
                self.progress.changed,
                self.progress.identical
            ],
        )?;
        use_cache_for_sending(&self.connection)?;
        Ok(RunRecord { adopted, doubts: self.doubt_counts()?, ..self.run_record()? })
    }

    /// Makes rows in doubt unknown that were removed from the files of this run.
    fn leave_removed_in_doubt(&self, files: &str) -> Stored<()> {
        let next = transition(IN_DOUBT, RowEvent::Expired)?;
        self.connection.execute(
            &format!(
                "UPDATE rows INDEXED BY rows_in_doubt SET run_id = ?1, state = ?3, code = 'Withdrawn',
                        message = 'sent without an answer, and removed from its file since', full_message = NULL
                 WHERE may_exist = 1 AND {OF_OTHER_RUNS} AND state = ?4 AND {OF_FILES_READ}"
            ),
            params![self.run.0, files, next.state.name(), IN_DOUBT.state.name()],
        )?;
        Ok(())
    }

    /// Withdraws rows that were removed from the files of this run, or from a file that an interrupted run read to its end.
    fn withdraw_removed(&self, files: &str) -> Stored<()> {
        let states = [RowState::Pending, RowState::Failed, RowState::Rejected, RowState::Accepted];
        for state in states {
            let from = RowStatus { state, may_exist: false };
            let next = transition(from, RowEvent::Withdrawn)?;
            // The operator asked for a mended row that waits, whatever its input has by now.
            let kept = match state {
                RowState::Pending | RowState::Failed => format!("AND NOT {IS_MENDED}"),
                _ => String::new(),
            };
            self.connection.execute(
                &format!(
                    "UPDATE rows SET run_id = ?1, state = ?4, code = NULL, message = NULL, full_message = NULL
                     WHERE {OF_OTHER_RUNS} AND ({OF_FILES_READ} OR {IS_REMOVED}) AND +state = ?3 AND may_exist = 0 {kept}
                        AND run_id IN (SELECT run_id FROM row_counts WHERE state = ?3 AND rows > 0)"
                ),
                params![self.run.0, files, from.state.name(), next.state.name()],
            )?;
        }
        Ok(())
    }

    /// Takes up the rows of other inputs that this run sends too, and returns their number.
    fn adopt(&mut self, files: &str) -> Stored<u64> {
        let settled = |state| RowStatus { state, may_exist: false };
        let of_finished_scan = format!("{OF_OTHER_RUNS} AND NOT {IS_OF_UNFINISHED_SCAN}");
        // Of the inputs that were read, those are left that were mended: others were withdrawn.
        let elsewhere = format!("NOT {OF_FILES_READ}");
        // A row in doubt is sent again while its token is young, whatever became of its file.
        let in_doubt = format!("may_exist = 1 AND {OF_OTHER_RUNS}");
        // Also those that `recover` has just made unknown, and moved to this run.
        let any_unknown = "may_exist = 1 AND record IS NOT NULL".to_owned();
        let mut adoptions = vec![
            (&of_finished_scan, settled(RowState::Pending), None),
            (&of_finished_scan, settled(RowState::Failed), Some(RowEvent::Retaken)),
            (&in_doubt, IN_DOUBT, None),
        ];
        // What this tool refused is mapped again only when its file is read.
        let refused = format!("{of_finished_scan} AND {}", is_refused_by_connect());
        if self.retries_rejected {
            adoptions.push((&refused, settled(RowState::Rejected), Some(RowEvent::Retried)));
        }
        if self.retries_unknown {
            let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
            adoptions.push((&any_unknown, unknown, Some(RowEvent::Retried)));
        }
        let mut adopted = 0;
        for (rows, from, event) in adoptions {
            let inputs =
                if from.may_exist || from.state == RowState::Rejected { &*elsewhere } else { "?2 = ?2" };
            let next = event.map_or(Ok(from), |event| transition(from, event))?;
            let mut statement = self.connection.prepare(&format!(
                "UPDATE rows SET run_id = ?1, state = ?4, operator_retry = (?3 = 'unknown'),
                        code = CASE may_exist WHEN 1 THEN code END,
                        message = CASE may_exist WHEN 1 THEN message END,
                        full_message = CASE may_exist WHEN 1 THEN full_message END
                 WHERE {rows} AND {inputs} AND +state = ?3
                    AND run_id IN (SELECT run_id FROM row_counts WHERE state = ?3 AND rows > 0)
                 RETURNING header_id"
            ))?;
            let mut taken =
                statement.query(params![self.run.0, files, from.state.name(), next.state.name()])?;
            while let Some(row) = taken.next()? {
                adopted += 1;
                self.progress.headers.insert(row.get(0)?);
            }
        }
        Ok(adopted)
    }
}

fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok(StoredRow {
        row: RowId(row.get(0)?),
        token: Digest(row.get(1)?),
        content: Digest(row.get(2)?),
        source: row.get(3)?,
        line: row.get(4)?,
        is_created: state_column(row, 5)? == RowState::Created,
    })
}
