//! One attempt of a row: claim, begin, settle. Sending needs an [`InFlight`], which only [`Ledger::begin`] makes, and only
//! after its intent is committed.

use rusqlite::{Row, params};

use super::error::{LedgerError, Stored};
use super::handle::Ledger;
use super::row::{Cause, Contact, RequestDigest, RowId};
use super::schema::json_column;
use super::schema::now_ms;
use super::shared_contacts::contact_hash;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;
use crate::digest::Digest;
use crate::request::ContactRequest;
use crate::token::ClientToken;

/// A pending row that this run may send. Only the ledger makes one, and it cannot be copied.
#[derive(Debug)]
pub struct Claim {
    /// Number in the ledger.
    pub row: RowId,
    /// Client token.
    pub token: ClientToken,
    /// Key, as shown to people.
    pub key: String,
    /// Path of the input, or `-`.
    pub source: String,
    /// Line on which the row starts.
    pub line: u64,
    /// Id of the header in the ledger.
    pub header: i64,
    /// Digest of the cells when they were read.
    pub content: Digest,
    /// Original cells.
    pub cells: csv::StringRecord,
    may_exist: bool,
    doubt_ms: Option<i64>,
}

impl Claim {
    /// Time of the first attempt that may have created the contact, milliseconds since 1970. `None` if there is none,
    /// and for a row that the operator sends again, until it is sent.
    pub fn in_doubt_since_ms(&self) -> Option<i64> {
        self.doubt_ms.filter(|_| self.may_exist)
    }
}

/// A row whose intent to be sent is committed. It cannot be copied, and settling consumes it: a request without an
/// intent, or two results of one request, do not compile.
#[derive(Debug)]
pub struct InFlight {
    claim: Claim,
    request: ContactRequest<'static>,
    digest: RequestDigest,
}

impl InFlight {
    /// The row.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Client token to send.
    pub fn token(&self) -> ClientToken {
        self.claim.token
    }

    /// Request to send.
    pub fn request(&self) -> &ContactRequest<'static> {
        &self.request
    }
}

/// Result of an attempt, as [`Ledger::settle`] records it.
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

/// Why a pending row is not sent, as [`Ledger::set_aside`] records it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetAside {
    /// An earlier attempt is unanswered, and its token is too old to be sent again. The row becomes unknown.
    TokenTooOld,
    /// The mapping or a limit of the service refuses the row. It becomes rejected, or unknown if it is in doubt.
    Unmappable,
}

/// A row after [`Ledger::settle`] or [`Ledger::set_aside`].
#[derive(Debug)]
pub struct Settled {
    /// State and flags.
    pub status: RowStatus,
    /// The row, to be sent again if it is pending.
    pub claim: Claim,
}

/// Bytes of cells in one claim, about: a cell may have megabytes.
const CLAIMED_BYTES: usize = 8 << 20;

impl Ledger {
    /// Up to `limit` pending rows that no earlier call returned, those in doubt first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn claim(&self, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        self.call(move |session| session.claim(limit)).await
    }

    /// Commits the intent to send a row.
    ///
    /// # Errors
    /// The ledger cannot be written, or another process changed the row.
    pub async fn begin(
        &self,
        claim: Claim,
        request: ContactRequest<'static>,
    ) -> Result<InFlight, LedgerError> {
        let digest = RequestDigest::of_request(claim.token, &request);
        let claim = self.call(move |session| session.begin(claim, digest)).await?;
        Ok(InFlight { claim, request, digest })
    }

    /// Commits the result of an attempt.
    ///
    /// # Errors
    /// The ledger cannot be written, or another process changed the row.
    pub async fn settle(&self, in_flight: InFlight, settlement: Settlement) -> Result<Settled, LedgerError> {
        let InFlight { claim, digest, request: _ } = in_flight;
        self.call(move |session| session.settle(claim, &settlement, digest)).await
    }

    /// Commits that a pending row is not sent, and `cause` as its error.
    ///
    /// # Errors
    /// The ledger cannot be written, or another process changed the row.
    pub async fn set_aside(
        &self,
        claim: Claim,
        reason: SetAside,
        cause: Cause,
    ) -> Result<Settled, LedgerError> {
        self.call(move |session| {
            let from = RowStatus { state: RowState::Pending, may_exist: claim.may_exist };
            let event = match reason {
                SetAside::TokenTooOld => RowEvent::Expired,
                SetAside::Unmappable => RowEvent::Unmappable,
            };
            let next = session.unless_accepted(transition(from, event)?, &cause.code)?;
            session.write_status(&claim, from, next, Some(&cause))?;
            Ok(settled(claim, next))
        })
        .await
    }

    /// Headers of the rows of this run, by id.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn waiting_headers(&self) -> Result<Vec<(i64, Vec<String>)>, LedgerError> {
        self.call_blocking(|session| {
            let mut columns = session.connection.prepare("SELECT columns FROM headers WHERE id = ?1")?;
            let ids = session.progress.headers.iter();
            let read = ids.map(|id| columns.query_row([id], |row| Ok((*id, json_column(row, 0)?))));
            Ok(read.collect::<Result<_, _>>()?)
        })
    }
}

impl Session {
    fn claim(&mut self, limit: usize) -> Stored<Vec<Claim>> {
        let mut claims = Vec::new();
        if !self.progress.has_claimed_doubts {
            claims = self.claim_by("rows_in_doubt", "may_exist = 1", limit)?;
            if claims.is_empty() {
                self.progress.has_claimed_doubts = true;
                self.progress.last_claimed = RowId(0);
            }
        }
        if self.progress.has_claimed_doubts {
            claims = self.claim_by("rows_not_created", "record IS NOT NULL AND may_exist = 0", limit)?;
        }
        if let Some(last) = claims.last() {
            self.progress.last_claimed = last.row;
        }
        Ok(claims)
    }

    fn claim_by(&self, index: &str, condition: &str, limit: usize) -> Stored<Vec<Claim>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT rows.id, token, key, path, line, header_id, may_exist,
                    CASE operator_retry WHEN 0 THEN doubt_ms END, record, content
             FROM rows INDEXED BY {index} JOIN sources ON sources.id = source_id
             WHERE run_id = ?1 AND state = 'pending' AND rows.id > ?2 AND {condition}
             ORDER BY rows.id LIMIT ?3"
        ))?;
        let mut rows = statement.query(params![self.run.0, self.progress.last_claimed.0, limit])?;
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
    }

    fn begin(&mut self, mut claim: Claim, digest: RequestDigest) -> Stored<Claim> {
        let from = RowStatus { state: RowState::Pending, may_exist: claim.may_exist };
        let next = transition(from, RowEvent::Begun)?;
        let now = now_ms();
        if !self.progress.is_sending {
            let first = "UPDATE runs SET sending_ms = ?2 WHERE id = ?1";
            self.connection.execute(first, params![self.run.0, now])?;
            self.progress.is_sending = true;
        }
        // By the token's index, which has a copy of the token: a damaged token is in one of the two alone, and would
        // create another contact.
        self.update_row(
            claim.row,
            "UPDATE rows INDEXED BY rows_by_token
             SET state = ?2, attempts = attempts + 1, last_sent_ms = ?3,
                 first_sent_ms = coalesce(first_sent_ms, ?3), operator_retry = 0,
                 doubt_ms = CASE WHEN may_exist = 1 AND operator_retry = 0 THEN doubt_ms ELSE ?3 END,
                 request_digest = CASE may_exist WHEN 1 THEN coalesce(request_digest, ?6) ELSE ?6 END
             WHERE token = ?4 AND id = ?1 AND state = 'pending' AND may_exist = ?5",
            params![claim.row.0, next.state.name(), now, claim.token.0.0, claim.may_exist, digest.0],
        )?;
        self.counts.transition(self.run, (from.state, None), (next.state, None));
        if !claim.may_exist || claim.doubt_ms.is_none() {
            claim.doubt_ms = Some(now);
        }
        Ok(claim)
    }

    fn settle(&mut self, claim: Claim, settlement: &Settlement, digest: RequestDigest) -> Stored<Settled> {
        let from = RowStatus { state: RowState::InFlight, may_exist: claim.may_exist };
        let mut next = transition(from, settlement.event())?;
        if let Settlement::Refused(cause) = settlement {
            next = self.unless_accepted(next, &cause.code)?;
        }
        match settlement {
            Settlement::Created(contact) => {
                self.write_created(claim.row, from.state, contact, Some(digest))?;
                self.counts.transition(self.run, (from.state, None), (next.state, None));
            }
            Settlement::Retry(cause) => self.write_status(&claim, from, next, cause.as_ref())?,
            Settlement::InDoubt { cause, .. } | Settlement::Refused(cause) | Settlement::Exhausted(cause) => {
                self.write_status(&claim, from, next, Some(cause))?;
            }
        }
        Ok(settled(claim, next))
    }

    /// Writes a row's contact and deletes its cells and its error. Without a digest the row keeps the one it has.
    pub(super) fn write_created(
        &self,
        row: RowId,
        from: RowState,
        contact: &Contact,
        digest: Option<RequestDigest>,
    ) -> Stored<()> {
        self.update_row(
            row,
            "UPDATE rows SET state = 'created', may_exist = 0, contact_id = ?2, contact_arn = ?3, contact_hash = ?6,
                    code = NULL, message = NULL, full_message = NULL, record = NULL, request_digest = coalesce(?5, request_digest)
             WHERE id = ?1 AND state = ?4",
            params![
                row.0,
                contact.id,
                contact.arn,
                from.name(),
                digest.map(|digest| digest.0),
                contact_hash(&contact.id)
            ],
        )?;
        self.note_shared_contact(row, &contact.id)
    }

    fn write_status(
        &mut self,
        claim: &Claim,
        from: RowStatus,
        next: RowStatus,
        cause: Option<&Cause>,
    ) -> Stored<()> {
        let (code, message) = cause.map(|cause| (cause.code.as_str(), cause.message.as_str())).unzip();
        let full_message = cause.and_then(|cause| cause.message.full());
        self.update_row(
            claim.row,
            "UPDATE rows SET state = ?3, may_exist = ?4, operator_retry = 0,
                    code = coalesce(?5, code), message = coalesce(?6, message),
                    full_message = CASE WHEN ?6 IS NULL THEN full_message ELSE ?7 END
             WHERE id = ?1 AND state = ?2",
            params![
                claim.row.0,
                from.state.name(),
                next.state.name(),
                next.may_exist,
                code,
                message,
                full_message
            ],
        )?;
        self.counts.transition(self.run, (from.state, None), (next.state, code));
        Ok(())
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
