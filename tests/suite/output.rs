//! Output: JSON lines, progress, `status`, help, completions, manual pages, and the order of option sources.

use crate::support::*;

#[test]
fn json_output_has_one_object_per_line_with_a_message_type() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(30), "x".repeat(1025)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ended = folder.run(&import(&url, &["--output", "json", "--report-every", "0s"])).expect(1);
    let messages = messages(&ended.stdout);
    assert_eq!(messages.keys().collect::<Vec<_>>(), ["announcement", "error", "status", "summary"]);
    assert_eq!((&messages["error"]["line"], &messages["error"]["code"]), (&32.into(), &"Validation".into()));
    assert_eq!((&messages["summary"]["created"], &messages["summary"]["exit_code"]), (&30.into(), &1.into()));

    let ended = folder.run(&["run", "missing.csv", "--sandbox", "--output", "json"]).expect(2);
    let error: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&error["message_type"], &error["code"]), (&"exit_error".into(), &2.into()));
}

#[test]
fn progress_is_written_to_standard_error_unless_it_is_turned_off() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let plain = folder.run(&import(&url, &["--report-every", "0s"])).expect(0);
    assert!(plain.stderr.contains("importing: 3 of 3 rows · 100% · created 3"), "{}", plain.stderr);
    assert!(!plain.stderr.contains('\r') && !plain.stderr.contains('\u{1b}'), "a bar without a terminal");
    let silent = folder.run(&import(&url, &["--progress", "none"])).expect(0);
    assert_eq!(silent.stderr, "");
}

#[test]
fn status_shows_rows_causes_and_runs() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(3), "x".repeat(1025)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "2"])).expect(10);
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    let text = steady(&status.stdout, &folder);
    for part in [
        "        2  created\n",
        "        1  pending\n",
        "        1  rejected\n",
        "1  rejected Validation: Name has 1025 characters, at most 1024 characters are allowed (FOLDER/t.csv, line 5)\n",
        "limit reached: 2 created",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let missing = folder.run(&["status", "--ledger", "other.db"]).expect(2);
    assert!(missing.stderr.contains("there is no ledger other.db"), "{}", missing.stderr);
}

#[test]
fn status_shows_the_next_command_once_and_with_watch() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(3), "x".repeat(1025)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let status = || folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    let stopped = folder.run(&import(&url, &["--limit", "2"])).expect(10).stdout;
    let next = "To send the rows that wait or failed:\n";
    let resume = stopped.split_once(next).unwrap().1.lines().next().unwrap();
    assert!(status().ends_with(&format!("{next}{resume}\n")), "{}", status());
    // From another folder the command begins with `cd`.
    let elsewhere =
        folder.command(&["status", "--ledger", &folder.path("t.ledger.db").display().to_string()]);
    let mut command = std::process::Command::new(elsewhere.get_program());
    let elsewhere = Ended::from(command.args(elsewhere.get_args()).current_dir("/").output().unwrap()).stdout;
    let change_directory = format!("  cd {} && ", folder.path("").canonicalize().unwrap().display());
    assert!(elsewhere.contains(&change_directory), "{elsewhere}");
    folder.run(&import(&url, &[])).expect(1);
    assert!(
        status().contains("connect-import export --state rejected --ledger t.ledger.db\n"),
        "{}",
        status()
    );

    let shown = std::fs::File::create(folder.path("shown")).unwrap();
    let watch = ["status", "--ledger", "t.ledger.db", "--watch=100ms", "--output", "json"];
    let watching = Running::of(folder.command(&watch).stdout(shown));
    until("the status is shown three times", || folder.read("shown").lines().count() > 2);
    drop(watching);
    assert!(folder.read("shown").lines().all(|line| line.contains("connect-import export --state rejected")));
}

#[test]
fn the_ledger_records_the_requests_of_each_minute_and_their_latencies() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(30));
    let endpoint = Endpoint::start(|number, _| match number {
        3 | 9 => Reply::Error(429, "ThrottlingException"),
        _ => Reply::Created,
    });
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let recorded =
        "SELECT sum(attempts), sum(created), sum(throttled), sum(unanswered), min(rate) > 0 FROM minutes";
    assert_eq!(folder.query("t.ledger.db", recorded), "32|30|2|0|1");
    let answers = folder.query("t.ledger.db", "SELECT sum(answers) FROM latencies WHERE microseconds > 0");
    assert_eq!((&*answers, endpoint.requests().len()), ("30", 32));
}

#[test]
fn names_descriptions_and_attributes_are_in_no_output_and_no_message() {
    let folder = Folder::new();
    let secrets = ["Jane-Planted-Roe", "planted description", "planted-4111"];
    folder.write(
        "t.csv",
        format!(
            "id,Name,Description,Attributes.card\n1,{0},{1},{2}\n2,{0}{3},{1},{2}\n3,{0}\n",
            secrets[0],
            secrets[1],
            secrets[2],
            "x".repeat(1024)
        ),
    );
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Error(400, "InvalidRequestException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    for output in ["text", "json"] {
        let ended = folder.run(&import(&url, &["--output", output, "--report-every", "0s"])).expect(1);
        let status = folder.run(&["status", "--ledger", "t.ledger.db", "--output", output]).expect(0);
        let messages = folder.query("t.ledger.db", "SELECT key, code, message FROM rows");
        for secret in secrets {
            for text in [&ended.stdout, &ended.stderr, &status.stdout, &messages] {
                assert!(!text.contains(secret), "{secret} in\n{text}");
            }
        }
    }
}

#[test]
fn a_reader_that_closes_standard_output_does_not_fail_the_run() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let mut command = folder.command(&import(&url, &[]));
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(folder.states("t.ledger.db"), "created 3");
}

#[test]
fn a_flag_precedes_a_variable_and_a_variable_precedes_the_job_file() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(6));
    folder.write("job.toml", "[source]\nkey = [\"id\"]\n[run]\nlimit = 1\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let arguments = import(&url, &["--job", "job.toml"]);
    folder
        .write("job.toml", "[source]\nkey = [\"id\"]\n[run]\nlimit = 1\n[request]\nName = \"{{ name }}\"\n");
    folder.run(&arguments).expect(10);
    assert_eq!(sandbox.stat("created"), 1);
    let mut command = folder.command(&arguments);
    Ended::from(command.env("CONNECT_IMPORT_LIMIT", "2").output().unwrap()).expect(10);
    assert_eq!(sandbox.stat("created"), 3);
    let with_flag: Vec<&str> = arguments.iter().copied().chain(["--limit", "3"]).collect();
    let mut command = folder.command(&with_flag);
    Ended::from(command.env("CONNECT_IMPORT_LIMIT", "1").output().unwrap()).expect(0);
    assert_eq!(sandbox.stat("created"), 6);
}

#[test]
fn a_job_file_can_be_read_from_a_pipe() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let source = folder.path("t.csv").display().to_string();
    folder.write("t.csv", "id,Name\n1,a\n");
    folder.write(
        "t.toml",
        format!("[source]\nfiles = ['{source}']\nkey = ['id']\n[request]\nName = '{{{{ name }}}}'\n"),
    );
    let piped = |arguments: &[&str]| {
        let command = folder.command(&[arguments, &["--job", "/dev/stdin"]].concat());
        let shell = "cat t.toml | exec \"$0\" \"$@\"";
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", shell]).arg(command.get_program()).args(command.get_args());
        sh.current_dir(folder.path("")).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        Ended::from(sh.output().unwrap())
    };
    piped(&[&["run"], &into(&url)[..]].concat()).expect(0);
    let expected: [(&[&str], &str); 3] =
        [(&["status"], "1  created"), (&["export"], ",created,"), (&["report", "--to", "-"], "{{ name }}")];
    for (command, part) in expected {
        let ended = piped(&[command, &["--sandbox", "--ledger", "t.ledger.db"]].concat()).expect(0);
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
}

#[test]
fn the_help_texts_are_as_in_the_snapshots() {
    let folder = Folder::new();
    for command in ["run", "status", "export", "report", "sandbox"] {
        let help = folder.run(&[command, "--help"]).expect(0).stdout;
        insta::assert_snapshot!(format!("help_{command}"), help);
    }
    let short = ["", "run", "check", "init", "doctor", "verify"].map(|command| {
        let arguments: Vec<&str> = [command, "-h"].into_iter().filter(|word| !word.is_empty()).collect();
        folder.run(&arguments).expect(0).stdout
    });
    insta::assert_snapshot!("short_help", short.join("\n\n"));
}

#[test]
fn completions_and_manual_pages_have_every_command() {
    let folder = Folder::new();
    let commands = [
        "run",
        "check",
        "init",
        "status",
        "export",
        "report",
        "doctor",
        "verify",
        "sandbox",
        "completions",
        "man",
    ];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&["completions", shell]).expect(0).stdout;
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}: {script}");
        assert!(script.contains("idempotency-window"), "{shell}: {script}");
    }
    let misspelt = folder.run(&["completions", "bahs"]).expect(2);
    assert!(misspelt.stderr.contains("'bash'"), "{}", misspelt.stderr);
    assert!(folder.run(&["man"]).expect(0).stdout.contains(".TH connect-import 1"));
    folder.run(&["man", "--to", "made/man1"]).expect(0);
    let mut pages: Vec<String> = std::fs::read_dir(folder.path("made/man1"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut expected: Vec<String> = commands
        .iter()
        .map(|command| format!("connect-import-{command}.1"))
        .chain(["connect-import.1".to_owned()])
        .collect();
    expected.sort();
    assert_eq!(pages, expected);
    assert!(folder.read("made/man1/connect-import-run.1").contains("idempotency"));
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = Folder::new();
    folder.write("completions.bash", folder.run(&["completions", "bash"]).expect(0).stdout);
    let completed = |typed: &str| {
        let line = format!(
            "source completions.bash; COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _connect__import connect-import \"${{COMP_WORDS[COMP_CWORD]}}\" \
             \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let mut bash = std::process::Command::new("bash");
        let output = bash.args(["-c", &line]).current_dir(folder.path("")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(completed("connect-import exp"), "export");
    assert_eq!(completed("connect-import export --jo"), "--job --join");
    assert_eq!(completed("connect-import run --progress p"), "plain");
    assert_eq!(completed("connect-import export --state cr"), "created");
}

#[test]
fn the_version_names_the_commit_that_was_built() {
    let version = Folder::new().run(&["--version"]).expect(0).stdout;
    let number = concat!("connect-import ", env!("CARGO_PKG_VERSION"));
    let commit = version.trim().strip_prefix(number).unwrap();
    if commit.is_empty() {
        return skip_outside_of_the_gate("a test needs a build in the Git repository, and git");
    }
    let commit = commit.strip_prefix(" (").and_then(|commit| commit.strip_suffix(')')).unwrap();
    assert!(commit.len() == 12 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
}
