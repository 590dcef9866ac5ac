//! A contact against what its row was sent with. Pure.

use super::Verification;
use crate::ledger::{RequestDigest, SentRow};
use crate::request::Operation;
use crate::submission::ContactDetails;

/// The members in which a contact differs from what was sent, as far as that is known.
pub(super) fn differences<I>(
    of: &Verification<I>,
    row: &SentRow,
    sent: RequestDigest,
    contact: &ContactDetails,
) -> Vec<&'static str> {
    let mut members = Vec::new();
    if contact.arn.as_ref().is_some_and(|arn| !is_of_instance(arn, &of.instance_id)) {
        members.push("instance");
    }
    let attributes = contact.attributes.iter().map(|(key, value)| (&**key, &**value)).collect();
    let found = RequestDigest::of(row.token, contact.name.as_deref(), attributes);
    if !sent.has_name_of(&found) {
        members.push("Name");
    }
    // The flow of an open task may set attributes of its own.
    if of.operation == Operation::CreateContact && !sent.has_attributes_of(&found) {
        members.push("Attributes");
    }
    members
}

/// Whether `arn:…:instance/ID/contact/…` names the instance.
fn is_of_instance(arn: &str, instance_id: &str) -> bool {
    arn.split_once(":instance/").is_none_or(|(_, rest)| rest.split('/').next() == Some(instance_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_instance() {
        let arn = "arn:aws:connect:eu-west-2:123456789012:instance/i-1/contact/c";
        assert!(is_of_instance(arn, "i-1"));
        assert!(!is_of_instance(arn, "i-2") && !is_of_instance(arn, "i"));
        // Not an ARN that says anything.
        assert!(is_of_instance("arn", "i-1"));
    }
}
