//! A mapping for people who are not to see what data its templates hold: columns and filters, and nothing else.

use serde_json::Value;

use super::RequestTemplates;
use super::lexer::{Part, Word, is_template, parts};
use super::passthrough::ALL;
use crate::request::{Limit, Operation, Shape};

/// What stands for a text that is left out.
const LEFT_OUT: &str = "…";

impl RequestTemplates {
    /// Every member by its path, with what it is made from. Texts of the mapping's own are left out, in templates too;
    /// only words that the operation itself defines stand, and ids of flows, quick connects and templates.
    pub fn sketch(&self, operation: Operation) -> Vec<(String, String)> {
        let mut members = Vec::new();
        sketch_members(&Value::Object(self.tree.clone()), Some(operation.members()), "", &mut members);
        members
    }
}

fn sketch_members(value: &Value, shape: Option<&Shape>, path: &str, members: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let shape = match shape {
                    Some(Shape::Structure(known)) => {
                        known.iter().find(|member| member.name == name).map(|member| &member.shape)
                    }
                    Some(Shape::Map(_, shape)) => Some(*shape),
                    Some(_) | None => None,
                };
                // A key may be a template, but a plain one is the name of a member.
                let is_plain = !is_template(name);
                let name = if is_plain { name.clone() } else { sketch(name) };
                sketch_members(value, shape, &below(&name), members);
            }
        }
        Value::Array(items) => {
            let shape = if let Some(Shape::List(shape)) = shape { Some(*shape) } else { None };
            for (index, item) in items.iter().enumerate() {
                sketch_members(item, shape, &below(&index.to_string()), members);
            }
        }
        Value::String(text) if text == ALL => {
            members.push((path.to_owned(), "every column that is not used elsewhere".to_owned()));
        }
        Value::String(text) if !is_shown(shape, path) => members.push((path.to_owned(), sketch(text))),
        Value::String(text) => {
            let is_plain = !is_template(text);
            members.push((path.to_owned(), if is_plain { text.clone() } else { sketch(text) }));
        }
        Value::Number(_) | Value::Bool(_) if is_shown(shape, path) => {
            members.push((path.to_owned(), value.to_string()));
        }
        Value::Number(_) | Value::Bool(_) => members.push((path.to_owned(), LEFT_OUT.to_owned())),
        Value::Null => {}
    }
}

/// Whether a literal for a member of this shape is nobody's data.
fn is_shown(shape: Option<&Shape>, path: &str) -> bool {
    match shape {
        Some(Shape::Text(Limit::OneOf(_)) | Shape::Integer | Shape::Time) => true,
        Some(Shape::Text(_)) => ["ContactFlowId", "QuickConnectId", "TaskTemplateId"].contains(&path),
        Some(Shape::Map(..) | Shape::Structure(_) | Shape::List(_)) | None => false,
    }
}

/// A template with its columns, filters and keywords, and without its literals, but for headers.
fn sketch(template: &str) -> String {
    let mut text = String::new();
    for part in parts(template) {
        match &part {
            Part::Text(literal) if literal.trim().is_empty() => {}
            Part::Text(_) | Part::Other => text.push_str(LEFT_OUT),
            Part::Expression(words) => block(&mut text, "{{", words, "}}"),
            // The braces of what has white-space control are not known any more, and do not matter here.
            Part::Statement(words) | Part::Controlled(words) => block(&mut text, "{%", words, "%}"),
        }
    }
    text
}

fn block(text: &mut String, open: &str, words: &[Word<'_>], close: &str) {
    text.push_str(open);
    for (at, word) in words.iter().enumerate() {
        let is_header = at >= 2
            && words[at - 2..at] == [Word::Name("row"), Word::Sign('[')]
            && words.get(at + 1) == Some(&Word::Sign(']'));
        let is_tight = matches!(word, Word::Sign('[' | ']' | '(' | ')' | '.' | ',' | '='))
            || at > 0 && matches!(words[at - 1], Word::Sign('[' | '(' | '.' | '='));
        if !is_tight {
            text.push(' ');
        }
        match word {
            Word::Name(name) => text.push_str(name),
            Word::Sign(sign) => text.push(*sign),
            Word::Text(header) if is_header => text.extend(["'", header, "'"]),
            Word::Text(_) | Word::Number(_) => text.push_str(LEFT_OUT),
        }
    }
    text.push(' ');
    text.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_filters_are_shown_and_literals_are_not() {
        for (template, shown) in [
            (
                "Dear {{ row['Ticket Subject'] | truncate(1024) }}",
                "…{{ row['Ticket Subject'] | truncate(…) }}",
            ),
            ("{{ opened | epoch('%Y-%m-%d', tz='Europe/London') }}", "{{ opened | epoch(…, tz=…) }}"),
            ("{{ 'secret' ~ row.agent }}", "{{ … ~ row.agent }}"),
            ("{% if a == 'x' %}{{ a }}{% endif %}", "{% if a==… %}{{ a }}{% endif %}"),
            (
                "{{ row['a']['b'] }} {{- c | default('nobody', true) }}",
                "{{ row['a'][…] }}{% c | default(…, true) %}",
            ),
            ("{# note #}{{ open", "……"),
            ("plain", "…"),
            ("", ""),
        ] {
            assert_eq!(sketch(template), shown, "{template}");
        }
    }

    #[test]
    fn only_words_of_the_operation_stand_as_they_are() {
        let tree = serde_json::json!({
            "Name": "Complaint of A. Person", "Channel": "TASK", "ExpiryDurationInMinutes": 5,
            "UserInfo": {"UserId": "arn:agent"}, "Unheard": {"Of": 7},
            "References": {"Ticket": {"Type": "URL", "Value": "https://user:password@x"}},
            "Attributes": {"*": "*", "{{ a }} of B. Person": "C. Person"},
        });
        let serde_json::Value::Object(tree) = tree else { panic!() };
        let templates = RequestTemplates { tree, ..RequestTemplates::default() };
        let members = templates.sketch(Operation::CreateContact);
        let members: Vec<_> = members.iter().map(|(path, made)| format!("{path}: {made}")).collect();
        assert_eq!(
            members,
            [
                "Name: …",
                "Channel: TASK",
                "ExpiryDurationInMinutes: 5",
                "UserInfo.UserId: …",
                "Unheard.Of: …",
                "References.Ticket.Type: URL",
                "References.Ticket.Value: …",
                "Attributes.*: every column that is not used elsewhere",
                "Attributes.{{ a }}…: …",
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_literal_is_ever_shown(before in "[{}%#'\"a|\\[\\]. \\\\-]{0,12}", after in "[{}%#'\"a|\\[\\]. \\\\-]{0,12}") {
            let shown = sketch(&format!("{before}{{{{ 'SECRET' }}}}{after}"));
            // Inside of a block that was opened before it, it may be a name.
            proptest::prop_assert!(!shown.contains("SECRET") || before.contains('{') || before.contains('\''), "{shown}");
        }
    }
}
