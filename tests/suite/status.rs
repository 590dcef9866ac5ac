//! `status`: withdrawn rows, the time left, and `--watch`.

use serde_json::Value;

use crate::support::*;

const LEDGER: &str = "t.ledger.db";

fn text(folder: &Folder) -> String {
    folder.run(&["status", "--ledger", LEDGER]).expect(0).stdout
}

fn json(folder: &Folder) -> Value {
    let status = folder.run(&["status", "--ledger", LEDGER, "--output", "json"]).expect(0);
    messages(&status.stdout)["status"].clone()
}

#[test]
fn rows_that_left_their_file_are_counted_as_withdrawn() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "2"])).expect(10);
    assert_eq!(json(&folder)["rows"]["withdrawn"], 0);
    folder.write("t.csv", numbered_csv(3));
    folder.run(&import(&url, &[])).expect(0);
    let state = json(&folder);
    assert_eq!(
        (&state["rows"]["pending"], &state["rows"]["withdrawn"], &state["total"]),
        (&0.into(), &1.into(), &3.into())
    );
    assert_eq!((&state["next_step"], &state["seconds_left"]), (&Value::Null, &Value::Null));
    let shown = text(&folder);
    assert!(shown.contains("\n  1 more withdrawn: "), "{shown}");
    assert!(!shown.contains("To send") && !shown.contains("left at the rate"), "{shown}");
    // The withdrawn row is back in its file, and a created row has left it.
    folder.write("t.csv", "id,Name\nK0,Task 0\nK3,Task 3\n");
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
    assert_eq!(
        (json(&folder)["rows"]["withdrawn"].clone(), json(&folder)["runs"][0]["ending"].clone()),
        (0.into(), "limit reached".into())
    );
    assert!(text(&folder).contains("To send"), "{}", text(&folder));
}

#[test]
fn the_time_left_of_a_run_follows_its_recorded_rate_and_its_limit() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(8));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let run = folder.start(&import(&url, &["--limit", "2", "--rate", "50", "--read-timeout", "10m"]));
    until("the requests are in flight", || endpoint.requests().len() == 2);
    // Without a created row there is no rate to divide by.
    assert_eq!((&json(&folder)["seconds_left"], &json(&folder)["running"]), (&Value::Null, &true.into()));
    let shown = text(&folder);
    assert!(shown.contains("\n  the time left is unknown: "), "{shown}");
    assert!(shown.contains("\n  6 rows wait beyond --limit, for the next run\n"), "{shown}");
    // Three rows per second, recorded some time ago. The stopped run cannot change the record.
    run.signal("STOP");
    folder.execute(
        LEDGER,
        "UPDATE runs SET recorded_ms = started_ms + 3600000, sending_ms = started_ms + 3588000;
         INSERT INTO minutes SELECT id, sending_ms / 60000, 36, 36, 0, 0, 50 FROM runs",
    );
    let state = json(&folder);
    assert_eq!(state["rate_of_late"], 3.0);
    assert_eq!(state["seconds_left"], 0.666666667);
    assert!(text(&folder).contains("3.0 created a second in the last 12s"), "{}", text(&folder));
    run.signal("KILL");
}

#[test]
fn the_time_left_is_unknown_while_the_input_is_read() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let mut command = folder.command(&import_file("-", &url, &[]));
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More rows than the run reads to detect the dialect. The open pipe may bring more.
    std::io::Write::write_all(&mut input, numbered_csv(50_000).replace('K', "L").as_bytes()).unwrap();
    until("the run has started", || folder.query(LEDGER, "SELECT count(*) FROM runs") == "2");
    let (state, shown) = (json(&folder), text(&folder));
    assert_eq!((&state["running"], &state["seconds_left"]), (&true.into(), &Value::Null));
    assert!(!shown.contains(" left"), "{shown}");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn the_rate_of_a_run_that_died_ends_with_its_last_commit() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(8));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &["--limit", "6"])).expect(10);
    let died = "UPDATE runs SET ended_ms = NULL, ending = NULL, sending_ms = started_ms";
    folder.execute(LEDGER, &format!("{died}, last_ms = started_ms + 2000"));
    let state = json(&folder);
    assert_eq!(
        (&state["runs"][0]["ending"], &state["runs"][0]["rate_achieved"]),
        (&"died".into(), &3.0.into())
    );
    assert_eq!(state["seconds_left"], 0.666666667);
}

#[test]
fn watch_ends_in_74_when_the_ledger_is_moved() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let shown = std::fs::File::create(folder.path("shown")).unwrap();
    let mut command = folder.command(&["status", "--ledger", LEDGER, "--watch=0.1"]);
    let watching = Running::of(command.stdout(shown).stderr(std::process::Stdio::piped()));
    until("the status is shown", || folder.read("shown").contains("in all"));
    std::fs::rename(folder.path(LEDGER), folder.path("away.db")).unwrap();
    let ended = watching.end().expect(74);
    assert!(ended.stderr.contains("disappeared: it was removed or moved"), "{}", ended.stderr);
    let missing = folder.run(&["status", "--ledger", LEDGER, "--watch"]).expect(2);
    assert!(missing.stderr.contains("there is no ledger"), "{}", missing.stderr);
}

#[test]
fn misplaced_arguments_of_status_are_refused_with_a_remedy() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.run(&["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"]).expect(0);
    let ledger = ["--ledger", "t.sandbox.ledger.db"];
    for (more, message) in [
        (&["--watch", "10s"][..], "--watch=10s"),
        (&["--watch=0"], "the shortest interval is 0.1s"),
        (&["--watch=-1"], "write a time such as 40ms, 30s, 5m or 24h"),
        (&["tt.csv"], "there is no file tt.csv"),
    ] {
        let refused = folder.run(&[&["status"][..], &ledger, more].concat()).expect(2);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
    folder.run(&[&["status", "t.csv"][..], &ledger].concat()).expect(0);
    folder.run(&["status", "t.csv", "--sandbox"]).expect(0);
}
