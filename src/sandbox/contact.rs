//! One contact: the request it is created from, its data, and how the operations that read show it. Pure.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::operation::CreateOperation;

/// The account of every contact: the example account of the AWS documentation.
const ACCOUNT: &str = "123456789012";

/// The first 128 bits of a SHA-256.
pub(super) type Hash128 = u128;

/// A request for a contact that has passed all checks.
#[derive(Debug)]
pub(super) struct ValidRequest<'a> {
    pub(super) operation: CreateOperation,
    pub(super) instance_id: &'a str,
    pub(super) client_token: Option<&'a str>,
    pub(super) region: &'a str,
    /// The members as they were sent.
    pub(super) members: &'a Map<String, Value>,
}

impl ValidRequest<'_> {
    /// The hash by which two requests with one client token are compared: of the JSON with sorted keys,
    /// without the token.
    pub(super) fn digest(&self) -> Hash128 {
        let mut canonical = self.members.clone();
        canonical.remove("ClientToken");
        let mut canonical = Value::Object(canonical);
        canonical.sort_all_objects();
        hash(&canonical.to_string())
    }

    /// The hash of the client token with its scope; `None` for a request without a token.
    pub(super) fn token(&self) -> Option<Hash128> {
        self.client_token.map(|token| scoped_token(self.operation, self.instance_id, token))
    }
}

/// One contact. It never changes.
#[derive(Debug)]
pub(super) struct StoredContact {
    pub(super) operation: CreateOperation,
    pub(super) id: Arc<str>,
    pub(super) arn: String,
    /// The time of its initiation since 1970, to the millisecond.
    pub(super) initiated: Duration,
    /// Whether it was initiated as COMPLETED.
    pub(super) is_completed: bool,
    /// From [`ValidRequest::token`].
    pub(super) token: Option<Hash128>,
    /// From [`ValidRequest::digest`].
    pub(super) digest: Hash128,
    /// The JSON object that `GET /_sandbox/contacts` shows.
    pub(super) document: Box<str>,
}

impl StoredContact {
    /// A new contact with the given id.
    pub(super) fn create(request: &ValidRequest<'_>, id: String, initiated: Duration) -> StoredContact {
        let (operation, region) = (request.operation, request.region);
        let instance = plain_instance_id(request.instance_id);
        let arn = format!("arn:aws:connect:{region}:{ACCOUNT}:instance/{instance}/contact/{id}");
        let mut document = Map::new();
        document.insert("ContactId".into(), id.as_str().into());
        document.insert("ContactArn".into(), arn.as_str().into());
        document.insert("InitiationTimestamp".into(), initiated.as_secs_f64().into());
        if operation != CreateOperation::CreateContact {
            document.insert("Operation".into(), operation.name().into());
        }
        for (member, value) in request.members {
            document.entry(member.as_str()).or_insert_with(|| value.clone());
        }
        StoredContact {
            operation,
            id: id.into(),
            arn,
            initiated,
            is_completed: is_completed(operation, &document),
            token: request.token(),
            digest: request.digest(),
            document: Value::Object(document).to_string().into(),
        }
    }

    /// Restores a contact from its operation, its document and its digest; `None` if the document is not one
    /// of a contact.
    pub(super) fn restore(
        operation: CreateOperation,
        document: Map<String, Value>,
        digest: Hash128,
    ) -> Option<StoredContact> {
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        let instance_id = text("InstanceId")?;
        let seconds = document.get("InitiationTimestamp").and_then(Value::as_f64)?;
        Some(StoredContact {
            operation,
            id: text("ContactId")?.into(),
            arn: text("ContactArn")?.to_owned(),
            // A float of epoch seconds is exact to the millisecond after rounding.
            initiated: Duration::from_millis((seconds * 1000.0).round() as u64),
            is_completed: is_completed(operation, &document),
            token: text("ClientToken").map(|token| scoped_token(operation, instance_id, token)),
            digest,
            document: Value::Object(document).to_string().into(),
        })
    }

    /// Its age at a time since 1970; zero if the clock has stepped back since its initiation.
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.initiated)
    }

    /// The response to the request that creates this contact, and to its repetition, with the members that the
    /// service model gives it.
    pub(super) fn creation(&self) -> Value {
        match self.operation {
            CreateOperation::CreateContact => json!({"ContactId": &*self.id, "ContactArn": self.arn}),
            CreateOperation::StartTaskContact => json!({"ContactId": &*self.id}),
        }
    }
}

/// A contact with the members of its document.
pub(super) struct ContactView<'a> {
    contact: &'a StoredContact,
    members: Map<String, Value>,
}

impl<'a> ContactView<'a> {
    pub(super) fn new(contact: &'a StoredContact) -> ContactView<'a> {
        // The sandbox wrote the document: it is always an object.
        ContactView { contact, members: serde_json::from_str(&contact.document).unwrap_or_default() }
    }

    /// Whether the contact is in the instance, given by its id or its ARN.
    pub(super) fn is_in(&self, instance_id: &str) -> bool {
        self.text("InstanceId").is_some_and(|own| plain_instance_id(own) == plain_instance_id(instance_id))
    }

    /// The channel; a request of `StartTaskContact` has no such member.
    pub(super) fn channel(&self) -> &str {
        match self.contact.operation {
            CreateOperation::CreateContact => self.text("Channel").unwrap_or_default(),
            CreateOperation::StartTaskContact => "TASK",
        }
    }

    pub(super) fn attribute(&self, key: &str) -> Option<&str> {
        self.members.get("Attributes")?.get(key)?.as_str()
    }

    /// The member `Contact` in a response of `DescribeContact`.
    pub(super) fn description(&self) -> Value {
        let mut shown = self.summary();
        shown.insert("LastUpdateTimestamp".into(), self.contact.initiated.as_secs_f64().into());
        for member in ["Description", "RelatedContactId", "Attributes"] {
            self.copy(member, &mut shown);
        }
        Value::Object(shown)
    }

    /// An item of `Contacts` in a response of `SearchContacts`.
    pub(super) fn summary(&self) -> Map<String, Value> {
        let method = match self.contact.operation {
            CreateOperation::CreateContact => self.text("InitiationMethod").unwrap_or_default(),
            CreateOperation::StartTaskContact => "API",
        };
        let mut shown = Map::new();
        shown.insert("Arn".into(), self.contact.arn.as_str().into());
        shown.insert("Id".into(), self.contact.id.as_ref().into());
        shown.insert("InitiationMethod".into(), method.into());
        shown.insert("Channel".into(), self.channel().into());
        shown.insert("InitiationTimestamp".into(), self.contact.initiated.as_secs_f64().into());
        // A contact that is created as completed is disconnected at once; the sandbox disconnects no other.
        if self.contact.is_completed {
            shown.insert("DisconnectTimestamp".into(), self.contact.initiated.as_secs_f64().into());
        }
        for member in ["Name", "PreviousContactId"] {
            self.copy(member, &mut shown);
        }
        shown
    }

    /// A member of the request that is a string.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    fn copy(&self, member: &str, shown: &mut Map<String, Value>) {
        if let Some(value) = self.members.get(member) {
            shown.insert(member.into(), value.clone());
        }
    }
}

/// A version 4 UUID of 128 random bits, in lower case, as the service writes its ids.
pub(super) fn uuid(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The time since 1970, to the millisecond, as the service writes timestamps.
pub(super) fn since_epoch(time: SystemTime) -> Duration {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::new(passed.as_secs(), passed.subsec_millis() * 1_000_000)
}

/// The id of an instance given by its id or by its ARN, which ends in the id.
fn plain_instance_id(given: &str) -> &str {
    given.rsplit('/').next().unwrap_or_default()
}

/// Whether the request initiates the contact as COMPLETED. `StartTaskContact` ignores the member.
fn is_completed(operation: CreateOperation, document: &Map<String, Value>) -> bool {
    let state = document.get("InitiateAs").and_then(Value::as_str);
    operation == CreateOperation::CreateContact && state == Some("COMPLETED")
}

/// A client token is valid within its operation and its instance. The length separates the last two parts.
fn scoped_token(operation: CreateOperation, instance_id: &str, token: &str) -> Hash128 {
    hash(&format!("{}:{}:{instance_id}{token}", operation.name(), instance_id.len()))
}

fn hash(text: &str) -> Hash128 {
    let hash: [u8; 32] = Sha256::digest(text).into();
    hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(operation: CreateOperation, members: &Value) -> StoredContact {
        let mut document = json!({
            "ContactId": "c", "ContactArn": "arn/c", "InitiationTimestamp": 1_700_000_000.25,
            "InstanceId": "arn:aws:connect:eu-west-2:1:instance/i",
        });
        for (member, value) in members.as_object().unwrap() {
            document[member] = value.clone();
        }
        let Value::Object(document) = document else { unreachable!() };
        StoredContact::restore(operation, document, 0).unwrap()
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_completed_task_is_described_with_all_its_members() {
        let contact = contact(
            CreateOperation::CreateContact,
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
        assert_eq!(ContactView::new(&contact).description(), expected);
    }

    #[test]
    fn an_open_contact_has_no_time_of_disconnection() {
        let contact =
            contact(CreateOperation::CreateContact, &json!({"Channel": "EMAIL", "InitiationMethod": "FLOW"}));
        let expected = json!({
            "Arn": "arn/c", "Id": "c", "InitiationMethod": "FLOW", "Channel": "EMAIL",
            "InitiationTimestamp": 1_700_000_000.25,
        });
        assert_eq!(Value::Object(ContactView::new(&contact).summary()), expected);
    }

    #[test]
    fn a_started_task_is_an_open_task_initiated_by_the_api() {
        // The operation ignores these members.
        let sent = json!({"Channel": 1, "InitiationMethod": "FLOW", "InitiateAs": "COMPLETED"});
        let contact = contact(CreateOperation::StartTaskContact, &sent);
        let expected = json!({
            "Arn": "arn/c", "Id": "c", "InitiationMethod": "API", "Channel": "TASK",
            "InitiationTimestamp": 1_700_000_000.25,
        });
        assert_eq!(Value::Object(ContactView::new(&contact).summary()), expected);
    }

    #[test]
    fn an_instance_is_given_by_its_id_or_its_arn() {
        let contact = contact(CreateOperation::CreateContact, &json!({}));
        let view = ContactView::new(&contact);
        assert!(view.is_in("i"));
        assert!(view.is_in("arn:aws:connect:eu-west-2:1:instance/i"));
        assert!(!view.is_in("j"));
        assert!(!view.is_in(""));
    }
}
