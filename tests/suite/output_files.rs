//! Output files are ordinary files: which of those that exist a command replaces, and which only with `--force`.

use std::io::Write as _;

use crate::export::{columns, export, imported};
use crate::support::*;

#[test]
fn a_ledger_the_job_file_and_an_input_are_never_replaced() {
    let (folder, _sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write(
        "job.toml",
        "request = \"skeleton.json\"\n[source]\nfiles = [\"t.csv\", \"more-*.csv\"]\n[run]\nledger = \"t.ledger.db\"\n",
    );
    folder.write("skeleton.json", "{\"Name\": \"{{ name }}\"}");
    folder.write("u.csv", "id\nK0\n");
    std::os::unix::fs::symlink("t.csv", folder.path("link.csv")).unwrap();
    std::os::unix::fs::symlink("missing.csv", folder.path("broken.csv")).unwrap();
    for name in ["another-name", "j.2-of-4.sandbox.ledger.db"] {
        std::fs::copy(folder.path("t.ledger.db"), folder.path(name)).unwrap();
    }
    let files = ["t.csv", "job.toml", "skeleton.json", "u.csv"];
    let before = files.map(|name| folder.read(name));
    let ledger = std::fs::read(folder.path("another-name")).unwrap();
    const LEDGER: &str = "which is a ledger or a file of one and is never replaced";
    const INPUT: &str = "which is an input of the job and is never replaced";
    for (to, reason) in [
        ("t.ledger.db", LEDGER),
        ("t.ledger.db-wal", LEDGER),
        ("t.ledger.db.lock", LEDGER),
        ("another-name", LEDGER),
        ("another-name-journal", LEDGER),
        ("j.2-of-4.sandbox.ledger.db", LEDGER),
        ("of-no-run.ledger.db", LEDGER),
        ("./job.toml", "which is the job file or the skeleton"),
        ("skeleton.json", "which is the job file or the skeleton"),
        ("t.csv", INPUT),
        ("link.csv", INPUT),
        ("u.csv", INPUT),
        ("more-1.csv", INPUT),
        ("folder", "which is a directory"),
        ("/dev/null", "which is a device"),
        ("/dev/stdout", "which is an open file of this process"),
        ("broken.csv", "which is a link to a missing file"),
    ] {
        let arguments = ["export", "--job", "job.toml", "--join", "u.csv", "--force", "--to", to];
        let ended = folder.run(&arguments).expect(2);
        assert!(ended.stderr.contains(reason), "{to}: {}", ended.stderr);
    }
    // Only the ledger names this input.
    let ended = folder.run(&export(&["--force", "--to", "t.csv"])).expect(2);
    assert!(ended.stderr.contains("which is an input of the ledger"), "{}", ended.stderr);
    assert_eq!(files.map(|name| folder.read(name)), before);
    assert_eq!(std::fs::read(folder.path("another-name")).unwrap(), ledger);
    assert!(folder.path("broken.csv").is_symlink());
    assert_eq!(folder.states("t.ledger.db"), "created 1");
}

#[test]
fn an_existing_file_of_another_origin_is_replaced_only_with_force() {
    let (folder, sandbox) =
        imported(&format!("{}K9,{}\n", numbered_csv(2), "x".repeat(1025)), &["--key", "id"]);
    let url = sandbox.url();
    let run = import(&url, &[]);
    let commands: [(&str, Vec<&str>); 4] = [
        ("--to", export(&[])),
        ("--to", vec!["report", "--ledger", "t.ledger.db"]),
        ("--rejects", run.clone()),
        ("--metrics-file", run),
    ];
    for (option, command) in commands {
        let into = |more: &[&str]| folder.run(&[&command[..], &[option, "out"], more].concat());
        folder.write("out", "precious");
        let refused = into(&[]).expect(2);
        assert!(refused.stderr.contains("out exists and is not a"), "{option}: {}", refused.stderr);
        let remedy = format!("use --force to replace it, or name another file with {option}");
        assert!(refused.stderr.contains(&remedy), "{option}: {}", refused.stderr);
        assert_eq!(folder.read("out"), "precious");
        let code = into(&["--force"]).code;
        assert!(code == Some(0) || code == Some(1), "{option}: {code:?}");
        let written = folder.read("out");
        assert!(!written.contains("precious") && !written.is_empty(), "{option}: {written}");
        // A command that runs every night replaces its own output, and an empty file.
        assert_eq!(into(&[]).code, code, "{option}");
        folder.write("out", "");
        assert_eq!(into(&[]).code, code, "{option}");
        assert!(!folder.read("out").is_empty(), "{option}");
    }
    // An output of another kind counts as a file of another origin.
    folder.run(&export(&["--to", "kind.csv"])).expect(0);
    folder.run(&[&["report", "--ledger", "t.ledger.db"][..], &["--to", "kind.csv"]].concat()).expect(2);
}

#[test]
fn an_export_of_any_format_replaces_an_earlier_export() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    for more in
        [&[][..], &["--output", "json"], &["--join", "t.csv"], &["--join", "t.csv", "--output", "json"]]
    {
        let to = export(&[more, &["--to", "out"]].concat());
        folder.run(&to).expect(0);
        folder.run(&to).expect(0);
    }
}

#[test]
fn the_variable_force_replaces_an_existing_file() {
    let (folder, _sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    folder.write("notes.txt", "precious");
    let mut command = folder.command(&export(&["--to", "notes.txt"]));
    Ended::from(command.env("CONNECT_IMPORT_FORCE", "true").output().unwrap()).expect(0);
    assert!(folder.read("notes.txt").starts_with("file,line,"));
}

/// Names of incomplete output files.
fn parts(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".connect-import-part")).collect()
}

/// An export to `out.csv` that waits for the rest of a CSV, and the pipe for that rest.
fn waiting_export(folder: &Folder) -> (Running, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = folder.command(&export(&["--join", "-", "--to", "out.csv"]));
    let running = Running::of(
        command.stdin(reader).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()),
    );
    // More rows than the export reads to detect the dialect of the CSV.
    let rows: String = (2..50_000).map(|row| format!("K{row},of no ledger\n")).collect();
    writer.write_all(format!("id,Name\nK0,a\n{rows}").as_bytes()).unwrap();
    until("an incomplete file exists", || !parts(folder).is_empty());
    (running, writer)
}

#[test]
fn the_last_of_two_concurrent_exports_to_one_file_replaces_the_other() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let (running, mut writer) = waiting_export(&folder);
    folder.run(&export(&["--to", "out.csv"])).expect(0);
    assert_eq!(columns(&folder.read("out.csv"), &["key", "state"]), ["K0|created", "K1|created"]);
    writer.write_all(b"K1,b\n").unwrap();
    drop(writer);
    running.end().expect(0);
    let written = columns(&folder.read("out.csv"), &["id", "_state"]);
    assert_eq!([&*written[0], &written[1], &written[49_999]], ["K0|created", "K2|", "K1|created"]);
    assert!(parts(&folder).is_empty());
}

#[test]
fn an_interrupted_export_leaves_no_file() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let (running, writer) = waiting_export(&folder);
    running.signal("INT");
    let ended = running.end().expect(130);
    assert!(ended.stderr.contains("the export is not complete"), "{}", ended.stderr);
    drop(writer);
    assert!(!folder.path("out.csv").exists() && parts(&folder).is_empty());
}

#[test]
fn a_killed_export_leaves_a_private_file_and_the_next_export_succeeds() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let (running, writer) = waiting_export(&folder);
    running.signal("KILL");
    running.end();
    drop(writer);
    let left = parts(&folder);
    assert!(left.len() == 1 && left[0].starts_with("out.csv."), "{left:?}");
    assert!(crate::consistency::is_private(&folder, &left[0]) && !folder.path("out.csv").exists());
    folder.run(&export(&["--to", "out.csv"])).expect(0);
    assert_eq!(columns(&folder.read("out.csv"), &["key"]), ["K0", "K1"]);
}

#[test]
fn an_export_writes_errors_to_standard_error_and_not_between_rows() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    folder.write("u.csv", b"id,Name\nK0,a\nK1,\xff\n");
    let ended = folder.run(&export(&["--join", "u.csv", "--output", "json"])).expect(2);
    assert!(ended.stderr.contains("u.csv, line 3"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("message_type"), "{}", ended.stdout);
}

#[test]
fn a_port_file_and_manual_pages_replace_their_own_kind_only() {
    let folder = Folder::new();
    folder.write("port", "precious");
    let refused = folder.run(&["sandbox", "--port-file", "port"]).expect(2).stderr;
    assert!(refused.contains("move it away, or name another file with --port-file"), "{refused}");
    assert_eq!(folder.read("port"), "precious");
    // A sandbox replaces the port of an earlier one.
    folder.write("port", "1\n");
    let sandbox = folder.start(&["sandbox", "--port-file", "port"]);
    until("the port is written", || folder.read("port") != "1\n");
    drop(sandbox);

    folder.run(&["man", "--to", "pages"]).expect(0);
    folder.run(&["man", "--to", "pages"]).expect(0);
    folder.write("pages/connect-import-run.1", "precious");
    let refused = folder.run(&["man", "--to", "pages"]).expect(2).stderr;
    assert!(refused.contains("connect-import-run.1 exists and is not a manual page"), "{refused}");
    assert_eq!(folder.read("pages/connect-import-run.1"), "precious");
}

#[test]
fn a_dash_is_standard_output_or_refused_and_never_a_file_of_that_name() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let run = ["run", "t.csv", "--sandbox", "--rate", "1000", "--key", "id"];
    let with = |command: &[&str], option: &str| folder.run(&[command, &[option, "-"]].concat());
    for (command, option) in [
        (&run[..], "--rejects"),
        (&run, "--metrics-file"),
        (&run, "--keep"),
        (&run, "--ledger"),
        (&["sandbox"], "--port-file"),
        (&["sandbox"], "--state"),
        (&["init", "t.csv"], "--job"),
    ] {
        let refused = with(command, option).expect(2).stderr;
        assert!(refused.contains("standard") && refused.contains(option), "{option}: {refused}");
    }
    folder.run(&run).expect(0);
    let read = ["--ledger", "t.sandbox.ledger.db"];
    assert!(with(&[&["export"], &read[..]].concat(), "--to").expect(0).stdout.starts_with("file,line,"));
    assert!(with(&[&["report"], &read[..]].concat(), "--to").expect(0).stdout.starts_with("<!"));
    assert!(with(&["man"], "--to").expect(0).stdout.contains("connect\\-import"));
    assert!(!folder.path("-").exists());
}

#[test]
fn an_output_that_is_no_ordinary_file_is_refused_before_anything_is_done() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    std::fs::create_dir(folder.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path("pipe.csv")).status().unwrap().success());
    std::os::unix::fs::symlink("pipe.csv", folder.path("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
    let kinds = [
        ("pipe.csv", "a pipe"),
        ("link", "a pipe"),
        ("folder", "a directory"),
        ("socket", "a socket"),
        ("/dev/null", "a device"),
        ("/dev/stdout", "an open file of this process"),
        ("-", "standard output"),
    ];
    let url = "http://127.0.0.1:9";
    for (path, what) in kinds {
        let expected =
            |option: &str| format!("{option} names {path}, which is {what}; name an ordinary file");
        for option in ["--rejects", "--metrics-file"] {
            let ended = folder.run(&import(url, &[option, path, "--force"])).expect(2);
            assert!(ended.stderr.contains(&expected(option)), "{}", ended.stderr);
        }
        for option in ["--port-file", "--state"] {
            let ended = folder.run(&["sandbox", option, path]).expect(2);
            assert!(ended.stderr.contains(&expected(option)), "{}", ended.stderr);
        }
        let ended = folder.run(&["init", "t.csv", "--job", path]).expect(2);
        assert!(ended.stderr.contains(&expected("--job")), "{}", ended.stderr);
    }
    // Also a pipe that a pattern of inputs matches, which is not opened.
    let ended = folder.run(&import_file("[pt]*.csv", url, &["--rejects", "pipe.csv"])).expect(2);
    assert!(ended.stderr.contains("which is a pipe"), "{}", ended.stderr);
    std::fs::rename(folder.path("pipe.csv"), folder.path("folder/connect-import.1")).unwrap();
    let ended = folder.run(&["man", "--to", "folder"]).expect(2);
    assert!(ended.stderr.contains("connect-import.1, which is a pipe"), "{}", ended.stderr);
    assert!(!folder.path("t.ledger.db").exists() && !folder.path("t.toml").exists());
}
