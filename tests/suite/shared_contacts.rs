//! Two rows that get one contact id are told at the end of the run and in `status`, and the run ends in 1.

use crate::printed_commands::{paste, printed};
use crate::support::*;

const SEE: &str = "To see which row each contact is of; the others are not in Connect:\n  ";

/// An endpoint that answers the rows `Task 1` and `Task 3` with one contact.
fn confused() -> Endpoint {
    Endpoint::start(|_, body| match body["Name"].as_str() {
        Some("Task 1" | "Task 3") => {
            Reply::Body("{\"ContactId\": \"contact-of-two\", \"ContactArn\": \"arn\"}")
        }
        _ => Reply::Created,
    })
}

fn file(folder: &Folder) -> String {
    folder.path("t.csv").canonicalize().unwrap().display().to_string()
}

#[track_caller]
fn expect_both_rows(text: &str, folder: &Folder) {
    let file = file(folder);
    let expected = format!(
        "  contact contact-of-two\n    {file}, line 3 (key K1)\n    {file}, line 5 (key K3)\n\
         {SEE}"
    );
    assert!(text.contains(&expected), "{text}");
}

fn rows(folder: &Folder) -> serde_json::Value {
    let row = |line: u64, key: &str| serde_json::json!({"file": file(folder), "line": line, "key": key, "contact_id": "contact-of-two"});
    serde_json::json!([row(3, "K1"), row(5, "K3")])
}

#[test]
fn both_rows_are_told_at_the_end_and_in_status_and_the_run_ends_in_1() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = confused();
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(
        ended.stdout.starts_with("Finished, but not every row has a contact of its own"),
        "{}",
        ended.stdout
    );
    expect_both_rows(&ended.stdout, &folder);
    assert_eq!(folder.states("t.ledger.db"), "created 5");
    let status = ["status", "--ledger", "t.ledger.db"];
    expect_both_rows(&folder.run(&status).expect(0).stdout, &folder);
    let message = folder.run(&[&status[..], &["--output", "json"]].concat()).expect(0).stdout;
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!((&message["shared"], &message["shared_contacts"]), (&2.into(), &rows(&folder)));

    // The next run has nothing to tell: it can do nothing about it.
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(!ended.stdout.contains("contact-of-two"), "{}", ended.stdout);
    expect_both_rows(&folder.run(&status).expect(0).stdout, &folder);
}

#[test]
fn rows_that_a_run_did_not_end_in_1_for_are_told_by_the_next_one() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = confused();
    let url = endpoint.url();
    let run = import(&url, &[]);
    let told = |code, more: &[&str]| {
        let ended = folder.run(&[&run[..], more].concat()).expect(code).stdout;
        expect_both_rows(&ended, &folder);
    };
    // A planned stop is no failure.
    told(10, &["--limit", "4", "--concurrency", "1"]);
    told(1, &[]);
    folder.run(&run).expect(0);
    // As `kill -9` before the end leaves it.
    folder.execute("t.ledger.db", "UPDATE runs SET ended_ms = NULL, ending = NULL, exit_code = NULL");
    told(1, &[]);
    folder.run(&run).expect(0);
}

#[test]
fn programs_and_logs_are_told_of_both_rows() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = confused();
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &["--output", "json", "--log-format", "json"])).expect(1);
    let summary = messages(&ended.stdout).remove("summary").unwrap();
    assert_eq!((&summary["shared"], &summary["shared_contacts"]), (&2.into(), &rows(&folder)));
    assert_eq!((&summary["created"], &summary["exit_code"]), (&5.into(), &1.into()));
    let log =
        ended.stderr.lines().filter(|line| line.contains("a row has a contact that another row has too"));
    let keys: Vec<_> = log
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| (line["key"].clone(), line["contact_id"].clone(), line["level"].clone()))
        .collect();
    let expected = |key: &str| (key.into(), "contact-of-two".into(), "ERROR".into());
    assert_eq!(keys, [expected("K1"), expected("K3")]);
}

#[test]
fn a_contact_of_an_earlier_run_is_told_with_its_row() {
    let folder = Folder::new();
    let endpoint = confused();
    let url = endpoint.url();
    folder.write("t.csv", numbered_csv(3));
    folder.run(&import(&url, &[])).expect(0);
    folder.write("t.csv", numbered_csv(5));
    expect_both_rows(&folder.run(&import(&url, &[])).expect(1).stdout, &folder);
}

#[test]
fn verify_tells_which_row_the_contact_is_of() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--stale", "1"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--concurrency", "1"])).expect(1);
    assert_eq!(folder.query("t.ledger.db", "SELECT count(DISTINCT contact_id) FROM rows"), "1");
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    let ended = paste(&folder, printed(&status, SEE)).expect(1);
    let output = ended.stdout + &ended.stderr;
    assert!(output.contains("(key K1) differs in Name"), "{output}");
    assert!(!output.contains("(key K0) differs"), "{output}");
}

#[test]
fn an_answer_that_was_lost_and_is_given_again_shares_no_contact() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "0.4", "--seed", "7"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--max-attempts", "99"])).expect(0);
    assert!(sandbox.stat("replayed") > 0);
    assert_eq!(folder.query("t.ledger.db", "SELECT count(*) FROM shared_contacts"), "0");
}
