//! Requests to try the limits with.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sandbox::operation::Creation;
use crate::sandbox::refusal::{Code, Refusal};
use crate::sandbox::wire::{Input, decode};

/// When the requests come, since 1970.
pub(super) const NOW: Duration = Duration::from_secs(1_700_000_000);

/// A request that passes, to be changed.
pub(super) struct Trial {
    creation: Creation,
    body: Value,
}

impl Trial {
    /// A completed task.
    pub(super) fn create_contact() -> Trial {
        let body = json!({
            "InstanceId": "i", "Channel": "TASK", "InitiationMethod": "API",
            "InitiateAs": "COMPLETED",
        });
        Trial { creation: Creation::CreateContact, body }
    }

    /// A task that a flow starts with.
    pub(super) fn start_task() -> Trial {
        let body = json!({"InstanceId": "i", "Name": "n", "ContactFlowId": "f"});
        Trial { creation: Creation::StartTaskContact, body }
    }

    /// Both, for what they share.
    pub(super) fn each() -> [Trial; 2] {
        [Trial::create_contact(), Trial::start_task()]
    }

    /// The request with `changes` over it.
    pub(super) fn checked(&self, changes: &Value) -> Result<(), Refusal> {
        let mut body = self.body.clone();
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        let members = decode(body.to_string().as_bytes()).unwrap();
        super::check(&Input::read(self.creation, &members).unwrap(), UNIX_EPOCH + NOW)
    }

    pub(super) fn code(&self, changes: &Value) -> Option<Code> {
        self.checked(changes).err().map(|refusal| refusal.code)
    }

    /// The largest that passes and the smallest that does not, and the name in the message.
    pub(super) fn boundary(&self, member: &str, limit: usize, request: impl Fn(String) -> Value) {
        // Two bytes a character: a count of bytes would fail here.
        let fits = "ü".repeat(limit);
        assert_eq!(self.checked(&request(fits)), Ok(()), "{member}");
        let refusal = self.checked(&request("ü".repeat(limit + 1))).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidParameter);
        assert!(refusal.message.contains(member), "{refusal}");
        assert!(refusal.message.contains(&limit.to_string()), "{refusal}");
        assert!(!refusal.message.contains('ü'), "{refusal}");
    }
}
