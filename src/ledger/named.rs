//! What a job says of whose its ledgers are, where it need not say all.

use std::path::Path;

use super::{Identity, LedgerError};
use crate::request::Operation;

/// The parts of an identity that are named.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedIdentity {
    /// The bare instance id.
    pub instance_id: Option<String>,
    /// The operation that makes the contacts.
    pub operation: Option<Operation>,
    /// The name of a second, deliberate import.
    pub namespace: Option<String>,
    /// The key's columns.
    pub key: Option<Vec<String>>,
}

impl NamedIdentity {
    /// Refuses the ledger at `path`, if it belongs to `found` and that is another as far as anything is named.
    ///
    /// # Errors
    /// [`LedgerError::OtherIdentity`] for the first part that differs.
    pub fn expect(&self, path: &Path, found: &Identity) -> Result<(), LedgerError> {
        let own = self.clone();
        let wanted = Identity {
            instance_id: own.instance_id.unwrap_or_else(|| found.instance_id.clone()),
            operation: own.operation.unwrap_or(found.operation),
            namespace: own.namespace.unwrap_or_else(|| found.namespace.clone()),
            key: own.key.unwrap_or_else(|| found.key.clone()),
            shard: found.shard,
        };
        wanted.expect(path, found)
    }
}
