//! The limits on `StartTaskContact` beyond the common ones. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::common;
use super::rules::{invalid_parameter, invalid_request, items, length, required};
use crate::sandbox::api_error::ApiError;
use crate::sandbox::input::{AttachmentMembers, CreateInput};

/// The reference types that the operation accepts (API reference). Attachments are in `Attachments` instead.
const REFERENCE_TYPES: [&str; 5] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL"];

/// The latest time a task can be scheduled for, from now. Source: administrator guide, quotas. The API
/// reference and the service model say 6 days; the sandbox accepts the longer time.
const LONGEST_DELAY: Duration = Duration::from_hours(90 * 24);

/// The service model lets `Name` be empty. The sandbox requires a character: the stricter reading of a
/// required member.
pub(super) fn check(input: &CreateInput<'_>, now: SystemTime) -> Result<(), ApiError> {
    let name = required("Name", input.name)?;
    one_flow(input)?;

    length("Name", Some(name), 1..=1024)?;
    length("ContactFlowId", input.contact_flow_id, 0..=500)?;
    length("TaskTemplateId", input.task_template_id, 1..=500)?;
    // QuickConnectId has no length constraint in the service model.
    scheduled_time(input.scheduled_time, now)?;
    if let Some(attachments) = &input.attachments {
        check_attachments(attachments)?;
    }
    common::check(input, &REFERENCE_TYPES)
}

/// More than one is an error, because the flow to run is then not unique (API reference).
fn one_flow(input: &CreateInput<'_>) -> Result<(), ApiError> {
    let given = [input.contact_flow_id, input.quick_connect_id, input.task_template_id];
    if given.iter().flatten().count() == 1 {
        return Ok(());
    }
    Err(invalid_request("exactly one of ContactFlowId, QuickConnectId, TaskTemplateId is required"))
}

/// It is checked before the client token is looked up, so a request repeated after its scheduled time is
/// refused even if its contact exists. The service's response in that case is not documented.
fn scheduled_time(seconds: Option<f64>, now: SystemTime) -> Result<(), ApiError> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let latest = (now + LONGEST_DELAY).as_secs_f64();
    match seconds {
        Some(time) if time < now.as_secs_f64() => {
            Err(invalid_parameter("ScheduledTime must not be in the past"))
        }
        Some(time) if time > latest => Err(invalid_parameter("ScheduledTime must be at most 90 days ahead")),
        Some(_) | None => Ok(()),
    }
}

/// Source: service model, `TaskAttachments` and `TaskAttachment`.
fn check_attachments(attachments: &[AttachmentMembers<'_>]) -> Result<(), ApiError> {
    items("Attachments", attachments.len(), 1..=5)?;
    for attachment in attachments {
        let name = required("Attachments.FileName", attachment.file_name)?;
        let url = required("Attachments.S3Url", attachment.s3_url)?;
        length("Attachments.FileName", Some(name), 1..=256)?;
        // The model's pattern is `^\P{C}*$`. Of category C only control characters are checked, not format
        // characters, private use and unassigned code points.
        if name.chars().any(char::is_control) {
            return Err(invalid_parameter("Attachments.FileName may have no control characters"));
        }
        length("Attachments.S3Url", Some(url), 1..=2000)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{BaseRequest, NOW};
    use super::*;
    use crate::sandbox::api_error::ErrorCode;

    fn code(changes: &Value) -> Option<ErrorCode> {
        BaseRequest::start_task().code(changes)
    }

    #[test]
    fn a_name_and_a_flow_are_enough() {
        assert_eq!(BaseRequest::start_task().checked(&json!({})), Ok(()));
    }

    #[test]
    fn a_missing_required_member_is_named() {
        for member in ["InstanceId", "Name"] {
            let error = BaseRequest::start_task().checked(&json!({ member: null })).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
            assert_eq!(error.message, format!("{member} is required"));
        }
    }

    #[test]
    fn a_name_is_never_empty() {
        assert_eq!(code(&json!({"Name": ""})), Some(ErrorCode::InvalidParameter));
        assert_eq!(code(&json!({"Name": " "})), None);
    }

    #[test]
    fn exactly_one_of_flow_quick_connect_and_template_is_given() {
        let given = |flow: bool, quick_connect: bool, template: bool| {
            let id = |given: bool| given.then_some("id");
            code(&json!({
                "ContactFlowId": id(flow),
                "QuickConnectId": id(quick_connect),
                "TaskTemplateId": id(template),
            }))
        };
        for (flow, quick_connect, template) in
            [(true, false, false), (false, true, false), (false, false, true)]
        {
            assert_eq!(given(flow, quick_connect, template), None);
        }
        for (flow, quick_connect, template) in [
            (false, false, false),
            (true, true, false),
            (true, false, true),
            (false, true, true),
            (true, true, true),
        ] {
            assert_eq!(given(flow, quick_connect, template), Some(ErrorCode::InvalidRequest));
        }
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let base = BaseRequest::start_task();
        base.assert_limit("ContactFlowId", 500, |text| json!({"ContactFlowId": text}));
        base.assert_limit(
            "TaskTemplateId",
            500,
            |text| json!({"ContactFlowId": null, "TaskTemplateId": text}),
        );
        base.assert_limit("PreviousContactId", 256, |text| json!({"PreviousContactId": text}));
        let attachment = |name: &str, url: &str| json!({"Attachments": [{"FileName": name, "S3Url": url}]});
        base.assert_limit("Attachments.FileName", 256, |text| attachment(&text, "u"));
        base.assert_limit("Attachments.S3Url", 2000, |text| attachment("f", &text));
    }

    #[test]
    fn an_empty_text_is_refused_where_a_character_is_required() {
        for changes in [
            json!({"ContactFlowId": null, "TaskTemplateId": ""}),
            json!({"PreviousContactId": ""}),
            json!({"Attachments": [{"FileName": "", "S3Url": "u"}]}),
            json!({"Attachments": [{"FileName": "f", "S3Url": ""}]}),
        ] {
            assert_eq!(code(&changes), Some(ErrorCode::InvalidParameter), "{changes}");
        }
    }

    #[test]
    fn a_quick_connect_has_no_documented_length() {
        let quick_connect = |id: String| json!({"ContactFlowId": null, "QuickConnectId": id});
        assert_eq!(code(&quick_connect("ü".repeat(10_000))), None);
    }

    #[test]
    fn an_attachment_is_not_a_reference() {
        for kind in REFERENCE_TYPES {
            assert_eq!(code(&json!({"References": {"r": {"Type": kind}}})), None);
        }
        for kind in ["ATTACHMENT", "EMAIL_MESSAGE", "url", ""] {
            let changes = json!({"References": {"r": {"Type": kind}}});
            assert_eq!(code(&changes), Some(ErrorCode::InvalidParameter), "{kind}");
        }
    }

    #[test]
    fn a_task_is_scheduled_from_now_to_90_days_ahead() {
        let day = Duration::from_hours(24);
        let millisecond = Duration::from_millis(1);
        let at = |time: Duration| code(&json!({"ScheduledTime": time.as_secs_f64()}));
        for time in [NOW, NOW + 6 * day, NOW + 7 * day, NOW + 90 * day] {
            assert_eq!(at(time), None, "{time:?}");
        }
        for time in [Duration::ZERO, NOW - millisecond, NOW + 90 * day + millisecond, 10 * NOW] {
            assert_eq!(at(time), Some(ErrorCode::InvalidParameter), "{time:?}");
        }
        // Seconds, not milliseconds; and whole ones come without a fraction.
        assert_eq!(code(&json!({"ScheduledTime": (NOW + day).as_secs()})), None);
        let milliseconds = json!({"ScheduledTime": (NOW.as_secs() + 60) * 1000});
        assert_eq!(code(&milliseconds), Some(ErrorCode::InvalidParameter));
        assert_eq!(code(&json!({"ScheduledTime": -1})), Some(ErrorCode::InvalidParameter));
    }

    #[test]
    fn a_task_has_one_to_five_attachments_or_the_member_is_left_out() {
        let attachments = |count: usize| {
            let attachment = json!({"FileName": "f.pdf", "S3Url": "https://s3.example/f"});
            json!({"Attachments": vec![attachment; count]})
        };
        for count in [1, 5] {
            assert_eq!(code(&attachments(count)), None, "{count}");
        }
        for count in [0, 6] {
            assert_eq!(code(&attachments(count)), Some(ErrorCode::InvalidParameter), "{count}");
        }
    }

    #[test]
    fn an_attachment_needs_its_name_and_its_link() {
        for (attachment, missing) in
            [(json!({"FileName": "f"}), "Attachments.S3Url"), (json!({"S3Url": "u"}), "Attachments.FileName")]
        {
            let error = BaseRequest::start_task().checked(&json!({"Attachments": [attachment]})).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
            assert_eq!(error.message, format!("{missing} is required"));
        }
    }

    #[test]
    fn a_file_name_has_no_control_characters() {
        let named = |name: &str| code(&json!({"Attachments": [{"FileName": name, "S3Url": "u"}]}));
        assert_eq!(named("Müller – 1 (2).pdf"), None);
        for name in ["a\nb", "a\0", "\u{85}"] {
            assert_eq!(named(name), Some(ErrorCode::InvalidParameter), "{name:?}");
        }
    }
}
