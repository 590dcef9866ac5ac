//! One contact: what is kept of it, and what it is made from.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Number, Value};

use super::{Digest, Request, scoped};
use crate::sandbox::operation::Creation;

/// The account every contact of the sandbox belongs to: the documentation's example account.
const ACCOUNT: &str = "123456789012";

/// One contact, which never changes.
#[derive(Debug)]
pub(in crate::sandbox) struct Contact {
    creation: Creation,
    id: Arc<str>,
    arn: String,
    /// When it was initiated, since 1970, to the millisecond.
    initiated: Duration,
    completed: bool,
    /// Operation, instance and client token; `None` for a request without a token.
    token: Option<Digest>,
    digest: Digest,
    /// The JSON object that `GET /_sandbox/contacts` shows.
    document: Box<str>,
}

/// The answer to a request that creates a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Created {
    pub(in crate::sandbox) creation: Creation,
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) arn: String,
    /// The client token was known: the contact is an earlier request's.
    pub(in crate::sandbox) replayed: bool,
}

impl Contact {
    /// A new contact with an identifier of its own.
    pub(super) fn draw(
        request: &Request<'_>,
        token: Option<Digest>,
        id: String,
        initiated: Duration,
    ) -> Contact {
        let creation = request.creation;
        let instance = instance(request.instance_id);
        let region = request.region;
        let arn = format!("arn:aws:connect:{region}:{ACCOUNT}:instance/{instance}/contact/{id}");
        let mut document = Map::new();
        document.insert("ContactId".into(), id.as_str().into());
        document.insert("ContactArn".into(), arn.as_str().into());
        document.insert("InitiationTimestamp".into(), epoch_seconds(initiated));
        // Contacts are `CreateContact`'s unless they say otherwise.
        if creation != Creation::CreateContact {
            document.insert("Operation".into(), creation.name().into());
        }
        for (member, value) in request.members {
            document.entry(member.as_str()).or_insert_with(|| value.clone());
        }
        Contact {
            creation,
            id: id.into(),
            arn,
            initiated,
            completed: is_completed(creation, &document),
            token,
            digest: request.digest,
            document: Value::Object(document).to_string().into(),
        }
    }

    /// The contact that [`Contact::creation`], [`Contact::document`] and [`Contact::digest`] were
    /// taken from, or `None` if the document is no contact's.
    pub(in crate::sandbox) fn restore(
        creation: Creation,
        document: Map<String, Value>,
        digest: Digest,
    ) -> Option<Contact> {
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        let instance_id = text("InstanceId")?;
        let seconds = document.get("InitiationTimestamp").and_then(Value::as_f64)?;
        Some(Contact {
            creation,
            id: text("ContactId")?.into(),
            arn: text("ContactArn")?.to_owned(),
            // A float of seconds is exact to the millisecond once it is rounded to it.
            initiated: Duration::from_millis((seconds * 1000.0).round() as u64),
            completed: is_completed(creation, &document),
            token: text("ClientToken").map(|token| scoped(creation, instance_id, token)),
            digest,
            document: Value::Object(document).to_string().into(),
        })
    }

    /// The operation that made it.
    pub(in crate::sandbox) fn creation(&self) -> Creation {
        self.creation
    }

    pub(in crate::sandbox) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    pub(in crate::sandbox) fn arn(&self) -> &str {
        &self.arn
    }

    /// When it was initiated, since 1970.
    pub(in crate::sandbox) fn initiated(&self) -> Duration {
        self.initiated
    }

    /// When it was disconnected, since 1970. A contact that is completed from origin was so at
    /// once; no other is ever disconnected.
    pub(in crate::sandbox) fn disconnected(&self) -> Option<Duration> {
        self.completed.then_some(self.initiated)
    }

    /// Whether it was initiated as COMPLETED.
    pub(in crate::sandbox) fn completed(&self) -> bool {
        self.completed
    }

    /// How old it is; nothing before it was initiated, which a clock that steps back can lead to.
    pub(in crate::sandbox) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.initiated)
    }

    pub(super) fn token(&self) -> Option<Digest> {
        self.token
    }

    pub(in crate::sandbox) fn document(&self) -> &str {
        &self.document
    }

    pub(in crate::sandbox) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The answer to the request that creates this contact.
    pub(in crate::sandbox) fn created(&self) -> Created {
        self.answer(false)
    }

    /// The answer to a request that comes again.
    pub(super) fn replayed(&self) -> Created {
        self.answer(true)
    }

    fn answer(&self, replayed: bool) -> Created {
        let (id, arn) = (self.id.as_ref().to_owned(), self.arn.clone());
        Created { creation: self.creation, id, arn, replayed }
    }
}

/// The id of an instance, which may be named by its ARN as well: that ends in the id.
pub(super) fn instance(named: &str) -> &str {
    named.rsplit('/').next().unwrap_or_default()
}

/// The time since 1970, to the millisecond, as the service writes timestamps.
pub(in crate::sandbox) fn since_epoch(time: SystemTime) -> Duration {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::new(passed.as_secs(), passed.subsec_millis() * 1_000_000)
}

/// A time since 1970 as the epoch seconds of a JSON answer.
pub(super) fn epoch_seconds(time: Duration) -> Value {
    Number::from_f64(time.as_secs_f64()).map_or(Value::Null, Value::Number)
}

/// A started task has no such member: one that was sent along means nothing.
fn is_completed(creation: Creation, document: &Map<String, Value>) -> bool {
    let state = document.get("InitiateAs").and_then(Value::as_str);
    creation == Creation::CreateContact && state == Some("COMPLETED")
}
