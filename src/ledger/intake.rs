//! Rows of the inputs: new ones are inserted, known ones compared and updated.

use rusqlite::params;

use super::counts::ScanCounts;
use super::error::{LedgerError, Stored};
use super::existing::Existing;
use super::handle::Ledger;
use super::mended_rows::LeftTo;
use super::progress::ScanProgress;
use super::row::RowId;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;
use crate::digest::Digest;
use crate::mapping::Rejection;
use crate::source::{Header, Input, RowKey, RowOrigin};
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
    /// Whether its key belongs to another shard. This ledger has such a row only if it was mended.
    pub is_of_other_shard: bool,
    /// The row that it is, if it was read from a rejects file.
    pub reject: Option<RejectOrigin>,
}

/// The row that a row of a rejects file is.
#[derive(Clone, Debug)]
pub struct RejectOrigin {
    /// The row as it was first read.
    pub origin: RowOrigin,
    /// Path of its input, or `-`; empty if that was removed from the rejects file.
    pub file: String,
    /// Line on which it started there; 0 if it is not known.
    pub line: u64,
    /// Code of the rejection in the file; empty if it was cleared.
    pub code: String,
    /// Why this ledger does not have the row as it is now.
    pub left_to: Option<LeftTo>,
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

/// Whether a row of a rejects file that has the cells of a form before the last one is meant so. Its code is then cleared,
/// or that of its last rejection, which was by this tool. An older rejects file has the code of the older form.
pub fn is_restored(state: RowState, code: Option<&str>, code_in_file: &str) -> bool {
    let is_rejected = matches!(state, RowState::Rejected | RowState::Accepted);
    let is_last = Rejection::CODES.contains(&code_in_file) && code == Some(code_in_file);
    is_rejected && (code_in_file.is_empty() || is_last)
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
            for changed in &session.progress.scan.changed_sources {
                session.connection.execute(finished, [session.run.0, *changed])?;
            }
            session.progress.read.insert(source);
            let scan = &session.progress.scan;
            let of_run = "UPDATE runs SET other_shards = other_shards + ?2, passed_over = passed_over + ?3 WHERE id = ?1";
            let other_shards = counts.other_shards + scan.other_shards;
            let passed_over = counts.passed_over + scan.passed_over;
            session.connection.execute(
                of_run,
                params![
                    session.run.0,
                    other_shards + scan.elsewhere_other_shards,
                    passed_over + scan.elsewhere_passed_over
                ],
            )?;
            // A rejects file has only the rows that were added to it.
            let rows = counts.rows.saturating_sub(scan.of_other_inputs);
            let was_read = "SELECT EXISTS (SELECT 1 FROM source_scans WHERE source_id = ?1)";
            let was_read: bool = session.connection.query_row(was_read, [source], |row| row.get(0))?;
            // One that had such rows before has lost them.
            if rows == 0 && scan.of_other_inputs > 0 && !was_read {
                let forget = "DELETE FROM unfinished_scans WHERE source_id = ?1";
                session.connection.execute(forget, [source])?;
            } else {
                session.connection.execute(
                    "INSERT INTO source_scans (run_id, source_id, rows, other_shards, passed_over)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![session.run.0, source, rows, other_shards, passed_over],
                )?;
            }
            Ok(())
        })
    }

    /// Whether rows of this ledger were mended, which rows of other shards in an input may be.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn has_mended_rows(&self) -> Result<bool, LedgerError> {
        self.call_uncommitted(|session| Ok(!session.progress.mended.is_empty()))
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
        let source = self.source_of(path)?;
        self.connection
            .execute("INSERT INTO headers (columns) VALUES (?1) ON CONFLICT DO NOTHING", [&columns])?;
        let header = "SELECT id FROM headers WHERE columns = ?1";
        let header = self.connection.query_row(header, [&columns], |row| row.get(0))?;
        self.progress.headers.insert(header);
        self.progress.scan = ScanProgress::default();
        Ok((source, header))
    }

    /// Id of the input with this path, which is entered if it is new.
    pub(super) fn source_of(&self, path: &str) -> rusqlite::Result<i64> {
        let insert = "INSERT INTO sources (path) VALUES (?1) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(insert)?.execute([path])?;
        let id = "SELECT id FROM sources WHERE path = ?1";
        self.connection.prepare_cached(id)?.query_row([path], |row| row.get(0))
    }

    fn take_in(&mut self, mut row: IntakeRow) -> Stored<Option<Note>> {
        match row.reject.take() {
            Some(reject) => self.take_in_reject(row, &reject),
            None => self.take_in_own(row),
        }
    }

    /// Takes in a row of the current input.
    pub(super) fn take_in_own(&mut self, mut row: IntakeRow) -> Stored<Option<Note>> {
        self.mark_unfinished(row.source)?;
        let place = (row.source, row.line);
        let noted = |row: &IntakeRow, kind: Option<NoteKind>| {
            kind.map(|kind| Note { line: place.1, key: row.key.label(), kind })
        };
        if let Some(mended) = self.mended_of(row.token, row.content, row.is_of_other_shard) {
            if !row.is_of_other_shard {
                self.progress.mended_first.insert(row.token, place);
            }
            return Ok(noted(&row, self.take_in_mended(mended, place)?));
        }
        if row.is_of_other_shard {
            self.progress.scan.other_shards += 1;
            return Ok(None);
        }
        let mut token = row.token;
        let mut existing = self.existing(token)?;
        let is_seen = |session: &Session, row: &Existing| session.progress.is_seen(row.row);
        // A row that was mended still has its old key in the input, so that rows after it keep their numbers.
        let first = self.progress.mended_first.get(&token).copied();
        let first = first.or_else(|| existing.as_ref().filter(|row| is_seen(self, row)).map(Existing::place));
        if let Some(first) = first {
            loop {
                // `seen` has the first row of the token, so that `repeats` counts from the second.
                let occurrence = self.progress.repeats.count(row.token.0, 0)?.number.saturating_add(1);
                token = self.scheme.token(&row.key, occurrence);
                existing = self.existing(token)?;
                // A mended row may have a token of the key too.
                if !existing.as_ref().is_some_and(|row| is_seen(self, row)) {
                    break;
                }
            }
            if matches!(row.key, RowKey::Content(_)) {
                self.progress.identical += 1;
            }
            if let Some(mended) = self.mended_of(token, row.content, false) {
                return Ok(noted(&row, self.take_in_mended(mended, place)?));
            }
            if let RowKey::Columns(_) = row.key {
                row.rejection = Some(self.duplicate_of(first, Some(row.source))?);
            }
        }
        if let Some(mended) = self.mended_of_content(row.content, existing.as_ref()) {
            if first.is_none() {
                self.progress.mended_first.insert(row.token, place);
            }
            return Ok(noted(&row, self.take_in_mended(mended, place)?));
        }
        self.forget_mend(existing.as_ref())?;
        let kind = self.enter(&row, token, existing)?;
        Ok(noted(&row, kind))
    }

    /// Inserts a row that the ledger does not have; otherwise updates what the input may change.
    pub(super) fn enter(
        &mut self,
        row: &IntakeRow,
        token: ClientToken,
        existing: Option<Existing>,
    ) -> Stored<Option<NoteKind>> {
        let rejected = row.rejection.clone().filter(|rejection| !self.is_accepted(rejection.code));
        let rejected = rejected.map(NoteKind::Rejected);
        let Some(existing) = existing else {
            let id = self.insert(row, token)?;
            self.progress.see(id);
            return Ok(rejected);
        };
        let is_new = self.progress.see(existing.row);
        let is_changed = existing.content != row.content;
        match existing.status.state {
            RowState::Created => {
                self.progress.created += u64::from(is_new);
                self.progress.changed += u64::from(is_new && is_changed);
                if existing.place() != (row.source, row.line) {
                    self.move_created(existing.row, (row.source, row.line))?;
                }
                Ok(is_changed.then_some(NoteKind::ChangedSinceCreated))
            }
            RowState::Unknown if !self.retries_unknown => {
                self.move_in_doubt(&existing, (row.source, row.line), None)?;
                Ok(Some(NoteKind::Unknown))
            }
            state if existing.status.may_exist && is_changed => {
                let event = (state == RowState::Unknown).then_some(RowEvent::Retried);
                self.move_in_doubt(&existing, (row.source, row.line), event)?;
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
    pub(super) fn move_in_doubt(
        &self,
        existing: &Existing,
        (source, line): (i64, u64),
        event: Option<RowEvent>,
    ) -> Stored<()> {
        let next = event.map_or(Ok(existing.status), |event| transition(existing.status, event))?;
        self.update_row(
            existing.row,
            "UPDATE rows SET source_id = ?3, line = ?4, run_id = ?5, state = ?6, operator_retry = ?7
             WHERE id = ?1 AND state = ?2",
            params![
                existing.row.0,
                existing.status.state.name(),
                source,
                line,
                self.run.0,
                next.state.name(),
                event == Some(RowEvent::Retried),
            ],
        )
    }

    /// Updates the place of a created row, which a duplicate of it names.
    pub(super) fn move_created(&self, existing: RowId, (source, line): (i64, u64)) -> Stored<()> {
        self.update_row(
            existing,
            "UPDATE rows SET source_id = ?2, line = ?3 WHERE id = ?1 AND state = 'created'",
            params![existing.0, source, line],
        )
    }
}

pub(super) fn code_and_message(rejection: Option<&Rejection>) -> Option<(&'static str, String)> {
    rejection.map(|rejection| (rejection.code, rejection.to_string()))
}
