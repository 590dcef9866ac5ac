//! What shards of one file have, each in a ledger of its own, put together.

use crate::ledger::{RowState, SourceAccount};
use crate::shard::Shard;

/// The inputs of one ledger.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The ledger, for telling apart several that have the same file.
    pub(super) ledger: String,
    /// Which part of the rows it has; none if all.
    pub(super) shard: Option<Shard>,
    /// Its inputs.
    pub(super) accounts: Vec<SourceAccount>,
}

/// One file as one ledger has it, or as all the ledgers of its shards have it together.
pub(super) struct Entry<'a> {
    /// The account.
    pub(super) account: SourceAccount,
    /// The ledger that has it, or the first of those.
    pub(super) ledger: &'a str,
    shards: Vec<Option<Shard>>,
}

/// The inputs of all ledgers; what shards have of one reading of a file is put together.
pub(super) fn together(shares: &[Share]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for share in shares {
        for account in &share.accounts {
            match entries.iter_mut().find(|entry| complements(entry, share, account)) {
                Some(entry) => add(entry, share, account),
                None => entries.push(Entry {
                    account: account.clone(),
                    ledger: &share.ledger,
                    shards: vec![share.shard],
                }),
            }
        }
    }
    entries
}

/// Whether an account is of another shard of the same rows.
fn complements(entry: &Entry<'_>, share: &Share, account: &SourceAccount) -> bool {
    if entry.account.source != account.source {
        return false;
    }
    let Some(own) = share.shard else { return false };
    let is_another =
        |shard: &Option<Shard>| shard.is_some_and(|shard| shard.count() == own.count() && shard != own);
    let rows = |account: &SourceAccount| account.reading.map(|reading| reading.rows);
    entry.shards.iter().all(is_another) && account.reading.is_some() && rows(&entry.account) == rows(account)
}

fn add<'a>(entry: &mut Entry<'a>, share: &'a Share, account: &SourceAccount) {
    let whole = &mut entry.account;
    for state in RowState::ALL {
        whole.rows.add(state, account.rows.of(state));
        whole.withdrawn.add(state, account.withdrawn.of(state));
    }
    whole.duplicates += account.duplicates;
    if let (Some(whole), Some(part)) = (&mut whole.reading, account.reading) {
        // What is elsewhere for one is here for the other.
        whole.elsewhere = whole.elsewhere.saturating_sub(part.rows.saturating_sub(part.elsewhere));
    }
    whole.was_read_before |= account.was_read_before;
    whole.is_open |= account.is_open;
    whole.has_successor |= account.has_successor;
    entry.shards.push(share.shard);
}
