//! The contacts and the client tokens of the fake service. Pure: clock and randomness come in.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::operation::Operation;
use super::refusal::{Code, Refusal};
use super::uuid::uuid;

/// The account every contact of the sandbox belongs to: the documentation's example account.
const ACCOUNT: &str = "123456789012";

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// A request that is valid.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) operation: Operation,
    pub(super) instance_id: &'a str,
    pub(super) client_token: Option<&'a str>,
    pub(super) region: &'a str,
    /// The request as it was sent.
    pub(super) members: &'a Map<String, Value>,
    /// From [`digest`] over `members`.
    pub(super) digest: Digest,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) operation: Operation,
    pub(super) id: String,
    pub(super) arn: String,
    /// The client token was known: the contact is an earlier request's.
    pub(super) replayed: bool,
}

/// What a request amounts to.
#[derive(Debug)]
pub(super) enum Plan {
    /// The contact exists already.
    Replay(Created),
    /// A contact that exists once it is inserted.
    New(Contact),
}

/// One contact.
#[derive(Debug)]
pub(super) struct Contact {
    operation: Operation,
    id: String,
    arn: String,
    /// Operation, instance and client token; `None` for a request without a token.
    token: Option<Digest>,
    digest: Digest,
    /// The JSON object that `GET /_sandbox/contacts` shows.
    document: Box<str>,
}

impl Contact {
    /// The contact that [`Contact::operation`], [`Contact::document`] and [`Contact::digest`] were
    /// taken from, or `None` if the document is no contact's.
    pub(super) fn restore(
        operation: Operation,
        document: Map<String, Value>,
        digest: Digest,
    ) -> Option<Contact> {
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        let instance_id = text("InstanceId")?;
        Some(Contact {
            operation,
            id: text("ContactId")?.to_owned(),
            arn: text("ContactArn")?.to_owned(),
            token: text("ClientToken").map(|token| scoped(operation, instance_id, token)),
            digest,
            document: Value::Object(document).to_string().into(),
        })
    }

    pub(super) fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) fn document(&self) -> &str {
        &self.document
    }

    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The answer to the request that creates this contact.
    pub(super) fn created(&self) -> Created {
        self.answer(false)
    }

    fn answer(&self, replayed: bool) -> Created {
        Created { operation: self.operation, id: self.id.clone(), arn: self.arn.clone(), replayed }
    }
}

/// Every contact, in the order of creation, and the tokens that lead to them.
#[derive(Debug)]
pub(super) struct Model {
    contacts: Vec<Contact>,
    tokens: HashMap<Digest, usize>,
    ids: fastrand::Rng,
}

impl Model {
    /// A service without contacts, which draws the identifiers of new ones from `ids`.
    pub(super) fn new(ids: fastrand::Rng) -> Model {
        Model { contacts: Vec::new(), tokens: HashMap::new(), ids }
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
        let token = request.client_token;
        let token = token.map(|token| scoped(request.operation, request.instance_id, token));
        let earlier =
            token.and_then(|token| self.tokens.get(&token)).and_then(|index| self.contacts.get(*index));
        match earlier {
            Some(contact) if contact.digest == request.digest => Ok(Plan::Replay(contact.answer(true))),
            Some(_) => {
                Err(Refusal::new(Code::Idempotency, "this ClientToken was used before with other parameters"))
            }
            None => Ok(Plan::New(self.draw(request, token, now))),
        }
    }

    /// Adds a contact.
    pub(super) fn insert(&mut self, contact: Contact) {
        if let Some(token) = contact.token {
            self.tokens.insert(token, self.contacts.len());
        }
        self.contacts.push(contact);
    }

    /// How many contacts there are.
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }

    /// The JSON objects of the contacts in a range, which may reach beyond the last one.
    pub(super) fn documents(&self, range: Range<usize>) -> impl Iterator<Item = &str> {
        self.contacts.iter().skip(range.start).take(range.len()).map(Contact::document)
    }

    fn draw(&mut self, request: &Request<'_>, token: Option<Digest>, now: SystemTime) -> Contact {
        let id = uuid(self.ids.u128(..));
        // An instance may be named by its ARN as well, which ends in its id.
        let instance = request.instance_id.rsplit('/').next().unwrap_or_default();
        let region = request.region;
        let arn = format!("arn:aws:connect:{region}:{ACCOUNT}:instance/{instance}/contact/{id}");
        let mut document = Map::new();
        document.insert("ContactId".into(), id.as_str().into());
        document.insert("ContactArn".into(), arn.as_str().into());
        document.insert("InitiationTimestamp".into(), epoch_seconds(now));
        // Contacts are `CreateContact`'s unless they say otherwise.
        if request.operation != Operation::CreateContact {
            document.insert("Operation".into(), request.operation.name().into());
        }
        for (member, value) in request.members {
            document.entry(member.as_str()).or_insert_with(|| value.clone());
        }
        Contact {
            operation: request.operation,
            id,
            arn,
            token,
            digest: request.digest,
            document: Value::Object(document).to_string().into(),
        }
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
fn scoped(operation: Operation, instance_id: &str, token: &str) -> Digest {
    let operation = operation.name();
    Sha256::digest(format!("{operation}:{}:{instance_id}{token}", instance_id.len())).into()
}

/// Epoch seconds to the millisecond, as the service writes timestamps.
fn epoch_seconds(time: SystemTime) -> Value {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let passed = Duration::new(passed.as_secs(), passed.subsec_millis() * 1_000_000);
    Number::from_f64(passed.as_secs_f64()).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::from_millis(1_700_000_000_250);

    fn model() -> Model {
        Model::new(fastrand::Rng::with_seed(7))
    }

    fn create(model: &mut Model, body: &Value) -> Result<Created, Refusal> {
        perform(model, Operation::CreateContact, body)
    }

    /// What the service does with a body: plan, then insert what is new.
    fn perform(model: &mut Model, operation: Operation, body: &Value) -> Result<Created, Refusal> {
        let members = body.as_object().unwrap();
        let request = Request {
            operation,
            instance_id: members["InstanceId"].as_str().unwrap(),
            client_token: members.get("ClientToken").and_then(Value::as_str),
            region: "eu-west-2",
            members,
            digest: digest(members),
        };
        match model.plan(&request, UNIX_EPOCH + NOW)? {
            Plan::Replay(created) => Ok(created),
            Plan::New(contact) => {
                let created = contact.created();
                model.insert(contact);
                Ok(created)
            }
        }
    }

    fn documents(model: &Model) -> Vec<Value> {
        let all = model.documents(0..usize::MAX);
        all.map(|document| serde_json::from_str(document).unwrap()).collect()
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
        let task = perform(&mut model, Operation::StartTaskContact, &body).unwrap();
        assert!(!task.replayed);
        assert_ne!(contact.id, task.id);
        let again = perform(&mut model, Operation::StartTaskContact, &body).unwrap();
        assert_eq!((again.id, again.replayed), (task.id, true));
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n"});
        let refusal = perform(&mut model, Operation::StartTaskContact, &other).unwrap_err();
        assert_eq!(refusal.code, Code::Idempotency);
        assert_eq!(model.len(), 2);
    }

    #[test]
    fn a_started_task_shows_its_operation() {
        let mut model = model();
        let body = json!({"InstanceId": "i", "Name": "n", "Operation": "x"});
        let created = perform(&mut model, Operation::StartTaskContact, &body).unwrap();
        assert_eq!(created.operation, Operation::StartTaskContact);
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
    fn documents_are_given_in_the_order_of_creation() {
        let mut model = model();
        for name in ["a", "b", "c"] {
            create(&mut model, &json!({"InstanceId": "i", "Name": name})).unwrap();
        }
        let middle: Vec<&str> = model.documents(1..2).collect();
        assert_eq!(middle.len(), 1);
        assert!(middle[0].contains(r#""Name":"b""#));
        assert_eq!(model.documents(3..9).count(), 0);
    }
}
