//! The contacts and the client tokens of the fake service. Pure: clock and randomness come in.

mod contact;
mod tokens;
mod view;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::operation::Creation;
use super::refusal::{Code, Refusal};
use super::uuid::uuid;

pub(super) use contact::{Contact, Created, since_epoch};
pub(super) use tokens::TokenMemory;
pub(super) use view::View;

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// A request for a contact that is valid.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) creation: Creation,
    pub(super) instance_id: &'a str,
    pub(super) client_token: Option<&'a str>,
    pub(super) region: &'a str,
    /// The request as it was sent.
    pub(super) members: &'a Map<String, Value>,
    /// From [`digest`] over `members`.
    pub(super) digest: Digest,
}

/// What a request amounts to.
#[derive(Debug)]
pub(super) enum Plan {
    /// The contact exists already.
    Replay(Created),
    /// A contact that exists once it is inserted.
    New(Contact),
}

/// Every contact, in the order of creation, and what leads to them.
#[derive(Debug)]
pub(super) struct Model {
    contacts: Vec<Arc<Contact>>,
    by_token: HashMap<Digest, usize>,
    by_id: HashMap<Arc<str>, usize>,
    memory: TokenMemory,
    ids: fastrand::Rng,
}

impl Model {
    /// A service without contacts, which draws the identifiers of new ones from `ids`.
    pub(super) fn new(ids: fastrand::Rng, memory: TokenMemory) -> Model {
        Model { contacts: Vec::new(), by_token: HashMap::new(), by_id: HashMap::new(), memory, ids }
    }

    /// Decides what a request amounts to. A new contact does not exist before it is inserted, so
    /// that it can be written down first.
    ///
    /// # Errors
    ///
    /// `IdempotencyException` if the client token was used before with another request. In the
    /// service model only `CreateContact` declares it; what the service answers to such a
    /// `StartTaskContact` is not documented.
    pub(super) fn plan(&mut self, request: &Request<'_>, now: SystemTime) -> Result<Plan, Refusal> {
        let now = since_epoch(now);
        let token = request.client_token;
        let token = token.map(|token| scoped(request.creation, request.instance_id, token));
        let earlier =
            token.and_then(|token| self.by_token.get(&token)).and_then(|index| self.contacts.get(*index));
        match earlier.filter(|contact| self.memory.holds(contact, now)) {
            Some(contact) if *contact.digest() == request.digest => Ok(Plan::Replay(contact.replayed())),
            Some(_) => {
                Err(Refusal::new(Code::Idempotency, "this ClientToken was used before with other parameters"))
            }
            None => {
                let id = uuid(self.ids.u128(..));
                Ok(Plan::New(Contact::draw(request, token, id, now)))
            }
        }
    }

    /// Adds a contact. Its client token leads to it from now on, even if it led to an earlier one.
    pub(super) fn insert(&mut self, contact: Contact) {
        let index = self.contacts.len();
        if let Some(token) = contact.token() {
            self.by_token.insert(token, index);
        }
        self.by_id.insert(contact.shared_id(), index);
        self.contacts.push(Arc::new(contact));
    }

    /// How many contacts there are.
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }

    /// The place of a contact in the order of creation, from 0.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The contact of an identifier.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Contact>> {
        self.place(id).and_then(|index| self.contacts.get(index)).map(Arc::clone)
    }

    /// The contacts in a range of the order of creation, which may reach beyond the last one.
    pub(super) fn contacts(&self, range: Range<usize>) -> impl Iterator<Item = &Arc<Contact>> {
        self.contacts.iter().skip(range.start).take(range.len())
    }
}

/// The digest by which two requests of one client token are compared: of the JSON with sorted
/// keys, without the token itself.
pub(super) fn digest(members: &Map<String, Value>) -> Digest {
    let mut canonical = members.clone();
    canonical.remove("ClientToken");
    let mut canonical = Value::Object(canonical);
    canonical.sort_all_objects();
    Sha256::digest(canonical.to_string()).into()
}

/// A token counts within its operation and its instance. The length keeps the last two parts apart.
fn scoped(creation: Creation, instance_id: &str, token: &str) -> Digest {
    let operation = creation.name();
    Sha256::digest(format!("{operation}:{}:{instance_id}{token}", instance_id.len())).into()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::from_millis(1_700_000_000_250);

    fn remembering(memory: TokenMemory) -> Model {
        Model::new(fastrand::Rng::with_seed(7), memory)
    }

    fn model() -> Model {
        remembering(TokenMemory::default())
    }

    fn create(model: &mut Model, body: &Value) -> Result<Created, Refusal> {
        perform(model, Creation::CreateContact, body)
    }

    fn perform(model: &mut Model, creation: Creation, body: &Value) -> Result<Created, Refusal> {
        perform_at(model, creation, body, NOW)
    }

    /// What the service does with a body: plan, then insert what is new.
    fn perform_at(
        model: &mut Model,
        creation: Creation,
        body: &Value,
        now: Duration,
    ) -> Result<Created, Refusal> {
        let members = body.as_object().unwrap();
        let request = Request {
            creation,
            instance_id: members["InstanceId"].as_str().unwrap(),
            client_token: members.get("ClientToken").and_then(Value::as_str),
            region: "eu-west-2",
            members,
            digest: digest(members),
        };
        match model.plan(&request, UNIX_EPOCH + now)? {
            Plan::Replay(created) => Ok(created),
            Plan::New(contact) => {
                let created = contact.created();
                model.insert(contact);
                Ok(created)
            }
        }
    }

    fn documents(model: &Model) -> Vec<Value> {
        let all = model.contacts(0..usize::MAX);
        all.map(|contact| serde_json::from_str(contact.document()).unwrap()).collect()
    }

    #[test]
    fn a_contact_shows_its_request_its_id_and_its_arn() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n", "ContactId": "x"});
        let created = create(&mut model, &body).unwrap();
        assert!(!created.replayed);
        let arn = format!("arn:aws:connect:eu-west-2:123456789012:instance/i/contact/{}", created.id);
        assert_eq!(created.arn, arn);
        let expected = json!({
            "ContactId": created.id, "ContactArn": arn, "InitiationTimestamp": 1_700_000_000.25,
            "InstanceId": "i", "ClientToken": "t", "Name": "n",
        });
        assert_eq!(documents(&model), [expected]);
    }

    #[test]
    fn the_same_token_and_request_give_the_same_contact_again() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "ClientToken": "t", "Attributes": {"a": "1", "b": "2"}});
        let first = create(&mut model, &body).unwrap();
        let reordered = json!({"Attributes": {"b": "2", "a": "1"}, "ClientToken": "t", "InstanceId": "i"});
        let second = create(&mut model, &reordered).unwrap();
        assert_eq!((&first.id, &first.arn), (&second.id, &second.arn));
        assert!(second.replayed);
        assert_eq!(model.len(), 1);
    }

    #[test]
    fn the_same_token_with_another_request_is_a_mismatch() {
        let mut model = model();
        let first = json!({"InstanceId": "i", "ClientToken": "t", "Name": "one"});
        create(&mut model, &first).unwrap();
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "two"});
        let refusal = create(&mut model, &other).unwrap_err();
        assert_eq!(refusal.code, Code::Idempotency);
        assert_eq!(model.len(), 1);
        assert!(create(&mut model, &first).unwrap().replayed);
    }

    #[test]
    fn tokens_are_case_sensitive_and_count_within_their_instance() {
        let mut model = model();
        for (instance, token) in [("i", "t"), ("i", "T"), ("j", "t"), ("it", ""), ("", "it")] {
            let body = json!({"InstanceId": instance, "ClientToken": token});
            assert!(!create(&mut model, &body).unwrap().replayed);
        }
        assert_eq!(model.len(), 5);
    }

    #[test]
    fn a_token_counts_within_its_operation() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        let contact = create(&mut model, &body).unwrap();
        let task = perform(&mut model, Creation::StartTaskContact, &body).unwrap();
        assert!(!task.replayed);
        assert_ne!(contact.id, task.id);
        let again = perform(&mut model, Creation::StartTaskContact, &body).unwrap();
        assert_eq!((again.id, again.replayed), (task.id, true));
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n"});
        let refusal = perform(&mut model, Creation::StartTaskContact, &other).unwrap_err();
        assert_eq!(refusal.code, Code::Idempotency);
        assert_eq!(model.len(), 2);
    }

    #[test]
    fn a_started_task_shows_its_operation() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "Name": "n", "Operation": "x"});
        let created = perform(&mut model, Creation::StartTaskContact, &body).unwrap();
        assert_eq!(created.creation, Creation::StartTaskContact);
        let expected = json!({
            "ContactId": created.id, "ContactArn": created.arn,
            "InitiationTimestamp": 1_700_000_000.25, "Operation": "StartTaskContact",
            "InstanceId": "i", "Name": "n",
        });
        assert_eq!(documents(&model), [expected]);
    }

    #[test]
    fn a_request_without_a_token_always_creates() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "Name": "n"});
        let first = create(&mut model, &body).unwrap();
        let second = create(&mut model, &body).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(model.len(), 2);
    }

    #[test]
    fn an_instance_named_by_its_arn_gives_a_plain_contact_arn() {
        let mut model = model();
        let body = json!({"InstanceId": "arn:aws:connect:eu-west-2:1:instance/i"});
        let arn = create(&mut model, &body).unwrap().arn;
        assert!(arn.starts_with("arn:aws:connect:eu-west-2:123456789012:instance/i/contact/"));
    }

    #[test]
    fn contacts_are_given_in_the_order_of_creation_and_found_by_their_ids() {
        let mut model = model();
        let ids = ["a", "b", "c"].map(|name| {
            let body = json!({"InstanceId": "i", "Name": name});
            create(&mut model, &body).unwrap().id
        });
        let middle: Vec<_> = model.contacts(1..2).collect();
        assert_eq!(middle.len(), 1);
        assert!(middle[0].document().contains(r#""Name":"b""#));
        assert_eq!(model.contacts(3..9).count(), 0);
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(model.place(id), Some(place));
            assert_eq!(model.find(id).unwrap().id(), id);
        }
        assert!(model.find("x").is_none());
    }

    #[test]
    fn a_token_past_its_window_leads_to_a_new_contact_from_then_on() {
        let window = Duration::from_secs(60);
        let mut model = remembering(TokenMemory { window: Some(window), ..TokenMemory::default() });
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n"});
        let mut at = |body, now| perform_at(&mut model, Creation::CreateContact, body, now);
        let millisecond = Duration::from_millis(1);
        let first = at(&body, NOW).unwrap();
        assert!(at(&body, NOW + window).unwrap().replayed);
        assert!(at(&other, NOW + window).is_err());
        // Even another request may have it then.
        let second = at(&other, NOW + window + millisecond).unwrap();
        assert!(!second.replayed);
        assert_ne!(first.id, second.id);
        let again = at(&other, NOW + 2 * window).unwrap();
        assert_eq!((again.id, again.replayed), (second.id, true));
        // A clock that steps back makes nothing older.
        assert!(at(&other, NOW).unwrap().replayed);
    }

    #[test]
    fn a_token_window_counts_from_the_contacts_timestamp_after_a_restart() {
        let window = Duration::from_secs(60);
        let memory = TokenMemory { window: Some(window), ..TokenMemory::default() };
        let mut before = remembering(memory);
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        create(&mut before, &body).unwrap();
        let contact = before.contacts(0..1).next().unwrap();
        for (later, replayed) in [(Duration::ZERO, true), (Duration::from_millis(1), false)] {
            let mut after = remembering(memory);
            let Value::Object(document) = serde_json::from_str(contact.document()).unwrap() else {
                unreachable!()
            };
            let contact = Contact::restore(Creation::CreateContact, document, *contact.digest());
            after.insert(contact.unwrap());
            let now = NOW + window + later;
            let answer = perform_at(&mut after, Creation::CreateContact, &body, now).unwrap();
            assert_eq!(answer.replayed, replayed);
        }
    }

    #[test]
    fn the_token_of_a_completed_contact_can_be_forgotten_at_once() {
        let mut model = remembering(TokenMemory { forget_completed: true, ..TokenMemory::default() });
        let completed = json!({"InstanceId": "i", "ClientToken": "t", "InitiateAs": "COMPLETED"});
        let open = json!({"InstanceId": "i", "ClientToken": "t"});
        let first = create(&mut model, &completed).unwrap();
        let second = create(&mut model, &completed).unwrap();
        assert_ne!(first.id, second.id);
        // An open contact's is remembered, and so is a started task's.
        for (creation, body) in [(Creation::CreateContact, &open), (Creation::StartTaskContact, &completed)] {
            assert!(!perform(&mut model, creation, body).unwrap().replayed);
            assert!(perform(&mut model, creation, body).unwrap().replayed);
        }
    }
}
