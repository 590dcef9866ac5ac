//! Values of a row that the whole crate shares: its number, its contact, its error and the digest of its request.

use std::fmt;

use crate::digest::Digest;
use crate::request::ContactRequest;
use crate::token::ClientToken;

/// A row's number in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub struct RowId(pub i64);

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's number in the ledger, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A contact that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// The contact's id.
    pub id: String,
    /// The contact's ARN, if the operation returns one.
    pub arn: Option<String>,
}

/// Error of an attempt or a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// The service's error code, or one of this tool's own.
    pub code: String,
    /// Message for people.
    pub message: CauseMessage,
}

/// Code and message; the code alone where there is no message, as in a response without a body.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cause { code, message } = self;
        if message.is_empty() { f.write_str(code) } else { write!(f, "{code}: {message}") }
    }
}

/// Message of an error. It is displayed without sensitive values of the row; the ledger alone sees the text before they
/// were redacted, for the rejects file, which has the row anyway.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CauseMessage {
    shown: String,
    /// `None` if nothing was redacted.
    full: Option<Box<str>>,
}

impl CauseMessage {
    /// A message of the service, after redaction and before it.
    pub fn redacted(shown: String, full: String) -> Self {
        let full = (full != shown).then(|| full.into_boxed_str());
        CauseMessage { shown, full }
    }

    /// The message without sensitive values.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The message before redaction, if it differs.
    pub(super) fn full(&self) -> Option<&str> {
        self.full.as_deref()
    }
}

impl<T: Into<String>> From<T> for CauseMessage {
    fn from(shown: T) -> Self {
        CauseMessage { shown: shown.into(), full: None }
    }
}

impl fmt::Display for CauseMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for CauseMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

/// Digest of the name and the attributes that a row was sent with: 8 bytes of SHA-256 each, salted with the row's token.
///
/// `verify` compares a contact with it. The values themselves are not kept, but short ones can be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestDigest(pub(super) [u8; 16]);

impl RequestDigest {
    /// Digest of a name and of attributes in any order. No name and an empty name are equal.
    pub fn of(token: ClientToken, name: Option<&str>, mut attributes: Vec<(&str, &str)>) -> Self {
        attributes.sort_unstable();
        let salt: &[u8] = &token.0.0;
        let name = Digest::of([salt, b"name", name.unwrap_or_default().as_bytes()]);
        let attributes = attributes.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
        let attributes = Digest::of([salt, b"attributes"].into_iter().chain(attributes));
        let mut both = [0; 16];
        both[..8].copy_from_slice(&name.0[..8]);
        both[8..].copy_from_slice(&attributes.0[..8]);
        RequestDigest(both)
    }

    /// Digest of a request's name and attributes.
    pub fn of_request(token: ClientToken, request: &ContactRequest<'_>) -> Self {
        let attributes = request.attributes.iter().map(|(key, value)| (key, &**value)).collect();
        RequestDigest::of(token, request.name.as_deref(), attributes)
    }

    /// Whether the names are equal.
    pub fn has_name_of(&self, other: &RequestDigest) -> bool {
        self.0[..8] == other.0[..8]
    }

    /// Whether the attributes are equal.
    pub fn has_attributes_of(&self, other: &RequestDigest) -> bool {
        self.0[8..] == other.0[8..]
    }
}

/// Set of rows of a ledger: one bit for each row up to the highest, so that ten million rows take 1.2 MB.
#[derive(Debug, Default)]
pub(super) struct RowSet(Vec<u64>);

impl RowSet {
    /// Adds a row, and returns whether it is new.
    pub(super) fn insert(&mut self, row: RowId) -> bool {
        let (index, bit) = RowSet::place(row);
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        let is_new = self.0[index] & bit == 0;
        self.0[index] |= bit;
        is_new
    }

    pub(super) fn contains(&self, row: RowId) -> bool {
        let (index, bit) = RowSet::place(row);
        self.0.get(index).is_some_and(|bits| bits & bit != 0)
    }

    fn place(row: RowId) -> (usize, u64) {
        let number = usize::try_from(row.0).unwrap_or_default();
        (number / 64, 1 << (number % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_no_sensitive_value() {
        let message = CauseMessage::redacted("bad …".into(), "bad Jane Roe".into());
        assert_eq!((message.to_string(), format!("{message:?}")), ("bad …".into(), "\"bad …\"".into()));
        assert_eq!((message.as_str(), message.full()), ("bad …", Some("bad Jane Roe")));
        assert_eq!(CauseMessage::redacted("m".into(), "m".into()), CauseMessage::from("m"));
    }

    #[test]
    fn request_digests_differ_by_name_attributes_and_token_and_not_by_order() {
        let token = ClientToken(Digest::of([b"1".as_slice()]));
        let sent = RequestDigest::of(token, Some("n"), vec![("a", "1"), ("b", "2")]);
        assert_eq!(sent, RequestDigest::of(token, Some("n"), vec![("b", "2"), ("a", "1")]));
        let renamed = RequestDigest::of(token, None, vec![("a", "1"), ("b", "2")]);
        assert!(!sent.has_name_of(&renamed) && sent.has_attributes_of(&renamed));
        let changed = RequestDigest::of(token, Some("n"), vec![("a", "1b"), ("", "2")]);
        assert!(sent.has_name_of(&changed) && !sent.has_attributes_of(&changed));
        let other = ClientToken(Digest::of([b"2".as_slice()]));
        assert!(!sent.has_name_of(&RequestDigest::of(other, Some("n"), vec![])));
    }
}
