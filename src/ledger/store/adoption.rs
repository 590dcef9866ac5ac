//! The rows that earlier runs left, and the input of this one did not bring up: which of them are sent too.

use rusqlite::params;

use super::intake::{IN_OPEN_READING, LEFT_ITS_FILE, refused_by_connect};
use super::{Doubts, IntakeTotals, Retry, RunRecord, Session, now_ms};
use crate::ledger::{LedgerError, RowEvent, RowState, RowStatus, transition};

impl Session {
    /// Sees to the rows that earlier runs left waiting and this input did not bring up again. Those of
    /// other files are taken up, if their files were read to the end, and had them when they were last. Of files that were
    /// read in full just now they have been taken out: they are not sent, and one that may have been created already is
    /// unknown from here on.
    pub(in crate::ledger) fn finish_intake(
        &mut self,
        totals: IntakeTotals,
    ) -> Result<RunRecord, LedgerError> {
        // What a trigger counts it takes from what is written down. And the counts say in which runs there is nothing
        // to look for, where each row would have to be looked at.
        self.count()?;
        let files = serde_json::Value::from(totals.files_read).to_string();
        const OTHERS: &str = "record IS NOT NULL AND run_id IN (SELECT id FROM runs WHERE id <> ?1)";
        let whole = format!("{OTHERS} AND NOT {IN_OPEN_READING}");
        let there = format!("{whole} AND NOT {LEFT_ITS_FILE}");
        const IN_FILES: &str = "source_id IN (SELECT value FROM json_each(?2))";
        let in_doubt = RowStatus { state: RowState::Pending, may_exist: true };
        let forsaken = transition(in_doubt, RowEvent::Expired)?;
        let settled = |state| RowStatus { state, may_exist: false };
        let retaken = transition(settled(RowState::Failed), RowEvent::Retaken)?;
        let rejected = transition(settled(RowState::Rejected), RowEvent::Retried)?;
        let unknown = RowStatus { state: RowState::Unknown, may_exist: true };
        let vouched = transition(unknown, RowEvent::Retried)?;
        let write = || {
            self.connection.execute(
                &format!(
                    "UPDATE rows INDEXED BY rows_in_doubt SET run_id = ?1, state = ?3, code = 'Withdrawn',
                            message = 'sent without an answer, and since then taken out of its file'
                     WHERE may_exist = 1 AND {OTHERS} AND state = ?4 AND {IN_FILES}"
                ),
                params![self.run.0, files, forsaken.state.name(), in_doubt.state.name()],
            )?;
            let withdrawn: i64 = self.connection.query_row(
                &format!(
                    "SELECT count(*) FROM rows WHERE {OTHERS} AND {IN_FILES} AND +state IN ('pending', 'failed')
                        AND run_id IN (SELECT run_id FROM tallies WHERE state IN ('pending', 'failed') AND rows > 0)"
                ),
                params![self.run.0, files],
                |row| row.get(0),
            )?;
            let mut headers: Vec<i64> = Vec::new();
            let mut adopted = 0_u64;
            // What was sent before is sent again while its token is young, whatever became of its file.
            let doubtful = format!("may_exist = 1 AND {OTHERS}");
            let mut adoptions = vec![
                (&there, RowState::Pending, RowState::Pending),
                (&there, RowState::Failed, retaken.state),
                (&doubtful, RowState::Pending, RowState::Pending),
            ];
            // What this tool itself found wrong is judged anew only when its file is read.
            let refused = format!("{whole} AND {}", refused_by_connect());
            if self.retries(Retry::Rejected) {
                adoptions.push((&refused, RowState::Rejected, rejected.state));
            }
            if self.retries(Retry::Unknown) {
                adoptions.push((&doubtful, RowState::Unknown, vouched.state));
            }
            for (rows, state, next) in adoptions {
                let sql = format!(
                    "UPDATE rows SET run_id = ?1, state = ?4,
                            code = CASE may_exist WHEN 1 THEN code END,
                            message = CASE may_exist WHEN 1 THEN message END,
                            doubt_ms = CASE WHEN ?3 = 'unknown' THEN max(?5, last_sent_ms + 1) ELSE doubt_ms END
                     WHERE {rows} AND NOT {IN_FILES} AND +state = ?3
                        AND run_id IN (SELECT run_id FROM tallies WHERE state = ?3 AND rows > 0)
                     RETURNING header_id"
                );
                let mut statement = self.connection.prepare(&sql)?;
                let mut taken =
                    statement.query(params![self.run.0, files, state.name(), next.name(), now_ms()])?;
                while let Some(row) = taken.next()? {
                    adopted += 1;
                    let header = row.get(0)?;
                    if !headers.contains(&header) {
                        headers.push(header);
                    }
                }
            }
            self.connection.execute(
                "UPDATE runs SET rows_read = ?2, withdrawn = ?3, already_created = ?4, changed_created = ?5,
                        identical_rows = ?6, checked = 1 WHERE id = ?1",
                params![
                    self.run.0,
                    totals.rows_read,
                    withdrawn,
                    self.met.created,
                    self.met.changed,
                    self.met.identical
                ],
            )?;
            Ok((headers, adopted))
        };
        let (headers, adopted) = write().map_err(|source| self.failed(source))?;
        self.headers.extend(headers);
        Ok(RunRecord { adopted, doubts: self.doubts()?, ..self.run_record()? })
    }

    /// The rows of the whole ledger that may have been created.
    pub(super) fn doubts(&self) -> Result<Doubts, LedgerError> {
        // The tokens that have less than a twenty-fourth of the window left: an hour of a day.
        let closing = now_ms().saturating_sub(self.window_ms - self.window_ms / 24);
        let read = || {
            self.connection.query_row(
                "SELECT count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE state = 'pending'),
                        count(*) FILTER (WHERE state = 'pending' AND doubt_ms < ?1)
                 FROM rows INDEXED BY rows_in_doubt WHERE may_exist = 1",
                [closing],
                |row| Ok(Doubts { unknown: row.get(0)?, waiting: row.get(1)?, closing: row.get(2)? }),
            )
        };
        read().map_err(|source| self.failed(source))
    }
}
