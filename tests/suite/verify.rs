//! `verify`: compares the contacts of Amazon Connect with the ledger, and sets unknown rows to created on
//! evidence.

use crate::support::*;

/// Imports this many rows and holds unanswered ones as unknown.
fn imported(folder: &Folder, sandbox: &SandboxProcess, rows: usize) -> Ended {
    folder.write("t.csv", attributed_csv(rows));
    folder.run(&import(&sandbox.url(), &["--on-unknown", "hold"]))
}

fn attributed_csv(rows: usize) -> String {
    let rows = (0..rows).map(|number| format!("K{number},Task {number},{number},same\n"));
    "id,Name,Attributes.legacy_id,Attributes.kind\n".to_owned() + &rows.collect::<String>()
}

fn verify<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let arguments = [
        "verify",
        "--key",
        "id",
        "--sandbox",
        "--ledger",
        "t.ledger.db",
        "--describe-rate",
        "10000",
        "--search-rate",
        "10000",
        "--endpoint-url",
        url,
    ];
    [&arguments[..], more].concat()
}

#[test]
fn created_rows_are_found_as_they_were_sent() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 40).expect(0);
    let url = sandbox.url();
    let ended = folder.run(&verify(&url, &[])).expect(0);
    insta::assert_snapshot!(steady(&ended.stdout, &folder));
    let ended = folder.run(&verify(&url, &["--sample", "7", "--output", "json"])).expect(0);
    let found = &messages(&ended.stdout)["verification"];
    assert_eq!((&found["asked"], &found["same"], &found["created"]), (&7.into(), &7.into(), &40.into()));
    // The ledger has the requests, so the CSV is not read.
    std::fs::remove_file(folder.path("t.csv")).unwrap();
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn missing_and_different_contacts_are_reported_without_a_change_to_the_ledger() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 5).expect(0);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET contact_id = 'no-such-contact' WHERE key = 'K1';
         UPDATE rows SET contact_id = (SELECT contact_id FROM rows WHERE key = 'K3') WHERE key = 'K2'",
    );
    let before = folder.query("t.ledger.db", "SELECT * FROM rows");
    let ended = folder.run(&verify(&sandbox.url(), &[])).expect(1);
    insta::assert_snapshot!(steady(&ended.stdout, &folder));
    assert!(
        ended.stderr.contains("line 3 (key K1) is missing: Connect does not know contact no-such-contact")
    );
    assert!(
        ended.stderr.contains("line 4 (key K2) differs in Name and Attributes from contact "),
        "{}",
        ended.stderr
    );
    assert_eq!(folder.query("t.ledger.db", "SELECT * FROM rows"), before);
}

#[test]
fn unknown_rows_with_a_contact_become_created_and_the_others_stay_unknown() {
    for more in [&[][..], &["--search-attribute", "legacy_id"]] {
        let folder = Folder::new();
        let state = ["--rate", "0", "--state", "s.jsonl"];
        let faults = ["--lose", "0.2", "--fail", "0.1", "--seed", "5"];
        let sandbox = SandboxProcess::start(&folder, &[&state[..], &faults].concat());
        imported(&folder, &sandbox, 100).expect(1);
        let contacts = sandbox.contacts();
        let ids: std::collections::BTreeMap<_, _> = contacts.iter().cloned().collect();
        let unknown: usize = count(&folder, "unknown");
        let lost = sandbox.stat("lost") as usize;
        assert!(lost > 0 && unknown > lost, "the seed gave {unknown} unknown and {lost} lost");

        drop(sandbox);
        let sandbox = SandboxProcess::start(&folder, &state);
        let url = sandbox.url();
        let ended = folder.run(&verify(&url, more)).expect(1);
        assert!(ended.stdout.contains(&format!("{lost}  found: created from now on")), "{}", ended.stdout);
        assert!(
            ended.stdout.contains("since a search does not prove that there is none"),
            "{}",
            ended.stdout
        );
        assert_eq!(
            (count(&folder, "created"), count(&folder, "unknown")),
            (100 - unknown + lost, unknown - lost)
        );
        let ledger = folder.query(
            "t.ledger.db",
            "SELECT 'ci1-' || lower(hex(token)), contact_id FROM rows WHERE state = 'created'",
        );
        for line in ledger.lines() {
            let (token, contact) = line.split_once('|').unwrap();
            assert_eq!(ids[token], contact);
        }
        // A second verification changes nothing; an explicit retry sends the rest.
        folder.run(&verify(&url, more)).expect(1);
        assert_eq!(count(&folder, "unknown"), unknown - lost);
        folder.run(&import(&url, &["--retry", "unknown"])).expect(0);
        assert_eq!(sandbox.stat("contacts"), 100);
        folder.run(&verify(&url, more)).expect(0);
    }
}

fn count(folder: &Folder, state: &str) -> usize {
    folder
        .query("t.ledger.db", &format!("SELECT count(*) FROM rows WHERE state = '{state}'"))
        .parse()
        .unwrap()
}

#[test]
fn a_row_stays_unknown_while_the_search_index_does_not_have_its_contact() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(
        &folder,
        &["--rate", "0", "--lose", "1", "--index-lag", "1h", "--state", "s.jsonl"],
    );
    imported(&folder, &sandbox, 2).expect(1);
    assert_eq!((sandbox.stat("contacts"), count(&folder, "unknown")), (2, 2));
    folder.run(&verify(&sandbox.url(), &[])).expect(1);
    assert_eq!(count(&folder, "unknown"), 2);
    drop(sandbox);
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl"]);
    folder.run(&verify(&sandbox.url(), &[])).expect(0);
    assert_eq!(count(&folder, "created"), 2);
}

#[test]
fn unknown_rows_with_equal_requests_stay_unknown() {
    let folder = Folder::new();
    // The first attempt fails before a contact exists; the second creates one and stays unanswered.
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let failing = SandboxProcess::start(&folder, &[&state[..], &["--fail", "1"]].concat());
    folder.write("t.csv", "id,Name\nA,Call back\n");
    folder.run(&import(&failing.url(), &["--on-unknown", "hold"])).expect(1);
    drop(failing);
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.write("t.csv", "id,Name\nA,Call back\nB,Call back\n");
    folder.run(&import(&losing.url(), &["--on-unknown", "hold"])).expect(1);
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    let url = sandbox.url();
    assert_eq!((sandbox.stat("contacts"), count(&folder, "unknown")), (1, 2));
    let ended = folder.run(&verify(&url, &[])).expect(1);
    assert!(
        ended.stderr.contains("stays unknown: 2 rows have the same name and attributes"),
        "{}",
        ended.stderr
    );
    assert_eq!(count(&folder, "unknown"), 2);
    // A retry distinguishes them by their tokens.
    folder.run(&import(&url, &["--retry", "unknown"])).expect(0);
    assert_eq!(folder.query("t.ledger.db", "SELECT count(DISTINCT contact_id) FROM rows"), "2");
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn a_contact_of_another_origin_is_no_evidence() {
    let folder = Folder::new();
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let failing = SandboxProcess::start(&folder, &[&state[..], &["--fail", "1"]].concat());
    folder.write("t.csv", "id,Name,Attributes.legacy_id\nA,Call back,7\n");
    folder.run(&import(&failing.url(), &["--on-unknown", "hold"])).expect(1);
    drop(failing);
    let sandbox = SandboxProcess::start(&folder, &state);
    let url = sandbox.url();
    let task = |name: &str, attributes: serde_json::Value| {
        serde_json::json!({
            "InstanceId": "sandbox", "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED",
            "Name": name, "Attributes": attributes,
        })
    };
    sandbox.put("/contact/create-contact", &task("Call back", serde_json::json!({"legacy_id": "8"})));
    sandbox.put("/contact/create-contact", &task("Call back later", serde_json::json!({"legacy_id": "7"})));
    sandbox.put(
        "/contact/create-contact",
        &task("Call back", serde_json::json!({"legacy_id": "7", "vip": "1"})),
    );
    for more in [&[][..], &["--search-attribute", "legacy_id"]] {
        let ended = folder.run(&verify(&url, more)).expect(1);
        assert!(ended.stderr.contains("stays unknown: no contact was found"), "{}", ended.stderr);
    }
    // Two indistinguishable contacts.
    for _ in 0..2 {
        sandbox.put("/contact/create-contact", &task("Call back", serde_json::json!({"legacy_id": "7"})));
    }
    let ended = folder.run(&verify(&url, &["--output", "json"])).expect(1);
    assert_eq!(messages(&ended.stdout)["verification"]["ambiguous"], 1);
    assert_eq!(count(&folder, "unknown"), 1);
}

#[test]
fn an_open_task_is_found_by_its_name_and_attributes() {
    let folder = Folder::new();
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.write(
        "t.csv",
        "id,Name,ContactFlowId,Attributes.legacy_id\nA,Call back,flow,1\nB,Call back,flow,2\n",
    );
    let open = ["--on-unknown", "hold", "--operation", "StartTaskContact"];
    folder.run(&import(&losing.url(), &open)).expect(1);
    let ids: std::collections::BTreeMap<_, _> = losing.contacts().into_iter().collect();
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    folder.run(&verify(&sandbox.url(), &["--operation", "StartTaskContact"])).expect(0);
    let ledger = folder.query("t.ledger.db", "SELECT 'ci1-' || lower(hex(token)), contact_id FROM rows");
    for line in ledger.lines() {
        let (token, contact) = line.split_once('|').unwrap();
        assert_eq!(ids[token], contact);
    }
}

#[test]
fn a_row_edited_after_an_unanswered_attempt_is_resent_and_searched_for_as_it_was_sent() {
    let folder = Folder::new();
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.write("t.csv", attributed_csv(2));
    folder.run(&import(&losing.url(), &["--max-attempts", "1"])).expect(75);
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    let url = sandbox.url();
    let edited = attributed_csv(2).replace("Task", "Edited task");
    folder.write("t.csv", &edited);
    // Held, the row is found by the request that was sent.
    std::fs::copy(folder.path("t.ledger.db"), folder.path("held.db")).unwrap();
    folder.run(&import(&url, &["--ledger", "held.db", "--on-unknown", "hold"])).expect(1);
    folder.run(&verify(&url, &["--ledger", "held.db"])).expect(0);
    // Resent with the same request, it gets its contact.
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(ended.stderr.contains("has changed since an unanswered attempt; it is sent again as it was"));
    assert_eq!(sandbox.stat("contacts"), 2);
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(ended.stdout.contains("2  of the created rows have changed since"), "{}", ended.stdout);
}

#[test]
fn rows_in_doubt_and_shared_contacts_fail_the_verification() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 4).expect(0);
    let url = sandbox.url();
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'pending', may_exist = 1, contact_id = NULL, record = '[]' WHERE key = 'K0';
         UPDATE rows SET contact_id = (SELECT contact_id FROM rows WHERE key = 'K2') WHERE key = 'K1'",
    );
    let ended = folder.run(&verify(&url, &["--output", "json"])).expect(1);
    let found = &messages(&ended.stdout)["verification"];
    assert_eq!((&found["in_doubt"], &found["shared"]), (&1.into(), &2.into()));
    folder.run(&verify(&url, &["--sample", "0"])).expect(2);
}

#[test]
fn a_contact_that_cannot_be_described_does_not_stop_the_verification() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 3).expect(0);
    let failing_id = folder.query("t.ledger.db", "SELECT contact_id FROM rows WHERE key = 'K1'");
    let (port, url) = (sandbox.port, sandbox.url());
    let proxy = Endpoint::start(move |_, body| match body["_path"].as_str() {
        Some(path) if path.ends_with(&failing_id) => Reply::Error(500, "InternalServiceException"),
        Some(path) => Reply::Json(SandboxProcess::get_from(port, path)),
        None => Reply::Close,
    });
    let ended = folder.run(&verify(&proxy.url(), &["--output", "json"])).expect(1);
    let found = &messages(&ended.stdout)["verification"];
    assert_eq!((&found["same"], &found["refused"]), (&2.into(), &1.into()));
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn an_instance_without_any_of_the_contacts_is_reported_as_the_wrong_one() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 60).expect(0);
    drop(sandbox);
    let empty = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&verify(&empty.url(), &[])).expect(7);
    assert!(ended.stdout.contains("Check the instance id, the Region"), "{}", ended.stdout);
}

#[test]
fn a_denied_or_unreachable_verification_ends_with_the_exit_codes_of_a_run() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl"]);
    imported(&folder, &sandbox, 30).expect(0);
    drop(sandbox);
    let denying =
        SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl", "--deny-after", "10"]);
    let ended = folder.run(&verify(&denying.url(), &["--output", "json"])).expect(7);
    assert!(messages(&ended.stdout)["verification"]["same"].as_u64().unwrap() <= 10);
    drop(denying);
    // Unanswered requests are repeated, because they create nothing.
    let unreliable = SandboxProcess::start(
        &folder,
        &["--rate", "0", "--state", "s.jsonl", "--reset", "0.03", "--fail", "0.03"],
    );
    folder.run(&verify(&unreliable.url(), &[])).expect(0);
    folder.run(&verify("http://127.0.0.1:9", &[])).expect(75);
    folder.run(&["verify", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(2);
    folder.run(&verify(&unreliable.url(), &["--ledger", "none.db"])).expect(2);
}

/// The last verification, as `status` has it in text and in JSON.
fn last_verification(folder: &Folder) -> (String, serde_json::Value) {
    let status =
        |more: &[&str]| folder.run(&[&["status", "--ledger", "t.ledger.db"], more].concat()).expect(0).stdout;
    let text = status(&[]);
    let line = text.lines().find(|line| line.contains("verif")).unwrap_or_default().to_owned();
    (line, messages(&status(&["--output", "json"]))["status"]["verification"].clone())
}

#[test]
fn status_and_report_say_what_was_verified_and_what_was_created_since() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", attributed_csv(5));
    folder.run(&import(&url, &["--limit", "3", "--name", "Tickets of 2026"])).expect(10);
    let (line, json) = last_verification(&folder);
    assert_eq!(
        (line.as_str(), &json),
        ("not verified yet; to look the contacts up:", &serde_json::Value::Null)
    );
    let report =
        |folder: &Folder| folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0).stdout;
    let page = report(&folder);
    assert!(page.contains("Not verified yet:") && page.contains("verify t.csv"), "{page}");
    assert!(page.contains("<title>Tickets of 2026</title>"), "{page}");

    folder.run(&verify(&url, &[])).expect(0);
    let (line, json) = last_verification(&folder);
    let host = url.strip_prefix("http://").unwrap();
    let said = ": 3 of 3 contacts looked up in the sandbox, as sent";
    assert!(line.starts_with("verified 20") && line.ends_with(said), "{line}");
    assert_eq!(
        (&json["ending"], &json["endpoint"], &json["same"]),
        (&"complete".into(), &host.into(), &3.into())
    );
    assert!(json["started_ms"].as_i64() <= json["last_ms"].as_i64(), "{json}");
    assert!(report(&folder).contains(said), "{}", report(&folder));

    folder.run(&import(&url, &[])).expect(0);
    let since = "; 2 contacts created since are not verified";
    let (line, json) = last_verification(&folder);
    assert!(line.ends_with(since) && json["created_since"] == 2, "{line} {json}");
    let page = report(&folder);
    assert!(page.contains(since) && page.contains("To look up every contact again:"), "{page}");

    folder.run(&verify(&url, &["--sample", "4"])).expect(0);
    let (line, json) = last_verification(&folder);
    assert!(line.contains(": 4 of 5 contacts, a sample drawn at random, looked up in "), "{line}");
    assert_eq!((&json["sample"], &json["created_since"]), (&4.into(), &0.into()));
    // The last full one is still told.
    assert!(report(&folder).contains("Before that: verified "), "{}", report(&folder));
    folder.run(&verify(&url, &[])).expect(0);
    assert!(report(&folder).contains("Nothing is left to do."), "{}", report(&folder));
}

#[test]
fn a_killed_verification_leaves_what_it_did() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 200).expect(0);
    let url = sandbox.url();
    let before = sandbox.stat("described");
    let running = folder.start(&verify(&url, &["--describe-rate", "100"]));
    until("the first part is recorded", || {
        folder.query("t.ledger.db", "SELECT coalesce(max(asked), 0) FROM verifications") != "0"
    });
    running.signal("KILL");
    running.end();
    let (line, json) = last_verification(&folder);
    assert!(line.contains(" not finished: ") && json["ending"].is_null(), "{line} {json}");
    let asked = json["asked"].as_u64().unwrap();
    assert!((50..200).contains(&asked) && asked <= sandbox.stat("described") - before, "{json}");
}

#[test]
fn an_interrupted_verification_reports_its_results_so_far() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 30).expect(0);
    let url = sandbox.url();
    let running = folder.start(&verify(&url, &["--describe-rate", "1", "--output", "json"]));
    until("a contact was described", || sandbox.stat("described") > 0);
    // A verification ignores the control signals of a run.
    running.signal("HUP");
    running.signal("USR1");
    let described = sandbox.stat("described");
    until("the verification continues", || sandbox.stat("described") > described);
    running.signal("INT");
    let ended = running.end().expect(130);
    let asked = &messages(&ended.stdout)["verification"]["asked"];
    assert!(asked.as_u64().unwrap() < 30);
    let (line, json) = last_verification(&folder);
    assert!(line.contains(" stopped early (interrupted): "), "{line}");
    assert_eq!((&json["asked"], &json["is_complete"]), (asked, &false.into()));
}
