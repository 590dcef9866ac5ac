//! What only asks: DescribeContact and SearchContacts.

use aws_sdk_connect::primitives::DateTime;
use aws_sdk_connect::types;

use super::ConnectClient;
use super::attempt_error::{attempted, local};
use crate::ledger::Cause;
use crate::request::{ContactRequest, Operation};
use crate::submission::{AttemptError, Described, Inquirer, Page, Search, SearchBy, Summary};

/// Contacts a page: the most that SearchContacts gives (API reference, MaxResults).
const PAGE: i32 = 100;

impl Inquirer for ConnectClient {
    async fn describe(&self, contact_id: &str) -> Result<Option<Described>, AttemptError> {
        let call = self.client.describe_contact().instance_id(&self.instance_id).contact_id(contact_id);
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let contact = match attempted(Box::pin(call.send()), &nothing).await {
            Ok(output) => output.contact,
            Err(AttemptError::NotFound(_)) => return Ok(None),
            Err(trouble) => return Err(without_message(trouble)),
        };
        let Some(contact) = contact else {
            let message = "Connect answered with success and without a contact";
            return Err(AttemptError::MaybeSent(local("NoContact", message)));
        };
        if contact.id.as_deref().is_some_and(|id| id != contact_id) {
            let message = "Connect answered with another contact than was asked for";
            return Err(AttemptError::MaybeSent(local("OtherContact", message)));
        }
        Ok(Some(Described {
            arn: contact.arn,
            name: contact.name,
            attributes: contact.attributes.unwrap_or_default().into_iter().collect(),
        }))
    }

    async fn search(&self, search: &Search, page: Option<String>) -> Result<Page, AttemptError> {
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let by = match &search.by {
            SearchBy::Name(name) => types::SearchCriteria::builder().name(
                types::NameCriteria::builder()
                    .search_text(name)
                    .match_type(types::SearchContactsMatchType::MatchAll)
                    .build()
                    .map_err(unbuildable)?,
            ),
            SearchBy::Attribute { key, value } => {
                let criteria = types::SearchableContactAttributesCriteria::builder()
                    .key(key)
                    .values(value)
                    .build()
                    .map_err(unbuildable)?;
                let attributes = types::SearchableContactAttributes::builder().criteria(criteria).build();
                types::SearchCriteria::builder()
                    .searchable_contact_attributes(attributes.map_err(unbuildable)?)
            }
        };
        let range = types::SearchContactsTimeRange::builder()
            .r#type(types::SearchContactsTimeRangeType::InitiationTimestamp)
            .start_time(DateTime::from_millis(search.from_ms))
            .end_time(DateTime::from_millis(search.until_ms))
            .build()
            .map_err(unbuildable)?;
        let call = self
            .client
            .search_contacts()
            .instance_id(&self.instance_id)
            .time_range(range)
            .search_criteria(by.channels(search.channel.as_str().into()).build())
            .max_results(PAGE)
            .set_next_token(page);
        let output = attempted(Box::pin(call.send()), &nothing).await.map_err(without_message)?;
        let contacts = output.contacts.into_iter();
        let contacts = contacts.filter_map(|contact| {
            let id = contact.id.filter(|id| !id.is_empty())?;
            Some(Summary { id, name: contact.name })
        });
        Ok(Page { contacts: contacts.collect(), next: output.next_token.filter(|token| !token.is_empty()) })
    }
}

/// Nobody knows here what the contact says, so nothing can be blanked in a message that quotes it.
fn without_message(trouble: AttemptError) -> AttemptError {
    trouble.map_cause(|cause| Cause { message: String::new(), ..cause })
}

/// The SDK wants a member that is always given here.
fn unbuildable(error: impl std::fmt::Display) -> AttemptError {
    AttemptError::Refused(local("NotBuilt", &error.to_string()))
}
