//! The searches that the sandbox imitates: the two that the importer sends. Pure.
//!
//! Both have a time range of `INITIATION_TIMESTAMP`, one channel, and one criterion: either `Name` with one
//! text and `MATCH_ALL`, or one searchable attribute with one value. Any other member or value is refused,
//! because a search that ignored it would find the wrong contacts.
//!
//! The service does not document how it separates words or compares letters. Here a text matches a name if
//! its words follow each other there, in any case; an attribute matches by its whole value. Nor does it
//! document the order of the contacts found, which here is that of their creation, nor whether a time range
//! includes its ends, which it does here.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api_error::ApiError;
use super::contact::{ContactView, StoredContact};
use super::limits::{invalid_parameter, invalid_request, length};

/// The longest time range in seconds, 8 weeks. The administrator guide says so of the search in Connect's
/// website; neither the API reference nor the service model has a limit.
const LONGEST_RANGE: f64 = 8.0 * 7.0 * 24.0 * 3600.0;

/// Contacts per page: the maximum of `MaxResults` (API reference), and the default here. The service's own
/// default is not documented.
const LARGEST_PAGE: usize = 100;

/// A search that the sandbox imitates. Lists have exactly one item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct SearchRequest<'a> {
    /// The instance's id or its ARN.
    instance_id: &'a str,
    time_range: TimeRange,
    #[serde(borrow)]
    search_criteria: SearchCriteria<'a>,
    max_results: Option<usize>,
    /// The id of the last contact on the page before.
    pub(super) next_token: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TimeRange {
    r#type: TimeRangeType,
    start_time: f64,
    end_time: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum TimeRangeType {
    InitiationTimestamp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SearchCriteria<'a> {
    #[serde(borrow)]
    channels: [&'a str; 1],
    name: Option<NameCriteria<'a>>,
    searchable_contact_attributes: Option<AttributeCriteria<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct NameCriteria<'a> {
    #[serde(borrow)]
    search_text: [&'a str; 1],
    match_type: MatchType,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MatchType {
    MatchAll,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AttributeCriteria<'a> {
    #[serde(borrow)]
    criteria: [AttributeCriterion<'a>; 1],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AttributeCriterion<'a> {
    key: &'a str,
    #[serde(borrow)]
    values: [&'a str; 1],
}

impl<'a> SearchRequest<'a> {
    /// Reads a search from a decoded body and checks its limits.
    ///
    /// # Errors
    ///
    /// - `InvalidRequestException`: it is not one of the two searches that the sandbox imitates.
    /// - `InvalidParameterException`: a member's value violates its own constraint.
    pub(super) fn read(members: &'a Map<String, Value>) -> Result<SearchRequest<'a>, ApiError> {
        // The error of serde is left out: it may repeat values.
        let search = SearchRequest::deserialize(members).map_err(|_| unsupported())?;
        let SearchCriteria { channels: [channel], name, searchable_contact_attributes } =
            &search.search_criteria;
        match (name, searchable_contact_attributes) {
            (Some(name), None) => {
                length("SearchCriteria.Name.SearchText", Some(name.search_text[0]), 0..=128)?
            }
            (None, Some(AttributeCriteria { criteria: [AttributeCriterion { key, values: [value] }] })) => {
                let path = "SearchCriteria.SearchableContactAttributes.Criteria";
                length(&format!("{path}.Key"), Some(key), 1..=100)?;
                length(&format!("{path}.Values"), Some(value), 0..=100)?;
            }
            (Some(_), Some(_)) | (None, None) => return Err(unsupported()),
        }
        length("InstanceId", Some(search.instance_id), 1..=100)?;
        length("NextToken", search.next_token, 1..=100_000)?;
        if !["VOICE", "CHAT", "TASK", "EMAIL"].contains(channel) {
            return Err(invalid_parameter("SearchCriteria.Channels must be VOICE, CHAT, TASK or EMAIL"));
        }
        if !(1..=LARGEST_PAGE).contains(&search.max_results.unwrap_or(LARGEST_PAGE)) {
            return Err(invalid_parameter(format!("MaxResults must be from 1 to {LARGEST_PAGE}")));
        }
        if !(0.0..=LONGEST_RANGE).contains(&(search.time_range.end_time - search.time_range.start_time)) {
            return Err(invalid_parameter("TimeRange must be 0 to 8 weeks long"));
        }
        Ok(search)
    }

    /// Whether the contact is in the time range and old enough for the index. `now` is since 1970.
    pub(super) fn is_in_range(&self, contact: &StoredContact, now: Duration, index_lag: Duration) -> bool {
        let TimeRange { r#type: TimeRangeType::InitiationTimestamp, start_time, end_time } = &self.time_range;
        contact.age(now) >= index_lag && (start_time..=end_time).contains(&&contact.initiated.as_secs_f64())
    }

    /// The response to the search: the first page, or the one after the contact at `last_position`.
    /// `candidates` are the contacts in range with their positions, in the order of creation. Contacts are
    /// only ever added, so pages stay consistent while contacts are created.
    pub(super) fn page(
        &self,
        candidates: &[(usize, Arc<StoredContact>)],
        last_position: Option<usize>,
    ) -> Value {
        let found = candidates.iter().map(|(position, contact)| (*position, ContactView::new(contact)));
        let found: Vec<_> = found.filter(|(_, view)| self.matches(view)).collect();
        let first = found.partition_point(|(position, _)| Some(*position) <= last_position);
        let rest = found.get(first..).unwrap_or_default();
        let page: Vec<_> = rest
            .iter()
            .take(self.max_results.unwrap_or(LARGEST_PAGE))
            .map(|(_, view)| view.summary())
            .collect();
        let mut response = json!({"Contacts": page, "TotalCount": found.len()});
        if rest.len() > page.len() {
            response["NextToken"] = page.last().and_then(|last| last.get("Id").cloned()).into();
        }
        response
    }

    fn matches(&self, view: &ContactView<'_>) -> bool {
        let SearchCriteria { channels: [channel], name, searchable_contact_attributes } =
            &self.search_criteria;
        let has_name = name.as_ref().is_none_or(|criteria| {
            let NameCriteria { search_text: [text], match_type: MatchType::MatchAll } = criteria;
            has_phrase(view.text("Name").unwrap_or_default(), text)
        });
        let has_attribute = searchable_contact_attributes.as_ref().is_none_or(|attributes| {
            let [AttributeCriterion { key, values: [value] }] = &attributes.criteria;
            view.attribute(key) == Some(value)
        });
        has_name && has_attribute && view.is_in(self.instance_id) && view.channel() == *channel
    }
}

fn unsupported() -> ApiError {
    invalid_request(
        "the sandbox imitates two searches only: with InstanceId, a TimeRange of INITIATION_TIMESTAMP, one \
         item of SearchCriteria.Channels, and either SearchCriteria.Name with one text and MATCH_ALL or \
         SearchCriteria.SearchableContactAttributes with one criterion of one value",
    )
}

/// Whether the words of the phrase follow each other in the text. A phrase without a word is in no text.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (words(text), words(phrase));
    !phrase.is_empty() && text.windows(phrase.len()).any(|words| words == phrase)
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::api_error::ErrorCode;
    use super::super::json::decode;
    use super::super::operation::CreateOperation;
    use super::*;

    const INITIATED: f64 = 1_700_000_000.25;

    /// A search for a name in the second around `INITIATED`.
    fn by_name(text: &str) -> Value {
        json!({
            "InstanceId": "i",
            "TimeRange": {
                "Type": "INITIATION_TIMESTAMP", "StartTime": INITIATED - 1.0, "EndTime": INITIATED + 1.0,
            },
            "SearchCriteria": {
                "Channels": ["TASK"], "Name": {"SearchText": [text], "MatchType": "MATCH_ALL"},
            },
            "MaxResults": 2,
        })
    }

    /// A search for an attribute in the same second.
    fn by_attribute(key: &str, value: &str) -> Value {
        let attributes = json!({"Criteria": [{"Key": key, "Values": [value]}]});
        let criteria = json!({"Channels": ["TASK"], "SearchableContactAttributes": attributes});
        changed(&by_name("x"), "/SearchCriteria", criteria)
    }

    /// The search with another value at a JSON pointer; a new member's parent must exist.
    fn changed(search: &Value, pointer: &str, value: Value) -> Value {
        let mut search = search.clone();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        match search.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => search.pointer_mut(parent).unwrap()[member] = value,
        }
        search
    }

    fn error_of(search: &Value) -> Option<ApiError> {
        let members = decode(search.to_string().as_bytes()).unwrap();
        SearchRequest::read(&members).err()
    }

    /// A completed task, initiated at `INITIATED`, with changed members.
    fn contact(changes: &Value) -> StoredContact {
        let mut document = json!({
            "ContactId": "c", "ContactArn": "arn/c", "InitiationTimestamp": INITIATED, "InstanceId": "i",
            "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED",
            "Name": "Ticket #4711: Kein Ton, Müller", "Attributes": {"key": "Value"},
        });
        for (member, value) in changes.as_object().unwrap() {
            document[member] = value.clone();
        }
        let Value::Object(document) = document else { unreachable!() };
        StoredContact::restore(CreateOperation::CreateContact, document, 0).unwrap()
    }

    /// Whether the search finds the contact at the given age with the given lag of the index.
    fn finds_at(search: &Value, contact: &StoredContact, age: Duration, lag: Duration) -> bool {
        let members = decode(search.to_string().as_bytes()).unwrap();
        let search = SearchRequest::read(&members).unwrap();
        search.is_in_range(contact, contact.initiated + age, lag)
            && search.matches(&ContactView::new(contact))
    }

    fn finds(search: &Value, contact: &StoredContact) -> bool {
        finds_at(search, contact, Duration::ZERO, Duration::ZERO)
    }

    #[test]
    fn the_two_searches_of_the_importer_are_valid() {
        for search in [by_name("x"), by_attribute("k", "")] {
            assert_eq!(error_of(&search), None);
            assert_eq!(error_of(&changed(&search, "/NextToken", "c".into())), None);
            assert_eq!(error_of(&changed(&search, "/MaxResults", Value::Null)), None);
        }
    }

    #[test]
    fn every_other_search_is_refused_with_the_two_that_are_imitated() {
        let attributes = "/SearchCriteria/SearchableContactAttributes";
        let criterion = json!({"Key": "k", "Values": ["v"]});
        let of_name = |pointer, value| changed(&by_name("x"), pointer, value);
        let of_attribute =
            |pointer: &str, value| changed(&by_attribute("k", "v"), &format!("{attributes}{pointer}"), value);
        for search in [
            of_name("/InstanceId", Value::Null),
            of_name("/TimeRange", Value::Null),
            of_name("/TimeRange/StartTime", "4711".into()),
            of_name("/TimeRange/EndTime", Value::Null),
            of_name("/TimeRange/Type", json!("DISCONNECT_TIMESTAMP")),
            of_name("/SearchCriteria", Value::Null),
            of_name("/SearchCriteria/Channels", Value::Null),
            of_name("/SearchCriteria/Channels", json!([])),
            of_name("/SearchCriteria/Channels", json!(["TASK", "VOICE"])),
            of_name("/SearchCriteria/Name", Value::Null),
            of_name("/SearchCriteria/Name/SearchText", json!(["x", "y"])),
            of_name("/SearchCriteria/Name/MatchType", Value::Null),
            of_name("/SearchCriteria/Name/MatchType", json!("MATCH_ANY")),
            of_name("/SearchCriteria/AgentIds", json!(["a"])),
            of_name("/SearchCriteria/Weather", json!("fine")),
            of_name("/Sort", json!({"FieldName": "INITIATION_TIMESTAMP", "Order": "DESCENDING"})),
            of_name("/MaxResults", "4711".into()),
            of_name(attributes, json!({"Criteria": [criterion]})),
            of_attribute("/Criteria", json!([criterion, criterion])),
            of_attribute("/Criteria/0/Key", Value::Null),
            of_attribute("/Criteria/0/Values", json!(["v", "w"])),
            of_attribute("/MatchType", json!("MATCH_ALL")),
        ] {
            let error = error_of(&search);
            assert_eq!(error, Some(unsupported()), "{search}");
        }
    }

    #[test]
    fn a_value_out_of_its_limits_is_refused() {
        let weeks = LONGEST_RANGE;
        for (pointer, value, is_valid) in [
            ("/TimeRange/EndTime", json!(INITIATED - 1.0), true),
            ("/TimeRange/EndTime", json!(INITIATED - 1.001), false),
            ("/TimeRange/EndTime", json!(INITIATED - 1.0 + weeks), true),
            ("/TimeRange/EndTime", json!(INITIATED + weeks), false),
            ("/SearchCriteria/Channels", json!(["task"]), false),
            ("/MaxResults", json!(1), true),
            ("/MaxResults", json!(100), true),
            ("/MaxResults", json!(0), false),
            ("/MaxResults", json!(101), false),
            ("/InstanceId", json!(""), false),
            ("/NextToken", json!(""), false),
        ] {
            let code = error_of(&changed(&by_name("x"), pointer, value)).map(|error| error.code);
            assert_eq!(code, (!is_valid).then_some(ErrorCode::InvalidParameter), "{pointer}");
        }
        assert_eq!(error_of(&by_attribute("", "v")).unwrap().code, ErrorCode::InvalidParameter);
    }

    #[test]
    fn every_length_is_checked_at_its_limit_in_characters() {
        let with = |pointer: &'static str| move |text: &str| changed(&by_name("x"), pointer, text.into());
        type SearchFor<'a> = &'a dyn Fn(&str) -> Value;
        let cases: [(usize, SearchFor<'_>); 5] = [
            (100, &with("/InstanceId")),
            (100_000, &with("/NextToken")),
            (128, &by_name),
            (100, &|text| by_attribute(text, "v")),
            (100, &|text| by_attribute("k", text)),
        ];
        for (limit, search) in cases {
            assert_eq!(error_of(&search(&"ü".repeat(limit))), None, "{limit}");
            let error = error_of(&search(&"ü".repeat(limit + 1))).unwrap();
            assert_eq!(error.code, ErrorCode::InvalidParameter);
            assert!(error.message.contains(&limit.to_string()) && !error.message.contains('ü'));
        }
    }

    #[test]
    fn a_contact_is_found_in_its_range_to_the_millisecond_its_instance_and_its_channel() {
        let contact = contact(&json!({}));
        let with = |pointer, value| finds(&changed(&by_name("4711"), pointer, value), &contact);
        for (start, end, is_found) in [
            (INITIATED, INITIATED, true),
            (INITIATED - 1.0, INITIATED - 0.001, false),
            (INITIATED + 0.001, INITIATED + 1.0, false),
        ] {
            let range = json!({"Type": "INITIATION_TIMESTAMP", "StartTime": start, "EndTime": end});
            assert_eq!(with("/TimeRange", range), is_found);
        }
        assert!(with("/InstanceId", "arn:aws:connect:r:1:instance/i".into()));
        assert!(!with("/InstanceId", "j".into()));
        assert!(!with("/SearchCriteria/Channels", json!(["VOICE"])));
    }

    #[test]
    fn a_contact_is_found_once_it_is_as_old_as_the_lag_of_the_index() {
        let contact = contact(&json!({}));
        let lag = Duration::from_secs(60);
        let at = |age| finds_at(&by_name("4711"), &contact, age, lag);
        assert!(!at(Duration::ZERO));
        assert!(!at(lag - Duration::from_millis(1)));
        assert!(at(lag));
    }

    #[test]
    fn a_name_is_found_by_words_that_follow_each_other_in_any_case() {
        let contact_with_name = contact(&json!({}));
        for text in ["ticket", "4711", "#4711", "kein ton", "TON (müller)"] {
            assert!(finds(&by_name(text), &contact_with_name), "{text}");
        }
        for text in ["tick", "471", "ton kein", "ticket ton", "", "#"] {
            assert!(!finds(&by_name(text), &contact_with_name), "{text}");
        }
        assert!(!finds(&by_name("x"), &contact(&json!({"Name": null}))));
    }

    #[test]
    fn an_attribute_is_found_by_its_whole_value() {
        let contact_with_attribute = contact(&json!({}));
        assert!(finds(&by_attribute("key", "Value"), &contact_with_attribute));
        for (key, value) in [("key", "value"), ("key", "Val"), ("Key", "Value"), ("key", "")] {
            assert!(!finds(&by_attribute(key, value), &contact_with_attribute), "{key} {value}");
        }
        assert!(!finds(&by_attribute("key", "Value"), &contact(&json!({"Attributes": null}))));
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let members = decode(by_name("x").to_string().as_bytes()).unwrap();
        let search = SearchRequest::read(&members).unwrap();
        // Every second contact matches.
        let candidate = |position: usize| {
            let name = if position % 2 == 1 { "x" } else { "y" };
            (position, Arc::new(contact(&json!({"ContactId": position.to_string(), "Name": name}))))
        };
        let candidates: Vec<_> = (0..10).map(candidate).collect();
        let page = |candidates: &[_], last| {
            let page = search.page(candidates, last);
            let ids: Vec<String> = page["Contacts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|contact| contact["Id"].as_str().unwrap().to_owned())
                .collect();
            (ids.join(","), page["TotalCount"].as_u64().unwrap(), page.get("NextToken").cloned())
        };
        assert_eq!(page(&candidates, None), ("1,3".into(), 5, Some("3".into())));
        assert_eq!(page(&candidates, Some(3)), ("5,7".into(), 5, Some("7".into())));
        assert_eq!(page(&candidates, Some(7)), ("9".into(), 5, None));
        // A full page may be the last one.
        assert_eq!(page(&candidates[..4], None), ("1,3".into(), 2, None));
        assert_eq!(page(&candidates, Some(9)), (String::new(), 5, None));
        // The last contact of the page before need not match any more.
        assert_eq!(page(&candidates, Some(4)), ("5,7".into(), 5, Some("7".into())));
        assert_eq!(page(&[], None), (String::new(), 0, None));
    }
}
