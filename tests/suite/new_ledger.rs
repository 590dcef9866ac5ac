//! A new ledger beside one of the same import, as after a job file was renamed.

use crate::support::*;

const JOB: &str = "[connect]\ninstance_id = \"11111111-2222-3333-4444-555555555555\"\nregion = \"eu-west-2\"\n\
    no_sign_request = true\n[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[pacing]\nrate = 100000\nburst = 1000\n";

fn run<'a>(job: &'a str, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--job", job, "--endpoint-url", url], more].concat()
}

#[test]
fn a_renamed_job_file_sends_no_row_again() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder.write("old.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&run("old.toml", &url, &[])).expect(0);
    std::fs::rename(folder.path("old.toml"), folder.path("new name.toml")).unwrap();
    let refused = folder.run(&run("new name.toml", &url, &[])).expect(2).stderr;
    let error = refused.lines().last().unwrap();
    for part in [
        "new name.ledger.db would be",
        "old.ledger.db in",
        "3 created rows",
        "--ledger old.ledger.db;",
        "--new-ledger",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("new name.ledger")), "{left:?}");
    let doctor = ["doctor", "--job", "new name.toml", "--endpoint-url", &url];
    let doctor = folder.run(&doctor).stdout;
    let doubted = doctor.lines().find(|line| line.starts_with("fail  ledger")).unwrap_or_default();
    assert!(doubted.contains("old.ledger.db"), "{doctor}");
    let check = folder.run(&["check", "--job", "new name.toml"]).expect(0).stdout;
    assert!(check.contains("OtherLedger") && check.contains("add --ledger old.ledger.db;"), "{check}");
    endpoint_saw(&endpoint, 3);
    folder.run(&run("new name.toml", &url, &["--ledger", "old.ledger.db"])).expect(0);
    endpoint_saw(&endpoint, 3);
    // Another run may hold the other ledger.
    let insisting = folder.run(&run("new name.toml", &url, &["--new-ledger"])).expect(0);
    assert_eq!(folder.states("new name.ledger.db"), "created 3", "{}", insisting.stderr);
    // Now both exist, and neither is new.
    folder.run(&run("new name.toml", &url, &[])).expect(0);
}

/// Requests that create contacts.
#[track_caller]
fn endpoint_saw(endpoint: &Endpoint, requests: usize) {
    let created = endpoint
        .requests()
        .into_iter()
        .filter(|body| body["Name"].as_str().is_some_and(|name| name.len() < 50));
    assert_eq!(created.count(), requests);
}

#[test]
fn other_imports_rehearsals_and_strange_files_of_the_folder_stop_no_run() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder.write("a.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    std::fs::create_dir(folder.path("folder.db")).unwrap();
    folder.write("empty.db", "");
    folder.write("text.db", "no database");
    folder.execute("foreign.db", "CREATE TABLE identity (x)");
    let pipe = folder.path("pipe.db");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    folder.run(&run("a.toml", &url, &["--sandbox"])).expect(0);
    folder.run(&run("a.toml", &url, &["--namespace", "second", "--ledger", "second.db"])).expect(0);
    folder.run(&run("a.toml", &url, &["--shard", "0/2"])).expect(0);
    folder.run(&run("a.toml", &url, &["--shard", "1/2"])).expect(0);
    folder.run(&run("a.toml", &url, &["--ledger", "whole.db"])).expect(0);
    // A rehearsal may be repeated with another ledger.
    folder.run(&run("a.toml", &url, &["--sandbox", "--ledger", "again.db"])).expect(0);
}

#[test]
fn a_ledger_in_use_or_of_a_killed_run_is_found_too() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder.write("a.toml", JOB);
    folder.write("b.toml", JOB);
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let url = endpoint.url();
    let running = folder.start(&run("a.toml", &url, &[]));
    until("a request is in flight", || !endpoint.requests().is_empty());
    let refused = folder.run(&run("b.toml", &url, &[])).expect(2).stderr;
    assert!(refused.contains("a.ledger.db in the same folder"), "{refused}");
    // The last commits of a run that was killed are in the log alone.
    running.signal("KILL");
    assert_eq!(running.end().code, None);
    let refused = folder.run(&run("b.toml", &url, &[])).expect(2).stderr;
    assert!(refused.contains("a.ledger.db in the same folder"), "{refused}");
    gate.open();
    folder.run(&run("a.toml", &url, &[])).expect(0);
}
