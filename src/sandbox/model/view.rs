//! A contact as the reading operations show and search it.

use serde_json::{Map, Value};

use super::contact::{Contact, epoch_seconds, instance};
use crate::sandbox::operation::Creation;

/// A contact with its members read out of its document.
pub(in crate::sandbox) struct View<'a> {
    contact: &'a Contact,
    members: Map<String, Value>,
}

impl<'a> View<'a> {
    pub(in crate::sandbox) fn of(contact: &'a Contact) -> View<'a> {
        // The document was written by the sandbox: it is always an object.
        View { contact, members: serde_json::from_str(contact.document()).unwrap_or_default() }
    }

    /// Whether the contact is in the instance, named by its id or its ARN.
    pub(in crate::sandbox) fn is_in(&self, instance_id: &str) -> bool {
        self.text("InstanceId").is_some_and(|own| instance(own) == instance(instance_id))
    }

    /// A started task says no channel: it is one.
    pub(in crate::sandbox) fn channel(&self) -> &str {
        match self.contact.creation() {
            Creation::CreateContact => self.text("Channel").unwrap_or_default(),
            Creation::StartTaskContact => "TASK",
        }
    }

    /// A started task says no method: it came by the API.
    pub(in crate::sandbox) fn initiation_method(&self) -> &str {
        match self.contact.creation() {
            Creation::CreateContact => self.text("InitiationMethod").unwrap_or_default(),
            Creation::StartTaskContact => "API",
        }
    }

    pub(in crate::sandbox) fn name(&self) -> Option<&str> {
        self.text("Name")
    }

    pub(in crate::sandbox) fn attribute(&self, key: &str) -> Option<&str> {
        self.members.get("Attributes")?.get(key)?.as_str()
    }

    /// `Contact` of `DescribeContact`.
    pub(in crate::sandbox) fn description(&self) -> Value {
        let mut shown = self.summary();
        shown.insert("LastUpdateTimestamp".into(), epoch_seconds(self.contact.initiated()));
        for member in ["Description", "RelatedContactId", "Attributes"] {
            self.copy(member, &mut shown);
        }
        Value::Object(shown)
    }

    /// An item of `Contacts` of `SearchContacts`.
    pub(in crate::sandbox) fn summary(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("Arn".into(), self.contact.arn().into());
        shown.insert("Id".into(), self.contact.id().into());
        shown.insert("InitiationMethod".into(), self.initiation_method().into());
        shown.insert("Channel".into(), self.channel().into());
        shown.insert("InitiationTimestamp".into(), epoch_seconds(self.contact.initiated()));
        if let Some(disconnected) = self.contact.disconnected() {
            shown.insert("DisconnectTimestamp".into(), epoch_seconds(disconnected));
        }
        for member in ["Name", "PreviousContactId"] {
            self.copy(member, &mut shown);
        }
        shown
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    fn copy(&self, member: &str, shown: &mut Map<String, Value>) {
        if let Some(value) = self.members.get(member) {
            shown.insert(member.into(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contact(creation: Creation, members: &Value) -> Contact {
        let mut document = json!({
            "ContactId": "c", "ContactArn": "arn/c", "InitiationTimestamp": 1_700_000_000.25,
            "InstanceId": "arn:aws:connect:eu-west-2:1:instance/i",
        });
        for (member, value) in members.as_object().unwrap() {
            document[member] = value.clone();
        }
        let Value::Object(document) = document else { unreachable!() };
        Contact::restore(creation, document, [0; 32]).unwrap()
    }

    #[test]
    fn a_completed_task_is_described_with_all_it_has() {
        let contact = contact(
            Creation::CreateContact,
            &json!({
                "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED", "Name": "n",
                "Description": "d", "RelatedContactId": "r", "PreviousContactId": "p",
                "Attributes": {"a": "1"}, "References": {"l": {"Type": "URL"}}, "ClientToken": "t",
            }),
        );
        let expected = json!({
            "Arn": "arn/c", "Id": "c", "InitiationMethod": "API", "Channel": "TASK", "Name": "n",
            "Description": "d", "RelatedContactId": "r", "PreviousContactId": "p",
            "Attributes": {"a": "1"}, "InitiationTimestamp": 1_700_000_000.25,
            "DisconnectTimestamp": 1_700_000_000.25, "LastUpdateTimestamp": 1_700_000_000.25,
        });
        assert_eq!(View::of(&contact).description(), expected);
    }

    #[test]
    fn an_open_contact_is_not_disconnected_and_shows_no_more_than_it_has() {
        let contact =
            contact(Creation::CreateContact, &json!({"Channel": "EMAIL", "InitiationMethod": "FLOW"}));
        let expected = json!({
            "Arn": "arn/c", "Id": "c", "InitiationMethod": "FLOW", "Channel": "EMAIL",
            "InitiationTimestamp": 1_700_000_000.25,
        });
        assert_eq!(Value::Object(View::of(&contact).summary()), expected);
    }

    #[test]
    fn a_started_task_is_a_task_by_the_api_whatever_was_sent_along() {
        let sent = json!({"Channel": 1, "InitiationMethod": "FLOW", "InitiateAs": "COMPLETED", "Name": "n"});
        let contact = contact(Creation::StartTaskContact, &sent);
        let view = View::of(&contact);
        assert_eq!((view.channel(), view.initiation_method()), ("TASK", "API"));
        assert_eq!(contact.disconnected(), None);
    }

    #[test]
    fn a_contact_is_in_its_instance_by_id_and_by_arn() {
        let contact = contact(Creation::CreateContact, &json!({}));
        let view = View::of(&contact);
        assert!(view.is_in("i"));
        assert!(view.is_in("arn:aws:connect:eu-west-2:1:instance/i"));
        assert!(!view.is_in("j"));
        assert!(!view.is_in(""));
    }
}
