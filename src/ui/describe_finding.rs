//! Description of a finding of `verify` for people. Pure.

use crate::event::{FindingKind, VerificationFinding};

/// Words for a finding.
pub(super) struct FindingWords {
    /// Kind to count it under, such as `still unknown`.
    pub(super) kind: &'static str,
    /// Cause to count it under.
    pub(super) cause: String,
    /// Predicate of the row, such as `is missing: …`.
    pub(super) text: String,
}

/// The words for a finding.
pub(super) fn finding_words(finding: &VerificationFinding) -> FindingWords {
    let contact = finding.contact_id.as_deref().unwrap_or_default();
    let (kind, cause, text) = match &finding.kind {
        FindingKind::Missing => (
            "missing",
            "Connect does not know the contact".to_owned(),
            format!("is missing: Connect does not know contact {contact}"),
        ),
        FindingKind::Different(members) => {
            let members = members.join(" and ");
            ("different", members.clone(), format!("differs in {members} from contact {contact}"))
        }
        FindingKind::Found => (
            "found",
            "unknown before, and created".to_owned(),
            format!("was unknown and is created: contact {contact}"),
        ),
        FindingKind::Ambiguous { contacts, rows } => {
            let reason = match rows {
                1 => "several contacts match".to_owned(),
                rows => format!("{rows} rows have the same name and attributes"),
            };
            (
                "still unknown",
                "several contacts or rows match".to_owned(),
                format!("stays unknown: {reason}; contacts {}", contacts.join(", ")),
            )
        }
        FindingKind::Shared => (
            "shared",
            "another row has the same contact".to_owned(),
            format!("has contact {contact}, which another row has too"),
        ),
        FindingKind::NotFound => (
            "still unknown",
            "no contact was found, which does not prove that there is none".to_owned(),
            "stays unknown: no contact was found, which does not prove that there is none".to_owned(),
        ),
        FindingKind::Refused(cause) => {
            ("not answered", cause.to_string(), format!("cannot be looked up: {cause}"))
        }
    };
    FindingWords { kind, cause, text }
}
