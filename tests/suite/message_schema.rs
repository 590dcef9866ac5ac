//! JSON output follows `samples/messages.schema.json`. The validator below knows the keywords of JSON Schema
//! that this schema uses, and fails on any other.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::*;

fn published_schema() -> Value {
    let text = std::fs::read_to_string(repository("samples/messages.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages of all commands: at least one of every type.
fn every_message() -> Vec<Value> {
    let folder = Folder::new();
    let json = ["--output", "json", "--report-every", "0s"];
    let too_long = "x".repeat(1025);
    folder.write("t.csv", format!("{}K999,{too_long}\n", numbered_csv(20)));
    let endpoint = Endpoint::start(|number, _| match number % 3 {
        0 => Reply::Error(400, "InvalidRequestException"),
        1 => Reply::Error(500, "InternalServiceException"),
        _ => Reply::Created,
    });
    let mut messages = Vec::new();
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--show", "1", "--show-key", "K999"];
    let check = [&check[..], &json].concat();
    messages.extend(lines(&folder.run(&check).expect(1)));
    let url = endpoint.url();
    let run = [&json[..], &["--on-unknown", "hold", "--max-attempts", "1"]].concat();
    folder.write("long.csv", format!("id,Name\nL1,{too_long}\n"));
    let cut = ["run", "long.csv", "--key", "id", "--sandbox", "--rate", "1000", "--on-too-long", "truncate"];
    messages.extend(lines(&folder.run(&[&cut[..], &json[..2]].concat()).expect(0)));
    messages.extend(lines(&folder.run(&import(&url, &run)).expect(1)));
    messages.extend(lines(&folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0)));
    // A sandbox without these contacts, so that `verify` finds them missing.
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let target = ["t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    let rates = ["--describe-rate", "10000", "--search-rate", "10000"];
    messages.extend(lines(&folder.run(&[&["verify"], &target[..], &rates, &json].concat()).expect(1)));
    messages.extend(lines(&folder.run(&[&["doctor"], &target[..], &json[..2]].concat()).expect(0)));
    let page = ["report", "--ledger", "t.ledger.db", "--sandbox", "--output", "json"];
    messages.extend(lines(&folder.run(&page).expect(0)));
    // A service that asks for a pause, and that refuses the time of the next signature.
    folder.write("late.csv", numbered_csv(1));
    let late = Endpoint::serve(|request| {
        let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned());
        let asks = ("x-amz-retry-after", "200".to_owned());
        match request.number {
            0 => Reply::Raw(429, vec![asks], String::new()),
            1 => {
                Reply::Raw(400, vec![date, ("x-amzn-errortype", "RequestExpired".to_owned())], String::new())
            }
            _ => Reply::Created,
        }
    });
    let url = late.url();
    let own = [
        &["run", "late.csv", "--key", "id", "--sandbox", "--rate", "1000", "--endpoint-url", &url],
        &json[..2],
    ];
    messages.extend(lines(&folder.run(&own.concat()).expect(0)));
    // A ledger that another program keeps busy.
    let other = rusqlite::Connection::open(folder.path("late.sandbox.ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let run = start_with_stderr_file(&folder, &own.concat());
    until("the wait is told", || stderr_so_far(&folder).contains("kept busy"));
    other.execute_batch("COMMIT").unwrap();
    messages.extend(lines(&run.end().expect(0)));
    messages.extend(lines(&folder.run(&["run", "missing.csv", "--sandbox", "--output", "json"]).expect(2)));
    messages
}

#[test]
fn every_message_follows_the_schema_and_has_its_version() {
    let schema = published_schema();
    let mut types = BTreeSet::new();
    for message in every_message() {
        assert_eq!(violation(&schema, &schema, &message), None);
        let names: Vec<_> = message.as_object().unwrap().keys().take(2).collect();
        assert_eq!(names, ["message_type", "schema_version"]);
        assert_eq!(message["schema_version"], 1);
        let phase = message["phase"].as_str().map(|phase| format!(" {phase}"));
        types.insert(format!("{}{}", message["message_type"].as_str().unwrap(), phase.unwrap_or_default()));
    }
    let phases = ["", " checking", " checked", " importing", " paused", " verifying"];
    let expected: BTreeSet<String> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|definition| definition["properties"]["message_type"]["const"].as_str().unwrap())
        .flat_map(|message_type| match message_type {
            "status" => phases.iter().map(|phase| format!("status{phase}")).collect(),
            other => vec![other.to_owned()],
        })
        .collect();
    assert_eq!(types, expected);
}

#[test]
fn exported_rows_follow_the_schema() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(3), "x".repeat(1025)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &[])).expect(1);
    let schema = published_schema();
    let export = ["export", "--ledger", "t.ledger.db", "--output", "json"];
    for (more, definition) in [(&[][..], "ExportedRow"), (&["--join", "t.csv"], "JoinedRow")] {
        let rows = lines(&folder.run(&[&export[..], more].concat()).expect(0));
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(violation(&schema, &schema["$defs"][definition], &row), None);
        }
    }
}

#[test]
fn a_message_that_violates_the_schema_is_detected() {
    let schema = published_schema();
    let valid = serde_json::json!({
        "message_type": "exit_error", "schema_version": 1, "code": 2, "message": "m",
    });
    assert_eq!(violation(&schema, &schema, &valid), None);
    let changes: [(&str, Value); 5] = [
        ("message_type", "exit".into()),
        ("schema_version", 2.into()),
        ("code", (-1).into()),
        ("message", Value::Null),
        ("more", 1.into()),
    ];
    for (member, value) in changes {
        let mut message = valid.clone();
        message[member] = value;
        assert!(violation(&schema, &schema, &message).is_some(), "{member}");
    }
}

/// The first violation of a schema by a value. A member that the schema does not name is a violation.
fn violation(root: &Value, schema: &Value, value: &Value) -> Option<String> {
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
    if schema == &Value::Bool(true) {
        return Ok(value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect());
    }
    let mut named = BTreeSet::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let mismatch = || Err(format!("not {keyword} {rule}: {value}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                named.extend(check(root, root.pointer(target).unwrap(), value)?);
            }
            "const" if rule != value => return mismatch(),
            "enum" if !rule.as_array().unwrap().contains(value) => return mismatch(),
            "const" | "enum" => {}
            "type" => {
                let allowed = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !allowed.iter().any(|name| is_of_type(name.as_str().unwrap(), value)) {
                    return mismatch();
                }
            }
            "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                return mismatch();
            }
            "maximum" if value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()) => {
                return mismatch();
            }
            "minimum" | "maximum" => {}
            "required" => {
                if rule.as_array().unwrap().iter().any(|name| value.get(name.as_str().unwrap()).is_none()) {
                    return mismatch();
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
