//! How many bytes a request is as JSON, without writing it.

use super::{Attachment, ContactRequest, Named, Reference, SegmentValue, Text};

impl ContactRequest<'_> {
    /// The bytes of its longest members: names, descriptions, values, and their keys. Quick to count, and
    /// what makes one request longer than another.
    pub fn text_len(&self) -> usize {
        let plain = [&self.name, &self.description].into_iter().flatten().map(|text| text.len());
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + value.len());
        let value = |reference: &Reference<'_>| reference.value.as_ref().map_or(0, |value| value.len());
        let references = self.references.iter().map(|(key, reference)| key.len() + value(reference));
        plain.chain(attributes).chain(references).sum()
    }

    /// The bytes of the request as JSON, as `serde_json` writes it.
    pub fn json_len(&self) -> usize {
        let texts = [
            ("Channel", &self.channel),
            ("InitiationMethod", &self.initiation_method),
            ("InitiateAs", &self.initiate_as),
            ("Name", &self.name),
            ("Description", &self.description),
            ("ContactFlowId", &self.contact_flow_id),
            ("QuickConnectId", &self.quick_connect_id),
            ("TaskTemplateId", &self.task_template_id),
            ("RelatedContactId", &self.related_contact_id),
            ("PreviousContactId", &self.previous_contact_id),
        ];
        let numbers = [
            ("ScheduledTime", self.scheduled_time),
            ("ExpiryDurationInMinutes", self.expiry_duration_in_minutes),
        ];
        let mut object = Object::default();
        texts.into_iter().for_each(|(name, value)| object.text(name, value.as_ref()));
        numbers.into_iter().for_each(|(name, value)| object.number(name, value));
        object.map("Attributes", &self.attributes, text);
        object.map("References", &self.references, reference);
        object.map("SegmentAttributes", &self.segment_attributes, segment_value);
        if !self.attachments.is_empty() {
            object.member("Attachments", list(&self.attachments, attachment));
        }
        if let Some(info) = &self.user_info {
            let mut inner = Object::default();
            inner.text("UserId", Some(&info.user_id));
            object.member("UserInfo", inner.len());
        }
        object.len()
    }
}

/// The bytes of an object's members, each with its comma.
#[derive(Default)]
struct Object(usize);

impl Object {
    fn member(&mut self, name: &str, value: usize) {
        self.0 += escaped(name) + 1 + value + 1;
    }

    fn text(&mut self, name: &str, value: Option<&Text<'_>>) {
        if let Some(value) = value {
            self.member(name, text(value));
        }
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.member(name, digits(value));
        }
    }

    fn map<T>(&mut self, name: &str, map: &Named<'_, T>, value: impl Fn(&T) -> usize) {
        if !map.is_empty() {
            self.member(name, named(map, value));
        }
    }

    /// With braces, and without the last comma.
    fn len(&self) -> usize {
        2 + self.0.saturating_sub(1)
    }
}

fn named<T>(map: &Named<'_, T>, value: impl Fn(&T) -> usize) -> usize {
    let mut object = Object::default();
    map.iter().for_each(|(key, entry)| object.member(key, value(entry)));
    object.len()
}

fn list<T>(items: &[T], item: impl Fn(&T) -> usize) -> usize {
    2 + items.iter().map(|one| item(one) + 1).sum::<usize>().saturating_sub(1)
}

fn reference(reference: &Reference<'_>) -> usize {
    let mut object = Object::default();
    object.text("Type", reference.r#type.as_ref());
    object.text("Value", reference.value.as_ref());
    object.text("Status", reference.status.as_ref());
    object.text("Arn", reference.arn.as_ref());
    object.text("StatusReason", reference.status_reason.as_ref());
    object.len()
}

fn attachment(attachment: &Attachment<'_>) -> usize {
    let mut object = Object::default();
    object.text("FileName", attachment.file_name.as_ref());
    object.text("S3Url", attachment.s3_url.as_ref());
    object.len()
}

fn segment_value(value: &SegmentValue<'_>) -> usize {
    let mut object = Object::default();
    object.text("ValueString", value.value_string.as_ref());
    object.number("ValueInteger", value.value_integer);
    if let Some(map) = &value.value_map {
        object.member("ValueMap", named(map, segment_value));
    }
    if let Some(items) = &value.value_list {
        object.member("ValueList", list(items, segment_value));
    }
    object.text("ValueArn", value.value_arn.as_ref());
    object.len()
}

fn digits(number: i64) -> usize {
    let sign = usize::from(number < 0);
    sign + number.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn text(text: &Text<'_>) -> usize {
    escaped(text)
}

/// The bytes of a string with its quotes.
fn escaped(text: &str) -> usize {
    // Without a branch, and in numbers as small as the bytes, so that many are looked at together.
    let special = |byte: &u8| u8::from(*byte == b'"') | u8::from(*byte == b'\\') | u8::from(*byte < 0x20);
    let pieces = text.as_bytes().chunks(usize::from(u8::MAX));
    let specials: usize = pieces.map(|piece| usize::from(piece.iter().map(special).sum::<u8>())).sum();
    let long = if specials == 0 { 0 } else { text.bytes().filter(|byte| is_long(*byte)).count() };
    text.len() + 2 + specials + 4 * long
}

/// Control characters without an escape of two characters: `\u001f`.
fn is_long(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x08 | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, UserInfo};
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_length_is_that_of_the_json(
            texts in proptest::array::uniform6("[\\x00-\\x7f]{0,6}|\\PC{0,6}"),
            number in proptest::num::i64::ANY,
            some in proptest::bool::ANY,
        ) {
            let text = |index: usize| Text::Borrowed(&texts[index]);
            let value = SegmentValue { value_integer: Some(number), ..SegmentValue::default() };
            let nested = SegmentValue {
                value_map: Some(Named(vec![(text(0), value.clone()), (text(1), SegmentValue::default())])),
                value_list: some.then(|| vec![value.clone(), value]),
                ..SegmentValue::default()
            };
            let request = ContactRequest {
                name: Some(text(0)),
                description: some.then(|| text(1)),
                scheduled_time: Some(number),
                attributes: Named(vec![(text(2), text(3)), (text(4), text(5))]),
                references: Named(vec![(text(1), Reference { value: Some(text(2)), arn: some.then(|| text(3)), ..Reference::default() })]),
                segment_attributes: Named(vec![(text(3), nested)]),
                attachments: vec![Attachment { file_name: Some(text(4)), s3_url: None }, Attachment::default()],
                user_info: some.then(|| UserInfo { user_id: text(5) }),
                ..ContactRequest::empty(Operation::StartTaskContact)
            };
            proptest::prop_assert_eq!(request.json_len(), serde_json::to_string(&request).unwrap().len());
            let empty = ContactRequest::empty(Operation::CreateContact);
            proptest::prop_assert_eq!(empty.json_len(), 2);
        }
    }
}
