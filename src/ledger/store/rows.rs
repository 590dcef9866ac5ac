//! The life of a row while it is being sent.

use rusqlite::{Row, params};

use super::{Claimed, RowId, Session, now_ms};
use crate::digest::Digest;
use crate::ledger::columns::json_column;
use crate::ledger::{LedgerError, RowEvent, RowState, RowStatus, Sent, Settled, transition};
use crate::token::ClientToken;

/// A row that waits to be sent. Only the ledger makes one, and it cannot be copied.
#[derive(Debug)]
pub struct Claim {
    row: RowId,
    token: ClientToken,
    key: String,
    source: String,
    line: u64,
    header: i64,
    content: Digest,
    may_exist: bool,
    doubt_ms: Option<i64>,
    cells: csv::StringRecord,
}

impl Claim {
    /// The row.
    pub fn row(&self) -> RowId {
        self.row
    }

    /// Its client token.
    pub fn token(&self) -> ClientToken {
        self.token
    }

    /// Its key, as people see it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The input's path, or `-`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The line on which it starts.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The header that its cells stand under.
    pub fn header(&self) -> i64 {
        self.header
    }

    /// The digest of its cells when it was read.
    pub fn content(&self) -> Digest {
        self.content
    }

    /// When the first attempt was made that may have created its contact, in milliseconds since 1970. None too
    /// for a row that somebody vouches for, until it is sent.
    pub fn in_doubt_since_ms(&self) -> Option<i64> {
        self.doubt_ms.filter(|_| self.may_exist)
    }

    /// The original cells.
    pub fn cells(&self) -> &csv::StringRecord {
        &self.cells
    }
}

/// A contact that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// The contact's id.
    pub id: String,
    /// The contact's ARN, where the operation gives one.
    pub arn: Option<String>,
}

/// Why an attempt did not succeed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// The service's error code, or a word of this tool's own.
    pub code: String,
    /// For people; never a name, description or attribute value.
    pub message: String,
}

/// Result of an attempt, as [`Ledger::settle`](crate::ledger::Ledger::settle) records it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// Connect answered with a contact.
    Created(Contact),
    /// No contact was created, and the row waits for another attempt. Without a cause the attempt says nothing about the
    /// row (throttled, denied, never sent), and the row keeps its last error.
    Retry(Option<Cause>),
    /// A contact may exist.
    InDoubt {
        /// Why that is not known.
        cause: Cause,
        /// Whether the row waits for another attempt with the same token. Otherwise it becomes unknown.
        may_resend: bool,
    },
    /// Connect refused the row as it is.
    Refused(Cause),
    /// No contact was created, and no attempt of this run is left.
    Exhausted(Cause),
}

impl Settlement {
    fn event(&self) -> RowEvent {
        match self {
            Settlement::Created(_) => RowEvent::Created,
            Settlement::Retry(_) => RowEvent::Retry,
            Settlement::InDoubt { may_resend: true, .. } => RowEvent::RetryInDoubt,
            Settlement::InDoubt { may_resend: false, .. } => RowEvent::LeftInDoubt,
            Settlement::Refused(_) => RowEvent::Refused,
            Settlement::Exhausted(_) => RowEvent::Exhausted,
        }
    }
}

/// Why a pending row is not sent, as [`Ledger::set_aside`](crate::ledger::Ledger::set_aside) records it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetAside {
    /// An earlier attempt is unanswered, and its token is too old to be sent again. The row becomes unknown.
    TokenTooOld(Cause),
    /// The mapping or a limit of the service refuses the row. It becomes rejected, or unknown if it is in doubt.
    Unmappable(Cause),
}

impl SetAside {
    /// The error that the row is given.
    pub fn cause(&self) -> &Cause {
        match self {
            SetAside::TokenTooOld(cause) | SetAside::Unmappable(cause) => cause,
        }
    }

    fn event(&self) -> RowEvent {
        match self {
            SetAside::TokenTooOld(_) => RowEvent::Expired,
            SetAside::Unmappable(_) => RowEvent::Unmappable,
        }
    }
}

/// Bytes of cells that are claimed at a time, about: cells may have megabytes.
const CLAIMED_BYTES: usize = 8 << 20;

impl Session {
    /// Waiting rows of this run after the last ones claimed; those in doubt first, while their
    /// tokens are young.
    pub(in crate::ledger) fn claim(&mut self, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        let mut claims = Vec::new();
        if let Claimed::InDoubt(after) = self.claimed {
            claims = self.claim_by("rows_in_doubt", "may_exist = 1", after, limit)?;
            self.claimed = match claims.last() {
                Some(last) => Claimed::InDoubt(last.row.0),
                None => Claimed::Fresh(0),
            };
        }
        if let Claimed::Fresh(after) = self.claimed {
            claims =
                self.claim_by("rows_not_created", "record IS NOT NULL AND may_exist = 0", after, limit)?;
            if let Some(last) = claims.last() {
                self.claimed = Claimed::Fresh(last.row.0);
            }
        }
        Ok(claims)
    }

    fn claim_by(
        &self,
        index: &str,
        condition: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Claim>, LedgerError> {
        let sql = format!(
            "SELECT rows.id, token, key, path, line, header_id, may_exist,
                    CASE WHEN doubt_ms <= last_sent_ms THEN doubt_ms END, record, content
             FROM rows INDEXED BY {index} JOIN sources ON sources.id = source_id
             WHERE run_id = ?1 AND state = 'pending' AND rows.id > ?2 AND {condition}
             ORDER BY rows.id LIMIT ?3"
        );
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![self.run.0, after, limit as i64])?;
            let (mut claims, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let claim = claim(row)?;
                bytes += claim.cells.as_slice().len();
                claims.push(claim);
                if bytes > CLAIMED_BYTES {
                    break;
                }
            }
            Ok(claims)
        };
        read().map_err(|source| self.failed(source))
    }

    /// Makes the intent durable.
    pub(in crate::ledger) fn begin(&mut self, mut claim: Claim, sent: Sent) -> Result<Claim, LedgerError> {
        let standing = RowStatus { state: RowState::Pending, may_exist: claim.may_exist };
        let next = transition(standing, RowEvent::Begun)?;
        let now = now_ms();
        self.note_first_request(now)?;
        // Found by the token's index, which has a copy: a token that has lost a bit is in one of them alone, and
        // another token would make another contact.
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows INDEXED BY rows_by_token
                     SET state = ?2, attempts = attempts + 1, last_sent_ms = ?3,
                            first_sent_ms = coalesce(first_sent_ms, ?3),
                            doubt_ms = CASE WHEN may_exist = 1 AND doubt_ms <= last_sent_ms THEN doubt_ms ELSE ?3 END,
                            sent = CASE may_exist WHEN 1 THEN coalesce(sent, ?6) ELSE ?6 END
                     WHERE token = ?4 AND id = ?1 AND state = 'pending' AND may_exist = ?5",
                )?
                .execute(params![
                    claim.row.0,
                    next.state.name(),
                    now,
                    claim.token.0.0,
                    claim.may_exist,
                    sent.0
                ])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, claim.row)?;
        self.tallies.moved(self.run, (standing.state, None), (next.state, None));
        if !claim.may_exist || claim.doubt_ms.is_none() {
            claim.doubt_ms = Some(now);
        }
        Ok(claim)
    }

    fn note_first_request(&mut self, now: i64) -> Result<(), LedgerError> {
        if !self.sending {
            self.connection
                .execute("UPDATE runs SET sending_ms = ?2 WHERE id = ?1", params![self.run.0, now])
                .map_err(|source| self.failed(source))?;
            self.sending = true;
        }
        Ok(())
    }

    /// Records what came of an attempt.
    pub(in crate::ledger) fn settle(
        &mut self,
        claim: Claim,
        settlement: &Settlement,
        sent: Sent,
    ) -> Result<Settled, LedgerError> {
        let from = RowStatus { state: RowState::InFlight, may_exist: claim.may_exist };
        let next = transition(from, settlement.event())?;
        match settlement {
            Settlement::Created(contact) => {
                self.write_created(claim.row, from.state, next, contact, Some(sent))?;
                self.tallies.moved(self.run, (from.state, None), (next.state, None));
            }
            Settlement::Retry(cause) => self.write_status(&claim, from, next, cause.as_ref())?,
            Settlement::InDoubt { cause, .. } | Settlement::Refused(cause) | Settlement::Exhausted(cause) => {
                self.write_status(&claim, from, next, Some(cause))?;
            }
        }
        Ok(settled(claim, next))
    }

    /// Records that a waiting row is not sent.
    pub(in crate::ledger) fn set_aside(
        &mut self,
        claim: Claim,
        reason: &SetAside,
    ) -> Result<Settled, LedgerError> {
        let from = RowStatus { state: RowState::Pending, may_exist: claim.may_exist };
        let next = transition(from, reason.event())?;
        self.write_status(&claim, from, next, Some(reason.cause()))?;
        Ok(settled(claim, next))
    }

    /// Writes a contact down with what made it, if that is known better than before, and wipes what the row
    /// said.
    pub(super) fn write_created(
        &self,
        row: RowId,
        from: RowState,
        next: RowStatus,
        contact: &Contact,
        sent: Option<Sent>,
    ) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET state = ?5, may_exist = ?6, contact_id = ?2, contact_arn = ?3,
                            code = NULL, message = NULL, record = NULL, sent = coalesce(?7, sent)
                     WHERE id = ?1 AND state = ?4",
                )?
                .execute(params![
                    row.0,
                    contact.id,
                    contact.arn,
                    from.name(),
                    next.state.name(),
                    next.may_exist,
                    sent.map(|sent| sent.0)
                ])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, row)
    }

    fn write_status(
        &mut self,
        claim: &Claim,
        from: RowStatus,
        next: RowStatus,
        cause: Option<&Cause>,
    ) -> Result<(), LedgerError> {
        let (code, message) = cause.map(|cause| (&cause.code, &cause.message)).unzip();
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET state = ?3, may_exist = ?4,
                            code = coalesce(?5, code), message = coalesce(?6, message)
                     WHERE id = ?1 AND state = ?2",
                )?
                .execute(params![
                    claim.row.0,
                    from.state.name(),
                    next.state.name(),
                    next.may_exist,
                    code,
                    message
                ])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, claim.row)?;
        self.tallies.moved(self.run, (from.state, None), (next.state, code.map(String::as_str)));
        Ok(())
    }

    /// A guarded update that met no row was met by another writer.
    pub(super) fn expect_one(&self, changed: usize, row: RowId) -> Result<(), LedgerError> {
        if changed == 1 { Ok(()) } else { Err(LedgerError::Disturbed { row }) }
    }

    /// The headers that rows of this run stand under.
    pub(in crate::ledger) fn waiting_headers(&self) -> Result<Vec<(i64, Vec<String>)>, LedgerError> {
        let read = |id: &i64| {
            let columns = "SELECT columns FROM headers WHERE id = ?1";
            self.connection.query_row(columns, [id], |row| Ok((*id, json_column(row, 0)?)))
        };
        self.headers.iter().map(read).collect::<Result<_, _>>().map_err(|source| self.failed(source))
    }
}

fn settled(mut claim: Claim, status: RowStatus) -> Settled {
    claim.may_exist = status.may_exist;
    Settled { status, claim }
}

fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        row: RowId(row.get(0)?),
        token: ClientToken(Digest(row.get(1)?)),
        key: row.get(2)?,
        source: row.get(3)?,
        line: row.get(4)?,
        header: row.get(5)?,
        may_exist: row.get(6)?,
        doubt_ms: row.get(7)?,
        cells: csv::StringRecord::from(json_column(row, 8)?),
        content: Digest(row.get(9)?),
    })
}
