//! The service's rules, applied before anything is sent.

use super::limits as limit;
use super::{Attachment, ContactRequest, Limit, Named, Operation, Reference, SegmentValue, Violation};

const DAY: i64 = 24 * 60 * 60;

/// Every rule that `request` breaks at `now`, in seconds since 1970; none means that the service should
/// accept it. No violation holds a value.
pub fn validate(request: &ContactRequest<'_>, now: i64) -> Vec<Violation> {
    let mut found = Findings::default();
    match request.operation {
        Operation::CreateContact => create_contact(&mut found, request),
        Operation::StartTaskContact => start_task_contact(&mut found, request, now),
    }
    found.text("Name", request.name.as_deref(), limit::NAME);
    found.text("Description", request.description.as_deref(), limit::DESCRIPTION);
    found.text("RelatedContactId", request.related_contact_id.as_deref(), limit::ID);
    found.text("PreviousContactId", request.previous_contact_id.as_deref(), limit::ID);
    attributes(&mut found, request);
    references(&mut found, request);
    let map = Path::of("SegmentAttributes");
    if request.keys_are_data {
        keys_of(&mut found, &map, &request.segment_attributes, limit::SEGMENT_KEY);
    }
    for (key, value) in request.segment_attributes.iter() {
        let path = map.key(key);
        segment_value(&mut found, &path, value, key.starts_with("connect:"));
    }
    found.0
}

#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, member: impl Into<String>, found: impl Into<String>, rule: impl Into<String>) {
        self.0.push(Violation::new(member, found, rule));
    }

    fn text(&mut self, member: &str, text: Option<&str>, limit: Limit) {
        if let Some(breach) = text.and_then(|text| limit.breach(member, text)) {
            self.0.push(breach);
        }
    }

    fn at(&mut self, path: &Path<'_>, member: &str, text: Option<&str>, limit: Limit) {
        if let Some(breach) = text.and_then(|text| limit.breach(member, text)) {
            self.0.push(Violation { member: path.member(&breach.member), ..breach });
        }
    }

    fn key(&mut self, path: &Path<'_>, key: &str, limit: Limit) {
        if let Some(Violation { found, rule, .. }) = limit.breach("", key) {
            self.add(path.text(), format!("has a key that {found}"), rule);
        }
    }
}

/// A member's path, put together only when there is something to say of it.
#[derive(Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: &'a str,
}

impl<'a> Path<'a> {
    fn of(step: &'a str) -> Self {
        Path { parent: None, step }
    }

    fn key(&'a self, key: &'a str) -> Self {
        Path { parent: Some(self), step: shown(key) }
    }

    fn member(&self, name: &str) -> String {
        if name.is_empty() { self.text() } else { format!("{}.{name}", self.text()) }
    }

    fn text(&self) -> String {
        match self.parent {
            Some(parent) => format!("{}.{}", parent.text(), self.step),
            None => self.step.to_owned(),
        }
    }
}

/// A key as a message may show it: one that came from data could be anything.
fn shown(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if key.len() <= 128 && key.bytes().all(plain) { key } else { "*" }
}

/// Keys that come from cells: each within its limit, and none twice, since two templates, or a template and
/// a literal, may render to the same one.
fn keys_of<T>(found: &mut Findings, map: &Path<'_>, entries: &Named<'_, T>, limit: Limit) {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key).collect();
    for key in &keys {
        found.key(&map.key(key), key, limit);
    }
    keys.sort_unstable();
    let mut twice: Vec<&str> = keys.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
    twice.dedup();
    for key in twice {
        found.add(map.key(key).text(), "", "is given twice; only one of them could be sent");
    }
}

fn create_contact(found: &mut Findings, request: &ContactRequest<'_>) {
    contact_kind(found, request);
    let user_id = request.user_info.as_ref().map(|info| &*info.user_id);
    found.text("UserInfo.UserId", user_id, limit::ID);
    if request.expiry_duration_in_minutes.is_some_and(|minutes| minutes < 1) {
        found.add("ExpiryDurationInMinutes", "", "must be at least 1");
    }
}

/// Channel, initiation method and initial state, which depend on each other.
fn contact_kind(found: &mut Findings, request: &ContactRequest<'_>) {
    let channel = request.channel.as_deref().unwrap_or_default();
    let method = request.initiation_method.as_deref().unwrap_or_default();
    let methods = limit::initiation_methods(channel);
    if methods.is_empty() {
        found.text("Channel", Some(channel), limit::CHANNELS);
    } else if !methods.contains(&method) {
        found.add("InitiationMethod", "", format!("must be {} for channel {channel}", methods.join(" or ")));
    }
    if let Some(state) = request.initiate_as.as_deref() {
        found.text("InitiateAs", Some(state), limit::INITIATE_AS);
        if state == "COMPLETED" && channel != "TASK" {
            found.add("InitiateAs", "", "can be COMPLETED for channel TASK only");
        }
    }
    if matches!(method, "OUTBOUND" | "AGENT_REPLY") && request.user_info.is_none() {
        found.add("UserInfo.UserId", "", format!("is required for {method}"));
    }
    if request.previous_contact_id.is_some() && channel != "VOICE" {
        found.add("PreviousContactId", "", "is for channel VOICE with external audio only");
    }
}

fn start_task_contact(found: &mut Findings, request: &ContactRequest<'_>, now: i64) {
    if request.name.is_none() {
        found.add("Name", "", "is required");
    }
    let starters = [
        ("ContactFlowId", &request.contact_flow_id, limit::FLOW_ID),
        ("QuickConnectId", &request.quick_connect_id, limit::QUICK_CONNECT_ID),
        ("TaskTemplateId", &request.task_template_id, limit::TEMPLATE_ID),
    ];
    let given = starters.iter().filter(|(_, id, _)| id.is_some()).count();
    if given != 1 {
        let what = if given == 0 { "are all missing" } else { "are given together" };
        found.add("ContactFlowId, QuickConnectId, TaskTemplateId", what, "exactly one must be given");
    }
    for (member, id, limit) in starters {
        found.text(member, id.as_deref(), limit);
    }
    match request.scheduled_time {
        Some(time) if time < now => found.add("ScheduledTime", "", "lies in the past"),
        Some(time) if time > now + limit::SCHEDULED_DAYS_AT_MOST * DAY => {
            let days = (time - now) / DAY;
            let most = limit::SCHEDULED_DAYS_AT_MOST;
            found.add(
                "ScheduledTime",
                format!("lies {days} days ahead"),
                format!("at most {most} days are allowed"),
            );
        }
        Some(_) | None => {}
    }
    let files = request.attachments.len();
    if files > limit::ATTACHMENTS {
        found.add(
            "Attachments",
            format!("has {files} files"),
            format!("at most {} files are allowed", limit::ATTACHMENTS),
        );
    }
    for (index, file) in request.attachments.iter().enumerate() {
        attachment(found, &index.to_string(), file);
    }
}

fn attachment(found: &mut Findings, index: &str, file: &Attachment<'_>) {
    let list = Path::of("Attachments");
    let path = list.key(index);
    for (member, text, limit) in
        [("FileName", &file.file_name, limit::FILE_NAME), ("S3Url", &file.s3_url, limit::S3_URL)]
    {
        if text.is_none() {
            found.add(path.member(member), "", "is required");
        }
        found.at(&path, member, text.as_deref(), limit);
    }
    if file.file_name.as_deref().is_some_and(|name| name.contains(char::is_control)) {
        found.add(path.member("FileName"), "", "may not have control characters");
    }
}

fn attributes(found: &mut Findings, request: &ContactRequest<'_>) {
    let map = Path::of("Attributes");
    if request.keys_are_data {
        keys_of(found, &map, &request.attributes, limit::ATTRIBUTE_KEY);
    }
    let mut bytes = 0;
    for (key, value) in request.attributes.iter() {
        let path = map.key(key);
        found.at(&path, "", Some(value), limit::ATTRIBUTE_VALUE);
        bytes += key.len() + value.len();
    }
    total(found, "Attributes", bytes, limit::ATTRIBUTES_BYTES);
}

fn references(found: &mut Findings, request: &ContactRequest<'_>) {
    let map = Path::of("References");
    if request.keys_are_data {
        keys_of(found, &map, &request.references, limit::REFERENCE_KEY);
    }
    let mut bytes = 0;
    for (key, reference) in request.references.iter() {
        let path = map.key(key);
        one_reference(found, &path, reference, request.operation);
        bytes += reference_bytes(key, reference);
    }
    total(found, "References", bytes, limit::REFERENCES_BYTES);
}

fn total(found: &mut Findings, member: &str, bytes: usize, limit: usize) {
    if bytes > limit {
        found.add(
            member,
            format!("have {bytes} UTF-8 bytes"),
            format!("at most {limit} UTF-8 bytes are allowed in all"),
        );
    }
}

/// The UTF-8 bytes that a reference counts for.
pub(super) fn reference_bytes(key: &str, reference: &Reference<'_>) -> usize {
    let Reference { r#type, value, status, arn, status_reason } = reference;
    let parts = [r#type, value, status, arn, status_reason].into_iter().flatten();
    key.len() + parts.map(|text| text.len()).sum::<usize>()
}

fn one_reference(found: &mut Findings, path: &Path<'_>, reference: &Reference<'_>, operation: Operation) {
    let types = match operation {
        Operation::CreateContact => limit::REFERENCE_TYPES,
        Operation::StartTaskContact => limit::TASK_REFERENCE_TYPES,
    };
    match reference.r#type.as_deref() {
        None => found.add(path.member("Type"), "", "is required"),
        kind => found.at(path, "Type", kind, types),
    }
    found.at(path, "Value", reference.value.as_deref(), limit::REFERENCE_VALUE);
    let is_date = reference.r#type.as_deref() == Some("DATE");
    if is_date && reference.value.as_deref().is_some_and(|value| !is_epoch(value)) {
        found.add(path.member("Value"), "", "must be epoch seconds for type DATE; use the filter epoch");
    }
    found.at(path, "Status", reference.status.as_deref(), limit::REFERENCE_STATUSES);
    found.at(path, "Arn", reference.arn.as_deref(), limit::REFERENCE_ARN);
    found.at(path, "StatusReason", reference.status_reason.as_deref(), limit::REFERENCE_STATUS_REASON);
}

/// A whole number of seconds, before 1970 too.
fn is_epoch(value: &str) -> bool {
    !value.starts_with('+') && value.parse::<i64>().is_ok()
}

/// `system`: the attribute is one that the service defines.
fn segment_value(found: &mut Findings, path: &Path<'_>, value: &SegmentValue<'_>, system: bool) {
    let forms = [
        value.value_string.is_some(),
        value.value_integer.is_some(),
        value.value_map.is_some(),
        value.value_list.is_some(),
        value.value_arn.is_some(),
    ];
    if forms.into_iter().filter(|set| *set).count() != 1 {
        let rule = "must have exactly one of ValueString, ValueInteger, ValueMap, ValueList, ValueArn";
        found.add(path.text(), "", rule);
    }
    if !system && (value.value_list.is_some() || value.value_arn.is_some()) {
        let rule = "may have ValueList and ValueArn only if it is system-defined (connect:…)";
        found.add(path.text(), "", rule);
    }
    found.at(path, "ValueString", value.value_string.as_deref(), limit::SEGMENT_STRING);
    found.at(path, "ValueArn", value.value_arn.as_deref(), limit::SEGMENT_ARN);
    let map = path.key("ValueMap");
    if let Some(entries) = &value.value_map {
        keys_of(found, &map, entries, limit::SEGMENT_KEY);
    }
    for (key, inner) in value.value_map.iter().flat_map(|entries| entries.iter()) {
        let path = map.key(key);
        segment_value(found, &path, inner, system);
    }
    let list = path.key("ValueList");
    for (index, inner) in value.value_list.iter().flatten().enumerate() {
        segment_value(found, &list.key(&index.to_string()), inner, system);
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

    fn one<'a, T>(key: &'a str, value: T) -> Named<'a, T> {
        Named(vec![(key.into(), value)])
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
        let twice = Named(vec![("a".into(), "1".into()), ("a".into(), "2".into())]);
        let request = ContactRequest { attributes: twice, keys_are_data: true, ..task() };
        assert_eq!(rules(&request), ["Attributes.a is given twice; only one of them could be sent"]);
    }

    #[test]
    fn an_open_task_has_exactly_one_starter() {
        let none = ContactRequest { contact_flow_id: None, ..open_task() };
        let two = ContactRequest { quick_connect_id: Some("q".into()), ..open_task() };
        let said = |found| {
            format!("ContactFlowId, QuickConnectId, TaskTemplateId {found}, exactly one must be given")
        };
        assert_eq!(rules(&none), [said("are all missing")]);
        assert_eq!(rules(&two), [said("are given together")]);
    }

    #[test]
    fn a_scheduled_time_lies_ahead_but_not_too_far() {
        let at = |time| ContactRequest { scheduled_time: Some(time), ..open_task() };
        assert!(rules(&at(NOW)).is_empty());
        assert!(rules(&at(NOW + 90 * DAY)).is_empty());
        assert_eq!(rules(&at(NOW - 1)), ["ScheduledTime lies in the past"]);
        assert_eq!(
            rules(&at(NOW + 91 * DAY)),
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
