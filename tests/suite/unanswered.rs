//! Unanswered attempts: their rows are in doubt and are resent with the same token within the idempotency
//! window, and are unknown after it.

use crate::support::*;

/// Moves all times of the rows back.
fn age(folder: &Folder, hours: u64) {
    let earlier = hours * 3_600_000;
    folder.execute(
        "t.ledger.db",
        &format!(
            "UPDATE rows SET first_sent_ms = first_sent_ms - {earlier}, last_sent_ms = last_sent_ms - {earlier}, \
             doubt_ms = doubt_ms - {earlier}"
        ),
    );
}

/// A folder whose ledger has one row in doubt.
fn with_row_in_doubt(endpoint: &Endpoint) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let ended = folder.run(&import(&endpoint.url(), &["--max-attempts", "1"])).expect(75);
    assert!(
        ended.stderr.contains("line 2 (key K0) went unanswered and waits for the next run"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("sends them again with the same client tokens"), "{}", ended.stdout);
    folder
}

fn first_unanswered() -> Endpoint {
    Endpoint::start(|number, _| if number == 0 { Reply::Close } else { Reply::Created })
}

#[test]
fn within_the_window_the_next_run_resends_the_row_with_the_same_token() {
    let endpoint = first_unanswered();
    let folder = with_row_in_doubt(&endpoint);
    age(&folder, 22);
    let ended = folder.run(&import(&endpoint.url(), &[])).expect(0);
    let message = "1 row is in doubt: sent before and unanswered; sent first, with the same client tokens\n";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    assert!(!ended.stderr.contains("outlive"), "{}", ended.stderr);
    let tokens = endpoint.client_tokens();
    assert_eq!(tokens[0], tokens[1]);
}

#[test]
fn a_row_whose_window_is_about_to_end_is_reported_before_the_first_request() {
    let endpoint = first_unanswered();
    let folder = with_row_in_doubt(&endpoint);
    age(&folder, 23);
    let ended = folder.run(&import(&endpoint.url(), &["--output", "json"])).expect(0);
    assert!(
        ended.stderr.contains("1 of these are about to outlive --idempotency-window"),
        "{}",
        ended.stderr
    );
    let checked = ended.stdout.lines().find(|line| line.contains(r#""phase":"checked""#)).unwrap();
    let checked: serde_json::Value = serde_json::from_str(checked).unwrap();
    assert_eq!((&checked["in_doubt"], &checked["in_doubt_closing"]), (&1.into(), &1.into()));
}

#[test]
fn after_the_window_the_row_is_unknown_until_it_is_retried_explicitly() {
    for (hours, window) in [(25, "24h"), (2, "90m")] {
        let endpoint = first_unanswered();
        let folder = with_row_in_doubt(&endpoint);
        age(&folder, hours);
        let url = endpoint.url();
        let windowed = import(&url, &["--idempotency-window", window]);
        folder.run(&windowed).expect(1);
        // Neither a longer window nor another content is evidence about the contact.
        folder.write("t.csv", "id,Name\nK0,Another name\n");
        let ended = folder.run(&import(&url, &["--idempotency-window", "1000h"])).expect(1);
        assert!(
            ended.stderr.contains("1 row is unknown: maybe created, and not sent again"),
            "{}",
            ended.stderr
        );
        assert_eq!(folder.states("t.ledger.db"), "unknown 1");
        assert_eq!(endpoint.requests().len(), 1);
        folder.write("t.csv", numbered_csv(1));
        let checked =
            folder.run(&[&["check"], &windowed[1..4], &["--sandbox", "--ledger", "t.ledger.db"]].concat());
        assert!(checked.expect(0).stdout.contains("1  not send again: unknown"));

        folder.run(&import(&url, &["--retry", "unknown"])).expect(0);
        assert_eq!(folder.states("t.ledger.db"), "created 1");
        let tokens = endpoint.client_tokens();
        assert_eq!((tokens.len(), &tokens[0]), (2, &tokens[1]));
    }
}

#[test]
fn a_row_that_becomes_unknown_at_the_start_of_a_run_is_retried_by_that_run() {
    for (file, states) in [("t.csv", "created 1"), ("other.csv", "created 2")] {
        let endpoint = first_unanswered();
        let folder = with_row_in_doubt(&endpoint);
        folder.write("other.csv", "id,Name\nL0,A name\n");
        age(&folder, 25);
        folder.run(&import_file(file, &endpoint.url(), &["--retry", "unknown"])).expect(0);
        assert_eq!(folder.states("t.ledger.db"), states);
    }
}

#[test]
fn an_unanswered_retry_starts_a_new_window() {
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let folder = with_row_in_doubt(&endpoint);
    age(&folder, 25);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.run(&import(&url, &["--retry", "unknown", "--max-attempts", "1"])).expect(75);
    assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), "pending|1");
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    assert_eq!(endpoint.requests().len(), 2);
}

#[test]
fn a_row_left_in_flight_by_a_killed_run_is_held_with_on_unknown_hold() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is in flight", || endpoint.requests().len() == 1);
    running.signal("KILL");
    running.end();
    assert_eq!(folder.states("t.ledger.db"), "in_flight 1");
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    assert_eq!(folder.query("t.ledger.db", "SELECT state, code FROM rows"), "unknown|NoAnswer");
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn rows_that_connect_rejected_are_resent_only_with_retry_rejected() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|number, _| match number {
        0..4 => Reply::Error(400, "InvalidRequestException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), 2);
    folder.run(&import(&url, &["--retry", "rejected"])).expect(1);
    assert_eq!(endpoint.requests().len(), 4);
    // This includes rows of a file that the run does not read.
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &["--retry", "rejected,unknown"]);
    other[1] = "other.csv";
    folder.run(&other).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
}

#[test]
fn retry_rejected_does_not_send_invalid_rows_of_another_file() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", "id,Name\n1,a\n1,a again\n,no key\n3,x,too many\n4\n5,\"stray\"quote\n");
    folder.run(&import(&url, &[])).expect(1);
    folder.write("other.csv", "id,Name\n9,b\n");
    let mut other = import(&url, &["--retry", "rejected"]);
    other[1] = "other.csv";
    folder.run(&other).expect(1);
    assert_eq!(sandbox.stat("contacts"), 2);
    let codes =
        folder.query("t.ledger.db", "SELECT DISTINCT code FROM rows WHERE state = 'rejected' ORDER BY code");
    assert_eq!(codes, "DuplicateKey\nEmptyKey\nRaggedRow\nStrayQuote");
}

#[test]
fn unknown_rows_that_a_retry_did_not_send_stay_unknown() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(10));
    let losing = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "1", "--state", "s.jsonl"]);
    folder.run(&import(&losing.url(), &["--on-unknown", "hold"])).expect(1);
    drop(losing);
    // Without idempotent tokens every resent row creates another contact.
    let without_idempotency =
        SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed", "--state", "s.jsonl"]);
    let url = without_idempotency.url();
    let count = |state: &str| {
        folder.query("t.ledger.db", &format!("SELECT count(*) FROM rows WHERE state = '{state}'"))
    };
    let unknown: u64 = count("unknown").parse().unwrap();
    folder.run(&import(&url, &["--on-unknown", "hold", "--retry", "unknown", "--limit", "1"]));
    assert_eq!(count("unknown"), (unknown - 1).to_string());
    // A run that dies before its first request leaves them unknown too.
    let dying = import(&url, &["--retry", "unknown", "--crash-at", "before-intent"]);
    assert_eq!(folder.run(&dying).code, None);
    let requests = without_idempotency.stat("requests");
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(
        (count("unknown"), without_idempotency.stat("requests")),
        ((unknown - 1).to_string(), requests)
    );
    // A run reports rows that a killed run has left, also with another input.
    assert_eq!(folder.run(&dying).code, None);
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &["--on-unknown", "hold"]);
    other[1] = "other.csv";
    folder.run(&other).expect(1);
}

#[test]
fn a_row_in_doubt_has_the_message_of_its_last_attempt() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Quoted(400, "InvalidRequestException", "the old refusal".to_owned()),
        _ => Reply::Hang,
    });
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.write("t.csv", "id,Name\nK0,Corrected\n");
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("the row is resent", || endpoint.requests().len() == 2);
    running.signal("KILL");
    running.end();
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    let row = folder.query("t.ledger.db", "SELECT state, code, message FROM rows");
    assert_eq!(row, "unknown|NoAnswer|the run ended before Connect answered");
}

#[test]
fn an_outage_leaves_few_rows_unknown_with_on_unknown_hold() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(500));
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let url = endpoint.url();
    for pace in [["--rate", "100000", "--burst", "100"], ["--rate", "20", "--burst", "5"]] {
        let _ = std::fs::remove_file(folder.path("t.ledger.db"));
        let requests = endpoint.requests().len() as u64;
        let hold = ["--on-unknown", "hold", "--max-duration", "4s", "--concurrency", "8"];
        let ended = folder.run(&import(&url, &[&hold[..], &pace].concat())).expect(10);
        // Up to eight attempts are in flight when the outage is detected. After that there is one attempt per
        // pause, of which four seconds have few.
        let unknown: u64 =
            folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'unknown'").parse().unwrap();
        assert!(unknown < 17, "{unknown}: {}", ended.stderr);
        assert_eq!(unknown, endpoint.requests().len() as u64 - requests);
    }
}

#[test]
fn a_row_in_doubt_since_a_future_time_is_unknown() {
    let endpoint = first_unanswered();
    let folder = with_row_in_doubt(&endpoint);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET doubt_ms = doubt_ms + 172800000, last_sent_ms = doubt_ms + 172800000",
    );
    folder.run(&import(&endpoint.url(), &[])).expect(1);
    assert_eq!((folder.states("t.ledger.db"), endpoint.requests().len()), ("unknown 1".to_owned(), 1));
}

#[test]
fn a_retried_row_is_sent_whatever_the_window() {
    let endpoint = first_unanswered();
    let folder = with_row_in_doubt(&endpoint);
    let url = endpoint.url();
    folder.run(&import(&url, &["--idempotency-window", "0s"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    folder.run(&import(&url, &["--idempotency-window", "0s", "--retry", "unknown"])).expect(0);
}

#[test]
fn the_summary_counts_unknown_rows_of_another_input() {
    let endpoint = Endpoint::start(|number, _| if number == 0 { Reply::Close } else { Reply::Created });
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let url = endpoint.url();
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    folder.write("t.csv", "id,Name\nX,Other\n");
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(ended.stdout.contains("1  unknown of earlier runs"), "{}", ended.stdout);
}

#[test]
fn a_held_row_is_never_sent_on_a_connection_that_the_server_may_be_closing() {
    // A server that ends an idle connection may read a request that was sent at that moment, or may not.
    let held =
        Endpoint::serve(|request| if request.on_connection > 0 { Reply::Close } else { Reply::Created });
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(20));
    let one_by_one = ["--concurrency", "1", "--on-unknown"];
    folder.run(&import(&held.url(), &[&one_by_one[..], &["hold"]].concat())).expect(0);
    assert!(held.received().iter().all(|request| request.on_connection == 0));
    assert_eq!(held.received().len(), 20);
    // Without the option connections are used again.
    let resent = Endpoint::serve(|_| Reply::Created);
    std::fs::remove_file(folder.path("t.ledger.db")).unwrap();
    folder.run(&import(&resent.url(), &[&one_by_one[..], &["resend"]].concat())).expect(0);
    assert!(resent.received().iter().any(|request| request.on_connection > 0));
}
