//! Valid requests, and the checks of a limit that the tests of `limits` share.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sandbox::api_error::{ApiError, ErrorCode};
use crate::sandbox::input::CreateInput;
use crate::sandbox::json::decode;
use crate::sandbox::operation::CreateOperation;

/// The time of the requests since 1970.
pub(super) const NOW: Duration = Duration::from_secs(1_700_000_000);

/// A valid request, to which a test applies its changes.
pub(super) struct BaseRequest {
    operation: CreateOperation,
    body: Value,
}

impl BaseRequest {
    /// A completed task.
    pub(super) fn create_contact() -> BaseRequest {
        let body = json!({
            "InstanceId": "i", "Channel": "TASK", "InitiationMethod": "API",
            "InitiateAs": "COMPLETED",
        });
        BaseRequest { operation: CreateOperation::CreateContact, body }
    }

    /// An open task that starts a flow.
    pub(super) fn start_task() -> BaseRequest {
        let body = json!({"InstanceId": "i", "Name": "n", "ContactFlowId": "f"});
        BaseRequest { operation: CreateOperation::StartTaskContact, body }
    }

    /// One of each operation, for the limits they share.
    pub(super) fn each() -> [BaseRequest; 2] {
        [BaseRequest::create_contact(), BaseRequest::start_task()]
    }

    /// Checks the request with the changed members.
    pub(super) fn checked(&self, changes: &Value) -> Result<(), ApiError> {
        let mut body = self.body.clone();
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        let members = decode(body.to_string().as_bytes()).unwrap();
        let input = CreateInput::read(self.operation, &members).unwrap();
        super::check_create(self.operation, &input, UNIX_EPOCH + NOW)
    }

    pub(super) fn code(&self, changes: &Value) -> Option<ErrorCode> {
        self.checked(changes).err().map(|error| error.code)
    }

    /// Checks that the longest text is accepted and one character more is refused, with the limit in the
    /// message.
    pub(super) fn assert_limit(&self, member: &str, limit: usize, request: impl Fn(String) -> Value) {
        // Two bytes a character: a limit in bytes fails here.
        let longest = "ü".repeat(limit);
        assert_eq!(self.checked(&request(longest)), Ok(()), "{member}");
        let error = self.checked(&request("ü".repeat(limit + 1))).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(error.message.contains(member), "{error}");
        assert!(error.message.contains(&limit.to_string()), "{error}");
        assert!(!error.message.contains('ü'), "{error}");
    }
}
