//! The sensitive texts of a request, which error messages must not repeat: every text that the operation's table does not
//! define and that is no id.
//!
//! A contact's name and description, values of attributes, segment attributes and references, names and links of
//! attachments, and the keys of maps that come from a row are sensitive. Values of enumerations are not, nor numbers and
//! times, nor ids of flows, quick connects, task templates, users and contacts.

use serde_json::Value;

use super::contact::ContactRequest;
use super::operation::Shape;
use super::redact::redact;

impl ContactRequest<'_> {
    /// Replaces every sensitive value of this request of at least 8 characters in `text`, an error message of the service,
    /// by `…`. `is_cut` says that the service's text went on.
    pub fn redact(&self, text: &str, is_cut: bool) -> String {
        redact(&sensitive_texts(self), text, is_cut)
    }
}

/// The sensitive texts of `request`, in any order.
fn sensitive_texts(request: &ContactRequest<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    // Cannot fail: every key of a map is a string.
    let value = serde_json::to_value(request).unwrap_or_default();
    collect(value, request.operation.members(), request.keys_are_data, &mut texts);
    texts
}

fn collect(value: Value, shape: &Shape, keys_are_data: bool, texts: &mut Vec<String>) {
    match (value, shape) {
        (Value::String(text), Shape::Text(_)) if !shape.is_defined() => texts.push(text),
        (Value::Object(entries), Shape::Map(_, inner)) => {
            for (key, value) in entries {
                collect(value, inner, keys_are_data, texts);
                if keys_are_data {
                    texts.push(key);
                }
            }
        }
        (Value::Object(mut values), Shape::Structure(members)) => {
            for member in *members {
                let Some(value) = values.remove(member.name) else { continue };
                if !(member.is_id && value.as_str().is_some_and(is_like_an_id)) {
                    collect(value, &member.shape, keys_are_data, texts);
                }
            }
        }
        (Value::Array(items), Shape::List(inner)) => {
            items.into_iter().for_each(|item| collect(item, inner, keys_are_data, texts));
        }
        _ => {}
    }
}

/// Whether a text has only the characters of an id or an ARN. A name or an address that a job maps to an id by mistake
/// most often has others, and is sensitive.
fn is_like_an_id(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::contact::{Attachment, OrderedMap, Reference, SegmentValue, UserInfo};
    use super::super::operation::Operation;
    use super::*;

    fn request() -> ContactRequest<'static> {
        let leaf =
            |text: &'static str| SegmentValue { value_string: Some(text.into()), ..SegmentValue::default() };
        let inner = SegmentValue {
            value_map: Some(OrderedMap(vec![("key-of-value".into(), leaf("in a map"))])),
            ..SegmentValue::default()
        };
        let segment =
            SegmentValue { value_list: Some(vec![leaf("in a list"), inner]), ..SegmentValue::default() };
        ContactRequest {
            name: Some("name".into()),
            description: Some("description".into()),
            contact_flow_id: Some("flow-1".into()),
            task_template_id: Some("template-1".into()),
            previous_contact_id: Some("contact-1".into()),
            related_contact_id: Some("jane.roe@example.com".into()),
            scheduled_time: Some(1_700_000_000),
            attributes: OrderedMap(vec![("key-of-attribute".into(), "attribute".into())]),
            references: OrderedMap(vec![(
                "key-of-reference".into(),
                Reference {
                    r#type: Some("URL".into()),
                    value: Some("https://example.com".into()),
                    arn: Some("arn:aws:connect:eu-west-2:1:file/2".into()),
                    status: Some("APPROVED".into()),
                    status_reason: Some("reason".into()),
                },
            )]),
            segment_attributes: OrderedMap(vec![("key-of-segment".into(), segment)]),
            attachments: vec![Attachment { file_name: Some("file".into()), s3_url: Some("link".into()) }],
            ..ContactRequest::empty(Operation::StartTaskContact)
        }
    }

    fn sorted(request: &ContactRequest<'_>) -> Vec<String> {
        let mut texts = sensitive_texts(request);
        texts.sort();
        texts
    }

    #[test]
    fn every_text_of_the_users_is_sensitive_and_no_id_is() {
        let expected = [
            "attribute",
            "description",
            "file",
            "https://example.com",
            "in a list",
            "in a map",
            "jane.roe@example.com",
            "link",
            "name",
            "reason",
        ];
        assert_eq!(sorted(&request()), expected);
    }

    #[test]
    fn keys_are_sensitive_where_a_row_sets_them() {
        let request = ContactRequest { keys_are_data: true, ..request() };
        let keys: Vec<_> = sorted(&request).into_iter().filter(|text| text.starts_with("key-")).collect();
        assert_eq!(keys, ["key-of-attribute", "key-of-reference", "key-of-segment", "key-of-value"]);
    }

    #[test]
    fn an_agent_is_named_by_an_id() {
        let with = |user_id: &'static str| ContactRequest {
            user_info: Some(UserInfo { user_id: user_id.into() }),
            ..ContactRequest::completed_task("name")
        };
        assert_eq!(sorted(&with("arn:aws:connect:eu-west-2:1:instance/2/agent/3")), ["name"]);
        assert_eq!(sorted(&with("Jane Roe")), ["Jane Roe", "name"]);
    }
}
