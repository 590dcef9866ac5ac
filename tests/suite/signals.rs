//! The first signal drains, the second ends; the ledger is settled, and the resume command printed.

use crate::support::*;

fn stopped_by(signal: &str, code: i32) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(400));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--latency", "20ms"]);
    let url = sandbox.url();
    let running = folder.start(&import(&url, &["--rate", "50", "--burst", "1"]));
    until("some rows are created", || sandbox.stat("created") > 5);
    running.signal(signal);
    let ended = running.end().expect(code);
    assert!(ended.stdout.contains("To go on with the rows that wait or failed:\n"), "{}", ended.stdout);
    assert_eq!(folder.ask("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'in_flight'"), "0");
    let created: u64 =
        folder.ask("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'created'").parse().unwrap();
    assert_eq!(created, sandbox.stat("contacts"));
    assert!(created < 400);

    // The printed command, pasted; a later flag beats an earlier one.
    let resume = ended.stdout.lines().last().unwrap().trim();
    let resumed = std::process::Command::new("sh")
        .args(["-c", &format!("{resume} --rate 100000 --burst 1000")])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    Ended::from(resumed).expect(0);
    assert_eq!(sandbox.stat("contacts"), 400);
}

#[test]
fn sigint_drains_and_exits_130() {
    stopped_by("INT", 130);
}

#[test]
fn sigterm_drains_and_exits_143() {
    stopped_by("TERM", 143);
}

#[test]
fn a_drain_does_not_wait_for_an_answer_longer_than_the_grace() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--grace", "100ms"]));
    until("requests are under way", || endpoint.requests().len() == 5);
    running.signal("INT");
    running.end().expect(130);
    // They may exist: they wait in doubt, and go first with the same tokens next time.
    let doubt = folder.ask("t.ledger.db", "SELECT DISTINCT state, may_exist FROM rows");
    assert_eq!(doubt, "pending|1");
}

#[test]
fn a_second_signal_ends_the_process_at_once_and_the_next_run_settles_the_rest() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|number, _| if number < 3 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--grace", "10m", "--read-timeout", "10m"]));
    until("requests are under way", || endpoint.requests().len() == 3);
    running.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(200));
    running.signal("TERM");
    running.end().expect(143);
    assert_eq!(folder.states("t.ledger.db"), "in_flight 3");
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
    let mut tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].to_string()).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "a row was sent again with another token");
}

#[test]
fn a_drain_during_throttling_ends_at_once() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = Endpoint::start(|_, _| Reply::Error(429, "ThrottlingException"));
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--grace", "10m"]));
    until("throttling is met", || endpoint.requests().len() > 5);
    running.signal("TERM");
    running.end().expect(143);
    assert_eq!(folder.states("t.ledger.db"), "pending 5");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_its_input() {
    let folder = Folder::new();
    let url = "http://127.0.0.1:9";
    let mut arguments = import(url, &[]);
    arguments[1] = "-";
    let mut command = folder.command(&arguments);
    command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than is looked at before the first row is read.
    std::io::Write::write_all(&mut input, numbered_csv(10_000).as_bytes()).unwrap();
    until("the ledger is there", || folder.path("t.ledger.db").exists());
    std::thread::sleep(std::time::Duration::from_millis(300));
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    drop(input);
}
