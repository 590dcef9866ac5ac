//! Reads contacts of the instance: DescribeContact and SearchContacts. Changes nothing.

use super::attempt::AttemptError;

/// Reads contacts. An implementation makes exactly one request per call; pacing and retries are the caller's.
pub trait ContactLookup: Send + Sync + 'static {
    /// The contact with this id, or `None` if the service does not know it.
    ///
    /// # Errors
    /// [`AttemptError`], without [`AttemptError::NotFound`].
    fn describe(
        &self,
        contact_id: &str,
    ) -> impl Future<Output = Result<Option<ContactDetails>, AttemptError>> + Send;

    /// One page of the contacts that match `search`; the first, or the one that `next_token` names.
    ///
    /// # Errors
    /// Any [`AttemptError`].
    fn search(
        &self,
        search: &ContactSearch,
        next_token: Option<String>,
    ) -> impl Future<Output = Result<ContactPage, AttemptError>> + Send;
}

/// The members of a contact that verification compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactDetails {
    /// ARN, which contains the instance's id.
    pub arn: Option<String>,
    /// Member `Name`.
    pub name: Option<String>,
    /// Member `Attributes`, in no particular order.
    pub attributes: Vec<(String, String)>,
}

/// Criteria of one search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactSearch {
    /// Name or attribute to match.
    pub by: SearchBy,
    /// Channel, such as `TASK`.
    pub channel: String,
    /// Earliest initiation, milliseconds since 1970.
    pub from_ms: i64,
    /// Latest initiation, milliseconds since 1970; at most eight weeks after `from_ms` (Amazon Connect
    /// administrator guide, contact search).
    pub until_ms: i64,
}

/// The member that a search matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchBy {
    /// Words of the name, at most 128 characters (service model, SearchText). Contacts with more words in their
    /// names match too.
    Name(String),
    /// A custom attribute that was searchable before the contact was created.
    Attribute {
        /// Name of the attribute.
        key: String,
        /// Exact value, at most 100 characters (Amazon Connect administrator guide, search by custom contact
        /// attributes).
        value: String,
    },
}

/// A contact as a search returns it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundContact {
    /// Contact id, never empty.
    pub id: String,
    /// Member `Name`, if the service returns it.
    pub name: Option<String>,
}

/// One page of search results.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactPage {
    /// At most 100 contacts.
    pub contacts: Vec<FoundContact>,
    /// Token of the next page; `None` on the last.
    pub next_token: Option<String>,
}
