//! Pipes, sockets, devices, folders and links in the place of files that a command reads or writes: refused with their kind,
//! and never waited for, unless waiting is meant.

use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::process::Command;

use crate::export::{export, imported};
use crate::support::*;

/// A folder with a file of each kind, and the listener of the socket.
fn kinds(folder: &Folder) -> std::os::unix::net::UnixListener {
    let made = Command::new("mkfifo").args([folder.path("pipe"), folder.path("pipe.csv")]).status().unwrap();
    assert!(made.success());
    symlink("pipe", folder.path("link")).unwrap();
    symlink("circle", folder.path("circle")).unwrap();
    symlink("nowhere", folder.path("dangling")).unwrap();
    std::fs::create_dir(folder.path("folder")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap()
}

const OUTPUTS: [(&str, &str); 11] = [
    ("pipe", "a pipe"),
    ("link", "a pipe"),
    ("socket", "a socket"),
    ("folder", "a directory"),
    ("dangling", "a link to a missing file"),
    ("circle", "a link that leads to itself"),
    ("/dev/zero", "a device"),
    ("/dev/full", "a device"),
    ("/dev/tty", "a device"),
    ("/dev/fd/63", "an open file of this process"),
    ("/proc/self/environ", "an open file of this process"),
];

#[test]
fn every_output_option_refuses_what_is_no_ordinary_file() {
    let (folder, sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    let _listener = kinds(&folder);
    let url = sandbox.url();
    let run = import(&url, &[]);
    let rehearsal = vec!["run", "t.csv", "--key", "id", "--sandbox", "--ledger", "r.sandbox.ledger.db"];
    let commands: [(&str, Vec<&str>); 8] = [
        ("--rejects", run.clone()),
        ("--metrics-file", run.clone()),
        ("--log-file", run),
        ("--keep", rehearsal),
        ("--to", export(&[])),
        ("--to", vec!["report", "--ledger", "t.ledger.db"]),
        ("--port-file", vec!["sandbox"]),
        ("--state", vec!["sandbox"]),
    ];
    for (option, command) in commands {
        for (path, what) in OUTPUTS {
            let ended = folder.run(&[&command[..], &[option, path]].concat()).expect(2);
            let expected = format!("{option} names {path}, which is {what}; name an ordinary file");
            assert!(ended.stderr.contains(&expected), "{command:?} {option} {path}: {}", ended.stderr);
            let offers_stdout = ended.stderr.contains(", or - for standard output");
            assert_eq!(offers_stdout, option == "--to", "{}", ended.stderr);
        }
    }
    assert!(folder.path("pipe").metadata().unwrap().file_type().is_fifo());
    assert!(!folder.path("r.sandbox.ledger.db").exists());
}

#[test]
fn settings_that_are_pipes_sockets_or_devices_are_refused_and_not_waited_for() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let _listener = kinds(&folder);
    let url = "http://0.0.0.0:9";
    const NOWHERE: &str = "http://127.0.0.1:9";
    for path in ["pipe", "link", "socket", "/dev/zero"] {
        let what = OUTPUTS.iter().find(|(name, _)| *name == path).unwrap().1;
        let full = folder.path(path).display().to_string();
        let refused = |variables: &[(&str, &str)], more: &[&str], code: i32| {
            let mut command = folder.command(&run_signed(url, more));
            // Nothing is sent, and no name is looked up if the test fails.
            command.env("AWS_ENDPOINT_URL_STS", NOWHERE).envs(variables.iter().copied());
            let stderr = Ended::from(command.output().unwrap()).expect(code).stderr;
            assert!(stderr.contains(what), "{path} {variables:?} {more:?}: {stderr}");
        };
        refused(&[], &["--ca-bundle", path], 2);
        for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            refused(&[(name, &full)], &[], 2);
        }
        // The run has a ledger by then, and ends before its first request.
        let role = ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Import");
        let token = ("AWS_WEB_IDENTITY_TOKEN_FILE", full.as_str());
        let mut command = folder.command(&run_signed(url, &["--yes"]));
        command.envs([role, token, ("AWS_ENDPOINT_URL_STS", NOWHERE)]);
        let stderr = Ended::from(command.output().unwrap()).expect(7).stderr;
        let expected = format!("AWS_WEB_IDENTITY_TOKEN_FILE names {full}, which is {what}");
        assert!(stderr.contains(&expected), "{stderr}");
        std::fs::write(
            folder.path("config"),
            format!("[default]\nrole_arn = {}\nweb_identity_token_file = {full}\n", role.1),
        )
        .unwrap();
        let mut command = folder.command(&run_signed(url, &["--yes"]));
        command.env("AWS_CONFIG_FILE", folder.path("config")).env("AWS_ENDPOINT_URL_STS", NOWHERE);
        let stderr = Ended::from(command.output().unwrap()).expect(7).stderr;
        let expected = format!("web_identity_token_file names {full}, which is {what}");
        assert!(stderr.contains(&expected), "{stderr}");
    }
    // An empty file for people who want no settings.
    let mut command = folder.command(&["doctor", "--sandbox", "--ledger", "d.db"]);
    command.envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
    Ended::from(command.output().unwrap()).expect(0);
}

#[test]
fn inputs_that_have_no_end_are_refused_with_their_kind() {
    let folder = Folder::new();
    let _listener = kinds(&folder);
    for command in ["run", "check", "doctor", "init"] {
        for (path, what) in [("socket", "a socket"), ("/dev/zero", "a device"), ("folder", "a directory")] {
            let more: &[&str] = if command == "init" { &[] } else { &["--key", "id", "--sandbox"] };
            let ended = folder.run(&[&[command, path][..], more].concat());
            let text = format!("{}{}", ended.stdout, ended.stderr);
            assert!(text.contains(&format!("{path} is {what}")), "{command} {path}: {text}");
            assert!(matches!(ended.code, Some(1 | 2)), "{command} {path}: {:?}", ended.code);
        }
    }
    // A pipe is read once, and these read more than once, or nothing.
    let refused = folder.run(&["init", "pipe.csv"]).expect(2).stderr;
    assert!(refused.contains("init reads a CSV several times, and pipe.csv is a pipe"), "{refused}");
    folder.run(&["doctor", "pipe.csv", "--key", "id", "--sandbox"]);
    let refused = folder.run(&["check", "t.csv", "--job", "/dev/zero"]).expect(2).stderr;
    assert!(refused.contains("it is larger than 16 MiB"), "{refused}");
}

#[test]
fn a_csv_and_a_job_file_may_be_pipes() {
    let folder = Folder::new();
    let _listener = kinds(&folder);
    let running = folder.start(&["check", "pipe.csv", "--job", "pipe", "--sandbox"]);
    folder.write("pipe", "[source]\nkey = [\"id\"]\n");
    folder.write("pipe.csv", numbered_csv(3));
    running.end().expect(0);
}

#[test]
fn a_ledger_is_found_beside_pipes_of_such_names() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    assert!(Command::new("mkfifo").arg(folder.path("other.ledger.db")).status().unwrap().success());
    let ended =
        folder.run(&run_signed("http://127.0.0.1:9", &["--ledger", "own.ledger.db", "--no-sign-request"]));
    assert!(!ended.stderr.contains("other.ledger.db"), "{}", ended.stderr);
    assert!(folder.path("own.ledger.db").exists());
}
