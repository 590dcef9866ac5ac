//! Rows of the inputs: new ones are inserted, known ones compared and updated.

use rusqlite::{OptionalExtension as _, Row, params};

use super::counts::ScanCounts;
use super::error::{LedgerError, Stored};
use super::handle::Ledger;
use super::row::RowId;
use super::schema::state_column;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;
use crate::digest::Digest;
use crate::mapping::Rejection;
use crate::source::{Header, Input, RowKey};
use crate::token::ClientToken;

/// A row of an input, mapped and validated.
#[derive(Clone, Debug)]
pub struct IntakeRow {
    /// Key.
    pub key: RowKey,
    /// Token of the first row that has this key.
    pub token: ClientToken,
    /// Id of the input in the ledger.
    pub source: i64,
    /// Id of the header in the ledger.
    pub header: i64,
    /// Line on which the row starts.
    pub line: u64,
    /// Digest of the cells.
    pub content: Digest,
    /// Cells as a JSON array.
    pub record: String,
    /// Why the row cannot be sent. `None` if it maps to a valid request.
    pub rejection: Option<Rejection>,
}

/// Something to report about a row of an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Line of the row.
    pub line: u64,
    /// Key of the row.
    pub key: String,
    /// The finding.
    pub kind: NoteKind,
}

/// Finding of the intake about a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoteKind {
    /// The row is rejected before it is sent.
    Rejected(Rejection),
    /// The row was created before with other content. It is not sent again.
    ChangedSinceCreated,
    /// The row is in doubt, and has changed since it was sent. It is sent again with its old content.
    ChangedInDoubt,
    /// The row is in doubt, and is not sent again.
    Unknown,
}

/// Whether a rejected row is tried again. A row that this tool rejected always is; a row that Connect refused only if
/// its content or the mapping has changed.
pub fn is_amended(code: Option<&str>, has_same_content: bool, has_same_mapping: bool) -> bool {
    code.is_some_and(|code| Rejection::CODES.contains(&code)) || !has_same_content || !has_same_mapping
}

/// The ledger's row of a token.
struct Existing {
    row: RowId,
    status: RowStatus,
    content: Digest,
    source: i64,
    header: i64,
    line: u64,
    code: Option<String>,
    /// Whether the last run that read the row had the mapping of this run.
    has_same_mapping: bool,
}

impl Ledger {
    /// Records that an input is read from now on, and returns its id and that of its header, for [`IntakeRow`].
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn enter_source(&self, input: &Input, header: &Header) -> Result<(i64, i64), LedgerError> {
        let (path, columns) = (input.identity(), header.columns().to_vec());
        self.call_blocking(move |session| session.enter_source(&path, &columns))
    }

    /// Marks `source` as read to the end, with the numbers of its rows. Rows of sources never marked are not sent until the
    /// source is read again.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn leave_source(&self, source: i64, counts: ScanCounts) -> Result<(), LedgerError> {
        self.call_blocking(move |session| {
            let finished = "DELETE FROM unfinished_scans WHERE run_id = ?1 AND source_id = ?2";
            session.connection.execute(finished, [session.run.0, source])?;
            session.connection.execute(
                "INSERT INTO source_scans (run_id, source_id, rows, other_shards, passed_over)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![session.run.0, source, counts.rows, counts.other_shards, counts.passed_over],
            )?;
            Ok(())
        })
    }

    /// Inserts or updates rows of an input, in file order, and returns what is to be reported of them. They are
    /// committed when [`Ledger::leave_source`] returns.
    ///
    /// # Errors
    /// The ledger cannot be written, or another process changed a row.
    pub fn take_in(&self, rows: Vec<IntakeRow>) -> Result<Vec<Note>, LedgerError> {
        self.call_uncommitted(move |session| {
            let mut notes = Vec::new();
            for row in rows {
                notes.extend(session.take_in(row)?);
            }
            Ok(notes)
        })
    }
}

impl Session {
    fn enter_source(&mut self, path: &str, columns: &[String]) -> Stored<(i64, i64)> {
        let columns = serde_json::Value::from(columns).to_string();
        let insert = |sql, value: &str| self.connection.execute(sql, [value]);
        let id = |sql, value: &str| self.connection.query_row(sql, [value], |row| row.get(0));
        insert("INSERT INTO sources (path) VALUES (?1) ON CONFLICT DO NOTHING", path)?;
        insert("INSERT INTO headers (columns) VALUES (?1) ON CONFLICT DO NOTHING", &columns)?;
        let source = id("SELECT id FROM sources WHERE path = ?1", path)?;
        let header = id("SELECT id FROM headers WHERE columns = ?1", &columns)?;
        let begin = "INSERT INTO unfinished_scans (run_id, source_id) VALUES (?1, ?2)";
        self.connection.execute(begin, [self.run.0, source])?;
        self.progress.headers.insert(header);
        Ok((source, header))
    }

    fn take_in(&mut self, mut row: IntakeRow) -> Stored<Option<Note>> {
        let mut token = row.token;
        let mut existing = self.existing(token)?;
        if let Some(first) = existing.take_if(|first| self.progress.seen.contains(first.row)) {
            // `seen` has the first row of the token, so that `repeats` counts from the second.
            let occurrence = self.progress.repeats.count(token.0, 0)?.number.saturating_add(1);
            token = self.scheme.token(&row.key, occurrence);
            existing = self.existing(token)?;
            match &row.key {
                RowKey::Columns(_) => row.rejection = Some(self.duplicate_of(&first, &row)?),
                RowKey::Content(_) => self.progress.identical += 1,
                RowKey::Unusable(_) => {}
            }
        }
        let kind = self.enter(&row, token, existing)?;
        Ok(kind.map(|kind| Note { line: row.line, key: row.key.label(), kind }))
    }

    /// Inserts a row that the ledger does not have; otherwise updates what the input may change.
    fn enter(
        &mut self,
        row: &IntakeRow,
        token: ClientToken,
        existing: Option<Existing>,
    ) -> Stored<Option<NoteKind>> {
        let rejected = row.rejection.clone().filter(|rejection| !self.is_accepted(rejection.code));
        let rejected = rejected.map(NoteKind::Rejected);
        let Some(existing) = existing else {
            let id = self.insert(row, token)?;
            self.progress.seen.insert(id);
            return Ok(rejected);
        };
        self.progress.seen.insert(existing.row);
        let is_changed = existing.content != row.content;
        match existing.status.state {
            RowState::Created => {
                self.progress.created += 1;
                self.progress.changed += u64::from(is_changed);
                if (existing.source, existing.line) != (row.source, row.line) {
                    self.move_created(existing.row, row)?;
                }
                Ok(is_changed.then_some(NoteKind::ChangedSinceCreated))
            }
            RowState::Unknown if !self.retries_unknown => {
                self.move_in_doubt(&existing, row, None)?;
                Ok(Some(NoteKind::Unknown))
            }
            state if existing.status.may_exist && is_changed => {
                let event = (state == RowState::Unknown).then_some(RowEvent::Retried);
                self.move_in_doubt(&existing, row, event)?;
                self.progress.headers.insert(existing.header);
                Ok(Some(NoteKind::ChangedInDoubt))
            }
            RowState::Pending
            | RowState::InFlight
            | RowState::Rejected
            | RowState::Accepted
            | RowState::Failed
            | RowState::Withdrawn
            | RowState::Unknown => {
                let next = self.update(&existing, row)?;
                Ok(if next.state == RowState::Unknown { Some(NoteKind::Unknown) } else { rejected })
            }
        }
    }

    fn existing(&self, token: ClientToken) -> rusqlite::Result<Option<Existing>> {
        let mut existing = self.connection.prepare_cached(
            "SELECT rows.id, state, may_exist, content, source_id, line, code,
                    (SELECT mapping FROM runs WHERE id = rows.run_id) = (SELECT mapping FROM runs WHERE id = ?2),
                    header_id
             FROM rows WHERE token = ?1",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Existing {
                row: RowId(row.get(0)?),
                status: RowStatus { state: state_column(row, 1)?, may_exist: row.get(2)? },
                content: Digest(row.get(3)?),
                source: row.get(4)?,
                line: row.get(5)?,
                code: row.get(6)?,
                has_same_mapping: row.get(7)?,
                header: row.get(8)?,
            })
        };
        existing.query_row(params![token.0.0, self.run.0], read).optional()
    }

    fn duplicate_of(&self, first: &Existing, row: &IntakeRow) -> rusqlite::Result<Rejection> {
        let file = if first.source == row.source {
            String::new()
        } else {
            let path = "SELECT path FROM sources WHERE id = ?1";
            let path: String = self.connection.query_row(path, [first.source], |row| row.get(0))?;
            format!(" of {path}")
        };
        let found = format!("has the key of line {}{file}", first.line);
        Ok(Rejection::of_row(Rejection::DUPLICATE, found, "only the first row of a key is imported"))
    }

    fn insert(&mut self, row: &IntakeRow, token: ClientToken) -> Stored<RowId> {
        let new = RowStatus { state: RowState::Pending, may_exist: false };
        let status = match row.rejection {
            None => new,
            Some(ref rejection) => {
                self.unless_accepted(transition(new, RowEvent::Unmappable)?, rejection.code)?
            }
        };
        let (code, message) = code_and_message(row.rejection.as_ref()).unzip();
        let id = self
            .connection
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
                status.state.name(),
                code,
                message,
                row.record,
            ])?;
        self.counts.change(self.run, status.state, code, 1);
        Ok(RowId(id))
    }

    /// Updates a row that is not created and comes up again.
    fn update(&self, existing: &Existing, row: &IntakeRow) -> Stored<RowStatus> {
        let is_amended =
            is_amended(existing.code.as_deref(), existing.content == row.content, existing.has_same_mapping);
        let event = match (existing.status.state, &row.rejection) {
            (
                RowState::Pending
                | RowState::Failed
                | RowState::Rejected
                | RowState::Accepted
                | RowState::Withdrawn,
                Some(_),
            ) => Some(RowEvent::Unmappable),
            (RowState::Rejected | RowState::Accepted, None) if is_amended => Some(RowEvent::Amended),
            (RowState::Rejected, None) if self.retries_rejected => Some(RowEvent::Retried),
            (RowState::Withdrawn, None) => Some(RowEvent::Returned),
            (RowState::Failed, None) => Some(RowEvent::Retaken),
            (RowState::Unknown, None) => Some(RowEvent::Retried),
            (RowState::Pending | RowState::Rejected | RowState::Accepted, None)
            | (RowState::InFlight | RowState::Created, _)
            | (RowState::Unknown, Some(_)) => None,
        };
        let next = event.map_or(Ok(existing.status), |event| transition(existing.status, event))?;
        let rejection = row.rejection.as_ref().filter(|_| event == Some(RowEvent::Unmappable));
        let next = rejection.map_or(Ok(next), |rejection| self.unless_accepted(next, rejection.code))?;
        let (code, message) = code_and_message(rejection).unzip();
        // The error of an earlier attempt says nothing about the next, unless the row is in doubt because of it.
        let forgets_error = next.state == RowState::Pending && !next.may_exist;
        let is_operator_retry =
            existing.status.state == RowState::Unknown && event == Some(RowEvent::Retried);
        self.update_row(
            existing.row,
            "UPDATE rows SET source_id = ?3, header_id = ?4, line = ?5, content = ?6, record = ?7,
                    run_id = ?8, state = ?9, may_exist = ?10, operator_retry = ?14,
                    code = CASE WHEN ?13 THEN NULL ELSE coalesce(?11, code) END,
                    message = CASE WHEN ?13 THEN NULL ELSE coalesce(?12, message) END,
                    full_message = CASE WHEN NOT ?13 AND ?12 IS NULL THEN full_message END
             WHERE id = ?1 AND state = ?2",
            params![
                existing.row.0,
                existing.status.state.name(),
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
                forgets_error,
                is_operator_retry,
            ],
        )?;
        Ok(next)
    }

    /// Updates the place of a row in doubt, and its state. It keeps the content that it was sent with: with that alone
    /// Connect returns its contact, and by that alone `verify` searches for it.
    fn move_in_doubt(&self, existing: &Existing, row: &IntakeRow, event: Option<RowEvent>) -> Stored<()> {
        let next = event.map_or(Ok(existing.status), |event| transition(existing.status, event))?;
        self.update_row(
            existing.row,
            "UPDATE rows SET source_id = ?3, line = ?4, run_id = ?5, state = ?6, operator_retry = ?7
             WHERE id = ?1 AND state = ?2",
            params![
                existing.row.0,
                existing.status.state.name(),
                row.source,
                row.line,
                self.run.0,
                next.state.name(),
                event == Some(RowEvent::Retried),
            ],
        )
    }

    /// Updates the place of a created row, which a duplicate of it names.
    fn move_created(&self, existing: RowId, row: &IntakeRow) -> Stored<()> {
        self.update_row(
            existing,
            "UPDATE rows SET source_id = ?2, line = ?3 WHERE id = ?1 AND state = 'created'",
            params![existing.0, row.source, row.line],
        )
    }
}

fn code_and_message(rejection: Option<&Rejection>) -> Option<(&'static str, String)> {
    rejection.map(|rejection| (rejection.code, rejection.to_string()))
}
