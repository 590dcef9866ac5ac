//! Signals: the first SIGINT or SIGTERM drains, another one ends the process unless it comes at once, and SIGHUP and SIGUSR1
//! control a run. Also `--max-duration` and the lock of the ledger.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::printed_commands::paste;
use crate::support::*;

fn expect_drain_and_resume(signal: &str, code: i32) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(400));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--latency", "20ms"]);
    let url = sandbox.url();
    let running = folder.start(&import(&url, &["--rate", "50", "--burst", "1"]));
    until("some rows are created", || sandbox.stat("created") > 5);
    running.signal(signal);
    let ended = running.end().expect(code);
    assert!(ended.stdout.contains("To send the rows that wait or failed:\n"), "{}", ended.stdout);
    assert_eq!(folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'in_flight'"), "0");
    let created: u64 =
        folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'created'").parse().unwrap();
    assert_eq!(created, sandbox.stat("contacts"));
    assert!(created < 400);

    // The last of two equal flags counts.
    let resume = ended.stdout.lines().last().unwrap().trim();
    paste(&folder, &format!("{resume} --rate 100000 --burst 1000")).expect(0);
    assert_eq!(sandbox.stat("contacts"), 400);
}

#[test]
fn sigint_drains_and_exits_130() {
    expect_drain_and_resume("INT", 130);
}

#[test]
fn sigterm_drains_and_exits_143() {
    expect_drain_and_resume("TERM", 143);
}

#[test]
fn a_second_ctrl_c_is_offered_after_the_first_and_not_after_sigterm() {
    for (signal, code, offer) in
        [("INT", 130, "; press Ctrl-C again to stop at once (they will be in doubt)"), ("TERM", 143, "")]
    {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(2));
        let gate = Gate::default();
        let endpoint = Endpoint::created_after(&gate);
        let url = endpoint.url();
        let arguments = import(&url, &["--grace", "10m", "--read-timeout", "10m"]);
        let running = start_with_stderr_file(&folder, &arguments);
        until("the requests are in flight", || endpoint.requests().len() == 2);
        running.signal(signal);
        let line = format!(
            "SIG{signal}: stopping, no new request is sent; awaiting 2 requests in flight for up to 10m{offer}\n"
        );
        until("the drain has begun", || stderr_so_far(&folder).contains("no new request is sent"));
        assert!(stderr_so_far(&folder).contains(&line), "{}", stderr_so_far(&folder));
        gate.open();
        running.end().expect(code);
        expect_times(&stderr_so_far(&folder));
    }
}

#[test]
fn a_drain_waits_for_responses_no_longer_than_the_grace_period() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--grace", "100ms"]));
    until("the requests are in flight", || endpoint.requests().len() == 5);
    running.signal("INT");
    running.end().expect(130);
    let in_doubt = folder.query("t.ledger.db", "SELECT DISTINCT state, may_exist FROM rows");
    assert_eq!(in_doubt, "pending|1");
}

/// A full pipe without a reader.
#[cfg(target_os = "linux")]
pub fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The default capacity of a pipe, pipe(7).
    writer.write_all(&[b' '; 65536]).unwrap();
    (reader, writer)
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_ends_a_process_that_blocks_on_a_full_pipe() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let import = import(&url, &[]);
    let (_reader, writer) = full_pipe();
    let mut stuck = Running::of(folder.command(&import).stdout(writer));
    let has_ended = || folder.query("t.ledger.db", "SELECT count(ending) FROM runs") == "1";
    until("the run has ended in the ledger", || folder.path("t.ledger.db").exists() && has_ended());
    assert!(!stuck.is_over());
    stuck.signal("INT");
    // The time in which another signal is the same request. If the process sees both later, it ends by itself.
    std::thread::sleep(Duration::from_millis(1100));
    stuck.signal("TERM");
    until("the process has ended", || stuck.is_over());
    assert!(matches!(stuck.end().code, Some(130 | 143)));
}

#[test]
fn a_second_signal_ends_the_process_and_the_next_run_settles_its_rows() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|number, _| if number < 3 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let running =
        start_with_stderr_file(&folder, &import(&url, &["--grace", "10m", "--read-timeout", "10m"]));
    until("the requests are in flight", || endpoint.requests().len() == 3);
    running.signal("INT");
    until("the drain has begun", || stderr_so_far(&folder).contains("no new request is sent"));
    std::thread::sleep(Duration::from_millis(1100));
    running.signal("TERM");
    running.end().expect(143);
    assert_eq!(folder.states("t.ledger.db"), "in_flight 3");
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
    let tokens: BTreeSet<_> = endpoint.client_tokens().into_iter().collect();
    assert_eq!(tokens.len(), 3, "a row was resent with another token");
}

/// Options of a run that drains for as long as the test needs, and whose rows become unknown if it does not.
const HELD: [&str; 6] = ["--on-unknown", "hold", "--grace", "10m", "--read-timeout", "10m"];

#[test]
fn two_signals_within_a_second_are_one() {
    for (signals, codes) in [
        ([Signal::TERM, Signal::TERM], [143, 143]),
        ([Signal::INT, Signal::INT], [130, 130]),
        // The operating system may deliver two pending signals in either order.
        ([Signal::INT, Signal::TERM], [130, 143]),
        ([Signal::TERM, Signal::INT], [130, 143]),
    ] {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(2));
        let gate = Gate::default();
        let endpoint = Endpoint::created_after(&gate);
        let url = endpoint.url();
        let mut running = start_with_stderr_file(&folder, &import(&url, &HELD));
        until("the requests are in flight", || endpoint.requests().len() == 2);
        running.signal_twice(signals);
        until("the drain has begun", || stderr_so_far(&folder).contains("no new request is sent"));
        // Longer than the process would need to end at the second signal.
        std::thread::sleep(Duration::from_millis(100));
        assert!(!running.is_over(), "{signals:?}");
        gate.open();
        let code = running.end().code;
        assert!(codes.map(Some).contains(&code), "{signals:?}: {code:?}");
        assert_eq!(folder.states("t.ledger.db"), "created 2", "{signals:?}");
        assert_eq!(folder.query("t.ledger.db", "SELECT count(ending) FROM runs"), "1");
    }
}

#[test]
fn a_run_under_gnu_timeout_drains() {
    for foreground in [&[][..], &["--foreground"]] {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(2));
        let gate = Gate::default();
        let endpoint = Endpoint::created_after(&gate);
        let url = endpoint.url();
        let stderr = std::fs::File::create(folder.path("stderr")).unwrap();
        let run = folder.command(&import(&url, &HELD));
        let mut command = Command::new("timeout");
        command.args(foreground).arg("1h").arg(run.get_program()).args(run.get_args());
        command.current_dir(folder.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut running = Running::of(&mut command);
        until("the requests are in flight", || endpoint.requests().len() == 2);
        // It does the same with a signal as with the end of its time: one to the run, one to the whole group.
        running.signal("TERM");
        until("the drain has begun", || stderr_so_far(&folder).contains("no new request is sent"));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!running.is_over(), "{foreground:?}");
        gate.open();
        running.end().expect(143);
        assert_eq!(folder.states("t.ledger.db"), "created 2", "{foreground:?}");
    }
}

#[test]
fn a_drain_during_throttling_does_not_wait_for_the_grace_period() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let endpoint = Endpoint::start(|_, _| Reply::Error(429, "ThrottlingException"));
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--grace", "10m"]));
    until("requests were throttled", || endpoint.requests().len() > 5);
    running.signal("TERM");
    running.end().expect(143);
    assert_eq!(folder.states("t.ledger.db"), "pending 5");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_standard_input() {
    let folder = Folder::new();
    let url = "http://127.0.0.1:9";
    let mut command = folder.command(&import_file("-", url, &[]));
    command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More rows than the run reads to detect the dialect of the CSV.
    std::io::Write::write_all(&mut input, numbered_csv(10_000).as_bytes()).unwrap();
    until("the ledger exists", || folder.path("t.ledger.db").exists());
    until("the pipe is empty", || rustix::io::ioctl_fionread(&input).unwrap() == 0);
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    drop(input);
}

#[test]
fn sigusr1_lists_the_requests_in_flight_and_the_run_continues() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let url = endpoint.url();
    let arguments = import(&url, &["--read-timeout", "10m", "--progress", "none"]);
    let running = start_with_stderr_file(&folder, &arguments);
    until("the requests are in flight", || endpoint.requests().len() == 2);
    running.signal("USR1");
    until("they are listed", || stderr_so_far(&folder).contains("2 requests are in flight:"));
    let stderr = stderr_so_far(&folder);
    assert!(stderr.contains("t.csv, line 2 (key K0), for "), "{stderr}");
    gate.open();
    running.end().expect(0);
}

#[test]
fn sighup_rereads_the_rate_from_the_job_file() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    folder.write("job.toml", "[pacing]\nrate = 0.0001\nburst = 1\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let arguments =
        ["run", "t.csv", "--key", "id", "--sandbox", "--job", "job.toml", "--ledger", "t.ledger.db"];
    let arguments = [&arguments[..], &["--endpoint-url", &url, "--output", "json"]].concat();
    let running = start_with_stderr_file(&folder, &arguments);
    until("the burst is used up", || sandbox.stat("created") == 1);
    folder.write("job.toml", "[pacing]\nrate = 0\n");
    running.signal("HUP");
    until("the invalid rate is reported", || {
        stderr_so_far(&folder).contains("the rate is unchanged: [pacing] rate must be more than 0")
    });
    // At the old rate the next request would be sent after three hours.
    folder.write("job.toml", "[pacing]\nrate = 100000\n");
    running.signal("HUP");
    let ended = running.end().expect(0);
    let stderr = stderr_so_far(&folder);
    assert!(stderr.contains("the rate is 100000 a second from now on"), "{stderr}");
    assert_eq!(messages(&ended.stdout)["summary"]["created"], 4);
}

#[test]
fn sighup_changes_nothing_where_a_flag_sets_the_rate() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let running = start_with_stderr_file(&folder, &import(&endpoint.url(), &["--read-timeout", "10m"]));
    until("a request is in flight", || endpoint.requests().len() == 1);
    running.signal("HUP");
    let reported = "the rate is unchanged: --rate sets it";
    until("the unchanged rate is reported", || stderr_so_far(&folder).contains(reported));
    gate.open();
    running.end().expect(0);
}

#[test]
fn a_run_stops_with_10_after_max_duration_and_the_next_run_continues() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(50));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let slow = ["--rate", "0.0001", "--burst", "4", "--max-duration", "5s"];
    let ended = folder.run(&import(&url, &slow)).expect(10);
    assert!(ended.stdout.contains("The time that --max-duration allows is over."), "{}", ended.stdout);
    // The rate allows no more requests than the burst, however fast the machine is.
    let created = sandbox.stat("contacts");
    assert!((1..=4).contains(&created), "{created}");
    assert_eq!(folder.states("t.ledger.db"), format!("created {created}, pending {}", 50 - created));
    folder.run(&import(&url, &["--max-duration", "10h"])).expect(0);
}

#[test]
fn a_second_run_ends_in_11_or_waits_until_the_process_with_the_lock_ends() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|number, _| if number == 0 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is in flight", || endpoint.requests().len() == 1);
    let ended = folder.run(&import(&url, &[])).expect(11);
    assert!(ended.stderr.contains("t.ledger.db (process "), "{}", ended.stderr);
    folder.run(&import(&url, &["--lock-wait", "300ms"])).expect(11);
    let second = start_with_stderr_file(&folder, &import(&url, &["--lock-wait", "1h"]));
    let reported = "another run holds the ledger (process ";
    until("the second run waits", || stderr_so_far(&folder).contains(reported));
    first.signal("KILL");
    drop(first);
    second.end().expect(0);
    let tokens = endpoint.client_tokens();
    assert_eq!((tokens.len(), &tokens[0]), (2, &tokens[1]));
}

#[test]
fn two_runs_with_separate_ledgers_create_one_contact_per_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(300));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--latency", "5ms"]);
    let url = sandbox.url();
    let runs = ["a.db", "b.db"].map(|ledger| folder.start(&import(&url, &["--ledger", ledger])));
    for run in runs {
        run.end().expect(0);
    }
    assert_eq!(sandbox.stat("contacts"), 300);
    let contacts = |ledger| folder.query(ledger, "SELECT hex(token), contact_id FROM rows ORDER BY 1");
    assert_eq!(contacts("a.db"), contacts("b.db"));
}
