//! What `doctor` finds of the disk and the file system of a ledger.

use crate::doctor::{diagnosis, doctor, verdicts};
use crate::support::*;

fn names_in(folder: &Folder, path: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder.path(path)).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_folder_of_the_ledger_is_tried_during_a_run_and_nothing_is_left_there() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("the requests are in flight", || endpoint.requests().len() == 2);
    let before = names_in(&folder, "");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&doctor(&sandbox.url(), &["--output", "json"])).expect(0);
    assert!(verdicts(&ended).contains(&"ledger warn".to_owned()), "{}", ended.stdout);
    assert!(!verdicts(&ended).contains(&"file system fail".to_owned()), "{}", ended.stdout);
    assert!(!names_in(&folder, "").iter().any(|name| name.contains(".doctor")), "{before:?}");
    // The run has noticed nothing.
    running.signal("KILL");
    running.end();
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
}

/// `doctor` with the ledger in the folder `m`, on which this mounts a disk in a namespace of its own. `after` runs on the disk
/// afterwards. `None` where the system does not allow mounts.
fn doctor_on(folder: &Folder, mount: &str, url: &str, after: &str) -> Option<std::process::Output> {
    std::fs::create_dir_all(folder.path("m")).unwrap();
    let in_namespace = |script: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command.args([
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            env!("CARGO_BIN_EXE_connect-import"),
        ]);
        command.args(arguments).current_dir(folder.path("")).output()
    };
    if !in_namespace(mount, &[]).is_ok_and(|output| output.status.success()) {
        return None;
    }
    let script = format!("{mount} && {{ \"$0\" \"$@\"; code=$?; {after}; exit $code; }}");
    let mut arguments = doctor(url, &["--output", "json"]);
    let at = arguments.iter().position(|word| *word == "t.ledger.db").unwrap();
    arguments[at] = "m/t.ledger.db";
    Some(in_namespace(&script, &arguments).unwrap())
}

#[test]
fn a_disk_that_is_full_read_only_or_in_memory_is_named_and_nothing_is_left_on_it() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let memory = "mount -t tmpfs -o size=64m tmpfs m";
    let cases = [
        (
            "mount -t tmpfs -o size=16k tmpfs m".to_owned(),
            "fail",
            "SQLite cannot commit to a write-ahead log: disk I/O error",
        ),
        (
            format!("{memory} && mount -o remount,ro m"),
            "fail",
            "a file cannot be created: Read-only file system",
        ),
        (memory.to_owned(), "warn", "tmpfs, mounted at "),
    ];
    for (mount, verdict, words) in cases {
        let left = "ls -A m | sed 's/^/left: /'";
        let Some(output) = doctor_on(&folder, &mount, &sandbox.url(), left) else {
            return skip_outside_of_the_gate("a test needs unshare and mount to make disks");
        };
        let ended = Ended::from(output);
        let (lines, left) = ended.stdout.split_once("left: ").unwrap_or((&ended.stdout, ""));
        assert_eq!(left, "", "{mount}");
        let ended = Ended { stdout: lines.to_owned(), ..ended };
        let (found, remedy) = diagnosis(&ended, "file system", verdict);
        assert!(
            found.contains(words)
                && remedy.contains("--ledger")
                && (verdict == "warn" || remedy.contains("free space")),
            "{mount}: {found}; {remedy}"
        );
    }
}
