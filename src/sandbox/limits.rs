//! The service's documented limits on `CreateContact`. Pure.
//!
//! Sources: the AWS API reference of `CreateContact` and the service model it is made from
//! (connect, 2017-08-08). They are written down here a second time, apart from the importer's own
//! validation, so that a rehearsal tests that validation instead of repeating it.
//!
//! Lengths are in Unicode characters, as the model's length constraints count; the two totals are
//! in UTF-8 bytes. Messages name the member and the limit, never the value.

use std::ops::RangeInclusive;

use super::refusal::{Code, Refusal};
use super::wire::{CreateContact, Entries, Reference, SegmentValue, path};

/// UTF-8 bytes over all keys and values of `Attributes`.
const ATTRIBUTES_BYTES: usize = 32_768;

/// UTF-8 bytes over all of `References`. Whether keys count is not documented; they do here, as
/// the stricter reading, together with values, ARNs and status reasons.
const REFERENCES_BYTES: usize = 4096;

/// The reference types the service takes when a contact is created; its enum has more.
const REFERENCE_TYPES: [&str; 6] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"];

/// Checks a request against every documented limit, and reports the first that it breaks.
///
/// # Errors
///
/// `InvalidRequestException` if a member is missing or members do not go together,
/// `InvalidParameterException` if one member's value breaks its own constraint. Which of the two
/// the service itself picks is not documented.
pub(super) fn check(request: &CreateContact<'_>) -> Result<(), Refusal> {
    required("InstanceId", request.instance_id)?;
    let channel = required("Channel", request.channel)?;
    let method = required("InitiationMethod", request.initiation_method)?;

    channel_and_method(channel, method)?;
    initiate_as(channel, request.initiate_as)?;
    if channel == "EMAIL" && method != "FLOW" && request.user_id.is_none() {
        return Err(invalid("UserInfo.UserId is required for EMAIL with OUTBOUND or AGENT_REPLY"));
    }
    if channel != "VOICE" && request.previous_contact_id.is_some() {
        return Err(invalid("PreviousContactId goes with VOICE only"));
    }

    length("InstanceId", request.instance_id, 1..=100)?;
    length("ClientToken", request.client_token, 0..=500)?;
    length("Name", request.name, 0..=1024)?;
    length("Description", request.description, 0..=4096)?;
    length("RelatedContactId", request.related_contact_id, 1..=256)?;
    length("PreviousContactId", request.previous_contact_id, 1..=256)?;
    length("UserInfo.UserId", request.user_id, 1..=256)?;
    attributes(&request.attributes)?;
    references(&request.references)?;
    segment_attributes("SegmentAttributes", &request.segment_attributes)
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

fn attributes(attributes: &Entries<'_, &str>) -> Result<(), Refusal> {
    for (key, value) in attributes {
        length("a key of Attributes", Some(key), 1..=32_767)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !key.bytes().all(plain) {
            return Err(bad("a key of Attributes may have only letters, digits, - and _"));
        }
        length(&path("Attributes", key), Some(value), 0..=32_767)?;
    }
    let bytes = attributes.iter().map(|(key, value)| key.len() + value.len());
    total("Attributes", bytes.sum(), ATTRIBUTES_BYTES)
}

fn references(references: &Entries<'_, Reference<'_>>) -> Result<(), Refusal> {
    let mut bytes = 0;
    for (key, reference) in references {
        length("a key of References", Some(key), 1..=4096)?;
        let path = path("References", key);
        let kind = required(&format!("{path}.Type"), reference.kind)?;
        if !REFERENCE_TYPES.contains(&kind) {
            return Err(bad(format!(
                "{path}.Type must be one of {} when a contact is created",
                REFERENCE_TYPES.join(", ")
            )));
        }
        length(&format!("{path}.Value"), reference.value, 0..=4096)?;
        if kind == "DATE" && reference.value.is_some_and(|value| !is_epoch(value)) {
            return Err(bad(format!("{path}.Value must be epoch seconds for the type DATE")));
        }
        let arn = format!("{path}.Arn");
        length(&arn, reference.arn, 20..=256)?;
        let in_arn = |byte: u8| byte.is_ascii_alphanumeric() || b"-:/".contains(&byte);
        if !reference.arn.unwrap_or_default().bytes().all(in_arn) {
            return Err(bad(format!("{arn} may have only letters, digits, -, : and /")));
        }
        length(&format!("{path}.StatusReason"), reference.status_reason, 0..=100)?;
        let texts = [reference.value, reference.arn, reference.status_reason];
        bytes += key.len() + texts.iter().flatten().map(|text| text.len()).sum::<usize>();
    }
    total("References", bytes, REFERENCES_BYTES)
}

/// Maps in maps are checked alike. `ValueList` and `ValueArn` are documented for attributes that
/// the system defines, which are the ones under `connect:`.
fn segment_attributes(parent: &str, attributes: &Entries<'_, SegmentValue<'_>>) -> Result<(), Refusal> {
    for (key, value) in attributes {
        length(&format!("a key of {parent}"), Some(key), 1..=128)?;
        let path = path(parent, key);
        let system = path.starts_with("SegmentAttributes.connect:");
        segment_value(&path, value, system)?;
    }
    Ok(())
}

fn segment_value(path: &str, value: &SegmentValue<'_>, system: bool) -> Result<(), Refusal> {
    let set = [
        value.string.is_some(),
        value.integer.is_some(),
        value.map.is_some(),
        value.list.is_some(),
        value.arn.is_some(),
    ];
    if set.iter().filter(|set| **set).count() != 1 {
        return Err(invalid(format!(
            "{path} must have exactly one of ValueString, ValueInteger, ValueMap, ValueList, \
             ValueArn"
        )));
    }
    if !system && (value.list.is_some() || value.arn.is_some()) {
        return Err(invalid(format!(
            "{path}: ValueList and ValueArn go with system-defined attributes only"
        )));
    }
    length(&format!("{path}.ValueString"), value.string, 0..=1024)?;
    length(&format!("{path}.ValueArn"), value.arn, 0..=1024)?;
    if let Some(map) = &value.map {
        segment_attributes(&format!("{path}.ValueMap"), map)?;
    }
    for item in value.list.iter().flatten() {
        segment_value(&format!("{path}.ValueList"), item, system)?;
    }
    Ok(())
}

/// A whole number of seconds, before 1970 too.
fn is_epoch(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn required<'a>(member: &str, value: Option<&'a str>) -> Result<&'a str, Refusal> {
    value.ok_or_else(|| invalid(format!("{member} is required")))
}

fn length(member: &str, value: Option<&str>, limits: RangeInclusive<usize>) -> Result<(), Refusal> {
    let Some(characters) = value.map(|value| value.chars().count()) else {
        return Ok(());
    };
    if limits.contains(&characters) {
        return Ok(());
    }
    Err(bad(format!(
        "{member} must have {} to {} characters; it has {characters}",
        limits.start(),
        limits.end()
    )))
}

fn total(member: &str, bytes: usize, limit: usize) -> Result<(), Refusal> {
    if bytes <= limit {
        return Ok(());
    }
    Err(bad(format!("{member} must have at most {limit} UTF-8 bytes in all; it has {bytes}")))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidParameter, message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::wire::decode;
    use super::*;

    /// The request of a completed task, with `changes` over it.
    fn checked(changes: &Value) -> Result<(), Refusal> {
        let mut body = json!({
            "InstanceId": "i", "Channel": "TASK", "InitiationMethod": "API",
            "InitiateAs": "COMPLETED",
        });
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        let members = decode(body.to_string().as_bytes()).unwrap();
        check(&CreateContact::read(&members).unwrap())
    }

    /// The largest that passes and the smallest that does not, and the name in the message.
    fn boundary(member: &str, limit: usize, request: impl Fn(String) -> Value) {
        // Two bytes a character: a count of bytes would fail here.
        let fits = "ü".repeat(limit);
        assert_eq!(checked(&request(fits)), Ok(()), "{member}");
        let refusal = checked(&request("ü".repeat(limit + 1))).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidParameter);
        assert!(refusal.message.contains(member), "{refusal}");
        assert!(refusal.message.contains(&limit.to_string()), "{refusal}");
        assert!(!refusal.message.contains('ü'), "{refusal}");
    }

    fn code(changes: &Value) -> Option<Code> {
        checked(changes).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_completed_task_needs_nothing_more() {
        assert_eq!(checked(&json!({})), Ok(()));
    }

    #[test]
    fn required_members_are_asked_for_by_name() {
        for member in ["InstanceId", "Channel", "InitiationMethod"] {
            let refusal = checked(&json!({ member: null })).unwrap_err();
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
        for (member, limit) in [
            ("InstanceId", 100),
            ("ClientToken", 500),
            ("Name", 1024),
            ("Description", 4096),
            ("RelatedContactId", 256),
        ] {
            boundary(member, limit, |text| json!({ member: text }));
        }
        boundary("UserInfo.UserId", 256, |text| json!({"UserInfo": {"UserId": text}}));
        boundary("PreviousContactId", 256, |text| {
            json!({
                "Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": null,
                "PreviousContactId": text,
            })
        });
        boundary(
            "References.r.StatusReason",
            100,
            |text| json!({"References": {"r": {"Type": "ATTACHMENT", "StatusReason": text}}}),
        );
        boundary(
            "a key of SegmentAttributes",
            128,
            |text| json!({"SegmentAttributes": {text: {"ValueString": ""}}}),
        );
        boundary(
            "SegmentAttributes.s.ValueString",
            1024,
            |text| json!({"SegmentAttributes": {"s": {"ValueString": text}}}),
        );
    }

    #[test]
    fn what_must_not_be_empty_is_refused_empty() {
        for changes in [
            json!({"InstanceId": ""}),
            json!({"RelatedContactId": ""}),
            json!({"UserInfo": {"UserId": ""}}),
            json!({"Attributes": {"": "x"}}),
            json!({"References": {"": {"Type": "URL"}}}),
            json!({"SegmentAttributes": {"": {"ValueString": "x"}}}),
        ] {
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{changes}");
        }
        let empty = json!({"ClientToken": "", "Name": "", "Description": "", "Attributes": {"a": ""}});
        assert_eq!(code(&empty), None);
    }

    #[test]
    fn attributes_hold_32768_bytes_over_keys_and_values() {
        let attributes = |bytes: usize| json!({"Attributes": {"ab": "x".repeat(bytes - 2)}});
        assert_eq!(code(&attributes(32_768)), None);
        let refusal = checked(&attributes(32_769)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidParameter);
        assert!(refusal.message.contains("32768"), "{refusal}");
        // Bytes, not characters: the second letter costs two.
        let wide = json!({"Attributes": {"ab": "ü".repeat(16_383)}});
        assert_eq!(code(&wide), None);
        let wide = json!({"Attributes": {"abc": "ü".repeat(16_383)}});
        assert_eq!(code(&wide), Some(Code::InvalidParameter));
    }

    #[test]
    fn one_attribute_has_at_most_32767_characters() {
        let value = json!({"Attributes": {"a": "x".repeat(32_767)}});
        assert_eq!(code(&value), None);
        let value = checked(&json!({"Attributes": {"a": "x".repeat(32_768)}})).unwrap_err();
        assert!(value.message.contains("Attributes.a"), "{value}");
        let key = |length: usize| json!({"Attributes": {"k".repeat(length): ""}});
        assert_eq!(code(&key(32_767)), None);
        let key = checked(&key(32_768)).unwrap_err();
        assert!(key.message.contains("a key of Attributes"), "{key}");
    }

    #[test]
    fn an_attribute_key_has_letters_digits_dash_and_underscore() {
        assert_eq!(code(&json!({"Attributes": {"aZ09-_": "x"}})), None);
        for key in ["a b", "a.b", "ä", "a:b"] {
            let refusal = checked(&json!({"Attributes": {key: "x"}})).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidParameter);
            assert!(!refusal.message.contains(key), "{refusal}");
        }
    }

    #[test]
    fn references_hold_4096_bytes_over_keys_and_values() {
        let references = |bytes: usize| {
            json!({"References": {
                "one": {"Type": "STRING", "Value": "ü".repeat(500)},
                "two": {"Type": "STRING", "Value": "x".repeat(bytes - 1006)},
            }})
        };
        assert_eq!(code(&references(4096)), None);
        let refusal = checked(&references(4097)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidParameter);
        assert!(refusal.message.contains("4096"), "{refusal}");
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

    #[test]
    fn a_date_reference_is_epoch_seconds() {
        let date = |value: &str| json!({"References": {"r": {"Type": "DATE", "Value": value}}});
        for value in ["0", "1700000000", "-86400"] {
            assert_eq!(code(&date(value)), None, "{value}");
        }
        for value in ["", "-", "2024-01-01", "1700000000.5", "１"] {
            assert_eq!(code(&date(value)), Some(Code::InvalidParameter), "{value}");
        }
    }

    #[test]
    fn a_references_arn_has_20_to_256_characters_of_its_alphabet() {
        let arn = |arn: String| json!({"References": {"r": {"Type": "ATTACHMENT", "Arn": arn}}});
        for length in [20, 256] {
            assert_eq!(code(&arn("a".repeat(length))), None);
        }
        for length in [0, 19, 257] {
            assert_eq!(code(&arn("a".repeat(length))), Some(Code::InvalidParameter));
        }
        assert_eq!(code(&arn("arn:aws:s3:::bucket/key-1".into())), None);
        assert_eq!(code(&arn("arn:aws:s3:::bucket/key_1".into())), Some(Code::InvalidParameter));
    }

    #[test]
    fn a_segment_attribute_has_exactly_one_value() {
        let segment = |value: Value| json!({"SegmentAttributes": {"s": value}});
        assert_eq!(code(&segment(json!({"ValueInteger": 5}))), None);
        assert_eq!(code(&segment(json!({}))), Some(Code::InvalidRequest));
        let two = json!({"ValueInteger": 5, "ValueString": "5"});
        assert_eq!(code(&segment(two)), Some(Code::InvalidRequest));
    }

    #[test]
    fn a_contact_expiry_is_a_map_in_a_segment_attribute() {
        let expiry = json!({"SegmentAttributes": {
            "connect:ContactExpiry": {"ValueMap": {"ExpiryDuration": {"ValueInteger": 135}}}
        }});
        assert_eq!(code(&expiry), None);
        let nested = checked(&json!({"SegmentAttributes": {
            "connect:ContactExpiry": {"ValueMap": {"ExpiryDuration": {}}}
        }}));
        let path = "SegmentAttributes.connect:ContactExpiry.ValueMap.ExpiryDuration";
        assert!(nested.unwrap_err().message.starts_with(path));
    }

    #[test]
    fn lists_and_arns_are_for_system_attributes() {
        for value in [json!({"ValueArn": "arn"}), json!({"ValueList": [{"ValueString": "x"}]})] {
            let own = json!({"SegmentAttributes": {"mine": value}});
            assert_eq!(code(&own), Some(Code::InvalidRequest));
            let system = json!({"SegmentAttributes": {"connect:Subtype": value}});
            assert_eq!(code(&system), None);
        }
    }
}
