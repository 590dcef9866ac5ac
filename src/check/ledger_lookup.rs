//! The ledger as a check reads it: what a run would do with each row that it knows.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::findings::RowClass;
use crate::digest::Digest;
use crate::intake::KeyReview;
use crate::ledger::{LedgerError, LedgerReader, Retry, RowState, is_amended};
use crate::mapping::Rejection;
use crate::source::{Input, RowKey};
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
    pub fn new(
        reader: LedgerReader,
        scheme: TokenScheme,
        mapping: Digest,
        inputs: &[Input],
        window: Option<Duration>,
        retry: Vec<Retry>,
        accept: Vec<String>,
    ) -> Self {
        let files = inputs.iter().filter(|input| **input != Input::Stdin);
        let window = window.map(|window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let now = jiff::Timestamp::now().as_millisecond();
        #[expect(clippy::reversed_empty_ranges, reason = "without a window no token may be used again")]
        let resendable_ms =
            window.map_or(1..=0, |window| now.saturating_sub(window)..=now.saturating_add(window));
        let sources = files.map(Input::identity).collect();
        LedgerLookup { reader, scheme, mapping, sources, resendable_ms, retry, accept }
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
        let Some(row) = self.reader.row(token)? else {
            return Ok(LookedUpRow::default());
        };
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
        Ok(LookedUpRow {
            class,
            is_in_doubt,
            is_sent_unchanged: is_in_doubt && !is_same,
            waits_from_other_input: is_waiting
                && (is_in_doubt || !row.stranded)
                && !self.sources.contains(&row.source),
        })
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
