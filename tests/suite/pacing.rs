//! Pacing: `--rate auto`, the rate found and reported, and the number of requests in flight.

use crate::support::*;

/// The JSON summary of a run with more arguments.
fn summary(folder: &Folder, url: &str, more: &[&str]) -> serde_json::Value {
    let ended = folder.run(&import(url, &[&["--output", "json"], more].concat()));
    let last = ended.stdout.lines().last().unwrap();
    serde_json::from_str(last).unwrap()
}

#[test]
fn the_rate_found_is_reported_and_the_next_run_starts_at_half_of_it() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let none = summary(&folder, &url, &["--rate", "auto", "--limit", "0"]);
    assert!(none["rate_set"].is_null() && none["rate_found"].is_null(), "{none}");
    // How a rate is found, the engine's tests show on a clock that does not depend on the machine.
    folder.execute("t.ledger.db", "UPDATE runs SET rate_found = 200");
    let second = summary(&folder, &url, &["--rate", "auto"]);
    assert_eq!((&second["created"], &second["rate_found"]), (&3.into(), &serde_json::Value::Null));
    let started = || folder.query("t.ledger.db", "SELECT rate, is_auto FROM runs ORDER BY id DESC LIMIT 1");
    assert_eq!(started(), "100|1");
    folder.execute("t.ledger.db", "UPDATE runs SET rate_found = 37.5 WHERE id = 2");
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    assert!(status.stdout.contains("37.5 a second found"), "{}", status.stdout);
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--rate", "auto"];
    let check = folder.run(&[&check[..], &["--output", "json"]].concat()).expect(0);
    assert_eq!(messages(&check.stdout)["check"]["rate"], 37.5);

    folder.write("job.toml", "[pacing]\nrate = \"auto\"\n");
    let next = ["run", "t.csv", "--job", "job.toml", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"];
    folder.run(&[&next[..], &["--endpoint-url", &url]].concat()).expect(0);
    assert_eq!(started(), "18.75|1");
    let fixed = summary(&folder, &url, &["--rate", "7"]);
    assert_eq!((&fixed["rate_set"], &fixed["rate_found"]), (&7.0.into(), &serde_json::Value::Null));
}

#[test]
fn a_rate_is_a_number_or_auto() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    for (written, message) in [
        ("\"fast\"", "write requests per second, such as 2.0, or \"auto\""),
        ("true", "write requests per second, such as 2.0, or \"auto\""),
        ("0", "must be more than 0 requests per second"),
    ] {
        folder.write("job.toml", format!("[pacing]\nburst = 5\nrate = {written}\n"));
        let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--key", "id"]).expect(2);
        assert!(ended.stderr.contains(message), "{written}: {}", ended.stderr);
    }
    for flag in ["AUTO", "-1", "nan", "inf", ""] {
        let ended = folder.run(&["check", "t.csv", "--key", "id", &format!("--rate={flag}")]).expect(2);
        assert!(ended.stderr.contains("--rate"), "{flag}: {}", ended.stderr);
    }
}

#[test]
fn slow_responses_raise_the_requests_in_flight_up_to_the_bound() {
    for (bound, most) in [(&["--concurrency", "40"][..], 40), (&[], 256)] {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(400));
        let endpoint = Endpoint::start(|_, _| Reply::Hang);
        let url = endpoint.url();
        let more = ["--rate", "500", "--burst", "5", "--read-timeout", "10m", "--progress", "plain"];
        let running = start_with_stderr_file(&folder, &import(&url, &[&more[..], bound].concat()));
        until("the bound is reached", || endpoint.requests().len() == most);
        until("the bound is reported", || stderr_so_far(&folder).contains("raise --concurrency"));
        assert_eq!(endpoint.requests().len(), most);
        running.signal("KILL");
        running.end();
    }
}

#[test]
fn the_limit_on_open_files_reduces_the_concurrency() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let arguments = import(&url, &["--concurrency", "5000"]);
    let run = |arguments: &[&str]| folder.run_with_open_files(100, 3..3, arguments).expect(0).stderr;
    let message = "the limit on open files allows 36 requests in flight, not 5000";
    assert!(run(&arguments).contains(message));
    // A lower default needs no message.
    assert!(!run(&import(&url, &[])).contains("the limit on open files"));
}
