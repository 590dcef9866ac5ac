//! restJson1, as the service reads it: JSON to a typed input. Pure.
//!
//! As the protocol asks, members nobody knows are ignored, but for the criteria of a search, and a
//! null is a member left out. A member of the wrong type is refused by its path; its value is never
//! repeated.

mod common;
mod create_contact;
mod labels;
mod search_contacts;
mod start_task_contact;
mod structure;

use serde_json::{Map, Value};

use super::operation::Creation;
use super::refusal::Refusal;
use structure::{Structure, undecodable};

pub(super) use common::{Common, Reference, SegmentValue};
pub(super) use create_contact::CreateContact;
pub(super) use labels::Labels;
pub(super) use search_contacts::{
    AttributeCriteria, Criteria, NameCriteria, SearchContacts, Sort, TimeRange,
};
pub(super) use start_task_contact::{Attachment, StartTaskContact};
pub(super) use structure::path;

/// A string map or a map of structures, in the order of the body.
pub(super) type Entries<'a, T> = Vec<(&'a str, T)>;

/// The members of a request for a contact. Types are right; nothing else is checked yet, not even
/// that required members are there.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) common: Common<'a>,
    pub(super) own: Own<'a>,
}

/// The members that only the operation has.
#[derive(Debug)]
pub(super) enum Own<'a> {
    CreateContact(CreateContact<'a>),
    StartTaskContact(StartTaskContact<'a>),
}

/// A body as a JSON object, with every null left out.
///
/// # Errors
///
/// `SerializationException` if it is none, or nested deeper than 127 levels.
pub(super) fn decode(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut members)) => {
            without_nulls(&mut members);
            Ok(members)
        }
        Ok(_) => Err(undecodable("the body is not a JSON object")),
        Err(error) => Err(undecodable(format!(
            "the body is not valid JSON at line {} column {}",
            error.line(),
            error.column()
        ))),
    }
}

impl<'a> Input<'a> {
    /// Reads an operation's members out of a decoded body.
    ///
    /// # Errors
    ///
    /// `SerializationException` for the first member of the wrong type.
    pub(super) fn read(creation: Creation, members: &'a Map<String, Value>) -> Result<Input<'a>, Refusal> {
        let top = Structure::top(members);
        Ok(Input {
            common: Common::read(&top)?,
            own: match creation {
                Creation::CreateContact => Own::CreateContact(CreateContact::read(&top)?),
                Creation::StartTaskContact => Own::StartTaskContact(StartTaskContact::read(&top)?),
            },
        })
    }
}

fn without_nulls(members: &mut Map<String, Value>) {
    members.retain(|_, value| !value.is_null());
    for value in members.values_mut() {
        clean(value);
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::Object(members) => without_nulls(members),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::refusal::Code;
    use super::*;

    fn refusal_of(creation: Creation, body: &Value) -> Refusal {
        let members = decode(body.to_string().as_bytes()).unwrap();
        Input::read(creation, &members).unwrap_err()
    }

    #[test]
    fn a_body_that_is_no_json_object_is_undecodable() {
        for body in ["", "{", "[]", "\"x\"", "{\"a\":1,}", "\u{feff}{}"] {
            let refusal = decode(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, Code::Serialization, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_end_is_undecodable() {
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(decode(deep.as_bytes()).unwrap_err().code, Code::Serialization);
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_and_its_value_is_not() {
        let cases = [
            (json!({"Name": 4711}), "Name must be a string"),
            (json!({"Attributes": "4711"}), "Attributes must be an object"),
            (json!({"Attributes": {"a": 4711}}), "Attributes.a must be a string"),
            (json!({"Attributes": {"a b": 4711}}), "Attributes.* must be a string"),
            (
                json!({"References": {"r": {"Type": "URL", "Value": 4711}}}),
                "References.r.Value must be a string",
            ),
            (
                json!({"SegmentAttributes": {"s": {"ValueMap": {"t": {"ValueInteger": "4711"}}}}}),
                "SegmentAttributes.s.ValueMap.t.ValueInteger must be a 32-bit integer",
            ),
            (
                json!({"SegmentAttributes": {"s": {"ValueList": [4711]}}}),
                "SegmentAttributes.s.ValueList must be a list of objects",
            ),
        ];
        for (body, message) in cases {
            for creation in Creation::ALL {
                let refusal = refusal_of(creation, &body);
                assert_eq!(refusal.code, Code::Serialization);
                assert_eq!(refusal.message, message);
            }
        }
    }

    #[test]
    fn an_operations_own_members_have_their_types_too() {
        let whole = "ExpiryDurationInMinutes must be a 32-bit integer";
        let cases = [
            (Creation::CreateContact, json!({"ExpiryDurationInMinutes": "4711"}), whole),
            (Creation::CreateContact, json!({"ExpiryDurationInMinutes": 4711.5}), whole),
            (Creation::CreateContact, json!({"UserInfo": 4711}), "UserInfo must be an object"),
            (Creation::StartTaskContact, json!({"ContactFlowId": 4711}), "ContactFlowId must be a string"),
            (Creation::StartTaskContact, json!({"ScheduledTime": "4711"}), "ScheduledTime must be a number"),
            (Creation::StartTaskContact, json!({"Attachments": {}}), "Attachments must be a list"),
            (
                Creation::StartTaskContact,
                json!({"Attachments": ["4711"]}),
                "Attachments must be a list of objects",
            ),
            (
                Creation::StartTaskContact,
                json!({"Attachments": [{"FileName": "f", "S3Url": 4711}]}),
                "Attachments.S3Url must be a string",
            ),
        ];
        for (creation, body, message) in cases {
            let refusal = refusal_of(creation, &body);
            assert_eq!(refusal.code, Code::Serialization);
            assert_eq!(refusal.message, message);
        }
    }

    #[test]
    fn another_operations_members_are_ignored() {
        let create = json!({"ScheduledTime": "soon", "Attachments": 1});
        let start = json!({"ExpiryDurationInMinutes": "soon", "Channel": 1});
        for (creation, body) in [(Creation::CreateContact, create), (Creation::StartTaskContact, start)] {
            let members = decode(body.to_string().as_bytes()).unwrap();
            assert!(Input::read(creation, &members).is_ok(), "{creation:?}");
        }
    }

    #[test]
    fn a_scheduled_time_may_have_a_fraction() {
        for (number, seconds) in [("1700000000", 1_700_000_000.0), ("1700000000.25", 1_700_000_000.25)] {
            let members = decode(format!("{{\"ScheduledTime\": {number}}}").as_bytes()).unwrap();
            let input = Input::read(Creation::StartTaskContact, &members).unwrap();
            let Own::StartTaskContact(own) = input.own else { unreachable!() };
            assert_eq!(own.scheduled_time, Some(seconds));
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_a_null_is_no_member() {
        let body = br#"{"Name": null, "Weather": [1], "Channel": "TASK", "UserInfo": null}"#;
        let members = decode(body).unwrap();
        let input = Input::read(Creation::CreateContact, &members).unwrap();
        let Own::CreateContact(own) = input.own else { unreachable!() };
        assert_eq!(input.common.name, None);
        assert_eq!(own.user_id, None);
        assert_eq!(own.channel, Some("TASK"));
    }
}
