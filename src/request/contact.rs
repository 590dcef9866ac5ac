//! The neutral form of a CreateContact request: what the mapping makes and the submission sends.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// One CreateContact request, without the instance and the client token.
///
/// Its `Debug` shows sizes only: names, descriptions and attribute values must never reach a log.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ContactRequest {
    /// `TASK`, `EMAIL` or `VOICE`.
    pub channel: String,
    /// How the contact came to be; `API` for a task.
    pub initiation_method: String,
    /// `COMPLETED` or `CONNECTED_TO_USER`; none leaves the contact in the default state.
    pub initiate_as: Option<String>,
    /// The contact's name, at most 1024 characters. Sensitive.
    pub name: Option<String>,
    /// The contact's description, at most 4096 characters. Sensitive.
    pub description: Option<String>,
    /// User-defined attributes. Values are sensitive.
    pub attributes: BTreeMap<String, String>,
    /// References shown to the agent.
    pub references: BTreeMap<String, Reference>,
    /// Segment attributes, nested.
    pub segment_attributes: BTreeMap<String, SegmentValue>,
    /// Who handled the contact.
    pub user_info: UserInfo,
    /// The contact this one is related to.
    pub related_contact_id: Option<String>,
    /// The contact this one follows (VOICE with external audio only).
    pub previous_contact_id: Option<String>,
    /// Minutes until the contact expires.
    pub expiry_duration_in_minutes: Option<i32>,
}

/// The member `UserInfo`.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct UserInfo {
    /// An agent's id; for imported tasks the full ARN.
    pub user_id: Option<String>,
}

/// One entry of the member `References`.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct Reference {
    /// `URL`, `NUMBER`, `STRING`, `DATE` (epoch seconds), `EMAIL` or `ATTACHMENT`.
    pub r#type: String,
    /// The value, at most 4096 characters.
    pub value: Option<String>,
    /// The state of an attachment.
    pub status: Option<String>,
    /// The ARN of an attachment.
    pub arn: Option<String>,
    /// Why the attachment is in that state.
    pub status_reason: Option<String>,
}

/// A value of the member `SegmentAttributes`; exactly one of its forms is set.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct SegmentValue {
    /// Text of at most 1024 characters.
    pub value_string: Option<String>,
    /// A whole number.
    pub value_integer: Option<i32>,
    /// Named values.
    pub value_map: Option<BTreeMap<String, SegmentValue>>,
    /// A list of values (system-defined attributes only).
    pub value_list: Option<Vec<SegmentValue>>,
    /// An ARN (system-defined attributes only).
    pub value_arn: Option<String>,
}

impl ContactRequest {
    /// `text` with the values of this request blanked, and their words of more than four characters.
    /// The service's own messages may quote what they refuse. Values of up to three characters cannot
    /// be told from the message's own words.
    pub fn redact(&self, text: &str) -> String {
        let values = self.attributes.values();
        let references = self.references.values().filter_map(|reference| reference.value.as_ref());
        let segments = self.segment_attributes.values().flat_map(SegmentValue::texts);
        let ids = [&self.user_info.user_id, &self.related_contact_id, &self.previous_contact_id];
        let private = self.name.iter().chain(&self.description).chain(values).chain(references);
        let private = private.chain(segments).chain(ids.into_iter().flatten());
        // Values as a whole, and their longer words, for a message that quotes a part; the longest first,
        // so that a value which is part of another leaves no remainder behind.
        let private: Vec<&str> = private.map(String::as_str).collect();
        let words = private.iter().flat_map(|value| value.split(|c: char| !c.is_alphanumeric()));
        let words = words.filter(|word| word.chars().count() > 4);
        let whole = private.iter().copied().filter(|value| value.chars().count() > 3);
        let mut blanked: Vec<&str> = whole.chain(words).filter(|part| text.contains(part)).collect();
        blanked.sort_by_key(|part| std::cmp::Reverse(part.len()));
        blanked.into_iter().fold(text.to_owned(), |text, part| text.replace(part, "…"))
    }
}

impl SegmentValue {
    /// Every text in the value, at any depth.
    fn texts(&self) -> Vec<&String> {
        let own = self.value_string.iter().chain(&self.value_arn);
        let inner =
            self.value_map.iter().flat_map(|map| map.values()).chain(self.value_list.iter().flatten());
        own.chain(inner.flat_map(SegmentValue::texts)).collect()
    }
}

impl fmt::Debug for ContactRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactRequest")
            .field("channel", &self.channel)
            .field("attributes", &self.attributes.len())
            .field("references", &self.references.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private() -> ContactRequest {
        ContactRequest {
            name: Some("Jane Roe".into()),
            attributes: BTreeMap::from([("card".into(), "Jane Roe 4111".into())]),
            ..Default::default()
        }
    }

    #[test]
    fn debug_shows_no_private_text() {
        assert!(!format!("{:?}", private()).contains("Jane"));
    }

    #[test]
    fn a_message_that_quotes_the_request_is_blanked() {
        let text = private().redact("'Jane Roe 4111' and 'Jane Roe' are not valid");
        assert_eq!(text, "'…' and '…' are not valid");
        let part = ContactRequest { name: Some("Planted one".into()), ..Default::default() };
        assert_eq!(part.redact("Name Planted is bad"), "Name … is bad");
    }
}
