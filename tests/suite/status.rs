//! `status` says what is known, of the time left above all, and says so where it is not.

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
fn rows_that_left_their_file_are_named_and_asked_for_no_more() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "2"])).expect(10);
    assert_eq!(json(&folder)["withdrawn"], 0);
    folder.write("t.csv", numbered_csv(3));
    folder.run(&import(&url, &[])).expect(0);
    let state = json(&folder);
    assert_eq!((&state["rows"]["pending"], &state["withdrawn"]), (&1.into(), &1.into()));
    assert_eq!((&state["next_step"], &state["seconds_left"]), (&Value::Null, &Value::Null));
    let told = text(&folder);
    assert!(told.contains("\n  1 of them withdrawn: "), "{told}");
    assert!(!told.contains("To send") && !told.contains("left at the rate"), "{told}");
    // Back in its file it waits again, and another row is gone.
    folder.write("t.csv", "id,Name\nK0,Task 0\nK3,Task 3\n");
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
    assert_eq!(
        (json(&folder)["withdrawn"].clone(), json(&folder)["runs"][0]["ending"].clone()),
        (0.into(), "limit reached".into())
    );
    assert!(text(&folder).contains("To send"), "{}", text(&folder));
}

#[test]
fn a_run_under_way_is_measured_by_its_record_and_its_limit() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(8));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let run = folder.start(&import(&url, &["--limit", "2", "--rate", "50", "--read-timeout", "10m"]));
    until("requests are under way", || endpoint.requests().len() == 2);
    // Nothing was created, so the set rate says nothing.
    assert_eq!((&json(&folder)["seconds_left"], &json(&folder)["running"]), (&Value::Null, &true.into()));
    let told = text(&folder);
    assert!(told.contains("\n  the time left is unknown: "), "{told}");
    assert!(told.contains("\n  6 rows wait beyond --limit, for the next run\n"), "{told}");
    // Three a second, written down some time ago. The run is stopped, so that it writes nothing.
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
fn while_the_input_is_read_nobody_knows_how_long_it_will_take() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let mut arguments = import(&url, &[]);
    arguments[1] = "-";
    let mut command = folder.command(&arguments);
    let pipe = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = pipe.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than is looked at before the run begins, and not all.
    std::io::Write::write_all(&mut input, numbered_csv(50_000).replace('K', "L").as_bytes()).unwrap();
    until("the run has begun", || folder.ask(LEDGER, "SELECT count(*) FROM runs") == "2");
    let (state, told) = (json(&folder), text(&folder));
    assert_eq!((&state["running"], &state["seconds_left"]), (&true.into(), &Value::Null));
    assert!(!told.contains(" left"), "{told}");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn a_run_that_died_does_not_grow_slower_since() {
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
fn a_ledger_that_is_taken_away_while_it_is_watched_was_there() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let shown = std::fs::File::create(folder.path("shown")).unwrap();
    let mut command = folder.command(&["status", "--ledger", LEDGER, "--watch=0.1"]);
    let watching = Running::of(command.stdout(shown).stderr(std::process::Stdio::piped()));
    until("it is shown", || folder.read("shown").contains("in all"));
    std::fs::rename(folder.path(LEDGER), folder.path("away.db")).unwrap();
    let ended = watching.end().expect(74);
    assert!(ended.stderr.contains("disappeared: it was removed or moved"), "{}", ended.stderr);
    let never = folder.run(&["status", "--ledger", LEDGER, "--watch"]).expect(2);
    assert!(never.stderr.contains("there is no ledger"), "{}", never.stderr);
}

#[test]
fn what_is_taken_for_a_csv_by_mistake_is_told() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.run(&["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"]).expect(0);
    let ledger = ["--ledger", "t.sandbox.ledger.db"];
    for (words, told) in [
        (&["--watch", "10s"][..], "--watch=10s"),
        (&["--watch=0"], "the shortest pause is 0.1s"),
        (&["--watch=-1"], "write a time such as 40ms, 30s, 5m or 24h"),
        (&["tt.csv"], "there is no file tt.csv"),
    ] {
        let refused = folder.run(&[&["status"][..], &ledger, words].concat()).expect(2);
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    folder.run(&[&["status", "t.csv"][..], &ledger].concat()).expect(0);
    folder.run(&["status", "t.csv", "--sandbox"]).expect(0);
}
