//! Asking about contacts, which changes nothing.

use super::AttemptError;

/// A contact as DescribeContact shows it, as far as it is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// Its ARN, which names the instance.
    pub arn: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
}

/// What SearchContacts is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// By what.
    pub by: SearchBy,
    /// The channel of the contacts.
    pub channel: String,
    /// Contacts that began from here on, in milliseconds since 1970.
    pub from_ms: i64,
    /// Contacts that began up to here; at most eight weeks later (administrator guide, contact
    /// search).
    pub until_ms: i64,
}

/// By what contacts are searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchBy {
    /// Words of the name, at most 128 characters (service model, SearchText). The service may find more than
    /// the very name.
    Name(String),
    /// An attribute that was registered as searchable before the contact was made.
    Attribute {
        /// Its key.
        key: String,
        /// Its value, at most 100 characters (administrator guide, search by custom contact attributes).
        value: String,
    },
}

/// A contact that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Its name, if the service tells it.
    pub name: Option<String>,
}

/// Some of the contacts that were found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The contacts.
    pub contacts: Vec<Summary>,
    /// What to ask for the next page with; none on the last.
    pub next: Option<String>,
}

/// Asks about contacts. An implementation makes exactly one attempt a call: pacing and retries are the
/// caller's.
pub trait Inquirer: Send + Sync + 'static {
    /// The contact of that id; none if the service does not know it.
    ///
    /// # Errors
    /// What kept the service from saying so.
    fn describe(
        &self,
        contact_id: &str,
    ) -> impl Future<Output = Result<Option<Described>, AttemptError>> + Send;

    /// One page of the contacts that fit.
    ///
    /// # Errors
    /// What kept the service from saying so.
    fn search(
        &self,
        search: &Search,
        page: Option<String>,
    ) -> impl Future<Output = Result<Page, AttemptError>> + Send;
}
