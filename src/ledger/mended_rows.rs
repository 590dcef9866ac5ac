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
    /// A form that the row had.
    pub(super) origin: RowOrigin,
    /// The row as it is now.
    pub(super) row: RowId,
    /// Why it is withdrawn; none if it is not.
    pub(super) left_to: Option<LeftTo>,
    /// Whether another job passed it over: its mended cells are not kept, so this job judges it as its input has it.
    pub(super) is_stale: bool,
}

/// The table `mended_rows`, held in memory during a run.
#[derive(Debug, Default)]
pub(super) struct MendedRows {
    by_form: HashMap<RowOrigin, MendedRow>,
    /// Forms by content, for rows that have a key of another shard in their input.
    by_content: HashMap<Digest, Vec<RowOrigin>>,
    /// Forms that a row had, the first one first.
    by_row: HashMap<RowId, Vec<RowOrigin>>,
}

impl MendedRows {
    /// Reads the table for a run with this mapping.
    pub(super) fn read(connection: &Connection, mapping: Digest) -> rusqlite::Result<Self> {
        let mut mended = MendedRows::default();
        let mut rows = connection.prepare(
            "SELECT token, content, row_id, left_to, left_to IS 'passed_over' AND ?1 <>
                 (SELECT mapping FROM rows JOIN runs ON runs.id = run_id WHERE rows.id = row_id)
             FROM mended_rows ORDER BY id",
        )?;
        let mut rows = rows.query([mapping.0])?;
        while let Some(row) = rows.next()? {
            let origin = RowOrigin { token: Digest(row.get(0)?), content: Digest(row.get(1)?) };
            let (row, left_to, is_stale) = (RowId(row.get(2)?), row.get(3)?, row.get(4)?);
            mended.insert(MendedRow { origin, row, left_to, is_stale });
        }
        Ok(mended)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_form.is_empty()
    }

    /// The row that had this token and content.
    pub(super) fn of(&self, token: Digest, content: Digest) -> Option<MendedRow> {
        self.by_form.get(&RowOrigin { token, content }).copied()
    }

    /// The rows that had this content.
    pub(super) fn of_content(&self, content: Digest) -> impl Iterator<Item = MendedRow> {
        let forms = self.by_content.get(&content).into_iter().flatten();
        forms.filter_map(|form| self.by_form.get(form).copied())
    }

    /// The first form of the row.
    pub(super) fn of_row(&self, row: RowId) -> Option<MendedRow> {
        self.by_row.get(&row)?.first().and_then(|form| self.by_form.get(form)).copied()
    }

    /// Whether the row had this content before it was mended.
    pub(super) fn had_content(&self, row: RowId, content: Digest) -> bool {
        self.by_row.get(&row).is_some_and(|forms| forms.iter().any(|form| form.content == content))
    }

    fn insert(&mut self, mended: MendedRow) {
        self.by_form.insert(mended.origin, mended);
        self.by_content.entry(mended.origin.content).or_default().push(mended.origin);
        self.by_row.entry(mended.row).or_default().push(mended.origin);
    }

    /// Records a form that the row had, unless a row had it before.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        origin: RowOrigin,
        row: RowId,
    ) -> rusqlite::Result<()> {
        if self.by_form.contains_key(&origin) {
            return Ok(());
        }
        let mended = self.of_row(row);
        let left_to = mended.and_then(|mended| mended.left_to);
        let is_stale = mended.is_some_and(|mended| mended.is_stale);
        let insert = "INSERT INTO mended_rows (token, content, row_id, left_to) VALUES (?1, ?2, ?3, ?4)";
        let name = left_to.map(|to| to.names().0);
        connection.prepare_cached(insert)?.execute(params![origin.token.0, origin.content.0, row.0, name])?;
        self.insert(MendedRow { origin, row, left_to, is_stale });
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
        let mut forms = self.by_row.get(&old).cloned().unwrap_or_default();
        forms.push(origin);
        for row in [old, new] {
            for form in self.by_row.get(&row).cloned().unwrap_or_default() {
                self.forget(connection, form)?;
            }
        }
        forms.into_iter().try_for_each(|form| self.record(connection, form, new))
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
        for form in self.by_row.get(&row).into_iter().flatten() {
            if let Some(mended) = self.by_form.get_mut(form) {
                mended.left_to = left_to;
                mended.is_stale = false;
            }
        }
        Ok(())
    }

    /// Forgets forms of a row with its own token, since its input has the key with newer content.
    pub(super) fn forget_token(
        &mut self,
        connection: &Connection,
        row: RowId,
        token: Digest,
    ) -> rusqlite::Result<()> {
        let forms = self.by_row.get(&row).cloned().unwrap_or_default();
        let mut forms = forms.into_iter().filter(|form| form.token == token);
        forms.try_for_each(|form| self.forget(connection, form))
    }

    fn forget(&mut self, connection: &Connection, form: RowOrigin) -> rusqlite::Result<()> {
        let forget = "DELETE FROM mended_rows WHERE token = ?1 AND content = ?2";
        connection.prepare_cached(forget)?.execute(params![form.token.0, form.content.0])?;
        if let Some(mended) = self.by_form.remove(&form) {
            let lists = [self.by_content.get_mut(&form.content), self.by_row.get_mut(&mended.row)];
            lists.into_iter().flatten().for_each(|forms| forms.retain(|other| *other != form));
        }
        Ok(())
    }
}

/// The row that was first read as `origin`: mended, or as it was then. Its content may have changed in its input since.
pub(super) fn row_of_origin(connection: &Connection, origin: RowOrigin) -> rusqlite::Result<Option<RowId>> {
    let find = "SELECT id FROM (
            SELECT 1 AS rank, row_id AS id FROM mended_rows WHERE token = ?1 AND content = ?2
            UNION ALL SELECT 2, id FROM rows WHERE token = ?1
            UNION ALL SELECT 3, min(row_id) FROM mended_rows WHERE token = ?1 HAVING count(*) > 0
        ) ORDER BY rank LIMIT 1";
    let mut find = connection.prepare_cached(find)?;
    find.query_row(params![origin.token.0, origin.content.0], |row| row.get(0).map(RowId)).optional()
}

/// The row that was mended, and had this token and content when it was first read. It may have had another token of its key,
/// if the ledger's row of the token is another without a contact: rows of the key have left the input or come into it since.
pub(super) fn mended_row(connection: &Connection, origin: RowOrigin) -> rusqlite::Result<Option<RowId>> {
    let exact = "SELECT row_id FROM mended_rows WHERE token = ?1 AND content = ?2";
    let of_content = "SELECT row_id FROM mended_rows WHERE content = ?2
         AND NOT EXISTS (SELECT 1 FROM rows WHERE token = ?1
                         AND (content = ?2 AND state <> 'withdrawn' OR state = 'created' OR may_exist = 1))
         ORDER BY id LIMIT 1";
    let find = |sql| {
        let mut find = connection.prepare_cached(sql)?;
        find.query_row(params![origin.token.0, origin.content.0], |row| row.get(0).map(RowId)).optional()
    };
    find(exact)?.map_or_else(|| find(of_content), |row| Ok(Some(row)))
}
