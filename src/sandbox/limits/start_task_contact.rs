//! The limits on `StartTaskContact` alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{bad, common, invalid, items, length, required};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::wire::{Attachment, Common, StartTaskContact};

/// The reference types the service takes when a task is started (API reference): attachments go
/// into `Attachments` instead.
const REFERENCE_TYPES: [&str; 5] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL"];

/// How far ahead a task can be scheduled, by the quotas in the administrator guide. The API
/// reference and the service model say 6 days: what lies between the two is let through.
const FARTHEST: Duration = Duration::from_hours(90 * 24);

/// The service model lets `Name` be empty. The sandbox does not: the stricter reading of a member
/// that is required.
pub(super) fn check(common: &Common<'_>, own: &StartTaskContact<'_>, now: SystemTime) -> Result<(), Refusal> {
    let name = required("Name", common.name)?;
    one_flow(own)?;

    length("Name", Some(name), 1..=1024)?;
    length("ContactFlowId", own.contact_flow_id, 0..=500)?;
    length("TaskTemplateId", own.task_template_id, 1..=500)?;
    // QuickConnectId has no length constraint in the service model.
    scheduled_time(own.scheduled_time, now)?;
    attachments(own.attachments.as_deref())?;
    common::check(common, &REFERENCE_TYPES)
}

/// The API reference: more than one is an error, because the flow to run is then not unique.
fn one_flow(own: &StartTaskContact<'_>) -> Result<(), Refusal> {
    let given = [own.contact_flow_id, own.quick_connect_id, own.task_template_id];
    if given.iter().flatten().count() == 1 {
        return Ok(());
    }
    Err(invalid("exactly one of ContactFlowId, QuickConnectId, TaskTemplateId is required"))
}

/// It is checked before the client token is looked up, so a request that comes again after its
/// time is refused even if its contact exists. What the service does then is not documented.
fn scheduled_time(seconds: Option<f64>, now: SystemTime) -> Result<(), Refusal> {
    let Some(seconds) = seconds else {
        return Ok(());
    };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if seconds < now.as_secs_f64() {
        return Err(bad("ScheduledTime must not be in the past"));
    }
    if seconds > (now + FARTHEST).as_secs_f64() {
        return Err(bad("ScheduledTime must be at most 90 days ahead"));
    }
    Ok(())
}

/// The service model: `TaskAttachments` and its `TaskAttachment`.
fn attachments(attachments: Option<&[Attachment<'_>]>) -> Result<(), Refusal> {
    let Some(attachments) = attachments else {
        return Ok(());
    };
    items("Attachments", attachments.len(), 1..=5)?;
    for attachment in attachments {
        let name = required("Attachments.FileName", attachment.file_name)?;
        let url = required("Attachments.S3Url", attachment.s3_url)?;
        length("Attachments.FileName", Some(name), 1..=256)?;
        // The model's pattern is `^\P{C}*$`; of its category C only control characters are
        // looked for, not format characters, private use and the unassigned.
        if name.chars().any(char::is_control) {
            return Err(bad("Attachments.FileName may have no control characters"));
        }
        length("Attachments.S3Url", Some(url), 1..=2000)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::trial::{NOW, Trial};
    use super::*;
    use crate::sandbox::refusal::Code;

    fn code(changes: &Value) -> Option<Code> {
        Trial::start_task().code(changes)
    }

    #[test]
    fn a_name_and_a_flow_are_enough() {
        assert_eq!(Trial::start_task().checked(&json!({})), Ok(()));
    }

    #[test]
    fn required_members_are_asked_for_by_name() {
        for member in ["InstanceId", "Name"] {
            let refusal = Trial::start_task().checked(&json!({ member: null })).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidRequest);
            assert_eq!(refusal.message, format!("{member} is required"));
        }
    }

    #[test]
    fn a_name_is_never_empty() {
        assert_eq!(code(&json!({"Name": ""})), Some(Code::InvalidParameter));
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
            assert_eq!(given(flow, quick_connect, template), Some(Code::InvalidRequest));
        }
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let trial = Trial::start_task();
        trial.boundary("ContactFlowId", 500, |text| json!({"ContactFlowId": text}));
        trial.boundary("TaskTemplateId", 500, |text| json!({"ContactFlowId": null, "TaskTemplateId": text}));
        trial.boundary("PreviousContactId", 256, |text| json!({"PreviousContactId": text}));
        let attachment = |name: &str, url: &str| json!({"Attachments": [{"FileName": name, "S3Url": url}]});
        trial.boundary("Attachments.FileName", 256, |text| attachment(&text, "u"));
        trial.boundary("Attachments.S3Url", 2000, |text| attachment("f", &text));
    }

    #[test]
    fn what_must_not_be_empty_is_refused_empty() {
        for changes in [
            json!({"ContactFlowId": null, "TaskTemplateId": ""}),
            json!({"PreviousContactId": ""}),
            json!({"Attachments": [{"FileName": "", "S3Url": "u"}]}),
            json!({"Attachments": [{"FileName": "f", "S3Url": ""}]}),
        ] {
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{changes}");
        }
    }

    #[test]
    fn a_quick_connect_has_no_documented_length() {
        let quick_connect = |id: String| json!({"ContactFlowId": null, "QuickConnectId": id});
        assert_eq!(code(&quick_connect("ü".repeat(10_000))), None);
    }

    #[test]
    fn an_attachment_is_no_reference() {
        for kind in REFERENCE_TYPES {
            assert_eq!(code(&json!({"References": {"r": {"Type": kind}}})), None);
        }
        for kind in ["ATTACHMENT", "EMAIL_MESSAGE", "url", ""] {
            let changes = json!({"References": {"r": {"Type": kind}}});
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{kind}");
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
            assert_eq!(at(time), Some(Code::InvalidParameter), "{time:?}");
        }
        // Seconds, not milliseconds; and whole ones come without a fraction.
        assert_eq!(code(&json!({"ScheduledTime": (NOW + day).as_secs()})), None);
        let milliseconds = json!({"ScheduledTime": (NOW.as_secs() + 60) * 1000});
        assert_eq!(code(&milliseconds), Some(Code::InvalidParameter));
        assert_eq!(code(&json!({"ScheduledTime": -1})), Some(Code::InvalidParameter));
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
            assert_eq!(code(&attachments(count)), Some(Code::InvalidParameter), "{count}");
        }
    }

    #[test]
    fn an_attachment_needs_its_name_and_its_link() {
        for (attachment, missing) in
            [(json!({"FileName": "f"}), "Attachments.S3Url"), (json!({"S3Url": "u"}), "Attachments.FileName")]
        {
            let refusal = Trial::start_task().checked(&json!({"Attachments": [attachment]})).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidRequest);
            assert_eq!(refusal.message, format!("{missing} is required"));
        }
    }

    #[test]
    fn a_file_name_has_no_control_characters() {
        let named = |name: &str| code(&json!({"Attachments": [{"FileName": name, "S3Url": "u"}]}));
        assert_eq!(named("Müller – 1 (2).pdf"), None);
        for name in ["a\nb", "a\0", "\u{85}"] {
            assert_eq!(named(name), Some(Code::InvalidParameter), "{name:?}");
        }
    }
}
