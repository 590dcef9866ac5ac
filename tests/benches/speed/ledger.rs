//! A finished import of any size, sooner than by sending it.

use std::path::Path;

use crate::http;
use crate::tool;

/// Rows a transaction.
const CHUNK: u64 = 100_000;

/// Turns the waiting rows of a folder's ledger into created ones, as sending them would have: their tokens,
/// keys and digests are the tool's own, from its intake; the contact's id and ARN are those that the constant
/// endpoint answers with, and the digest of what was sent is any 16 bytes. Only `verify` would notice.
pub(crate) fn settle(folder: &Path) -> rusqlite::Result<()> {
    let answer: serde_json::Value = serde_json::from_str(&http::created_body()).expect("it is JSON");
    let [id, arn] = ["ContactId", "ContactArn"].map(|name| answer[name].as_str().unwrap_or_default());
    let ledger = rusqlite::Connection::open(tool::ledger(folder))?;
    // It is thrown away afterwards.
    ledger.pragma_update(None, "synchronous", "OFF")?;
    let rows: u64 = ledger.query_row("SELECT coalesce(max(id), 0) FROM rows", [], |row| row.get(0))?;
    for from in (0..rows).step_by(CHUNK as usize) {
        ledger.execute(
            "UPDATE rows SET state = 'created', attempts = 1, contact_id = ?1, contact_arn = ?2, record = NULL,
                    sent = randomblob(16), first_sent_ms = started_ms, last_sent_ms = started_ms
             FROM runs WHERE runs.id = run_id AND state = 'pending' AND rows.id > ?3 AND rows.id <= ?3 + ?4",
            rusqlite::params![id, arn, from, CHUNK],
        )?;
    }
    ledger.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The bytes that the ledger takes on the disk.
pub(crate) fn size(folder: &Path) -> u64 {
    std::fs::metadata(tool::ledger(folder)).expect("the ledger is there").len()
}
