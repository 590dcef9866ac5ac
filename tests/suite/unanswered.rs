//! Rows that were sent and not answered: sent again with the same token while that is young, and never
//! taken for what nobody knows.

use crate::support::*;

/// Makes every time of the ledger's rows earlier.
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

/// A ledger with one row that was sent and not answered.
fn in_doubt(endpoint: &Endpoint) -> Folder {
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

fn first_is_lost() -> Endpoint {
    Endpoint::start(|number, _| if number == 0 { Reply::Close } else { Reply::Created })
}

#[test]
fn inside_the_window_the_next_run_sends_it_again_with_the_same_token() {
    let endpoint = first_is_lost();
    let folder = in_doubt(&endpoint);
    age(&folder, 22);
    let ended = folder.run(&import(&endpoint.url(), &[])).expect(0);
    let told = "1 row is in doubt: sent before and not answered; they go first, with the same tokens\n";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(!ended.stderr.contains("outlive"), "{}", ended.stderr);
    let tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].clone()).collect();
    assert_eq!(tokens[0], tokens[1]);
}

#[test]
fn a_row_whose_window_is_about_to_close_is_told_of_before_the_start() {
    let endpoint = first_is_lost();
    let folder = in_doubt(&endpoint);
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
fn outside_the_window_it_is_unknown_and_stays_so_until_somebody_says_otherwise() {
    for window in [("25", "24h"), ("2", "90m")] {
        let endpoint = first_is_lost();
        let folder = in_doubt(&endpoint);
        age(&folder, window.0.parse().unwrap());
        let url = endpoint.url();
        let windowed = import(&url, &["--idempotency-window", window.1]);
        folder.run(&windowed).expect(1);
        // A longer window, another content, another mapping: nothing of this is evidence.
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
        let tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].clone()).collect();
        assert_eq!((tokens.len(), &tokens[0]), (2, &tokens[1]));
    }
}

#[test]
fn a_retried_row_whose_answer_is_lost_again_is_as_young_as_its_retry() {
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let folder = in_doubt(&endpoint);
    age(&folder, 25);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.run(&import(&url, &["--retry", "unknown", "--max-attempts", "1"])).expect(75);
    assert_eq!(folder.ask("t.ledger.db", "SELECT state, may_exist FROM rows"), "pending|1");
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    assert_eq!(endpoint.requests().len(), 2);
}

#[test]
fn what_a_dead_run_left_in_flight_is_held_if_rows_are_to_be_held() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is under way", || endpoint.requests().len() == 1);
    running.signal("KILL");
    running.end();
    assert_eq!(folder.states("t.ledger.db"), "in_flight 1");
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    assert_eq!(folder.ask("t.ledger.db", "SELECT state, code FROM rows"), "unknown|NoAnswer");
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn rows_that_connect_refused_are_sent_again_when_they_are_asked_for() {
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
    // Those of a file that is not read now are taken up as well.
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &["--retry", "rejected,unknown"]);
    other[1] = "other.csv";
    folder.run(&other).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
}

#[test]
fn what_this_tool_refused_in_another_file_is_not_sent_because_somebody_retries_rejected_rows() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", "id,Name\n1,a\n1,a again\n,no key\n3,x,too many\n4\n5,\"stray\"quote\n");
    folder.run(&import(&url, &[])).expect(1);
    folder.write("other.csv", "id,Name\n9,b\n");
    let mut other = import(&url, &["--retry", "rejected"]);
    other[1] = "other.csv";
    folder.run(&other).expect(0);
    assert_eq!(sandbox.stat("contacts"), 2);
    let codes =
        folder.ask("t.ledger.db", "SELECT DISTINCT code FROM rows WHERE state = 'rejected' ORDER BY code");
    assert_eq!(codes, "DuplicateKey\nEmptyKey\nRaggedRow\nStrayQuote");
}

#[test]
fn unknown_rows_that_a_retry_did_not_come_to_are_unknown_as_before() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(10));
    let losing = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "1", "--state", "s.jsonl"]);
    folder.run(&import(&losing.url(), &["--on-unknown", "hold"])).expect(1);
    drop(losing);
    // Here every token that is sent again makes another contact.
    let forgetful =
        SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed", "--state", "s.jsonl"]);
    let url = forgetful.url();
    let count = |state: &str| {
        folder.ask("t.ledger.db", &format!("SELECT count(*) FROM rows WHERE state = '{state}'"))
    };
    let unknown: u64 = count("unknown").parse().unwrap();
    folder.run(&import(&url, &["--on-unknown", "hold", "--retry", "unknown", "--limit", "1"]));
    assert_eq!(count("unknown"), (unknown - 1).to_string());
    // Neither does a run that dies before it sends anything change that.
    let dying = import(&url, &["--retry", "unknown", "--crash-at", "before-intent"]);
    assert_eq!(folder.run(&dying).code, None);
    let requests = forgetful.stat("requests");
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!((count("unknown"), forgetful.stat("requests")), ((unknown - 1).to_string(), requests));
    // Whoever finds them so says so, even if its own input has nothing to do with them.
    assert_eq!(folder.run(&dying).code, None);
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &["--on-unknown", "hold"]);
    other[1] = "other.csv";
    folder.run(&other).expect(1);
}

#[test]
fn a_row_in_doubt_says_what_put_it_there_and_not_what_was_said_of_it_before() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Quoted(400, "InvalidRequestException", "the old refusal".to_owned()),
        _ => Reply::Hang,
    });
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.write("t.csv", "id,Name\nK0,Mended\n");
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("it is sent again", || endpoint.requests().len() == 2);
    running.signal("KILL");
    running.end();
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    let told = folder.ask("t.ledger.db", "SELECT state, code, message FROM rows");
    assert_eq!(told, "unknown|NoAnswer|the run ended before Connect answered");
}

#[test]
fn where_rows_are_held_an_outage_costs_few_of_them() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(500));
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let url = endpoint.url();
    for pace in [["--rate", "100000", "--burst", "100"], ["--rate", "20", "--burst", "5"]] {
        let _ = std::fs::remove_file(folder.path("t.ledger.db"));
        let hold = ["--on-unknown", "hold", "--max-duration", "4s", "--concurrency", "8"];
        let ended = folder.run(&import(&url, &[&hold[..], &pace].concat())).expect(10);
        // The first eight go out before anybody knows; after that it is one for each pause, of which four
        // seconds have room for a few.
        let unknown: u64 =
            folder.ask("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'unknown'").parse().unwrap();
        assert!((2..17).contains(&unknown), "{unknown}: {}", ended.stderr);
    }
}

#[test]
fn a_doubt_of_the_future_may_be_of_any_age_and_is_unknown() {
    let endpoint = first_is_lost();
    let folder = in_doubt(&endpoint);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET doubt_ms = doubt_ms + 172800000, last_sent_ms = doubt_ms + 172800000",
    );
    folder.run(&import(&endpoint.url(), &[])).expect(1);
    assert_eq!((folder.states("t.ledger.db"), endpoint.requests().len()), ("unknown 1".to_owned(), 1));
}

#[test]
fn what_somebody_vouches_for_is_sent_however_short_the_window() {
    let endpoint = first_is_lost();
    let folder = in_doubt(&endpoint);
    let url = endpoint.url();
    folder.run(&import(&url, &["--idempotency-window", "0s"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    folder.run(&import(&url, &["--idempotency-window", "0s", "--retry", "unknown"])).expect(0);
}

#[test]
fn unknown_rows_of_another_input_are_not_forgotten_in_the_summary() {
    let endpoint = Endpoint::start(|number, _| if number == 0 { Reply::Close } else { Reply::Created });
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let url = endpoint.url();
    folder.run(&import(&url, &["--on-unknown", "hold"])).expect(1);
    folder.write("t.csv", "id,Name\nX,Other\n");
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(ended.stdout.contains("1  unknown of earlier runs"), "{}", ended.stdout);
}
