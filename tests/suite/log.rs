//! Log on standard error.

use serde_json::Value;

use crate::support::*;

/// Lines of the log. Every line must be JSON with a time, a level and a message.
#[track_caller]
fn log(ended: &Ended) -> Vec<Value> {
    let line = |line: &str| -> Value {
        let event = serde_json::from_str::<Value>(line);
        assert!(event.is_ok(), "no JSON: {line}");
        let event = event.unwrap();
        assert!(["timestamp", "level", "message"].iter().all(|name| event[name].is_string()), "{line}");
        event
    };
    ended.stderr.lines().map(line).collect()
}

/// Messages of a level, up to the first colon.
fn messages_at<'a>(log: &'a [Value], level: &str) -> Vec<&'a str> {
    let events = log.iter().filter(|event| event["level"] == level);
    events.map(|event| event["message"].as_str().unwrap().split(':').next().unwrap()).collect()
}

/// The row of an event: the fields of the span of its attempt.
fn row_of(event: &Value) -> &Value {
    &event["spans"][0]
}

const LOG: [&str; 4] = ["--log-format", "json", "--report-every", "0s"];

#[test]
fn every_line_of_a_log_is_json_and_the_milestones_are_there() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&import(&sandbox.url(), &LOG)).expect(0);
    let log = log(&ended);
    let milestones: Vec<&str> = messages_at(&log, "INFO")
        .into_iter()
        .filter(|message| {
            !["importing", "checking"].contains(message) && !message.contains("is a new ledger")
        })
        .collect();
    assert_eq!(milestones, ["begins", "checked", "rows to send", "sending", "the run is over", "ends"]);
    assert_eq!(log.iter().filter(|event| event["level"] != "INFO").count(), 0, "{}", ended.stderr);
    let importing = log.iter().rfind(|event| event["message"] == "importing").unwrap();
    assert_eq!((&importing["done"], &importing["to_send"]), (&3.into(), &3.into()));
    assert_eq!((&log[0]["command"], &log[log.len() - 1]["exit_code"]), (&"run".into(), &0.into()));
    // Results are on standard output, and progress can be left out.
    assert!(ended.stdout.starts_with("Done: every row is created"), "{}", ended.stdout);
    let quiet = folder.run(&import(&sandbox.url(), &[&LOG[..], &["--progress", "none"]].concat())).expect(0);
    assert!(!quiet.stderr.contains("importing"), "{}", quiet.stderr);
}

#[test]
fn notices_and_errors_of_every_command_are_events() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(2), "x".repeat(1025)));
    let json = ["--log-format", "json"];
    let missing = log(&folder.run(&[&["run", "missing.csv", "--sandbox"], &json[..]].concat()).expect(2));
    let error = missing.iter().find(|event| event["level"] == "ERROR").unwrap();
    assert_eq!(error["exit_code"], 2);
    assert!(error["message"].as_str().unwrap().contains("missing.csv"), "{error}");
    for (arguments, code) in [
        (&["check", "t.csv", "--key", "id", "--sandbox", "--output", "csv"][..], 1),
        (&["init", "t.csv"], 0),
        (&["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"], 1),
        (&["export", "--ledger", "t.sandbox.ledger.db", "--to", "x.csv"], 0),
        (&["status", "--ledger", "t.sandbox.ledger.db"], 0),
        (&["doctor", "t.csv", "--key", "id", "--sandbox"], 0),
    ] {
        let events = log(&folder.run(&[arguments, &json].concat()).expect(code));
        assert_eq!(messages_at(&events, "INFO").last(), Some(&"ends"), "{arguments:?}");
        assert_eq!(events.last().unwrap()["exit_code"], code);
    }
}

#[test]
fn failed_attempts_of_a_created_row_are_logged_at_debug_with_the_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = Endpoint::start(|number, _| match number {
        0 | 3 => Reply::Error(500, "InternalServiceException"),
        1 => Reply::Error(429, "ThrottlingException"),
        2 => Reply::Close,
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &[&LOG[..], &["--debug"]].concat())).expect(0);
    let events = log(&ended);
    assert_eq!(messages_at(&events, "ERROR"), Vec::<&str>::new(), "{}", ended.stderr);
    let failed: Vec<&Value> = events.iter().filter(|event| event["message"] == "failed").collect();
    assert_eq!(failed.len(), 4);
    assert!(failed.iter().all(|event| event["level"] == "DEBUG"
        && row_of(event)["line"].is_u64()
        && event["code"].is_string()));
    // As text.
    let text = folder.run(&import(&url, &["--debug", "--ledger", "other.db"])).expect(0).stderr;
    assert!(text.contains(" INFO connect_import::ui::log: checked "), "{text}");
    assert!(text.contains("DEBUG attempt{row="), "{text}");
    assert!(!text.contains(" ERROR "), "{text}");
}

#[test]
fn request_ids_of_connect_are_logged_with_the_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&import(&sandbox.url(), &[&LOG[..], &["--debug"]].concat())).expect(0);
    let events = log(&ended);
    let answered = events.iter().find(|event| event["message"] == "answered").unwrap();
    assert_eq!(answered["request_id"].as_str().map(str::len), Some(36));
    assert_eq!(row_of(answered)["line"], 2);
}

#[test]
fn a_failed_row_is_an_error_and_a_rejected_row_or_a_pause_is_a_warning() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(3), "x".repeat(1025)));
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Created,
        1 => Reply::Error(400, "InvalidRequestException"),
        _ => Reply::Error(409, "ConflictException"),
    });
    let url = endpoint.url();
    let one_by_one = ["--concurrency", "1", "--max-attempts", "1"];
    let events = log(&folder.run(&import(&url, &[&LOG[..], &one_by_one].concat())).expect(1));
    assert_eq!(messages_at(&events, "WARN"), ["a row is rejected", "a row is rejected"]);
    assert_eq!(messages_at(&events, "ERROR"), ["a row is failed"]);

    let throttling = Endpoint::start(|number, _| match number {
        0 => Reply::Error(429, "ThrottlingException"),
        1 => Reply::Error(403, "AccessDeniedException"),
        _ => Reply::Created,
    });
    let url = throttling.url();
    let arguments = import(&url, &[&LOG[..], &["--ledger", "other.db", "--limit", "1"]].concat());
    let events = log(&folder.run(&arguments).expect(7));
    assert_eq!(messages_at(&events, "WARN"), ["a row is rejected", "requests pause"]);
    assert_eq!(
        messages_at(&events, "ERROR"),
        ["Connect denies the request, or it cannot be signed (AccessDeniedException"]
    );
    assert!(
        messages_at(&events, "INFO")
            .iter()
            .any(|message| message.starts_with("stopping, no new request is sent"))
    );
}
