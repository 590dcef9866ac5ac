//! The contacts and the client tokens that lead to them. Pure: clock and randomness are passed in.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::api_error::{ApiError, ErrorCode};
use super::config::Faults;
use super::contact::{Hash128, StoredContact, ValidRequest, since_epoch, uuid};

/// The result of looking up the client token of a request.
#[derive(Debug)]
pub(super) enum TokenLookup {
    /// The contact exists already.
    Known(Arc<StoredContact>),
    /// A new contact, not yet in the store.
    New(StoredContact),
}

/// Every contact in the order of creation, with indexes by client token and by id. Contacts are only ever
/// added.
#[derive(Debug)]
pub(super) struct ContactStore {
    contacts: Vec<Arc<StoredContact>>,
    by_token: HashMap<Hash128, usize>,
    by_id: HashMap<Arc<str>, usize>,
    /// Age of a contact after which its client token is forgotten; the service documents no lifetime.
    token_window: Option<Duration>,
    /// Whether the token of a contact initiated as COMPLETED is forgotten at once.
    forget_completed: bool,
    ids: fastrand::Rng,
}

impl ContactStore {
    /// An empty store that takes the ids of new contacts from `ids`, and forgets client tokens as `faults` say.
    pub(super) fn new(ids: fastrand::Rng, faults: &Faults) -> ContactStore {
        let Faults { token_window, forget_completed, .. } = *faults;
        let (by_token, by_id) = (HashMap::new(), HashMap::new());
        ContactStore { contacts: Vec::new(), by_token, by_id, token_window, forget_completed, ids }
    }

    /// Looks up the client token of a request. A new contact is only prepared, so that it can be written to
    /// the state file before it is inserted.
    ///
    /// # Errors
    ///
    /// `IdempotencyException` if the token was used before with other members. In the service model only
    /// `CreateContact` declares it; the response of `StartTaskContact` in that case is not documented.
    pub(super) fn look_up(
        &mut self,
        request: &ValidRequest<'_>,
        now: SystemTime,
    ) -> Result<TokenLookup, ApiError> {
        let now = since_epoch(now);
        let earlier = request.token().and_then(|token| self.contacts.get(*self.by_token.get(&token)?));
        match earlier.filter(|contact| self.is_token_remembered(contact, now)) {
            Some(contact) if contact.digest == request.digest() => Ok(TokenLookup::Known(contact.clone())),
            Some(_) => {
                let message = "this ClientToken was used before with other parameters";
                Err(ApiError::new(ErrorCode::Idempotency, message))
            }
            None => Ok(TokenLookup::New(StoredContact::create(request, uuid(self.ids.u128(..)), now))),
        }
    }

    /// Whether the contact's token still leads to it. `now` is since 1970.
    fn is_token_remembered(&self, contact: &StoredContact, now: Duration) -> bool {
        let is_in_window = self.token_window.is_none_or(|window| contact.age(now) <= window);
        is_in_window && !(self.forget_completed && contact.is_completed)
    }

    /// Adds a contact. Its client token leads to it from then on, even if it led to an earlier one.
    pub(super) fn insert(&mut self, contact: StoredContact) -> Arc<StoredContact> {
        let index = self.contacts.len();
        if let Some(token) = contact.token {
            self.by_token.insert(token, index);
        }
        self.by_id.insert(Arc::clone(&contact.id), index);
        let contact = Arc::new(contact);
        self.contacts.push(Arc::clone(&contact));
        contact
    }

    /// The number of contacts.
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }

    /// The position of a contact in the order of creation, from 0.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The contact with this id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<StoredContact>> {
        self.contacts.get(self.position(id)?).map(Arc::clone)
    }

    /// The contacts in a range of positions, which may extend beyond the last one.
    pub(super) fn contacts(&self, range: Range<usize>) -> impl Iterator<Item = &Arc<StoredContact>> {
        self.contacts.iter().skip(range.start).take(range.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::{Value, json};

    use super::super::operation::CreateOperation;
    use super::*;

    const NOW: Duration = Duration::from_millis(1_700_000_000_250);

    /// A contact, and whether an earlier request had created it.
    #[derive(Debug)]
    struct CreatedContact {
        operation: CreateOperation,
        id: String,
        arn: String,
        is_replayed: bool,
    }

    fn with_faults(faults: &Faults) -> ContactStore {
        ContactStore::new(fastrand::Rng::with_seed(7), faults)
    }

    fn store() -> ContactStore {
        with_faults(&Faults::default())
    }

    fn create(store: &mut ContactStore, body: &Value) -> Result<CreatedContact, ApiError> {
        perform(store, CreateOperation::CreateContact, body)
    }

    fn perform(
        store: &mut ContactStore,
        operation: CreateOperation,
        body: &Value,
    ) -> Result<CreatedContact, ApiError> {
        perform_at(store, operation, body, NOW)
    }

    /// The steps of the service: look up the token, insert a new contact.
    fn perform_at(
        store: &mut ContactStore,
        operation: CreateOperation,
        body: &Value,
        now: Duration,
    ) -> Result<CreatedContact, ApiError> {
        let members = body.as_object().unwrap();
        let request = ValidRequest {
            operation,
            instance_id: members["InstanceId"].as_str().unwrap(),
            client_token: members.get("ClientToken").and_then(Value::as_str),
            region: "eu-west-2",
            members,
        };
        let (contact, is_replayed) = match store.look_up(&request, UNIX_EPOCH + now)? {
            TokenLookup::Known(contact) => (contact, true),
            TokenLookup::New(contact) => (store.insert(contact), false),
        };
        let (id, arn) = (contact.id.to_string(), contact.arn.clone());
        Ok(CreatedContact { operation: contact.operation, id, arn, is_replayed })
    }

    fn documents(store: &ContactStore) -> Vec<Value> {
        let all = store.contacts(0..usize::MAX);
        all.map(|contact| serde_json::from_str(&contact.document).unwrap()).collect()
    }

    #[test]
    fn a_contact_shows_its_request_its_id_and_its_arn() {
        let mut store = store();
        let body = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n", "ContactId": "x"});
        let created = create(&mut store, &body).unwrap();
        assert!(!created.is_replayed);
        let arn = format!("arn:aws:connect:eu-west-2:123456789012:instance/i/contact/{}", created.id);
        assert_eq!(created.arn, arn);
        let expected = json!({
            "ContactId": created.id, "ContactArn": arn, "InitiationTimestamp": 1_700_000_000.25,
            "InstanceId": "i", "ClientToken": "t", "Name": "n",
        });
        assert_eq!(documents(&store), [expected]);
    }

    #[test]
    fn the_same_token_and_request_return_the_same_contact() {
        let mut store = store();
        let body = json!({"InstanceId": "i", "ClientToken": "t", "Attributes": {"a": "1", "b": "2"}});
        let first = create(&mut store, &body).unwrap();
        let reordered = json!({"Attributes": {"b": "2", "a": "1"}, "ClientToken": "t", "InstanceId": "i"});
        let second = create(&mut store, &reordered).unwrap();
        assert_eq!((&first.id, &first.arn), (&second.id, &second.arn));
        assert!(second.is_replayed);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn the_same_token_with_another_request_is_a_mismatch() {
        let mut store = store();
        let first = json!({"InstanceId": "i", "ClientToken": "t", "Name": "one"});
        create(&mut store, &first).unwrap();
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "two"});
        let error = create(&mut store, &other).unwrap_err();
        assert_eq!(error.code, ErrorCode::Idempotency);
        assert_eq!(store.len(), 1);
        assert!(create(&mut store, &first).unwrap().is_replayed);
    }

    #[test]
    fn tokens_are_case_sensitive_and_valid_within_their_instance() {
        let mut store = store();
        for (instance, token) in [("i", "t"), ("i", "T"), ("j", "t"), ("it", ""), ("", "it")] {
            let body = json!({"InstanceId": instance, "ClientToken": token});
            assert!(!create(&mut store, &body).unwrap().is_replayed);
        }
        assert_eq!(store.len(), 5);
    }

    #[test]
    fn a_token_is_valid_within_its_operation() {
        let mut store = store();
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        let contact = create(&mut store, &body).unwrap();
        let task = perform(&mut store, CreateOperation::StartTaskContact, &body).unwrap();
        assert!(!task.is_replayed);
        assert_ne!(contact.id, task.id);
        let repeated = perform(&mut store, CreateOperation::StartTaskContact, &body).unwrap();
        assert_eq!((repeated.id, repeated.is_replayed), (task.id, true));
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n"});
        let error = perform(&mut store, CreateOperation::StartTaskContact, &other).unwrap_err();
        assert_eq!(error.code, ErrorCode::Idempotency);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_started_task_shows_its_operation() {
        let mut store = store();
        let body = json!({"InstanceId": "i", "Name": "n", "Operation": "x"});
        let created = perform(&mut store, CreateOperation::StartTaskContact, &body).unwrap();
        assert_eq!(created.operation, CreateOperation::StartTaskContact);
        let expected = json!({
            "ContactId": created.id, "ContactArn": created.arn,
            "InitiationTimestamp": 1_700_000_000.25, "Operation": "StartTaskContact",
            "InstanceId": "i", "Name": "n",
        });
        assert_eq!(documents(&store), [expected]);
    }

    #[test]
    fn a_request_without_a_token_always_creates() {
        let mut store = store();
        let body = json!({"InstanceId": "i", "Name": "n"});
        let first = create(&mut store, &body).unwrap();
        let second = create(&mut store, &body).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn an_instance_given_by_its_arn_has_a_plain_contact_arn() {
        let mut store = store();
        let body = json!({"InstanceId": "arn:aws:connect:eu-west-2:1:instance/i"});
        let arn = create(&mut store, &body).unwrap().arn;
        assert!(arn.starts_with("arn:aws:connect:eu-west-2:123456789012:instance/i/contact/"));
    }

    #[test]
    fn contacts_are_given_in_the_order_of_creation_and_found_by_their_ids() {
        let mut store = store();
        let ids = ["a", "b", "c"].map(|name| {
            let body = json!({"InstanceId": "i", "Name": name});
            create(&mut store, &body).unwrap().id
        });
        let middle: Vec<_> = store.contacts(1..2).collect();
        assert_eq!(middle.len(), 1);
        assert!(middle[0].document.contains(r#""Name":"b""#));
        assert_eq!(store.contacts(3..9).count(), 0);
        for (position, id) in ids.iter().enumerate() {
            assert_eq!(store.position(id), Some(position));
            assert_eq!(store.find(id).unwrap().id.as_ref(), id);
        }
        assert!(store.find("x").is_none());
    }

    #[test]
    fn a_token_past_its_window_leads_to_a_new_contact_from_then_on() {
        let window = Duration::from_secs(60);
        let mut store = with_faults(&Faults { token_window: Some(window), ..Faults::default() });
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        let other = json!({"InstanceId": "i", "ClientToken": "t", "Name": "n"});
        let mut at = |body, now| perform_at(&mut store, CreateOperation::CreateContact, body, now);
        let millisecond = Duration::from_millis(1);
        let first = at(&body, NOW).unwrap();
        assert!(at(&body, NOW + window).unwrap().is_replayed);
        assert!(at(&other, NOW + window).is_err());
        // Another request may use it then.
        let second = at(&other, NOW + window + millisecond).unwrap();
        assert!(!second.is_replayed);
        assert_ne!(first.id, second.id);
        let repeated = at(&other, NOW + 2 * window).unwrap();
        assert_eq!((repeated.id, repeated.is_replayed), (second.id, true));
        // A clock that steps back makes nothing older.
        assert!(at(&other, NOW).unwrap().is_replayed);
    }

    #[test]
    fn a_token_window_counts_from_the_contacts_timestamp_after_a_restart() {
        let window = Duration::from_secs(60);
        let faults = Faults { token_window: Some(window), ..Faults::default() };
        let mut before = with_faults(&faults);
        let body = json!({"InstanceId": "i", "ClientToken": "t"});
        create(&mut before, &body).unwrap();
        let contact = before.contacts(0..1).next().unwrap();
        for (later, replayed) in [(Duration::ZERO, true), (Duration::from_millis(1), false)] {
            let mut after = with_faults(&faults);
            let Value::Object(document) = serde_json::from_str(&contact.document).unwrap() else {
                unreachable!()
            };
            let contact = StoredContact::restore(CreateOperation::CreateContact, document, contact.digest);
            after.insert(contact.unwrap());
            let now = NOW + window + later;
            let answer = perform_at(&mut after, CreateOperation::CreateContact, &body, now).unwrap();
            assert_eq!(answer.is_replayed, replayed);
        }
    }

    #[test]
    fn the_token_of_a_completed_contact_can_be_forgotten_at_once() {
        let mut store = with_faults(&Faults { forget_completed: true, ..Faults::default() });
        let completed = json!({"InstanceId": "i", "ClientToken": "t", "InitiateAs": "COMPLETED"});
        let open = json!({"InstanceId": "i", "ClientToken": "t"});
        let first = create(&mut store, &completed).unwrap();
        let second = create(&mut store, &completed).unwrap();
        assert_ne!(first.id, second.id);
        // The tokens of an open contact and of a started task are remembered.
        for (operation, body) in
            [(CreateOperation::CreateContact, &open), (CreateOperation::StartTaskContact, &completed)]
        {
            assert!(!perform(&mut store, operation, body).unwrap().is_replayed);
            assert!(perform(&mut store, operation, body).unwrap().is_replayed);
        }
    }
}
