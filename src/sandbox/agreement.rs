//! The importer's validation against the sandbox's limits, which are stated independently of it.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::input::CreateInput;
use super::json;
use super::limits;
use super::operation::CreateOperation;
use crate::request::{
    Attachment, ContactRequest, Operation, OrderedMap, Reference, SegmentValue, UserInfo, validate,
};

const NOW: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// The result of the sandbox's checks.
fn checked_by_sandbox(request: &ContactRequest<'_>) -> Result<(), String> {
    let mut body = serde_json::to_value(request).unwrap();
    body["InstanceId"] = "i".into();
    let members = json::decode(body.to_string().as_bytes()).unwrap();
    let operation = CreateOperation::from_name(request.operation.name()).unwrap();
    let input = CreateInput::read(operation, &members).map_err(|error| error.message)?;
    let now = UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    limits::check_create(operation, &input, now).map_err(|error| error.message)
}

/// A text around the given number of characters, of one or two bytes each.
fn around(most: usize) -> impl Strategy<Value = Cow<'static, str>> {
    let lengths = prop_oneof![Just(1), Just(most - 1), Just(most), Just(most + 1)];
    (lengths, prop_oneof![Just("x"), Just("ü")]).prop_map(|(length, c)| Cow::Owned(c.repeat(length)))
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Cow<'static, str>> {
    prop::sample::select(values).prop_map(Cow::Borrowed)
}

/// A member that is mostly left out, so that one violation seldom hides another.
fn seldom<T: std::fmt::Debug + Clone>(member: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.25, member)
}

fn reference() -> impl Strategy<Value = Reference<'static>> {
    let kinds = one_of(&["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT", "EMAIL_MESSAGE", "url"]);
    let arn = prop_oneof![
        around(256),
        one_of(&["arn:aws:s3:::bucket/key-1", "arn:aws:s3:::bucket/key_1", "short"])
    ];
    let values = prop_oneof![around(4096), around(2000), one_of(&["1700000000", "-1", "2024-01-01", "1.5"])];
    (prop::option::weighted(0.9, kinds), values, seldom(arn), seldom(around(100))).prop_map(
        |(kind, value, arn, status_reason)| Reference {
            r#type: kind,
            value: Some(value),
            arn,
            status_reason,
            status: None,
        },
    )
}

fn segment() -> impl Strategy<Value = SegmentValue<'static>> {
    let leaf = (seldom(around(1024)), seldom(-5_i64..5), seldom(around(1024))).prop_map(
        |(value_string, value_integer, value_arn)| SegmentValue {
            value_string,
            value_integer,
            value_arn,
            ..SegmentValue::default()
        },
    );
    leaf.prop_recursive(2, 6, 2, |inner| {
        let keys = prop_oneof![one_of(&["a", "ExpiryDuration"]), around(128)];
        (seldom((keys, inner.clone())), seldom(prop::collection::vec(inner, 1..3))).prop_map(
            |(entry, list)| SegmentValue {
                value_map: entry.map(|entry| OrderedMap(vec![entry])),
                value_list: list,
                ..SegmentValue::default()
            },
        )
    })
}

fn attribute() -> impl Strategy<Value = (Cow<'static, str>, Cow<'static, str>)> {
    let keys =
        prop_oneof![4 => one_of(&["a", "Z_9-"]), 1 => one_of(&["a b", "ä", "a.b"]), 1 => around(32_767)];
    (keys, prop_oneof![around(32_767), around(16_000), around(10)])
}

fn request() -> impl Strategy<Value = ContactRequest<'static>> {
    let kind = (
        one_of(&["TASK", "TASK", "TASK", "VOICE", "EMAIL", "CHAT"]),
        one_of(&["API", "API", "TRANSFER", "OUTBOUND", "AGENT_REPLY", "FLOW", "INBOUND"]),
        prop::option::of(one_of(&["COMPLETED", "CONNECTED_TO_USER", "ENDED"])),
        seldom(around(256)),
    );
    let starters = (seldom(around(500)), seldom(around(300)), seldom(around(500)));
    let time =
        prop_oneof![Just(-1), Just(0), Just(90 * DAY), Just(90 * DAY + 1)].prop_map(|ahead| NOW + ahead);
    let files = (prop::option::weighted(0.9, around(256)), prop::option::weighted(0.9, around(2000)))
        .prop_map(|(file_name, s3_url)| Attachment { file_name, s3_url });
    let texts = (seldom(around(1024)), seldom(around(4096)), seldom(around(256)), seldom(around(256)));
    let maps = (
        seldom(attribute()),
        seldom((prop_oneof![one_of(&["Ticket"]), around(4000)], reference())),
        seldom((prop_oneof![one_of(&["mine", "connect:ContactExpiry"]), around(128)], segment())),
    );
    let task = (starters, seldom(time), prop::collection::vec(files, 0..7));
    (prop::bool::ANY, kind, texts, maps, task).prop_map(|(open, kind, texts, maps, task)| {
        let (name, description, related_contact_id, previous_contact_id) = texts;
        let (attribute, reference, segment) = maps;
        let operation = if open { Operation::StartTaskContact } else { Operation::CreateContact };
        let mut request = ContactRequest {
            keys_are_data: true,
            name,
            description,
            related_contact_id,
            previous_contact_id,
            attributes: OrderedMap(attribute.into_iter().collect()),
            references: OrderedMap(reference.into_iter().collect()),
            segment_attributes: OrderedMap(segment.into_iter().collect()),
            ..ContactRequest::empty(operation)
        };
        if open {
            let (flow, quick, template) = task.0;
            (request.contact_flow_id, request.quick_connect_id, request.task_template_id) =
                (flow, quick, template);
            (request.scheduled_time, request.attachments) = (task.1, task.2);
        } else {
            (request.channel, request.initiation_method) = (Some(kind.0), Some(kind.1));
            request.initiate_as = kind.2;
            request.user_info = kind.3.map(|user_id| UserInfo { user_id });
        }
        request
    })
}

/// Whether the importer may be stricter: it also counts a reference's type and status, which is not
/// documented.
fn may_be_stricter(request: &ContactRequest<'_>) -> bool {
    let bytes: usize = request
        .references
        .iter()
        .map(|(key, reference)| key.len() + reference.value.as_ref().map_or(0, |value| value.len()))
        .sum();
    bytes > 3500
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_importer_and_the_sandbox_accept_the_same_requests(request in request()) {
        let violations = validate(&request, NOW);
        match checked_by_sandbox(&request) {
            Ok(()) => {
                let is_accepted = violations.is_empty() || may_be_stricter(&request);
                prop_assert!(is_accepted, "only the importer refuses: {violations:?}");
            }
            Err(message) => prop_assert!(!violations.is_empty(), "only the sandbox refuses: {message}"),
        }
    }
}
