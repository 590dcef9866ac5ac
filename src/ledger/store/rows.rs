//! The life of a row while it is being sent.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Claimed, RowId, Session, now_ms};
use crate::ledger::{LedgerError, RowEvent, RowState, Settled, Standing, transition};
use crate::token::{ClientToken, Digest};

/// A row that waits to be sent.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The row.
    pub row: RowId,
    /// Its client token.
    pub token: ClientToken,
    /// Its key, as people see it.
    pub key: String,
    /// The input's path, or `-`.
    pub source: String,
    /// The line on which it starts.
    pub line: u64,
    /// The header that its cells stand under.
    pub header: i64,
    /// Whether an earlier attempt went unanswered.
    pub may_exist: bool,
    /// When the first attempt was made, in milliseconds since 1970.
    pub first_sent_ms: Option<i64>,
    /// The original cells.
    pub cells: csv::StringRecord,
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

/// What came of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// The contact exists.
    Created(Contact),
    /// It does not, or nobody knows: the event says which.
    NotCreated(RowEvent, Cause),
    /// The attempt says nothing about the row, such as one that was denied or throttled: the row
    /// waits as before, and no error is noted on it.
    Unmarked,
}

impl Session {
    /// Waiting rows of this run after the last ones claimed; those in doubt first, while their
    /// tokens are young.
    pub(in crate::ledger) fn claim(&mut self, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        const COLUMNS: &str = "rows.id, token, key, path, line, header_id, may_exist, first_sent_ms, record
             FROM rows JOIN sources ON sources.id = source_id";
        let mut claims = Vec::new();
        if let Claimed::InDoubt(after) = self.claimed {
            let sql = format!(
                "SELECT {COLUMNS} WHERE may_exist = 1 AND state = 'pending' AND run_id = ?1 AND rows.id > ?2
                 ORDER BY rows.id LIMIT ?3"
            );
            claims = self.claim_by(&sql, after, limit)?;
            self.claimed = match claims.last() {
                Some(last) => Claimed::InDoubt(last.row.0),
                None => Claimed::Fresh(0),
            };
        }
        if let Claimed::Fresh(after) = self.claimed {
            let sql = format!(
                "SELECT {COLUMNS} WHERE run_id = ?1 AND state = 'pending' AND rows.id > ?2 AND may_exist = 0
                 ORDER BY rows.id LIMIT ?3"
            );
            claims = self.claim_by(&sql, after, limit)?;
            if let Some(last) = claims.last() {
                self.claimed = Claimed::Fresh(last.row.0);
            }
        }
        Ok(claims)
    }

    fn claim_by(&self, sql: &str, after: i64, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![self.run.0, after, limit as i64], claim)?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Makes the intent durable.
    pub(in crate::ledger) fn begin(&mut self, mut claim: Claim) -> Result<Claim, LedgerError> {
        let standing = Standing {
            state: RowState::Pending,
            may_exist: claim.may_exist,
        };
        let next = transition(standing, RowEvent::Begun)?;
        let now = now_ms();
        self.note_first_request(now)?;
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET state = ?2, attempts = attempts + 1, last_sent_ms = ?3,
                            first_sent_ms = coalesce(first_sent_ms, ?3)
                     WHERE id = ?1 AND state = 'pending'",
                )?
                .execute(params![claim.row.0, next.state.name(), now])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, claim.row)?;
        claim.first_sent_ms.get_or_insert(now);
        Ok(claim)
    }

    fn note_first_request(&mut self, now: i64) -> Result<(), LedgerError> {
        if !self.sending {
            self.connection
                .execute(
                    "UPDATE runs SET sending_ms = ?2 WHERE id = ?1",
                    params![self.run.0, now],
                )
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
    ) -> Result<Settled, LedgerError> {
        let from = Standing {
            state: RowState::InFlight,
            may_exist: claim.may_exist,
        };
        match settlement {
            Settlement::Created(contact) => {
                let next = transition(from, RowEvent::Created)?;
                self.write_created(&claim, contact)?;
                Ok(settled(claim, next))
            }
            Settlement::NotCreated(event, cause) => {
                let next = transition(from, *event)?;
                self.write_standing(&claim, from, next, Some(cause))?;
                Ok(settled(claim, next))
            }
            Settlement::Unmarked => {
                let next = transition(from, RowEvent::Retry)?;
                self.write_standing(&claim, from, next, None)?;
                Ok(settled(claim, next))
            }
        }
    }

    /// Records that a waiting row is not sent.
    pub(in crate::ledger) fn set_aside(
        &mut self,
        claim: Claim,
        event: RowEvent,
        cause: &Cause,
    ) -> Result<Settled, LedgerError> {
        let from = Standing {
            state: RowState::Pending,
            may_exist: claim.may_exist,
        };
        let next = transition(from, event)?;
        self.write_standing(&claim, from, next, Some(cause))?;
        Ok(settled(claim, next))
    }

    fn write_created(&self, claim: &Claim, contact: &Contact) -> Result<(), LedgerError> {
        let write = || {
            self.connection
                .prepare_cached(
                    "UPDATE rows SET state = 'created', may_exist = 0, contact_id = ?2, contact_arn = ?3,
                            code = NULL, message = NULL, record = NULL
                     WHERE id = ?1 AND state = 'in_flight'",
                )?
                .execute(params![claim.row.0, contact.id, contact.arn])
        };
        let changed = write().map_err(|source| self.failed(source))?;
        self.expect_one(changed, claim.row)
    }

    fn write_standing(
        &self,
        claim: &Claim,
        from: Standing,
        next: Standing,
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
        self.expect_one(changed, claim.row)
    }

    /// A guarded update that met no row was met by another writer.
    pub(super) fn expect_one(&self, changed: usize, row: RowId) -> Result<(), LedgerError> {
        if changed == 1 {
            Ok(())
        } else {
            Err(LedgerError::Disturbed { row })
        }
    }

    /// The headers of rows that wait in this run.
    pub(in crate::ledger) fn waiting_headers(&self) -> Result<Vec<(i64, Vec<String>)>, LedgerError> {
        let waiting = "SELECT 1 FROM rows WHERE run_id = ?1 AND state = 'pending' AND header_id = ?2 LIMIT 1";
        let read = || {
            let mut headers = Vec::new();
            let mut statement = self.connection.prepare("SELECT id, columns FROM headers")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let waits = self
                    .connection
                    .query_row(waiting, params![self.run.0, id], |_| Ok(()))
                    .optional()?;
                if waits.is_some() {
                    headers.push((id, json_column(row, 1)?));
                }
            }
            Ok(headers)
        };
        read().map_err(|source| self.failed(source))
    }
}

fn settled(mut claim: Claim, standing: Standing) -> Settled {
    claim.may_exist = standing.may_exist;
    Settled { standing, claim }
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
        first_sent_ms: row.get(7)?,
        cells: csv::StringRecord::from(json_column(row, 8)?),
    })
}

/// A column that holds a JSON array of strings.
pub(in crate::ledger) fn json_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<String>> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })
}
