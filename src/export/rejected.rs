//! Which row of the ledgers a row of a rejects file is. Its key does not always say: it may have been rejected for having
//! the key of another row, or for being so torn that its cells are not its own; and of equal rows without a key, only
//! those that were not created stand there.

use crate::ledger::{LedgerError, LedgerSet, ListedRow};
use crate::mapping::Rejection;
use crate::source::{Record, Reject, RowKey};
use crate::token::TokenScheme;

/// The row, as far as it is known by now: by its key where that is its own, otherwise by its place, in this file itself
/// if it was imported from there, or in the one that it came from.
///
/// # Errors
/// A ledger cannot be read.
pub(super) fn find(
    ledgers: &LedgerSet,
    scheme: &TokenScheme,
    file: &str,
    record: &Record,
    (reject, key): (&Reject, &RowKey),
) -> Result<Option<ListedRow>, LedgerError> {
    let at_origin = || ledgers.best_at(&reject.file, reject.line, &reject.key);
    // As a run sees it, which takes such a row again only once that is mended.
    let is_not_its_own = match &*reject.code {
        Rejection::RAGGED | Rejection::STRAY => true,
        Rejection::DUPLICATE => key.label() == reject.key,
        _ => false,
    };
    let known = match key {
        _ if is_not_its_own => None,
        RowKey::Columns(_) => ledgers.best(scheme.token(key, 1))?,
        RowKey::Content(_) | RowKey::Unusable(_) => ledgers.best_at(file, record.line, &key.label())?,
    };
    known.map_or_else(at_origin, |row| Ok(Some(row)))
}
