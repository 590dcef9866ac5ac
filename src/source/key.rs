//! What makes a row the same row.

use crate::digest::Digest;

/// What makes a row the same row, before it is bound to an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowKey {
    /// The cells of the key columns, in the order the job names them.
    Columns(Vec<String>),
    /// No key columns: the digest of all cells.
    Content(Digest),
    /// A row that cannot have a key of its own (an empty key, a ragged row) and is never sent.
    Unusable(Digest),
}

impl RowKey {
    /// A digest of the key alone, before it is bound to an instance.
    pub fn digest(&self) -> Digest {
        match self {
            RowKey::Columns(cells) => Digest::of(cells.iter().map(String::as_bytes)),
            RowKey::Content(digest) | RowKey::Unusable(digest) => *digest,
        }
    }

    /// How people see the key: in messages, rejects and exports.
    pub fn label(&self) -> String {
        match self {
            // A key is shown on terminals and in logs, where a control character does harm.
            RowKey::Columns(cells) => cells.join(" / ").replace(char::is_control, " "),
            RowKey::Content(digest) | RowKey::Unusable(digest) => {
                format!("content {}", &digest.hex()[..12])
            }
        }
    }
}
