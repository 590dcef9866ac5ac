//! What programs read is as the published schema says.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::problem;
use crate::support::*;

fn published() -> Value {
    let text = std::fs::read_to_string(repository("samples/messages.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One line at least of every kind of message that there is.
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
    let mut told = Vec::new();
    let of_check = [&["check", "t.csv", "--key", "id", "--sandbox"][..], &json].concat();
    told.extend(lines(&folder.run(&of_check).expect(1)));
    let url = endpoint.url();
    let of_run = [&json[..], &["--on-unknown", "hold", "--max-attempts", "1"]].concat();
    told.extend(lines(&folder.run(&import(&url, &of_run)).expect(1)));
    told.extend(lines(&folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0)));
    // A sandbox that knows none of these contacts.
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let there = ["t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    let fast = ["--describe-rate", "10000", "--search-rate", "10000"];
    told.extend(lines(&folder.run(&[&["verify"], &there[..], &fast, &json].concat()).expect(1)));
    told.extend(lines(&folder.run(&[&["doctor"], &there[..], &json[..2]].concat()).expect(0)));
    let page = ["report", "--ledger", "t.ledger.db", "--sandbox", "--output", "json"];
    told.extend(lines(&folder.run(&page).expect(0)));
    told.extend(lines(&folder.run(&["run", "missing.csv", "--sandbox", "--output", "json"]).expect(2)));
    told
}

#[test]
fn every_message_is_as_the_schema_says_and_names_its_version() {
    let schema = published();
    let mut kinds = BTreeSet::new();
    for message in every_message() {
        assert_eq!(problem(&schema, &schema, &message), None);
        let names: Vec<_> = message.as_object().unwrap().keys().take(2).collect();
        assert_eq!(names, ["message_type", "schema_version"]);
        assert_eq!(message["schema_version"], 1);
        let phase = message["phase"].as_str().map(|phase| format!(" {phase}"));
        kinds.insert(format!("{}{}", message["message_type"].as_str().unwrap(), phase.unwrap_or_default()));
    }
    let phases = ["", " checking", " checked", " importing", " verifying"];
    let expected: BTreeSet<String> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["message_type"]["const"].as_str().unwrap())
        .flat_map(|kind| match kind {
            "status" => phases.iter().map(|phase| format!("status{phase}")).collect(),
            other => vec![other.to_owned()],
        })
        .collect();
    assert_eq!(kinds, expected);
}

#[test]
fn exported_rows_are_as_the_schema_says() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(3), "x".repeat(1025)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &[])).expect(1);
    let schema = published();
    let export = ["export", "--ledger", "t.ledger.db", "--format", "jsonl"];
    for (more, kind) in [(&[][..], "ExportedRow"), (&["--join", "t.csv"], "JoinedRow")] {
        let rows = lines(&folder.run(&[&export[..], more].concat()).expect(0));
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(problem(&schema, &schema["$defs"][kind], &row), None);
        }
    }
}

#[test]
fn a_message_that_is_not_as_the_schema_says_is_noticed() {
    let schema = published();
    let sound = serde_json::json!({
        "message_type": "exit_error", "schema_version": 1, "code": 2, "message": "m",
    });
    assert_eq!(problem(&schema, &schema, &sound), None);
    let changes: [(&str, Value); 5] = [
        ("message_type", "exit".into()),
        ("schema_version", 2.into()),
        ("code", (-1).into()),
        ("message", Value::Null),
        ("more", 1.into()),
    ];
    for (member, value) in changes {
        let mut message = sound.clone();
        message[member] = value;
        assert!(problem(&schema, &schema, &message).is_some(), "{member}");
    }
}
