//! The members of a mapping without the data in it, for diagnostics that may be mailed.

use serde_json::Value;

use super::lexer::{Lexeme, TemplatePart, is_template, parts};
use super::request_table::ALL_COLUMNS;
use super::source::RequestTemplates;
use super::tree::join;
use crate::request::{Operation, Shape};

/// Replaces a literal.
const REDACTED: &str = "…";

impl RequestTemplates {
    /// The path and the template of each member, with literals replaced by `…`. Shown as they are: columns,
    /// filters, values that the operation defines, and ids of flows, users and the like.
    pub fn redacted_members(&self, operation: Operation) -> Vec<(String, String)> {
        let mut members = Vec::new();
        redact_members(&Value::Object(self.tree.clone()), Some(operation.members()), false, "", &mut members);
        members
    }
}

/// `is_id` says that the operation's table has an id here.
fn redact_members(
    value: &Value,
    shape: Option<&Shape>,
    is_id: bool,
    path: &str,
    members: &mut Vec<(String, String)>,
) {
    let is_shown = is_id || shape.is_some_and(Shape::is_defined);
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let member = match shape {
                    Some(Shape::Structure(known)) => known.iter().find(|member| member.name == name),
                    Some(_) | None => None,
                };
                let shape = match shape {
                    Some(Shape::Map(_, shape)) => Some(*shape),
                    Some(_) | None => member.map(|member| &member.shape),
                };
                let name = if is_template(name) { redact(name) } else { name.clone() };
                let is_id = member.is_some_and(|member| member.is_id);
                redact_members(value, shape, is_id, &join(path, &name), members);
            }
        }
        Value::Array(items) => {
            let shape = if let Some(Shape::List(shape)) = shape { Some(*shape) } else { None };
            for (index, item) in items.iter().enumerate() {
                redact_members(item, shape, false, &join(path, &index.to_string()), members);
            }
        }
        Value::String(text) if text == ALL_COLUMNS => {
            members.push((path.to_owned(), "every column that is not used elsewhere".to_owned()));
        }
        Value::String(text) => {
            let is_redacted = is_template(text) || !is_shown;
            members.push((path.to_owned(), if is_redacted { redact(text) } else { text.clone() }));
        }
        Value::Number(_) | Value::Bool(_) => {
            let text = if is_shown { value.to_string() } else { REDACTED.to_owned() };
            members.push((path.to_owned(), text));
        }
        Value::Null => {}
    }
}

/// A template with all literals but headers replaced.
fn redact(template: &str) -> String {
    let mut text = String::new();
    for part in parts(template) {
        match &part {
            TemplatePart::Text(literal) if literal.trim().is_empty() => {}
            TemplatePart::Text(_) | TemplatePart::Opaque => text.push_str(REDACTED),
            TemplatePart::Expression(lexemes) => block(&mut text, "{{", lexemes, "}}"),
            TemplatePart::Statement(lexemes) => block(&mut text, "{%", lexemes, "%}"),
        }
    }
    text
}

fn block(text: &mut String, open: &str, lexemes: &[Lexeme<'_>], close: &str) {
    text.push_str(open);
    for (at, lexeme) in lexemes.iter().enumerate() {
        let is_header = at >= 2
            && lexemes[at - 2..at] == [Lexeme::Name("row"), Lexeme::Sign('[')]
            && lexemes.get(at + 1) == Some(&Lexeme::Sign(']'));
        let is_tight = matches!(lexeme, Lexeme::Sign('[' | ']' | '(' | ')' | '.' | ',' | '='))
            || at > 0 && matches!(lexemes[at - 1], Lexeme::Sign('[' | '(' | '.' | '='));
        if !is_tight {
            text.push(' ');
        }
        match lexeme {
            Lexeme::Name(name) => text.push_str(name),
            Lexeme::Sign(sign) => text.push(*sign),
            Lexeme::Text(header) if is_header => text.extend(["'", header, "'"]),
            Lexeme::Text(_) | Lexeme::Number(_) => text.push_str(REDACTED),
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
            assert_eq!(redact(template), shown, "{template}");
        }
    }

    #[test]
    fn only_values_that_the_operation_defines_are_shown() {
        let tree = serde_json::json!({
            "Name": "Complaint of A. Person", "Channel": "TASK", "ExpiryDurationInMinutes": 5,
            "UserInfo": {"UserId": "arn:agent"}, "Unheard": {"Of": 7},
            "References": {"Ticket": {"Type": "URL", "Value": "https://user:password@x"}},
            "Attributes": {"*": "*", "{{ a }} of B. Person": "C. Person"},
        });
        let serde_json::Value::Object(tree) = tree else { panic!() };
        let templates = RequestTemplates { tree, ..RequestTemplates::default() };
        let members = templates.redacted_members(Operation::CreateContact);
        let members: Vec<_> = members.iter().map(|(path, made)| format!("{path}: {made}")).collect();
        assert_eq!(
            members,
            [
                "Name: …",
                "Channel: TASK",
                "ExpiryDurationInMinutes: 5",
                "UserInfo.UserId: arn:agent",
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
            let shown = redact(&format!("{before}{{{{ 'SECRET' }}}}{after}"));
            // Inside of a block that was opened before it, it may be a name.
            proptest::prop_assert!(!shown.contains("SECRET") || before.contains('{') || before.contains('\''), "{shown}");
        }
    }
}
