//! The request for one row, in neutral types: the mapping builds it, the submission sends it.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::operation::Operation;

/// A string, borrowed from the row or the mapping where it passes unchanged.
pub type Text<'a> = Cow<'a, str>;

/// The entries of a map, in the mapping's order. Two entries may have one key until [`super::validate()`] refuses it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct OrderedMap<'a, T>(pub Vec<(Text<'a>, T)>);

/// One CreateContact or StartTaskContact request, without `InstanceId` and `ClientToken`.
///
/// Serialises to the operation's JSON. `Debug` prints the operation and the number of entries only: names,
/// descriptions and attribute values never reach a log.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContactRequest<'a> {
    /// The operation. It defines which of the members below may be set.
    #[serde(skip)]
    pub operation: Operation,
    /// Whether keys of its maps are rendered from fields, which makes them personal data. Keys that are constants of
    /// the mapping are validated once, with the mapping.
    #[serde(skip)]
    pub keys_are_data: bool,
    /// `TASK`, `EMAIL` or `VOICE` (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Text<'a>>,
    /// How the contact was initiated; `API` for a task (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation_method: Option<Text<'a>>,
    /// Initial state, `COMPLETED` or `CONNECTED_TO_USER`; none leaves it to the service (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_as: Option<Text<'a>>,
    /// The contact's name. Personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// The contact's description. Personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    /// Id of the flow that the task starts in (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_flow_id: Option<Text<'a>>,
    /// Id of the quick connect that the task is sent to (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quick_connect_id: Option<Text<'a>>,
    /// Id of the task template (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_template_id: Option<Text<'a>>,
    /// Start of the flow, seconds since 1970 (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<i64>,
    /// User-defined attributes. Values are personal data.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub attributes: OrderedMap<'a, Text<'a>>,
    /// References that the agent sees, such as URLs and dates.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub references: OrderedMap<'a, Reference<'a>>,
    /// Segment attributes: system-defined ones, whose keys begin with `connect:`, and user-defined ones.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub segment_attributes: OrderedMap<'a, SegmentValue<'a>>,
    /// Files attached to the task (StartTaskContact).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment<'a>>,
    /// The agent of the contact (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_info: Option<UserInfo<'a>>,
    /// Id of a contact that this one is related to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_contact_id: Option<Text<'a>>,
    /// Id of the contact that this one continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_contact_id: Option<Text<'a>>,
    /// Minutes until the contact expires (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_duration_in_minutes: Option<i64>,
}

/// The member `UserInfo`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserInfo<'a> {
    /// The agent's user id; an imported task needs the full ARN.
    pub user_id: Text<'a>,
}

/// A value of the member `References`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reference<'a> {
    /// `URL`, `NUMBER`, `STRING`, `DATE` (epoch seconds), `EMAIL` or `ATTACHMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Text<'a>>,
    /// The value, in the format of the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text<'a>>,
    /// Status of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Text<'a>>,
    /// ARN of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<Text<'a>>,
    /// Reason for the status of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Text<'a>>,
}

/// An item of the member `Attachments`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attachment<'a> {
    /// File name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<Text<'a>>,
    /// Pre-signed S3 URL from which the service reads the file.
    #[serde(rename = "S3Url", skip_serializing_if = "Option::is_none")]
    pub s3_url: Option<Text<'a>>,
}

/// A value of the member `SegmentAttributes`. A valid one has exactly one member set.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SegmentValue<'a> {
    /// A string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_string: Option<Text<'a>>,
    /// A 32-bit integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_integer: Option<i64>,
    /// A map of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_map: Option<OrderedMap<'a, SegmentValue<'a>>>,
    /// A list of values (system-defined attributes only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_list: Option<Vec<SegmentValue<'a>>>,
    /// An ARN (system-defined attributes only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_arn: Option<Text<'a>>,
}

impl<T> OrderedMap<'_, T> {
    /// Whether the map has no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The first value under `key`.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    fn into_owned<U>(self, convert: impl Fn(T) -> U) -> OrderedMap<'static, U> {
        OrderedMap(self.0.into_iter().map(|(key, value)| (owned(key), convert(value))).collect())
    }
}

impl<T: Serialize> Serialize for OrderedMap<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'a> ContactRequest<'a> {
    /// A request with no member set.
    pub fn empty(operation: Operation) -> Self {
        ContactRequest { operation, ..ContactRequest::default() }
    }

    /// A CreateContact request for a completed task with a name and no other content.
    pub fn completed_task(name: &'a str) -> Self {
        ContactRequest {
            channel: Some("TASK".into()),
            initiation_method: Some("API".into()),
            initiate_as: Some("COMPLETED".into()),
            name: Some(name.into()),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    /// Copies what the request borrows.
    pub fn into_owned(self) -> ContactRequest<'static> {
        ContactRequest {
            operation: self.operation,
            keys_are_data: self.keys_are_data,
            channel: self.channel.map(owned),
            initiation_method: self.initiation_method.map(owned),
            initiate_as: self.initiate_as.map(owned),
            name: self.name.map(owned),
            description: self.description.map(owned),
            contact_flow_id: self.contact_flow_id.map(owned),
            quick_connect_id: self.quick_connect_id.map(owned),
            task_template_id: self.task_template_id.map(owned),
            scheduled_time: self.scheduled_time,
            attributes: self.attributes.into_owned(owned),
            references: self.references.into_owned(Reference::into_owned),
            segment_attributes: self.segment_attributes.into_owned(SegmentValue::into_owned),
            attachments: self.attachments.into_iter().map(Attachment::into_owned).collect(),
            user_info: self.user_info.map(|info| UserInfo { user_id: owned(info.user_id) }),
            related_contact_id: self.related_contact_id.map(owned),
            previous_contact_id: self.previous_contact_id.map(owned),
            expiry_duration_in_minutes: self.expiry_duration_in_minutes,
        }
    }

    /// Total length of the request's texts, bytes: cheaper than [`Self::json_len`], for finding the longest request.
    pub fn text_len(&self) -> usize {
        // Called for every row of a check, so by hand.
        let size = |text: &Option<Text<'_>>| text.as_ref().map_or(0, |text| text.len());
        let members = [
            &self.name,
            &self.description,
            &self.related_contact_id,
            &self.previous_contact_id,
            &self.contact_flow_id,
            &self.quick_connect_id,
            &self.task_template_id,
        ];
        let mut bytes: usize = members.into_iter().map(size).sum();
        bytes += self.user_info.as_ref().map_or(0, |info| info.user_id.len());
        bytes += self.attributes.iter().map(|(_, value)| value.len()).sum::<usize>();
        let references = self.references.iter();
        bytes += references
            .map(|(_, it)| size(&it.value) + size(&it.arn) + size(&it.status_reason))
            .sum::<usize>();
        bytes +=
            self.attachments.iter().map(|file| size(&file.file_name) + size(&file.s3_url)).sum::<usize>();
        bytes += self.segment_attributes.iter().map(|(_, value)| value.text_len()).sum::<usize>();
        if self.keys_are_data {
            bytes += self.attributes.iter().map(|(key, _)| key.len()).sum::<usize>();
            bytes += self.references.iter().map(|(key, _)| key.len()).sum::<usize>();
            bytes += self.segment_attributes.iter().map(|(key, _)| key.len()).sum::<usize>();
        }
        bytes
    }

    /// Length of the request's JSON, bytes, without `InstanceId` and `ClientToken`. The AWS SDK sends the same bytes
    /// in another order of members.
    pub fn json_len(&self) -> usize {
        // Cannot fail: every key of a map is a string.
        serde_json::to_vec(self).unwrap_or_default().len()
    }
}

fn owned(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}

impl Reference<'_> {
    fn into_owned(self) -> Reference<'static> {
        Reference {
            r#type: self.r#type.map(owned),
            value: self.value.map(owned),
            status: self.status.map(owned),
            arn: self.arn.map(owned),
            status_reason: self.status_reason.map(owned),
        }
    }
}

impl Attachment<'_> {
    fn into_owned(self) -> Attachment<'static> {
        Attachment { file_name: self.file_name.map(owned), s3_url: self.s3_url.map(owned) }
    }
}

impl SegmentValue<'_> {
    fn into_owned(self) -> SegmentValue<'static> {
        SegmentValue {
            value_string: self.value_string.map(owned),
            value_integer: self.value_integer,
            value_map: self.value_map.map(|map| map.into_owned(SegmentValue::into_owned)),
            value_list: self.value_list.map(|list| list.into_iter().map(SegmentValue::into_owned).collect()),
            value_arn: self.value_arn.map(owned),
        }
    }

    /// Total length of the value's strings, bytes.
    fn text_len(&self) -> usize {
        let own = [&self.value_string, &self.value_arn].into_iter().flatten().map(|text| text.len());
        let entries = self.value_map.iter().flat_map(|map| map.iter().map(|(_, value)| value));
        let inner = entries.chain(self.value_list.iter().flatten()).map(SegmentValue::text_len);
        own.chain(inner).sum()
    }
}

impl fmt::Debug for ContactRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactRequest")
            .field("operation", &self.operation)
            .field("attributes", &self.attributes.0.len())
            .field("references", &self.references.0.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> ContactRequest<'static> {
        ContactRequest {
            name: Some("Jane Roe".into()),
            attributes: OrderedMap(vec![("card".into(), "Jane Roe 4111".into())]),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    #[test]
    fn debug_output_has_no_personal_data() {
        assert!(!format!("{:?}", task()).contains("Jane"));
    }

    #[test]
    fn a_request_serialises_to_the_operations_json() {
        let json = serde_json::to_string(&task()).unwrap();
        assert_eq!(json, r#"{"Name":"Jane Roe","Attributes":{"card":"Jane Roe 4111"}}"#);
    }

    #[test]
    fn values_that_a_message_quotes_are_redacted() {
        let text = task().redact("'Jane Roe 4111' and 'Jane Roe' are not valid", false);
        assert_eq!(text, "'…' and '…' are not valid");
        assert_eq!(task().redact("Jane is not valid: 4111", false), "Jane is not valid: 4111");
    }

    proptest::proptest! {
        #[test]
        fn the_counted_length_is_that_of_the_json(text in "[\\x00-\\x7f]{0,9}|\\PC{0,9}", number: i64) {
            let request = ContactRequest {
                description: Some(text.into()),
                expiry_duration_in_minutes: Some(number),
                ..task()
            };
            proptest::prop_assert_eq!(request.json_len(), serde_json::to_string(&request).unwrap().len());
        }
    }
}
