//! The members of `SearchContacts`.

use serde_json::{Map, Value};

use super::structure::Structure;
use crate::sandbox::refusal::Refusal;

/// The members of `SearchContacts` (service model, connect, 2017-08-08).
#[derive(Debug)]
pub(in crate::sandbox) struct SearchContacts<'a> {
    pub(in crate::sandbox) instance_id: Option<&'a str>,
    pub(in crate::sandbox) time_range: Option<TimeRange<'a>>,
    pub(in crate::sandbox) criteria: Option<Criteria<'a>>,
    pub(in crate::sandbox) max_results: Option<i32>,
    pub(in crate::sandbox) next_token: Option<&'a str>,
    pub(in crate::sandbox) sort: Option<Sort<'a>>,
}

/// `TimeRange`; times are in epoch seconds.
#[derive(Debug)]
pub(in crate::sandbox) struct TimeRange<'a> {
    pub(in crate::sandbox) kind: Option<&'a str>,
    pub(in crate::sandbox) start: Option<f64>,
    pub(in crate::sandbox) end: Option<f64>,
}

/// `SearchCriteria`.
#[derive(Debug)]
pub(in crate::sandbox) struct Criteria<'a> {
    pub(in crate::sandbox) name: Option<NameCriteria<'a>>,
    pub(in crate::sandbox) channels: Option<Vec<&'a str>>,
    pub(in crate::sandbox) initiation_methods: Option<Vec<&'a str>>,
    pub(in crate::sandbox) attributes: Option<AttributeCriteria<'a>>,
    /// The path of a criterion beside these. Others than the service's own are kept as well: to
    /// ignore one would find too much.
    pub(in crate::sandbox) other: Option<String>,
}

/// `SearchCriteria.Name`.
#[derive(Debug)]
pub(in crate::sandbox) struct NameCriteria<'a> {
    pub(in crate::sandbox) search_text: Option<Vec<&'a str>>,
    pub(in crate::sandbox) match_type: Option<&'a str>,
}

/// `SearchCriteria.SearchableContactAttributes`.
#[derive(Debug)]
pub(in crate::sandbox) struct AttributeCriteria<'a> {
    pub(in crate::sandbox) criteria: Option<Vec<AttributeCriterion<'a>>>,
    pub(in crate::sandbox) match_type: Option<&'a str>,
}

/// An item of `SearchableContactAttributes.Criteria`.
#[derive(Debug)]
pub(in crate::sandbox) struct AttributeCriterion<'a> {
    pub(in crate::sandbox) key: Option<&'a str>,
    pub(in crate::sandbox) values: Option<Vec<&'a str>>,
}

/// `Sort`.
#[derive(Debug)]
pub(in crate::sandbox) struct Sort<'a> {
    pub(in crate::sandbox) field_name: Option<&'a str>,
    pub(in crate::sandbox) order: Option<&'a str>,
}

impl<'a> SearchContacts<'a> {
    /// Reads the members out of a decoded body.
    ///
    /// # Errors
    ///
    /// `SerializationException` for the first member of the wrong type.
    pub(in crate::sandbox) fn read(members: &'a Map<String, Value>) -> Result<SearchContacts<'a>, Refusal> {
        let top = Structure::top(members);
        Ok(SearchContacts {
            instance_id: top.text("InstanceId")?,
            time_range: top.structure("TimeRange")?.map(|this| TimeRange::read(&this)).transpose()?,
            criteria: top.structure("SearchCriteria")?.map(|this| Criteria::read(&this)).transpose()?,
            max_results: top.integer("MaxResults")?,
            next_token: top.text("NextToken")?,
            sort: top.structure("Sort")?.map(|this| Sort::read(&this)).transpose()?,
        })
    }
}

impl<'a> TimeRange<'a> {
    fn read(this: &Structure<'a>) -> Result<TimeRange<'a>, Refusal> {
        Ok(TimeRange {
            kind: this.text("Type")?,
            start: this.number("StartTime")?,
            end: this.number("EndTime")?,
        })
    }
}

impl<'a> Criteria<'a> {
    fn read(this: &Structure<'a>) -> Result<Criteria<'a>, Refusal> {
        let known = ["Name", "Channels", "InitiationMethods", "SearchableContactAttributes"];
        let attributes = this.structure("SearchableContactAttributes")?;
        Ok(Criteria {
            name: this.structure("Name")?.map(|this| NameCriteria::read(&this)).transpose()?,
            channels: this.texts("Channels")?,
            initiation_methods: this.texts("InitiationMethods")?,
            attributes: attributes.map(|this| AttributeCriteria::read(&this)).transpose()?,
            other: this.beside(&known),
        })
    }
}

impl<'a> NameCriteria<'a> {
    fn read(this: &Structure<'a>) -> Result<NameCriteria<'a>, Refusal> {
        Ok(NameCriteria { search_text: this.texts("SearchText")?, match_type: this.text("MatchType")? })
    }
}

impl<'a> AttributeCriteria<'a> {
    fn read(this: &Structure<'a>) -> Result<AttributeCriteria<'a>, Refusal> {
        let criteria = this.list("Criteria")?;
        Ok(AttributeCriteria {
            criteria: criteria
                .map(|items| items.iter().map(AttributeCriterion::read).collect())
                .transpose()?,
            match_type: this.text("MatchType")?,
        })
    }
}

impl<'a> AttributeCriterion<'a> {
    fn read(this: &Structure<'a>) -> Result<AttributeCriterion<'a>, Refusal> {
        Ok(AttributeCriterion { key: this.text("Key")?, values: this.texts("Values")? })
    }
}

impl<'a> Sort<'a> {
    fn read(this: &Structure<'a>) -> Result<Sort<'a>, Refusal> {
        Ok(Sort { field_name: this.text("FieldName")?, order: this.text("Order")? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::refusal::Code;
    use crate::sandbox::wire::decode;

    fn message(body: &Value) -> String {
        let members = decode(body.to_string().as_bytes()).unwrap();
        let refusal = SearchContacts::read(&members).unwrap_err();
        assert_eq!(refusal.code, Code::Serialization);
        refusal.message
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_and_its_value_is_not() {
        let attributes = "SearchCriteria.SearchableContactAttributes";
        for (body, expected) in [
            (json!({"InstanceId": 4711}), "InstanceId must be a string".to_owned()),
            (json!({"TimeRange": 4711}), "TimeRange must be an object".to_owned()),
            (json!({"TimeRange": {"StartTime": "4711"}}), "TimeRange.StartTime must be a number".to_owned()),
            (json!({"MaxResults": 47.11}), "MaxResults must be a 32-bit integer".to_owned()),
            (json!({"Sort": {"Order": 4711}}), "Sort.Order must be a string".to_owned()),
            (
                json!({"SearchCriteria": {"Channels": "4711"}}),
                "SearchCriteria.Channels must be a list of strings".to_owned(),
            ),
            (
                json!({"SearchCriteria": {"Name": {"SearchText": [4711]}}}),
                "SearchCriteria.Name.SearchText must be a list of strings".to_owned(),
            ),
            (
                json!({"SearchCriteria": {"SearchableContactAttributes": {"Criteria": ["4711"]}}}),
                format!("{attributes}.Criteria must be a list of objects"),
            ),
            (
                json!({"SearchCriteria": {"SearchableContactAttributes": {"Criteria": [{"Key": 4711}]}}}),
                format!("{attributes}.Criteria.Key must be a string"),
            ),
        ] {
            assert_eq!(message(&body), expected);
        }
    }

    #[test]
    fn a_time_may_have_a_fraction() {
        let body = br#"{"TimeRange": {"StartTime": 1700000000, "EndTime": 1700000000.25}}"#;
        let members = decode(body).unwrap();
        let range = SearchContacts::read(&members).unwrap().time_range.unwrap();
        assert_eq!((range.start, range.end), (Some(1_700_000_000.0), Some(1_700_000_000.25)));
    }

    #[test]
    fn a_criterion_nobody_knows_is_kept_in_mind() {
        let criteria = json!({"SearchCriteria": {"Channels": ["TASK"], "AgentIds": [], "Name": null}});
        let members = decode(criteria.to_string().as_bytes()).unwrap();
        let criteria = SearchContacts::read(&members).unwrap().criteria.unwrap();
        assert_eq!(criteria.other.as_deref(), Some("SearchCriteria.AgentIds"));
        assert!(criteria.name.is_none());
    }
}
