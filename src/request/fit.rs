//! Cutting texts that are too long, where the job says so.

use std::borrow::Cow;

use super::limits as limit;
use super::validate::reference_bytes;
use super::{ContactRequest, Limit, Reference, SegmentValue, Text};

/// A text that was cut. It holds no part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The member's path.
    pub member: String,
}

/// Cuts every free text of `request` that is longer than the service takes: names, descriptions, the
/// values of attributes, of STRING references and of segment attributes. Where a total is exceeded, the
/// longest value gives way. Ids, URLs, dates and numbers are never cut: half of one is none.
pub fn fit(request: &mut ContactRequest<'_>) -> Vec<Cut> {
    let mut cuts = Vec::new();
    cut(&mut cuts, "Name", request.name.as_mut(), limit::NAME);
    cut(&mut cuts, "Description", request.description.as_mut(), limit::DESCRIPTION);
    for (key, value) in &mut request.attributes.0 {
        if cut_to(value, limit::ATTRIBUTE_VALUE) {
            cuts.push(Cut { member: format!("Attributes.{key}") });
        }
    }
    for (key, reference) in &mut request.references.0 {
        let value = is_free(reference).then_some(reference.value.as_mut()).flatten();
        let short = value.is_some_and(|value| cut_to(value, limit::REFERENCE_VALUE));
        let reason = reference.status_reason.as_mut();
        if short || reason.is_some_and(|reason| cut_to(reason, limit::REFERENCE_STATUS_REASON)) {
            cuts.push(Cut { member: format!("References.{key}") });
        }
    }
    for (key, value) in &mut request.segment_attributes.0 {
        if fit_segment(value) {
            cuts.push(Cut { member: format!("SegmentAttributes.{key}") });
        }
    }
    fit_attributes(&mut cuts, request);
    fit_references(&mut cuts, request);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

fn is_free(reference: &Reference<'_>) -> bool {
    reference.r#type.as_deref() == Some("STRING")
}

fn cut(cuts: &mut Vec<Cut>, member: &str, text: Option<&mut Text<'_>>, limit: Limit) {
    if text.is_some_and(|text| cut_to(text, limit)) {
        cuts.push(Cut { member: member.to_owned() });
    }
}

/// Cuts `text` to the limit's characters; whether there was something to cut.
fn cut_to(text: &mut Text<'_>, limit: Limit) -> bool {
    let Limit::Chars(_, most) = limit else { return false };
    if text.len() <= most {
        return false;
    }
    match text.char_indices().nth(most).map(|(end, _)| end) {
        Some(end) => {
            shorten(text, end);
            true
        }
        None => false,
    }
}

fn shorten(text: &mut Text<'_>, end: usize) {
    match text {
        Cow::Borrowed(all) => *all = &all[..end],
        Cow::Owned(all) => all.truncate(end),
    }
}

/// Cuts `excess` bytes off the end, and what is left of a character then.
fn shed(text: &mut Text<'_>, excess: usize) {
    let end = text.floor_char_boundary(text.len().saturating_sub(excess));
    shorten(text, end);
}

fn fit_segment(value: &mut SegmentValue<'_>) -> bool {
    let own = value.value_string.as_mut().is_some_and(|text| cut_to(text, limit::SEGMENT_STRING));
    let entries = value.value_map.iter_mut().flat_map(|map| &mut map.0).map(|(_, inner)| inner);
    let inner = entries.chain(value.value_list.iter_mut().flatten());
    inner.fold(own, |cut, inner| fit_segment(inner) || cut)
}

/// Bytes that a value keeps when it gives way to a total: some characters of any script.
const LEAST: usize = 16;

fn fit_attributes(cuts: &mut Vec<Cut>, request: &mut ContactRequest<'_>) {
    loop {
        let bytes: usize = request.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
        let excess = bytes.saturating_sub(limit::ATTRIBUTES_BYTES);
        let longest = request.attributes.0.iter_mut().max_by_key(|(_, value)| value.len());
        // A value is cut, never lost: what is too long without it is refused.
        let Some((key, value)) = longest.filter(|(_, value)| excess > 0 && value.len() > LEAST) else {
            break;
        };
        shed(value, excess.min(value.len() - LEAST));
        cuts.push(Cut { member: format!("Attributes.{key}") });
    }
}

fn fit_references(cuts: &mut Vec<Cut>, request: &mut ContactRequest<'_>) {
    loop {
        let all = request.references.iter();
        let bytes: usize = all.map(|(key, reference)| reference_bytes(key, reference)).sum();
        let excess = bytes.saturating_sub(limit::REFERENCES_BYTES);
        let free = request.references.0.iter_mut().filter(|(_, reference)| is_free(reference));
        let values = free.filter_map(|(key, reference)| Some((key, reference.value.as_mut()?)));
        let longest = values.max_by_key(|(_, value)| value.len());
        let Some((key, value)) = longest.filter(|(_, value)| excess > 0 && value.len() > LEAST) else {
            break;
        };
        shed(value, excess.min(value.len() - LEAST));
        cuts.push(Cut { member: format!("References.{key}") });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Named, Operation, validate};
    use super::*;

    fn task() -> ContactRequest<'static> {
        ContactRequest {
            channel: Some("TASK".into()),
            initiation_method: Some("API".into()),
            ..ContactRequest::empty(Operation::CreateContact)
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        let mut request = ContactRequest { name: Some("ü".repeat(2000).into()), ..task() };
        assert_eq!(fit(&mut request), [Cut { member: "Name".into() }]);
        assert_eq!(request.name.as_ref().map(|name| name.chars().count()), Some(1024));
    }

    #[test]
    fn a_request_that_fits_is_left_alone() {
        let mut request = ContactRequest { name: Some("ü".repeat(1024).into()), ..task() };
        assert_eq!((fit(&mut request), request.name.map(|name| name.len())), (vec![], Some(2048)));
    }

    #[test]
    fn the_longest_attribute_gives_way_to_the_total() {
        let entries = [("a", 30_000), ("b", 10_000), ("c", 9)];
        let attributes = entries.map(|(key, size)| (key.into(), "é".repeat(size / 2).into()));
        let mut request = ContactRequest { attributes: Named(attributes.into()), ..task() };
        assert_eq!(fit(&mut request), [Cut { member: "Attributes.a".into() }]);
        assert_eq!(validate(&request, 0), []);
        assert_eq!(request.attributes.get("b").map(|value| value.len()), Some(10_000));
    }

    #[test]
    fn an_address_is_never_cut() {
        let url = Reference {
            r#type: Some("URL".into()),
            value: Some("x".repeat(5000).into()),
            ..Reference::default()
        };
        let mut request = ContactRequest { references: Named(vec![("u".into(), url)]), ..task() };
        assert_eq!(fit(&mut request), []);
        assert_eq!(validate(&request, 0).len(), 2);
    }
}
