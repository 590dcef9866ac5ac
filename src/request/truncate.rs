//! Truncation of free texts that exceed the service's limits, for jobs with `on_too_long = "truncate"`.

use std::borrow::Cow;

use super::contact::{ContactRequest, Reference, SegmentValue, Text};
use super::limits::{self as limit, Limit};
use super::validate::reference_bytes;

/// A truncated text, by its member only: the text is personal data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Truncation {
    /// The member's JSON path.
    pub member: String,
}

/// Truncates every free text of `request` that exceeds a limit: the name, the description, and the values of
/// attributes, of STRING references and of segment attributes. Where the total of a map is exceeded, its longest
/// values are shortened. Ids, URLs, dates and numbers are never truncated: a part of one is wrong.
pub fn truncate_texts(request: &mut ContactRequest<'_>) -> Vec<Truncation> {
    let mut members = Vec::new();
    if truncate(request.name.as_mut(), limit::NAME) {
        members.push("Name".to_owned());
    }
    if truncate(request.description.as_mut(), limit::DESCRIPTION) {
        members.push("Description".to_owned());
    }
    for (key, value) in &mut request.attributes.0 {
        if truncate(Some(value), limit::ATTRIBUTE_VALUE) {
            members.push(format!("Attributes.{key}"));
        }
    }
    for (key, reference) in &mut request.references.0 {
        let value = is_free_text(reference).then_some(reference.value.as_mut()).flatten();
        let is_value_truncated = truncate(value, limit::REFERENCE_VALUE);
        let reason = reference.status_reason.as_mut();
        if truncate(reason, limit::REFERENCE_STATUS_REASON) || is_value_truncated {
            members.push(format!("References.{key}"));
        }
    }
    for (key, value) in &mut request.segment_attributes.0 {
        if truncate_segment(value) {
            members.push(format!("SegmentAttributes.{key}"));
        }
    }
    truncate_attributes(&mut members, request);
    truncate_references(&mut members, request);
    members.sort_unstable();
    members.dedup();
    members.into_iter().map(|member| Truncation { member }).collect()
}

fn is_free_text(reference: &Reference<'_>) -> bool {
    reference.r#type.as_deref() == Some("STRING")
}

/// Truncates a text to the limit's characters. Returns whether it was longer.
fn truncate(text: Option<&mut Text<'_>>, limit: Limit) -> bool {
    let (Some(text), Limit::Chars(_, most)) = (text, limit) else { return false };
    // Most texts have fewer bytes than the limit allows characters.
    let end = if text.len() <= most { None } else { text.char_indices().nth(most).map(|(end, _)| end) };
    end.inspect(|end| shorten(text, *end)).is_some()
}

fn shorten(text: &mut Text<'_>, end: usize) {
    match text {
        Cow::Borrowed(all) => *all = &all[..end],
        Cow::Owned(all) => all.truncate(end),
    }
}

/// Removes at least `excess` bytes from the end, up to the boundary of a character.
fn remove_end(text: &mut Text<'_>, excess: usize) {
    let end = text.floor_char_boundary(text.len().saturating_sub(excess));
    shorten(text, end);
}

fn truncate_segment(value: &mut SegmentValue<'_>) -> bool {
    let own = truncate(value.value_string.as_mut(), limit::SEGMENT_STRING);
    let entries = value.value_map.iter_mut().flat_map(|map| &mut map.0).map(|(_, inner)| inner);
    let inner = entries.chain(value.value_list.iter_mut().flatten());
    inner.fold(own, |truncated, inner| truncate_segment(inner) || truncated)
}

/// Bytes that a value keeps when a total is exceeded, so that it is never emptied.
const MIN_BYTES: usize = 16;

fn truncate_attributes(members: &mut Vec<String>, request: &mut ContactRequest<'_>) {
    loop {
        let bytes: usize = request.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
        let excess = bytes.saturating_sub(limit::ATTRIBUTES_BYTES);
        let longest = request.attributes.0.iter_mut().max_by_key(|(_, value)| value.len());
        // Still too long with every value at its minimum: validation rejects the request.
        let Some((key, value)) = longest.filter(|(_, value)| excess > 0 && value.len() > MIN_BYTES) else {
            break;
        };
        remove_end(value, excess.min(value.len() - MIN_BYTES));
        members.push(format!("Attributes.{key}"));
    }
}

fn truncate_references(members: &mut Vec<String>, request: &mut ContactRequest<'_>) {
    loop {
        let all = request.references.iter();
        let bytes: usize = all.map(|(key, reference)| reference_bytes(key, reference)).sum();
        let excess = bytes.saturating_sub(limit::REFERENCES_BYTES);
        let free = request.references.0.iter_mut().filter(|(_, reference)| is_free_text(reference));
        let values = free.filter_map(|(key, reference)| Some((key, reference.value.as_mut()?)));
        let longest = values.max_by_key(|(_, value)| value.len());
        let Some((key, value)) = longest.filter(|(_, value)| excess > 0 && value.len() > MIN_BYTES) else {
            break;
        };
        remove_end(value, excess.min(value.len() - MIN_BYTES));
        members.push(format!("References.{key}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Operation, OrderedMap, validate};

    fn task() -> ContactRequest<'static> {
        ContactRequest {
            channel: Some("TASK".into()),
            initiation_method: Some("API".into()),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    #[test]
    fn a_text_is_truncated_to_the_limits_characters() {
        let mut request = ContactRequest { name: Some("ü".repeat(2000).into()), ..task() };
        assert_eq!(truncate_texts(&mut request), [Truncation { member: "Name".into() }]);
        assert_eq!(request.name.as_ref().map(|name| name.chars().count()), Some(1024));
    }

    #[test]
    fn a_request_within_the_limits_does_not_change() {
        let mut request = ContactRequest { name: Some("ü".repeat(1024).into()), ..task() };
        assert_eq!((truncate_texts(&mut request), request.name.map(|name| name.len())), (vec![], Some(2048)));
    }

    #[test]
    fn the_longest_attribute_is_truncated_when_the_total_is_exceeded() {
        let entries = [("a", 30_000), ("b", 10_000), ("c", 9)];
        let attributes = entries.map(|(key, size)| (key.into(), "é".repeat(size / 2).into()));
        let mut request = ContactRequest { attributes: OrderedMap(attributes.into()), ..task() };
        assert_eq!(truncate_texts(&mut request), [Truncation { member: "Attributes.a".into() }]);
        assert_eq!(validate(&request, 0), []);
        assert_eq!(request.attributes.get("b").map(|value| value.len()), Some(10_000));
    }

    #[test]
    fn a_url_is_never_truncated() {
        let url = Reference {
            r#type: Some("URL".into()),
            value: Some("x".repeat(5000).into()),
            ..Reference::default()
        };
        let mut request = ContactRequest { references: OrderedMap(vec![("u".into(), url)]), ..task() };
        assert_eq!(truncate_texts(&mut request), []);
        assert_eq!(validate(&request, 0).len(), 2);
    }
}
