//! LedgerSet that are read together.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Identity, LedgerError, LedgerReader, ListedRow, NamedIdentity, RowState, RunId};
use crate::shard::Shard;
use crate::token::ClientToken;

/// LedgerSet of one instance, operation and namespace, in the order in which they were named: those of shards of one
/// division, or such as have all rows.
#[derive(Debug)]
pub struct LedgerSet {
    readers: Vec<(PathBuf, LedgerReader)>,
    identities: Vec<(PathBuf, Identity)>,
}

impl LedgerSet {
    /// Opens them, and makes sure that they belong together, and to the import that is named.
    ///
    /// # Errors
    /// One is missing, cannot be read, or belongs to another; two are of different imports, of different divisions, or of
    /// the same shard.
    pub fn open(paths: Vec<PathBuf>, named: &NamedIdentity) -> Result<Self, LedgerError> {
        let mut ledgers = LedgerSet { readers: Vec::new(), identities: Vec::new() };
        for path in paths {
            let reader = LedgerReader::open(&path)?;
            // One whose making was broken off has no rows, and goes with any other.
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

    /// Rows would be counted twice, or nobody could say what is missing.
    fn expect_one_division(&self) -> Result<(), LedgerError> {
        for (index, (path, identity)) in self.identities.iter().enumerate() {
            for (first, other) in &self.identities[..index] {
                let is_apart = match (identity.shard, other.shard) {
                    (None, None) => true,
                    (Some(one), Some(other)) => one.count() == other.count() && one != other,
                    (None, Some(_)) | (Some(_), None) => false,
                };
                if !is_apart {
                    let text = |identity: &Identity| {
                        identity.shard.map(|shard| shard.to_string()).unwrap_or_default()
                    };
                    let (path, first) = (path.clone(), first.clone());
                    return Err(LedgerError::Divided {
                        path,
                        first,
                        found: text(identity),
                        other: text(other),
                    });
                }
            }
        }
        Ok(())
    }

    /// The shards of the division whose ledgers are not among these.
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

    /// Whose ledgers they are, by which rows are told apart.
    ///
    /// # Errors
    /// They have different keys, or none has come so far that it would say.
    pub fn identity(&self) -> Result<&Identity, LedgerError> {
        self.expect_same(&["key"])?;
        match (self.identities.first(), self.readers.first()) {
            (Some((_, identity)), _) => Ok(identity),
            (None, first) => {
                Err(LedgerError::Unbegun(first.map(|(path, _)| path.clone()).unwrap_or_default()))
            }
        }
    }

    /// Makes sure that each has this run. Runs have numbers of their own in each ledger.
    ///
    /// # Errors
    /// One has not.
    pub fn expect_run(&self, run: RunId) -> Result<(), LedgerError> {
        for (path, reader) in &self.readers {
            let latest = reader.latest_runs(1)?.first().map(|latest| latest.id);
            if latest.is_none_or(|latest| latest < run) {
                return Err(LedgerError::NoRun { path: path.clone(), run, latest });
            }
        }
        Ok(())
    }

    /// The ledgers.
    pub fn readers(&self) -> &[(PathBuf, LedgerReader)] {
        &self.readers
    }

    /// Whether a ledger has a row of `token`.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub fn has(&self, token: ClientToken) -> Result<bool, LedgerError> {
        for (_, reader) in &self.readers {
            if reader.find(token)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes sure that what was read of each is of one piece.
    ///
    /// # Errors
    /// Somebody has written to one, and that could not be noticed before.
    pub fn expect_as_opened(&self) -> Result<(), LedgerError> {
        self.readers.iter().try_for_each(|(_, reader)| reader.expect_as_opened())
    }

    /// The row of `token`. Where several ledgers know it, the one counts in which most has come of it, and of equals the
    /// first: what may be a contact is never hidden by another ledger that has not got as far.
    pub fn best(&self, token: ClientToken) -> Result<Option<ListedRow>, LedgerError> {
        self.best_of(|reader| reader.find(token))
    }

    /// The same of the row of this key that stands at this place of an input, which [`LedgerReader::find_at`] knows.
    pub fn best_at(&self, source: &str, line: u64, key: &str) -> Result<Option<ListedRow>, LedgerError> {
        self.best_of(|reader| reader.find_at(source, line, key))
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

/// How much has come of a row: first whether it is a contact, then whether it may be one.
fn progress(row: &ListedRow) -> u8 {
    match row.state {
        RowState::Created => 6,
        RowState::Unknown => 5,
        RowState::InFlight => 4,
        RowState::Pending if row.may_exist => 3,
        RowState::Failed => 2,
        RowState::Pending => 1,
        RowState::Rejected => 0,
    }
}
