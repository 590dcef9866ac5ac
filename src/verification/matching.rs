//! Compares a contact with the row that it was created from. Pure.

use crate::digest::Digest;
use crate::ledger::{Cause, InDoubtRow, RequestDigest, SentRow};
use crate::mapping::{MapError, Mapping, MappingError};
use crate::request::Operation;
use crate::submission::{ContactDetails, ContactSearch, SearchBy};

/// Tolerance for clocks that differ and for late answers, milliseconds.
const LEEWAY_MS: i64 = 15 * 60 * 1000;

/// Longest time range of a search: eight weeks (administrator guide, contact search; the API reference names none).
const LONGEST_MS: i64 = 8 * 7 * 24 * 60 * 60 * 1000;

/// Longest value of an attribute that can be searched, characters (administrator guide, search by custom contact
/// attributes).
const VALUE_CHARS: usize = 100;

/// Longest text of a search by name, characters (service model, SearchText).
const NAME_CHARS: usize = 128;

/// Members in which a contact differs from what its row was sent with: `instance`, `Name` or `Attributes`.
pub(super) fn differences(
    instance_id: &str,
    operation: Operation,
    (row, digest): (&SentRow, RequestDigest),
    contact: &ContactDetails,
) -> Vec<&'static str> {
    let mut members = Vec::new();
    if contact.arn.as_ref().is_some_and(|arn| !is_of_instance(arn, instance_id)) {
        members.push("instance");
    }
    let attributes = contact.attributes.iter().map(|(key, value)| (&**key, &**value)).collect();
    let found = RequestDigest::of(row.token, contact.name.as_deref(), attributes);
    if !digest.has_name_of(&found) {
        members.push("Name");
    }
    // The flow of an open task may set attributes.
    if operation == Operation::CreateContact && !digest.has_attributes_of(&found) {
        members.push("Attributes");
    }
    members
}

/// Whether `arn:…:instance/ID/contact/…` names the instance. Another text is not evidence against it.
fn is_of_instance(arn: &str, instance_id: &str) -> bool {
    arn.split_once(":instance/").is_none_or(|(_, rest)| rest.split('/').next() == Some(instance_id))
}

/// The contact that an unknown row would have created, and the search for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ExpectedContact {
    pub(super) search: ContactSearch,
    pub(super) digest: RequestDigest,
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl ExpectedContact {
    /// Equal for rows with the same name and attributes, whose contacts cannot be told apart.
    pub(super) fn content_digest(&self) -> Digest {
        let mut attributes = self.attributes.clone();
        attributes.sort_unstable();
        let texts = attributes.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
        Digest::of([self.name.as_bytes()].into_iter().chain(texts))
    }

    /// Whether a contact has all of the attributes. The flow of an open task may have added others.
    pub(super) fn has_attributes_in(&self, contact: &ContactDetails) -> bool {
        self.attributes.iter().all(|attribute| contact.attributes.contains(attribute))
    }
}

/// The contact of an unknown row. It is searched by the attribute, if the row has it with a value that can be searched;
/// otherwise by the name.
pub(super) fn expected_contact(
    row: &InDoubtRow,
    mapping: &Result<Mapping, MappingError>,
    attribute: Option<&str>,
) -> Result<ExpectedContact, Cause> {
    let unsearchable = |message: String| Cause { code: "Unsearchable".into(), message: message.into() };
    let mapping = mapping.as_ref().map_err(|error| unsearchable(error.to_string()))?;
    // At the time of the first attempt, since a template may contain the time.
    let request = match mapping.map(&row.cells, row.first_sent_ms / 1000) {
        Ok(mapped) => mapped.request,
        Err(MapError::Row(rejection)) => return Err(unsearchable(rejection.to_string())),
        Err(MapError::Job(error)) => return Err(unsearchable(error.to_string())),
    };
    let digest = RequestDigest::of_request(row.row.token, &request);
    if row.row.digest != digest {
        let message = "the mapping gives another name or other attributes than were sent; use the job file that sent the row";
        return Err(unsearchable(message.to_owned()));
    }
    let name = request.name.as_deref().unwrap_or_default().to_owned();
    let attributes: Vec<(String, String)> =
        request.attributes.iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect();
    let attribute = attribute
        .and_then(|named| attributes.iter().find(|(key, _)| key == named))
        .filter(|(_, value)| !value.is_empty() && value.chars().count() <= VALUE_CHARS);
    let by = match attribute {
        Some((key, value)) => SearchBy::Attribute { key: key.clone(), value: value.clone() },
        None => SearchBy::Name(first_words(&name)),
    };
    if by == SearchBy::Name(String::new()) {
        return Err(unsearchable("it was sent without a name or an attribute to search by".to_owned()));
    }
    let until_ms = row.last_sent_ms + LEEWAY_MS;
    let from_ms = (row.first_sent_ms - LEEWAY_MS).max(until_ms - LONGEST_MS);
    let channel = request.channel.as_deref().unwrap_or("TASK").to_owned();
    let search = ContactSearch { by, channel, from_ms, until_ms };
    Ok(ExpectedContact { search, digest, name, attributes })
}

/// The first words of a name, up to the length of a search; the start of a longer first word.
fn first_words(name: &str) -> String {
    let name = name.trim();
    let Some((end, _)) = name.char_indices().nth(NAME_CHARS) else { return name.to_owned() };
    let cut = &name[..end];
    cut.rfind(char::is_whitespace).map_or(cut, |space| cut[..space].trim_end()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_searched_by_its_first_words() {
        assert_eq!(first_words("  a name "), "a name");
        let long = "word ".repeat(40);
        assert_eq!(first_words(&long), "word ".repeat(25).trim_end());
        assert_eq!(first_words(&"ü".repeat(200)), "ü".repeat(128));
    }

    #[test]
    fn an_arn_names_its_instance() {
        let arn = "arn:aws:connect:eu-west-2:123456789012:instance/i-1/contact/c";
        assert!(is_of_instance(arn, "i-1"));
        assert!(!is_of_instance(arn, "i-2") && !is_of_instance(arn, "i"));
        assert!(is_of_instance("arn", "i-1"));
    }
}
