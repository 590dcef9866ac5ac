//! Derives a row's client token from its key. Pure.
//!
//! Connect recognises a repeated request by its client token. The token depends on the instance, the operation, the
//! namespace and the row's key alone, so it is the same after a lost ledger, for a moved file and on a second machine.
//! The test vectors below pin the derivation. It must never change within version 1; a different derivation takes a new
//! version.

use crate::digest::{Digest, Digester};
use crate::request::Operation;
use crate::source::RowKey;

/// Version of the derivation, the first part of every token.
pub const TOKEN_VERSION: u32 = 1;

/// A row's client token, as the ledger stores it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ClientToken(pub Digest);

impl ClientToken {
    /// The token as it is sent: 36 characters. The service allows 500 (API reference, ClientToken).
    pub fn text(&self) -> String {
        format!("ci{TOKEN_VERSION}-{}", self.0.hex())
    }
}

/// Derives the client tokens of one instance, operation and namespace.
#[derive(Clone, Debug)]
pub struct TokenScheme {
    /// Digest of the parts that all of its tokens share.
    scope: Digester,
}

impl TokenScheme {
    /// `instance_id` is the bare id, so that an instance given by ARN has the same tokens.
    pub fn new(instance_id: &str, operation: Operation, namespace: &str) -> Self {
        let version = TOKEN_VERSION.to_be_bytes();
        let parts =
            [version.as_slice(), instance_id.as_bytes(), operation.name().as_bytes(), namespace.as_bytes()];
        TokenScheme { scope: Digester::default().with(parts) }
    }

    /// The token of the `occurrence`-th row with this key, counted from 1.
    pub fn token(&self, key: &RowKey, occurrence: u32) -> ClientToken {
        let occurrence = occurrence.to_be_bytes();
        let kind = |kind: &'static [u8]| self.scope.clone().with([occurrence.as_slice(), kind]);
        let digester = match key {
            RowKey::Columns(cells) => kind(b"columns").with(cells.iter().map(String::as_bytes)),
            RowKey::Content(digest) => kind(b"content").with([digest.0.as_slice()]),
            RowKey::Unusable(digest) => kind(b"unusable").with([digest.0.as_slice()]),
        };
        ClientToken(digester.digest())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scheme() -> TokenScheme {
        TokenScheme::new("11111111-2222-3333-4444-555555555555", Operation::CreateContact, "")
    }

    /// Existing ledgers and contacts depend on these values: never edit one.
    #[test]
    fn version_1_tokens_never_change() {
        let columns = |cells: &[&str]| RowKey::Columns(cells.iter().map(|c| c.to_string()).collect());
        let vectors = [
            (scheme(), columns(&["HD-10001"]), 1, "ci1-e29cad346dfb98df2832e7d61e73c651"),
            (scheme(), columns(&["HD-10001"]), 2, "ci1-4ef3a0c33c5af24f47d52d3a53e49c0f"),
            (scheme(), columns(&["Zürich", ""]), 1, "ci1-1a97f51df5347527e660b8435fd65b4f"),
            (scheme(), RowKey::Content(Digest([7; 16])), 1, "ci1-2882717e3d0094b6d8bfdd0e1ffb0da8"),
            (
                TokenScheme::new("sandbox", Operation::CreateContact, "second"),
                columns(&["HD-10001"]),
                1,
                "ci1-2176722eaad40557edfef9decf8fdd59",
            ),
        ];
        for (scheme, key, occurrence, expected) in vectors {
            assert_eq!(scheme.token(&key, occurrence).text(), expected, "{key:?}");
        }
    }

    #[test]
    fn a_token_is_within_the_services_limit() {
        assert_eq!(scheme().token(&RowKey::Columns(vec!["x".repeat(9999)]), 1).text().len(), 36);
    }

    proptest! {
        #[test]
        fn different_keys_give_different_tokens(
            a in proptest::collection::vec(".*", 1..4),
            b in proptest::collection::vec(".*", 1..4),
        ) {
            let token = |cells: &Vec<String>| scheme().token(&RowKey::Columns(cells.clone()), 1);
            prop_assert_eq!(a == b, token(&a) == token(&b));
        }
    }
}
