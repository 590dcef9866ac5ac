//! [`Submitter`] on the SDK: CreateContact and StartTaskContact.

use std::collections::HashMap;

use aws_sdk_connect::operation::create_contact::builders::CreateContactFluentBuilder;
use aws_sdk_connect::operation::start_task_contact::builders::StartTaskContactFluentBuilder;
use aws_sdk_connect::primitives::DateTime;
use aws_sdk_connect::types;

use super::call;
use super::client::ConnectClient;
use crate::ledger::InFlight;
use crate::request::{Attachment, ContactRequest, Operation, OrderedMap, Reference, SegmentValue, Text};
use crate::submission::answered_contact::{ContactIdForm, answered_contact};
use crate::submission::attempt::{Attempt, Submitter};

impl Submitter for ConnectClient {
    async fn submit(&self, in_flight: &InFlight) -> Attempt {
        self.create(in_flight.request(), in_flight.token().text()).await
    }
}

impl ConnectClient {
    /// Sends `request` once.
    pub(super) async fn create(&self, request: &ContactRequest<'_>, token: String) -> Attempt {
        match request.operation {
            Operation::CreateContact => {
                let call = self.create_contact(request, token);
                let output =
                    call::make(self.credentials.as_deref(), Box::pin(call.send()), Some(request)).await?;
                self.contact(request, output.contact_id, output.contact_arn)
            }
            Operation::StartTaskContact => {
                let call = self.start_task_contact(request, token);
                let output =
                    call::make(self.credentials.as_deref(), Box::pin(call.send()), Some(request)).await?;
                self.contact(request, output.contact_id, None)
            }
        }
    }

    fn contact(&self, request: &ContactRequest<'_>, id: Option<String>, arn: Option<String>) -> Attempt {
        answered_contact(id, arn, self.contact_id_form(), &self.instance_id, request)
    }

    /// The form of the endpoint's contact ids.
    pub(super) fn contact_id_form(&self) -> ContactIdForm {
        if self.is_rehearsal { ContactIdForm::Any } else { ContactIdForm::Uuid }
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
            .set_attributes(attributes(request))
            .set_references(converted(&request.references, reference))
            .set_segment_attributes(converted(&request.segment_attributes, segment_value))
            .set_user_info(user_info.map(|info| types::UserInfo::builder().user_id(&*info.user_id).build()))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
            .set_expiry_duration_in_minutes(request.expiry_duration_in_minutes.and_then(narrowed))
    }

    pub(super) fn start_task_contact(
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
            .set_attributes(attributes(request))
            .set_references(converted(&request.references, reference))
            .set_segment_attributes(converted(&request.segment_attributes, segment_value))
            .set_attachments((!attachments.is_empty()).then_some(attachments))
            .set_related_contact_id(owned(request.related_contact_id.as_ref()))
            .set_previous_contact_id(owned(request.previous_contact_id.as_ref()))
    }
}

// The conversions below return `None` for values that the SDK cannot represent. The mapping has validated the request,
// so none of its values is lost here.

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.to_string())
}

fn narrowed(number: i64) -> Option<i32> {
    i32::try_from(number).ok()
}

fn attributes(request: &ContactRequest<'_>) -> Option<HashMap<String, String>> {
    converted(&request.attributes, |value| Some(value.to_string()))
}

/// The converted map, or `None` for an empty one, which is then left out of the request.
fn converted<V, T>(map: &OrderedMap<'_, V>, convert: impl Fn(&V) -> Option<T>) -> Option<HashMap<String, T>> {
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

fn segment_value(value: &SegmentValue<'_>) -> Option<types::SegmentAttributeValue> {
    let list = value.value_list.as_ref().map(|list| list.iter().filter_map(segment_value).collect());
    let built = types::SegmentAttributeValue::builder()
        .set_value_string(owned(value.value_string.as_ref()))
        .set_value_integer(value.value_integer.and_then(narrowed))
        .set_value_map(value.value_map.as_ref().and_then(|map| converted(map, segment_value)))
        .set_value_list(list)
        .set_value_arn(owned(value.value_arn.as_ref()))
        .build();
    Some(built)
}
