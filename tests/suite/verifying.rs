//! `verify`: what Connect has is held against the ledger, and evidence alone settles what is unknown.

use crate::support::*;

/// An import of `rows` rows whose answers are lost as the sandbox likes, held as unknown.
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
fn created_rows_are_there_as_they_were_sent() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 40).expect(0);
    let url = sandbox.url();
    let ended = folder.run(&verify(&url, &[])).expect(0);
    insta::assert_snapshot!(steady(&ended.stdout, &folder));
    let ended = folder.run(&verify(&url, &["--sample", "7", "--output", "json"])).expect(0);
    let found = &messages(&ended.stdout)["verification"];
    assert_eq!((&found["asked"], &found["same"], &found["created"]), (&7.into(), &7.into(), &40.into()));
    // The CSV is not read: the ledger knows what was sent.
    std::fs::remove_file(folder.path("t.csv")).unwrap();
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn missing_and_different_contacts_are_reported_and_the_ledger_is_left_as_it_is() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 5).expect(0);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET contact_id = 'no-such-contact' WHERE key = 'K1';
         UPDATE rows SET contact_id = (SELECT contact_id FROM rows WHERE key = 'K3') WHERE key = 'K2'",
    );
    let before = folder.ask("t.ledger.db", "SELECT * FROM rows");
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
    assert_eq!(folder.ask("t.ledger.db", "SELECT * FROM rows"), before);
}

#[test]
fn unknown_rows_that_are_found_are_created_with_their_true_ids_and_the_rest_stays_unknown() {
    for more in [&[][..], &["--search-attribute", "legacy_id"]] {
        let folder = Folder::new();
        let state = ["--rate", "0", "--state", "s.jsonl"];
        let faults = ["--lose", "0.2", "--fail", "0.1", "--seed", "5"];
        let sandbox = SandboxProcess::start(&folder, &[&state[..], &faults].concat());
        imported(&folder, &sandbox, 100).expect(1);
        let contacts = sandbox.contacts();
        let truth: std::collections::BTreeMap<_, _> = contacts.iter().cloned().collect();
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
        let ledger = folder.ask(
            "t.ledger.db",
            "SELECT 'ci1-' || lower(hex(token)), contact_id FROM rows WHERE state = 'created'",
        );
        for line in ledger.lines() {
            let (token, contact) = line.split_once('|').unwrap();
            assert_eq!(truth[token], contact);
        }
        // Once more is the same, and an explicit word sends the rest.
        folder.run(&verify(&url, more)).expect(1);
        assert_eq!(count(&folder, "unknown"), unknown - lost);
        folder.run(&import(&url, &["--retry", "unknown"])).expect(0);
        assert_eq!(sandbox.stat("contacts"), 100);
        folder.run(&verify(&url, more)).expect(0);
    }
}

fn count(folder: &Folder, state: &str) -> usize {
    folder.ask("t.ledger.db", &format!("SELECT count(*) FROM rows WHERE state = '{state}'")).parse().unwrap()
}

#[test]
fn a_contact_that_the_index_does_not_have_yet_leaves_its_row_unknown() {
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
fn rows_that_were_sent_alike_are_not_given_each_others_contacts() {
    let folder = Folder::new();
    // The first is refused before it is created, the second created and its answer lost.
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
    // Their tokens tell them apart.
    folder.run(&import(&url, &["--retry", "unknown"])).expect(0);
    assert_eq!(folder.ask("t.ledger.db", "SELECT count(DISTINCT contact_id) FROM rows"), "2");
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn a_contact_of_somebody_else_is_no_evidence() {
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
    // Two that cannot be told apart.
    for _ in 0..2 {
        sandbox.put("/contact/create-contact", &task("Call back", serde_json::json!({"legacy_id": "7"})));
    }
    let ended = folder.run(&verify(&url, &["--output", "json"])).expect(1);
    assert_eq!(messages(&ended.stdout)["verification"]["ambiguous"], 1);
    assert_eq!(count(&folder, "unknown"), 1);
}

#[test]
fn an_open_task_is_found_by_its_name_and_its_attributes_and_not_by_the_name_alone() {
    let folder = Folder::new();
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.write(
        "t.csv",
        "id,Name,ContactFlowId,Attributes.legacy_id\nA,Call back,flow,1\nB,Call back,flow,2\n",
    );
    let open = ["--on-unknown", "hold", "--operation", "StartTaskContact"];
    folder.run(&import(&losing.url(), &open)).expect(1);
    let truth: std::collections::BTreeMap<_, _> = losing.contacts().into_iter().collect();
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    folder.run(&verify(&sandbox.url(), &["--operation", "StartTaskContact"])).expect(0);
    let ledger = folder.ask("t.ledger.db", "SELECT 'ci1-' || lower(hex(token)), contact_id FROM rows");
    for line in ledger.lines() {
        let (token, contact) = line.split_once('|').unwrap();
        assert_eq!(truth[token], contact);
    }
}

#[test]
fn a_row_that_was_edited_after_its_answer_was_lost_is_sent_and_looked_for_as_it_was() {
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
    // One way: held, and looked for. It is found by what was sent.
    std::fs::copy(folder.path("t.ledger.db"), folder.path("held.db")).unwrap();
    folder.run(&import(&url, &["--ledger", "held.db", "--on-unknown", "hold"])).expect(1);
    folder.run(&verify(&url, &["--ledger", "held.db"])).expect(0);
    // The other: sent again as it was, it is answered with its contact.
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(ended.stderr.contains("has changed since an unanswered attempt; it is sent again as it was"));
    assert_eq!(sandbox.stat("contacts"), 2);
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(ended.stdout.contains("2  of the created rows have changed since"), "{}", ended.stdout);
}

#[test]
fn rows_in_doubt_and_shared_contacts_are_not_sound() {
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
fn a_contact_that_is_never_answered_for_does_not_keep_the_others_from_being_asked_for() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 3).expect(0);
    let poisoned = folder.ask("t.ledger.db", "SELECT contact_id FROM rows WHERE key = 'K1'");
    let (port, url) = (sandbox.port, sandbox.url());
    let between = Endpoint::start(move |_, body| match body["_path"].as_str() {
        Some(path) if path.ends_with(&poisoned) => Reply::Error(500, "InternalServiceException"),
        Some(path) => Reply::Json(SandboxProcess::get_from(port, path)),
        None => Reply::Close,
    });
    let ended = folder.run(&verify(&between.url(), &["--output", "json"])).expect(1);
    let found = &messages(&ended.stdout)["verification"];
    assert_eq!((&found["same"], &found["refused"]), (&2.into(), &1.into()));
    folder.run(&verify(&url, &[])).expect(0);
}

#[test]
fn where_no_contact_at_all_is_there_the_instance_is_taken_to_be_the_wrong_one() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 60).expect(0);
    drop(sandbox);
    let empty = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&verify(&empty.url(), &[])).expect(7);
    assert!(ended.stdout.contains("Check the instance id, the Region"), "{}", ended.stdout);
}

#[test]
fn a_verification_that_is_throttled_or_denied_ends_as_a_run_does() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl"]);
    imported(&folder, &sandbox, 30).expect(0);
    drop(sandbox);
    let denying =
        SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl", "--deny-after", "10"]);
    let ended = folder.run(&verify(&denying.url(), &["--output", "json"])).expect(7);
    assert!(messages(&ended.stdout)["verification"]["same"].as_u64().unwrap() <= 10);
    drop(denying);
    // Answers that get lost on the way are asked for again: nothing is created by asking.
    let shaky = SandboxProcess::start(
        &folder,
        &["--rate", "0", "--state", "s.jsonl", "--reset", "0.03", "--fail", "0.03"],
    );
    folder.run(&verify(&shaky.url(), &[])).expect(0);
    folder.run(&verify("http://127.0.0.1:9", &[])).expect(75);
    folder.run(&["verify", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(2);
    folder.run(&verify(&shaky.url(), &["--ledger", "none.db"])).expect(2);
}

#[test]
fn an_interrupt_ends_a_verification_and_keeps_what_it_found() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    imported(&folder, &sandbox, 30).expect(0);
    let url = sandbox.url();
    let running = folder.start(&verify(&url, &["--describe-rate", "1", "--output", "json"]));
    until("something was asked", || sandbox.stat("described") > 0);
    // What a run is asked by these, a verification has nothing to say to.
    running.signal("HUP");
    running.signal("USR1");
    let asked = sandbox.stat("described");
    until("it goes on", || sandbox.stat("described") > asked);
    running.signal("INT");
    let ended = running.end().expect(130);
    assert!(messages(&ended.stdout)["verification"]["asked"].as_u64().unwrap() < 30);
}
