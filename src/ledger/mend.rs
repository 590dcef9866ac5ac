//! Rows of rejects files. Each updates the row that it came from, so that a row is counted once however often it is
//! mended, and for the input that has it.

use rusqlite::{OptionalExtension as _, params};

use super::error::Stored;
use super::existing::Existing;
use super::intake::{IntakeRow, Note, NoteKind, RejectOrigin, code_and_message, is_restored};
use super::mended_rows::{LeftTo, row_of_origin};
use super::state::{RowEvent, RowState, transition};
use super::writer::Session;
use crate::mapping::Rejection;
use crate::source::{RowKey, RowOrigin};
use crate::token::ClientToken;

/// Where a mended row belongs.
struct Placing {
    /// Its token: that of its key, or the next free one of a key that other rows have.
    token: ClientToken,
    /// The first row that has the key, if it is another one.
    first: Option<Existing>,
    /// The row that has the token.
    at_token: AtToken,
}

/// The row that has the token of a mended row.
enum AtToken {
    /// None, or the mended row itself.
    Free,
    /// The same row: its input has it as it was mended.
    Same(Existing),
    /// A withdrawn one, which is to become the mended row: no row of an input has its key.
    Withdrawn(Existing),
}

impl Session {
    /// Takes in a row of a rejects file.
    pub(super) fn take_in_reject(
        &mut self,
        mut row: IntakeRow,
        reject: &RejectOrigin,
    ) -> Stored<Option<Note>> {
        let (line, label) = (row.line, row.key.label());
        // A row may change twice in one run, and the trigger counts from what is in the table.
        self.counts.write(&self.connection)?;
        let origin = match row_of_origin(&self.connection, reject.origin)? {
            Some(id) => self.existing_row(id)?,
            None => None,
        };
        let kind = match origin {
            // A line that was copied in the rejects file is a row of its own.
            Some(origin) if self.progress.scan.taken.contains(origin.row) => match reject.left_to {
                None => return self.take_in_own(row),
                Some(left_to) => {
                    *self.progress.scan.left_to(left_to) += 1;
                    None
                }
            },
            Some(origin) => {
                self.progress.scan.taken.insert(origin.row);
                self.progress.scan.is_reject = true;
                self.take_in_known(&mut row, reject, origin)?
            }
            None => match reject.left_to {
                // Another ledger has it, or none.
                Some(left_to) => {
                    self.progress.scan.of_other_inputs += 1;
                    *self.progress.scan.elsewhere(left_to) += 1;
                    None
                }
                None => {
                    self.progress.scan.is_reject = true;
                    self.take_in_unknown(&mut row, reject)?
                }
            },
        };
        self.progress.scan.is_reject = false;
        Ok(kind.map(|kind| Note { line, key: label, kind }))
    }

    /// Takes in a row of a rejects file whose origin the ledger has.
    fn take_in_known(
        &mut self,
        row: &mut IntakeRow,
        reject: &RejectOrigin,
        origin: Existing,
    ) -> Stored<Option<NoteKind>> {
        let own_place = (row.source, row.line);
        let is_of_other_input = u64::from(origin.source != row.source);
        self.progress.scan.of_other_inputs += is_of_other_input;
        (row.source, row.line) = origin.place();
        let left_to_before = self.progress.mended.of_row(origin.row).map(|mended| mended.left_to);
        let is_first_form = row.content == reject.origin.content
            || (row.content != origin.content && self.progress.mended.had_content(origin.row, row.content));
        let is_gone = match origin.status.state {
            RowState::Withdrawn => left_to_before.flatten().is_none(),
            _ => !self.progress.seen.contains(origin.row) && self.progress.read.contains(&origin.source),
        };
        let is_restored = row.content != origin.content
            && row.rejection.is_none()
            && is_restored(origin.status.state, origin.code.as_deref(), &reject.code)
            && self.place(row, Some(&origin), is_gone)?.first.is_none();
        match left_to_before {
            Some(None) if is_first_form && !is_gone && !is_restored => {
                return self.enter_mended(&origin, origin.place());
            }
            Some(Some(left_to)) if is_first_form => {
                *self.progress.scan.elsewhere(left_to) += 1;
                return Ok(None);
            }
            _ => {}
        }
        if origin.status.state == RowState::Created && is_first_form {
            row.content = origin.content;
        }
        if origin.status.state == RowState::Created || origin.status.may_exist {
            return self.enter(row, origin.token, Some(origin));
        }
        if let Some(left_to) = reject.left_to {
            *self.progress.scan.elsewhere(left_to) += 1;
            return self.leave(&origin, reject, left_to).map(|()| None);
        }
        // Its cells may be padded, joined or made text, and then have another key.
        if row.content == origin.content && row.rejection.is_some() && !is_gone {
            return self.enter(row, origin.token, Some(origin));
        }
        let placing = self.place(row, Some(&origin), is_gone)?;
        if let AtToken::Same(same) = placing.at_token {
            return self.enter_as(row, placing.token, same);
        }
        self.reject_duplicate(row, &placing)?;
        if is_gone {
            // Its input has it no more, so it belongs to the operator's file.
            (row.source, row.line) = own_place;
            self.progress.scan.of_other_inputs -= is_of_other_input;
        }
        self.mark_unfinished(row.source)?;
        if let AtToken::Withdrawn(withdrawn) = placing.at_token {
            self.withdraw(&origin)?;
            self.progress.mended.reassign(&self.connection, reject.origin, origin.row, withdrawn.row)?;
            self.progress.scan.taken.insert(withdrawn.row);
            return self.enter(row, placing.token, Some(withdrawn));
        }
        if placing.token == origin.token && row.content == origin.content && !is_gone {
            // Its form is confirmed, while its input still has it in the form that is rejected.
            let was_confirmed = row.rejection.is_none()
                && origin.code.as_deref().is_some_and(|code| Rejection::FORM_CODES.contains(&code));
            if was_confirmed {
                self.progress.mended.record(&self.connection, reject.origin, origin.row)?;
            }
            return self.enter(row, origin.token, Some(origin));
        }
        self.mend(row, &origin, placing.token, reject)
    }

    /// Takes in a row of a rejects file whose origin the ledger does not have: it is new, or another shard had it.
    fn take_in_unknown(&mut self, row: &mut IntakeRow, reject: &RejectOrigin) -> Stored<Option<NoteKind>> {
        let placing = self.place(row, None, true)?;
        if let AtToken::Same(same) = placing.at_token {
            self.progress.scan.of_other_inputs += 1;
            return self.enter_as(row, placing.token, same);
        }
        self.reject_duplicate(row, &placing)?;
        if let Some(place) = self.place_of_origin(reject)? {
            self.progress.scan.of_other_inputs += 1;
            (row.source, row.line) = place;
        }
        self.mark_unfinished(row.source)?;
        let existing = match placing.at_token {
            AtToken::Withdrawn(withdrawn) => Some(withdrawn),
            AtToken::Free | AtToken::Same(_) => None,
        };
        let kind = self.enter(row, placing.token, existing)?;
        if let Some(entered) = self.existing(placing.token)? {
            self.progress.scan.taken.insert(entered.row);
            self.progress.mended.record(&self.connection, reject.origin, entered.row)?;
        }
        Ok(kind)
    }

    /// Rejects a row with the key of another.
    fn reject_duplicate(&self, row: &mut IntakeRow, placing: &Placing) -> Stored<()> {
        if let (RowKey::Columns(_), Some(first)) = (&row.key, &placing.first) {
            row.rejection = Some(self.duplicate_of(first.place(), None)?);
        }
        Ok(())
    }

    /// Enters a row of a rejects file that another row of the ledger is: its input has it as it was mended.
    fn enter_as(
        &mut self,
        row: &mut IntakeRow,
        token: ClientToken,
        same: Existing,
    ) -> Stored<Option<NoteKind>> {
        (row.source, row.line) = same.place();
        self.progress.scan.taken.insert(same.row);
        self.enter(row, token, Some(same))
    }

    /// The place in its own input of a row whose origin the ledger does not have; none if that input, which was read to its
    /// end, does not have it.
    fn place_of_origin(&mut self, reject: &RejectOrigin) -> Stored<Option<(i64, u64)>> {
        if reject.file.is_empty() || reject.line == 0 {
            return Ok(None);
        }
        let source = self.source_of(&reject.file)?;
        let scan = "SELECT other_shards FROM source_scans WHERE source_id = ?1 ORDER BY run_id DESC LIMIT 1";
        let scan: Option<u64> =
            self.connection.prepare_cached(scan)?.query_row([source], |row| row.get(0)).optional()?;
        match scan {
            Some(0) => return Ok(None),
            Some(_) => self.count_in_last_scan(source, LeftTo::OtherShard, -1)?,
            None => {}
        }
        Ok(Some((source, reject.line)))
    }

    /// Corrects the last scan of an input after one of its rows came from another shard, was left to one, or was passed over.
    fn count_in_last_scan(&self, source: i64, left_to: LeftTo, by: i64) -> Stored<()> {
        let (_, column) = left_to.names();
        self.connection
            .prepare_cached(&format!(
                "UPDATE source_scans SET {column} = max({column} + ?2, 0) WHERE source_id = ?1
                 AND run_id = (SELECT max(run_id) FROM source_scans WHERE source_id = ?1)"
            ))?
            .execute(params![source, by])?;
        Ok(())
    }

    fn place(&mut self, row: &IntakeRow, origin: Option<&Existing>, is_gone: bool) -> Stored<Placing> {
        let is_unchanged = origin.is_some_and(|origin| origin.content == row.content);
        let mut first = None;
        let mut number = 1;
        loop {
            let token = self.scheme.token(&row.key, number);
            let free = |first| Placing { token, first, at_token: AtToken::Free };
            let Some(other) = self.existing(token)? else {
                if number > 1 {
                    self.progress.ordinals.insert(row.token, number);
                }
                return Ok(free(first));
            };
            if origin.is_some_and(|origin| origin.row == other.row) {
                return Ok(free(first));
            }
            if other.status.state == RowState::Withdrawn {
                let mended = self.progress.mended.of_row(other.row);
                if mended.is_none_or(|mended| mended.left_to.is_none()) {
                    return Ok(Placing { token, first, at_token: AtToken::Withdrawn(other) });
                }
                // It keeps no token here, and is known by what it was.
                self.vacate(&row.key, &other)?;
                return Ok(free(first));
            }
            // A row that is no longer in its input may be there in its new form.
            if is_gone && !self.progress.scan.taken.contains(other.row) {
                return Ok(Placing { token, first: None, at_token: AtToken::Same(other) });
            }
            first.get_or_insert(other);
            if let Some(origin) = origin.filter(|_| is_unchanged) {
                return Ok(Placing { token: origin.token, first, at_token: AtToken::Free });
            }
            // Of ten thousand rows with one content not each is looked up for each.
            let known = self.progress.ordinals.get(&row.token).copied().filter(|_| !is_gone);
            number = known.unwrap_or(number).max(number) + 1;
        }
    }

    /// Gives the token of a row that was left to another shard or passed over to a row that has its key now.
    fn vacate(&self, key: &RowKey, left: &Existing) -> Stored<()> {
        let mut number = 2;
        while self.existing(self.scheme.token(key, number))?.is_some() {
            number += 1;
        }
        let token = self.scheme.token(key, number);
        let vacate = "UPDATE rows SET token = ?2 WHERE id = ?1 AND state = 'withdrawn'";
        self.update_row(left.row, vacate, params![left.row.0, token.0.0])
    }

    /// Gives a row its new content, key and token.
    fn mend(
        &mut self,
        row: &IntakeRow,
        origin: &Existing,
        token: ClientToken,
        reject: &RejectOrigin,
    ) -> Stored<Option<NoteKind>> {
        let event = match (&row.rejection, origin.status.state) {
            (Some(_), _) => Some(RowEvent::Unmappable),
            (None, RowState::Failed) => Some(RowEvent::Retaken),
            (None, RowState::Rejected | RowState::Accepted) => Some(RowEvent::Amended),
            (None, RowState::Withdrawn) => Some(RowEvent::Returned),
            (None, RowState::Pending | RowState::InFlight | RowState::Created | RowState::Unknown) => None,
        };
        let next = event.map_or(Ok(origin.status), |event| transition(origin.status, event))?;
        let next = match &row.rejection {
            Some(rejection) => self.unless_accepted(next, rejection.code)?,
            None => next,
        };
        let (code, message) = code_and_message(row.rejection.as_ref()).unzip();
        self.update_row(
            origin.row,
            "UPDATE rows SET token = ?3, key = ?4, source_id = ?5, header_id = ?6, line = ?7, content = ?8,
                    record = ?9, run_id = ?10, state = ?11, code = ?12, message = ?13,
                    full_message = NULL
             WHERE id = ?1 AND state = ?2 AND may_exist = 0",
            params![
                origin.row.0,
                origin.status.state.name(),
                token.0.0,
                row.key.label(),
                row.source,
                row.header,
                row.line,
                row.content.0,
                row.record,
                self.run.0,
                next.state.name(),
                code,
                message,
            ],
        )?;
        self.progress.see(origin.row);
        let mended = self.progress.mended.of_row(origin.row);
        if let Some(left_to) = mended.and_then(|mended| mended.left_to) {
            self.progress.mended.set_left_to(&self.connection, origin.row, None)?;
            self.count_in_last_scan(origin.source, left_to, -1)?;
        }
        // Its input may have it as it was first, or as it was until now.
        let form = RowOrigin { token: origin.token.0, content: origin.content };
        for form in [reject.origin, form] {
            self.progress.mended.record(&self.connection, form, origin.row)?;
        }
        let rejected = row.rejection.clone().filter(|rejection| !self.is_accepted(rejection.code));
        Ok(rejected.map(NoteKind::Rejected))
    }

    /// Withdraws a row that, as it is now, belongs to another shard or is not selected.
    fn leave(&mut self, origin: &Existing, reject: &RejectOrigin, left_to: LeftTo) -> Stored<()> {
        self.progress.see(origin.row);
        self.progress.mended.record(&self.connection, reject.origin, origin.row)?;
        let mended = self.progress.mended.of_row(origin.row);
        let before = mended.and_then(|mended| mended.left_to);
        if before == Some(left_to) {
            if mended.is_some_and(|mended| mended.is_stale) {
                let update = "UPDATE rows SET run_id = ?3 WHERE id = ?1 AND state = ?2";
                let state = origin.status.state.name();
                self.update_row(origin.row, update, params![origin.row.0, state, self.run.0])?;
                self.progress.mended.set_left_to(&self.connection, origin.row, before)?;
            }
            return Ok(());
        }
        if let Some(before) = before {
            self.count_in_last_scan(origin.source, before, -1)?;
        }
        self.progress.mended.set_left_to(&self.connection, origin.row, Some(left_to))?;
        // One that its input has no more is counted nowhere.
        if origin.status.state != RowState::Withdrawn || before.is_some() {
            self.count_in_last_scan(origin.source, left_to, 1)?;
        }
        self.withdraw(origin)
    }

    fn withdraw(&mut self, row: &Existing) -> Stored<()> {
        if row.status.state == RowState::Withdrawn {
            return Ok(());
        }
        let next = transition(row.status, RowEvent::Withdrawn)?;
        self.update_row(
            row.row,
            "UPDATE rows SET run_id = ?3, state = ?4, code = NULL, message = NULL, full_message = NULL
             WHERE id = ?1 AND state = ?2",
            params![row.row.0, row.status.state.name(), self.run.0, next.state.name()],
        )
    }

    /// Marks an input whose rows are changed as unfinished, until the file that changes them is read to its end: the input
    /// itself, or a rejects file. If it is not, the rows may be wrong.
    pub(super) fn mark_unfinished(&mut self, source: i64) -> Stored<()> {
        if self.progress.scan.changed_sources.insert(source) {
            let begin = "INSERT OR IGNORE INTO unfinished_scans (run_id, source_id) VALUES (?1, ?2)";
            self.connection.execute(begin, [self.run.0, source])?;
        }
        Ok(())
    }

    /// The rejection of a row whose key the row at `first` has. `own_source` need not be named.
    pub(super) fn duplicate_of(
        &self,
        (source, line): (i64, u64),
        own_source: Option<i64>,
    ) -> rusqlite::Result<Rejection> {
        if own_source == Some(source) {
            return Ok(Rejection::duplicate(line, None));
        }
        let path = "SELECT path FROM sources WHERE id = ?1";
        let path: String = self.connection.query_row(path, [source], |row| row.get(0))?;
        Ok(Rejection::duplicate(line, Some(&path)))
    }
}
