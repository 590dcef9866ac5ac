//! Other programs that have the ledger open while a command uses it.

use rusqlite::Connection;

use crate::support::*;

/// A connection to `t.ledger.db` of another program: of this process, which holds its locks as `sqlite3` would.
fn other_program(folder: &Folder, sql: &str) -> Connection {
    let connection = Connection::open(folder.path("t.ledger.db")).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

/// Expects the text that names this process as the one that keeps the ledger busy.
#[track_caller]
fn expect_told(stderr: &str) {
    let who = format!("the ledger t.ledger.db is kept busy by process {} (", std::process::id());
    assert!(stderr.contains(&who), "{stderr}");
}

/// Imports the first of the rows.
fn first_row(folder: &Folder, url: &str) {
    folder.run(&import(url, &["--limit", "1"])).expect(10);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_waits_for_a_program_that_writes_to_the_ledger_and_sends_nothing_meanwhile() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(20));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    first_row(&folder, &url);
    let other = other_program(&folder, "BEGIN IMMEDIATE");
    let run = start_with_stderr_file(&folder, &import(&url, &[]));
    until("the wait is told", || stderr_so_far(&folder).contains("kept busy"));
    expect_told(&stderr_so_far(&folder));
    assert_eq!(endpoint.requests().len(), 1);
    other.execute_batch("COMMIT").unwrap();
    run.end().expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 20");
    assert_eq!(endpoint.requests().len(), 20);
    assert_eq!(stderr_so_far(&folder).matches("kept busy").count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_outcomes_of_requests_in_flight_are_kept_until_the_ledger_is_free() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let url = endpoint.url();
    let run = folder.start(&import(&url, &[]));
    until("the requests are in flight", || endpoint.requests().len() == 5);
    let other = other_program(&folder, "BEGIN IMMEDIATE");
    gate.open();
    // Readers are not kept out.
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "in_flight 5");
    other.execute_batch("COMMIT").unwrap();
    run.end().expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 5");
    assert_eq!(endpoint.requests().len(), 5);
}

#[test]
fn a_signal_ends_the_wait_within_the_grace_period_and_the_next_run_continues() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let url = endpoint.url();
    let run = start_with_stderr_file(&folder, &import(&url, &["--grace", "1s"]));
    until("the requests are in flight", || endpoint.requests().len() == 5);
    let other = other_program(&folder, "BEGIN IMMEDIATE");
    gate.open();
    run.signal("TERM");
    // Without the signal it would wait for a minute.
    run.end().expect(143);
    let stderr = stderr_so_far(&folder);
    assert!(stderr.contains("t.ledger.db is kept busy by ") && stderr.contains("are not lost"), "{stderr}");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(folder.states("t.ledger.db"), "in_flight 5");
    folder.run(&import(&url, &[])).expect(0);
    let tokens = endpoint.client_tokens();
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!((tokens.len(), distinct.len()), (10, 5));
}

#[cfg(target_os = "linux")]
#[test]
fn commands_that_read_wait_for_a_program_that_locks_all_others_out() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(0);
    let exclusive = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT";
    let other = other_program(&folder, exclusive);
    let status = start_with_stderr_file(&folder, &["status", "--ledger", "t.ledger.db"]);
    until("the wait is told", || stderr_so_far(&folder).contains("kept busy"));
    expect_told(&stderr_so_far(&folder));
    drop(other);
    let status = status.end().expect(0);
    assert!(status.stdout.contains("created"), "{}", status.stdout);
}

#[test]
fn a_reader_that_stays_when_the_run_closes_the_ledger_is_no_error() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(10));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    first_row(&folder, &url);
    let reader = other_program(&folder, "BEGIN; SELECT count(*) FROM rows");
    folder.run(&import(&url, &[])).expect(0);
    // It keeps the log from being emptied, and the log is read by the next command.
    assert!(folder.path("t.ledger.db-wal").metadata().unwrap().len() > 0);
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    drop(reader);
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!((folder.states("t.ledger.db").as_str(), endpoint.requests().len()), ("created 10", 10));
}
