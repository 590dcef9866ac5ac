//! Truncation of free texts that exceed the service's limits, for jobs with `on_too_long = "truncate"`.

use std::borrow::Cow;

use super::contact::{ContactRequest, Reference, SegmentValue, Text};
use super::limits::{self as limit, Limit};
use super::validate::reference_bytes;

/// Truncates every free text of `request` that exceeds a limit: the name, the description, and the values of
/// attributes, of STRING references and of segment attributes. Where the total of a map is exceeded, its longest
/// values are shortened. Ids, URLs, dates and numbers are never truncated: a part of one is wrong.
///
/// Returns the JSON path of each truncated member; the texts are personal data.
pub fn truncate_texts(request: &mut ContactRequest<'_>) -> Vec<String> {
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
    members
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
        let values = request.attributes.0.iter_mut().map(|(key, value)| (&**key, value));
        let Some(key) = shorten_longest(values, bytes, limit::ATTRIBUTES_BYTES) else { break };
        members.push(format!("Attributes.{key}"));
    }
}

fn truncate_references(members: &mut Vec<String>, request: &mut ContactRequest<'_>) {
    loop {
        let all = request.references.iter();
        let bytes: usize = all.map(|(key, reference)| reference_bytes(key, reference)).sum();
        let free = request.references.0.iter_mut().filter(|(_, reference)| is_free_text(reference));
        let values = free.filter_map(|(key, reference)| Some((&**key, reference.value.as_mut()?)));
        let Some(key) = shorten_longest(values, bytes, limit::REFERENCES_BYTES) else { break };
        members.push(format!("References.{key}"));
    }
}

/// Removes the bytes beyond `limit` from the end of the longest value, up to the boundary of a character, and returns
/// its key. None if the total is not exceeded, or every value is at its minimum: validation rejects that request.
fn shorten_longest<'k, 'v: 'k>(
    values: impl Iterator<Item = (&'k str, &'k mut Text<'v>)>,
    bytes: usize,
    limit: usize,
) -> Option<&'k str> {
    let excess = bytes.checked_sub(limit).filter(|excess| *excess > 0)?;
    let (key, value) = values.max_by_key(|(_, value)| value.len())?;
    let removable = value.len().checked_sub(MIN_BYTES).filter(|removable| *removable > 0)?;
    shorten(value, value.floor_char_boundary(value.len() - excess.min(removable)));
    Some(key)
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
        assert_eq!(truncate_texts(&mut request), ["Name"]);
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
        assert_eq!(truncate_texts(&mut request), ["Attributes.a"]);
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
        assert!(truncate_texts(&mut request).is_empty());
        assert_eq!(validate(&request, 0).len(), 2);
    }
}
