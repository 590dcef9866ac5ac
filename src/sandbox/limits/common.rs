//! The limits on the members that both operations have. Pure.

use super::rules::{invalid_parameter, invalid_request, length, required, total};
use crate::sandbox::api_error::ApiError;
use crate::sandbox::input::{CreateInput, ReferenceMembers, SegmentMembers};
use crate::sandbox::json::{Entries, path};

/// UTF-8 bytes over all keys and values of `Attributes`.
const ATTRIBUTES_BYTES: usize = 32_768;

/// UTF-8 bytes over all of `References`: keys, values, ARNs and status reasons. Whether keys count is not
/// documented; counting them is the stricter reading.
const REFERENCES_BYTES: usize = 4096;

/// `reference_types` are those that the operation accepts; the enum of the service model has more.
pub(super) fn check(input: &CreateInput<'_>, reference_types: &[&str]) -> Result<(), ApiError> {
    length("InstanceId", input.instance_id, 1..=100)?;
    length("ClientToken", input.client_token, 0..=500)?;
    length("Name", input.name, 0..=1024)?;
    length("Description", input.description, 0..=4096)?;
    length("RelatedContactId", input.related_contact_id, 1..=256)?;
    length("PreviousContactId", input.previous_contact_id, 1..=256)?;
    attributes(&input.attributes)?;
    references(&input.references, reference_types)?;
    segment_attributes("SegmentAttributes", &input.segment_attributes)
}

fn attributes(attributes: &Entries<'_, &str>) -> Result<(), ApiError> {
    for (key, value) in attributes {
        length("a key of Attributes", Some(key), 1..=32_767)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !key.bytes().all(is_plain) {
            return Err(invalid_parameter("a key of Attributes may have only letters, digits, - and _"));
        }
        length(&path("Attributes", key), Some(value), 0..=32_767)?;
    }
    let bytes = attributes.iter().map(|(key, value)| key.len() + value.len());
    total("Attributes", bytes.sum(), ATTRIBUTES_BYTES)
}

fn references(references: &Entries<'_, ReferenceMembers<'_>>, types: &[&str]) -> Result<(), ApiError> {
    let mut bytes = 0;
    for (key, reference) in references {
        length("a key of References", Some(key), 1..=4096)?;
        let path = path("References", key);
        let kind = required(&format!("{path}.Type"), reference.kind)?;
        if !types.contains(&kind) {
            let types = types.join(", ");
            let message = format!("{path}.Type must be one of {types} when a contact is created");
            return Err(invalid_parameter(message));
        }
        length(&format!("{path}.Value"), reference.value, 0..=4096)?;
        if kind == "DATE" && reference.value.is_some_and(|value| !is_epoch(value)) {
            return Err(invalid_parameter(format!("{path}.Value must be epoch seconds for the type DATE")));
        }
        let arn = format!("{path}.Arn");
        length(&arn, reference.arn, 20..=256)?;
        let is_in_arn = |byte: u8| byte.is_ascii_alphanumeric() || b"-:/".contains(&byte);
        if !reference.arn.unwrap_or_default().bytes().all(is_in_arn) {
            return Err(invalid_parameter(format!("{arn} may have only letters, digits, -, : and /")));
        }
        length(&format!("{path}.StatusReason"), reference.status_reason, 0..=100)?;
        let texts = [reference.value, reference.arn, reference.status_reason];
        bytes += key.len() + texts.iter().flatten().map(|text| text.len()).sum::<usize>();
    }
    total("References", bytes, REFERENCES_BYTES)
}

/// `ValueList` and `ValueArn` are documented for system-defined attributes only, whose keys begin with
/// `connect:`.
fn segment_attributes(parent: &str, attributes: &Entries<'_, SegmentMembers<'_>>) -> Result<(), ApiError> {
    for (key, value) in attributes {
        length(&format!("a key of {parent}"), Some(key), 1..=128)?;
        let path = path(parent, key);
        let is_system = path.starts_with("SegmentAttributes.connect:");
        segment_value(&path, value, is_system)?;
    }
    Ok(())
}

fn segment_value(path: &str, value: &SegmentMembers<'_>, is_system: bool) -> Result<(), ApiError> {
    let set = [
        value.string.is_some(),
        value.integer.is_some(),
        value.map.is_some(),
        value.list.is_some(),
        value.arn.is_some(),
    ];
    if set.iter().filter(|set| **set).count() != 1 {
        let members = "ValueString, ValueInteger, ValueMap, ValueList, ValueArn";
        return Err(invalid_request(format!("{path} must have exactly one of {members}")));
    }
    if !is_system && (value.list.is_some() || value.arn.is_some()) {
        let rule = "ValueList and ValueArn are for system-defined attributes only";
        return Err(invalid_request(format!("{path}: {rule}")));
    }
    length(&format!("{path}.ValueString"), value.string, 0..=1024)?;
    length(&format!("{path}.ValueArn"), value.arn, 0..=1024)?;
    if let Some(map) = &value.map {
        segment_attributes(&format!("{path}.ValueMap"), map)?;
    }
    for item in value.list.iter().flatten() {
        segment_value(&format!("{path}.ValueList"), item, is_system)?;
    }
    Ok(())
}

/// Whether the text is a whole number of seconds since 1970, which may be negative.
fn is_epoch(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::BaseRequest;
    use super::*;
    use crate::sandbox::api_error::ErrorCode;

    /// The result of both operations, which must be equal.
    fn checked(changes: &Value) -> Result<(), ApiError> {
        let [one, other] = BaseRequest::each().map(|base| base.checked(changes));
        assert_eq!(one, other);
        one
    }

    fn code(changes: &Value) -> Option<ErrorCode> {
        checked(changes).err().map(|error| error.code)
    }

    fn assert_limit(member: &str, limit: usize, request: impl Fn(String) -> Value) {
        for base in BaseRequest::each() {
            base.assert_limit(member, limit, &request);
        }
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
            assert_limit(member, limit, |text| json!({ member: text }));
        }
        assert_limit(
            "References.r.StatusReason",
            100,
            |text| json!({"References": {"r": {"Type": "URL", "StatusReason": text}}}),
        );
        assert_limit(
            "a key of SegmentAttributes",
            128,
            |text| json!({"SegmentAttributes": {text: {"ValueString": ""}}}),
        );
        assert_limit(
            "SegmentAttributes.s.ValueString",
            1024,
            |text| json!({"SegmentAttributes": {"s": {"ValueString": text}}}),
        );
    }

    #[test]
    fn an_empty_text_is_refused_where_a_character_is_required() {
        for changes in [
            json!({"InstanceId": ""}),
            json!({"RelatedContactId": ""}),
            json!({"Attributes": {"": "x"}}),
            json!({"References": {"": {"Type": "URL"}}}),
            json!({"SegmentAttributes": {"": {"ValueString": "x"}}}),
        ] {
            assert_eq!(code(&changes), Some(ErrorCode::InvalidParameter), "{changes}");
        }
        let empty = json!({"ClientToken": "", "Description": "", "Attributes": {"a": ""}});
        assert_eq!(code(&empty), None);
    }

    #[test]
    fn attributes_have_at_most_32768_bytes_of_keys_and_values() {
        let attributes = |bytes: usize| json!({"Attributes": {"ab": "x".repeat(bytes - 2)}});
        assert_eq!(code(&attributes(32_768)), None);
        let error = checked(&attributes(32_769)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(error.message.contains("32768"), "{error}");
        // Bytes, not characters: each of these letters is two.
        let wide = json!({"Attributes": {"ab": "ü".repeat(16_383)}});
        assert_eq!(code(&wide), None);
        let wide = json!({"Attributes": {"abc": "ü".repeat(16_383)}});
        assert_eq!(code(&wide), Some(ErrorCode::InvalidParameter));
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
            let error = checked(&json!({"Attributes": {key: "x"}})).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParameter);
            assert!(!error.message.contains(key), "{error}");
        }
    }

    #[test]
    fn references_have_at_most_4096_bytes_of_keys_and_values() {
        let references = |bytes: usize| {
            json!({"References": {
                "one": {"Type": "STRING", "Value": "ü".repeat(500)},
                "two": {"Type": "STRING", "Value": "x".repeat(bytes - 1006)},
            }})
        };
        assert_eq!(code(&references(4096)), None);
        let error = checked(&references(4097)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(error.message.contains("4096"), "{error}");
    }

    #[test]
    fn a_date_reference_is_epoch_seconds() {
        let date = |value: &str| json!({"References": {"r": {"Type": "DATE", "Value": value}}});
        for value in ["0", "1700000000", "-86400"] {
            assert_eq!(code(&date(value)), None, "{value}");
        }
        for value in ["", "-", "2024-01-01", "1700000000.5", "１"] {
            assert_eq!(code(&date(value)), Some(ErrorCode::InvalidParameter), "{value}");
        }
    }

    #[test]
    fn a_references_arn_has_20_to_256_characters_of_its_alphabet() {
        let arn = |arn: String| json!({"References": {"r": {"Type": "URL", "Arn": arn}}});
        for length in [20, 256] {
            assert_eq!(code(&arn("a".repeat(length))), None);
        }
        for length in [0, 19, 257] {
            assert_eq!(code(&arn("a".repeat(length))), Some(ErrorCode::InvalidParameter));
        }
        assert_eq!(code(&arn("arn:aws:s3:::bucket/key-1".into())), None);
        assert_eq!(code(&arn("arn:aws:s3:::bucket/key_1".into())), Some(ErrorCode::InvalidParameter));
    }

    #[test]
    fn a_segment_attribute_has_exactly_one_value() {
        let segment = |value: Value| json!({"SegmentAttributes": {"s": value}});
        assert_eq!(code(&segment(json!({"ValueInteger": 5}))), None);
        assert_eq!(code(&segment(json!({}))), Some(ErrorCode::InvalidRequest));
        let two = json!({"ValueInteger": 5, "ValueString": "5"});
        assert_eq!(code(&segment(two)), Some(ErrorCode::InvalidRequest));
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
            assert_eq!(code(&own), Some(ErrorCode::InvalidRequest));
            let system = json!({"SegmentAttributes": {"connect:Subtype": value}});
            assert_eq!(code(&system), None);
        }
    }
}
