//! The first signal drains, the second ends; the ledger is settled, and the resume command printed. Others ask
//! for something and the run goes on; and a run can be given its time beforehand.

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
    assert!(ended.stdout.contains("To send the rows that wait or failed:\n"), "{}", ended.stdout);
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

/// A pipe that is full already, and that nobody reads.
#[cfg(target_os = "linux")]
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    // What a pipe of Linux holds by itself.
    writer.write_all(&[b' '; 65536]).unwrap();
    (reader, writer)
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_ends_a_process_that_is_stuck_before_a_pipe_that_nobody_reads() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let import = import(&url, &[]);
    let (_reader, writer) = full_pipe();
    let mut stuck = Running::of(folder.command(&import).stdout(writer));
    let is_there = || folder.path("t.ledger.db").exists();
    let ended = || folder.ask("t.ledger.db", "SELECT count(ending) FROM runs");
    until("the run has ended in the ledger", || is_there() && ended() == "1");
    assert!(!stuck.is_over());
    stuck.signal("INT");
    stuck.signal("TERM");
    until("it is over", || stuck.is_over());
    // Whichever of the two is seen last.
    assert!(matches!(stuck.end().code, Some(130 | 143)));
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

#[test]
fn sigusr1_shows_the_rows_in_flight_and_the_run_goes_on() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|number, _| if number < 2 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let arguments = import(&url, &["--read-timeout", "2s", "--progress", "none"]);
    let running = start_telling(&folder, &arguments);
    until("requests are under way", || endpoint.requests().len() == 2);
    running.signal("USR1");
    until("they are shown", || told(&folder).contains("2 requests are in flight:"));
    assert!(told(&folder).contains("t.csv, line 2 (key K0), for "), "{}", told(&folder));
    running.end().expect(0);
}

#[test]
fn sighup_reads_the_rate_from_the_job_file_again() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    folder.write("job.toml", "[pacing]\nrate = 0.0001\nburst = 1\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let arguments =
        ["run", "t.csv", "--key", "id", "--sandbox", "--job", "job.toml", "--ledger", "t.ledger.db"];
    let arguments = [&arguments[..], &["--endpoint-url", &url, "--output", "json"]].concat();
    let running = start_telling(&folder, &arguments);
    until("the burst is gone", || sandbox.stat("created") == 1);
    folder.write("job.toml", "[pacing]\nrate = 0\n");
    running.signal("HUP");
    until("a bad rate is told", || {
        told(&folder).contains("the rate is unchanged: [pacing] rate must be more than 0")
    });
    // At the old rate the next row would leave in three hours.
    folder.write("job.toml", "[pacing]\nrate = 100000\n");
    running.signal("HUP");
    let ended = running.end().expect(0);
    assert!(told(&folder).contains("the rate is 100000 a second from now on"), "{}", told(&folder));
    assert_eq!(messages(&ended.stdout)["summary"]["created"], 4);
}

#[test]
fn sighup_changes_nothing_where_a_flag_sets_the_rate() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|number, _| if number < 1 { Reply::Hang } else { Reply::Created });
    let running = start_telling(&folder, &import(&endpoint.url(), &["--read-timeout", "2s"]));
    until("a request is under way", || endpoint.requests().len() == 1);
    running.signal("HUP");
    until("it is told", || told(&folder).contains("the rate is unchanged: --rate sets it"));
    running.end().expect(0);
}

#[test]
fn a_run_whose_time_is_over_stops_with_10_and_the_next_one_goes_on() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(50));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    // Paced so slowly that no machine comes to the end.
    let slow = ["--rate", "0.0001", "--burst", "4", "--max-duration", "2s"];
    let ended = folder.run(&import(&url, &slow)).expect(10);
    assert!(ended.stdout.contains("The time that --max-duration allows is over."), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "created 3, pending 47");
    let none = folder.run(&import(&url, &["--max-duration", "0s"])).expect(10);
    assert!(none.stdout.contains("47  waiting to be sent"), "{}", none.stdout);
    assert_eq!(sandbox.stat("contacts"), 3);
    folder.run(&import(&url, &["--max-duration", "10h"])).expect(0);
}

#[test]
fn a_second_run_ends_in_11_or_waits_and_the_lock_dies_with_its_holder() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|number, _| if number == 0 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is under way", || endpoint.requests().len() == 1);
    let ended = folder.run(&import(&url, &[])).expect(11);
    assert!(ended.stderr.contains("t.ledger.db (process "), "{}", ended.stderr);
    folder.run(&import(&url, &["--lock-wait", "300ms"])).expect(11);
    let second = start_telling(&folder, &import(&url, &["--lock-wait", "1h"]));
    until("it waits", || told(&folder).contains("another run holds the ledger (process "));
    first.signal("KILL");
    drop(first);
    second.end().expect(0);
    let tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].clone()).collect();
    assert_eq!((tokens.len(), &tokens[0]), (2, &tokens[1]));
}

#[test]
fn two_machines_with_two_ledgers_make_one_contact_a_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(300));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--latency", "5ms"]);
    let url = sandbox.url();
    let machines = ["a.db", "b.db"].map(|ledger| folder.start(&import(&url, &["--ledger", ledger])));
    for machine in machines {
        machine.end().expect(0);
    }
    assert_eq!(sandbox.stat("contacts"), 300);
    let contacts = |ledger| folder.ask(ledger, "SELECT hex(token), contact_id FROM rows ORDER BY 1");
    assert_eq!(contacts("a.db"), contacts("b.db"));
}
