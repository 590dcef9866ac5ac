//! Rows that were mended in a rejects file: what each was when it was first read, so that an input that still has it so
//! is recognised.

use std::collections::HashMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::row::RowId;
use crate::digest::Digest;
use crate::source::RowOrigin;

/// Why a ledger has a row no more after it was mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeftTo {
    /// Its new key belongs to another shard.
    OtherShard,
    /// The job's condition does not select it.
    PassedOver,
}

impl LeftTo {
    /// Name in the ledger, and the column of `source_scans` that counts such rows.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            LeftTo::OtherShard => ("other_shard", "other_shards"),
            LeftTo::PassedOver => ("passed_over", "passed_over"),
        }
    }
}

impl FromSql for LeftTo {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let left_to = [LeftTo::OtherShard, LeftTo::PassedOver].into_iter().find(|to| to.names().0 == name);
        left_to.ok_or(FromSqlError::InvalidType)
    }
}

/// A row that was mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MendedRow {
    /// The row as it was first read.
    pub(super) origin: RowOrigin,
    /// The row as it is now.
    pub(super) row: RowId,
    /// Why it is withdrawn; none if it is not.
    pub(super) left_to: Option<LeftTo>,
}

/// The table `mended_rows`, held in memory during a run.
#[derive(Debug, Default)]
pub(super) struct MendedRows {
    by_token: HashMap<Digest, MendedRow>,
    /// First tokens by content, for rows that have a key of another shard in their input.
    by_content: HashMap<Digest, Vec<Digest>>,
    by_row: HashMap<RowId, Digest>,
}

impl MendedRows {
    /// Reads the table.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut mended = MendedRows::default();
        let mut rows = connection.prepare("SELECT token, content, row_id, left_to FROM mended_rows")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let origin = RowOrigin { token: Digest(row.get(0)?), content: Digest(row.get(1)?) };
            mended.insert(MendedRow { origin, row: RowId(row.get(2)?), left_to: row.get(3)? });
        }
        Ok(mended)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }

    /// The row that was first read with this token and content.
    pub(super) fn of(&self, token: Digest, content: Digest) -> Option<MendedRow> {
        self.by_token.get(&token).copied().filter(|mended| mended.origin.content == content)
    }

    /// The rows that were first read with this content.
    pub(super) fn of_content(&self, content: Digest) -> impl Iterator<Item = MendedRow> {
        let tokens = self.by_content.get(&content).into_iter().flatten();
        tokens.filter_map(|token| self.by_token.get(token).copied())
    }

    /// What the row was.
    pub(super) fn of_row(&self, row: RowId) -> Option<MendedRow> {
        self.by_row.get(&row).and_then(|token| self.by_token.get(token)).copied()
    }

    fn insert(&mut self, mended: MendedRow) {
        let RowOrigin { token, content } = mended.origin;
        if self.by_token.insert(token, mended).is_none() {
            self.by_content.entry(content).or_default().push(token);
        }
        self.by_row.insert(mended.row, token);
    }

    /// Records what a row was, unless it was mended before or another row was the same.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        origin: RowOrigin,
        row: RowId,
    ) -> rusqlite::Result<()> {
        if self.by_token.contains_key(&origin.token) || self.by_row.contains_key(&row) {
            return Ok(());
        }
        let insert = "INSERT INTO mended_rows (token, content, row_id) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(insert)?.execute(params![origin.token.0, origin.content.0, row.0])?;
        self.insert(MendedRow { origin, row, left_to: None });
        Ok(())
    }

    /// Records that the row which was read as `origin`, until now `old`, is the row `new`.
    pub(super) fn reassign(
        &mut self,
        connection: &Connection,
        origin: RowOrigin,
        old: RowId,
        new: RowId,
    ) -> rusqlite::Result<()> {
        let origin = self.of_row(old).map_or(origin, |mended| mended.origin);
        self.forget(connection, old)?;
        self.forget(connection, new)?;
        self.record(connection, origin, new)
    }

    /// Records whether the row is left to another shard or passed over.
    pub(super) fn set_left_to(
        &mut self,
        connection: &Connection,
        row: RowId,
        left_to: Option<LeftTo>,
    ) -> rusqlite::Result<()> {
        let update = "UPDATE mended_rows SET left_to = ?2 WHERE row_id = ?1";
        connection.prepare_cached(update)?.execute(params![row.0, left_to.map(|to| to.names().0)])?;
        if let Some(mended) = self.by_row.get(&row).and_then(|token| self.by_token.get_mut(token)) {
            mended.left_to = left_to;
        }
        Ok(())
    }

    /// Forgets what a row was, since its input has it with newer content.
    pub(super) fn forget(&mut self, connection: &Connection, row: RowId) -> rusqlite::Result<()> {
        let Some(token) = self.by_row.remove(&row) else { return Ok(()) };
        connection.prepare_cached("DELETE FROM mended_rows WHERE row_id = ?1")?.execute([row.0])?;
        if let Some(mended) = self.by_token.remove(&token)
            && let Some(tokens) = self.by_content.get_mut(&mended.origin.content)
        {
            tokens.retain(|other| *other != token);
        }
        Ok(())
    }
}

/// The row that was first read as `origin`: mended, or as it was then. Its content may have changed in its input since.
pub(super) fn row_of_origin(connection: &Connection, origin: RowOrigin) -> rusqlite::Result<Option<RowId>> {
    let find = "SELECT id FROM (
            SELECT 1 AS rank, row_id AS id FROM mended_rows WHERE token = ?1 AND content = ?2
            UNION ALL SELECT 2, id FROM rows WHERE token = ?1
            UNION ALL SELECT 3, row_id FROM mended_rows WHERE token = ?1
        ) ORDER BY rank LIMIT 1";
    let mut find = connection.prepare_cached(find)?;
    find.query_row(params![origin.token.0, origin.content.0], |row| row.get(0).map(RowId)).optional()
}

/// The row that was mended, and had this token and content when it was first read.
pub(super) fn mended_row(connection: &Connection, origin: RowOrigin) -> rusqlite::Result<Option<RowId>> {
    let find = "SELECT row_id FROM mended_rows WHERE token = ?1 AND content = ?2";
    let mut find = connection.prepare_cached(find)?;
    find.query_row(params![origin.token.0, origin.content.0], |row| row.get(0).map(RowId)).optional()
}
