//! What a row was sent with, kept so that a contact can be held against it without keeping the words. Who has
//! the ledger can still try words out: a short name falls to a dictionary.

use crate::digest::Digest;
use crate::request::ContactRequest;
use crate::token::ClientToken;

/// 64 bits each of the digests of a name and of attributes, salted with the row's token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent(pub(super) [u8; 16]);

impl Sent {
    /// Of a name and of attributes in any order. No name and an empty one are the same.
    pub fn of(token: ClientToken, name: Option<&str>, mut attributes: Vec<(&str, &str)>) -> Self {
        attributes.sort_unstable();
        let salt: &[u8] = &token.0.0;
        let name = Digest::of([salt, b"name", name.unwrap_or_default().as_bytes()]);
        let attributes = attributes.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
        let attributes = Digest::of([salt, b"attributes"].into_iter().chain(attributes));
        let mut both = [0; 16];
        both[..8].copy_from_slice(&name.0[..8]);
        both[8..].copy_from_slice(&attributes.0[..8]);
        Sent(both)
    }

    /// Of a request.
    pub fn with(token: ClientToken, request: &ContactRequest<'_>) -> Self {
        let attributes = request.attributes.iter().map(|(key, value)| (key, &**value)).collect();
        Sent::of(token, request.name.as_deref(), attributes)
    }

    /// Whether both have the same name.
    pub fn same_name(&self, other: &Sent) -> bool {
        self.0[..8] == other.0[..8]
    }

    /// Whether both have the same attributes.
    pub fn same_attributes(&self, other: &Sent) -> bool {
        self.0[8..] == other.0[8..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_attributes_are_told_apart_in_any_order_and_by_token() {
        let token = ClientToken(Digest::of([b"1".as_slice()]));
        let sent = Sent::of(token, Some("n"), vec![("a", "1"), ("b", "2")]);
        assert_eq!(sent, Sent::of(token, Some("n"), vec![("b", "2"), ("a", "1")]));
        let renamed = Sent::of(token, None, vec![("a", "1"), ("b", "2")]);
        assert!(!sent.same_name(&renamed) && sent.same_attributes(&renamed));
        let changed = Sent::of(token, Some("n"), vec![("a", "1b"), ("", "2")]);
        assert!(sent.same_name(&changed) && !sent.same_attributes(&changed));
        let other = ClientToken(Digest::of([b"2".as_slice()]));
        assert!(!sent.same_name(&Sent::of(other, Some("n"), vec![])));
    }
}
