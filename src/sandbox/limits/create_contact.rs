//! The limits on `CreateContact` alone.

use super::{bad, common, invalid, length, required};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::wire::{Common, CreateContact};

/// The reference types the service takes when a contact is created; its enum has more.
const REFERENCE_TYPES: [&str; 6] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"];

pub(super) fn check(common: &Common<'_>, own: &CreateContact<'_>) -> Result<(), Refusal> {
    let channel = required("Channel", own.channel)?;
    let method = required("InitiationMethod", own.initiation_method)?;

    channel_and_method(channel, method)?;
    initiate_as(channel, own.initiate_as)?;
    if channel == "EMAIL" && method != "FLOW" && own.user_id.is_none() {
        return Err(invalid("UserInfo.UserId is required for EMAIL with OUTBOUND or AGENT_REPLY"));
    }
    if channel != "VOICE" && common.previous_contact_id.is_some() {
        return Err(invalid("PreviousContactId goes with VOICE only"));
    }

    length("UserInfo.UserId", own.user_id, 1..=256)?;
    common::check(common, &REFERENCE_TYPES)
}

/// The pairs that work. The enums have many more; of those the API reference says that they are
/// not supported, CHAT among them.
fn channel_and_method(channel: &str, method: &str) -> Result<(), Refusal> {
    let methods: &[&str] = match channel {
        "TASK" => &["API"],
        "VOICE" => &["TRANSFER"],
        "EMAIL" => &["OUTBOUND", "AGENT_REPLY", "FLOW"],
        _ => return Err(bad("Channel must be one of VOICE, EMAIL, TASK")),
    };
    if methods.contains(&method) {
        return Ok(());
    }
    let methods = methods.join(" or ");
    Err(invalid(format!("InitiationMethod must be {methods} for the channel {channel}")))
}

fn initiate_as(channel: &str, state: Option<&str>) -> Result<(), Refusal> {
    match state {
        None | Some("CONNECTED_TO_USER") => Ok(()),
        Some("COMPLETED") if channel == "TASK" => Ok(()),
        Some("COMPLETED") => Err(invalid("InitiateAs COMPLETED goes with TASK only")),
        Some(_) => Err(bad("InitiateAs must be one of CONNECTED_TO_USER, COMPLETED")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::trial::Trial;
    use super::*;
    use crate::sandbox::refusal::Code;

    fn code(changes: &Value) -> Option<Code> {
        Trial::create_contact().code(changes)
    }

    #[test]
    fn a_completed_task_needs_nothing_more() {
        assert_eq!(Trial::create_contact().checked(&json!({})), Ok(()));
    }

    #[test]
    fn required_members_are_asked_for_by_name() {
        for member in ["InstanceId", "Channel", "InitiationMethod"] {
            let refusal = Trial::create_contact().checked(&json!({ member: null })).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidRequest);
            assert_eq!(refusal.message, format!("{member} is required"));
        }
    }

    #[test]
    fn only_the_documented_pairs_of_channel_and_method_pass() {
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
            assert_eq!(pair(channel, method), Some(Code::InvalidRequest));
        }
        assert_eq!(pair("CHAT", "API"), Some(Code::InvalidParameter));
        assert_eq!(pair("task", "API"), Some(Code::InvalidParameter));
    }

    #[test]
    fn only_a_task_starts_completed() {
        let voice =
            |state: &str| json!({"Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": state});
        assert_eq!(code(&voice("CONNECTED_TO_USER")), None);
        assert_eq!(code(&voice("COMPLETED")), Some(Code::InvalidRequest));
        assert_eq!(code(&json!({"InitiateAs": "ENDED"})), Some(Code::InvalidParameter));
    }

    #[test]
    fn an_email_that_an_agent_sends_needs_the_agent() {
        for (method, expected) in [
            ("OUTBOUND", Some(Code::InvalidRequest)),
            ("AGENT_REPLY", Some(Code::InvalidRequest)),
            ("FLOW", None),
        ] {
            let changes = json!({"Channel": "EMAIL", "InitiationMethod": method, "InitiateAs": null});
            assert_eq!(code(&changes), expected, "{method}");
        }
    }

    #[test]
    fn a_previous_contact_goes_with_voice_only() {
        let voice = json!({
            "Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": null,
            "PreviousContactId": "p",
        });
        assert_eq!(code(&voice), None);
        assert_eq!(code(&json!({"PreviousContactId": "p"})), Some(Code::InvalidRequest));
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let trial = Trial::create_contact();
        trial.boundary("UserInfo.UserId", 256, |text| json!({"UserInfo": {"UserId": text}}));
        trial.boundary("PreviousContactId", 256, |text| {
            json!({
                "Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": null,
                "PreviousContactId": text,
            })
        });
    }

    #[test]
    fn a_name_may_be_empty_and_a_user_may_not() {
        assert_eq!(code(&json!({"Name": ""})), None);
        assert_eq!(code(&json!({"UserInfo": {"UserId": ""}})), Some(Code::InvalidParameter));
    }

    #[test]
    fn a_reference_needs_a_type_that_works_at_creation() {
        for kind in REFERENCE_TYPES {
            assert_eq!(code(&json!({"References": {"r": {"Type": kind}}})), None);
        }
        assert_eq!(code(&json!({"References": {"r": {"Value": "x"}}})), Some(Code::InvalidRequest));
        for kind in ["EMAIL_MESSAGE", "url", ""] {
            let changes = json!({"References": {"r": {"Type": kind}}});
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{kind}");
        }
    }
}
