//! The limits on `CreateContact` beyond the common ones. Pure.

use super::common;
use super::rules::{invalid_parameter, invalid_request, length, required};
use crate::sandbox::api_error::ApiError;
use crate::sandbox::input::CreateInput;

/// The reference types that the operation accepts (API reference); the enum of the service model has more.
const REFERENCE_TYPES: [&str; 6] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"];

pub(super) fn check(input: &CreateInput<'_>) -> Result<(), ApiError> {
    let channel = required("Channel", input.channel)?;
    let method = required("InitiationMethod", input.initiation_method)?;

    channel_and_method(channel, method)?;
    initiate_as(channel, input.initiate_as)?;
    if channel == "EMAIL" && method != "FLOW" && input.user_id.is_none() {
        return Err(invalid_request("UserInfo.UserId is required for EMAIL with OUTBOUND or AGENT_REPLY"));
    }
    if channel != "VOICE" && input.previous_contact_id.is_some() {
        return Err(invalid_request("PreviousContactId is for the channel VOICE only"));
    }

    length("UserInfo.UserId", input.user_id, 1..=256)?;
    common::check(input, &REFERENCE_TYPES)
}

/// The supported pairs. The enums have more, CHAT among them; the API reference says that those are not
/// supported.
fn channel_and_method(channel: &str, method: &str) -> Result<(), ApiError> {
    let methods: &[&str] = match channel {
        "TASK" => &["API"],
        "VOICE" => &["TRANSFER"],
        "EMAIL" => &["OUTBOUND", "AGENT_REPLY", "FLOW"],
        _ => return Err(invalid_parameter("Channel must be one of VOICE, EMAIL, TASK")),
    };
    if methods.contains(&method) {
        return Ok(());
    }
    let methods = methods.join(" or ");
    Err(invalid_request(format!("InitiationMethod must be {methods} for the channel {channel}")))
}

fn initiate_as(channel: &str, state: Option<&str>) -> Result<(), ApiError> {
    match state {
        None | Some("CONNECTED_TO_USER") => Ok(()),
        Some("COMPLETED") if channel == "TASK" => Ok(()),
        Some("COMPLETED") => Err(invalid_request("InitiateAs COMPLETED is for the channel TASK only")),
        Some(_) => Err(invalid_parameter("InitiateAs must be one of CONNECTED_TO_USER, COMPLETED")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::BaseRequest;
    use super::*;
    use crate::sandbox::api_error::ErrorCode;

    fn code(changes: &Value) -> Option<ErrorCode> {
        BaseRequest::create_contact().code(changes)
    }

    #[test]
    fn a_completed_task_needs_only_the_required_members() {
        assert_eq!(BaseRequest::create_contact().checked(&json!({})), Ok(()));
    }

    #[test]
    fn a_missing_required_member_is_named() {
        for member in ["InstanceId", "Channel", "InitiationMethod"] {
            let error = BaseRequest::create_contact().checked(&json!({ member: null })).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
            assert_eq!(error.message, format!("{member} is required"));
        }
    }

    #[test]
    fn only_the_documented_pairs_of_channel_and_method_are_accepted() {
        let open = json!({"InitiateAs": null, "UserInfo": {"UserId": "u"}});
        let pair = |channel: &str, method: &str| {
            let mut changes = open.clone();
            changes["Channel"] = channel.into();
            changes["InitiationMethod"] = method.into();
            code(&changes)
        };
        for (channel, method) in [
            ("TASK", "API"),
            ("VOICE", "TRANSFER"),
            ("EMAIL", "OUTBOUND"),
            ("EMAIL", "AGENT_REPLY"),
            ("EMAIL", "FLOW"),
        ] {
            assert_eq!(pair(channel, method), None, "{channel} {method}");
        }
        for (channel, method) in [("TASK", "TRANSFER"), ("VOICE", "API"), ("EMAIL", "API")] {
            assert_eq!(pair(channel, method), Some(ErrorCode::InvalidRequest));
        }
        assert_eq!(pair("CHAT", "API"), Some(ErrorCode::InvalidParameter));
        assert_eq!(pair("task", "API"), Some(ErrorCode::InvalidParameter));
    }

    #[test]
    fn only_a_task_starts_completed() {
        let voice =
            |state: &str| json!({"Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": state});
        assert_eq!(code(&voice("CONNECTED_TO_USER")), None);
        assert_eq!(code(&voice("COMPLETED")), Some(ErrorCode::InvalidRequest));
        assert_eq!(code(&json!({"InitiateAs": "ENDED"})), Some(ErrorCode::InvalidParameter));
    }

    #[test]
    fn an_email_that_an_agent_sends_needs_the_agent() {
        for (method, expected) in [
            ("OUTBOUND", Some(ErrorCode::InvalidRequest)),
            ("AGENT_REPLY", Some(ErrorCode::InvalidRequest)),
            ("FLOW", None),
        ] {
            let changes = json!({"Channel": "EMAIL", "InitiationMethod": method, "InitiateAs": null});
            assert_eq!(code(&changes), expected, "{method}");
        }
    }

    #[test]
    fn a_previous_contact_is_for_voice_only() {
        let voice = json!({
            "Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": null,
            "PreviousContactId": "p",
        });
        assert_eq!(code(&voice), None);
        assert_eq!(code(&json!({"PreviousContactId": "p"})), Some(ErrorCode::InvalidRequest));
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let base = BaseRequest::create_contact();
        base.assert_limit("UserInfo.UserId", 256, |text| json!({"UserInfo": {"UserId": text}}));
        base.assert_limit("PreviousContactId", 256, |text| {
            json!({
                "Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": null,
                "PreviousContactId": text,
            })
        });
    }

    #[test]
    fn a_name_may_be_empty_and_a_user_may_not() {
        assert_eq!(code(&json!({"Name": ""})), None);
        assert_eq!(code(&json!({"UserInfo": {"UserId": ""}})), Some(ErrorCode::InvalidParameter));
    }

    #[test]
    fn a_reference_needs_a_supported_type() {
        for kind in REFERENCE_TYPES {
            assert_eq!(code(&json!({"References": {"r": {"Type": kind}}})), None);
        }
        assert_eq!(code(&json!({"References": {"r": {"Value": "x"}}})), Some(ErrorCode::InvalidRequest));
        for kind in ["EMAIL_MESSAGE", "url", ""] {
            let changes = json!({"References": {"r": {"Type": kind}}});
            assert_eq!(code(&changes), Some(ErrorCode::InvalidParameter), "{kind}");
        }
    }
}
