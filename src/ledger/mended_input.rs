//! Rows of inputs that were mended in a rejects file, and that the input still has as they were.

use rusqlite::params;

use super::error::Stored;
use super::existing::Existing;
use super::intake::{NoteKind, is_amended};
use super::mended_rows::MendedRow;
use super::row::RowId;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;
use crate::digest::Digest;
use crate::token::ClientToken;

impl Session {
    /// The row that a row of the current input is, if it was mended and the input still has it as it was.
    pub(super) fn mended_of(
        &self,
        token: ClientToken,
        content: Digest,
        is_of_other_shard: bool,
    ) -> Option<MendedRow> {
        let mended = &self.progress.mended;
        if mended.is_empty() {
            return None;
        }
        let is_new = |row: RowId| !self.progress.is_seen(row);
        if is_of_other_shard {
            return mended.of_content(content).find(|mended| is_new(mended.row));
        }
        mended.of(token.0, content).filter(|mended| is_new(mended.row) && !mended.is_stale)
    }

    /// The row that a row of the current input is, if it was mended and had another number among the rows of its key then:
    /// rows of the key have left the input or come into it since. `existing` has its number now; it keeps the row if it has
    /// its content or its contact.
    pub(super) fn mended_of_content(
        &self,
        content: Digest,
        existing: Option<&Existing>,
    ) -> Option<MendedRow> {
        let keeps_row = |existing: &Existing| {
            let RowStatus { state, may_exist } = existing.status;
            let is_current = existing.content == content && state != RowState::Withdrawn;
            is_current || state == RowState::Created || may_exist
        };
        if existing.is_some_and(keeps_row) {
            return None;
        }
        let is_free = |mended: &MendedRow| !self.progress.is_seen(mended.row) && !mended.is_stale;
        self.progress.mended.of_content(content).find(is_free)
    }

    /// Takes in a row of the current input, which has it as it was before it was mended.
    pub(super) fn take_in_mended(
        &mut self,
        mended: MendedRow,
        place: (i64, u64),
    ) -> Stored<Option<NoteKind>> {
        if let Some(left_to) = mended.left_to {
            self.progress.see(mended.row);
            *self.progress.scan.left_to(left_to) += 1;
            return Ok(None);
        }
        match self.existing_row(mended.row)? {
            Some(existing) => self.enter_mended(&existing, place),
            None => Ok(None),
        }
    }

    /// Forgets the form of a mended row that kept its key, when its input has the key with newer content.
    pub(super) fn forget_mend(&mut self, existing: Option<&Existing>) -> Stored<()> {
        let Some(existing) = existing else { return Ok(()) };
        let is_settled = existing.status.state == RowState::Created || existing.status.may_exist;
        if !is_settled {
            self.progress.mended.forget_token(&self.connection, existing.row, existing.token.0)?;
        }
        Ok(())
    }

    /// Enters a row of an input that has it as it was before it was mended: it keeps its content and its state.
    pub(super) fn enter_mended(
        &mut self,
        existing: &Existing,
        place: (i64, u64),
    ) -> Stored<Option<NoteKind>> {
        let is_new = self.progress.see(existing.row);
        self.progress.headers.insert(existing.header);
        let status = existing.status;
        let event = match status.state {
            RowState::Created => {
                self.progress.created += u64::from(is_new);
                if existing.place() != place {
                    self.move_created(existing.row, place)?;
                }
                return Ok(None);
            }
            RowState::Unknown if self.retries_unknown => Some(RowEvent::Retried),
            RowState::Unknown => {
                self.move_in_doubt(existing, place, None)?;
                return Ok(Some(NoteKind::Unknown));
            }
            RowState::Failed => Some(RowEvent::Retaken),
            RowState::Withdrawn => Some(RowEvent::Returned),
            // Its request is made of the mended cells when it is sent.
            RowState::Rejected | RowState::Accepted if !existing.has_same_mapping => Some(RowEvent::Amended),
            RowState::Rejected | RowState::Accepted
                if self.retries_rejected && !is_amended(existing.code.as_deref(), true, true) =>
            {
                Some(RowEvent::Retried)
            }
            RowState::Pending | RowState::InFlight | RowState::Rejected | RowState::Accepted => None,
        };
        if status.may_exist {
            self.move_in_doubt(existing, place, event)?;
            return Ok(None);
        }
        let next = event.map_or(Ok(status), |event| transition(status, event))?;
        self.update_row(
            existing.row,
            "UPDATE rows SET source_id = ?3, line = ?4, run_id = ?5, state = ?6,
                    code = CASE WHEN ?7 THEN NULL ELSE code END, message = CASE WHEN ?7 THEN NULL ELSE message END,
                    full_message = CASE WHEN ?7 THEN NULL ELSE full_message END
             WHERE id = ?1 AND state = ?2",
            params![
                existing.row.0,
                status.state.name(),
                place.0,
                place.1,
                self.run.0,
                next.state.name(),
                next.state == RowState::Pending,
            ],
        )?;
        Ok(None)
    }
}
