//! Reads a request from the JSON that `aws connect create-contact --generate-cli-skeleton` prints.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::JobFileError;
use super::drawn_values::RefusedValue;
use crate::mapping::RequestTemplates;
use crate::printable::ShownPath as _;
use crate::request::{Member, Operation, Shape};

/// A skeleton without the parts that are not filled in.
#[derive(Debug)]
pub(super) struct Skeleton {
    /// The `InstanceId`, if it is filled in.
    pub(super) instance_id: Option<String>,
    /// The operation, if only one has all members of the skeleton.
    pub(super) operation: Option<Operation>,
    /// The members.
    pub(super) request: RequestTemplates,
}

/// The AWS CLI's placeholder for the key of a map entry.
const ANY_KEY: &str = "KeyName";

/// The members that the AWS CLI writes for a segment attribute, of which one is to be filled in.
const SEGMENT_VALUES: [&str; 5] = ["ValueString", "ValueMap", "ValueInteger", "ValueList", "ValueArn"];

/// The AWS CLI's placeholder for a time.
const ANY_TIME: &str = "1970-01-01T00:00:00";

/// Whether a job file is JSON: TOML never starts with `{`.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

impl Skeleton {
    /// Parses the skeleton `text` of the file `path`. Placeholders of the AWS CLI are left out: entries
    /// `KeyName`, an expiry of 0 minutes, the year 1970, attachments of empty texts.
    ///
    /// # Errors
    /// The text is not a JSON object, gives a member twice, or has an enumeration that the service refuses.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, JobFileError> {
        let syntax = |line, message: String| JobFileError::Syntax { path: path.to_owned(), line, message };
        let value: Value = serde_json::from_str(text)
            .map_err(|error| syntax(error.line(), format!("invalid JSON: {error}")))?;
        let Value::Object(mut tree) = value else {
            return Err(syntax(1, "must be a JSON object with the operation's members".into()));
        };
        let instance_id = match tree.remove("InstanceId") {
            Some(Value::String(id)) if !id.is_empty() => Some(id),
            Some(_) | None => None,
        };
        let mut lines = BTreeMap::new();
        if let Some((member, line)) = collect_lines(text, &mut lines) {
            return Err(syntax(line, format!("{member} is given twice")));
        }
        let operation = operation_of(&tree);
        tree.retain(|name, value| !is_placeholder(name, value));
        for value in tree.values_mut() {
            remove_placeholders(value);
        }
        if let Some(RefusedValue { member, message }) = RefusedValue::find(&tree, operation) {
            return Err(syntax(lines.get(&member).copied().unwrap_or(1), message));
        }
        let request = RequestTemplates { file: path.shown(), tree, lines, tables: BTreeMap::new() };
        Ok(Skeleton { instance_id, operation, request })
    }
}

/// The only operation that has all of these members; none if there are several or none.
fn operation_of(tree: &Map<String, Value>) -> Option<Operation> {
    let is_known = |known: &[Member], name: &str| known.iter().any(|member| member.name == name);
    let mut fitting = Operation::ALL.into_iter().filter(|operation| {
        let Shape::Structure(known) = operation.members() else { return false };
        tree.keys().all(|name| name == "ClientToken" || is_known(known, name))
    });
    let first = fitting.next();
    first.filter(|_| fitting.next().is_none())
}

/// Whether a top-level member is a placeholder.
fn is_placeholder(name: &str, value: &Value) -> bool {
    match name {
        "ExpiryDurationInMinutes" => *value == 0,
        "ScheduledTime" => value == ANY_TIME,
        "Attachments" => is_empty(value),
        _ => value.is_null(),
    }
}

/// Removes the placeholders below a member.
fn remove_placeholders(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|name, value| !(value.is_null() || name == ANY_KEY && is_empty(value)));
        members.values_mut().for_each(remove_placeholders);
        if SEGMENT_VALUES.iter().all(|name| members.contains_key(*name)) {
            members.retain(|_, value| !is_empty(value));
        }
    }
    if let Value::Array(items) = value {
        items.iter_mut().for_each(remove_placeholders);
    }
}

/// Whether a value has placeholders only.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(items) => items.iter().all(is_empty),
        // The AWS CLI writes a valid type and status even if nothing else is filled in.
        Value::Object(members) => {
            members.iter().all(|(name, value)| name == "Type" || name == "Status" || is_empty(value))
        }
        Value::Bool(_) => false,
    }
}

/// Collects the line of each member by dotted path; returns the first member that is given twice. `text` must
/// be valid JSON.
fn collect_lines(text: &str, lines: &mut BTreeMap<String, usize>) -> Option<(String, usize)> {
    /// An object or list that is not closed yet.
    struct Container {
        step: String,
        is_list: bool,
        items: usize,
    }
    let mut open: Vec<Container> = Vec::new();
    let mut key = String::new();
    let mut line = 1;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\n' => line += 1,
            '{' | '[' => {
                let step = match open.last() {
                    Some(parent) if parent.is_list => parent.items.to_string(),
                    Some(_) => std::mem::take(&mut key),
                    None => String::new(),
                };
                open.push(Container { step, is_list: c == '[', items: 0 });
            }
            '}' | ']' => {
                open.pop();
            }
            ',' => {
                if let Some(parent) = open.last_mut() {
                    parent.items += 1;
                }
            }
            '"' => {
                let mut strings = serde_json::Deserializer::from_str(&text[at..]).into_iter::<String>();
                let string = strings.next().and_then(Result::ok).unwrap_or_default();
                let end = at + strings.byte_offset();
                while characters.next_if(|(next, _)| *next < end).is_some() {}
                if text[end..].trim_start().starts_with(':') {
                    key = string;
                    let steps = open.iter().map(|parent| parent.step.as_str()).chain([key.as_str()]);
                    let path: Vec<&str> = steps.filter(|step| !step.is_empty()).collect();
                    let path = path.join(".");
                    if lines.insert(path.clone(), line).is_some() {
                        return Some((path, line));
                    }
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Skeleton, String> {
        Skeleton::parse(Path::new("s.json"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn placeholders_are_left_out() {
        let skeleton = parse(
            r#"{"InstanceId": "", "ClientToken": "", "Attributes": {"KeyName": ""},
                "References": {"KeyName": {"Value": "", "Type": "URL"}, "Ticket": {"Value": "{{ u }}", "Type": "URL"}},
                "Channel": "TASK", "ExpiryDurationInMinutes": 0, "UserInfo": {"UserId": ""}, "InitiateAs": "",
                "SegmentAttributes": {"KeyName": {"ValueString": "", "ValueMap": {"KeyName": {}}, "ValueInteger": 0}}}"#,
        )
        .unwrap();
        let tree = Value::Object(skeleton.request.tree);
        let expected = serde_json::json!({
            "ClientToken": "", "Attributes": {},
            "References": {"Ticket": {"Value": "{{ u }}", "Type": "URL"}}, "Channel": "TASK",
            "UserInfo": {"UserId": ""}, "InitiateAs": "", "SegmentAttributes": {},
        });
        assert_eq!((tree, skeleton.operation), (expected, Some(Operation::CreateContact)));
        assert_eq!(skeleton.instance_id, None);
    }

    #[test]
    fn each_member_has_its_line() {
        let text = "{\n \"Name\": \"a, \\\"b\\\": {\",\n \"References\": {\"T\":\n {\"Value\": \"x\"}},\n                     \"Attachments\": [{}, {\n\"S3Url\": \"u\"}]}";
        let lines = parse(text).unwrap().request.lines;
        let expected = [("Name", 2), ("References", 3), ("References.T", 3), ("References.T.Value", 4)];
        for (path, line) in expected {
            assert_eq!(lines.get(path), Some(&line), "{path}");
        }
        assert_eq!(lines.get("Attachments.1.S3Url"), Some(&6));
    }

    #[test]
    fn the_filled_in_part_of_a_segment_value_remains() {
        let five = r#""ValueMap": {"KeyName": {}}, "ValueInteger": 0, "ValueList": [{}], "ValueArn": """#;
        let text = format!(
            r#"{{"SegmentAttributes": {{"a": {{"ValueString": "x", {five}}}, "b": {{"ValueString": "", {five}}},
                "c": {{"ValueInteger": 0}}}}}}"#
        );
        let tree = parse(&text).unwrap().request.tree;
        let expected = serde_json::json!({"a": {"ValueString": "x"}, "b": {}, "c": {"ValueInteger": 0}});
        assert_eq!(tree["SegmentAttributes"], expected);
    }

    #[test]
    fn a_member_that_is_given_twice_is_refused_with_its_line() {
        let error = parse("{\"Attributes\": {\"a\": \"1\"},\n\"Attributes\": {}}").unwrap_err();
        assert_eq!(error, "s.json, line 2: Attributes is given twice");
    }

    #[test]
    fn a_text_that_is_not_a_json_object_is_refused_with_its_line() {
        assert!(parse("{\n\"a\": }").unwrap_err().starts_with("s.json, line 2: invalid JSON"));
        assert!(parse("[]").unwrap_err().contains("must be a JSON object"));
    }
}
