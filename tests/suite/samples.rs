//! The samples have the results that the README describes.

use crate::support::*;

fn with_samples() -> Folder {
    let folder = Folder::new();
    for name in
        ["tickets.csv", "tickets.toml", "faulty.csv", "faulty.toml", "callbacks.csv", "callbacks.toml"]
    {
        folder.write(name, std::fs::read(repository("samples").join(name)).unwrap());
    }
    folder
}

/// The command of the README with a high rate, so that a test does not wait for the quota.
fn run_fast(folder: &Folder, sandbox: &SandboxProcess, job: &str) -> Ended {
    let url = sandbox.url();
    folder.run(&[
        "run",
        "--job",
        job,
        "--sandbox",
        "--endpoint-url",
        &url,
        "--rate",
        "10000",
        "--burst",
        "999",
    ])
}

#[test]
fn the_sample_is_imported_once_and_a_second_run_sends_nothing() {
    let folder = with_samples();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let first = run_fast(&folder, &sandbox, "tickets.toml").expect(0);
    insta::assert_snapshot!(steady(&first.stdout, &folder));
    assert_eq!(sandbox.stat("contacts"), 320);
    let requests = sandbox.stat("requests");
    let second = run_fast(&folder, &sandbox, "tickets.toml").expect(0);
    insta::assert_snapshot!(steady(&second.stdout, &folder));
    assert_eq!(sandbox.stat("requests"), requests);
}

#[test]
fn the_sample_is_imported_under_the_quota_of_its_own_sandbox() {
    let folder = with_samples();
    let ended = folder.run(&["run", "--job", "tickets.toml", "--sandbox", "--output", "json"]).expect(0);
    let summary = &messages(&ended.stdout)["summary"];
    assert_eq!(summary["created"], 320);
    assert_eq!(folder.states("tickets.sandbox.ledger.db"), "created 320");
}

#[test]
fn every_cell_of_the_sample_is_unchanged_in_its_contact() {
    let folder = with_samples();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    run_fast(&folder, &sandbox, "tickets.toml").expect(0);
    let mut expected = std::collections::BTreeMap::new();
    for row in csv::Reader::from_path(folder.path("tickets.csv")).unwrap().records() {
        let row = row.unwrap();
        expected.insert(row[0].to_owned(), (row[1].to_owned(), row[2].to_owned()));
    }
    for contact in sandbox.listed_contacts() {
        let id = contact["Attributes"]["legacy_id"].as_str().unwrap();
        let (name, description) = expected.remove(id).unwrap();
        assert_eq!(contact["Name"], name);
        assert_eq!(contact["Description"].as_str().unwrap_or_default(), description);
        assert_eq!(contact["InitiateAs"], "COMPLETED");
    }
    assert!(expected.is_empty(), "without a contact: {expected:?}");
}

#[test]
fn the_faulty_sample_ends_in_1_with_the_expected_rejects() {
    let folder = with_samples();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = run_fast(&folder, &sandbox, "faulty.toml").expect(1);
    insta::assert_snapshot!(steady(&ended.stdout, &folder));
    insta::assert_snapshot!(steady(&ended.stderr, &folder));
    let rejects = folder.read("faulty.sandbox.ledger.db.rejects.csv");
    let real = folder.path("").canonicalize().unwrap();
    let rejects = rejects.replace(&*real.to_string_lossy(), "samples");
    let expected = repository("samples/faulty.expected-rejects.csv");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&expected, &rejects).unwrap();
    }
    assert_eq!(rejects, std::fs::read_to_string(expected).unwrap());
}

#[test]
fn the_callbacks_are_started_as_open_tasks() {
    let folder = with_samples();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    run_fast(&folder, &sandbox, "callbacks.toml").expect(0);
    let contacts = sandbox.listed_contacts();
    let first = contacts.iter().find(|contact| contact["Attributes"]["fallnummer"] == "RR-2201").unwrap();
    let expected = serde_json::json!({
        "fallnummer": "RR-2201", "priority": "1", "received": "2024-01-02T09:15:00+01:00",
        "kunde": "Annegret Möhrle", "ruckrufgrund": "Rechnung",
    });
    assert_eq!(first["Attributes"], expected);
    assert_eq!(first["Description"], "Bitte vor 12 Uhr;\nsonst erst nächste Woche.");
}
