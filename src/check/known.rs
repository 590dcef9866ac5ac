//! What the ledger says of the rows that a check meets.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Class;
use crate::digest::Digest;
use crate::ledger::{LedgerError, LedgerReader, Retry, RowState, is_amended};
use crate::mapping::Rejection;
use crate::source::{Input, RowKey};
use crate::token::TokenScheme;

/// What the ledger says of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    /// What a run would do with it, if the ledger alone decides that.
    pub(super) settled: Option<Class>,
    /// An attempt went unanswered.
    pub(super) in_doubt: bool,
    /// It has changed since that attempt, and would be sent as it was.
    pub(super) as_it_was: bool,
    /// It waits, and the ledger has it from an input that is not read now.
    pub(super) elsewhere: bool,
}

/// A ledger as a check reads it.
#[derive(Debug)]
pub struct Known {
    reader: LedgerReader,
    scheme: TokenScheme,
    /// The mapping's fingerprint.
    mapping: Digest,
    /// What the ledger knows the inputs by.
    sources: Vec<String>,
    /// Rows in doubt since a moment that is not among these are unknown, in milliseconds since 1970.
    young_ms: RangeInclusive<i64>,
    /// What is sent again because somebody said so.
    retry: Vec<Retry>,
}

impl Known {
    /// The rows that `reader` reads, as a run of this mapping over these inputs would take them; `window` is
    /// how long a token may be used again, none if it may not be at all.
    pub fn new(
        reader: LedgerReader,
        scheme: TokenScheme,
        mapping: Digest,
        inputs: &[Input],
        window: Option<Duration>,
        retry: Vec<Retry>,
    ) -> Self {
        let files = inputs.iter().filter(|input| **input != Input::Stdin);
        let window = window.map(|window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let now = jiff::Timestamp::now().as_millisecond();
        #[expect(clippy::reversed_empty_ranges, reason = "without a window no row is young")]
        let young_ms = window.map_or(1..=0, |window| now.saturating_sub(window)..=now.saturating_add(window));
        Known { reader, scheme, mapping, sources: files.map(Input::identity).collect(), young_ms, retry }
    }

    /// What the ledger says of the `occurrence`th row of this key.
    pub(super) fn meet(
        &self,
        key: &RowKey,
        occurrence: u32,
        content: impl FnOnce() -> Digest,
    ) -> Result<Met, LedgerError> {
        let Some(row) = self.reader.row(self.scheme.token(key, occurrence))? else {
            return Ok(Met::default());
        };
        // A digest costs, and says nothing of rows that just wait.
        let compares = matches!(row.state, RowState::Created | RowState::Rejected) || row.doubt_ms.is_some();
        let is_same = !compares || row.content == content();
        let settled = match row.state {
            RowState::Created => Some(if is_same { Class::Created } else { Class::CreatedChanged }),
            RowState::Unknown => (!self.retries(Retry::Unknown)).then_some(Class::Unknown),
            // Its token is too old to be used again.
            RowState::Pending | RowState::InFlight
                if row.doubt_ms.is_some_and(|since| !self.young_ms.contains(&since)) =>
            {
                Some(Class::Unknown)
            }
            RowState::Rejected => {
                let amended = is_amended(row.code.as_deref(), is_same, row.mapping == self.mapping);
                (!amended && !self.retries(Retry::Rejected)).then_some(Class::Refused)
            }
            RowState::Pending | RowState::InFlight | RowState::Failed => None,
        };
        let waits = match row.state {
            RowState::Pending | RowState::InFlight | RowState::Failed => true,
            RowState::Rejected => {
                self.retries(Retry::Rejected)
                    && !Rejection::CODES.contains(&row.code.as_deref().unwrap_or_default())
            }
            RowState::Unknown => self.retries(Retry::Unknown),
            RowState::Created => false,
        };
        let waits = waits && (row.doubt_ms.is_some() || !row.stranded);
        Ok(Met {
            settled,
            in_doubt: row.doubt_ms.is_some(),
            as_it_was: row.doubt_ms.is_some() && !is_same,
            elsewhere: waits && !self.sources.contains(&row.source),
        })
    }

    /// The rate that a run found last, requests a second.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn rate_found(&self) -> Result<Option<f64>, LedgerError> {
        self.reader.rate_found()
    }

    /// Rows of other inputs that a run would send too.
    pub(super) fn waiting_elsewhere(&self) -> Result<u64, LedgerError> {
        self.reader.waiting_elsewhere(&self.sources, &self.retry)
    }

    fn retries(&self, what: Retry) -> bool {
        self.retry.contains(&what)
    }
}
