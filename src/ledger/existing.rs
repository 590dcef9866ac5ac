//! Rows of the ledger that are compared with rows of an input.

use rusqlite::{OptionalExtension as _, Row, ToSql, params};

use super::row::RowId;
use super::schema::state_column;
use super::state::RowStatus;
use super::writer::Session;
use crate::digest::Digest;
use crate::token::ClientToken;

/// A row of the ledger that is compared with one of an input.
pub(super) struct Existing {
    pub(super) row: RowId,
    pub(super) token: ClientToken,
    pub(super) status: RowStatus,
    pub(super) content: Digest,
    pub(super) source: i64,
    pub(super) header: i64,
    pub(super) line: u64,
    pub(super) code: Option<String>,
    /// Whether the last run that read the row had the mapping of this run.
    pub(super) has_same_mapping: bool,
}

impl Existing {
    /// Id of the input and line.
    pub(super) fn place(&self) -> (i64, u64) {
        (self.source, self.line)
    }
}

impl Session {
    /// The row of a token.
    pub(super) fn existing(&self, token: ClientToken) -> rusqlite::Result<Option<Existing>> {
        self.existing_where("token = ?1", &token.0.0)
    }

    /// The row of this number.
    pub(super) fn existing_row(&self, row: RowId) -> rusqlite::Result<Option<Existing>> {
        self.existing_where("rows.id = ?1", &row.0)
    }

    fn existing_where(&self, condition: &str, value: &dyn ToSql) -> rusqlite::Result<Option<Existing>> {
        let mut existing = self.connection.prepare_cached(&format!(
            "SELECT rows.id, state, may_exist, content, source_id, line, code,
                    (SELECT mapping FROM runs WHERE id = rows.run_id) = (SELECT mapping FROM runs WHERE id = ?2),
                    header_id, token
             FROM rows WHERE {condition}"
        ))?;
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
                token: ClientToken(Digest(row.get(9)?)),
            })
        };
        existing.query_row(params![value, self.run.0], read).optional()
    }
}
