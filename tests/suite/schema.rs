//! Holds JSON against a schema, as far as the published one goes: a keyword that is not known here fails.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with a value; members that the schema does not name are wrong too.
pub fn problem(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    strictly(root, schema, value).err()
}

fn strictly(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let named = check(root, schema, value)?;
    match value.as_object().and_then(|members| members.keys().find(|name| !named.contains(*name))) {
        Some(stranger) => Err(format!("'{stranger}' is not in the schema: {value}")),
        None => Ok(()),
    }
}

/// The members that the schema names.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<BTreeSet<String>, String> {
    let mut named = BTreeSet::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let wrong = || Err(format!("not {keyword} {rule}: {value}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                named.extend(check(root, root.pointer(target).unwrap(), value)?);
            }
            "const" if rule != value => return wrong(),
            "enum" if !rule.as_array().unwrap().contains(value) => return wrong(),
            "const" | "enum" => {}
            "type" => {
                let allowed = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !allowed.iter().any(|name| is(name.as_str().unwrap(), value)) {
                    return wrong();
                }
            }
            "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                return wrong();
            }
            "maximum" if value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()) => {
                return wrong();
            }
            "minimum" | "maximum" => {}
            "required" => {
                if rule.as_array().unwrap().iter().any(|name| value.get(name.as_str().unwrap()).is_none()) {
                    return wrong();
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        strictly(root, rule, member)?;
                        named.insert(name.clone());
                    }
                }
            }
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    strictly(root, rule, member)?;
                    named.insert(name.clone());
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    strictly(root, rule, item)?;
                }
            }
            "oneOf" | "anyOf" => {
                let ways = rule.as_array().unwrap().iter().map(|rule| check(root, rule, value));
                let fitting: Vec<_> = ways.filter_map(Result::ok).collect();
                if fitting.is_empty() || keyword == "oneOf" && fitting.len() > 1 {
                    return Err(format!("{} fit of {keyword}: {value}", fitting.len()));
                }
                named.extend(fitting.into_iter().flatten());
            }
            unknown => return Err(format!("this test knows nothing of '{unknown}'")),
        }
    }
    Ok(named)
}

fn is(name: &str, value: &Value) -> bool {
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
