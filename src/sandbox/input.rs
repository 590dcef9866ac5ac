//! The members of the operations that create contacts, read by their types. Pure.
//!
//! Source: service model connect, 2017-08-08. Only types are checked here, not even that required members are
//! there: `limits` does the rest.

use serde_json::{Map, Value};

use super::api_error::ApiError;
use super::json::{Entries, JsonObject};
use super::operation::CreateOperation;

/// The members of a request that creates a contact. Those of the other operation are left out.
#[derive(Debug, Default)]
pub(super) struct CreateInput<'a> {
    pub(super) instance_id: Option<&'a str>,
    pub(super) client_token: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) related_contact_id: Option<&'a str>,
    pub(super) previous_contact_id: Option<&'a str>,
    pub(super) attributes: Entries<'a, &'a str>,
    pub(super) references: Entries<'a, ReferenceMembers<'a>>,
    pub(super) segment_attributes: Entries<'a, SegmentMembers<'a>>,
    // Of `CreateContact`.
    pub(super) channel: Option<&'a str>,
    pub(super) initiation_method: Option<&'a str>,
    pub(super) initiate_as: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    // Of `StartTaskContact`.
    pub(super) contact_flow_id: Option<&'a str>,
    pub(super) quick_connect_id: Option<&'a str>,
    pub(super) task_template_id: Option<&'a str>,
    /// Epoch seconds.
    pub(super) scheduled_time: Option<f64>,
    pub(super) attachments: Option<Vec<AttachmentMembers<'a>>>,
}

/// A value of `References`.
#[derive(Debug)]
pub(super) struct ReferenceMembers<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) arn: Option<&'a str>,
    pub(super) status_reason: Option<&'a str>,
}

/// A value of `SegmentAttributes`: a structure with exactly one member, as `limits` checks.
#[derive(Debug)]
pub(super) struct SegmentMembers<'a> {
    pub(super) string: Option<&'a str>,
    pub(super) integer: Option<i32>,
    pub(super) map: Option<Entries<'a, SegmentMembers<'a>>>,
    pub(super) list: Option<Vec<SegmentMembers<'a>>>,
    pub(super) arn: Option<&'a str>,
}

/// An item of `Attachments`.
#[derive(Debug)]
pub(super) struct AttachmentMembers<'a> {
    pub(super) file_name: Option<&'a str>,
    pub(super) s3_url: Option<&'a str>,
}

impl<'a> CreateInput<'a> {
    /// Reads the members of a decoded body.
    ///
    /// # Errors
    ///
    /// `SerializationException` for the first member of the wrong type.
    pub(super) fn read(
        operation: CreateOperation,
        members: &'a Map<String, Value>,
    ) -> Result<CreateInput<'a>, ApiError> {
        let body = JsonObject::body(members);
        let mut input = CreateInput {
            instance_id: body.text("InstanceId")?,
            client_token: body.text("ClientToken")?,
            name: body.text("Name")?,
            description: body.text("Description")?,
            related_contact_id: body.text("RelatedContactId")?,
            previous_contact_id: body.text("PreviousContactId")?,
            attributes: body.map("Attributes", JsonObject::text)?,
            references: body.map("References", ReferenceMembers::read)?,
            segment_attributes: body.map("SegmentAttributes", SegmentMembers::read_entry)?,
            ..CreateInput::default()
        };
        match operation {
            CreateOperation::CreateContact => {
                // Only its type is checked: no range is documented.
                body.integer("ExpiryDurationInMinutes")?;
                input.channel = body.text("Channel")?;
                input.initiation_method = body.text("InitiationMethod")?;
                input.initiate_as = body.text("InitiateAs")?;
                input.user_id = body.object("UserInfo")?.map_or(Ok(None), |user| user.text("UserId"))?;
            }
            CreateOperation::StartTaskContact => {
                input.contact_flow_id = body.text("ContactFlowId")?;
                input.quick_connect_id = body.text("QuickConnectId")?;
                input.task_template_id = body.text("TaskTemplateId")?;
                input.scheduled_time = body.number("ScheduledTime")?;
                input.attachments = body.objects("Attachments", AttachmentMembers::read)?;
            }
        }
        Ok(input)
    }
}

impl<'a> AttachmentMembers<'a> {
    fn read(item: &JsonObject<'a>) -> Result<AttachmentMembers<'a>, ApiError> {
        Ok(AttachmentMembers { file_name: item.text("FileName")?, s3_url: item.text("S3Url")? })
    }
}

impl<'a> ReferenceMembers<'a> {
    fn read(references: &JsonObject<'a>, key: &str) -> Result<Option<ReferenceMembers<'a>>, ApiError> {
        let Some(reference) = references.object(key)? else {
            return Ok(None);
        };
        reference.text("Status")?;
        Ok(Some(ReferenceMembers {
            kind: reference.text("Type")?,
            value: reference.text("Value")?,
            arn: reference.text("Arn")?,
            status_reason: reference.text("StatusReason")?,
        }))
    }
}

impl<'a> SegmentMembers<'a> {
    fn read_entry(map: &JsonObject<'a>, key: &str) -> Result<Option<SegmentMembers<'a>>, ApiError> {
        map.object(key)?.as_ref().map(SegmentMembers::read).transpose()
    }

    /// Recursion ends where `json::decode` limits the nesting of the body.
    fn read(value: &JsonObject<'a>) -> Result<SegmentMembers<'a>, ApiError> {
        let map = value.object("ValueMap")?;
        Ok(SegmentMembers {
            string: value.text("ValueString")?,
            integer: value.integer("ValueInteger")?,
            map: map.map(|map| map.entries(SegmentMembers::read_entry)).transpose()?,
            list: value.objects("ValueList", SegmentMembers::read)?,
            arn: value.text("ValueArn")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::api_error::ErrorCode;
    use super::super::json::decode;
    use super::*;

    fn error_of(operation: CreateOperation, body: &Value) -> ApiError {
        let members = decode(body.to_string().as_bytes()).unwrap();
        CreateInput::read(operation, &members).unwrap_err()
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_without_its_value() {
        let cases = [
            (json!({"Name": 4711}), "Name must be a string"),
            (json!({"Attributes": "4711"}), "Attributes must be an object"),
            (json!({"Attributes": {"a": 4711}}), "Attributes.a must be a string"),
            (json!({"Attributes": {"a b": 4711}}), "Attributes.* must be a string"),
            (
                json!({"References": {"r": {"Type": "URL", "Value": 4711}}}),
                "References.r.Value must be a string",
            ),
            (
                json!({"SegmentAttributes": {"s": {"ValueMap": {"t": {"ValueInteger": "4711"}}}}}),
                "SegmentAttributes.s.ValueMap.t.ValueInteger must be a 32-bit integer",
            ),
            (
                json!({"SegmentAttributes": {"s": {"ValueList": [4711]}}}),
                "SegmentAttributes.s.ValueList must be a list of objects",
            ),
        ];
        for (body, message) in cases {
            for operation in CreateOperation::ALL {
                let error = error_of(operation, &body);
                assert_eq!(error.code, ErrorCode::Serialization);
                assert_eq!(error.message, message);
            }
        }
    }

    #[test]
    fn the_specific_members_of_an_operation_are_typed_too() {
        let integer = "ExpiryDurationInMinutes must be a 32-bit integer";
        let objects = "Attachments must be a list of objects";
        let create = CreateOperation::CreateContact;
        let start = CreateOperation::StartTaskContact;
        let cases = [
            (create, json!({"ExpiryDurationInMinutes": "4711"}), integer),
            (create, json!({"ExpiryDurationInMinutes": 4711.5}), integer),
            (create, json!({"UserInfo": 4711}), "UserInfo must be an object"),
            (start, json!({"ContactFlowId": 4711}), "ContactFlowId must be a string"),
            (start, json!({"ScheduledTime": "4711"}), "ScheduledTime must be a number"),
            (start, json!({"Attachments": {}}), objects),
            (start, json!({"Attachments": ["4711"]}), objects),
            (
                start,
                json!({"Attachments": [{"FileName": "f", "S3Url": 4711}]}),
                "Attachments.S3Url must be a string",
            ),
        ];
        for (operation, body, message) in cases {
            let error = error_of(operation, &body);
            assert_eq!(error.code, ErrorCode::Serialization);
            assert_eq!(error.message, message);
        }
    }

    #[test]
    fn members_of_the_other_operation_are_ignored() {
        let create = json!({"ScheduledTime": "soon", "Attachments": 1});
        let start = json!({"ExpiryDurationInMinutes": "soon", "Channel": 1});
        for (operation, body) in
            [(CreateOperation::CreateContact, create), (CreateOperation::StartTaskContact, start)]
        {
            let members = decode(body.to_string().as_bytes()).unwrap();
            assert!(CreateInput::read(operation, &members).is_ok(), "{operation:?}");
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_a_null_is_a_member_left_out() {
        let body = br#"{"Name": null, "Weather": [1], "Channel": "TASK", "UserInfo": null}"#;
        let members = decode(body).unwrap();
        let input = CreateInput::read(CreateOperation::CreateContact, &members).unwrap();
        assert_eq!(input.name, None);
        assert_eq!(input.user_id, None);
        assert_eq!(input.channel, Some("TASK"));
    }
}
