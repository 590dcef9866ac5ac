//! From rendered templates to a request.

use super::contact::{Attachment, ContactRequest, OrderedMap, Reference, SegmentValue, Text, UserInfo};
use super::operation::Operation;

/// The rendered value of one node of the mapping. Texts are borrowed from the row or the mapping where they pass
/// unchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered<'a> {
    /// A string.
    Text(Text<'a>),
    /// An integer, or a timestamp in seconds since 1970.
    Integer(i64),
    /// The members of a structure, or the entries of a map.
    Object(Vec<(Text<'a>, Rendered<'a>)>),
    /// The items of a list.
    List(Vec<Rendered<'a>>),
}

/// The mapping is compiled against [`Operation::members`], so every value has the shape that is asked for.
impl<'a> Rendered<'a> {
    fn text(self) -> Option<Text<'a>> {
        if let Rendered::Text(text) = self { Some(text) } else { None }
    }

    fn integer(self) -> Option<i64> {
        if let Rendered::Integer(number) = self { Some(number) } else { None }
    }

    fn object(self) -> Vec<(Text<'a>, Rendered<'a>)> {
        if let Rendered::Object(entries) = self { entries } else { Vec::new() }
    }

    fn list(self) -> Vec<Rendered<'a>> {
        if let Rendered::List(items) = self { items } else { Vec::new() }
    }

    fn map<T>(self, convert: impl Fn(Rendered<'a>) -> Option<T>) -> OrderedMap<'a, T> {
        let entries = self.object().into_iter();
        OrderedMap(entries.filter_map(|(key, value)| Some((key, convert(value)?))).collect())
    }
}

impl<'a> ContactRequest<'a> {
    /// Builds the request from the rendered members of `operation`.
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
                "Attributes" => request.attributes = value.map(Rendered::text),
                "References" => request.references = value.map(reference),
                "SegmentAttributes" => {
                    request.segment_attributes = value.map(|value| Some(segment_value(value)));
                }
                "Attachments" => request.attachments = value.list().into_iter().map(attachment).collect(),
                "UserInfo" => {
                    let user_id = value.object().into_iter().find_map(|(_, value)| value.text());
                    request.user_info = user_id.map(|user_id| UserInfo { user_id });
                }
                "RelatedContactId" => request.related_contact_id = value.text(),
                "PreviousContactId" => request.previous_contact_id = value.text(),
                "ExpiryDurationInMinutes" => request.expiry_duration_in_minutes = value.integer(),
                _ => {}
            }
        }
        request
    }
}

/// None for a reference without value and ARN: its `Type` is most often a constant of the mapping, and alone it
/// means that the row has no such reference.
fn reference(value: Rendered<'_>) -> Option<Reference<'_>> {
    let mut reference = Reference::default();
    for (name, value) in value.object() {
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

fn attachment(value: Rendered<'_>) -> Attachment<'_> {
    let mut attachment = Attachment::default();
    for (name, value) in value.object() {
        match &*name {
            "FileName" => attachment.file_name = value.text(),
            "S3Url" => attachment.s3_url = value.text(),
            _ => {}
        }
    }
    attachment
}

fn segment_value(value: Rendered<'_>) -> SegmentValue<'_> {
    let mut segment = SegmentValue::default();
    for (name, value) in value.object() {
        match &*name {
            "ValueString" => segment.value_string = value.text(),
            "ValueInteger" => segment.value_integer = value.integer(),
            "ValueMap" => segment.value_map = Some(value.map(|value| Some(segment_value(value)))),
            "ValueList" => segment.value_list = Some(value.list().into_iter().map(segment_value).collect()),
            "ValueArn" => segment.value_arn = value.text(),
            _ => {}
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Shape;

    fn text(text: &str) -> Rendered<'_> {
        Rendered::Text(text.into())
    }

    fn object<'a>(members: Vec<(&'a str, Rendered<'a>)>) -> Rendered<'a> {
        Rendered::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn json(operation: Operation, members: Vec<(&str, Rendered<'_>)>) -> serde_json::Value {
        let members = members.into_iter().map(|(name, value)| (name.into(), value)).collect();
        serde_json::to_value(ContactRequest::assemble(operation, members)).unwrap()
    }

    #[test]
    fn every_member_of_both_operations_reaches_the_request() {
        let list = Rendered::List(vec![object(vec![("ValueString", text("s"))])]);
        let values = [("ValueInteger", Rendered::Integer(1)), ("ValueArn", text("a")), ("ValueList", list)];
        let segment = object(vec![("ValueMap", object(vec![("k", object(values.into()))]))]);
        let reference = ["Type", "Value", "Status", "Arn", "StatusReason"].map(|name| (name, text(name)));
        let file = object(vec![("FileName", text("f")), ("S3Url", text("u"))]);
        for operation in Operation::ALL {
            let Shape::Structure(members) = operation.members() else { unreachable!() };
            let rendered = members.iter().map(|member| {
                let value = match member.name {
                    "Attributes" => object(vec![("k", text("v"))]),
                    "References" => object(vec![("r", object(reference.to_vec()))]),
                    "SegmentAttributes" => object(vec![("s", segment.clone())]),
                    "Attachments" => Rendered::List(vec![file.clone()]),
                    "UserInfo" => object(vec![("UserId", text("u"))]),
                    name if matches!(member.shape, Shape::Text(_)) => text(name),
                    _ => Rendered::Integer(7),
                };
                (member.name, value)
            });
            let expected = members.iter().map(|member| member.name);
            let json = json(operation, rendered.collect());
            for name in expected {
                assert!(json.get(name).is_some(), "{name}: {json}");
            }
            let map = &json["SegmentAttributes"]["s"]["ValueMap"]["k"];
            assert_eq!(
                *map,
                serde_json::json!({"ValueInteger": 1, "ValueList": [{"ValueString": "s"}], "ValueArn": "a"})
            );
            assert_eq!(json["References"]["r"].as_object().unwrap().len(), 5);
        }
    }

    #[test]
    fn a_reference_without_value_and_arn_is_left_out() {
        let references = object(vec![("Ticket", object(vec![("Type", text("URL"))]))]);
        assert_eq!(json(Operation::CreateContact, vec![("References", references)]), serde_json::json!({}));
    }
}
