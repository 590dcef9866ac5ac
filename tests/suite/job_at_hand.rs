//! `connect-import.toml` in the working directory is the job of every command that names none.

use crate::printed_commands::paste;
use crate::support::*;

const JOB: &str = "\
[source]
files = [\"t.csv\"]
key = [\"id\"]

[request]
Name = \"{{ name }} of the job\"

[sandbox]
rate = 0
keep = \"contacts.jsonl\"
";

/// A folder with `t.csv` of `rows` rows and the job at hand.
fn with_a_job(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(rows));
    folder.write("connect-import.toml", JOB);
    folder
}

/// The line that names the job.
fn announced(folder: &Folder) -> String {
    format!("job: {}\n", folder.path("connect-import.toml").canonicalize().unwrap().display())
}

/// Runs a printed command in a shell whose working directory is another folder.
fn paste_elsewhere(command: &str) -> Ended {
    paste(&Folder::new(), command)
}

#[test]
fn every_command_takes_the_job_at_hand_and_names_it() {
    let folder = with_a_job(3);
    let job = announced(&folder);
    let run = folder.run(&["run", "--sandbox"]).expect(0);
    assert_eq!(run.stderr.matches(&job).count(), 1, "{}", run.stderr);
    assert_eq!(folder.states("connect-import.sandbox.ledger.db"), "created 3");
    for command in ["check", "doctor", "verify", "status", "export", "report"] {
        let ended = folder.run(&[command, "--sandbox"]).expect(0);
        assert_eq!(ended.stderr.matches(&job).count(), 1, "{command}: {}", ended.stderr);
        assert!(!ended.stdout.contains(&job), "{command}: {}", ended.stdout);
    }
    assert!(folder.path("connect-import.sandbox.ledger.db.report.html").is_file());
    let log = folder.run(&["status", "--sandbox", "--log-format", "json"]).expect(0);
    let lines: Vec<serde_json::Value> =
        log.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |line: &serde_json::Value| line.to_string().contains(job.trim_end());
    assert!(lines.iter().any(named), "{}", log.stderr);
}

#[test]
fn without_a_job_at_hand_the_error_names_it() {
    let folder = Folder::new();
    for (command, remedy) in [
        ("run", "no CSV is named; give one as an argument, or under [source] files in the job file"),
        ("status", "no ledger is named, and this folder has no connect-import.toml"),
    ] {
        let ended = folder.run(&[command, "--sandbox"]).expect(2);
        assert!(
            ended.stderr.contains(remedy) && ended.stderr.contains("connect-import.toml"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn printed_commands_name_the_job_and_work_in_another_folder() {
    let folder = with_a_job(3);
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(3), "x".repeat(1025)));
    let stopped = folder.run(&["run", "--sandbox", "--limit", "1"]).expect(10).stdout;
    let resume = "run --sandbox --job connect-import.toml\n";
    assert!(stopped.contains(resume), "{stopped}");
    let ledger = folder.path("connect-import.sandbox.ledger.db");
    let elsewhere = Folder::new();
    let status = elsewhere.run(&["status", "--ledger", ledger.to_str().unwrap()]).expect(0).stdout;
    let command = status.lines().find(|line| line.ends_with(resume.trim_end())).unwrap().trim();
    assert!(command.starts_with("cd "), "{command}");
    let ended = paste_elsewhere(command).expect(1);
    assert_eq!(folder.states("connect-import.sandbox.ledger.db"), "created 3, rejected 1");
    // The rejects file is a CSV, with which the job at hand would not be used.
    let rejects = folder.read("connect-import.sandbox.ledger.db.rejects.csv");
    folder
        .write("connect-import.sandbox.ledger.db.rejects.csv", rejects.replace(&"x".repeat(1025), "mended"));
    let fix = ended.stdout.lines().find(|line| line.contains(".rejects.csv --ledger")).unwrap().trim();
    assert!(fix.ends_with("--sandbox --job connect-import.toml"), "{fix}");
    paste(&folder, fix).expect(0);
    assert!(folder.read("contacts.jsonl").contains("\"Name\":\"mended of the job\""));
}

#[test]
fn a_named_csv_is_imported_without_the_job_at_hand_and_that_is_said() {
    let folder = with_a_job(2);
    let said = "connect-import.toml in this folder is not used, since a CSV is named; add --job connect-import.toml to \
                use it\n";
    let run = folder.run(&["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"]).expect(0);
    assert_eq!(run.stderr.matches(said).count(), 1, "{}", run.stderr);
    assert_eq!(folder.states("t.sandbox.ledger.db"), "created 2");
    assert!(!folder.path("contacts.jsonl").exists());
    let named = folder.run(&["run", "t.csv", "--sandbox", "--job", "connect-import.toml"]).expect(0);
    assert!(!named.stderr.contains("is not used") && !named.stderr.contains("job: "), "{}", named.stderr);
    assert_eq!(folder.states("connect-import.sandbox.ledger.db"), "created 2");
}

#[test]
fn a_named_ledger_of_another_import_is_read_without_the_job_at_hand() {
    let folder = with_a_job(2);
    folder.write("other.csv", "Name\na\n");
    folder.run(&["run", "other.csv", "--sandbox", "--ledger", "other.db"]).expect(0);
    for command in ["status", "export", "report"] {
        let ended = folder.run(&[command, "--ledger", "other.db"]).expect(0);
        assert!(!ended.stderr.contains("connect-import.toml"), "{command}: {}", ended.stderr);
    }
    let refused =
        folder.run(&["status", "--ledger", "other.db", "--job", "connect-import.toml", "--sandbox"]);
    assert!(refused.expect(2).stderr.contains("key"));
}

#[test]
fn sighup_rereads_the_rate_of_the_job_at_hand() {
    let folder = with_a_job(4);
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let with_rate = |rate: &str| {
        folder.write("connect-import.toml", format!("{JOB}[pacing]\nrate = {rate}\nburst = 1\n"))
    };
    with_rate("0.0001");
    let running = start_with_stderr_file(&folder, &["run", "--sandbox", "--endpoint-url", &sandbox.url()]);
    until("the burst is used up", || sandbox.stat("created") == 1);
    // At the old rate the next request would be sent after three hours.
    with_rate("100000");
    running.signal("HUP");
    running.end().expect(0);
    assert_eq!(sandbox.stat("created"), 4);
}
