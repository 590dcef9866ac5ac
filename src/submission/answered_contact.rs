//! The contact that an answer names, if its id and ARN have the service's form. Pure.

use tracing::debug;

use super::attempt::{Attempt, AttemptError};
use crate::ledger::{Cause, CauseMessage, Contact};
use crate::printable::printable;
use crate::request::ContactRequest;

/// Codes of answers with success whose contact cannot be recorded.
const NO_ID: &str = "NoContactId";
const UNEXPECTED_ID: &str = "UnexpectedContactId";

/// Longest contact id (API reference, ContactId).
const ID_CHARS: usize = 256;

/// Characters of an id of another form that are shown.
const SHOWN_CHARS: usize = 100;

/// Longest ARN of a contact: its fields with the longest instance id (API reference, InstanceId) and a UUID are well below it.
const ARN_CHARS: usize = 300;

/// Which contact ids an endpoint gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ContactIdForm {
    /// UUIDs, as Amazon Connect does.
    Uuid,
    /// Any text of ASCII letters, digits and punctuation: a rehearsal may have an endpoint of its own.
    Any,
}

impl ContactIdForm {
    /// Whether an id has the form.
    pub(super) fn is_met_by(self, id: &str) -> bool {
        match self {
            ContactIdForm::Uuid => is_uuid(id),
            ContactIdForm::Any => {
                (1..=ID_CHARS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
            }
        }
    }
}

/// The contact of a success response. Without an id, or with one of another form, a contact may exist all the same.
pub(super) fn answered_contact(
    id: Option<String>,
    arn: Option<String>,
    form: ContactIdForm,
    instance_id: &str,
    request: &ContactRequest<'_>,
) -> Attempt {
    let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
        let message = "Connect answered with success and without a contact id".into();
        return Err(AttemptError::MaybeSent(Cause { code: NO_ID.to_owned(), message }.into()));
    };
    if !form.is_met_by(&id) {
        let said = |id: &str| {
            let shown: String = printable(id).chars().take(SHOWN_CHARS).collect();
            let more = if id.chars().count() > SHOWN_CHARS { "…" } else { "" };
            format!("Connect answered with success and a contact id that is no UUID: {shown}{more}")
        };
        // An endpoint that is not Connect may put a value of the row there.
        let message = CauseMessage::redacted(said(&request.redact(&id, false)), said(&id));
        return Err(AttemptError::MaybeSent(Cause { code: UNEXPECTED_ID.to_owned(), message }.into()));
    }
    let arn = arn.and_then(|arn| contact_arn(arn, instance_id, &id));
    Ok(Contact { id, arn })
}

/// Whether the code says that an attempt was answered with success, and that the answer names no contact which can be recorded.
pub fn is_contact_unnamed(code: &str) -> bool {
    matches!(code, NO_ID | UNEXPECTED_ID)
}

/// The ARN if it is that of the contact in this instance. The contact's id is what identifies it, so that a row whose contact
/// has another ARN is created all the same.
pub(crate) fn contact_arn(arn: String, instance_id: &str, contact_id: &str) -> Option<String> {
    let is_known = is_arn_of(&arn, instance_id, contact_id);
    if !is_known {
        // The ARN itself is not logged: it may be anything.
        debug!(
            contact_id,
            length = arn.len(),
            "the answer's ARN is not that of the contact, and is not recorded"
        );
    }
    is_known.then_some(arn)
}

/// Whether the text is `arn:PARTITION:connect:REGION:ACCOUNT:instance/INSTANCE/contact/CONTACT` (Service Authorization
/// Reference, Amazon Connect, resource types).
fn is_arn_of(arn: &str, instance_id: &str, contact_id: &str) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "connect", region, account, resource] = fields[..] else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let of_instance = resource.strip_prefix("instance/").and_then(|rest| rest.strip_prefix(instance_id));
    arn.len() <= ARN_CHARS + contact_id.len()
        && partition.starts_with("aws")
        && is_name(partition)
        && is_name(region)
        && is_account(account)
        && of_instance.and_then(|rest| rest.strip_prefix("/contact/")) == Some(contact_id)
}

/// Whether the text is an account id: 12 digits (AWS Account Management, Account identifiers).
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text is a UUID in groups of 8, 4, 4, 4 and 12 hexadecimal digits (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Operation;

    const ID: &str = "12345678-90ab-cdef-1234-567890ABCDEF";
    const INSTANCE: &str = "11111111-2222-3333-4444-555555555555";

    fn answered(id: &str, form: ContactIdForm) -> Attempt {
        let request = ContactRequest::completed_task("Jane Roe of Leeds");
        answered_contact(Some(id.to_owned()), None, form, INSTANCE, &request)
    }

    #[test]
    fn only_a_uuid_is_a_contact_id_of_the_service() {
        assert_eq!(answered(ID, ContactIdForm::Uuid).unwrap().id, ID);
        let others = [
            "contact-0",
            "12345678-90ab-cdef-1234-567890abcde",
            &ID.replace('-', "0"),
            "é",
            &"x".repeat(999),
        ];
        for id in others {
            let error = answered(id, ContactIdForm::Uuid).unwrap_err();
            assert!(matches!(error, AttemptError::MaybeSent(_)), "{error:?}");
            assert_eq!(error.cause().code, "UnexpectedContactId");
            assert!(error.cause().message.as_str().len() < 200, "{error:?}");
        }
        assert_eq!(answered("contact-0", ContactIdForm::Any).unwrap().id, "contact-0");
        assert!(answered("a b", ContactIdForm::Any).is_err());
        for id in ["", " \n"] {
            assert_eq!(answered(id, ContactIdForm::Any).unwrap_err().cause().code, "NoContactId");
        }
    }

    #[test]
    fn an_id_of_another_form_is_told_without_control_characters_and_values_of_the_row() {
        let error = answered("a\u{1b}[2J\n\u{9b}\u{202e}", ContactIdForm::Uuid).unwrap_err();
        let message = error.cause().message.as_str().to_owned();
        assert!(message.ends_with(r"no UUID: a\u{1b}[2J \u{9b}\u{202e}"), "{message}");
        let message =
            answered("Jane Roe of Leeds", ContactIdForm::Uuid).unwrap_err().cause().message.to_string();
        assert!(message.ends_with("no UUID: …"), "{message}");
    }

    #[test]
    fn an_arn_counts_only_if_it_is_that_of_the_contact() {
        let arn = |resource: &str| format!("arn:aws-us-gov:connect:us-gov-west-1:111122223333:{resource}");
        let own = arn(&format!("instance/{INSTANCE}/contact/{ID}"));
        assert_eq!(contact_arn(own.clone(), INSTANCE, ID), Some(own.clone()));
        let others = [
            "arn".to_owned(),
            format!("{own}\n"),
            own.replace(":connect:", ":s3:"),
            own.replace("1111222", "x"),
            own.replace("us-gov-west-1", ""),
            own.replace("us-gov-west-1", "\u{1b}[2J"),
            arn(&format!("instance/{ID}/contact/{ID}")),
            arn(&format!("instance/{INSTANCE}/contact/{INSTANCE}")),
            arn(&format!("instance/{INSTANCE}/queue/{ID}")),
        ];
        for other in others {
            assert_eq!(contact_arn(other.clone(), INSTANCE, ID), None, "{other:?}");
        }
        let request = ContactRequest::empty(Operation::StartTaskContact);
        let contact =
            answered_contact(Some(ID.into()), None, ContactIdForm::Uuid, INSTANCE, &request).unwrap();
        assert_eq!(contact.arn, None);
    }
}
