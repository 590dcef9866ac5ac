//! Enumerations of a request skeleton that the service refuses. `--generate-cli-skeleton` of the AWS CLI draws them at
//! random, so a skeleton that was not touched there is another request each time.

use serde_json::{Map, Value};

use crate::request::Operation;
use crate::request::limits::{self, Limit};

/// An enumeration that the service refuses.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct RefusedValue {
    /// Path of the member.
    pub(super) member: String,
    /// The problem and the value to write.
    pub(super) message: String,
}

impl RefusedValue {
    fn new(member: &str, value: &str, rule: &str, write: &str) -> Self {
        RefusedValue {
            member: member.to_owned(),
            message: format!(
                "{member} is '{value}', but {rule}; the AWS CLI draws the enumerations of a skeleton at random: write \
                 \"{write}\""
            ),
        }
    }

    /// The first refused enumeration of a skeleton, whose operation may be unknown. Templates are left to the rows.
    pub(super) fn find(tree: &Map<String, Value>, operation: Option<Operation>) -> Option<Self> {
        let one_of = |member: &str, value: &str, limit: Limit, write: &str| {
            let rule = limit.breach("", value)?.rule;
            Some(RefusedValue::new(member, value, &format!("it {rule}"), write))
        };
        let channel = literal(tree.get("Channel"));
        if let Some(found) = channel.and_then(|channel| one_of("Channel", channel, limits::CHANNELS, "TASK"))
        {
            return Some(found);
        }
        let methods = channel.map(limits::initiation_methods).unwrap_or_default();
        if let (Some(channel), Some(method)) = (channel, literal(tree.get("InitiationMethod")))
            && !methods.contains(&method)
        {
            let rule = format!("for channel {channel} it must be {}", methods.join(" or "));
            return Some(RefusedValue::new(
                "InitiationMethod",
                method,
                &rule,
                methods.first().unwrap_or(&"API"),
            ));
        }
        if let Some(state) = literal(tree.get("InitiateAs")) {
            let found = one_of("InitiateAs", state, limits::INITIATE_AS, "COMPLETED");
            if found.is_some() {
                return found;
            }
            if state == "COMPLETED" && channel.is_some_and(|channel| channel != "TASK") {
                let rule = "it can be COMPLETED for channel TASK only";
                return Some(RefusedValue::new("InitiateAs", state, rule, "CONNECTED_TO_USER"));
            }
        }
        let reference_types = match operation {
            Some(Operation::StartTaskContact) => limits::TASK_REFERENCE_TYPES,
            Some(Operation::CreateContact) | None => limits::REFERENCE_TYPES,
        };
        let references = tree.get("References").and_then(Value::as_object).into_iter().flatten();
        let mut types =
            references.filter_map(|(name, reference)| Some((name, literal(reference.get("Type"))?)));
        types
            .find_map(|(name, kind)| one_of(&format!("References.{name}.Type"), kind, reference_types, "URL"))
    }
}

/// The text of a member, unless it is empty or a template.
fn literal(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty() && !text.contains("{{") && !text.contains("{%"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(value: &Value) -> Option<String> {
        RefusedValue::find(value.as_object().unwrap(), Some(Operation::CreateContact))
            .map(|found| found.message)
    }

    #[test]
    fn a_drawn_value_that_the_service_refuses_is_named_with_the_one_to_write() {
        let drawn = "; the AWS CLI draws the enumerations of a skeleton at random: write";
        for (tree, problem, write) in [
            (
                json!({"Channel": "CHAT"}),
                "Channel is 'CHAT', but it must be one of VOICE, EMAIL, TASK",
                "TASK",
            ),
            (
                json!({"Channel": "TASK", "InitiationMethod": "CALLBACK"}),
                "InitiationMethod is 'CALLBACK', but for channel TASK it must be API",
                "API",
            ),
            (
                json!({"Channel": "VOICE", "InitiationMethod": "TRANSFER", "InitiateAs": "COMPLETED"}),
                "InitiateAs is 'COMPLETED', but it can be COMPLETED for channel TASK only",
                "CONNECTED_TO_USER",
            ),
            (
                json!({"References": {"Ticket": {"Value": "x", "Type": "CONTACT_ANALYSIS"}}}),
                "References.Ticket.Type is 'CONTACT_ANALYSIS', but it must be one of URL, NUMBER, STRING, DATE, EMAIL, ATTACHMENT",
                "URL",
            ),
        ] {
            assert_eq!(refused(&tree), Some(format!("{problem}{drawn} \"{write}\"")));
        }
    }

    #[test]
    fn accepted_values_templates_and_empty_texts_are_left() {
        for tree in [
            json!({"Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED"}),
            json!({"Channel": "{{ channel }}", "InitiationMethod": "CALLBACK", "InitiateAs": ""}),
            json!({"Channel": "EMAIL", "InitiationMethod": "FLOW", "References": {"a": {"Type": "DATE"}}}),
            json!({"Name": "CHAT"}),
        ] {
            assert_eq!(refused(&tree), None, "{tree}");
        }
    }
}
