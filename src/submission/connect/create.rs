//! What makes contacts.

use aws_sdk_connect::operation::create_contact::builders::CreateContactFluentBuilder;
use aws_sdk_connect::operation::start_task_contact::builders::StartTaskContactFluentBuilder;
use aws_sdk_connect::primitives::DateTime;
use aws_sdk_connect::types;

use super::ConnectClient;
use super::attempt_error::attempted;
use crate::ledger::{Cause, Contact, InFlight};
use crate::request::{Attachment, ContactRequest, Operation, OrderedMap, Reference, SegmentValue, Text};
use crate::submission::{Attempt, AttemptError, Submitter};

impl Submitter for ConnectClient {
    async fn submit(&self, in_flight: &InFlight) -> Attempt {
        self.create(in_flight.request(), in_flight.token().text()).await
    }
}

impl ConnectClient {
    pub(super) async fn create(&self, request: &ContactRequest<'_>, token: String) -> Attempt {
        match request.operation {
            Operation::CreateContact => {
                let sent = Box::pin(self.create_contact(request, token).send());
                let output = attempted(sent, request).await?;
                contact(output.contact_id, output.contact_arn)
            }
            Operation::StartTaskContact => {
                let output =
                    attempted(Box::pin(self.start_task_contact(request, token).send()), request).await?;
                contact(output.contact_id, None)
            }
        }
    }

    pub(super) fn create_contact(
        &self,
        request: &ContactRequest<'_>,
        token: String,
    ) -> CreateContactFluentBuilder {
        let user_info = request.user_info.as_ref();
        self.client
            .create_contact()
            .instance_id(&self.instance_id)
            .client_token(token)
            .set_channel(request.channel.as_deref().map(Into::into))
            .set_initiation_method(request.initiation_method.as_deref().map(Into::into))
            .set_initiate_as(request.initiate_as.as_deref().map(Into::into))
            .set_name(owned(request.name.as_ref()))
            .set_description(owned(request.description.as_ref()))
            .set_attributes(some(&request.attributes, |value| value.to_string()))
            .set_references(try_some(&request.references, reference))
            .set_segment_attributes(some(&request.segment_attributes, segment_value))
            .set_user_info(user_info.map(|info| types::UserInfo::builder().user_id(&*info.user_id).build()))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
            .set_expiry_duration_in_minutes(request.expiry_duration_in_minutes.and_then(narrowed))
    }

    fn start_task_contact(
        &self,
        request: &ContactRequest<'_>,
        token: String,
    ) -> StartTaskContactFluentBuilder {
        let attachments: Vec<_> = request.attachments.iter().filter_map(attachment).collect();
        self.client
            .start_task_contact()
            .instance_id(&self.instance_id)
            .client_token(token)
            .set_name(owned(request.name.as_ref()))
            .set_description(owned(request.description.as_ref()))
            .set_contact_flow_id(owned(request.contact_flow_id.as_ref()))
            .set_quick_connect_id(owned(request.quick_connect_id.as_ref()))
            .set_task_template_id(owned(request.task_template_id.as_ref()))
            .set_scheduled_time(request.scheduled_time.map(DateTime::from_secs))
            .set_attributes(some(&request.attributes, |value| value.to_string()))
            .set_references(try_some(&request.references, reference))
            .set_segment_attributes(some(&request.segment_attributes, segment_value))
            .set_attachments((!attachments.is_empty()).then_some(attachments))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
    }
}

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.to_string())
}

/// The mapping has made sure that it fits.
fn narrowed(number: i64) -> Option<i32> {
    i32::try_from(number).ok()
}

/// A map of the request, or none where it is empty.
fn some<V, T>(
    map: &OrderedMap<'_, V>,
    convert: impl Fn(&V) -> T,
) -> Option<std::collections::HashMap<String, T>> {
    (!map.is_empty()).then(|| map.iter().map(|(key, value)| (key.to_owned(), convert(value))).collect())
}

/// The same for values that may not convert; the mapping has made sure that they do.
fn try_some<V, T>(
    map: &OrderedMap<'_, V>,
    convert: impl Fn(&V) -> Option<T>,
) -> Option<std::collections::HashMap<String, T>> {
    let entries = map.iter().filter_map(|(key, value)| Some((key.to_owned(), convert(value)?)));
    (!map.is_empty()).then(|| entries.collect())
}

fn reference(reference: &Reference<'_>) -> Option<types::Reference> {
    types::Reference::builder()
        .r#type(reference.r#type.as_deref().unwrap_or_default().into())
        .value(reference.value.as_deref().unwrap_or_default())
        .set_status(reference.status.as_deref().map(Into::into))
        .set_arn(owned(reference.arn.as_ref()))
        .set_status_reason(owned(reference.status_reason.as_ref()))
        .build()
        .ok()
}

fn attachment(attachment: &Attachment<'_>) -> Option<types::TaskAttachment> {
    types::TaskAttachment::builder()
        .set_file_name(owned(attachment.file_name.as_ref()))
        .set_s3_url(owned(attachment.s3_url.as_ref()))
        .build()
        .ok()
}

fn segment_value(value: &SegmentValue<'_>) -> types::SegmentAttributeValue {
    types::SegmentAttributeValue::builder()
        .set_value_string(owned(value.value_string.as_ref()))
        .set_value_integer(value.value_integer.and_then(narrowed))
        .set_value_map(value.value_map.as_ref().and_then(|map| some(map, segment_value)))
        .set_value_list(value.value_list.as_ref().map(|list| list.iter().map(segment_value).collect()))
        .set_value_arn(owned(value.value_arn.as_ref()))
        .build()
}

/// A contact's id has 1 to 256 characters (API reference, ContactId); none of them is white space.
fn is_an_id(id: &str) -> bool {
    (1..=256).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic())
}

/// An answer of success is one only with a contact id in it.
fn contact(id: Option<String>, arn: Option<String>) -> Attempt {
    match id {
        Some(id) if is_an_id(&id) => Ok(Contact { id, arn }),
        _ => Err(AttemptError::MaybeSent(Cause {
            code: "NoContactId".into(),
            message: "Connect answered with success and without a contact id".into(),
        })),
    }
}
