//! [`ContactLookup`] on the SDK: DescribeContact and SearchContacts.

use aws_sdk_connect::error::BuildError;
use aws_sdk_connect::primitives::DateTime;
use aws_sdk_connect::types;

use super::call::{self, local_cause};
use super::client::ConnectClient;
use crate::submission::attempt::AttemptError;
use crate::submission::lookup::{
    ContactDetails, ContactLookup, ContactPage, ContactSearch, FoundContact, SearchBy,
};

/// Contacts per page: the maximum of SearchContacts (API reference, MaxResults).
const PAGE_SIZE: i32 = 100;

impl ContactLookup for ConnectClient {
    async fn describe(&self, contact_id: &str) -> Result<Option<ContactDetails>, AttemptError> {
        let call = self.client.describe_contact().instance_id(&self.instance_id).contact_id(contact_id);
        let contact = match call::make(self.credentials.as_deref(), Box::pin(call.send()), None)
            .await
            .map_err(AttemptError::from)
        {
            Ok(output) => output.contact,
            Err(AttemptError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(contact) = contact else {
            let message = "Connect answered with success and without a contact";
            return Err(AttemptError::MaybeSent(local_cause("NoContact", message).into()));
        };
        if contact.id.as_deref().is_some_and(|id| id != contact_id) {
            let message = "Connect answered with another contact than the requested one";
            return Err(AttemptError::MaybeSent(local_cause("OtherContact", message).into()));
        }
        Ok(Some(ContactDetails {
            arn: contact.arn,
            name: contact.name,
            attributes: contact.attributes.unwrap_or_default().into_iter().collect(),
        }))
    }

    async fn search(
        &self,
        search: &ContactSearch,
        next_token: Option<String>,
    ) -> Result<ContactPage, AttemptError> {
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
            .search_criteria(criteria(search).map_err(unbuildable)?)
            .max_results(PAGE_SIZE)
            .set_next_token(next_token);
        let output = call::make(self.credentials.as_deref(), Box::pin(call.send()), None).await?;
        let contacts = output.contacts.into_iter().filter_map(|contact| {
            // A text of another form is no contact's id, and would go into the path of a request.
            let id = contact.id.filter(|id| self.contact_id_form().is_met_by(id))?;
            Some(FoundContact { id, name: contact.name })
        });
        let next_token = output.next_token.filter(|token| !token.is_empty());
        Ok(ContactPage { contacts: contacts.collect(), next_token })
    }
}

fn criteria(search: &ContactSearch) -> Result<types::SearchCriteria, BuildError> {
    let criteria = types::SearchCriteria::builder().channels(search.channel.as_str().into());
    let criteria = match &search.by {
        SearchBy::Name(name) => criteria.name(
            types::NameCriteria::builder()
                .search_text(name)
                .match_type(types::SearchContactsMatchType::MatchAll)
                .build()?,
        ),
        SearchBy::Attribute { key, value } => {
            let attribute =
                types::SearchableContactAttributesCriteria::builder().key(key).values(value).build()?;
            criteria.searchable_contact_attributes(
                types::SearchableContactAttributes::builder().criteria(attribute).build()?,
            )
        }
    };
    Ok(criteria.build())
}

/// A required member is missing, although all of them are set here.
fn unbuildable(error: BuildError) -> AttemptError {
    AttemptError::Refused(local_cause("NotBuilt", &error.to_string()))
}
