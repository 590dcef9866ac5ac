//! `[request]` as the JSON that `aws connect create-contact --generate-cli-skeleton` prints.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::JobFileError;
use crate::mapping::RequestTemplates;
use crate::request::{Operation, Shape};

/// A skeleton, filled in or not.
#[derive(Debug)]
pub(super) struct Skeleton {
    /// Its `InstanceId`, if it has one.
    pub(super) instance_id: Option<String>,
    /// The operation that its members belong to, if they belong to one alone.
    pub(super) operation: Option<Operation>,
    /// Its members.
    pub(super) request: RequestTemplates,
}

/// What the AWS CLI writes for the name of a map's entry.
const ANY_KEY: &str = "KeyName";

/// What the AWS CLI writes for a value of a segment attribute.
const FORMS: [&str; 5] = ["ValueString", "ValueMap", "ValueInteger", "ValueList", "ValueArn"];

/// What the AWS CLI writes for a moment.
const ANY_TIME: &str = "1970-01-01T00:00:00";

/// Whether a job file is JSON: no TOML begins so.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

impl Skeleton {
    /// Reads the skeleton in `path`. What the AWS CLI wrote to be filled in, and was not, is left out: the
    /// entries `KeyName`, the expiry of zero minutes, the year 1970, items of empty texts. Empty texts are left
    /// out in any case.
    ///
    /// # Errors
    /// It is no JSON object.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, JobFileError> {
        let syntax = |line, message: String| JobFileError::Syntax { path: path.to_owned(), line, message };
        let value: Value =
            serde_json::from_str(text).map_err(|error| syntax(error.line(), format!("no JSON: {error}")))?;
        let Value::Object(mut tree) = value else {
            return Err(syntax(1, "must be a JSON object with the operation's members".into()));
        };
        let instance_id = match tree.remove("InstanceId") {
            Some(Value::String(id)) if !id.is_empty() => Some(id),
            Some(_) | None => None,
        };
        let mut lines = BTreeMap::new();
        if let Some((member, line)) = lines_of_members(text, &mut lines) {
            return Err(syntax(line, format!("{member} is given twice")));
        }
        let operation = operation_of(&tree);
        tree.retain(|name, value| !is_unfilled(name, value));
        for value in tree.values_mut() {
            strip(value);
        }
        let request =
            RequestTemplates { file: path.display().to_string(), tree, lines, tables: BTreeMap::new() };
        Ok(Skeleton { instance_id, operation, request })
    }
}

/// The operation that has all of these members, if it is only one.
fn operation_of(tree: &Map<String, Value>) -> Option<Operation> {
    let has_all = |operation: &Operation| match operation.members() {
        Shape::Structure(known) => {
            tree.keys().all(|name| name == "ClientToken" || known.iter().any(|member| member.name == name))
        }
        _ => false,
    };
    let mut fitting = Operation::ALL.into_iter().filter(has_all);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        (_, _) => None,
    }
}

/// Whether a member of the operation itself is as the AWS CLI wrote it.
fn is_unfilled(name: &str, value: &Value) -> bool {
    match name {
        "ExpiryDurationInMinutes" => *value == 0,
        "ScheduledTime" => value == ANY_TIME,
        "Attachments" => is_empty(value),
        _ => value.is_null(),
    }
}

/// Takes the entries out that nobody has given a name or a value.
fn strip(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|name, value| !(value.is_null() || name == ANY_KEY && is_empty(value)));
        members.values_mut().for_each(strip);
        // The five forms of a value, of which one is to be filled in.
        if FORMS.iter().all(|form| members.contains_key(*form)) {
            members.retain(|_, value| !is_empty(value));
        }
    }
    if let Value::Array(items) = value {
        items.iter_mut().for_each(strip);
    }
}

/// Whether there is nothing in it but what the AWS CLI wrote.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(items) => items.iter().all(is_empty),
        // A type and a status have no empty form.
        Value::Object(members) => {
            members.iter().all(|(name, value)| name == "Type" || name == "Status" || is_empty(value))
        }
        Value::Bool(_) => false,
    }
}

/// Enters the lines of all members, by dotted path; the first that is given twice. `text` is known to be
/// JSON.
fn lines_of_members(text: &str, lines: &mut BTreeMap<String, usize>) -> Option<(String, usize)> {
    /// An open object or list, and where in it the reading is.
    struct Open {
        step: String,
        is_list: bool,
        items: usize,
    }
    let mut open: Vec<Open> = Vec::new();
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
                open.push(Open { step, is_list: c == '[', items: 0 });
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
                let mut end = at + 1;
                while let Some((next, c)) = characters.next() {
                    end = next;
                    match c {
                        '\\' => {
                            characters.next();
                        }
                        '"' => break,
                        _ => {}
                    }
                }
                let is_key = text[end + 1..].trim_start().starts_with(':');
                if is_key && open.last().is_some_and(|parent| !parent.is_list) {
                    key = serde_json::from_str(&text[at..=end]).unwrap_or_default();
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
    fn what_was_not_filled_in_is_left_out() {
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
    fn members_know_their_lines() {
        let text = "{\n \"Name\": \"a, \\\"b\\\": {\",\n \"References\": {\"T\":\n {\"Value\": \"x\"}},\n                     \"Attachments\": [{}, {\n\"S3Url\": \"u\"}]}";
        let lines = parse(text).unwrap().request.lines;
        let expected = [("Name", 2), ("References", 3), ("References.T", 3), ("References.T.Value", 4)];
        for (path, line) in expected {
            assert_eq!(lines.get(path), Some(&line), "{path}");
        }
        assert_eq!(lines.get("Attachments.1.S3Url"), Some(&6));
    }

    #[test]
    fn of_a_segment_value_what_is_filled_in_remains() {
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
    fn what_is_no_json_object_is_refused_with_its_line() {
        assert!(parse("{\n\"a\": }").unwrap_err().starts_with("s.json, line 2: no JSON"));
        assert!(parse("[]").unwrap_err().contains("must be a JSON object"));
    }
}
