//! `doctor` checks what a run needs. Only `--probe-token` creates contacts.

use crate::support::*;

fn doctor<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["doctor", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", url], more]
        .concat()
}

/// Check and verdict of every diagnosis, such as `endpoint pass`.
fn verdicts(ended: &Ended) -> Vec<String> {
    let lines = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let diagnoses = lines.filter(|line| line["message_type"] == "diagnosis");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    diagnoses.map(|line| format!("{} {}", text(&line["check"]), text(&line["verdict"]))).collect()
}

#[test]
fn every_check_passes_and_no_contact_is_created() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ended = folder.run(&doctor(&url, &["--output", "json"])).expect(0);
    let all = ["credentials", "endpoint", "permission", "clock", "quota", "ledger", "disk"];
    assert_eq!(verdicts(&ended), all.map(|check| format!("{check} pass")));
    let text = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(text.contains("pass  permission ") && text.ends_with("\nReady.\n"), "{text}");
    assert_eq!(sandbox.stat("contacts"), 0);
    assert!(!folder.path("t.ledger.db").exists());
    for operation in ["CreateContact", "StartTaskContact"] {
        folder.run(&doctor(&url, &["--operation", operation])).expect(0);
    }
    assert_eq!(sandbox.stat("contacts"), 0);
}

#[test]
fn the_token_probe_creates_one_contact_and_detects_whether_tokens_are_honoured() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let honouring = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&doctor(&honouring.url(), &["--probe-token", "--output", "json"])).expect(0);
    assert_eq!(verdicts(&ended).last().unwrap(), "token pass");
    assert_eq!(honouring.stat("contacts"), 1);
    drop(honouring);
    let forgetting = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    let ended = folder.run(&doctor(&forgetting.url(), &["--probe-token"])).expect(7);
    assert!(
        ended.stdout.contains("not honoured: two contacts, ") && ended.stdout.contains("--on-unknown hold")
    );
    folder.run(&doctor(&forgetting.url(), &["--probe-token", "--operation", "StartTaskContact"])).expect(2);
}

#[test]
fn a_failed_check_exits_with_the_code_of_a_run() {
    let replies: [(Reply, &str, i32); 6] = [
        (Reply::Error(403, "AccessDeniedException"), "permission fail", 7),
        (Reply::Error(403, "ExpiredToken"), "credentials fail", 7),
        (Reply::Error(404, "ResourceNotFoundException"), "instance fail", 7),
        (Reply::Error(500, "InternalServiceException"), "endpoint fail", 75),
        (Reply::Created, "endpoint fail", 7),
        // An HTTP error without a code of Connect, as of a proxy.
        (Reply::Error(404, ""), "endpoint fail", 7),
    ];
    for (reply, verdict, code) in replies {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(3));
        let endpoint = Endpoint::start(move |_, _| reply.clone());
        let ended = folder.run(&doctor(&endpoint.url(), &["--output", "json"])).expect(code);
        assert!(verdicts(&ended).contains(&verdict.to_owned()), "{}", ended.stdout);
    }
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let down = folder.run(&doctor("http://127.0.0.1:9", &["--output", "json"])).expect(75);
    assert!(verdicts(&down).contains(&"endpoint fail".to_owned()));
    let without_credentials =
        ["doctor", "--instance-id", "i", "--region", "eu-west-2", "--ledger", "t.db", "--output", "json"];
    let ended = folder.run(&without_credentials).expect(7);
    assert!(verdicts(&ended).contains(&"credentials fail".to_owned()));
}

#[test]
fn a_ledger_that_a_run_cannot_use_fails() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(0);
    let json = ["--output", "json"];
    let verdict =
        |ended: &Ended| verdicts(ended).into_iter().find(|verdict| verdict.starts_with("ledger")).unwrap();
    assert_eq!(verdict(&folder.run(&doctor(&url, &json)).expect(0)), "ledger pass");
    let other = folder.run(&doctor(&url, &["--namespace", "other", "--output", "json"])).expect(2);
    assert_eq!(verdict(&other), "ledger fail");
    folder.write("t.ledger.db", "");
    assert_eq!(verdict(&folder.run(&doctor(&url, &json)).expect(74)), "ledger fail");
    let missing_folder = folder.run(&doctor(&url, &["--ledger", "no/t.db", "--output", "json"])).expect(74);
    assert!(verdicts(&missing_folder).contains(&"disk fail".to_owned()), "{}", missing_folder.stdout);
}

#[test]
fn an_input_that_a_run_cannot_read_fails() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let missing = folder.run(&doctor(&url, &["--output", "json"])).expect(2);
    assert!(verdicts(&missing).contains(&"input fail".to_owned()), "{}", missing.stdout);
    folder.write("t.csv", "Ticket,Name\n1,a\n");
    let other_key = folder.run(&doctor(&url, &["--output", "json"])).expect(2);
    assert!(other_key.stdout.contains("has no key column 'id'"), "{}", other_key.stdout);
}

#[test]
fn the_next_run_recounts_a_ledger_that_was_changed_by_hand() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(30));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let counts = || folder.query("t.ledger.db", "SELECT sum(rows) FROM row_counts");
    folder.run(&import(&url, &["--limit", "10"])).expect(10);
    folder.execute("t.ledger.db", "DELETE FROM rows WHERE id <= 2");
    let diagnoses = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(
        diagnoses.contains("warn  ledger ") && diagnoses.contains("the next run counts them again"),
        "{diagnoses}"
    );
    // After a change during a run the counts are not trusted either. The answers wait for the change.
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let running = folder.start(&import(&endpoint.url(), &[]));
    until("the rows are counted and sent", || counts() == "30" && !endpoint.requests().is_empty());
    folder.execute("t.ledger.db", "DELETE FROM rows WHERE id <= 4");
    gate.open();
    running.end().expect(0);
    assert_eq!(counts(), "30");
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
    assert_eq!(counts(), "30");
    assert_eq!(folder.query("t.ledger.db", "SELECT count(*) FROM rows"), "30");
    let diagnoses = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(diagnoses.contains("pass  ledger "), "{diagnoses}");
}
