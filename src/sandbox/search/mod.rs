//! Which contacts a search finds, and in which pages. Pure.

mod name;
mod page;

use std::time::Duration;

use super::model::{Contact, View};

pub(super) use name::Name;
pub(super) use page::{Order, Page};

/// What a search asks for. Criteria that are there must all hold.
#[derive(Debug)]
pub(super) struct Search<'a> {
    /// The instance's id or its ARN.
    pub(super) instance_id: &'a str,
    pub(super) timestamp: Timestamp,
    /// Epoch seconds. Whether the ends of the range belong to it is not documented; here both do.
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) name: Option<Name<'a>>,
    pub(super) channels: Option<Vec<&'a str>>,
    pub(super) initiation_methods: Option<Vec<&'a str>>,
    pub(super) attributes: Option<Attributes<'a>>,
    pub(super) order: Order,
    /// The contacts of a page, from 1 to 100.
    pub(super) max_results: usize,
    /// The id of the last contact of the page before.
    pub(super) next_token: Option<&'a str>,
}

/// A contact's timestamp that can be searched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timestamp {
    Initiation,
    Disconnect,
}

/// How several criteria are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    All,
    Any,
    Exact,
    None,
}

/// The criteria on attributes.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    pub(super) criteria: Vec<Attribute<'a>>,
    pub(super) matching: Match,
}

/// An attribute that has one of these values, to the letter. How the service compares letters is
/// not documented.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) key: &'a str,
    pub(super) values: Vec<&'a str>,
}

impl Search<'_> {
    /// Whether the search finds the contact. `now` is since 1970; a contact younger than `lag` is
    /// not in the index yet.
    pub(super) fn finds(&self, contact: &Contact, now: Duration, lag: Duration) -> bool {
        // A contact's document is read only once its times are right: that is what costs.
        contact.age(now) >= lag && self.in_range(contact) && self.holds(&View::of(contact))
    }

    fn in_range(&self, contact: &Contact) -> bool {
        let time = match self.timestamp {
            Timestamp::Initiation => Some(contact.initiated()),
            Timestamp::Disconnect => contact.disconnected(),
        };
        time.is_some_and(|time| (self.start..=self.end).contains(&time.as_secs_f64()))
    }

    fn holds(&self, view: &View<'_>) -> bool {
        view.is_in(self.instance_id)
            && self.channels.as_ref().is_none_or(|channels| channels.contains(&view.channel()))
            && self
                .initiation_methods
                .as_ref()
                .is_none_or(|methods| methods.contains(&view.initiation_method()))
            && self.name.as_ref().is_none_or(|name| name.matches(view.name().unwrap_or_default()))
            && self.attributes.as_ref().is_none_or(|attributes| attributes.hold(view))
    }
}

impl Attributes<'_> {
    fn hold(&self, view: &View<'_>) -> bool {
        self.matching.combine(self.criteria.iter().map(|criterion| criterion.holds(view)))
    }
}

impl Attribute<'_> {
    fn holds(&self, view: &View<'_>) -> bool {
        view.attribute(self.key).is_some_and(|value| self.values.contains(&value))
    }
}

impl Match {
    /// Exact is about how one criterion compares, and combines them as any.
    fn combine(self, mut held: impl Iterator<Item = bool>) -> bool {
        match self {
            Match::All => held.all(|held| held),
            Match::Any | Match::Exact => held.any(|held| held),
            Match::None => !held.any(|held| held),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::operation::Creation;
    use super::*;

    const INITIATED: f64 = 1_700_000_000.25;

    /// A completed task, initiated at `INITIATED`, with `changes` over it.
    fn contact(changes: &Value) -> Contact {
        let mut document = json!({
            "ContactId": "c", "ContactArn": "arn/c", "InitiationTimestamp": INITIATED, "InstanceId": "i",
            "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED",
            "Name": "Ticket 4711", "Attributes": {"a": "1", "b": "2"},
        });
        for (member, value) in changes.as_object().unwrap() {
            document[member] = value.clone();
        }
        let Value::Object(document) = document else { unreachable!() };
        Contact::restore(Creation::CreateContact, document, [0; 32]).unwrap()
    }

    fn search() -> Search<'static> {
        Search {
            instance_id: "i",
            timestamp: Timestamp::Initiation,
            start: INITIATED - 1.0,
            end: INITIATED + 1.0,
            name: None,
            channels: None,
            initiation_methods: None,
            attributes: None,
            order: Order::Ascending,
            max_results: 100,
            next_token: None,
        }
    }

    fn finds(search: &Search<'_>, contact: &Contact) -> bool {
        search.finds(contact, contact.initiated(), Duration::ZERO)
    }

    #[test]
    fn a_contact_is_found_in_its_range_to_the_millisecond_and_in_its_instance() {
        let contact = contact(&json!({}));
        for (start, end, found) in [
            (INITIATED, INITIATED, true),
            (INITIATED - 1.0, INITIATED - 0.001, false),
            (INITIATED + 0.001, INITIATED + 1.0, false),
        ] {
            assert_eq!(finds(&Search { start, end, ..search() }, &contact), found);
        }
        assert!(finds(&Search { instance_id: "arn:aws:connect:r:1:instance/i", ..search() }, &contact));
        assert!(!finds(&Search { instance_id: "j", ..search() }, &contact));
    }

    #[test]
    fn only_a_completed_contact_has_a_time_of_disconnection() {
        let by = Search { timestamp: Timestamp::Disconnect, ..search() };
        assert!(finds(&by, &contact(&json!({}))));
        assert!(!finds(&by, &contact(&json!({"InitiateAs": "CONNECTED_TO_USER"}))));
    }

    #[test]
    fn a_contact_is_found_once_it_is_as_old_as_the_lag() {
        let contact = contact(&json!({}));
        let lag = Duration::from_secs(60);
        let at = |age| search().finds(&contact, contact.initiated() + age, lag);
        assert!(!at(Duration::ZERO));
        assert!(!at(lag - Duration::from_millis(1)));
        assert!(at(lag));
    }

    #[test]
    fn channels_and_methods_are_any_of_those_given() {
        let contact = contact(&json!({}));
        let channels = |channels| finds(&Search { channels: Some(channels), ..search() }, &contact);
        assert!(channels(vec!["VOICE", "TASK"]));
        assert!(!channels(vec!["VOICE"]));
        let methods = |methods| finds(&Search { initiation_methods: Some(methods), ..search() }, &contact);
        assert!(methods(vec!["FLOW", "API"]));
        assert!(!methods(vec!["FLOW"]));
    }

    #[test]
    fn criteria_of_several_kinds_must_all_hold() {
        let contact = contact(&json!({}));
        let both = |channel, text| {
            let name = Name { texts: vec![text], matching: Match::All };
            finds(&Search { channels: Some(vec![channel]), name: Some(name), ..search() }, &contact)
        };
        assert!(both("TASK", "4711"));
        assert!(!both("VOICE", "4711"));
        assert!(!both("TASK", "4712"));
    }

    #[test]
    fn attributes_are_compared_whole_and_to_the_letter() {
        let contact = contact(&json!({"Attributes": {"key": "Value"}}));
        let with = |key, values| {
            let attributes = Attributes { criteria: vec![Attribute { key, values }], matching: Match::All };
            finds(&Search { attributes: Some(attributes), ..search() }, &contact)
        };
        assert!(with("key", vec!["x", "Value"]));
        for (key, value) in [("key", "value"), ("key", "Val"), ("Key", "Value"), ("key", "")] {
            assert!(!with(key, vec![value]), "{key} {value}");
        }
    }

    #[test]
    fn attributes_are_combined_as_the_match_type_says() {
        let contact = contact(&json!({}));
        let found = |matching, first, second| {
            let criterion = |key, value| Attribute { key, values: vec![value] };
            let criteria = vec![criterion("a", first), criterion("b", second)];
            finds(&Search { attributes: Some(Attributes { criteria, matching }), ..search() }, &contact)
        };
        for (matching, both, one, none) in [
            (Match::All, true, false, false),
            (Match::Any, true, true, false),
            (Match::None, false, false, true),
        ] {
            assert_eq!(found(matching, "1", "2"), both, "{matching:?}");
            assert_eq!(found(matching, "1", "x"), one, "{matching:?}");
            assert_eq!(found(matching, "x", "x"), none, "{matching:?}");
        }
    }

    #[test]
    fn a_contact_without_a_name_or_attributes_has_none_of_them() {
        let contact = contact(&json!({"Name": null, "Attributes": null}));
        let name = |matching| Some(Name { texts: vec!["x"], matching });
        assert!(!finds(&Search { name: name(Match::Any), ..search() }, &contact));
        assert!(finds(&Search { name: name(Match::None), ..search() }, &contact));
        let criteria = vec![Attribute { key: "a", values: vec!["1"] }];
        let attributes = Some(Attributes { criteria, matching: Match::Any });
        assert!(!finds(&Search { attributes, ..search() }, &contact));
    }
}
