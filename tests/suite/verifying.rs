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
         UPDATE rows SET contact_id = (SELECT contact_id FROM rows WHERE key = 'K3') WHERE key = 'K2';
         UPDATE rows SET sent = NULL WHERE key = 'K4'",
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
        assert!(ended.stdout.contains("since absence from a search is no proof"), "{}", ended.stdout);
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
fn rows_without_a_key_that_are_equal_are_given_a_contact_each() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\nTwin\nTwin\nTwin\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "1"]);
    let url = sandbox.url();
    let without_key = |arguments: Vec<&str>| -> Ended {
        let kept: Vec<&str> = arguments.into_iter().filter(|word| !["--key", "id"].contains(word)).collect();
        folder.run(&kept)
    };
    without_key(import(&url, &["--on-unknown", "hold"])).expect(1);
    let ended = without_key(verify(&url, &[]));
    assert_eq!(
        folder.ask("t.ledger.db", "SELECT count(DISTINCT contact_id), count(*) FROM rows"),
        "3|3",
        "{}",
        ended.stderr
    );
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
        &["--rate", "0", "--state", "s.jsonl", "--reset", "0.1", "--fail", "0.1"],
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
    running.signal("INT");
    let ended = running.end().expect(130);
    assert!(messages(&ended.stdout)["verification"]["asked"].as_u64().unwrap() < 30);
}
