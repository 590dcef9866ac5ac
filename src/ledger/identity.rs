//! The import that a ledger belongs to: instance, operation, namespace, key, its comparison, and shard.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::error::LedgerError;
use super::schema::{json_column, key_comparison_column, operation_column, shard_column};
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::KeyComparison;
use crate::token::TOKEN_VERSION;

/// Name of the part of an identity that selects rows of the import.
const SHARD: &str = "shard";

/// The import that a ledger belongs to. Every part but the shard goes into the rows' tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Instance id, not the ARN.
    pub instance_id: String,
    /// Operation that creates the contacts.
    pub operation: Operation,
    /// Name of a second, deliberate import; empty for the first.
    pub namespace: String,
    /// Key columns and templates; empty if the whole content is the key.
    pub key: Vec<String>,
    /// Comparison of keys.
    pub key_comparison: KeyComparison,
    /// Part of the rows that the ledger has; `None` for all rows.
    pub shard: Option<Shard>,
}

impl Identity {
    /// Name and value of each part, as the ledger stores them.
    pub(crate) fn parts(&self) -> [(&'static str, String); 6] {
        [
            ("instance", self.instance_id.clone()),
            ("operation", self.operation.name().to_owned()),
            ("namespace", self.namespace.clone()),
            ("key", serde_json::Value::from(self.key.clone()).to_string()),
            ("key_compare", self.key_comparison.name().to_owned()),
            (SHARD, self.shard.map(|shard| shard.to_string()).unwrap_or_default()),
        ]
    }

    /// Refuses the ledger at `path`, of the identity `found`, if that differs from this identity.
    ///
    /// # Errors
    /// [`LedgerError::OtherIdentity`] or [`LedgerError::OtherShard`] for the first part that differs.
    pub fn expect(&self, path: &Path, found: &Identity) -> Result<(), LedgerError> {
        expect_equal(path, self.parts(), found.parts().map(|(_, part)| part))
    }
}

/// The parts of an identity that a job names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedIdentity {
    /// Instance id, not the ARN.
    pub instance_id: Option<String>,
    /// Operation that creates the contacts.
    pub operation: Option<Operation>,
    /// Name of a second, deliberate import.
    pub namespace: Option<String>,
    /// Key columns and templates.
    pub key: Option<Vec<String>>,
    /// Comparison of keys.
    pub key_comparison: Option<KeyComparison>,
}

impl NamedIdentity {
    /// Refuses the ledger at `path`, of the identity `found`, if a named part differs.
    ///
    /// # Errors
    /// [`LedgerError::OtherIdentity`] for the first part that differs.
    pub fn expect(&self, path: &Path, found: &Identity) -> Result<(), LedgerError> {
        let named = self.clone();
        let wanted = Identity {
            instance_id: named.instance_id.unwrap_or_else(|| found.instance_id.clone()),
            operation: named.operation.unwrap_or(found.operation),
            namespace: named.namespace.unwrap_or_else(|| found.namespace.clone()),
            key: named.key.unwrap_or_else(|| found.key.clone()),
            key_comparison: named.key_comparison.unwrap_or(found.key_comparison),
            shard: found.shard,
        };
        wanted.expect(path, found)
    }
}

/// Writes the identity into a new ledger; refuses an existing ledger of another identity.
pub(super) fn bind_identity(
    connection: &Connection,
    path: &Path,
    identity: &Identity,
) -> Result<(), LedgerError> {
    let version = ("token version", TOKEN_VERSION.to_string());
    let wanted: Vec<_> = identity.parts().into_iter().chain([version]).collect();
    let bind = || {
        connection.execute(
            "INSERT INTO identity
                 (only, instance_id, operation, namespace, key_columns, key_compare, shard, token_version, nonce)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT DO NOTHING",
            (
                &wanted[0].1,
                &wanted[1].1,
                &wanted[2].1,
                &wanted[3].1,
                &wanted[4].1,
                &wanted[5].1,
                TOKEN_VERSION,
            ),
        )?;
        connection.query_row(
            "SELECT instance_id, operation, namespace, key_columns, key_compare, shard, CAST(token_version AS TEXT)
             FROM identity",
            [],
            |row| (0..7).map(|part| row.get::<_, String>(part)).collect::<rusqlite::Result<Vec<_>>>(),
        )
    };
    let found = bind().map_err(|source| LedgerError::sqlite(path, source))?;
    expect_equal(path, wanted, found)
}

/// The ledger's identity; `None` if its creation was interrupted.
pub(super) fn read_identity(connection: &Connection) -> rusqlite::Result<Option<Identity>> {
    let columns = "SELECT instance_id, operation, namespace, key_columns, key_compare, shard FROM identity";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Identity {
            instance_id: row.get(0)?,
            operation: operation_column(row, 1)?,
            namespace: row.get(2)?,
            key: json_column(row, 3)?,
            key_comparison: key_comparison_column(row, 4)?,
            shard: shard_column(row, 5)?,
        })
    };
    connection.query_row(columns, [], read).optional()
}

fn expect_equal(
    path: &Path,
    wanted: impl IntoIterator<Item = (&'static str, String)>,
    found: impl IntoIterator<Item = String>,
) -> Result<(), LedgerError> {
    let path = path.to_owned();
    match wanted.into_iter().zip(found).find(|((_, wanted), found)| wanted != found) {
        Some(((SHARD, wanted), found)) => Err(LedgerError::OtherShard { path, found, wanted }),
        Some(((what, wanted), found)) => Err(LedgerError::OtherIdentity { path, what, found, wanted }),
        None => Ok(()),
    }
}
