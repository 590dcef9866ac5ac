//! JSON output follows `samples/messages.schema.json`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::problem;
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
    let check = [&["check", "t.csv", "--key", "id", "--sandbox"][..], &json].concat();
    messages.extend(lines(&folder.run(&check).expect(1)));
    let url = endpoint.url();
    let run = [&json[..], &["--on-unknown", "hold", "--max-attempts", "1"]].concat();
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
    messages.extend(lines(&folder.run(&["run", "missing.csv", "--sandbox", "--output", "json"]).expect(2)));
    messages
}

#[test]
fn every_message_follows_the_schema_and_has_its_version() {
    let schema = published_schema();
    let mut types = BTreeSet::new();
    for message in every_message() {
        assert_eq!(problem(&schema, &schema, &message), None);
        let names: Vec<_> = message.as_object().unwrap().keys().take(2).collect();
        assert_eq!(names, ["message_type", "schema_version"]);
        assert_eq!(message["schema_version"], 1);
        let phase = message["phase"].as_str().map(|phase| format!(" {phase}"));
        types.insert(format!("{}{}", message["message_type"].as_str().unwrap(), phase.unwrap_or_default()));
    }
    let phases = ["", " checking", " checked", " importing", " verifying"];
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
    let export = ["export", "--ledger", "t.ledger.db", "--format", "jsonl"];
    for (more, definition) in [(&[][..], "ExportedRow"), (&["--join", "t.csv"], "JoinedRow")] {
        let rows = lines(&folder.run(&[&export[..], more].concat()).expect(0));
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(problem(&schema, &schema["$defs"][definition], &row), None);
        }
    }
}

#[test]
fn a_message_that_violates_the_schema_is_detected() {
    let schema = published_schema();
    let valid = serde_json::json!({
        "message_type": "exit_error", "schema_version": 1, "code": 2, "message": "m",
    });
    assert_eq!(problem(&schema, &schema, &valid), None);
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
        assert!(problem(&schema, &schema, &message).is_some(), "{member}");
    }
}
