//! Ledgers that are read together: shards of one division, or ledgers of all rows of one import.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::busy_wait::BusyWait;
use super::error::LedgerError;
use super::identity::{Identity, NamedIdentity};
use super::listing::ListedRow;
use super::reader::LedgerReader;
use super::row::RunId;
use super::state::RowState;
use crate::shard::Shard;
use crate::source::RowOrigin;
use crate::token::ClientToken;

/// Ledgers of one instance, operation and namespace, in the order in which they were named.
#[derive(Debug)]
pub struct LedgerSet {
    readers: Vec<(PathBuf, LedgerReader)>,
    identities: Vec<(PathBuf, Identity)>,
}

impl LedgerSet {
    /// Opens ledgers that belong together and have the identity that is named. If another program keeps one busy, waits as
    /// `busy` says.
    ///
    /// # Errors
    /// - Those of [`LedgerReader::open`].
    /// - [`LedgerError::OtherIdentity`]: a ledger belongs to another import than the one named.
    /// - [`LedgerError::Mixed`]: two ledgers belong to different imports.
    /// - [`LedgerError::Divided`]: two ledgers are of different divisions, or of the same shard.
    pub fn open(paths: Vec<PathBuf>, named: &NamedIdentity, busy: &BusyWait) -> Result<Self, LedgerError> {
        let mut ledgers = LedgerSet { readers: Vec::new(), identities: Vec::new() };
        for path in paths {
            let reader = LedgerReader::open_waiting(&path, busy)?;
            // A ledger whose creation was interrupted has no rows.
            if let Some(identity) = reader.identity()? {
                named.expect(&path, &identity)?;
                ledgers.identities.push((path.clone(), identity));
            }
            ledgers.readers.push((path, reader));
        }
        ledgers.expect_same(&["instance", "operation", "namespace"])?;
        ledgers.expect_one_division()?;
        Ok(ledgers)
    }

    /// Otherwise rows would be counted twice, or missing rows would not be noticed.
    fn expect_one_division(&self) -> Result<(), LedgerError> {
        for (index, (path, identity)) in self.identities.iter().enumerate() {
            for (first, other) in &self.identities[..index] {
                let fits = match (identity.shard, other.shard) {
                    (None, None) => true,
                    (Some(one), Some(other)) => one.count() == other.count() && one != other,
                    (None, Some(_)) | (Some(_), None) => false,
                };
                if !fits {
                    let text =
                        |shard: Option<Shard>| shard.map(|shard| shard.to_string()).unwrap_or_default();
                    let (path, first) = (path.clone(), first.clone());
                    let (found, other) = (text(identity.shard), text(other.shard));
                    return Err(LedgerError::Divided { path, first, found, other });
                }
            }
        }
        Ok(())
    }

    /// Shards of the division that have no ledger here.
    pub fn missing_shards(&self) -> Vec<Shard> {
        let there: BTreeSet<Shard> =
            self.identities.iter().filter_map(|(_, identity)| identity.shard).collect();
        let all = there.first().into_iter().flat_map(|shard| shard.all());
        all.filter(|shard| !there.contains(shard)).collect()
    }

    fn expect_same(&self, parts: &[&str]) -> Result<(), LedgerError> {
        let Some(((first, wanted), others)) = self.identities.split_first() else { return Ok(()) };
        for (path, found) in others {
            let differs = wanted
                .parts()
                .into_iter()
                .zip(found.parts())
                .find(|((what, wanted), (_, found))| parts.contains(what) && wanted != found);
            if let Some(((what, wanted), (_, found))) = differs {
                let (path, first) = (path.clone(), first.clone());
                return Err(LedgerError::Mixed { path, first, what, found, wanted });
            }
        }
        Ok(())
    }

    /// Identity of the ledgers, with their key.
    ///
    /// # Errors
    /// - [`LedgerError::Mixed`]: they have different keys or comparisons of keys.
    /// - [`LedgerError::Unbegun`]: none has an identity yet.
    pub fn identity(&self) -> Result<&Identity, LedgerError> {
        self.expect_same(&["key", "key_compare"])?;
        self.identities.first().map(|(_, identity)| identity).ok_or_else(|| {
            LedgerError::Unbegun(self.readers.first().map(|(path, _)| path.clone()).unwrap_or_default())
        })
    }

    /// Expects each ledger to have this run; each ledger numbers its own runs.
    ///
    /// # Errors
    /// [`LedgerError::NoRun`].
    pub fn expect_run(&self, run: RunId) -> Result<(), LedgerError> {
        for (path, reader) in &self.readers {
            let latest = reader.latest_runs(1)?.first().map(|latest| latest.id);
            if latest.is_none_or(|latest| latest < run) {
                return Err(LedgerError::NoRun { path: path.clone(), run, latest });
            }
        }
        Ok(())
    }

    /// Path and reader of each ledger.
    pub fn readers(&self) -> &[(PathBuf, LedgerReader)] {
        &self.readers
    }

    /// Whether a ledger has a row of `token`.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn has(&self, token: ClientToken) -> Result<bool, LedgerError> {
        Ok(self.best(token)?.is_some())
    }

    /// Expects that nothing wrote to a ledger in a read-only folder since it was opened.
    ///
    /// # Errors
    /// [`LedgerError::Changed`].
    pub fn expect_as_opened(&self) -> Result<(), LedgerError> {
        self.readers.iter().try_for_each(|(_, reader)| reader.expect_as_opened())
    }

    /// The row of `token`. If several ledgers have it, the one that has progressed furthest, so that a contact is never
    /// hidden by another ledger.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn best(&self, token: ClientToken) -> Result<Option<ListedRow>, LedgerError> {
        self.best_of(|reader| reader.find(token))
    }

    /// The row of [`LedgerReader::find_origin`]. If several ledgers have it, the one that has progressed furthest.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn best_origin(&self, origin: RowOrigin) -> Result<Option<ListedRow>, LedgerError> {
        self.best_of(|reader| reader.find_origin(origin))
    }

    /// The row of [`LedgerReader::find_mended`]. If several ledgers have it, the one that has progressed furthest.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn best_mended(&self, origin: RowOrigin) -> Result<Option<ListedRow>, LedgerError> {
        self.best_of(|reader| reader.find_mended(origin))
    }

    /// Whether a row of a ledger was mended in a rejects file.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn has_mended_rows(&self) -> Result<bool, LedgerError> {
        let mut has = false;
        for (_, reader) in &self.readers {
            has |= reader.has_mended_rows()?;
        }
        Ok(has)
    }

    fn best_of(
        &self,
        find: impl Fn(&LedgerReader) -> Result<Option<ListedRow>, LedgerError>,
    ) -> Result<Option<ListedRow>, LedgerError> {
        let mut best: Option<ListedRow> = None;
        for (_, reader) in &self.readers {
            if best.as_ref().is_some_and(|row| row.state == RowState::Created) {
                break;
            }
            if let Some(row) = find(reader)?
                && best.as_ref().is_none_or(|best| progress(&row) > progress(best))
            {
                best = Some(row);
            }
        }
        Ok(best)
    }
}

/// Order of rows by progress: created rows first, then those that may have been created.
fn progress(row: &ListedRow) -> u8 {
    match row.state {
        RowState::Created => 7,
        RowState::Unknown => 6,
        RowState::InFlight => 5,
        RowState::Pending if row.may_exist => 4,
        RowState::Failed => 3,
        RowState::Pending => 2,
        RowState::Rejected | RowState::Accepted => 1,
        RowState::Withdrawn => 0,
    }
}
