//! The limits on `SearchContacts`, and what the sandbox does not search by.

use super::{bad, invalid, items, length, required};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::search::{Attribute, Attributes, Match, Name, Order, Search, Timestamp};
use crate::sandbox::wire::{AttributeCriteria, Criteria, NameCriteria, SearchContacts, Sort, TimeRange};

/// The longest time range, in seconds: 8 weeks. The administrator guide says so of the search in
/// Connect's website; neither the API reference nor the service model has a limit of its own.
const LONGEST_RANGE: f64 = 8.0 * 7.0 * 24.0 * 3600.0;

/// The contacts of a page if the request does not say: the most there can be. The service's own
/// number is not documented.
const PAGE: i32 = 100;

/// The channels of the service model.
const CHANNELS: [&str; 4] = ["VOICE", "CHAT", "TASK", "EMAIL"];

/// The initiation methods of the service model.
const INITIATION_METHODS: [&str; 12] = [
    "INBOUND",
    "OUTBOUND",
    "TRANSFER",
    "QUEUE_TRANSFER",
    "CALLBACK",
    "API",
    "DISCONNECT",
    "MONITOR",
    "EXTERNAL_OUTBOUND",
    "WEBRTC_API",
    "AGENT_REPLY",
    "FLOW",
];

/// Checks a search and tells what it asks for.
///
/// The service model lets every list be empty. The sandbox does not: what an empty criterion finds
/// is not documented.
///
/// # Errors
///
/// `InvalidRequestException` if a member is missing or asks for what the sandbox does not imitate,
/// `InvalidParameterException` if one member's value breaks its own constraint.
pub(in crate::sandbox) fn check<'a>(input: &SearchContacts<'a>) -> Result<Search<'a>, Refusal> {
    let instance_id = required("InstanceId", input.instance_id)?;
    length("InstanceId", Some(instance_id), 1..=100)?;
    let range = input.time_range.as_ref().ok_or_else(|| invalid("TimeRange is required"))?;
    let (timestamp, start, end) = time_range(range)?;
    let max_results = input.max_results.unwrap_or(PAGE);
    let max_results = usize::try_from(max_results).ok().filter(|most| (1..=100).contains(most));
    length("NextToken", input.next_token, 1..=100_000)?;
    let mut search = Search {
        instance_id,
        timestamp,
        start,
        end,
        name: None,
        channels: None,
        initiation_methods: None,
        attributes: None,
        order: order(input.sort.as_ref())?,
        max_results: max_results.ok_or_else(|| bad("MaxResults must be from 1 to 100"))?,
        next_token: input.next_token,
    };
    if let Some(criteria) = &input.criteria {
        narrow(&mut search, criteria)?;
    }
    Ok(search)
}

fn time_range(range: &TimeRange<'_>) -> Result<(Timestamp, f64, f64), Refusal> {
    let timestamp = match required("TimeRange.Type", range.kind)? {
        "INITIATION_TIMESTAMP" => Timestamp::Initiation,
        "DISCONNECT_TIMESTAMP" => Timestamp::Disconnect,
        "SCHEDULED_TIMESTAMP" | "CONNECTED_TO_AGENT_TIMESTAMP" | "ENQUEUE_TIMESTAMP" => {
            return Err(invalid(
                "the sandbox searches by the types INITIATION_TIMESTAMP and DISCONNECT_TIMESTAMP of \
                 TimeRange.Type only",
            ));
        }
        _ => return Err(bad("TimeRange.Type must be a type of the service model")),
    };
    let start = range.start.ok_or_else(|| invalid("TimeRange.StartTime is required"))?;
    let end = range.end.ok_or_else(|| invalid("TimeRange.EndTime is required"))?;
    if end < start {
        return Err(bad("TimeRange.EndTime must not be before TimeRange.StartTime"));
    }
    if end - start > LONGEST_RANGE {
        return Err(bad("TimeRange must be at most 8 weeks long"));
    }
    Ok((timestamp, start, end))
}

fn narrow<'a>(search: &mut Search<'a>, criteria: &Criteria<'a>) -> Result<(), Refusal> {
    if let Some(path) = &criteria.other {
        return Err(invalid(format!("the sandbox does not search by {path}")));
    }
    search.name = criteria.name.as_ref().map(name).transpose()?;
    search.attributes = criteria.attributes.as_ref().map(attributes).transpose()?;
    search.channels = words("SearchCriteria.Channels", criteria.channels.as_ref(), &CHANNELS)?;
    search.initiation_methods =
        words("SearchCriteria.InitiationMethods", criteria.initiation_methods.as_ref(), &INITIATION_METHODS)?;
    Ok(())
}

fn words<'a>(
    member: &str,
    given: Option<&Vec<&'a str>>,
    known: &[&str],
) -> Result<Option<Vec<&'a str>>, Refusal> {
    let Some(given) = given else {
        return Ok(None);
    };
    if given.is_empty() || given.iter().any(|word| !known.contains(word)) {
        return Err(bad(format!("{member} must have at least one item, all of {}", known.join(", "))));
    }
    Ok(Some(given.clone()))
}

fn name<'a>(criteria: &NameCriteria<'a>) -> Result<Name<'a>, Refusal> {
    let member = "SearchCriteria.Name.SearchText";
    let texts = criteria.search_text.clone();
    let texts = texts.ok_or_else(|| invalid(format!("{member} is required")))?;
    items(member, texts.len(), 1..=100)?;
    for text in &texts {
        length(member, Some(text), 0..=128)?;
    }
    let member = "SearchCriteria.Name.MatchType";
    Ok(Name { texts, matching: match_type(member, required(member, criteria.match_type)?)? })
}

fn attributes<'a>(criteria: &AttributeCriteria<'a>) -> Result<Attributes<'a>, Refusal> {
    let member = "SearchCriteria.SearchableContactAttributes";
    let given = criteria.criteria.as_deref();
    let given = given.ok_or_else(|| invalid(format!("{member}.Criteria is required")))?;
    items(&format!("{member}.Criteria"), given.len(), 1..=15)?;
    let mut all = Vec::with_capacity(given.len());
    for criterion in given {
        let key = required(&format!("{member}.Criteria.Key"), criterion.key)?;
        length(&format!("{member}.Criteria.Key"), Some(key), 1..=100)?;
        let path = format!("{member}.Criteria.Values");
        let values = criterion.values.clone().ok_or_else(|| invalid(format!("{path} is required")))?;
        items(&path, values.len(), 1..=20)?;
        for value in &values {
            length(&path, Some(value), 0..=100)?;
        }
        all.push(Attribute { key, values });
    }
    // What it is when it is left out is not documented; this reading finds less.
    let matching = criteria.match_type.unwrap_or("MATCH_ALL");
    let matching = match_type(&format!("{member}.MatchType"), matching)?;
    if matching == Match::Exact {
        // A value is always matched whole. What else this means for attributes is not documented.
        return Err(invalid(format!("the sandbox does not imitate MATCH_EXACT of {member}.MatchType")));
    }
    Ok(Attributes { criteria: all, matching })
}

fn match_type(member: &str, text: &str) -> Result<Match, Refusal> {
    match text {
        "MATCH_ALL" => Ok(Match::All),
        "MATCH_ANY" => Ok(Match::Any),
        "MATCH_EXACT" => Ok(Match::Exact),
        "MATCH_NONE" => Ok(Match::None),
        _ => Err(bad(format!("{member} must be one of MATCH_ALL, MATCH_ANY, MATCH_EXACT, MATCH_NONE"))),
    }
}

/// The order of a search that asks for none is not documented; it is that of creation.
fn order(sort: Option<&Sort<'_>>) -> Result<Order, Refusal> {
    let Some(sort) = sort else {
        return Ok(Order::Ascending);
    };
    if required("Sort.FieldName", sort.field_name)? != "INITIATION_TIMESTAMP" {
        return Err(invalid("the sandbox sorts by INITIATION_TIMESTAMP only"));
    }
    match required("Sort.Order", sort.order)? {
        "ASCENDING" => Ok(Order::Ascending),
        "DESCENDING" => Ok(Order::Descending),
        _ => Err(bad("Sort.Order must be one of ASCENDING, DESCENDING")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sandbox::refusal::Code;
    use crate::sandbox::wire::decode;

    /// A search that passes, with `changes` over it.
    fn refused(changes: &Value) -> Option<Refusal> {
        let mut body = json!({
            "InstanceId": "i",
            "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": 1_700_000_000, "EndTime": 1_700_000_001},
        });
        for (member, value) in changes.as_object().unwrap() {
            body[member] = value.clone();
        }
        let members = decode(body.to_string().as_bytes()).unwrap();
        let input = SearchContacts::read(&members).unwrap();
        check(&input).err()
    }

    fn code(changes: &Value) -> Option<Code> {
        refused(changes).map(|refusal| refusal.code)
    }

    fn with_criteria(criteria: Value) -> Value {
        json!({ "SearchCriteria": criteria })
    }

    fn with_attributes(criteria: Value) -> Value {
        with_criteria(json!({"SearchableContactAttributes": {"Criteria": criteria}}))
    }

    #[test]
    fn an_instance_and_a_time_range_are_enough() {
        assert_eq!(refused(&json!({})), None);
    }

    #[test]
    fn required_members_are_asked_for_by_name() {
        let range = |missing: &str| {
            let mut range = json!({"Type": "INITIATION_TIMESTAMP", "StartTime": 1, "EndTime": 2});
            range[missing] = Value::Null;
            json!({ "TimeRange": range })
        };
        let attributes = "SearchCriteria.SearchableContactAttributes";
        for (changes, member) in [
            (json!({"InstanceId": null}), "InstanceId"),
            (json!({"TimeRange": null}), "TimeRange"),
            (range("Type"), "TimeRange.Type"),
            (range("StartTime"), "TimeRange.StartTime"),
            (range("EndTime"), "TimeRange.EndTime"),
            (with_criteria(json!({"Name": {"SearchText": ["x"]}})), "SearchCriteria.Name.MatchType"),
            (with_criteria(json!({"Name": {"MatchType": "MATCH_ALL"}})), "SearchCriteria.Name.SearchText"),
            (with_criteria(json!({"SearchableContactAttributes": {}})), &format!("{attributes}.Criteria")),
            (with_attributes(json!([{"Values": ["x"]}])), &format!("{attributes}.Criteria.Key")),
            (with_attributes(json!([{"Key": "x"}])), &format!("{attributes}.Criteria.Values")),
            (json!({"Sort": {"Order": "ASCENDING"}}), "Sort.FieldName"),
            (json!({"Sort": {"FieldName": "INITIATION_TIMESTAMP"}}), "Sort.Order"),
        ] {
            let refusal = refused(&changes).unwrap();
            assert_eq!(refusal.code, Code::InvalidRequest);
            assert_eq!(refusal.message, format!("{member} is required"));
        }
    }

    #[test]
    fn a_time_range_is_at_most_8_weeks() {
        let range = |start: f64, end: f64| {
            code(&json!({
                "TimeRange": {"Type": "DISCONNECT_TIMESTAMP", "StartTime": start, "EndTime": end}
            }))
        };
        let weeks = 8.0 * 7.0 * 86_400.0;
        assert_eq!(range(1.5e9, 1.5e9), None);
        assert_eq!(range(1.5e9, 1.5e9 + weeks), None);
        assert_eq!(range(1.5e9, 1.5e9 + weeks + 1.0), Some(Code::InvalidParameter));
        assert_eq!(range(1.5e9, 1.5e9 - 1.0), Some(Code::InvalidParameter));
    }

    #[test]
    fn what_the_sandbox_does_not_imitate_is_refused() {
        let by = |kind: &str| json!({"TimeRange": {"Type": kind, "StartTime": 1, "EndTime": 2}});
        for changes in [
            by("SCHEDULED_TIMESTAMP"),
            by("CONNECTED_TO_AGENT_TIMESTAMP"),
            by("ENQUEUE_TIMESTAMP"),
            with_criteria(json!({"AgentIds": ["a"]})),
            with_criteria(json!({"QueueIds": []})),
            with_criteria(json!({"SearchableSegmentAttributes": {}})),
            with_criteria(json!({"Weather": "fine"})),
            json!({"Sort": {"FieldName": "CHANNEL", "Order": "ASCENDING"}}),
            with_criteria(json!({"SearchableContactAttributes": {
                "Criteria": [{"Key": "a", "Values": ["1"]}], "MatchType": "MATCH_EXACT",
            }})),
        ] {
            let refusal = refused(&changes).unwrap();
            assert_eq!(refusal.code, Code::InvalidRequest, "{changes}");
            assert!(refusal.message.starts_with("the sandbox "), "{refusal}");
        }
    }

    #[test]
    fn a_word_of_no_enum_is_refused() {
        for changes in [
            json!({"TimeRange": {"Type": "ENDED", "StartTime": 1, "EndTime": 2}}),
            with_criteria(json!({"Channels": ["TASK", "task"]})),
            with_criteria(json!({"InitiationMethods": ["MAGIC"]})),
            with_criteria(json!({"Name": {"SearchText": ["x"], "MatchType": "ALL"}})),
            json!({"Sort": {"FieldName": "INITIATION_TIMESTAMP", "Order": "UP"}}),
        ] {
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{changes}");
        }
        let every = with_criteria(json!({"Channels": CHANNELS, "InitiationMethods": INITIATION_METHODS}));
        assert_eq!(code(&every), None);
    }

    #[test]
    fn a_page_has_1_to_100_contacts() {
        for (most, expected) in [
            (1, None),
            (100, None),
            (0, Some(Code::InvalidParameter)),
            (101, Some(Code::InvalidParameter)),
            (-1, Some(Code::InvalidParameter)),
        ] {
            assert_eq!(code(&json!({ "MaxResults": most })), expected, "{most}");
        }
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let attribute = |key: &str, value: &str| with_attributes(json!([{"Key": key, "Values": [value]}]));
        type Changes<'a> = &'a dyn Fn(&str) -> Value;
        let cases: [(usize, Changes<'_>); 5] = [
            (100, &|text| json!({ "InstanceId": text })),
            (100_000, &|text| json!({ "NextToken": text })),
            (128, &|text| with_criteria(json!({"Name": {"SearchText": [text], "MatchType": "MATCH_ALL"}}))),
            (100, &|text| attribute(text, "x")),
            (100, &|text| attribute("x", text)),
        ];
        for (limit, changes) in cases {
            assert_eq!(code(&changes(&"ü".repeat(limit))), None, "{limit}");
            let refusal = refused(&changes(&"ü".repeat(limit + 1))).unwrap();
            assert_eq!(refusal.code, Code::InvalidParameter);
            assert!(refusal.message.contains(&limit.to_string()) && !refusal.message.contains('ü'));
        }
        for changes in [json!({"InstanceId": ""}), json!({"NextToken": ""}), attribute("", "x")] {
            assert_eq!(code(&changes), Some(Code::InvalidParameter), "{changes}");
        }
        assert_eq!(code(&attribute("x", "")), None);
    }

    #[test]
    fn every_list_is_checked_at_its_limits() {
        let names = |count| {
            with_criteria(json!({"Name": {"SearchText": vec!["x"; count], "MatchType": "MATCH_ALL"}}))
        };
        let values = |count| with_attributes(json!([{"Key": "k", "Values": vec!["x"; count]}]));
        let criteria = |count| with_attributes(json!(vec![json!({"Key": "k", "Values": ["x"]}); count]));
        for (limit, of) in [(100, &names as &dyn Fn(usize) -> Value), (20, &values), (15, &criteria)] {
            assert_eq!((code(&of(1)), code(&of(limit))), (None, None), "{limit}");
            assert_eq!(code(&of(0)), Some(Code::InvalidParameter), "{limit}");
            assert_eq!(code(&of(limit + 1)), Some(Code::InvalidParameter), "{limit}");
        }
        for member in ["Channels", "InitiationMethods"] {
            assert_eq!(code(&with_criteria(json!({ member: [] }))), Some(Code::InvalidParameter));
        }
    }
}
