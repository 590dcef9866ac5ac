//! One SIGTERM ends the binary in every phase, whatever it waits for, and the ledger can be continued.

use std::any::Any;
use std::io::Write as _;
use std::process::Stdio;

use crate::signals::full_pipe;
use crate::support::*;

/// A process in its phase, and what must stay open meanwhile.
type Stage = (Running, Box<dyn Any + Send>);

/// Starts a command and waits until it handles SIGTERM: before, the system ends it.
fn started(mut command: std::process::Command) -> Running {
    let running = Running::of(&mut command);
    until("it handles SIGTERM", || running.handles("TERM"));
    running
}

/// A command whose standard error is the file `stderr`.
fn command(folder: &Folder, arguments: &[&str]) -> std::process::Command {
    let mut command = folder.command(arguments);
    let stderr = std::fs::File::create(folder.path("stderr")).unwrap();
    command.stdout(Stdio::piped()).stderr(stderr);
    command
}

fn pipe_named(folder: &Folder, name: &str) {
    assert!(std::process::Command::new("mkfifo").arg(folder.path(name)).status().unwrap().success());
}

fn nothing() -> Box<dyn Any + Send> {
    Box::new(())
}

const NOWHERE: &str = "http://127.0.0.1:9";

fn job_file_is_a_pipe_without_a_writer(folder: &Folder) -> Stage {
    pipe_named(folder, "job.toml");
    (started(command(folder, &["run", "t.csv", "--job", "job.toml"])), nothing())
}

fn csv_is_a_pipe_without_a_writer(folder: &Folder) -> Stage {
    pipe_named(folder, "pipe.csv");
    (started(command(folder, &import_file("pipe.csv", NOWHERE, &[]))), nothing())
}

fn ca_bundle_is_a_pipe_that_nobody_writes(folder: &Folder) -> Stage {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = command(folder, &import(NOWHERE, &["--ca-bundle", "/dev/stdin"]));
    command.stdin(reader);
    (started(command), Box::new(writer))
}

fn credential_process_never_ends(folder: &Folder) -> Stage {
    folder.write("process", "#!/bin/sh\ntouch asked\nexec sleep 1000\n");
    let process = folder.path("process").display().to_string();
    folder.write("config", format!("[default]\ncredential_process = /bin/sh {process}\n"));
    let arguments = ["run", "t.csv", "--key", "id", "--ledger", "remote.db", "--yes"];
    let instance = "11111111-2222-3333-4444-555555555555";
    let target = ["--instance-id", instance, "--region", "eu-west-2", "--endpoint-url", "http://0.0.0.0:9"];
    let mut command = command(folder, &[&arguments[..], &target].concat());
    command.env("AWS_CONFIG_FILE", folder.path("config")).env("PATH", "/usr/bin:/bin");
    let running = started(command);
    until("the process is asked", || folder.path("asked").exists());
    (running, nothing())
}

fn security_token_service_does_not_answer(folder: &Folder) -> Stage {
    let sts = Endpoint::start(|_, _| Reply::Hang);
    let url = "http://0.0.0.0:9";
    let mut command = command(folder, &run_signed(url, &["--ledger", "remote.db"]));
    command.envs(USER_KEYS).env("AWS_ENDPOINT_URL_STS", sts.url());
    let running = started(command);
    until("it is asked", || !sts.requests().is_empty());
    (running, Box::new(sts))
}

fn another_run_holds_the_ledger(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is in flight", || !endpoint.requests().is_empty());
    let running = started(command(folder, &import(&url, &["--lock-wait", "1h"])));
    until("it waits", || folder.read("stderr").contains("another run holds the ledger"));
    (running, Box::new((first, endpoint)))
}

fn rows_arrive_without_end(folder: &Folder) -> Stage {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = command(folder, &import_file("-", NOWHERE, &[]));
    command.stdin(reader);
    let running = started(command);
    std::thread::spawn(move || {
        let is_open =
            |text: String, writer: &mut std::io::PipeWriter| writer.write_all(text.as_bytes()).is_ok();
        let mut number = 0;
        let mut is_read = is_open("id,Name\n".to_owned(), &mut writer);
        while is_read {
            number += 1;
            is_read = is_open(format!("E{number},without end\n"), &mut writer);
        }
    });
    until("rows are in the ledger", || {
        folder.path("t.ledger.db").exists() && folder.states_or_nothing("t.ledger.db").contains("pending")
    });
    (running, nothing())
}

fn requests_are_not_answered(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = started(command(folder, &import(&url, &["--grace", "100ms", "--read-timeout", "10m"])));
    until("the requests are in flight", || endpoint.requests().len() == 3);
    (running, Box::new(endpoint))
}

fn every_request_is_throttled(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Error(429, "ThrottlingException"));
    let url = endpoint.url();
    let running = started(command(folder, &import(&url, &["--grace", "10m"])));
    until("requests were throttled", || endpoint.requests().len() > 3);
    (running, Box::new(endpoint))
}

fn nobody_reads_the_summary(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let (reader, writer) = full_pipe();
    let mut command = command(folder, &import(&url, &[]));
    command.stdout(writer);
    let running = started(command);
    until("the run has ended in the ledger", || {
        folder.path("t.ledger.db").exists()
            && folder.query("t.ledger.db", "SELECT count(ending) FROM runs") == "1"
    });
    (running, Box::new((reader, endpoint)))
}

fn nobody_reads_the_log(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let (reader, writer) = full_pipe();
    let mut command = command(folder, &import(&url, &["--verbose"]));
    command.stderr(writer);
    let running = started(command);
    // The ledger is settled although no line of it can be written.
    until("the run has ended in the ledger", || {
        folder.path("t.ledger.db").exists()
            && folder.query("t.ledger.db", "SELECT count(ending) FROM runs") == "1"
    });
    (running, Box::new((reader, endpoint)))
}

/// A command on a finished ledger whose standard output nobody reads.
fn nobody_reads(folder: &Folder, arguments: &[&str]) -> Stage {
    let sandbox = SandboxProcess::start(folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &[])).expect(0);
    let (reader, writer) = full_pipe();
    let mut command = command(folder, arguments);
    command.stdout(writer);
    (started(command), Box::new(reader))
}

fn nobody_reads_an_export(folder: &Folder) -> Stage {
    nobody_reads(folder, &["export", "--ledger", "t.ledger.db"])
}

fn nobody_reads_a_report(folder: &Folder) -> Stage {
    nobody_reads(folder, &["report", "--ledger", "t.ledger.db", "--to", "-"])
}

fn nobody_reads_a_check(folder: &Folder) -> Stage {
    nobody_reads(folder, &["check", "t.csv", "--key", "id", "--sandbox"])
}

fn status_is_watched(folder: &Folder) -> Stage {
    nobody_reads(folder, &["status", "--ledger", "t.ledger.db", "--watch=1h"])
}

fn a_verification_is_not_answered(folder: &Folder) -> Stage {
    let sandbox = SandboxProcess::start(folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &[])).expect(0);
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let arguments = ["verify", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    let running = started(command(folder, &[&arguments[..], &["--read-timeout", "10m"]].concat()));
    until("a lookup is in flight", || !endpoint.requests().is_empty());
    (running, Box::new(endpoint))
}

fn the_doctor_is_not_answered(folder: &Folder) -> Stage {
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let arguments = ["doctor", "--sandbox", "--ledger", "doctor.db", "--endpoint-url", &url];
    let running = started(command(folder, &[&arguments[..], &["--read-timeout", "10m"]].concat()));
    until("a request is in flight", || !endpoint.requests().is_empty());
    (running, Box::new(endpoint))
}

/// Puts the binary into a phase.
type Start = fn(&Folder) -> Stage;

const PHASES: [(&str, Start); 17] = [
    ("job file", job_file_is_a_pipe_without_a_writer),
    ("csv", csv_is_a_pipe_without_a_writer),
    ("ca bundle", ca_bundle_is_a_pipe_that_nobody_writes),
    ("credential process", credential_process_never_ends),
    ("sts", security_token_service_does_not_answer),
    ("lock", another_run_holds_the_ledger),
    ("intake", rows_arrive_without_end),
    ("sending", requests_are_not_answered),
    ("throttled", every_request_is_throttled),
    ("summary", nobody_reads_the_summary),
    ("log", nobody_reads_the_log),
    ("export", nobody_reads_an_export),
    ("report", nobody_reads_a_report),
    ("check", nobody_reads_a_check),
    ("status", status_is_watched),
    ("verify", a_verification_is_not_answered),
    ("doctor", the_doctor_is_not_answered),
];

/// Puts the binary into the phase, sends one SIGTERM, and continues its ledger.
fn expect_end(phase: &str, start: Start) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let (mut running, keeps) = start(&folder);
    assert!(!running.is_over(), "{phase}: it has ended before the signal");
    running.signal("TERM");
    until(&format!("{phase}: the process has ended"), || running.is_over());
    let code = running.end().code;
    assert_eq!(code, Some(143), "{phase}");
    drop(keeps);
    let files = std::fs::read_dir(folder.path("")).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with("-part")), "{phase}: {names:?}");
    if folder.path("t.ledger.db").exists() {
        let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
        let ended = folder.run(&import(&sandbox.url(), &["--yes"]));
        // Rows of a standard input that was cut off are not sent, which is code 1.
        let is_expected = ended.code == Some(0) || phase == "intake" && ended.code == Some(1);
        assert!(is_expected, "{phase}: {:?} {}", ended.code, ended.stderr);
        let own = "SELECT count(*) FROM rows WHERE state = 'created'";
        assert_eq!(folder.query("t.ledger.db", own), "3", "{phase}");
    }
}

#[test]
fn one_sigterm_ends_the_process_in_every_phase() {
    std::thread::scope(|scope| {
        for (phase, start) in PHASES {
            scope.spawn(move || expect_end(phase, start));
        }
    });
}

#[test]
fn a_process_that_does_not_end_in_time_says_so_before_it_is_ended() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let (mut running, _keeps) = nobody_reads_the_summary(&folder);
    running.signal("TERM");
    until("the process has ended", || running.is_over());
    running.end().expect(143);
    let stderr = folder.read("stderr");
    assert!(
        stderr.contains(
            "SIGTERM: the command did not end within 10s, since a file, a pipe or a service does not answer"
        ),
        "{stderr}"
    );
    expect_times(&stderr);
}
