//! The ledger as a check reads it: what a run would do with each row that it knows.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::findings::RowClass;
use crate::digest::Digest;
use crate::intake::KeyReview;
use crate::ledger::{
    KnownRow, LedgerError, LedgerReader, LeftTo, Retry, RowId, RowState, is_amended, is_restored,
};
use crate::mapping::Rejection;
use crate::source::{Input, RowKey, RowOrigin};
use crate::token::{ClientToken, TokenScheme};

/// What the ledger knows about a row of the input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LookedUpRow {
    /// What a run would do with the row, if its content does not matter.
    pub(super) class: Option<RowClass>,
    /// An attempt went unanswered.
    pub(super) is_in_doubt: bool,
    /// It is in doubt, and its content has changed since. It would be sent as before.
    pub(super) is_sent_unchanged: bool,
    /// It waits, and the ledger has it from an input that is not read now.
    pub(super) waits_from_other_input: bool,
    /// Since it was mended in a rejects file, it belongs to another shard, or is not selected.
    pub(super) left_to: Option<LeftTo>,
    /// The row that it is, if it was mended in a rejects file, and the input has it as it was before.
    pub(super) mended: Option<RowId>,
}

/// What the ledger knows about a row of a rejects file.
#[derive(Clone, Debug, Default)]
pub(super) struct LookedUpReject {
    /// The row that it is.
    pub(super) row: LookedUpRow,
    /// Input and line of another row that has its key.
    pub(super) duplicate_of: Option<(String, u64)>,
}

impl LookedUpRow {
    /// Whether the row's contact is created.
    pub(super) fn is_created(&self) -> bool {
        matches!(self.class, Some(RowClass::Created | RowClass::CreatedChanged))
    }
}

/// A ledger that rows of the input are looked up in.
#[derive(Debug)]
pub struct LedgerLookup {
    reader: LedgerReader,
    /// Whether rows were mended in rejects files.
    has_mended_rows: bool,
    scheme: TokenScheme,
    /// Fingerprint of the mapping.
    mapping: Digest,
    /// Identities of the inputs in the ledger.
    sources: Vec<String>,
    /// Times in milliseconds since 1970. The token of a row that is in doubt since one of them may be used again.
    resendable_ms: RangeInclusive<i64>,
    /// States that the operator has sent again.
    retry: Vec<Retry>,
    /// Codes of rejections that the job accepts.
    accept: Vec<String>,
}

impl LedgerLookup {
    /// Looks rows up as a run of this mapping over these inputs would take them. `window` is how long a client token
    /// may be used again; none if rows in doubt are not sent again. `accept` has the codes of rejections that the job accepts.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn new(
        reader: LedgerReader,
        scheme: TokenScheme,
        mapping: Digest,
        inputs: &[Input],
        window: Option<Duration>,
        retry: Vec<Retry>,
        accept: Vec<String>,
    ) -> Result<Self, LedgerError> {
        let files = inputs.iter().filter(|input| **input != Input::Stdin);
        let window = window.map(|window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let now = jiff::Timestamp::now().as_millisecond();
        #[expect(clippy::reversed_empty_ranges, reason = "without a window no token may be used again")]
        let resendable_ms =
            window.map_or(1..=0, |window| now.saturating_sub(window)..=now.saturating_add(window));
        let sources = files.map(Input::identity).collect();
        let has_mended_rows = reader.has_mended_rows()?;
        Ok(LedgerLookup { reader, has_mended_rows, scheme, mapping, sources, resendable_ms, retry, accept })
    }

    /// Token of the row of this key; of identical rows without key columns, of the one of this number.
    pub(super) fn token(&self, key: &RowKey, number: u32) -> ClientToken {
        self.scheme.token(key, number)
    }

    /// Compares the keys of the ledger with those of the input.
    pub(super) fn review_keys(&self, keys: &mut KeyReview) -> Result<(), LedgerError> {
        self.reader.visit_keys(&self.sources, &mut |known| keys.known_key(known))
    }

    /// Looks up the row of this token. `content` is computed only where it matters.
    pub(super) fn row(
        &self,
        token: ClientToken,
        content: impl FnOnce() -> Digest,
    ) -> Result<LookedUpRow, LedgerError> {
        if !self.has_mended_rows {
            let row = self.reader.row(token)?;
            return Ok(row.map_or_else(LookedUpRow::default, |row| self.looked_up(&row, content)));
        }
        let content = content();
        if let Some(mended) = self.mended_row(token, || content)? {
            return Ok(mended);
        }
        let row = self.reader.row(token)?;
        Ok(row.map_or_else(LookedUpRow::default, |row| self.looked_up(&row, || content)))
    }

    /// The row that was mended in a rejects file, if the input still has it with this token and content.
    pub(super) fn mended_row(
        &self,
        token: ClientToken,
        content: impl FnOnce() -> Digest,
    ) -> Result<Option<LookedUpRow>, LedgerError> {
        if !self.has_mended_rows {
            return Ok(None);
        }
        let content = content();
        let row = self.reader.mended_row(RowOrigin { token: token.0, content })?;
        // One that another job passed over is judged as its input has it.
        let row = row.filter(|row| row.left_to != Some(LeftTo::PassedOver) || row.mapping == self.mapping);
        Ok(row.map(|row| self.looked_up_mended(&row)))
    }

    /// Looks up a row of a rejects file by what it was when it was first read, and by its code there. `rekeyed` has the rows that rows before
    /// it give another key.
    pub(super) fn reject(
        &self,
        (origin, code_in_file): (RowOrigin, &str),
        key: &RowKey,
        content: Digest,
        rekeyed: &mut HashSet<RowId>,
    ) -> Result<LookedUpReject, LedgerError> {
        let found = |row| LookedUpReject { row, duplicate_of: None };
        let token = self.token(key, 1);
        let known = self.reader.row_of_origin(origin)?;
        let is_first_form = content == origin.content;
        if let Some(row) = &known {
            let is_restored =
                content != row.content && is_restored(row.state, row.code.as_deref(), code_in_file);
            if row.is_mended
                && is_first_form
                && !is_restored
                && (row.state != RowState::Withdrawn || row.left_to.is_some())
            {
                return Ok(found(self.looked_up_mended(row)));
            }
            if row.state == RowState::Created || row.doubt_ms.is_some() {
                let content = if is_first_form { row.content } else { content };
                return Ok(found(self.looked_up(row, || content)));
            }
        }
        let own = known.as_ref().map(|row| row.row);
        let holder = self.reader.row(token)?.filter(|holder| {
            Some(holder.row) != own && holder.state != RowState::Withdrawn && !rekeyed.contains(&holder.row)
        });
        let is_gone =
            known.as_ref().is_none_or(|row| row.state == RowState::Withdrawn && row.left_to.is_none());
        match (holder, key) {
            (Some(holder), _) if is_gone => return Ok(found(self.looked_up(&holder, || content))),
            (Some(holder), RowKey::Columns(_)) => {
                return Ok(LookedUpReject {
                    row: LookedUpRow::default(),
                    duplicate_of: Some((holder.source, holder.line)),
                });
            }
            _ => {}
        }
        let Some(row) = known else { return Ok(LookedUpReject::default()) };
        if matches!(key, RowKey::Columns(_)) && row.token != token {
            rekeyed.insert(row.row);
        }
        Ok(found(self.looked_up(&row, || content)))
    }

    fn looked_up_mended(&self, row: &KnownRow) -> LookedUpRow {
        let looked_up = self.looked_up(row, || row.content);
        let is_settled = matches!(row.state, RowState::Rejected | RowState::Accepted)
            && row.mapping == self.mapping
            && !self.has_retry(Retry::Rejected);
        let is_accepted = row.code.as_ref().is_some_and(|code| self.accept.contains(code));
        let class = match (is_settled, is_accepted) {
            (true, true) => RowClass::Accepted,
            (true, false) => RowClass::Refused,
            (false, _) => RowClass::Ready,
        };
        LookedUpRow {
            class: looked_up.class.or(Some(class)),
            left_to: row.left_to,
            mended: Some(row.row),
            ..looked_up
        }
    }

    fn looked_up(&self, row: &KnownRow, content: impl FnOnce() -> Digest) -> LookedUpRow {
        let is_in_doubt = row.doubt_ms.is_some();
        // Computing the content's digest is slow, and rows that were never sent need none.
        let compares =
            matches!(row.state, RowState::Created | RowState::Rejected | RowState::Accepted) || is_in_doubt;
        let is_same = !compares || row.content == content();
        let class = match row.state {
            RowState::Created if is_same => Some(RowClass::Created),
            RowState::Created => Some(RowClass::CreatedChanged),
            RowState::Unknown => (!self.has_retry(Retry::Unknown)).then_some(RowClass::Unknown),
            RowState::Pending | RowState::InFlight => {
                let is_too_old = row.doubt_ms.is_some_and(|since| !self.resendable_ms.contains(&since));
                (is_too_old && !self.has_retry(Retry::Unknown)).then_some(RowClass::Unknown)
            }
            RowState::Rejected | RowState::Accepted => {
                let is_amended = is_amended(row.code.as_deref(), is_same, row.mapping == self.mapping);
                let is_accepted = row.code.as_ref().is_some_and(|code| self.accept.contains(code));
                match (is_amended, is_accepted) {
                    (true, _) => None,
                    (false, true) => Some(RowClass::Accepted),
                    (false, false) => (!self.has_retry(Retry::Rejected)).then_some(RowClass::Refused),
                }
            }
            RowState::Failed | RowState::Withdrawn => None,
        };
        let is_waiting = match row.state {
            RowState::Pending | RowState::InFlight | RowState::Failed => true,
            RowState::Rejected | RowState::Accepted => {
                let code = row.code.as_deref().unwrap_or_default();
                self.has_retry(Retry::Rejected)
                    && !Rejection::CODES.contains(&code)
                    && !self.accept.iter().any(|accepted| accepted == code)
            }
            RowState::Unknown => self.has_retry(Retry::Unknown),
            RowState::Created | RowState::Withdrawn => false,
        };
        LookedUpRow {
            class,
            is_in_doubt,
            is_sent_unchanged: is_in_doubt && !is_same,
            waits_from_other_input: is_waiting
                && (is_in_doubt || !row.stranded)
                && !self.sources.contains(&row.source),
            left_to: None,
            mended: None,
        }
    }

    /// Rate that a run found last, requests per second.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rate_found(&self) -> Result<Option<f64>, LedgerError> {
        self.reader.rate_found()
    }

    /// Waiting rows of other inputs, which a run would send as well.
    pub(super) fn waiting_from_other_inputs(&self) -> Result<u64, LedgerError> {
        self.reader.waiting_elsewhere(&self.sources, &self.retry)
    }

    fn has_retry(&self, retry: Retry) -> bool {
        self.retry.contains(&retry)
    }
}
