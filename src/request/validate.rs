//! The service's rules, applied before anything is sent. Messages name member, limit and size,
//! never a value.

use std::fmt;

use super::limits as limit;
use super::{ContactRequest, Reference, SegmentValue};

/// One rule of the service that a request breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The member's JSON path, such as `References.Ticket.Value`.
    pub member: String,
    /// The rule and the actual size, never the value.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.member, self.rule)
    }
}

/// Every rule that `request` breaks; none means that the service should accept it.
pub fn validate(request: &ContactRequest) -> Vec<Violation> {
    let mut found = Findings::default();
    contact_kind(&mut found, request);
    found.at_most("Name", request.name.as_deref(), limit::NAME_CHARS);
    found.at_most("Description", request.description.as_deref(), limit::DESCRIPTION_CHARS);
    attributes(&mut found, request);
    references(&mut found, request);
    for (key, value) in &request.segment_attributes {
        let path = format!("SegmentAttributes.{}", shown(key));
        found.key(&path, key, limit::SEGMENT_KEY_CHARS);
        segment_value(&mut found, &path, value);
    }
    let ids = [
        ("UserInfo.UserId", &request.user_info.user_id),
        ("RelatedContactId", &request.related_contact_id),
        ("PreviousContactId", &request.previous_contact_id),
    ];
    for (member, id) in ids {
        found.at_most(member, id.as_deref(), limit::ID_CHARS);
    }
    if request.expiry_duration_in_minutes.is_some_and(|minutes| minutes < 1) {
        found.add("ExpiryDurationInMinutes", "must be at least 1".into());
    }
    found.0
}

#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, member: &str, rule: String) {
        self.0.push(Violation { member: member.to_owned(), rule });
    }

    fn at_most(&mut self, member: &str, text: Option<&str>, limit: usize) {
        let chars = text.map_or(0, |text| text.chars().count());
        if chars > limit {
            self.add(member, format!("has {chars} characters, at most {limit} are allowed"));
        }
    }

    fn key(&mut self, path: &str, key: &str, limit: usize) {
        let chars = key.chars().count();
        if !(1..=limit).contains(&chars) {
            self.add(path, format!("has a key of {chars} characters, 1 to {limit} are allowed"));
        }
    }

    fn one_of(&mut self, member: &str, value: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            self.add(member, format!("must be one of {}", allowed.join(", ")));
        }
    }
}

/// Channel, initiation method and initial state, which depend on each other.
fn contact_kind(found: &mut Findings, request: &ContactRequest) {
    let methods = limit::initiation_methods(&request.channel);
    if methods.is_empty() {
        found.one_of("Channel", &request.channel, &limit::CHANNELS);
    } else if !methods.contains(&request.initiation_method.as_str()) {
        let rule = format!("must be {} for channel {}", methods.join(" or "), request.channel);
        found.add("InitiationMethod", rule);
    }
    if let Some(state) = request.initiate_as.as_deref() {
        found.one_of("InitiateAs", state, &limit::INITIATE_AS);
        if state == "COMPLETED" && request.channel != "TASK" {
            found.add("InitiateAs", "can be COMPLETED for channel TASK only".into());
        }
    }
    let needs_user = matches!(request.initiation_method.as_str(), "OUTBOUND" | "AGENT_REPLY");
    if needs_user && request.user_info.user_id.is_none() {
        found.add("UserInfo.UserId", format!("is required for {}", request.initiation_method));
    }
    if request.previous_contact_id.is_some() && request.channel != "VOICE" {
        found.add("PreviousContactId", "is for channel VOICE with external audio only".into());
    }
}

/// A key as a message may show it: one that came from data could be anything.
fn shown(key: &str) -> &str {
    let plain = |c: char| c.is_ascii_graphic();
    if key.len() <= 128 && key.chars().all(plain) { key } else { "*" }
}

fn attributes(found: &mut Findings, request: &ContactRequest) {
    for (key, value) in &request.attributes {
        let path = format!("Attributes.{}", shown(key));
        found.key(&path, key, limit::ATTRIBUTE_KEY_CHARS);
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            found.add(&path, "has a key with characters other than A-Z, a-z, 0-9, - and _".into());
        }
        found.at_most(&path, Some(value), limit::ATTRIBUTE_VALUE_CHARS);
    }
    let bytes: usize = request.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > limit::ATTRIBUTES_BYTES {
        let limit = limit::ATTRIBUTES_BYTES;
        found.add("Attributes", format!("have {bytes} UTF-8 bytes in all, at most {limit} are allowed"));
    }
}

fn references(found: &mut Findings, request: &ContactRequest) {
    for (key, reference) in &request.references {
        let path = format!("References.{}", shown(key));
        found.key(&path, key, limit::REFERENCE_KEY_CHARS);
        found.one_of(&format!("{path}.Type"), &reference.r#type, &limit::REFERENCE_TYPES);
        found.at_most(&format!("{path}.Value"), reference.value.as_deref(), limit::REFERENCE_VALUE_CHARS);
        if reference.r#type == "DATE" && reference.value.as_deref().is_some_and(|v| v.parse::<i64>().is_err())
        {
            let remedy = "must be epoch seconds for type DATE; use the filter epoch";
            found.add(&format!("{path}.Value"), remedy.into());
        }
        attachment(found, &path, reference);
    }
    let bytes: usize =
        request.references.iter().map(|(key, reference)| reference_bytes(key, reference)).sum();
    if bytes > limit::REFERENCES_BYTES {
        let limit = limit::REFERENCES_BYTES;
        found.add("References", format!("have {bytes} UTF-8 bytes in all, at most {limit} are allowed"));
    }
}

fn reference_bytes(key: &str, reference: &Reference) -> usize {
    let parts = [&reference.value, &reference.status, &reference.arn, &reference.status_reason];
    key.len() + reference.r#type.len() + parts.into_iter().flatten().map(String::len).sum::<usize>()
}

fn attachment(found: &mut Findings, path: &str, reference: &Reference) {
    if let Some(status) = &reference.status {
        found.one_of(&format!("{path}.Status"), status, &limit::REFERENCE_STATUSES);
    }
    let reason = format!("{path}.StatusReason");
    found.at_most(&reason, reference.status_reason.as_deref(), limit::REFERENCE_STATUS_REASON_CHARS);
    if let Some(arn) = &reference.arn {
        let allowed = limit::REFERENCE_ARN_CHARS;
        let sound = arn.chars().all(|c| c.is_ascii_alphanumeric() || "-:/".contains(c));
        if !allowed.contains(&arn.chars().count()) || !sound {
            let rule = format!(
                "must be {} to {} characters of A-Z, a-z, 0-9, -, : and /",
                allowed.start(),
                allowed.end()
            );
            found.add(&format!("{path}.Arn"), rule);
        }
    }
}

fn segment_value(found: &mut Findings, path: &str, value: &SegmentValue) {
    let forms = [
        value.value_string.is_some(),
        value.value_integer.is_some(),
        value.value_map.is_some(),
        value.value_list.is_some(),
        value.value_arn.is_some(),
    ];
    if forms.into_iter().filter(|set| *set).count() != 1 {
        let rule = "must have exactly one of ValueString, ValueInteger, ValueMap, ValueList, ValueArn";
        found.add(path, rule.into());
    }
    let text = format!("{path}.ValueString");
    found.at_most(&text, value.value_string.as_deref(), limit::SEGMENT_STRING_CHARS);
    for (key, inner) in value.value_map.iter().flatten() {
        let inner_path = format!("{path}.ValueMap.{}", shown(key));
        found.key(&inner_path, key, limit::SEGMENT_KEY_CHARS);
        segment_value(found, &inner_path, inner);
    }
    for (index, inner) in value.value_list.iter().flatten().enumerate() {
        segment_value(found, &format!("{path}.ValueList.{index}"), inner);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn task() -> ContactRequest {
        ContactRequest {
            channel: "TASK".into(),
            initiation_method: "API".into(),
            initiate_as: Some("COMPLETED".into()),
            ..Default::default()
        }
    }

    fn rules(request: &ContactRequest) -> Vec<String> {
        validate(request).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_bare_completed_task_is_valid() {
        assert_eq!(rules(&task()), Vec::<String>::new());
    }

    #[test]
    fn names_are_counted_in_characters_not_bytes() {
        let mut request = task();
        request.name = Some("ü".repeat(1024));
        assert!(rules(&request).is_empty());
        request.name = Some("ü".repeat(1025));
        assert_eq!(rules(&request), ["Name has 1025 characters, at most 1024 are allowed"]);
    }

    #[test]
    fn attributes_are_counted_in_bytes_over_keys_and_values() {
        let mut request = task();
        request.attributes = BTreeMap::from([("kk".into(), "x".repeat(32_766))]);
        assert!(rules(&request).is_empty());
        request.attributes = BTreeMap::from([("kk".into(), "ü".repeat(16_384))]);
        assert_eq!(rules(&request), ["Attributes have 32770 UTF-8 bytes in all, at most 32768 are allowed"]);
    }

    #[test]
    fn only_tasks_can_be_completed_from_the_start() {
        let mut request = task();
        request.channel = "EMAIL".into();
        request.initiation_method = "FLOW".into();
        assert_eq!(rules(&request), ["InitiateAs can be COMPLETED for channel TASK only"]);
    }

    #[test]
    fn a_date_reference_must_be_epoch_seconds() {
        let mut request = task();
        let date = |value: &str| Reference {
            r#type: "DATE".into(),
            value: Some(value.into()),
            ..Default::default()
        };
        request.references = BTreeMap::from([("Opened".into(), date("1700000000"))]);
        assert!(rules(&request).is_empty());
        request.references = BTreeMap::from([("Opened".into(), date("2023-11-14"))]);
        assert_eq!(
            rules(&request),
            ["References.Opened.Value must be epoch seconds for type DATE; use the filter epoch"]
        );
    }

    #[test]
    fn a_segment_value_has_exactly_one_form() {
        let mut request = task();
        let both =
            SegmentValue { value_string: Some("a".into()), value_integer: Some(1), ..Default::default() };
        let nested = BTreeMap::from([("inner".into(), both)]);
        let outer = SegmentValue { value_map: Some(nested), ..Default::default() };
        request.segment_attributes = BTreeMap::from([("outer".into(), outer)]);
        assert_eq!(validate(&request)[0].member, "SegmentAttributes.outer.ValueMap.inner");
    }
}
