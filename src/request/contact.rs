//! The neutral form of a request: what the mapping makes and the submission sends.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::redact::redact;
use super::{Operation, Rendered};

/// A text, borrowed from the row wherever it passes unchanged.
pub type Text<'a> = Cow<'a, str>;

/// The entries of a map, in the order of the mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named<'a, T>(pub Vec<(Text<'a>, T)>);

/// One CreateContact or StartTaskContact request, without the instance and the client token.
///
/// It serialises to the operation's JSON. Its `Debug` shows sizes only: names, descriptions and
/// attribute values must never reach a log.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContactRequest<'a> {
    /// The operation; it decides which of the members below may be set.
    #[serde(skip)]
    pub operation: Operation,
    /// Whether keys of its maps are made from cells, and as private as they are. Those that stand in the
    /// mapping are checked with it, and not again for every row.
    #[serde(skip)]
    pub keys_are_data: bool,
    /// `TASK`, `EMAIL` or `VOICE` (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Text<'a>>,
    /// How the contact came to be; `API` for a task (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation_method: Option<Text<'a>>,
    /// `COMPLETED` or `CONNECTED_TO_USER`; none leaves the contact in the default state (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_as: Option<Text<'a>>,
    /// The contact's name. Sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// The contact's description. Sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    /// The flow that takes the task up (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_flow_id: Option<Text<'a>>,
    /// The quick connect that takes the task up (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quick_connect_id: Option<Text<'a>>,
    /// The template of the task (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_template_id: Option<Text<'a>>,
    /// When the task is to start, in seconds since 1970 (StartTaskContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<i64>,
    /// User-defined attributes. Values are sensitive.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub attributes: Named<'a, Text<'a>>,
    /// References shown to the agent.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub references: Named<'a, Reference<'a>>,
    /// Segment attributes, nested.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub segment_attributes: Named<'a, SegmentValue<'a>>,
    /// Files of the task (StartTaskContact).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment<'a>>,
    /// Who handled the contact (CreateContact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_info: Option<UserInfo<'a>>,
    /// The contact this one is related to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_contact_id: Option<Text<'a>>,
    /// The contact this one follows.
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
    /// An agent's id; for imported tasks the full ARN.
    pub user_id: Text<'a>,
}

/// One entry of the member `References`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reference<'a> {
    /// `URL`, `NUMBER`, `STRING`, `DATE` (epoch seconds), `EMAIL` or `ATTACHMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Text<'a>>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text<'a>>,
    /// The state of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Text<'a>>,
    /// The ARN of an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<Text<'a>>,
    /// Why the attachment is in that state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Text<'a>>,
}

/// One entry of the member `Attachments`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attachment<'a> {
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<Text<'a>>,
    /// A pre-signed URL that it is read from.
    #[serde(rename = "S3Url", skip_serializing_if = "Option::is_none")]
    pub s3_url: Option<Text<'a>>,
}

/// A value of the member `SegmentAttributes`; exactly one of its forms is set.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SegmentValue<'a> {
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_string: Option<Text<'a>>,
    /// A whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_integer: Option<i64>,
    /// Named values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_map: Option<Named<'a, SegmentValue<'a>>>,
    /// A list of values (system-defined attributes only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_list: Option<Vec<SegmentValue<'a>>>,
    /// An ARN (system-defined attributes only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_arn: Option<Text<'a>>,
}

impl<T> Named<'_, T> {
    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The first entry of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

impl<T> Default for Named<'_, T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'a> ContactRequest<'a> {
    /// A request with no member set.
    pub fn empty(operation: Operation) -> Self {
        ContactRequest {
            operation,
            keys_are_data: false,
            channel: None,
            initiation_method: None,
            initiate_as: None,
            name: None,
            description: None,
            contact_flow_id: None,
            quick_connect_id: None,
            task_template_id: None,
            scheduled_time: None,
            attributes: Named::default(),
            references: Named::default(),
            segment_attributes: Named::default(),
            attachments: Vec::new(),
            user_info: None,
            related_contact_id: None,
            previous_contact_id: None,
            expiry_duration_in_minutes: None,
        }
    }

    /// A completed task of this name and nothing else.
    pub fn completed_task(name: &'a str) -> Self {
        ContactRequest {
            channel: Some("TASK".into()),
            initiation_method: Some("API".into()),
            initiate_as: Some("COMPLETED".into()),
            name: Some(name.into()),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    /// The request of rendered members. They were compiled against the operation's shape, so none is
    /// unknown, and each is of its kind.
    pub fn assemble(operation: Operation, members: Vec<(Text<'a>, Rendered<'a>)>) -> Self {
        let mut request = ContactRequest::empty(operation);
        for (name, value) in members {
            match &*name {
                "Channel" => request.channel = value.text(),
                "InitiationMethod" => request.initiation_method = value.text(),
                "InitiateAs" => request.initiate_as = value.text(),
                "Name" => request.name = value.text(),
                "Description" => request.description = value.text(),
                "ContactFlowId" => request.contact_flow_id = value.text(),
                "QuickConnectId" => request.quick_connect_id = value.text(),
                "TaskTemplateId" => request.task_template_id = value.text(),
                "ScheduledTime" => request.scheduled_time = value.integer(),
                "Attributes" => request.attributes = named(value, Rendered::text),
                "References" => {
                    request.references = named(value, |value| Reference::assemble(value.object()));
                }
                "SegmentAttributes" => {
                    request.segment_attributes = named(value, |value| Some(SegmentValue::assemble(value)));
                }
                "Attachments" => {
                    request.attachments =
                        value.list().into_iter().map(|value| Attachment::assemble(value.object())).collect();
                }
                "UserInfo" => {
                    let id = value.object().into_iter().find_map(|(_, value)| value.text());
                    request.user_info = id.map(|user_id| UserInfo { user_id });
                }
                "RelatedContactId" => request.related_contact_id = value.text(),
                "PreviousContactId" => request.previous_contact_id = value.text(),
                "ExpiryDurationInMinutes" => request.expiry_duration_in_minutes = value.integer(),
                _ => {}
            }
        }
        request
    }

    /// The request with texts of its own.
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

    /// `text` with the values of this request blanked: the service's own messages may quote what they refuse.
    pub fn redact(&self, text: &str) -> String {
        redact(&self.private(), text)
    }

    /// Every text that may be somebody's.
    fn private(&self) -> Vec<&str> {
        let user = self.user_info.as_ref().map(|info| &info.user_id);
        let ids = [&self.related_contact_id, &self.previous_contact_id].into_iter().flatten().chain(user);
        let flows = [&self.contact_flow_id, &self.quick_connect_id, &self.task_template_id];
        let references = self.references.iter().flat_map(|(_, reference)| {
            [&reference.value, &reference.arn, &reference.status_reason].into_iter().flatten()
        });
        let files = self.attachments.iter().flat_map(|file| [&file.file_name, &file.s3_url]).flatten();
        let segments = self.segment_attributes.iter().flat_map(|(_, value)| value.texts());
        let plain = self.name.iter().chain(&self.description).chain(ids).chain(flows.into_iter().flatten());
        let values = self.attributes.iter().map(|(_, value)| value);
        let texts = plain.chain(values).chain(references).chain(files).chain(segments).map(|text| &**text);
        let keys = self.attributes.iter().map(|(key, _)| key);
        let keys = keys.chain(self.references.iter().map(|(key, _)| key));
        let keys = keys.chain(self.segment_attributes.iter().map(|(key, _)| key));
        texts.chain(keys.filter(|_| self.keys_are_data)).collect()
    }
}

fn owned(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}

fn named<'a, T>(value: Rendered<'a>, convert: impl Fn(Rendered<'a>) -> Option<T>) -> Named<'a, T> {
    let entries = value.object().into_iter();
    Named(entries.filter_map(|(name, value)| Some((name, convert(value)?))).collect())
}

impl<'a, T> Named<'a, T> {
    fn into_owned<U>(self, convert: impl Fn(T) -> U) -> Named<'static, U> {
        Named(self.0.into_iter().map(|(name, value)| (owned(name), convert(value))).collect())
    }
}

impl<'a> Reference<'a> {
    /// The reference; none if it leads nowhere: then its type is left out with it.
    fn assemble(members: Vec<(Text<'a>, Rendered<'a>)>) -> Option<Self> {
        let mut reference = Reference::default();
        for (name, value) in members {
            match &*name {
                "Type" => reference.r#type = value.text(),
                "Value" => reference.value = value.text(),
                "Status" => reference.status = value.text(),
                "Arn" => reference.arn = value.text(),
                "StatusReason" => reference.status_reason = value.text(),
                _ => {}
            }
        }
        (reference.value.is_some() || reference.arn.is_some()).then_some(reference)
    }

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

impl<'a> Attachment<'a> {
    fn assemble(members: Vec<(Text<'a>, Rendered<'a>)>) -> Self {
        let mut attachment = Attachment::default();
        for (name, value) in members {
            match &*name {
                "FileName" => attachment.file_name = value.text(),
                "S3Url" => attachment.s3_url = value.text(),
                _ => {}
            }
        }
        attachment
    }

    fn into_owned(self) -> Attachment<'static> {
        Attachment { file_name: self.file_name.map(owned), s3_url: self.s3_url.map(owned) }
    }
}

impl<'a> SegmentValue<'a> {
    fn assemble(value: Rendered<'a>) -> Self {
        let mut segment = SegmentValue::default();
        for (name, value) in value.object() {
            match &*name {
                "ValueString" => segment.value_string = value.text(),
                "ValueInteger" => segment.value_integer = value.integer(),
                "ValueMap" => segment.value_map = Some(named(value, |v| Some(SegmentValue::assemble(v)))),
                "ValueList" => {
                    segment.value_list = Some(value.list().into_iter().map(SegmentValue::assemble).collect());
                }
                "ValueArn" => segment.value_arn = value.text(),
                _ => {}
            }
        }
        segment
    }

    fn into_owned(self) -> SegmentValue<'static> {
        SegmentValue {
            value_string: self.value_string.map(owned),
            value_integer: self.value_integer,
            value_map: self.value_map.map(|map| map.into_owned(SegmentValue::into_owned)),
            value_list: self.value_list.map(|list| list.into_iter().map(SegmentValue::into_owned).collect()),
            value_arn: self.value_arn.map(owned),
        }
    }

    /// Every text in the value, at any depth.
    fn texts(&self) -> Vec<&Text<'a>> {
        let own = self.value_string.iter().chain(&self.value_arn);
        let named = self.value_map.iter().flat_map(|map| map.iter().map(|(_, value)| value));
        let inner = named.chain(self.value_list.iter().flatten());
        own.chain(inner.flat_map(SegmentValue::texts)).collect()
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

    fn private() -> ContactRequest<'static> {
        ContactRequest {
            name: Some("Jane Roe".into()),
            attributes: Named(vec![("card".into(), "Jane Roe 4111".into())]),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    #[test]
    fn debug_shows_no_private_text() {
        assert!(!format!("{:?}", private()).contains("Jane"));
    }

    #[test]
    fn a_request_serialises_to_the_operations_json() {
        let json = serde_json::to_string(&private()).unwrap();
        assert_eq!(json, r#"{"Name":"Jane Roe","Attributes":{"card":"Jane Roe 4111"}}"#);
    }

    #[test]
    fn a_message_that_quotes_the_request_is_blanked() {
        let text = private().redact("'Jane Roe 4111' and 'Jane Roe' are not valid");
        assert_eq!(text, "'…' and '…' are not valid");
        let part = ContactRequest { name: Some("Planted one".into()), ..private() };
        assert_eq!(part.redact("Name Planted is bad"), "Name … is bad");
    }
}
