//! `--log-file`, `--quiet`, `--verbose`, and the time on plain lines.

use crate::printed_commands::paste;
use crate::support::*;

/// Options of a run with a real instance id, so that it is no rehearsal.
const INSTANCE: [&str; 5] =
    ["--instance-id", "11111111-2222-3333-4444-555555555555", "--region", "eu-west-2", "--no-sign-request"];

/// Lines of a log file, without their times.
#[track_caller]
fn lines_of(folder: &Folder, name: &str) -> Vec<String> {
    let log = folder.read(name);
    expect_times(&log);
    log.lines().map(|line| without_time(line).unwrap_or(line).to_owned()).collect()
}

fn with_a_fault() -> String {
    format!("{}K9,{}\n", numbered_csv(3), "x".repeat(1025))
}

#[test]
fn plain_lines_and_errors_have_the_time_and_results_have_none() {
    let folder = Folder::new();
    folder.write("t.csv", with_a_fault());
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    // Every line is checked by Folder::run.
    let ran = folder.run(&import(&url, &["--report-every", "0s"])).expect(1);
    assert!(ran.timed_stderr.lines().count() > 4, "{}", ran.timed_stderr);
    for (arguments, message) in [
        (&["run", "missing.csv", "--sandbox"][..], "error: "),
        (&["run", "t.csv", "--rat", "5"], "error: unexpected argument '--rat' found"),
        (&["run", "t.csv", "--dry-run", "--sandbox"], "error: run has no --dry-run"),
        (&["status", "--ledger", "none.db"], "error: "),
    ] {
        let ended = folder.run(arguments).expect(2);
        assert!(ended.stderr.starts_with(message) && ended.stderr.lines().count() >= 1, "{}", ended.stderr);
    }
    for arguments in [&["status", "--ledger", "t.ledger.db"][..], &["check", "t.csv", "--sandbox"]] {
        let ended = folder.run(arguments);
        assert!(ended.stdout.lines().all(|line| without_time(line).is_none()), "{}", ended.stdout);
    }
}

#[test]
fn a_log_file_has_the_lines_of_standard_error_and_the_report_and_only_its_owner_reads_it() {
    let folder = Folder::new();
    folder.write("t.csv", with_a_fault());
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let shown = folder.run(&import(&url, &["--log-file", "x.log", "--report-every", "0s"])).expect(1);
    assert_eq!(folder.permissions("x.log"), 0o600);
    let log = lines_of(&folder, "x.log");
    assert!(log[0].starts_with("run begins: connect-import "), "{log:#?}");
    assert_eq!(log.last().unwrap(), "ends with exit code 1");
    for line in shown.stderr.lines().filter(|line| !line.starts_with("importing: ")) {
        assert!(log.iter().any(|logged| logged == line), "{line} is not in {log:#?}");
    }
    for line in shown.stdout.lines().filter(|line| !line.is_empty()) {
        assert!(log.iter().any(|logged| logged == line), "{line} is not in {log:#?}");
    }
    // Appended, and complete without a word on standard error.
    let quiet =
        folder.run(&import(&url, &["--log-file", "x.log", "-q", "--namespace", "n", "--ledger", "n.db"]));
    assert!(!quiet.expect(1).stderr.contains("to send"));
    let appended = lines_of(&folder, "x.log");
    assert_eq!(appended[..log.len()], log);
    assert!(
        appended[log.len()..].iter().any(|line| line == "checked: 4 rows read, 3 to send"),
        "{appended:#?}"
    );
    // Errors too, of every command.
    folder.run(&["status", "--ledger", "none.db", "--log-file", "x.log"]).expect(2);
    let last = lines_of(&folder, "x.log").split_off(appended.len());
    assert!(
        last[0].starts_with("status begins: ") && last[1].starts_with("error: there is no ledger"),
        "{last:?}"
    );
}

#[test]
fn a_log_file_of_json_or_of_every_step_has_what_quiet_leaves_out() {
    let folder = Folder::new();
    folder.write("t.csv", with_a_fault());
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let json = ["--log-format", "json", "-q", "--log-file", "x.log", "--report-every", "0s"];
    let ended = folder.run(&import(&url, &json)).expect(1);
    let level = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["level"].clone();
    assert!(ended.stderr.lines().all(|line| level(line) != "INFO"), "{}", ended.stderr);
    assert!(!ended.stderr.is_empty());
    let log = folder.read("x.log");
    assert!(log.lines().any(|line| level(line) == "INFO" && line.contains("importing")), "{log}");
    let debug = ["--debug", "-q", "--log-file", "y.log", "--namespace", "n", "--ledger", "n.db"];
    let ended = folder.run(&import(&url, &debug)).expect(1);
    assert!(!ended.stderr.contains(" INFO ") && !ended.stderr.contains("DEBUG"), "{}", ended.stderr);
    let log = folder.read("y.log");
    expect_times(&log);
    assert!(log.contains("DEBUG attempt{row="), "{log}");
}

#[test]
fn a_log_file_that_is_none_is_refused_and_stays_as_it_is() {
    let folder = Folder::new();
    let csv = with_a_fault();
    folder.write("t.csv", &csv);
    folder.write("notes.txt", "my notes\n");
    folder.write("empty.csv", "");
    std::fs::create_dir(folder.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    folder.write(
        "t.toml",
        "[source]\nfiles = [\"*.csv\"]\n[run]\nrejects = \"r.csv\"\nmetrics_file = \"m.prom\"\n",
    );
    let run = ["run", "--job", "t.toml", "--instance-id", "x", "--metrics-file", "own.prom"];
    for (file, reason) in [
        ("-", "--log-file names -, which is standard output; name an ordinary file"),
        ("folder", "which is a directory"),
        ("pipe", "which is a pipe"),
        ("/dev/null", "which is a device"),
        ("/dev/stderr", "which is an open file of this process"),
        (
            "notes.txt",
            "notes.txt exists and is not a log written by connect-import; name another file with --log-file",
        ),
        ("t.csv", "which is an input of the job"),
        ("empty.csv", "which is an input of the job"),
        ("t.toml", "which is the file of --job as well"),
        ("t.ledger.db", "which is a ledger or a file of one"),
        ("t.ledger.db.lock", "which is a ledger or a file of one"),
        ("r.csv", "which is "),
        ("own.prom", "which is the file of --metrics-file as well"),
    ] {
        let ended = folder.run(&[&run[..], &["--log-file", file]].concat()).expect(2);
        assert!(ended.stderr.contains(reason), "{file}: {}", ended.stderr);
        let made = ["own.prom", "r.csv", "t.ledger.db"].into_iter().find(|made| folder.path(made).exists());
        assert_eq!(made, None, "{file}");
    }
    let ended =
        folder.run(&["run", "--job", "t.toml", "--instance-id", "x", "--log-file", "m.prom"]).expect(2);
    assert!(ended.stderr.contains("which is the metrics file as well"), "{}", ended.stderr);
    assert_eq!((folder.read("t.csv"), folder.read("notes.txt")), (csv, "my notes\n".to_owned()));
    for arguments in [
        &["init", "t.csv", "--log-file", "t.csv"][..],
        &["export", "--ledger", "x.db", "--to", "x.log", "--log-file", "x.log"],
        &["sandbox", "--state", "s.jsonl", "--log-file", "s.jsonl"],
    ] {
        let ended = folder.run(arguments).expect(2);
        assert!(ended.stderr.contains(" as well; name another file"), "{}", ended.stderr);
    }
    let missing = folder.run(&["status", "--ledger", "x.db", "--log-file", "no/x.log"]).expect(74);
    assert!(missing.stderr.contains("cannot open the log file no/x.log: No such file"), "{}", missing.stderr);
}

#[test]
fn the_log_file_of_the_job_file_is_beside_it_one_for_each_shard_and_none_of_a_rehearsal() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder.write(
        "t.toml",
        "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[request]\nName = \"{{ name }}\"\n[run]\nlog_file = \"night.log\"\n",
    );
    let job = folder.path("t.toml").display().to_string();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let to = [&["run", "--job", &job, "--rate", "1000", "--endpoint-url", &url], &INSTANCE[..]].concat();
    folder.run(&["run", "--job", &job, "--sandbox", "--rate", "1000"]).expect(0);
    assert!(!folder.path("night.log").exists());
    folder.run(&to).expect(0);
    let log = lines_of(&folder, "night.log");
    assert!(log.iter().any(|line| line == "checked: 3 rows read, 3 to send"), "{log:#?}");
    folder.run(&[&to[..], &["--shard", "0/2", "--namespace", "n", "--ledger", "n.db"]].concat()).expect(0);
    assert!(lines_of(&folder, "night.0-of-2.log").len() > 3);
    assert_eq!(lines_of(&folder, "night.log"), log);
    let mut variable = folder.command(&[&to[..], &["--namespace", "v", "--ledger", "v.db"]].concat());
    Ended::from(variable.env("CONNECT_IMPORT_LOG_FILE", "variable.log").output().unwrap()).expect(0);
    assert!(lines_of(&folder, "variable.log").len() > 3);
    assert_eq!(lines_of(&folder, "night.log"), log);
}

#[test]
fn several_processes_share_a_log_file_in_whole_lines() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(40));
    let endpoint = Endpoint::start(|number, _| match number % 3 {
        0 => Reply::Error(500, "InternalServiceException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let ledgers = ["a.db", "b.db", "c.db"];
    let arguments = |ledger: &'static str| {
        import(
            &url,
            &[
                "-v",
                "--log-file",
                "x.log",
                "--max-attempts",
                "100",
                "--ledger",
                ledger,
                "--namespace",
                ledger,
            ],
        )
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>()
    };
    let started = ledgers.map(|ledger| {
        let arguments = arguments(ledger);
        folder.start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    });
    for running in started {
        running.end().expect(0);
    }
    let log = lines_of(&folder, "x.log");
    assert_eq!(log.iter().filter(|line| *line == "ends with exit code 0").count(), 3);
    let is_again = |line: &&String| line.starts_with("t.csv, line ") || line.contains("/t.csv, line ");
    let again: Vec<_> = log.iter().filter(is_again).collect();
    assert!(!again.is_empty());
    for line in again {
        assert!(
            line.ends_with(" is tried again: InternalServiceException: refused by the endpoint"),
            "{line}"
        );
    }
}

#[test]
fn quiet_leaves_warnings_and_errors_and_is_the_same_as_no_progress() {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let mut shown = Vec::new();
    for quiet in [&["-q"][..], &["--progress", "none"], &["-q", "--progress", "plain"]] {
        let folder = Folder::new();
        folder.write("t.csv", with_a_fault());
        let ended = folder.run(&import(&url, &[quiet, &["--report-every", "0s"]].concat())).expect(1);
        assert!(ended.stdout.starts_with("Finished, but "), "{}", ended.stdout);
        shown.push(steady(&ended.stderr, &folder));
    }
    assert_eq!(shown[0].lines().count(), 1, "{}", shown[0]);
    assert!(shown[0].contains("line 5 (key K9) is rejected: Validation"), "{}", shown[0]);
    assert!(shown.iter().all(|other| *other == shown[0]), "{shown:#?}");
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    assert_eq!(folder.run(&["init", "t.csv", "--quiet"]).expect(0).stderr, "");
    let failed = folder.run(&["run", "missing.csv", "--sandbox", "-q"]).expect(2);
    assert!(failed.stderr.starts_with("error: "), "{}", failed.stderr);
}

#[test]
fn verbose_names_every_row_that_is_not_created_or_is_tried_again() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K8,{}\n", with_a_fault(), "x".repeat(1026)));
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Error(500, "InternalServiceException"),
        1 => Reply::Error(429, "ThrottlingException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let plain = folder.run(&import(&url, &["--limit", "0"])).expect(10);
    assert_eq!(plain.stderr.matches(" is rejected: ").count(), 1, "{}", plain.stderr);
    let ended =
        folder.run(&import(&url, &["-v", "--retry", "rejected", "--namespace", "n", "--ledger", "n.db"]));
    let said = ended.expect(1).stderr;
    for part in [
        "n.db is open and locked\n",
        "t.csv is read: 5 rows\n",
        " is tried again: InternalServiceException: refused by the endpoint\n",
        " is tried again: ThrottlingException: refused by the endpoint\n",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert_eq!(said.matches(" is rejected: ").count(), 2, "{said}");
    assert!(!said.contains("! 2 rejected"), "{said}");
    let json = ["-v", "--log-format", "json", "--namespace", "j", "--ledger", "j.db"];
    let logged = folder.run(&import(&url, &json)).expect(1).stderr;
    assert!(logged.contains("\"level\":\"DEBUG\",\"message\":\"j.db is open and locked\""), "{logged}");
    assert!(!logged.contains("\"message\":\"answered\""), "{logged}");
}

#[test]
fn quiet_and_verbose_exclude_each_other_unless_a_variable_is_false() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let refused = folder.run(&["run", "t.csv", "--sandbox", "-q", "-v"]).expect(2);
    assert!(
        refused.stderr.starts_with("error: --quiet and --verbose exclude each other; "),
        "{}",
        refused.stderr
    );
    let with = |value: &str| {
        let mut command = folder.command(&["run", "t.csv", "--key", "id", "--sandbox", "-v"]);
        Ended::from(command.env("CONNECT_IMPORT_QUIET", value).output().unwrap())
    };
    with("true").expect(2);
    with("false").expect(0);
}

#[test]
fn a_dry_run_is_answered_with_a_check_that_can_be_pasted() {
    let folder = Folder::new();
    folder.write("my t.csv", numbered_csv(3));
    let ended =
        folder.run(&["run", "my t.csv", "--key", "id", "--sandbox", "--dry-run", "--grace", "3s"]).expect(2);
    let (said, command) = ended.stderr.split_once('\n').unwrap();
    assert_eq!(said, "error: run has no --dry-run; to map and validate every row and send nothing, use");
    assert!(command.trim().ends_with("check 'my t.csv' --key id --sandbox"), "{command}");
    assert!(paste(&folder, command.trim()).expect(0).stdout.contains("Ready."));
    assert!(!folder.path("my t.sandbox.ledger.db").exists());
}
