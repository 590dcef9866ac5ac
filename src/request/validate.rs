//! Checks a request against the service's rules, before anything is sent.

use std::fmt;

use super::contact::{Attachment, ContactRequest, OrderedMap, Reference, SegmentValue};
use super::limits::{self as limit, Limit, Violation};
use super::operation::Operation;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The rules that `request` breaks at `now`, in seconds since 1970. The service should accept a request that breaks
/// none. Violations hold no values.
pub fn validate(request: &ContactRequest<'_>, now: i64) -> Vec<Violation> {
    let mut violations = Violations::default();
    match request.operation {
        Operation::CreateContact => create_contact(&mut violations, request),
        Operation::StartTaskContact => start_task_contact(&mut violations, request, now),
    }
    violations.check("Name", request.name.as_deref(), limit::NAME);
    violations.check("Description", request.description.as_deref(), limit::DESCRIPTION);
    violations.check("RelatedContactId", request.related_contact_id.as_deref(), limit::ID);
    violations.check("PreviousContactId", request.previous_contact_id.as_deref(), limit::ID);
    attributes(&mut violations, request);
    references(&mut violations, request);
    let map = MemberPath::of("SegmentAttributes");
    if request.keys_are_data {
        keys(&mut violations, &map, &request.segment_attributes, limit::SEGMENT_KEY);
    }
    for (key, value) in request.segment_attributes.iter() {
        segment_value(&mut violations, &map.key(key), value, key.starts_with("connect:"));
    }
    violations.0
}

#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    fn add(&mut self, member: impl fmt::Display, found: impl Into<String>, rule: impl Into<String>) {
        self.0.push(Violation::new(member.to_string(), found, rule));
    }

    /// Adds the violation if the member's value breaks its limit. A member that is not set breaks none.
    fn check(&mut self, member: impl fmt::Display, text: Option<&str>, limit: Limit) {
        if let Some(breach) = text.and_then(|text| limit.breach("", text)) {
            self.add(member, breach.found, breach.rule);
        }
    }
}

/// A member's JSON path, formatted only for a violation: most requests have none.
#[derive(Clone, Copy)]
struct MemberPath<'a> {
    parent: Option<&'a MemberPath<'a>>,
    step: &'a str,
}

impl<'a> MemberPath<'a> {
    fn of(step: &'a str) -> Self {
        MemberPath { parent: None, step }
    }

    fn member(&'a self, step: &'a str) -> Self {
        MemberPath { parent: Some(self), step }
    }

    /// The entry of a map. A key that may come from a field is shown only if it is short and printable.
    fn key(&'a self, key: &'a str) -> Self {
        let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        self.member(if key.len() <= 128 && key.bytes().all(is_printable) { key } else { "*" })
    }
}

impl fmt::Display for MemberPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.step)
    }
}

/// Checks keys that are rendered from fields against their limit, and that no two render to the same text.
fn keys<T>(violations: &mut Violations, map: &MemberPath<'_>, entries: &OrderedMap<'_, T>, limit: Limit) {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key).collect();
    for key in &keys {
        if let Some(Violation { found, rule, .. }) = limit.breach("", key) {
            violations.add(map.key(key), format!("has a key that {found}"), rule);
        }
    }
    keys.sort_unstable();
    let mut repeated: Vec<&str> = keys.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
    repeated.dedup();
    for key in repeated {
        violations.add(map.key(key), "", "is given twice; only one of them could be sent");
    }
}

fn create_contact(violations: &mut Violations, request: &ContactRequest<'_>) {
    channel_and_method(violations, request);
    let user_id = request.user_info.as_ref().map(|info| &*info.user_id);
    violations.check("UserInfo.UserId", user_id, limit::ID);
    if request.expiry_duration_in_minutes.is_some_and(|minutes| minutes < 1) {
        violations.add("ExpiryDurationInMinutes", "", "must be at least 1");
    }
}

/// Channel, initiation method and initial state, whose allowed values depend on each other.
fn channel_and_method(violations: &mut Violations, request: &ContactRequest<'_>) {
    let channel = request.channel.as_deref().unwrap_or_default();
    let method = request.initiation_method.as_deref().unwrap_or_default();
    let methods = limit::initiation_methods(channel);
    if methods.is_empty() {
        violations.check("Channel", Some(channel), limit::CHANNELS);
    } else if !methods.contains(&method) {
        let rule = format!("must be {} for channel {channel}", methods.join(" or "));
        violations.add("InitiationMethod", "", rule);
    }
    if let Some(state) = request.initiate_as.as_deref() {
        violations.check("InitiateAs", Some(state), limit::INITIATE_AS);
        if state == "COMPLETED" && channel != "TASK" {
            violations.add("InitiateAs", "", "can be COMPLETED for channel TASK only");
        }
    }
    if matches!(method, "OUTBOUND" | "AGENT_REPLY") && request.user_info.is_none() {
        violations.add("UserInfo.UserId", "", format!("is required for {method}"));
    }
    if request.previous_contact_id.is_some() && channel != "VOICE" {
        violations.add("PreviousContactId", "", "is for channel VOICE with external audio only");
    }
}

fn start_task_contact(violations: &mut Violations, request: &ContactRequest<'_>, now: i64) {
    if request.name.is_none() {
        violations.add("Name", "", "is required");
    }
    let targets = [
        ("ContactFlowId", &request.contact_flow_id, limit::FLOW_ID),
        ("QuickConnectId", &request.quick_connect_id, limit::QUICK_CONNECT_ID),
        ("TaskTemplateId", &request.task_template_id, limit::TEMPLATE_ID),
    ];
    let given = targets.iter().filter(|(_, id, _)| id.is_some()).count();
    if given != 1 {
        let found = if given == 0 { "are all missing" } else { "are given together" };
        violations.add("ContactFlowId, QuickConnectId, TaskTemplateId", found, "exactly one must be given");
    }
    for (member, id, limit) in targets {
        violations.check(member, id.as_deref(), limit);
    }
    match request.scheduled_time {
        Some(time) if time < now => violations.add("ScheduledTime", "", "lies in the past"),
        Some(time) if time > now + limit::SCHEDULED_DAYS_AT_MOST * SECONDS_PER_DAY => {
            let found = format!("lies {} days ahead", (time - now) / SECONDS_PER_DAY);
            let rule = format!("at most {} days are allowed", limit::SCHEDULED_DAYS_AT_MOST);
            violations.add("ScheduledTime", found, rule);
        }
        Some(_) | None => {}
    }
    let files = request.attachments.len();
    if files > limit::ATTACHMENTS {
        let rule = format!("at most {} files are allowed", limit::ATTACHMENTS);
        violations.add("Attachments", format!("has {files} files"), rule);
    }
    for (index, file) in request.attachments.iter().enumerate() {
        attachment(violations, &MemberPath::of("Attachments").member(&index.to_string()), file);
    }
}

fn attachment(violations: &mut Violations, path: &MemberPath<'_>, file: &Attachment<'_>) {
    for (member, text, limit) in
        [("FileName", &file.file_name, limit::FILE_NAME), ("S3Url", &file.s3_url, limit::S3_URL)]
    {
        match text.as_deref() {
            None => violations.add(path.member(member), "", "is required"),
            text => violations.check(path.member(member), text, limit),
        }
    }
    if file.file_name.as_deref().is_some_and(|name| name.contains(char::is_control)) {
        violations.add(path.member("FileName"), "", "may not have control characters");
    }
}

fn attributes(violations: &mut Violations, request: &ContactRequest<'_>) {
    let map = MemberPath::of("Attributes");
    if request.keys_are_data {
        keys(violations, &map, &request.attributes, limit::ATTRIBUTE_KEY);
    }
    let mut bytes = 0;
    for (key, value) in request.attributes.iter() {
        violations.check(map.key(key), Some(value), limit::ATTRIBUTE_VALUE);
        bytes += key.len() + value.len();
    }
    total_bytes(violations, map, bytes, limit::ATTRIBUTES_BYTES);
}

fn references(violations: &mut Violations, request: &ContactRequest<'_>) {
    let map = MemberPath::of("References");
    if request.keys_are_data {
        keys(violations, &map, &request.references, limit::REFERENCE_KEY);
    }
    let mut bytes = 0;
    for (key, value) in request.references.iter() {
        reference(violations, &map.key(key), value, request.operation);
        bytes += reference_bytes(key, value);
    }
    total_bytes(violations, map, bytes, limit::REFERENCES_BYTES);
}

fn total_bytes(violations: &mut Violations, member: MemberPath<'_>, bytes: usize, limit: usize) {
    if bytes > limit {
        let rule = format!("at most {limit} UTF-8 bytes are allowed in all");
        violations.add(member, format!("have {bytes} UTF-8 bytes"), rule);
    }
}

/// The UTF-8 bytes that a reference adds to the total of [`limit::REFERENCES_BYTES`].
pub(super) fn reference_bytes(key: &str, reference: &Reference<'_>) -> usize {
    let Reference { r#type, value, status, arn, status_reason } = reference;
    let texts = [r#type, value, status, arn, status_reason].into_iter().flatten();
    key.len() + texts.map(|text| text.len()).sum::<usize>()
}

fn reference(
    violations: &mut Violations,
    path: &MemberPath<'_>,
    reference: &Reference<'_>,
    operation: Operation,
) {
    let types = match operation {
        Operation::CreateContact => limit::REFERENCE_TYPES,
        Operation::StartTaskContact => limit::TASK_REFERENCE_TYPES,
    };
    match reference.r#type.as_deref() {
        None => violations.add(path.member("Type"), "", "is required"),
        kind => violations.check(path.member("Type"), kind, types),
    }
    let value = reference.value.as_deref();
    violations.check(path.member("Value"), value, limit::REFERENCE_VALUE);
    let is_date = reference.r#type.as_deref() == Some("DATE");
    if is_date && value.is_some_and(|value| !is_epoch_seconds(value)) {
        let rule = "must be epoch seconds for type DATE; use the filter epoch";
        violations.add(path.member("Value"), "", rule);
    }
    violations.check(path.member("Status"), reference.status.as_deref(), limit::REFERENCE_STATUSES);
    violations.check(path.member("Arn"), reference.arn.as_deref(), limit::REFERENCE_ARN);
    let reason = reference.status_reason.as_deref();
    violations.check(path.member("StatusReason"), reason, limit::REFERENCE_STATUS_REASON);
}

/// Whether `value` is an integer without a plus sign; dates before 1970 are negative.
fn is_epoch_seconds(value: &str) -> bool {
    !value.starts_with('+') && value.parse::<i64>().is_ok()
}

fn segment_value(
    violations: &mut Violations,
    path: &MemberPath<'_>,
    value: &SegmentValue<'_>,
    is_system_defined: bool,
) {
    let forms = [
        value.value_string.is_some(),
        value.value_integer.is_some(),
        value.value_map.is_some(),
        value.value_list.is_some(),
        value.value_arn.is_some(),
    ];
    if forms.into_iter().filter(|set| *set).count() != 1 {
        let rule = "must have exactly one of ValueString, ValueInteger, ValueMap, ValueList, ValueArn";
        violations.add(path, "", rule);
    }
    if !is_system_defined && (value.value_list.is_some() || value.value_arn.is_some()) {
        let rule = "may have ValueList and ValueArn only if it is system-defined (connect:…)";
        violations.add(path, "", rule);
    }
    violations.check(path.member("ValueString"), value.value_string.as_deref(), limit::SEGMENT_STRING);
    violations.check(path.member("ValueArn"), value.value_arn.as_deref(), limit::SEGMENT_ARN);
    let map = path.member("ValueMap");
    if let Some(entries) = &value.value_map {
        keys(violations, &map, entries, limit::SEGMENT_KEY);
        for (key, inner) in entries.iter() {
            segment_value(violations, &map.key(key), inner, is_system_defined);
        }
    }
    let list = path.member("ValueList");
    for (index, inner) in value.value_list.iter().flatten().enumerate() {
        segment_value(violations, &list.member(&index.to_string()), inner, is_system_defined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn task() -> ContactRequest<'static> {
        ContactRequest {
            channel: Some("TASK".into()),
            initiation_method: Some("API".into()),
            initiate_as: Some("COMPLETED".into()),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    fn open_task() -> ContactRequest<'static> {
        ContactRequest {
            name: Some("Call back".into()),
            contact_flow_id: Some("f".into()),
            ..ContactRequest::empty(Operation::StartTaskContact)
        }
    }

    fn rules(request: &ContactRequest<'_>) -> Vec<String> {
        validate(request, NOW).iter().map(Violation::to_string).collect()
    }

    fn one<'a, T>(key: &'a str, value: T) -> OrderedMap<'a, T> {
        OrderedMap(vec![(key.into(), value)])
    }

    #[test]
    fn a_bare_completed_task_is_valid() {
        assert_eq!(rules(&task()), Vec::<String>::new());
        assert_eq!(rules(&open_task()), Vec::<String>::new());
    }

    #[test]
    fn names_are_counted_in_characters_not_bytes() {
        let named = |chars| ContactRequest { name: Some("ü".repeat(chars).into()), ..task() };
        assert!(rules(&named(1024)).is_empty());
        assert_eq!(rules(&named(1025)), ["Name has 1025 characters, at most 1024 characters are allowed"]);
    }

    #[test]
    fn attributes_are_counted_in_bytes_over_keys_and_values() {
        let with = |value: String| ContactRequest { attributes: one("kk", value.into()), ..task() };
        assert!(rules(&with("x".repeat(32_766))).is_empty());
        assert_eq!(
            rules(&with("ü".repeat(16_384))),
            ["Attributes have 32770 UTF-8 bytes, at most 32768 UTF-8 bytes are allowed in all"]
        );
    }

    #[test]
    fn only_tasks_can_be_completed_from_the_start() {
        let email = ContactRequest {
            channel: Some("EMAIL".into()),
            initiation_method: Some("FLOW".into()),
            ..task()
        };
        assert_eq!(rules(&email), ["InitiateAs can be COMPLETED for channel TASK only"]);
    }

    #[test]
    fn a_date_reference_must_be_epoch_seconds() {
        let dated = |value: &'static str| {
            let date =
                Reference { r#type: Some("DATE".into()), value: Some(value.into()), ..Reference::default() };
            ContactRequest { references: one("Opened", date), ..task() }
        };
        assert!(rules(&dated("1700000000")).is_empty());
        assert_eq!(
            rules(&dated("2023-11-14")),
            ["References.Opened.Value must be epoch seconds for type DATE; use the filter epoch"]
        );
    }

    #[test]
    fn a_segment_value_has_exactly_one_form() {
        let both = SegmentValue {
            value_string: Some("a".into()),
            value_integer: Some(1),
            ..SegmentValue::default()
        };
        let outer = SegmentValue { value_map: Some(one("inner", both)), ..SegmentValue::default() };
        let request = ContactRequest { segment_attributes: one("outer", outer), ..task() };
        assert_eq!(validate(&request, NOW)[0].member, "SegmentAttributes.outer.ValueMap.inner");
    }

    #[test]
    fn a_key_that_is_rendered_twice_is_refused() {
        let twice = OrderedMap(vec![("a".into(), "1".into()), ("a".into(), "2".into())]);
        let request = ContactRequest { attributes: twice, keys_are_data: true, ..task() };
        assert_eq!(rules(&request), ["Attributes.a is given twice; only one of them could be sent"]);
    }

    #[test]
    fn an_open_task_has_exactly_one_starter() {
        let none = ContactRequest { contact_flow_id: None, ..open_task() };
        let two = ContactRequest { quick_connect_id: Some("q".into()), ..open_task() };
        let rule = |found| {
            format!("ContactFlowId, QuickConnectId, TaskTemplateId {found}, exactly one must be given")
        };
        assert_eq!(rules(&none), [rule("are all missing")]);
        assert_eq!(rules(&two), [rule("are given together")]);
    }

    #[test]
    fn a_scheduled_time_lies_ahead_but_not_too_far() {
        let at = |time| ContactRequest { scheduled_time: Some(time), ..open_task() };
        assert!(rules(&at(NOW)).is_empty());
        assert!(rules(&at(NOW + 90 * SECONDS_PER_DAY)).is_empty());
        assert_eq!(rules(&at(NOW - 1)), ["ScheduledTime lies in the past"]);
        assert_eq!(
            rules(&at(NOW + 91 * SECONDS_PER_DAY)),
            ["ScheduledTime lies 91 days ahead, at most 90 days are allowed"]
        );
    }

    #[test]
    fn attachments_are_whole_and_at_most_five() {
        let whole = Attachment { file_name: Some("f".into()), s3_url: Some("https://x".into()) };
        let with = |attachments| ContactRequest { attachments, ..open_task() };
        assert!(rules(&with(vec![whole.clone(); 5])).is_empty());
        assert_eq!(rules(&with(vec![whole; 6])), ["Attachments has 6 files, at most 5 files are allowed"]);
        assert_eq!(
            rules(&with(vec![Attachment::default()])),
            ["Attachments.0.FileName is required", "Attachments.0.S3Url is required"]
        );
    }

    #[test]
    fn an_open_task_refers_to_no_attachment() {
        let file =
            Reference { r#type: Some("ATTACHMENT".into()), value: Some("x".into()), ..Reference::default() };
        let request = ContactRequest { references: one("File", file), ..open_task() };
        assert_eq!(rules(&request), ["References.File.Type must be one of URL, NUMBER, STRING, DATE, EMAIL"]);
    }
}
