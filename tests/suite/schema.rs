//! A validator for the keywords of JSON Schema that the published schema uses. Any other keyword fails the test.

use std::collections::BTreeSet;

use serde_json::Value;

/// The first violation of a schema by a value. A member that the schema does not name is a violation.
pub fn problem(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    validate(root, schema, value).err()
}

fn validate(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let named = check(root, schema, value)?;
    match value.as_object().and_then(|members| members.keys().find(|name| !named.contains(*name))) {
        Some(unnamed) => Err(format!("'{unnamed}' is not in the schema: {value}")),
        None => Ok(()),
    }
}

/// Checks a value against the keywords, and returns the members that the schema names.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<BTreeSet<String>, String> {
    let mut named = BTreeSet::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let violation = || Err(format!("not {keyword} {rule}: {value}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                named.extend(check(root, root.pointer(target).unwrap(), value)?);
            }
            "const" if rule != value => return violation(),
            "enum" if !rule.as_array().unwrap().contains(value) => return violation(),
            "const" | "enum" => {}
            "type" => {
                let allowed = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !allowed.iter().any(|name| is_of_type(name.as_str().unwrap(), value)) {
                    return violation();
                }
            }
            "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                return violation();
            }
            "maximum" if value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()) => {
                return violation();
            }
            "minimum" | "maximum" => {}
            "required" => {
                if rule.as_array().unwrap().iter().any(|name| value.get(name.as_str().unwrap()).is_none()) {
                    return violation();
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        validate(root, rule, member)?;
                        named.insert(name.clone());
                    }
                }
            }
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    validate(root, rule, member)?;
                    named.insert(name.clone());
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    validate(root, rule, item)?;
                }
            }
            "oneOf" | "anyOf" => {
                let results = rule.as_array().unwrap().iter().map(|rule| check(root, rule, value));
                let matching: Vec<_> = results.filter_map(Result::ok).collect();
                if matching.is_empty() || keyword == "oneOf" && matching.len() > 1 {
                    return Err(format!("{} schemas of {keyword} match: {value}", matching.len()));
                }
                named.extend(matching.into_iter().flatten());
            }
            unknown => return Err(format!("the keyword '{unknown}' is not implemented")),
        }
    }
    Ok(named)
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
