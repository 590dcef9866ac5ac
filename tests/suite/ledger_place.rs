//! Where a ledger may be: its path, the files beside it and what is mounted there are judged before anything is made.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::*;

/// Every path in a folder, with the content of the ordinary files. Without empty logs, which readers of a ledger leave.
fn content(folder: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(content(&path));
        }
        let bytes = metadata.is_file().then(|| std::fs::read(&path).unwrap());
        let name = path.to_string_lossy().into_owned();
        if !(name.ends_with("-wal") && bytes.as_ref().is_some_and(Vec::is_empty)) {
            found.push((name, bytes));
        }
    }
    found.sort();
    found
}

/// The end of a command that must not wait for anything.
fn ended(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut running = folder.start(arguments);
    until(&format!("{arguments:?} ends"), || running.is_over());
    running.end()
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Expects that `run`, `check` and `doctor` refuse the ledger for this reason, and change nothing.
fn expect_refused(folder: &Folder, ledger: &str, reason: &str) {
    let before = content(&folder.path(""));
    // Nothing answers there: a refused run sends nothing.
    let url = "http://127.0.0.1:9";
    let run = ended(folder, &import(url, &["--ledger", ledger])).expect(2);
    assert!(run.stderr.contains(reason), "{ledger}: {}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    let error = run.stderr.trim_end().trim_start_matches("error: ");
    let check = ended(folder, &["check", "t.csv", "--key", "id", "--sandbox", "--ledger", ledger]).expect(2);
    assert!(check.stderr.contains(error), "{}", check.stderr);
    let doctor =
        ended(folder, &["doctor", "--sandbox", "t.csv", "--key", "id", "--ledger", ledger]).expect(2);
    let line = doctor.stdout.lines().find(|line| line.starts_with("fail  ledger"));
    assert!(line.is_some_and(|line| line.contains(error)), "{}", doctor.stdout);
    assert_eq!(content(&folder.path("")), before, "{ledger}");
}

/// Expects that the commands that read a ledger refuse it for this reason.
fn expect_unreadable(folder: &Folder, ledger: &str, reason: &str) {
    let before = content(&folder.path(""));
    for command in ["status", "export", "report"] {
        // Without --to a report would be beside the ledger, and its own place is judged first.
        let to: &[&str] = if command == "report" { &["--to", "report.html"] } else { &[] };
        let refused = ended(folder, &[&[command, "--ledger", ledger], to].concat()).expect(2);
        assert!(refused.stderr.contains(reason), "{command}: {}", refused.stderr);
    }
    let url = "http://127.0.0.1:9";
    let verify = ["verify", "--sandbox", "t.csv", "--key", "id", "--endpoint-url", url, "--ledger", ledger];
    let verify = ended(folder, &verify).expect(2);
    assert!(verify.stderr.contains(reason), "{}", verify.stderr);
    assert_eq!(content(&folder.path("")), before, "{ledger}");
}

#[test]
fn a_path_that_is_no_ledgers_is_refused_before_anything_is_made_beside_it() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.write("tickets.csv", "a,b\n".repeat(1000));
    folder.write("short", "x");
    std::fs::create_dir(folder.path("folder")).unwrap();
    make_pipe(&folder.path("pipe"));
    let _socket = UnixListener::bind(folder.path("socket")).unwrap();
    symlink("pipe", folder.path("to-pipe")).unwrap();
    symlink("circle", folder.path("circle")).unwrap();
    symlink("/dev/null", folder.path("to-device")).unwrap();
    let long_name = "n".repeat(240);
    let long_path = format!("{}x.db", "folder/../".repeat(60));
    let deep = format!("{}/x.db", ["d".repeat(200), "d".repeat(200), "d".repeat(90)].join("/"));
    std::fs::create_dir_all(folder.path(&deep).parent().unwrap()).unwrap();
    let named = [
        ("folder", "it is a directory; name a file with --ledger"),
        ("folder/", "it is a directory; name a file with --ledger"),
        ("..", "it is a directory; name a file with --ledger"),
        ("pipe", "it is a pipe; name a file with --ledger"),
        ("to-pipe", "it is a pipe; name a file with --ledger"),
        ("socket", "it is a socket; name a file with --ledger"),
        ("/dev/null", "it is a device; name a file with --ledger"),
        ("to-device", "it is a device; name a file with --ledger"),
        (
            "-",
            "a ledger is a file, and neither standard input nor standard output; name a file with --ledger",
        ),
        ("circle", "its symbolic links lead in a circle; name a file with --ledger"),
        ("t.csv/x.db", "t.csv is no directory; name a file with --ledger"),
        ("t.csv/a/x.db", "t.csv is no directory; name a file with --ledger"),
        ("t.csv/", "its name ends in a slash, as a directory's does; name a file with --ledger"),
        ("new.db/", "its name ends in a slash, as a directory's does; name a file with --ledger"),
        ("tickets.csv/.", "its name ends in a slash, as a directory's does; name a file with --ledger"),
    ];
    for (ledger, reason) in named {
        expect_refused(&folder, ledger, reason);
        expect_unreadable(&folder, ledger, reason);
    }
    expect_refused(&folder, "missing/x.db", "missing does not exist; create it with mkdir -p ");
    expect_refused(&folder, "missing/deeper/x.db", "missing/deeper does not exist; create it with mkdir -p ");
    expect_refused(&folder, &long_name, "its name is too long for the file system, or would be");
    expect_refused(&folder, &"n".repeat(300), "its name is too long for the file system");
    expect_refused(&folder, &deep, "and SQLite opens a ledger there of up to 484; name a shorter one");
    for ledger in ["tickets.csv", "short", "t.csv"] {
        let before = content(&folder.path(""));
        let reason = "is not a ledger of connect-import, or its header is damaged";
        let run = ended(&folder, &import("http://127.0.0.1:9", &["--ledger", ledger])).expect(2);
        assert!(run.stderr.contains(reason), "{ledger}: {}", run.stderr);
        assert_eq!(content(&folder.path("")), before);
        for command in ["status", "export"] {
            let refused = folder.run(&[command, "--ledger", ledger]).expect(2);
            assert!(refused.stderr.contains(reason), "{}", refused.stderr);
        }
    }
    // What is judged is where the path leads.
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &["--ledger", &long_path])).expect(0);
    assert_eq!(folder.states("x.db"), "created 2");
}

#[test]
fn a_lock_file_of_another_program_is_left_unchanged() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let gems = "GEM\n  remote: https://rubygems.org/\n";
    for (ledger, text) in [
        ("Gemfile", gems.to_owned()),
        ("yarn", "\n".to_owned()),
        ("poetry", "0".to_owned()),
        // It only begins as ours does.
        ("flake", "lock file of a connect-import ledgers".to_owned()),
        ("image", "\0".repeat(8192)),
    ] {
        let lock = format!("{ledger}.lock");
        folder.write(&lock, &text);
        let reason =
            format!("{lock}, which is another program's file and is left unchanged; name another ledger");
        expect_refused(&folder, ledger, &reason);
    }
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    // A file that was left empty, cut or zeroed at a power failure is the ledger's.
    for (ledger, text) in [
        ("a", ""),
        ("b", "lock file of a conn"),
        ("c", "\0\0\0\0\0\0\0"),
        ("d", "lock file of a connect-import ledger\n"),
    ] {
        folder.write(&format!("{ledger}.lock"), text);
        folder.run(&import(&url, &["--ledger", ledger, "--namespace", ledger])).expect(0);
        folder.run(&["status", "--ledger", ledger]).expect(0);
    }
    // Beside a ledger that exists, and for its readers.
    folder.write("a.lock", gems);
    expect_refused(&folder, "a", "a.lock, which is another program's file");
    expect_unreadable(&folder, "a", "a.lock, which is another program's file");
    // The remedy.
    std::fs::rename(folder.path("a.lock"), folder.path("Gemfile.lock")).unwrap();
    folder.run(&import(&url, &["--ledger", "a", "--namespace", "a"])).expect(0);
    assert_eq!(folder.read("Gemfile.lock"), gems);
    assert_eq!(endpoint.requests().len(), 8);
}

#[test]
fn special_and_foreign_files_beside_a_ledger_are_left_unchanged() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.write("precious", "precious\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &["--ledger", "old.db"])).expect(0);
    let files = [
        (".lock", "lock file"),
        ("-wal", "write-ahead log"),
        ("-shm", "index of the log"),
        ("-journal", "rollback journal"),
        (".connect-import-part", "first form"),
        (".connect-import-part-journal", "journal of its creation"),
    ];
    for ledger in ["old.db", "new.db"] {
        for (suffix, name) in files {
            let is_of_creation = suffix.contains("part");
            if is_of_creation && ledger == "old.db" {
                continue;
            }
            let path = folder.path(&format!("{ledger}{suffix}"));
            let aside = folder.path("aside");
            let had_file = std::fs::rename(&path, &aside).is_ok();
            let belongs =
                format!("and the ledger's {name} belongs there; move it away, or name another ledger");
            let expect = |kind: &str, is_read: bool| {
                let reason = format!("{ledger}{suffix} is {kind}, {belongs}");
                expect_refused(&folder, ledger, &reason);
                if is_read && ledger == "old.db" {
                    expect_unreadable(&folder, ledger, &reason);
                }
            };
            std::fs::create_dir(&path).unwrap();
            expect("a directory", true);
            std::fs::remove_dir(&path).unwrap();
            make_pipe(&path);
            expect("a pipe", true);
            std::fs::remove_file(&path).unwrap();
            let socket = UnixListener::bind(&path).unwrap();
            expect("a socket", true);
            drop(socket);
            std::fs::remove_file(&path).unwrap();
            for target in ["precious", "nowhere", "/dev/null"] {
                symlink(target, &path).unwrap();
                // Readers do without an index that SQLite cannot open.
                expect("a symbolic link", suffix != "-shm");
                std::fs::remove_file(&path).unwrap();
            }
            // SQLite replaces what is no index beside a ledger.
            if matches!(suffix, "-wal" | "-journal") || (suffix, ledger) == ("-shm", "new.db") {
                std::fs::write(&path, "precious").unwrap();
                let reason = format!(
                    "its {name} would be {}, which is another program's file",
                    path.canonicalize().unwrap().to_string_lossy()
                );
                expect_refused(&folder, ledger, &reason);
                std::fs::remove_file(&path).unwrap();
            }
            if had_file {
                std::fs::rename(&aside, &path).unwrap();
            }
        }
    }
    assert_eq!(folder.read("precious"), "precious\n");
    folder.run(&import(&endpoint.url(), &["--ledger", "old.db"])).expect(0);
    assert_eq!(endpoint.requests().len(), 2);
}

/// A command of the binary in a mount namespace of its own, after `mounts` were made. `None` where the system allows no
/// namespace to this user.
fn in_namespace(folder: &Folder, mounts: &str, arguments: &[&str]) -> Option<Command> {
    // As root without a user namespace, which some systems forbid to everyone.
    let options = ["-m", "-Urm"].into_iter().find(|options| {
        let probe = format!("{mounts}\ntrue");
        let mut unshare = Command::new("unshare");
        unshare.args([options, "sh", "-euc", &probe]).current_dir(folder.path("")).stderr(Stdio::null());
        // Of util-linux, which every distribution installs.
        unshare.status().unwrap().success()
    })?;
    let script = format!("{mounts}\nexec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args([options, "sh", "-euc", &script, env!("CARGO_BIN_EXE_connect-import")]).args(arguments);
    command.current_dir(folder.path("")).stdin(Stdio::null());
    Some(command)
}

/// A namespace where the system forbids one is no failure of this program.
fn ended_in_namespace(folder: &Folder, mounts: &str, arguments: &[&str]) -> Option<Ended> {
    let mut command = in_namespace(folder, mounts, arguments)?;
    Some(Ended::from(command.output().unwrap()))
}

#[cfg(target_os = "linux")]
#[test]
fn a_ledger_that_is_a_mount_point_of_its_own_is_refused_and_one_in_a_mounted_folder_is_not() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(0);
    std::fs::create_dir_all(folder.path("data")).unwrap();
    std::fs::create_dir_all(folder.path("all data")).unwrap();
    std::fs::create_dir_all(folder.path("made/by an engine")).unwrap();
    for name in ["data/t.db", "all data/a b.db", "fresh.db", "new.db-wal", "empty"] {
        folder.write(name, "");
    }
    symlink("data/t.db", folder.path("link.db")).unwrap();
    let before = content(&folder.path(""));
    let bind = "mount --bind t.ledger.db data/t.db; mount --bind t.ledger.db 'all data/a b.db'; \
                mount --bind empty fresh.db; mount --bind empty new.db-wal; mount --bind data 'made/by an engine'";
    let of_file = "cannot be used: it is mounted by itself (a bind mount of a file)";
    let mut is_tried = false;
    for (ledger, reason) in [
        ("data/t.db", of_file),
        ("all data/a b.db", of_file),
        ("link.db", of_file),
        ("data/../link.db", of_file),
        ("fresh.db", of_file),
        ("new.db", "new.db-wal, the ledger's write-ahead log, is mounted by itself"),
        (
            "made/by an engine",
            "it is a directory that something is mounted on; mount the directory that is to hold",
        ),
    ] {
        let run = import(&url, &["--ledger", ledger]);
        let check = ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", ledger];
        let status = ["status", "--ledger", ledger];
        let export = ["export", "--ledger", ledger];
        for command in [&run[..], &check, &status, &export] {
            if ledger == "new.db" && matches!(command[0], "status" | "export") {
                continue;
            }
            let Some(ended) = ended_in_namespace(&folder, bind, command) else {
                continue;
            };
            is_tried = true;
            let ended = ended.expect(2);
            assert!(ended.stderr.contains(reason), "{command:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("; mount the directory that"), "{}", ended.stderr);
        }
        let doctor = ["doctor", "--sandbox", "t.csv", "--key", "id", "--ledger", ledger];
        if let Some(ended) = ended_in_namespace(&folder, bind, &doctor) {
            assert!(ended.expect(2).stdout.contains(reason), "{ledger}");
        }
    }
    assert_eq!(content(&folder.path("")), before);
    if !is_tried {
        eprintln!("skipped: the system allows this user no mount namespace");
        return;
    }
    // The remedy: the folder is mounted, and the ledger is the same one.
    let mounted = "mkdir -p elsewhere; mount --bind . elsewhere; cd elsewhere";
    let run = import(&url, &["--ledger", "t.ledger.db"]);
    ended_in_namespace(&folder, mounted, &run).unwrap().expect(0);
    assert_eq!(endpoint.requests().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn the_names_of_a_folder_share_the_lock_of_a_ledger() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    std::fs::create_dir(folder.path("real")).unwrap();
    std::fs::create_dir(folder.path("mounted")).unwrap();
    symlink("real", folder.path("link")).unwrap();
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let run = |ledger| [&import(&url, &["--read-timeout", "10m"])[..], &["--ledger", ledger]].concat();
    let bind = "mount --bind real mounted";
    let first = folder.start(&run("link/x.db"));
    until("a request is in flight", || endpoint.requests().len() == 1);
    for ledger in ["real/x.db", "link/x.db", "link/../real/x.db"] {
        folder.run(&run(ledger)).expect(11);
    }
    match ended_in_namespace(&folder, bind, &run("mounted/x.db")) {
        Some(ended) => {
            ended.expect(11);
            let status = ["status", "--ledger", "mounted/x.db", "--output", "json"];
            let status = ended_in_namespace(&folder, bind, &status).unwrap().expect(0).stdout;
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            assert_eq!((&status["running"], &status["rows"]["in_flight"]), (&true.into(), &1.into()));
        }
        None => eprintln!("skipped: the system allows this user no mount namespace"),
    }
    drop(first);
    assert_eq!(endpoint.requests().len(), 1);
}
