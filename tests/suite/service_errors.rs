//! Errors and missing answers of the service: the row's state, the exit code, and the next run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::*;

/// Imports `rows` rows through a scripted endpoint.
fn import_rows(
    rows: usize,
    more: &[&str],
    reply: impl Fn(usize, &serde_json::Value) -> Reply + Send + Sync + 'static,
) -> (Folder, Endpoint, Ended) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(rows));
    let endpoint = Endpoint::start(reply);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, more));
    (folder, endpoint, ended)
}

#[test]
fn denied_credentials_stop_the_run_and_every_row_stays_pending() {
    for code in ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"] {
        let (folder, endpoint, ended) =
            import_rows(50, &["--concurrency", "2"], move |_, _| Reply::Error(403, code));
        let ended = ended.expect(7);
        assert!(ended.stdout.contains(code), "{}", ended.stdout);
        assert_eq!(folder.states("t.ledger.db"), "pending 50");
        assert_eq!(folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE code IS NOT NULL"), "0");
        assert!(endpoint.requests().len() <= 4, "requests were sent after a denial");
        assert!(!folder.path("t.ledger.db.rejects.csv").exists());
    }
}

#[test]
fn a_hard_quota_stops_the_run_and_every_row_stays_pending() {
    let (folder, _, ended) = import_rows(20, &[], |_, _| Reply::Error(402, "ServiceQuotaExceededException"));
    ended.expect(7);
    assert_eq!(folder.states("t.ledger.db"), "pending 20");
}

#[test]
fn a_missing_instance_stops_the_run_and_every_row_stays_pending() {
    let (folder, _, ended) = import_rows(20, &[], |_, _| Reply::Error(404, "ResourceNotFoundException"));
    ended.expect(7);
    assert_eq!(folder.states("t.ledger.db"), "pending 20");
}

#[test]
fn an_id_that_does_not_exist_rejects_only_the_row_that_has_it() {
    let (folder, _, ended) =
        import_rows(20, &["--concurrency", "1"], |_, body| match body["Name"].as_str() {
            Some("Task 7") => Reply::Error(404, "ResourceNotFoundException"),
            _ => Reply::Created,
        });
    ended.expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 19, rejected 1");
    assert_eq!(folder.query("t.ledger.db", "SELECT key FROM rows WHERE state = 'rejected'"), "K7");
}

#[test]
fn an_unreachable_endpoint_exits_with_75_and_every_row_stays_pending() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(20));
    // The listener is closed at once, so connections to its port are refused.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ended = folder.run(&import(&url, &[])).expect(75);
    assert!(ended.stdout.contains("out of reach"), "{}", ended.stdout);
    assert!(ended.stdout.contains("To send the rows that wait"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "pending 20");
    let attempted =
        folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE may_exist = 1 OR code IS NOT NULL");
    assert_eq!(attempted, "0");
}

#[test]
fn throttling_is_not_an_error_of_a_row() {
    let (folder, endpoint, ended) =
        import_rows(10, &["--max-attempts", "1", "--output", "json", "--concurrency", "4"], |number, _| {
            if number % 3 == 0 { Reply::Error(429, "ThrottlingException") } else { Reply::Created }
        });
    let summary = messages(&ended.expect(0).stdout).remove("summary").unwrap();
    assert_eq!(summary["created"], 10);
    assert_eq!(summary["throttled"], endpoint.requests().len() as u64 - 10);
    assert_eq!(folder.states("t.ledger.db"), "created 10");
}

#[test]
fn an_unanswered_attempt_is_repeated_with_the_same_client_token() {
    let (folder, endpoint, ended) = import_rows(1, &[], |number, _| match number {
        0 => Reply::Close,
        _ => Reply::Created,
    });
    ended.expect(0);
    let tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].clone()).collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(folder.query("t.ledger.db", "SELECT contact_id, attempts FROM rows"), "contact-1|2");
}

#[test]
fn with_on_unknown_hold_an_unanswered_row_is_unknown_and_not_sent_again() {
    let unanswered: [fn(usize, &serde_json::Value) -> Reply; 5] = [
        |_, _| Reply::Close,
        |_, _| Reply::Error(500, "InternalServiceException"),
        |_, _| Reply::Error(503, ""),
        |_, _| Reply::Body("{}"),
        |_, _| Reply::Body("not json"),
    ];
    for reply in unanswered {
        let (folder, endpoint, ended) = import_rows(1, &["--on-unknown", "hold"], reply);
        ended.expect(1);
        assert_eq!(folder.states("t.ledger.db"), "unknown 1");
        let url = endpoint.url();
        let before = endpoint.requests().len();
        folder.run(&import(&url, &[])).expect(1);
        assert_eq!(endpoint.requests().len(), before, "an unknown row was sent again");
        let rejects = folder.read("t.ledger.db.rejects.csv");
        assert!(rejects.contains(",unknown,"), "{rejects}");
    }
}

#[test]
fn a_row_that_is_not_answered_within_the_read_timeout_is_in_doubt() {
    let (folder, _, ended) =
        import_rows(1, &["--max-attempts", "1", "--read-timeout", "200ms"], |_, _| Reply::Hang);
    ended.expect(75);
    assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist, code FROM rows"), "pending|1|NoAnswer");
}

#[test]
fn a_row_in_doubt_whose_next_attempt_is_refused_is_unknown_and_not_rejected() {
    let (folder, _, ended) = import_rows(1, &[], |number, _| match number {
        0 => Reply::Close,
        _ => Reply::Error(400, "InvalidRequestException"),
    });
    ended.expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
}

#[test]
fn a_client_token_that_was_used_with_other_parameters_makes_the_row_unknown() {
    let (folder, endpoint, ended) = import_rows(1, &[], |_, _| Reply::Error(409, "IdempotencyException"));
    ended.expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn a_row_with_conflicts_fails_after_its_last_attempt_and_the_next_run_sends_it() {
    let (folder, endpoint, ended) = import_rows(1, &["--max-attempts", "2"], |number, _| match number {
        0 | 1 => Reply::Error(409, "ConflictException"),
        _ => Reply::Created,
    });
    ended.expect(1);
    assert_eq!(folder.states("t.ledger.db"), "failed 1");
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 1");
}

#[test]
fn a_row_that_connect_refused_is_not_sent_again_until_it_changes() {
    let (folder, endpoint, ended) = import_rows(3, &[], |_, body| match body["Name"].as_str() {
        Some("Task 1") => Reply::Error(400, "InvalidRequestException"),
        _ => Reply::Created,
    });
    ended.expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 1");
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), 3, "a refused row was sent again unchanged");
    folder.write("t.csv", numbered_csv(3).replace("Task 1", "Task one"));
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
}

#[test]
fn an_outage_exits_with_75_and_the_next_run_creates_the_pending_rows() {
    let is_down = Arc::new(AtomicBool::new(true));
    let outage = is_down.clone();
    let (folder, endpoint, ended) = import_rows(30, &["--concurrency", "4"], move |_, _| {
        if outage.load(Ordering::SeqCst) { Reply::Error(503, "") } else { Reply::Created }
    });
    let ended = ended.expect(75);
    assert!(ended.stdout.contains("Connect gives no usable answer"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "pending 30");
    is_down.store(false, Ordering::SeqCst);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 30");
}

#[test]
fn an_instance_that_is_missing_in_a_later_run_stops_it_and_the_rows_stay_pending() {
    let (folder, endpoint, ended) = import_rows(60, &["--limit", "2"], |number, _| match number {
        0 | 1 => Reply::Created,
        _ => Reply::Error(404, "ResourceNotFoundException"),
    });
    ended.expect(10);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(7);
    assert_eq!(folder.states("t.ledger.db"), "created 2, pending 58");
}

#[test]
fn a_single_row_with_an_id_that_does_not_exist_fails_when_an_earlier_run_created_rows() {
    let (folder, endpoint, ended) = import_rows(2, &["--limit", "1"], |number, _| match number {
        0 => Reply::Created,
        _ => Reply::Error(404, "ResourceNotFoundException"),
    });
    ended.expect(10);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 1, failed 1");
}

#[test]
fn an_error_without_a_code_of_connect_stops_the_run_and_every_row_stays_pending() {
    for status in [400, 404, 407, 413] {
        let (folder, _, ended) = import_rows(5, &[], move |_, _| Reply::Error(status, ""));
        ended.expect(7);
        assert_eq!(folder.states("t.ledger.db"), "pending 5", "{status}");
    }
}

#[test]
fn the_idempotency_window_starts_at_the_first_unanswered_attempt() {
    let (folder, endpoint, ended) = import_rows(1, &["--max-attempts", "1"], |number, _| match number {
        0 => Reply::Error(409, "ConflictException"),
        1 => Reply::Close,
        _ => Reply::Created,
    });
    ended.expect(1);
    let two_days_ago = "UPDATE rows SET first_sent_ms = first_sent_ms - 172800000, \
                        last_sent_ms = last_sent_ms - 172800000, doubt_ms = doubt_ms - 172800000";
    folder.execute("t.ledger.db", two_days_ago);
    let url = endpoint.url();
    folder.run(&import(&url, &["--max-attempts", "2"])).expect(0);

    // An unanswered attempt older than the window is not repeated.
    let (folder, endpoint, ended) =
        import_rows(2, &["--limit", "1", "--max-attempts", "1"], |_, _| Reply::Close);
    ended.expect(75);
    assert_eq!(folder.states("t.ledger.db"), "pending 2");
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'pending', may_exist = 1, attempts = 1, doubt_ms = 1",
    );
    let url = endpoint.url();
    let before = endpoint.requests().len();
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), before);
    assert_eq!(folder.states("t.ledger.db"), "unknown 2");
}

#[test]
fn a_few_unanswered_rows_do_not_block_the_others() {
    for concurrency in ["1", "32"] {
        let arguments = ["--concurrency", concurrency, "--max-attempts", "2"];
        let (folder, _, ended) = import_rows(60, &arguments, |_, body| match body["Name"].as_str() {
            Some("Task 0" | "Task 1" | "Task 2" | "Task 40") => Reply::Error(500, "InternalServiceException"),
            _ => Reply::Created,
        });
        ended.expect(75);
        assert_eq!(folder.states("t.ledger.db"), "created 56, pending 4", "{concurrency}");
    }
}

#[test]
fn an_invalid_contact_id_leaves_the_row_pending() {
    for (id, code) in [
        ("", "NoContactId"),
        (" ", "NoContactId"),
        ("a b", "UnexpectedContactId"),
        ("\\u001b[31m", "UnexpectedContactId"),
    ] {
        let body = format!("{{\"ContactId\":\"{id}\",\"ContactArn\":\"arn\"}}");
        let (folder, _, ended) =
            import_rows(1, &["--max-attempts", "1"], move |_, _| Reply::Json(body.clone()));
        ended.expect(75);
        assert_eq!(
            folder.query("t.ledger.db", "SELECT state, code FROM rows"),
            format!("pending|{code}"),
            "{id:?}"
        );
    }
}

/// An error response with these headers and this body.
fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Reply::Raw(status, headers, body.to_owned())
}

fn created() -> Reply {
    Reply::Raw(200, Vec::new(), r#"{"ContactId":"contact-1","ContactArn":"arn"}"#.to_owned())
}

/// Imports one row through a scripted endpoint.
fn import_a_row(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Folder, Endpoint, Ended) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::serve(reply);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &["--max-attempts", "2", "--output", "json"]));
    (folder, endpoint, ended)
}

#[test]
fn codes_of_throttling_and_of_timeouts_reject_no_row_however_the_response_names_them() {
    const NAME: &str = "x-amzn-errortype";
    const NONE: (&str, &str) = ("x-other", "");
    let throttled = [
        (400, (NAME, "ThrottledException"), ""),
        (400, (NAME, "SlowDown"), "{}"),
        (400, (NAME, "LimitExceededException:http://internal.amazon.com/coral/"), "{}"),
        (503, (NAME, "com.amazonaws.connect#PriorRequestNotComplete"), "{}"),
        (400, (NAME, "com.amazonaws.connect#RequestThrottled:http://a/"), "{}"),
        (400, NONE, r#"{"__type":"com.amazonaws.connect#RequestLimitExceeded","message":"m"}"#),
        (403, NONE, r#"{"code":"EC2ThrottledException","Message":"m"}"#),
        (400, (NAME, "http://internal.amazon.com/coral/#ThrottlingException"), "{}"),
        (400, NONE, r#"{"__type":"http://internal.amazon.com/coral/#SlowDown:http://a/","message":"m"}"#),
        (400, (NAME, ""), r#"{"__type":"SlowDown"}"#),
        (400, (NAME, "throttlingexception"), "{}"),
        (429, ("X-Amzn-ErrorType", "SomethingNew"), "{}"),
    ];
    for (status, header, body) in throttled {
        let (_, endpoint, ended) = import_a_row(move |request| match request.number {
            0 => error(status, &[header], body),
            _ => created(),
        });
        let summary = messages(&ended.expect(0).stdout).remove("summary").unwrap();
        assert_eq!((&summary["created"], &summary["throttled"]), (&1.into(), &1.into()), "{header:?} {body}");
        assert_eq!(endpoint.received().len(), 2);
    }
    for code in ["RequestTimeout", "RequestTimeoutException", "InternalFailure", "ServiceUnavailable"] {
        let (folder, endpoint, ended) = import_a_row(move |_| error(400, &[(NAME, code)], "{}"));
        ended.expect(75);
        // In doubt: the service may have processed it.
        let row = folder.query("t.ledger.db", "SELECT state, may_exist, attempts, code FROM rows");
        assert_eq!(row, format!("pending|1|2|{code}"));
        assert_eq!(endpoint.received().len(), 2);
    }
}

#[test]
fn a_pause_that_the_service_asks_for_is_told() {
    for header in [("x-amz-retry-after", "1200"), ("retry-after", "2")] {
        let (_, _, ended) = import_a_row(move |request| match request.number {
            0 => error(429, &[("x-amzn-errortype", "ThrottlingException"), header], "{}"),
            _ => created(),
        });
        let ended = ended.expect(0);
        let lines = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let paused: Vec<_> = lines.filter(|line| line["phase"] == "paused").collect();
        assert_eq!(paused.len(), 1, "{}", ended.stdout);
        assert_eq!((&paused[0]["failure"], &paused[0]["is_asked"]), (&"throttled".into(), &true.into()));
        let seconds = if header.0 == "retry-after" { 2.0 } else { 1.2 };
        assert_eq!(paused[0]["seconds"], seconds);
        assert!(ended.stderr.contains("as the service asks"), "{}", ended.stderr);
    }
}
