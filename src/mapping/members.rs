//! The members that a mapping may fill, and the values of one request under them, found without copying a text.

use std::collections::HashMap;

use super::template::Template;
use super::tree::{Children, Node, join};
use crate::request::{ContactRequest, Limit, Operation, Shape, limits};

/// A member that rows may fill: one of the operation's members, or an entry of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappedMember {
    /// The path, such as `Name`, `Attributes.legacy_id` or `References.Ticket`. A key that cells decide is `*`.
    pub path: String,
    /// Maximum length of its text, characters; none for a number or a structure.
    pub limit: Option<usize>,
    /// Whether the job file or a default sets it to the same text in every row.
    pub is_constant: bool,
}

/// The value of a filled member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilledValue<'r> {
    /// A text.
    Text(&'r str),
    /// The value of a reference of type `URL`.
    Url(&'r str),
    /// A number, or a structure of texts.
    Other,
}

/// The members of a mapping, in the operation's order; entries of maps in the mapping's order.
#[derive(Debug, Default)]
pub(super) struct MemberIndex {
    members: Vec<MappedMember>,
    /// Members outside of maps: the index, and the value in a request.
    single: Vec<(usize, ValueOf)>,
    attributes: MapEntries,
    references: MapEntries,
    segments: MapEntries,
    /// Index of the member that each leaf belongs to, by the leaf's path.
    leaves: HashMap<String, usize>,
}

type ValueOf = for<'r> fn(&'r ContactRequest<'_>) -> Option<FilledValue<'r>>;

/// The entries of one map.
#[derive(Debug, Default)]
struct MapEntries {
    /// Keys that the mapping spells out, in its order, each with the member's index.
    literal: Vec<(String, usize)>,
    /// Index of the one member that stands for all keys that cells decide.
    templated: Option<usize>,
}

impl MemberIndex {
    pub(super) fn new(operation: Operation, root: &Children) -> Self {
        let mut index = MemberIndex::default();
        let known = match operation.members() {
            Shape::Structure(members) => *members,
            _ => &[],
        };
        for name in known.iter().map(|member| member.name) {
            let Some((_, node)) = root.iter().find(|(key, _)| key.is_literal(name)) else { continue };
            match (name, node) {
                ("Attributes", Node::Object(entries)) => {
                    let Limit::Chars(_, most) = limits::ATTRIBUTE_VALUE else { continue };
                    index.attributes = index.entries(name, entries, Some(most));
                }
                ("References", Node::Object(entries)) => {
                    let Limit::Chars(_, most) = limits::REFERENCE_VALUE else { continue };
                    index.references = index.entries(name, entries, Some(most));
                }
                ("SegmentAttributes", Node::Object(entries)) => {
                    index.segments = index.entries(name, entries, None);
                }
                (name, node) => index.add_single(operation, name, node),
            }
        }
        index
    }

    fn entries(&mut self, map: &str, children: &Children, limit: Option<usize>) -> MapEntries {
        let mut entries = MapEntries::default();
        for (key, node) in children {
            match key {
                Template::Literal(key) => {
                    entries.literal.push((key.clone(), self.add(join(map, key), limit, node)));
                }
                Template::Plain(_) | Template::Engine(_) => {
                    let path = join(map, "*");
                    entries.templated = Some(match entries.templated {
                        Some(index) => index,
                        None => self.add(path, limit, node),
                    });
                }
            }
        }
        entries
    }

    fn add_single(&mut self, operation: Operation, name: &str, node: &Node) {
        let value_of: ValueOf = match name {
            "Channel" => |request| text(request.channel.as_deref()),
            "InitiationMethod" => |request| text(request.initiation_method.as_deref()),
            "InitiateAs" => |request| text(request.initiate_as.as_deref()),
            "Name" => |request| text(request.name.as_deref()),
            "Description" => |request| text(request.description.as_deref()),
            "ContactFlowId" => |request| text(request.contact_flow_id.as_deref()),
            "QuickConnectId" => |request| text(request.quick_connect_id.as_deref()),
            "TaskTemplateId" => |request| text(request.task_template_id.as_deref()),
            "ScheduledTime" => |request| request.scheduled_time.map(|_| FilledValue::Other),
            "Attachments" => |request| (!request.attachments.is_empty()).then_some(FilledValue::Other),
            "UserInfo" => |request| text(request.user_info.as_ref().map(|info| &*info.user_id)),
            "RelatedContactId" => |request| text(request.related_contact_id.as_deref()),
            "PreviousContactId" => |request| text(request.previous_contact_id.as_deref()),
            "ExpiryDurationInMinutes" => {
                |request| request.expiry_duration_in_minutes.map(|_| FilledValue::Other)
            }
            _ => return,
        };
        let shape = match operation.members() {
            Shape::Structure(members) => members.iter().find(|member| member.name == name),
            _ => None,
        };
        let (path, shape) = match shape.map(|member| member.shape) {
            Some(Shape::Structure([only])) => (join(name, only.name), Some(only.shape)),
            shape => (name.to_owned(), shape),
        };
        let limit = match shape {
            Some(Shape::Text(Limit::Chars(_, most) | Limit::Plain(_, most, _))) => Some(most),
            _ => None,
        };
        let index = self.add(path, limit, node);
        self.single.push((index, value_of));
    }

    fn add(&mut self, path: String, limit: Option<usize>, node: &Node) -> usize {
        let mut is_constant = true;
        let index = self.members.len();
        node.for_each_leaf(&mut |leaf| {
            is_constant &= matches!(leaf.template, Template::Literal(_));
            self.leaves.insert(leaf.path.clone(), index);
        });
        self.members.push(MappedMember { path, limit, is_constant });
        index
    }

    pub(super) fn members(&self) -> &[MappedMember] {
        &self.members
    }

    /// Path of the member that the leaf belongs to.
    pub(super) fn member_of(&self, leaf: &str) -> Option<&str> {
        self.leaves.get(leaf).map(|index| &*self.members[*index].path)
    }

    /// Calls `visit` with the index and the value of every filled member.
    pub(super) fn for_each_filled<'r>(
        &self,
        request: &'r ContactRequest<'_>,
        visit: &mut impl FnMut(usize, FilledValue<'r>),
    ) {
        for (index, value_of) in &self.single {
            if let Some(value) = value_of(request) {
                visit(*index, value);
            }
        }
        self.attributes.for_each(request.attributes.iter(), visit, |value| FilledValue::Text(value));
        self.references.for_each(request.references.iter(), visit, |reference| {
            let is_url = reference.r#type.as_deref() == Some("URL");
            match reference.value.as_deref() {
                Some(value) if is_url => FilledValue::Url(value),
                Some(value) => FilledValue::Text(value),
                None => FilledValue::Other,
            }
        });
        self.segments.for_each(request.segment_attributes.iter(), visit, |segment| {
            segment.value_string.as_deref().map_or(FilledValue::Other, FilledValue::Text)
        });
    }
}

impl MapEntries {
    /// A request has the entries in the mapping's order, without those that the row leaves out.
    fn for_each<'r, T: 'r>(
        &self,
        entries: impl Iterator<Item = (&'r str, &'r T)>,
        visit: &mut impl FnMut(usize, FilledValue<'r>),
        value_of: impl Fn(&'r T) -> FilledValue<'r>,
    ) {
        let mut left = &self.literal[..];
        for (key, value) in entries {
            if let Some(at) = left.iter().position(|(own, _)| own == key) {
                visit(left[at].1, value_of(value));
                left = &left[at + 1..];
            } else if let Some(index) = self.templated {
                visit(index, value_of(value));
            }
        }
    }
}

fn text(text: Option<&str>) -> Option<FilledValue<'_>> {
    text.map(FilledValue::Text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::{Mapping, MappingSource, MemberSource, OnTooLong, RequestTemplates};
    use crate::source::Header;

    fn mapping(operation: Operation, request: &serde_json::Value) -> Mapping {
        let templates =
            RequestTemplates { tree: request.as_object().unwrap().clone(), ..RequestTemplates::default() };
        let members = MemberSource::Templates(templates);
        let source = MappingSource { operation, on_too_long: OnTooLong::Truncate, members };
        Mapping::compile(&source, &Header::new(["a", "b", "c"].map(String::from).to_vec())).unwrap()
    }

    /// Paths and values of the members that a row fills.
    fn filled(mapping: &Mapping, cells: [&str; 3]) -> Vec<String> {
        let cells = csv::StringRecord::from(cells.to_vec());
        let mapped = mapping.map(&cells, 0).unwrap();
        let mut filled = Vec::new();
        mapping.for_each_filled(&mapped.request, &mut |index, value| {
            let member = &mapping.members()[index];
            if !member.is_constant {
                filled.push(format!("{} {value:?}", member.path));
            }
        });
        filled
    }

    #[test]
    fn every_filled_member_is_visited_with_its_value() {
        let mapping = mapping(
            Operation::CreateContact,
            &json!({
                "Name": "{{ a }}", "Description": "{{ b }}",
                "Attributes": {"first": "{{ b }}", "second": "{{ a }}!", "source": "x", "last": "{{ c }}"},
                "References": {
                    "Link": {"Type": "URL", "Value": "{{ b }}"}, "Note": {"Type": "STRING", "Value": "{{ a }}"},
                },
                "SegmentAttributes": {"s": {"ValueString": "{{ c }}"}},
                "UserInfo": {"UserId": "{{ c }}"},
            }),
        );
        let all = [
            "Name Text(\"1\")",
            "Description Text(\"2\")",
            "UserInfo.UserId Text(\"3\")",
            "Attributes.first Text(\"2\")",
            "Attributes.second Text(\"1!\")",
            "Attributes.last Text(\"3\")",
            "References.Link Url(\"2\")",
            "References.Note Text(\"1\")",
            "SegmentAttributes.s Text(\"3\")",
        ];
        assert_eq!(filled(&mapping, ["1", "2", "3"]), all);
        let without_b: Vec<&str> = all.into_iter().filter(|member| !member.contains("\"2\"")).collect();
        assert_eq!(filled(&mapping, ["1", " ", "3"]), without_b);
        let limit = |path: &str| mapping.members().iter().find(|member| member.path == path).unwrap().limit;
        assert_eq!(
            (limit("Name"), limit("UserInfo.UserId"), limit("SegmentAttributes.s")),
            (Some(1024), Some(256), None)
        );
    }

    #[test]
    fn numbers_and_lists_are_filled_without_a_text() {
        let mapping = mapping(
            Operation::StartTaskContact,
            &json!({
                "Name": "n", "ContactFlowId": "f", "ScheduledTime": "{{ a }}",
                "Attachments": [{"FileName": "{{ b }}", "S3Url": "{{ b }}"}],
            }),
        );
        assert_eq!(filled(&mapping, ["9", "f", ""]), ["ScheduledTime Other", "Attachments Other"]);
        assert_eq!(filled(&mapping, ["", "f", ""]), ["Attachments Other"]);
    }

    #[test]
    fn entries_whose_keys_cells_decide_are_one_member() {
        let attributes = json!({"{{ a }}": "{{ b }}", "own": "{{ c }}", "x{{ a }}": "{{ b }}"});
        let mapping = mapping(Operation::CreateContact, &json!({"Attributes": attributes}));
        let expected = ["Attributes.* Text(\"2\")", "Attributes.own Text(\"3\")", "Attributes.* Text(\"2\")"];
        assert_eq!(filled(&mapping, ["1", "2", "3"]), expected);
        assert!(filled(&mapping, ["own", "2", ""]).len() == 2, "the key of another entry");
    }

    #[test]
    fn a_cut_by_a_filter_and_one_by_the_limit_name_the_same_member() {
        let reference = json!({"Type": "STRING", "Value": "{{ a | truncate(5000) }}"});
        for (filters, cell, expected) in [
            ("a | truncate(3)", "größer", vec!["Name"]),
            ("a | truncate(6)", "größer", vec![]),
            ("a | truncate(bytes=7)", "größer", vec!["Name"]),
            ("a | title | truncate(3)", "größer", vec!["Name"]),
            ("a | upper | truncate(3)", "größer", vec!["Name"]),
        ] {
            let mapping = mapping(Operation::CreateContact, &json!({"Name": format!("{{{{ {filters} }}}}")}));
            let cells = csv::StringRecord::from(vec![cell, "", ""]);
            assert_eq!(mapping.map(&cells, 0).unwrap().cuts, expected, "{filters}");
            // A cut is reported once.
            assert!(mapping.map(&csv::StringRecord::from(vec!["x", "", ""]), 0).unwrap().cuts.is_empty());
        }
        let mapping = mapping(Operation::CreateContact, &json!({"References": {"a.b": reference}}));
        for size in [4080, 4100, 5001] {
            let long = "x".repeat(size);
            let cells = csv::StringRecord::from(vec![long.as_str(), "", ""]);
            let cuts = mapping.map(&cells, 0).unwrap().cuts;
            assert_eq!(cuts, if size > 4090 { vec!["References.a.b"] } else { vec![] }, "{size}");
        }
    }
}
