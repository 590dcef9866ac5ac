//! Rows of the input meet rows of the ledger.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Retry, RowId, Session, now_ms};
use crate::digest::Digest;
use crate::ledger::columns::state_column;
use crate::ledger::{LedgerError, RowEvent, RowState, RowStatus, transition};
use crate::mapping::Rejection;
use crate::source::RowKey;
use crate::token::ClientToken;

/// One row of the input.
#[derive(Clone, Debug)]
pub struct IntakeRow {
    /// The row's key.
    pub key: RowKey,
    /// The token of the first row that has its key.
    pub token: ClientToken,
    /// The input's id in the ledger.
    pub source: i64,
    /// The header's id in the ledger.
    pub header: i64,
    /// The line on which the row starts.
    pub line: u64,
    /// A digest of the cells.
    pub content: Digest,
    /// The cells as a JSON array.
    pub record: String,
    /// What the mapping says of it.
    pub verdict: Verdict,
}

/// What the mapping says of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It maps to a valid request.
    Ready,
    /// It does not.
    Rejected(Rejection),
}

/// Whether a row was entered by a reading that did not come to its input's end.
pub(in crate::ledger) const IN_OPEN_READING: &str = "EXISTS (SELECT 1 FROM open_readings
    WHERE open_readings.run_id = rows.run_id AND open_readings.source_id = rows.source_id)";

/// Whether a row's file was read to its end after the last run that saw the row, which is not in it any more. Standard
/// input is another one each time, and nothing leaves it.
pub(in crate::ledger) const LEFT_ITS_FILE: &str =
    "EXISTS (SELECT 1 FROM readings JOIN sources AS read ON read.id = readings.source_id
    WHERE readings.source_id = rows.source_id AND readings.run_id > rows.run_id AND read.path <> '-')";

/// Whether a rejected row was refused by Connect, and not by this tool.
pub(in crate::ledger) fn refused_by_connect() -> String {
    let own: Vec<String> = Rejection::CODES.iter().map(|code| format!("'{code}'")).collect();
    format!("code NOT IN ({})", own.join(", "))
}

/// Something to tell people about a row of the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The row is rejected before it is sent.
    Rejected {
        /// Its line.
        line: u64,
        /// Its key.
        key: String,
        /// Why.
        rejection: Rejection,
    },
    /// The row was created before, with other content; it is not sent again.
    ChangedSinceCreated {
        /// Its line.
        line: u64,
        /// Its key.
        key: String,
    },
    /// An earlier attempt went unanswered, and the row has changed since; it is sent again as it was.
    ChangedInDoubt {
        /// Its line.
        line: u64,
        /// Its key.
        key: String,
    },
    /// An earlier attempt went unanswered, and the row is not sent again.
    Unknown {
        /// Its line.
        line: u64,
        /// Its key.
        key: String,
    },
}

/// What the intake knows when it ends.
#[derive(Clone, Debug, Default)]
pub struct IntakeTotals {
    /// Ids of the files that were read to their end; standard input is never among them.
    pub files_read: Vec<i64>,
    /// Rows read.
    pub rows_read: u64,
}

/// Whether a rejected row is to be tried again: what this tool itself found wrong with it is judged anew
/// every time; what Connect refused only if the row or the mapping has changed since, or if it is asked for.
pub fn is_amended(code: Option<&str>, same_content: bool, same_mapping: bool) -> bool {
    code.is_some_and(|code| Rejection::CODES.contains(&code)) || !same_content || !same_mapping
}

/// A row of the ledger that has the same token.
struct Known {
    row: RowId,
    standing: RowStatus,
    content: Digest,
    source: i64,
    header: i64,
    line: u64,
    code: Option<String>,
    /// Whether the last run that saw it mapped as this one does.
    same_mapping: bool,
}

impl Session {
    pub(in crate::ledger) fn enter_source(
        &mut self,
        path: &str,
        columns: &[String],
    ) -> Result<(i64, i64), LedgerError> {
        let columns = serde_json::Value::from(columns).to_string();
        let enter = || {
            self.connection
                .execute("INSERT INTO sources (path) VALUES (?1) ON CONFLICT DO NOTHING", [path])?;
            self.connection
                .execute("INSERT INTO headers (columns) VALUES (?1) ON CONFLICT DO NOTHING", [&columns])?;
            let id = |sql, value: &str| self.connection.query_row(sql, [value], |row| row.get(0));
            Ok((
                id("SELECT id FROM sources WHERE path = ?1", path)?,
                id("SELECT id FROM headers WHERE columns = ?1", &columns)?,
            ))
        };
        let (source, header) = enter().map_err(|source| self.failed(source))?;
        let begin = "INSERT INTO open_readings (run_id, source_id) VALUES (?1, ?2)";
        self.connection.execute(begin, [self.run.0, source]).map_err(|source| self.failed(source))?;
        self.headers.insert(header);
        Ok((source, header))
    }

    /// An input has been read to its end, and had so many rows, of which so many are in other shards.
    pub(in crate::ledger) fn leave_source(
        &self,
        source: i64,
        rows: u64,
        elsewhere: u64,
    ) -> Result<(), LedgerError> {
        let leave = || {
            let end = "DELETE FROM open_readings WHERE run_id = ?1 AND source_id = ?2";
            self.connection.execute(end, [self.run.0, source])?;
            let note = "INSERT INTO readings (run_id, source_id, rows, elsewhere) VALUES (?1, ?2, ?3, ?4)";
            self.connection.execute(note, params![self.run.0, source, rows, elsewhere])
        };
        leave().map(|_| ()).map_err(|source| self.failed(source))
    }

    pub(in crate::ledger) fn take_in(&mut self, rows: &[IntakeRow]) -> Result<Vec<Note>, LedgerError> {
        let mut notes = Vec::new();
        for row in rows {
            let mut token = row.token;
            let mut known = self.known(token)?;
            let mut verdict = row.verdict.clone();
            if let Some(first) = known.take_if(|first| self.seen.contains(first.row)) {
                let occurrence = self.next_occurrence(token)?;
                token = self.scheme.token(&row.key, occurrence);
                known = self.known(token)?;
                match &row.key {
                    RowKey::Columns(_) => verdict = Verdict::Rejected(self.duplicate_of(&first, row)?),
                    RowKey::Content(_) => self.met.identical += 1,
                    RowKey::Unusable(_) => {}
                }
            }
            let line = row.line;
            let key = || row.key.label();
            let id = match &known {
                None => {
                    if let Verdict::Rejected(rejection) = &verdict {
                        notes.push(Note::Rejected { line, key: key(), rejection: rejection.clone() });
                    }
                    self.insert(row, token, &verdict)?
                }
                Some(known) if known.standing.state == RowState::Created => {
                    self.met.created += 1;
                    if known.content != row.content {
                        self.met.changed += 1;
                        notes.push(Note::ChangedSinceCreated { line, key: key() });
                    }
                    if (known.source, known.line) != (row.source, row.line) {
                        self.move_created(known.row, row)?;
                    }
                    known.row
                }
                Some(known) if known.standing.state == RowState::Unknown && !self.retries(Retry::Unknown) => {
                    self.see_unknown(known.row, row)?;
                    notes.push(Note::Unknown { line, key: key() });
                    known.row
                }
                Some(known) if known.standing.may_exist && known.content != row.content => {
                    self.meet_in_doubt(known, row)?;
                    notes.push(Note::ChangedInDoubt { line, key: key() });
                    known.row
                }
                Some(known) => {
                    let next = self.meet_again(known, row, &verdict)?;
                    match (next.state, &verdict) {
                        (RowState::Unknown, _) => notes.push(Note::Unknown { line, key: key() }),
                        (_, Verdict::Rejected(rejection)) => {
                            notes.push(Note::Rejected { line, key: key(), rejection: rejection.clone() });
                        }
                        (_, Verdict::Ready) => {}
                    }
                    known.row
                }
            };
            self.seen.insert(id);
        }
        Ok(notes)
    }

    fn known(&mut self, token: ClientToken) -> Result<Option<Known>, LedgerError> {
        let read = || {
            let mut known = self.connection.prepare_cached(
                "SELECT rows.id, state, may_exist, content, source_id, line, code,
                        (SELECT mapping FROM runs WHERE id = rows.run_id) = (SELECT mapping FROM runs WHERE id = ?2),
                        header_id
                 FROM rows WHERE token = ?1",
            )?;
            let read = |row: &Row<'_>| {
                Ok(Known {
                    row: RowId(row.get(0)?),
                    standing: RowStatus { state: state_column(row, 1)?, may_exist: row.get(2)? },
                    content: Digest(row.get(3)?),
                    source: row.get(4)?,
                    line: row.get(5)?,
                    code: row.get(6)?,
                    same_mapping: row.get(7)?,
                    header: row.get(8)?,
                })
            };
            known.query_row(params![token.0.0, self.run.0], read).optional()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The number of this row among those with its key: 2 for the first repetition.
    fn next_occurrence(&mut self, token: ClientToken) -> Result<u32, LedgerError> {
        // The first row of a token is in `seen`, so that only repetitions are counted.
        Ok(self.repeats.count(token.0, 0)?.number.saturating_add(1))
    }

    fn duplicate_of(&self, first: &Known, row: &IntakeRow) -> Result<Rejection, LedgerError> {
        let file = if first.source == row.source {
            String::new()
        } else {
            let path = "SELECT path FROM sources WHERE id = ?1";
            let path: String = self
                .connection
                .query_row(path, [first.source], |row| row.get(0))
                .map_err(|source| self.failed(source))?;
            format!(" of {path}")
        };
        let found = format!("has the key of line {}{file}", first.line);
        Ok(Rejection::of_row(Rejection::DUPLICATE, found, "only the first row of a key is imported"))
    }

    fn insert(
        &mut self,
        row: &IntakeRow,
        token: ClientToken,
        verdict: &Verdict,
    ) -> Result<RowId, LedgerError> {
        let new = RowStatus { state: RowState::Pending, may_exist: false };
        let (standing, rejection) = match verdict {
            Verdict::Ready => (new, None),
            Verdict::Rejected(rejection) => (transition(new, RowEvent::Unmappable)?, Some(rejection)),
        };
        let (code, message) = rejection.map(|rejection| (rejection.code, rejection.to_string())).unzip();
        let write = || {
            self.connection
                .prepare_cached(
                    "INSERT INTO rows
                     (token, key, source_id, header_id, line, content, run_id, state, code, message, record)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .insert(params![
                    token.0.0,
                    row.key.label(),
                    row.source,
                    row.header,
                    row.line,
                    row.content.0,
                    self.run.0,
                    standing.state.name(),
                    code,
                    message,
                    row.record,
                ])
        };
        self.last_row = write().map(RowId).map_err(|source| self.failed(source))?;
        self.tallies.entered(self.run, standing.state, code);
        Ok(self.last_row)
    }

    /// A row that is in the ledger and not created comes up again.
    fn meet_again(
        &self,
        known: &Known,
        row: &IntakeRow,
        verdict: &Verdict,
    ) -> Result<RowStatus, LedgerError> {
        let amended = is_amended(known.code.as_deref(), known.content == row.content, known.same_mapping);
        let again = self.retries(Retry::Rejected);
        let event = match (known.standing.state, verdict) {
            (RowState::Pending | RowState::Failed | RowState::Rejected, Verdict::Rejected(_)) => {
                Some(RowEvent::Unmappable)
            }
            (RowState::Rejected, Verdict::Ready) if amended => Some(RowEvent::Amended),
            (RowState::Rejected, Verdict::Ready) if again => Some(RowEvent::Retried),
            (RowState::Failed, Verdict::Ready) => Some(RowEvent::Retaken),
            (RowState::Unknown, Verdict::Ready) => Some(RowEvent::Retried),
            (RowState::Pending | RowState::Rejected, Verdict::Ready)
            | (RowState::InFlight | RowState::Created, _)
            | (RowState::Unknown, Verdict::Rejected(_)) => None,
        };
        let next = match event {
            Some(event) => transition(known.standing, event)?,
            None => known.standing,
        };
        let rejection = match (event, verdict) {
            (Some(RowEvent::Unmappable), Verdict::Rejected(rejection)) => Some(rejection),
            (_, _) => None,
        };
        let (code, message) = rejection.map(|rejection| (rejection.code, rejection.to_string())).unzip();
        // What was said of it before is not said of its next attempt.
        let anew = next.state == RowState::Pending && !next.may_exist;
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET source_id = ?3, header_id = ?4, line = ?5, content = ?6, record = ?7,
                            run_id = ?8, state = ?9, may_exist = ?10,
                            code = CASE WHEN ?13 THEN NULL ELSE coalesce(?11, code) END,
                            message = CASE WHEN ?13 THEN NULL ELSE coalesce(?12, message) END
                     WHERE id = ?1 AND state = ?2",
                )?
                .execute(params![
                    known.row.0,
                    known.standing.state.name(),
                    row.source,
                    row.header,
                    row.line,
                    row.content.0,
                    row.record,
                    self.run.0,
                    next.state.name(),
                    next.may_exist,
                    code,
                    message,
                    anew,
                ])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, known.row)?;
        if event == Some(RowEvent::Retried) && next.may_exist {
            self.vouch_for(known.row)?;
        }
        Ok(next)
    }

    /// A row whose contact may exist comes up with other content. It keeps what it was sent with: with that
    /// alone Connect can give its contact back, and by that alone the contact can be looked for.
    fn meet_in_doubt(&mut self, known: &Known, row: &IntakeRow) -> Result<(), LedgerError> {
        let next = match known.standing.state {
            RowState::Unknown => transition(known.standing, RowEvent::Retried)?,
            RowState::Pending
            | RowState::InFlight
            | RowState::Created
            | RowState::Rejected
            | RowState::Failed => known.standing,
        };
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET source_id = ?3, line = ?4, run_id = ?5, state = ?6 WHERE id = ?1 AND state = ?2",
                )?
                .execute(params![
                    known.row.0,
                    known.standing.state.name(),
                    row.source,
                    row.line,
                    self.run.0,
                    next.state.name(),
                ])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, known.row)?;
        if next != known.standing {
            self.vouch_for(known.row)?;
        }
        self.headers.insert(known.header);
        Ok(())
    }

    /// Somebody has an unknown row sent again and vouches for its token from now on. Until it is sent its doubt
    /// is younger than its last attempt; that tells it from every other row in doubt.
    fn vouch_for(&self, row: RowId) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached("UPDATE rows SET doubt_ms = max(?2, last_sent_ms + 1) WHERE id = ?1")?
                .execute(params![row.0, now_ms()])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, row)
    }

    /// An unknown row comes up again. What it was sent with stays, since its contact is looked for by that.
    fn see_unknown(&self, known: RowId, row: &IntakeRow) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET source_id = ?2, line = ?3, run_id = ?4 WHERE id = ?1 AND state = 'unknown'",
                )?
                .execute(params![known.0, row.source, row.line, self.run.0])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, known)
    }

    /// A created row that stands elsewhere now, so that a duplicate names the right line.
    fn move_created(&self, known: RowId, row: &IntakeRow) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET source_id = ?2, line = ?3 WHERE id = ?1 AND state = 'created'",
                )?
                .execute(params![known.0, row.source, row.line])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, known)
    }
}
